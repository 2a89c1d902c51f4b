"""Existing annotations of every kind: what their names and boxes mean, and one message a slip."""

import json

import numpy as np
import pandas as pd
import pytest

from avaflow.annotation.existing.boxes import NORMALISED, OF_KEYFRAME
from avaflow.annotation.existing.index import VERSION
from avaflow.annotation.existing.kinds import files_of, read_existing
from avaflow.annotation.existing.names import Names
from avaflow.annotation.existing.tables import project_of_table, write_tables
from avaflow.annotation.labels import labels_of_project
from avaflow.errors import UserError
from avaflow.project.actions import attributes_from_config
from avaflow.tables import TRACKS, Keyframe, empty_table, table_of
from avaflow.times import Second
from avaflow.workflow.fingerprint import read_versions
from workflow_runs import ROOT

ATTRIBUTES = attributes_from_config(
    [
        {"attribute": "head", "options": ["talk", "nod"], "renamed": {"speak": "talk"}},
        {"attribute": "body", "choose": "single", "options": ["stand", "walk"]},
    ]
)
CLIPS = {"a": "train", "class-b": "train", "v": "val"}


def names(**changed):
    return Names(
        **{
            "clips": CLIPS,
            "attributes": ATTRIBUTES,
            "fps": 30,
            "offset": 900,
            "known_as": {"1": "a"},
            "lengths_s": {"a": 10.0},
        }
        | changed
    )


def read(tmp_path, content, name="hand.json", **changed):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_existing([path], names(**changed), 50)


def box(*bbox, action="walk", **more):
    return {"bbox": list(bbox), "action": action, **more}


def said(found, clip="a"):
    return [(b.second, b.corners, b.size, b.actions, b.person) for b in found.boxes[clip]]


# ------------------------------------------------------------------ guides


def test_the_guides_json(tmp_path):
    """One entry per person and action; the same box again is the same person."""
    found = read(
        tmp_path,
        {
            "class-b/0003.jpg": [
                box(100, 50, 200, 300, action="walk"),
                box(350, 60, 180, 280, action="stand"),
                box(100, 50, 200, 300, action="talk"),
            ],
            "a/0003.jpg": [],
        },
        numbering="sequence",
    )
    assert found.clips == ["a", "class-b"]
    assert found.images["a"] == {2: str(tmp_path / "hand.json")}
    assert said(found, "class-b") == [
        (2, (100, 50, 300, 350), OF_KEYFRAME, (1, 4), 0),
        (2, (350, 60, 530, 340), OF_KEYFRAME, (3,), 0),
    ]


def test_csv_lists_of_actions_former_names_splits_and_person_ids(tmp_path):
    text = (
        "\ufefffile,x,y,w,h,action,person_id\r\n"
        "train/a/902.png,10,20,30,40,walk,7\r\n"
        "train/a/902.png,10,20,30,40,speak,7\r\n"
        "a/903,10,20,30,40,nod,\r\n"
        "a/904.jpg,,,,,,\r\n"
    )
    found = read(tmp_path, text, name="hand.csv")
    assert [(b.second, b.actions, b.person) for b in found.boxes["a"]] == [
        (2, (1, 4), 7),
        (3, (2,), 0),
    ]
    assert 4 in found.images["a"]  # an image that shows nobody
    found = read(tmp_path, {"a/902.jpg": [box(1, 2, 3, 4, action=["nod", "talk"])]})
    assert found.boxes["a"][0].actions == (1, 2)


@pytest.mark.parametrize(
    "file",
    [
        *("a_000061.jpg", "folder/a_000061.png", "1_000061.jpg", "a/902.jpg", "train/a/902.mp4"),
        *("a/img_00061.jpg", "rawframes/a/img_00061.jpg", "a/a_902.jpg", "1_0902.jpg"),
    ],
)
def test_names_of_second_two(tmp_path, file):
    assert list(read(tmp_path, {file: []}).images["a"]) == [2]


# ------------------------------------------------------------------ AVA


def test_ava_csv_with_and_without_persons(tmp_path):
    text = "a,0902,0.1,0.2,0.3,0.4,1,5\na,0902,0.1,0.2,0.3,0.4,4,5\n"
    found = read(tmp_path, text, name="train.csv")
    assert said(found) == [(2, (0.1, 0.2, 0.3, 0.4), NORMALISED, (1, 4), 5)]
    found = read(tmp_path, "1,903,0.1,0.2,0.3,0.4,2\r\n", name="v1.csv")
    assert said(found) == [(3, (0.1, 0.2, 0.3, 0.4), NORMALISED, (2,), 0)]


def test_a_row_twice_counts_once_and_is_told(tmp_path):
    row = "a,0902,0.1,0.2,0.3,0.4,1,5\n"
    found = read(tmp_path, row * 2, name="train.csv")
    assert len(found.boxes["a"]) == 1
    assert found.remarks["a"] == ["second 2: 1 of its rows are there twice: taken once"]


# ------------------------------------------------------------------ COCO, Datumaro


def coco(annotation, **image):
    return {
        "images": [{"id": 9, "file_name": "a_000061.jpg", "width": 640, "height": 360, **image}],
        "annotations": [{"id": 1, "image_id": 9, "category_id": 2, "bbox": [10, 20, 30, 40]}]
        if annotation is None
        else [{"image_id": 9, "bbox": [10, 20, 30, 40], **annotation}],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "walk"}],
    }


@pytest.mark.parametrize(
    ("annotation", "actions", "person"),
    [
        (None, (4,), 0),
        ({"category_id": 1}, (), 0),
        ({"category_id": 1, "action_ids": [1, 4], "person_id": 3}, (1, 4), 3),
        ({"category_id": 1, "attributes": {"talk": True, "nod": False, "track_id": 8}}, (1,), 8),
        (
            {"category_id": 1, "attributes": {"body": "stand", "head": ["speak", "nod"]}},
            (1, 2, 3),
            0,
        ),
        ({"category_id": 2, "attributes": {"talk": "true", "occluded": True}}, (1, 4), 0),
    ],
)
def test_coco_says_actions_and_persons_in_several_ways(tmp_path, annotation, actions, person):
    found = read(tmp_path, coco(annotation))
    assert said(found) == [(2, (10, 20, 40, 60), (640, 360), actions, person)]


def test_attributes_that_are_no_actions_are_told(tmp_path):
    found = read(tmp_path, coco({"category_id": 2, "attributes": {"weather": "rain"}}))
    assert found.remarks["a"] == [
        f"{tmp_path / 'hand.json'}: attributes that are no actions: weather"
    ]


def test_datumaros_own_form(tmp_path):
    content = {
        "categories": {"label": {"labels": [{"name": "person"}, {"name": "stand"}]}},
        "items": [
            {
                "id": "a_000091",
                "annotations": [
                    {
                        "type": "bbox",
                        "label_id": 1,
                        "bbox": [1, 2, 3, 4],
                        "attributes": {"talk": True, "track_id": 4},
                    }
                ],
                "image": {"path": "a_000091.jpg", "size": [360, 640]},
            }
        ],
    }
    assert said(read(tmp_path, content)) == [(3, (1, 2, 4, 6), (640, 360), (1, 3), 4)]


# ------------------------------------------------------------------ CVAT


def cvat(tracks, task="a", last=299, more=""):
    return (
        f"<annotations><version>1.1</version><meta><task><name>{task}</name>"
        f"<stop_frame>{last}</stop_frame><original_size><width>640</width><height>360</height>"
        f"</original_size></task>{more}</meta>{tracks}</annotations>"
    )


def cvat_box(frame, x, outside=0, body="stand", talk="false"):
    return (
        f'<box frame="{frame}" outside="{outside}" keyframe="1" xtl="{x}" ytl="20" xbr="{x + 30}" '
        f'ybr="60"><attribute name="body">{body}</attribute>'
        f'<attribute name="talk">{talk}</attribute></box>'
    )


def test_cvat_tracks_are_interpolated_and_end(tmp_path):
    """Frames from 0 at 30 a second: boxes on 30 (x 10) and 120 (x 100), gone from 150 on."""
    boxes = cvat_box(30, 10) + cvat_box(120, 100, body="walk", talk="true")
    found = read(
        tmp_path,
        cvat(f'<track id="6" label="person">{boxes}{cvat_box(150, 100, outside=1)}</track>'),
        name="task.xml",
    )
    assert [(b.second, b.corners[0], b.actions, b.person) for b in found.boxes["a"]] == [
        (1, 10, (3,), 7),
        (2, 40, (3,), 7),
        (3, 70, (3,), 7),
        (4, 100, (1, 4), 7),
    ]
    assert {b.size for b in found.boxes["a"]} == {(640, 360)}


def test_cvat_of_another_rate_is_refused_unless_it_is_told(tmp_path):
    text = cvat(f'<track id="0" label="person">{cvat_box(25, 10)}</track>', last=249)
    with pytest.raises(UserError, match=r"counts 250 frames, but clip a has 300 at 30 a second"):
        read(tmp_path, text, name="task.xml")
    found = read(tmp_path, text, name="task.xml", frames_fps=25.0)
    assert [b.second for b in found.boxes["a"]] == [1]


def test_cvat_knows_the_clip_by_its_video_or_the_file(tmp_path):
    track = f'<track id="0" label="person">{cvat_box(30, 10)}</track>'
    source = "<source>videos/a.mp4</source>"
    assert read(tmp_path, cvat(track, "batch 7", more=source), name="x.xml").clips == ["a"]
    assert read(tmp_path, cvat(track, "batch 7"), name="1.xml").clips == ["a"]
    with pytest.raises(UserError, match=r"made of 'batch 7' / 'x.xml', which is no clip"):
        read(tmp_path, cvat(track, "batch 7"), name="x.xml")


def test_cvat_of_images(tmp_path):
    image = (
        '<image id="0" name="a_000061.jpg" width="640" height="360"><box label="walk" xtl="1" '
        'ytl="2" xbr="3" ybr="4"><attribute name="track_id">5</attribute></box></image>'
    )
    found = read(tmp_path, f"<annotations>{image}</annotations>", name="images.xml")
    assert said(found) == [(2, (1, 2, 3, 4), (640, 360), (4,), 5)]


def test_xml_that_could_fill_the_memory_is_refused(tmp_path):
    text = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><annotations>&a;</annotations>'
    with pytest.raises(UserError, match="declares the entity 'a'"):
        read(tmp_path, text, name="task.xml")


# ------------------------------------------------------------------ MOT, YOLO


def test_mot_with_a_csv_of_actions(tmp_path):
    sequence = tmp_path / "mot" / "a" / "gt"
    sequence.mkdir(parents=True)
    rows = "61,3,10,20,30,40,1,1,1\n62,3,11,20,30,40,1,1,1\n91,3,12,20,30,40,1,1,1\n"
    (sequence / "gt.txt").write_text(rows + "121,3,12,20,30,40,0,1,1\n")
    info = "[Sequence]\nname=a\nframeRate=30\nimWidth=640\nimHeight=360\n"
    (sequence.parent / "seqinfo.ini").write_text(info)
    actions = "clip,person_id,start,end,action\na,3,0,2,talk\na,3,2,9,walk\n"
    (tmp_path / "mot" / "actions.csv").write_text(actions)
    found = read_existing(files_of([tmp_path / "mot"]), names(), 50)
    assert said(found) == [
        (2, (10, 20, 40, 60), (640, 360), (1, 4), 3),
        (3, (12, 20, 42, 60), (640, 360), (4,), 3),
    ]
    (tmp_path / "mot" / "actions.csv").write_text(actions + "a,4,2,2,talk\n")
    with pytest.raises(UserError, match="person 4 of clip a"):
        read_existing(files_of([tmp_path / "mot"]), names(), 50)


def test_yolo_with_an_image_of_nobody_and_with_ids(tmp_path):
    (tmp_path / "yolo" / "labels").mkdir(parents=True)
    (tmp_path / "yolo" / "data.yaml").write_text("names: [person, walk, talk]\n")
    files = {"a_000061": "1 0.5 0.5 0.2 0.4 3\n2 0.5 0.5 0.2 0.4 3\n", "a_000091": ""}
    for name, text in files.items():
        (tmp_path / "yolo" / "labels" / f"{name}.txt").write_text(text)
    found = read_existing(files_of([tmp_path / "yolo"]), names(), 50)
    (only,) = found.boxes["a"]
    assert only.corners == pytest.approx((0.4, 0.3, 0.6, 0.7)) and only.size == NORMALISED
    assert (only.second, only.actions, only.person) == (2, (1, 4), 3)
    assert sorted(found.images["a"]) == [2, 3]


# ------------------------------------------------------------------ to labels


def labels(tmp_path, found, size=(100, 100), seconds=(2, 3, 4), clip="a"):
    path = tmp_path / "table.csv"
    write_tables(found, {clip: path})
    keyframes = [
        Keyframe(Second(s), 30 * s + 1, f"{clip}_{30 * s + 1:06d}.jpg", *size, "") for s in seconds
    ]
    project, nobody, warnings = project_of_table(path, clip, keyframes, ATTRIBUTES, 6.0)
    table, notes, more = labels_of_project(
        project, clip, table_of(keyframes, Keyframe), empty_table(TRACKS), ATTRIBUTES, 30
    )
    return table, notes, nobody, [*warnings, *more]


def test_boxes_in_pixels_of_another_image_with_its_size(tmp_path):
    found = read(tmp_path, {"a/902.jpg": [box(960, 540, 480, 270, size=[1920, 1080])]})
    table, _, _, warnings = labels(tmp_path, found, (640, 360))
    assert table.iloc[0][["x1", "y1", "x2", "y2"]].tolist() == [0.5, 0.5, 0.75, 0.75]
    text = "file,x,y,w,h,action,width,height\na/902.jpg,960,540,480,270,walk,1920,1080\n"
    found = read(tmp_path, text, name="hand.csv")
    pd.testing.assert_frame_equal(labels(tmp_path, found, (640, 360))[0], table)
    # 854 x 480 is 16:9 rounded to even sides; 640 x 480 is another image.
    found = read(tmp_path, {"a/902.jpg": [box(10, 10, 50, 50, size=[854, 480])]})
    assert len(labels(tmp_path, found, (640, 360))[0]) == 1
    found = read(tmp_path, {"a/902.jpg": [box(10, 10, 50, 50, size=[640, 480])]})
    with pytest.raises(UserError, match="640 x 480 px, which has another shape than the keyframe"):
        labels(tmp_path, found, (640, 360))


def test_a_box_that_reaches_out_is_cut_and_told(tmp_path):
    table, notes, _, _ = labels(tmp_path, read(tmp_path, {"a/902.jpg": [box(-5, 10, 50, 100)]}))
    assert table.iloc[0][["x1", "y1", "x2", "y2"]].tolist() == [0.0, 0.1, 0.45, 1.0]
    assert notes.note.tolist() == ["reached out of the image: cut to it"]


@pytest.mark.parametrize(
    "bbox",
    [(1200, 500, 300, 500), (50, 50, 640, 360), (99, 10, 50, 20), (-9, 10, 10, 20)],
    ids=["of the video", "corners", "outside", "a sliver"],
)
def test_boxes_that_are_not_of_the_image(tmp_path, bbox):
    found = read(tmp_path, {"a/902.jpg": [box(*bbox)]})
    with pytest.raises(UserError, match=r"(?s)hand.json.*'a/902.jpg', box 1.*100 x 100 px"):
        labels(tmp_path, found)


def test_nearly_equal_boxes_would_be_one_person_to_readers(tmp_path):
    boxes = [box(10, 10, 30, 30), box(10.00001, 10, 30, 30)]
    with pytest.raises(UserError, match=r"(?s)second 2: .*have the same box"):
        labels(tmp_path, read(tmp_path, {"a/902.jpg": boxes}))


def test_seconds_at_the_edge_are_left_out_and_told(tmp_path):
    hand = {f"a/90{second}.jpg": [box(10, 10, 30, 30)] for second in (1, 2, 5)}
    table, _, nobody, warnings = labels(tmp_path, read(tmp_path, hand | {"a/903.jpg": []}))
    assert table.second.tolist() == [2] and nobody == [3]
    assert any("second 1 and 5: too near to the clip's edge" in warning for warning in warnings)
    with pytest.raises(UserError, match=r"second 8 is behind the end of clip a, 6 s"):
        labels(tmp_path, read(tmp_path, hand | {"a/908.jpg": []}))


def test_a_clip_that_shows_nobody_or_whom_nobody_describes_is_no_mistake(tmp_path):
    """Images without a box are background; boxes without an action, persons of unknown doing."""
    table, _, nobody, warnings = labels(
        tmp_path, read(tmp_path, {"a/902.jpg": [], "a/903.jpg": []})
    )
    assert len(table) == 0 and nobody == [2, 3]
    assert [each for each in warnings if "2 keyframes and nobody who does anything" in each]
    found = read(tmp_path, coco({"category_id": 1}))
    table, _, nobody, warnings = labels(tmp_path, found, (640, 360))
    assert len(table) == 0 and nobody == []
    assert [each for each in warnings if "1 keyframe and nobody who does anything" in each]


def test_the_kept_index_counts_as_the_job_does():
    """What was kept of files goes when they are read otherwise, or labels stay as they were."""
    assert read_versions(ROOT / "scripts")["import_existing"]["version"] == VERSION


def test_a_table_says_what_it_was_given(tmp_path):
    """Thousands of random boxes: what is read back of the table is what was found."""
    random = np.random.default_rng(7)
    lines = []
    for number in range(2000):
        x, y, w, h = (random.random(4) * [50, 50, 40, 40] + [0, 0, 5, 5]).round(random.integers(9))
        lines.append(f"a/{902 + number % 3}.jpg,{x},{y},{w},{h},walk,{number + 1}")
    text = "file,x,y,w,h,action,person_id\n" + "\n".join(lines) + "\n"
    table, *_ = labels(tmp_path, read(tmp_path, text, name="hand.csv"))
    assert len(table) == 2000 and table.person_id.nunique() == 2000
    first = table[table.person_id == 1].iloc[0]
    x, y, w, h = map(float, lines[0].split(",")[1:5])
    assert first[["x1", "y1", "x2", "y2"]].tolist() == pytest.approx(
        [x / 100, y / 100, (x + w) / 100, (y + h) / 100]
    )


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"b/902.jpg": []}, r"'b/902.jpg' names no clip of the clips table"),
        ({"class-c/902.jpg": []}, r"did you mean 'class-b'\?"),
        ({"a/0003.jpg": []}, r"numbering is timestamp\), such as a/902.jpg for second 2"),
        ({"902.jpg": []}, r"'902.jpg' names no clip"),
        ({"a_000062.jpg": []}, r"frame 62 of a is not at a whole second"),
        ({"a/911.jpg": []}, r"second 11 is not in clip a, which has seconds 0 to 10"),
        ({"a_0002.jpg": []}, r"second -898 is not in clip a.*timestamp_offset than 900"),
        ({"a/2.jpg": []}, r"'a/2.jpg': expected the name of a second of a"),
        ({"a/902.jpg": [box(1, 2, 3, 4, action="wlak")]}, r"box 1: action 'wlak'.*mean 'walk'\?"),
        ({"a/902.jpg": [{"bbox": [1, 2, 3, 4]}]}, r'box 1: expected {"bbox": \[x, y, w, h\]'),
        ({"a/902.jpg": [box(1, 2, 3)]}, r"expected 4 numbers x, y, width, height"),
        ({"a/902.jpg": [box(1, 2, 3, "4")]}, r"expected 4 numbers"),
        ({"a/902.jpg": [box(1, 2, 0, 4)]}, r"width and height above 0"),
        ({"a/902.jpg": [box(1, 2, 3, 4, action=[])]}, r"no action: take the box out"),
        ({"a/902.jpg": [box(1, 2, 3, 4, score=1)]}, r"unknown: score"),
        ({"a/902.jpg": [box(1, 2, 3, 4, person_id="x")]}, r"person id: expected a whole number"),
        ({"a/902.jpg": [box(1, 2, 3, 4, person_id=2**32)]}, r"readers hold ids in 32 bits"),
        ({"a/902.jpg": [box(1, 2, 3, 4, action=["walk", "stand"])]}, r"'body' takes one: leave"),
        (
            {"a/902.jpg": [box(1, 2, 3, 4, action="walk"), box(1, 2, 3, 4, action="stand")]},
            r"stand and walk, but 'body' takes one",
        ),
        (
            {"a/902.jpg": [box(1, 2, 3, 4, person_id=3), box(9, 2, 3, 4, person_id=3)]},
            r"box 2: person 3 has another box on this image",
        ),
        (
            {"a/902.jpg": [box(1, 2, 3, 4, person_id=3), box(1, 2, 3, 4, person_id=4)]},
            r"person 4 has the box of person 3",
        ),
        ('{"a/902.jpg": [], "a/902.jpg": []}', r"'a/902.jpg' is there twice"),
        ({}, r"not one image is named"),
        ({"a/\u00b2.jpg": []}, r"expected the name of a second of a"),
        ({"val/a/902.jpg": []}, r"'val/a/902.jpg': a is in the split train of the clips table"),
        ({"a/902.jpg": [box(1, 2, 10**400, 4)]}, r"expected 4 numbers"),
        ({"a/902.jpg": [box(1, 2, 3, 4, size=[0, 5])]}, r"size: expected width and height"),
        ({"a": 1}, r"found another shape"),
        ("[1, 2]", r"expected a JSON object"),
        ("{", r"this is not JSON"),
        ("", r"the file is empty"),
        ("\n\n", r"the file is empty"),
        (coco({"category_id": 7}), r"annotation 1: no category has the id 7"),
        (coco({"category_id": 2, "image_id": 5}), r"no image has the id 5"),
        (coco({"category_id": 2, "iscrowd": 1}), r"a crowd \(iscrowd\) is no person"),
        (coco({"action_ids": [9]}), r"action id 9 is not among those of the config, 1 to 4"),
        (coco({"action_ids": ["1"]}), r"action_ids: expected whole numbers"),
        (coco(None, file_name="b.jpg"), r"image 1: 'b.jpg' names no clip"),
        ({"images": [], "annotations": 3, "categories": []}, r"expected COCO's list 'annota"),
        (
            coco({"category_id": 1, "attributes": {"body": "lie"}}),
            r"'lie' is no option of .*'body'",
        ),
        (coco({"category_id": 1, "attributes": {"talk": "loud"}}), r"'talk': expected true or fal"),
        ({"items": [], "categories": {}}, r"expected Datumaro's categories.label.labels"),
        ({"items": 1.5, "categories": {"label": {"labels": []}}}, r"expected Datumaro's list"),
        (coco({"category_id": [2]}), r"no category has the id \[2\]"),
        (coco({"category_id": 2, "image_id": [9]}), r"no image has the id \[9\]"),
        ({"_via_settings": {}}, r"found one of VIA 2"),
    ],
)
def test_json_that_cannot_be_used(tmp_path, content, message):
    with pytest.raises(UserError, match=f"(?s)hand.json: .*{message}"):
        read(tmp_path, content)


AVA = "a,0902,0.1,0.2,0.3,0.4,1,5\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("h.csv", "file,x1,y1,x2,y2,action\n", "of no kind known. VIA 3 projects, AVA csv"),
        ("h.csv", "file,x,y,w,h,action\na/902.jpg,1,2,3\n", "line 2: expected 6 cells, found 4"),
        ("h.csv", "file,x,y,w,h,action,action\n", "expected the header .* each once"),
        ("h.csv", "file,x,y,w,h,action\n,1,2,3,4,walk\n", "line 2: no image is named"),
        ("h.csv", "file,x,y,w,h,action\na/902.jpg,1,2,three,4,walk\n", "line 2: expected numbers"),
        ("h.csv", "file,x,y,w,h,action\na/902.jpg,1,2,nan,4,walk\n", "line 2: bbox: expected 4 nu"),
        ("h.csv", "file,x,y,w,h,action\na/902.jpg,1,2,3,4,sit\n", "line 2: action 'sit' is not in"),
        ("h.csv", "file;x;y;w;h;action\na/902.jpg;1;2;3;4;walk\n", "semicolons stand between its"),
        ("a.csv", "a;0902;0.1;0.2;0.3;0.4;1;5\n", "semicolons stand between its cells"),
        (
            "a.csv",
            AVA + "b,0902,0.1,0.2,0.3,0.4,1,5\n",
            "line 2: no clip 'b' is in the clips table",
        ),
        ("a.csv", AVA + "a,0902,0.5,0.2,0.3,0.4,1,6\n", "line 2: expected a box with x1 < x2"),
        ("a.csv", AVA + "a,0902,10,20,30,40,1,6\n", "line 2: .* looks like pixels"),
        ("a.csv", AVA + "a,0902,0.1,0.2,0.35,0.4,9,6\n", "line 2: action id 9 is not among those"),
        ("a.csv", AVA + "a,902.0,0.1,0.2,0.35,0.4,1,6\n", "line 2: expected whole numbers"),
        ("a.csv", AVA + "a,1902,0.1,0.2,0.35,0.4,1,6\n", "line 2: second 1002 is not in clip a"),
        ("a.csv", AVA + "a,0902,0.1,0.2,0.35,0.4,1,5\n", "line 2: person 5 has another box"),
        ("a.csv", AVA + "a,0902,0.1,0.2,0.3,0.4\n", "line 2: expected id,timestamp"),
        ("a.csv", AVA + "a,0902,0.1,0.2,0.35,0.4,1,4294967296\n", "readers hold ids in 32 bits"),
        ("a.txt", "61,3,10,20,30\n", "line 1: expected frame,id,x,y,width,height"),
        (
            "a.txt",
            "61,3,10,20,30,40\n61,3,10,20,30,40\n",
            "line 2: person 3 has two boxes on frame",
        ),
        ("a.txt", "0,3,10,20,30,40\n", "line 1: expected a frame from 1"),
        ("a.txt", "61,3,10,20,-30,40\n", "line 1: bbox: expected width and height above 0"),
        ("a.txt", "9001,3,10,20,30,40\n", "second 300 is not in clip a"),
        ("b.txt", "61,3,10,20,30,40\n", "expected a clip of the clips table as name of the sequ"),
        ("t.xml", "<annotations><meta>", "cut short or no XML"),
        ("t.xml", cvat('<track id="0" label="lie"></track>'), "not one image is named"),
        (
            "t.xml",
            cvat(f'<track id="0" label="lie">{cvat_box(30, 1)}</track>'),
            "action 'lie' is n",
        ),
        (
            "t.xml",
            cvat(f'<track id="0" label="person">{cvat_box(30, 1)}{cvat_box(30, 2)}</track>'),
            "frame 30: the track has two boxes on this frame",
        ),
        (
            "t.xml",
            cvat(f'<track id="0" label="person">{cvat_box(30, 1, body="lie")}</track>'),
            "track 0, frame 30: 'lie' is no option of attribute 'body'",
        ),
        (
            "t.xml",
            cvat('<track id="0" label="person"><polygon frame="30" points="1,2"/></track>'),
            "expected boxes, found 'polygon'",
        ),
    ],
)
def test_text_that_cannot_be_used(tmp_path, name, text, message):
    with pytest.raises(UserError, match=f"(?s){name}.*{message}|{message}"):
        read(tmp_path, text, name=name)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("9 0.5 0.5 0.2 0.4", "class '9' is not among the 2 of"),
        ("0 50 50 20 40", "expected parts of the image, 0 to 1"),
        ("0 0.5 0.5 0.2", "expected class, .* found 4 cells"),
        ("0 0.5 x 0.2 0.4", "expected four numbers"),
        ("0 0.5 0.5 0 0.4", "expected parts of the image"),
    ],
)
def test_yolo_that_cannot_be_used(tmp_path, row, message):
    (tmp_path / "classes.txt").write_text("person\nwalk\n")
    (tmp_path / "a_000061.txt").write_text(f"1 0.5 0.5 0.2 0.2\n{row}\n")
    with pytest.raises(UserError, match=f"(?s)a_000061.txt: line 2: {message}"):
        read_existing(files_of([tmp_path]), names(), 50)


def test_a_missing_file_an_empty_folder_and_an_image_in_two_files(tmp_path):
    with pytest.raises(UserError, match="existing.files: gone.json is missing"):
        files_of(["gone.json"])
    with pytest.raises(UserError, match="there is nothing to read in this folder"):
        files_of([tmp_path])
    paths = [tmp_path / "one.json", tmp_path / "two.json"]
    for path in paths:
        path.write_text('{"a/902.jpg": []}')
    with pytest.raises(UserError, match=r"(?s)two.json.*second 2 of clip a is also in .*one.json"):
        read_existing(paths, names(), 50)


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,0902\xff\xfe")
    with pytest.raises(UserError, match="x.csv: expected UTF-8 text"):
        read_existing([path], names(), 50)
    path.write_bytes(b"a,0902\0")
    with pytest.raises(UserError, match="x.csv: expected text, found zero bytes"):
        read_existing([path], names(), 50)
