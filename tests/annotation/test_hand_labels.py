"""Existing annotations: what their names and boxes mean, and one message for each slip."""

import json

import pytest

from avaflow.annotation.hand_labels import read_hand_labels, rows_of_hand_labels
from avaflow.errors import UserError
from avaflow.project.actions import attributes_from_config

ATTRIBUTES = attributes_from_config(
    [
        {"attribute": "head", "options": ["talk", "nod"], "renamed": {"speak": "talk"}},
        {"attribute": "body", "choose": "single", "options": ["stand", "walk"]},
    ]
)
CLIPS = {"a": "train", "class-b": "train", "v": "val"}


def read(tmp_path, content, numbering="timestamp", offset=900, name="hand.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_hand_labels([path], CLIPS, ATTRIBUTES, numbering, offset)


def box(*bbox, action="walk", **more):
    return {"bbox": list(bbox), "action": action, **more}


def test_the_guides_json(tmp_path):
    """One entry per person and action; the same box again is the same person."""
    labels = read(
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
    assert labels.clips == ["a", "class-b"]
    assert set(labels.judged) == {("a", 2), ("class-b", 2)}
    assert labels.judged["a", 2].endswith("hand.json: 'a/0003.jpg'")
    assert [(b.clip, b.second, b.bbox_px, b.action_ids) for b in labels.boxes] == [
        ("class-b", 2, (100.0, 50.0, 200.0, 300.0), (1, 4)),
        ("class-b", 2, (350.0, 60.0, 180.0, 280.0), (3,)),
    ]
    rows, notes = rows_of_hand_labels(labels, {"a": (640, 360), "class-b": (640, 360)}, 900)
    assert notes == []
    assert [(r.clip, r.timestamp, r.action_id, r.person_id) for r in rows] == [
        ("class-b", 902, 1, 1),
        ("class-b", 902, 4, 1),
        ("class-b", 902, 3, 2),
    ]
    assert rows[0].box == pytest.approx((100 / 640, 50 / 360, 300 / 640, 350 / 360))


def test_csv_lists_of_actions_former_names_splits_and_person_ids(tmp_path):
    text = (
        "\ufefffile,x,y,w,h,action,person_id\r\n"
        "train/a/902.png,10,20,30,40,walk,7\r\n"
        "train/a/902.png,10,20,30,40,speak,7\r\n"
        "a/903,10,20,30,40,nod,\r\n"
        "a/904.jpg,,,,,,\r\n"
    )
    labels = read(tmp_path, text, name="hand.csv")
    assert [(b.second, b.action_ids, b.person_id) for b in labels.boxes] == [
        (2, (1, 4), 7),
        (3, (2,), 0),
    ]
    rows, _ = rows_of_hand_labels(labels, {"a": (100, 100)}, 900)
    assert [row.person_id for row in rows] == [7, 7, 8]
    assert ("a", 4) in labels.judged  # an image that shows nobody
    labels = read(tmp_path, {"a/902.jpg": [box(1, 2, 3, 4, action=["nod", "talk"])]})
    assert labels.boxes[0].action_ids == (1, 2)


def test_boxes_in_pixels_of_another_image_with_its_size(tmp_path):
    labels = read(tmp_path, {"a/902.jpg": [box(960, 540, 480, 270, size=[1920, 1080])]})
    rows, notes = rows_of_hand_labels(labels, {"a": (640, 360)}, 900)
    assert rows[0].box == (0.5, 0.5, 0.75, 0.75) and notes == []
    text = "file,x,y,w,h,action,width,height\na/902.jpg,960,540,480,270,walk,1920,1080\n"
    labels = read(tmp_path, text, name="hand.csv")
    assert rows_of_hand_labels(labels, {"a": (640, 360)}, 900)[0] == rows
    # 854 x 480 is 16:9 rounded to even sides; 640 x 480 is another image.
    labels = read(tmp_path, {"a/902.jpg": [box(10, 10, 50, 50, size=[854, 480])]})
    assert rows_of_hand_labels(labels, {"a": (640, 360)}, 900)[0]
    labels = read(tmp_path, {"a/902.jpg": [box(10, 10, 50, 50, size=[640, 480])]})
    with pytest.raises(UserError, match="size 640 x 480 has another shape than the image of 640"):
        rows_of_hand_labels(labels, {"a": (640, 360)}, 900)


def test_a_box_that_reaches_out_is_cut_and_told(tmp_path):
    labels = read(tmp_path, {"a/902.jpg": [box(-5, 10, 50, 100)]})
    rows, (note,) = rows_of_hand_labels(labels, {"a": (100, 100)}, 900)
    assert rows[0].box == (0.0, 0.1, 0.45, 1.0)
    assert note.endswith(
        "hand.json: 'a/902.jpg', box 1: reached out of the 100 x 100 px image, cut to it"
    )


@pytest.mark.parametrize(
    "bbox",
    [(1200, 500, 300, 500), (50, 50, 640, 360), (99, 10, 50, 20), (-9, 10, 10, 20)],
    ids=["of the video", "corners", "outside", "a sliver"],
)
def test_boxes_that_are_not_of_the_image(tmp_path, bbox):
    labels = read(tmp_path, {"a/902.jpg": [box(*bbox)]})
    with pytest.raises(UserError, match=r"(?s)pixels of the keyframe.*'a/902.jpg', box 1: x .*100"):
        rows_of_hand_labels(labels, {"a": (100, 100)}, 900)


def test_nearly_equal_boxes_would_be_one_person_to_readers(tmp_path):
    labels = read(tmp_path, {"a/902.jpg": [box(10, 10, 30, 30), box(10.00001, 10, 30, 30)]})
    with pytest.raises(UserError, match="clip a, second 2: two boxes are the same"):
        rows_of_hand_labels(labels, {"a": (100, 100)}, 900)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"b/902.jpg": []},
            r"'b/902.jpg': no clip 'b' is in the clips table.*known are a, class-b, v",
        ),
        ({"class-c/902.jpg": []}, r"did you mean 'class-b'\?"),
        ({"a/0003.jpg": []}, r"numbering: timestamp\), such as CLIP/902.jpg for second 2"),
        ({"902.jpg": []}, r"'902.jpg': expected the clip and the name of its second"),
        ({"a/902.jpg": [box(1, 2, 3, 4, action="wlak")]}, r"box 1: action 'wlak'.*mean 'walk'\?"),
        ({"a/902.jpg": [{"bbox": [1, 2, 3, 4]}]}, r'box 1: expected {"bbox": \[x, y, w, h\]'),
        ({"a/902.jpg": [box(1, 2, 3)]}, r"expected 4 numbers x, y, width, height"),
        ({"a/902.jpg": [box(1, 2, 3, "4")]}, r"expected 4 numbers"),
        ({"a/902.jpg": [box(1, 2, 0, 4)]}, r"width and height above 0"),
        ({"a/902.jpg": [box(1, 2, 3, 4, action=[])]}, r"no action: take the box out"),
        ({"a/902.jpg": [box(1, 2, 3, 4, score=1)]}, r"unknown: score"),
        ({"a/902.jpg": [box(1, 2, 3, 4, person_id="x")]}, r"person_id: expected a whole number"),
        ({"a/902.jpg": [box(1, 2, 3, 4, action=["walk", "stand"])]}, r"'body' takes one: leave"),
        (
            {"a/902.jpg": [box(1, 2, 3, 4, action="walk"), box(1, 2, 3, 4, action="stand")]},
            r"stand and walk, but 'body' takes one",
        ),
        (
            {"a/902.jpg": [box(1, 2, 3, 4, person_id=3), box(9, 2, 3, 4, person_id=3)]},
            r"'a/902.jpg': person 3 has 2 boxes, expected one",
        ),
        ({"a/902.jpg": [], "train/a/902.png": []}, r"'train/a/902.png': named twice"),
        ('{"a/902.jpg": [], "a/902.jpg": []}', r"named twice: a/902.jpg"),
        ({}, r"not one image is named"),
        ({"a/\u00b2.jpg": []}, r"expected the clip and the name of its second"),
        ({"val/a/902.jpg": []}, r"'val/a/902.jpg': a is in the split train of the clips table"),
        ({"a/902.jpg": [box(1, 2, 10**400, 4)]}, r"expected 4 numbers"),
        ({"a/902.jpg": [box(1, 2, 3, 4, size=[0, 5])]}, r"size: expected width and height"),
        ({"v/902.jpg": []}, r"'v/902.jpg': images of the split val are named, but no box"),
        ("[1, 2]", r"found another shape"),
        ("{", r"this is not JSON"),
    ],
)
def test_json_that_cannot_be_used(tmp_path, content, message):
    with pytest.raises(UserError, match=f"(?s)hand.json: .*{message}"):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,x1,y1,x2,y2,action\n", "expected the header file,x,y,w,h,action"),
        ("file,x,y,w,h,action\na/902.jpg,1,2,3\n", "line 2: expected 6 cells, found 4"),
        ("file,x,y,w,h,action,action\n", "expected the header .* each once"),
        ("file,x,y,w,h,action\n,1,2,3,4,walk\n", "line 2: no image is named"),
        ("file,x,y,w,h,action\na/902.jpg,1,2,three,4,walk\n", "line 2: expected numbers"),
        ("file,x,y,w,h,action\na/902.jpg,1,2,nan,4,walk\n", "line 2: bbox: expected 4 numbers"),
        ("file,x,y,w,h,action\na/902.jpg,1,2,3,4,sit\n", "line 2: action 'sit' is not in the con"),
    ],
)
def test_csv_that_cannot_be_used(tmp_path, text, message):
    with pytest.raises(UserError, match=f"(?s)hand.csv: .*{message}"):
        read(tmp_path, text, name="hand.csv")


def test_a_missing_file_and_a_image_in_two_files(tmp_path):
    with pytest.raises(UserError, match="alphaction.annotations: gone.json is missing"):
        read_hand_labels(["gone.json"], CLIPS, ATTRIBUTES, "timestamp", 900)
    paths = [tmp_path / "one.json", tmp_path / "two.json"]
    for path in paths:
        path.write_text('{"a/902.jpg": []}')
    with pytest.raises(UserError, match=r"(?s)two.json.*'a/902.jpg': also in .*one.json"):
        read_hand_labels(paths, CLIPS, ATTRIBUTES, "timestamp", 900)
