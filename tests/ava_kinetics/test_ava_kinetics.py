"""A small made-up AVA-Kinetics: what is cut, listed, proposed and merged, as worked out by hand."""

import csv
import logging
import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import readers
from avaflow.ava_kinetics.annotations import (
    Box,
    Clip,
    Listed,
    annotated_seconds,
    clip_of_second,
    csv_lines,
    ranges_of,
    read_boxes,
    read_list,
)
from avaflow.ava_kinetics.cut import VERSION, check_decoded, run_batch, shown_extent
from avaflow.ava_kinetics.manifest import build_proposals, check_share, looked_at
from avaflow.ava_kinetics.merge import link_movies, merge_csv, merge_proposals
from avaflow.ava_kinetics.plan import PlanRow, check_split_apart, find_ava
from avaflow.ava_kinetics.training import AvaKineticsExport, config_text
from avaflow.boxes import iou_matrix
from avaflow.bulk.batch import provenance
from avaflow.bulk.journal import Journal
from avaflow.errors import BadVideo, UserError
from avaflow.formats.proposals import read_proposals
from avaflow.tables import BOX
from avaflow.videos.ffmpeg import ffmpeg_exe
from numbered_videos import make_video, read_number, run_ffmpeg, shown_numbers
from workflow_runs import ROOT, Workspace

pytestmark = pytest.mark.slow

DEMO = ROOT / "examples" / "demo"

# ------------------------------------------------------------------ annotations and ranges


def test_boxes_are_read_and_what_readers_choke_on_is_told(tmp_path):
    path = tmp_path / "kinetics_train_v1.0.csv"
    path.write_text(
        "a_b-c,101,0.1234,0.2,0.55555,1.0,12\n"
        "a_b-c,101.0,0.1234,0.2,0.55555,1.0,80\n"
        "a_b-c,102\n"  # looked at, nobody there
        "a_b-c,103,,,,,\n"
        "x,7,0.5,0.5,0.5001,0.9,12\n"
        "x,7,0.1,0.1,0.9,1.5,12\n"
        "x,7,0.1,0.1,0.9,1.004,81\n"
        "x,8,0.1,0.1,0.9,1.004,1\n"
    )
    boxes, refused = read_boxes(path)
    assert boxes == [
        Box("a_b-c", 101, "0.123,0.200,0.556,1.000", 12),
        Box("a_b-c", 101, "0.123,0.200,0.556,1.000", 80),
        Box("x", 8, "0.100,0.100,0.900,1.000", 1),
    ]
    assert [line.split(":")[0] for line in refused] == ["line 5", "line 6", "line 7"]
    for word, line in zip(("no area", "not inside", "1..80"), refused, strict=True):
        assert word in line
    assert annotated_seconds(path) == {"a_b-c": {101}, "x": {7, 8}}


@pytest.mark.parametrize("line", ["a,1,2,3", "a,soon,0,0,1,1,5", "../a,1,0,0,1,1,5"])
def test_annotations_of_another_form_are_an_error(tmp_path, line):
    path = tmp_path / "k.csv"
    path.write_text(f"b,3,0,0,1,1,5\n{line}\n")
    with pytest.raises(UserError, match="k.csv"):
        annotated_seconds(path)


def test_a_list_gives_ids_and_times_from_names(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text(
        "some class/o3l_C-w_s_000012_000022.mp4 602\n/abs/x_000000_000010.webm,3\n"
        "y_000001_000011.mp4\nsome class/o3l_C-w_s_000012_000022.mp4 17\n"
    )
    assert read_list(path, "root") == [
        Listed("o3l_C-w_s", 12, 22, "root/some class/o3l_C-w_s_000012_000022.mp4"),
        Listed("x", 0, 10, "/abs/x_000000_000010.webm"),
        Listed("y", 1, 11, "root/y_000001_000011.mp4"),
    ]
    assert read_list(path, "flat/")[2].path == "flat/y_000001_000011.mp4"
    path.write_text("a/b.mp4 3\n")
    with pytest.raises(UserError, match="line 1: 'a/b.mp4 3'"):
        read_list(path, "")


def test_what_is_cut_what_is_dropped_and_what_is_in_no_video():
    videos = [
        Listed("a", 100, 110, "a1"),
        Listed("a", 103, 106, "a2"),
        Listed("a", 100, 110, "a0"),
        Listed("over", 0, 10, "o1"),
        Listed("over", 5, 15, "o2"),
        Listed("none", 0, 10, "n"),
        Listed("other", 0, 10, "x"),
    ]
    seconds = {
        "a": {104, 105, 100, 110, 130},
        "over": {3, 9, 13},
        "none": {0, 10, 40},
        "unlisted": {5},
    }
    kept, dropped, left = ranges_of(videos, seconds)
    assert [(part.clip, part.video.path, part.seconds) for part in kept] == [
        ("a_000102_000107", "a0", (104, 105)),
        ("over_000001_000010", "o1", (3, 9)),
        ("over_000007_000015", "o2", (9, 13)),
    ]
    assert [(part.clip, part.video.path, holder.clip) for part, holder in dropped] == [
        ("a_000102_000107", "a1", "a_000102_000107"),
        ("a_000103_000106", "a2", "a_000102_000107"),
    ]
    # The first and last instant of a video have no images on one side.
    assert left == {"a": {100, 110, 130}, "none": {0, 10, 40}, "unlisted": {5}}


ONE = Clip("over_000001_000010", "over", 1, 10, 270)
TWO = Clip("over_000007_000015", "over", 7, 15, 240)


@pytest.mark.parametrize(
    ("second", "clip"), [(1, None), (3, ONE), (8, ONE), (9, TWO), (13, TWO), (15, None)]
)
def test_a_second_is_listed_with_the_clip_that_has_most_around_it(second, clip):
    assert clip_of_second([ONE, TWO], second) == clip


def test_a_second_beyond_the_images_is_in_no_clip():
    held = Clip("a_000003_000010", "a", 3, 10, 180)  # 6 s of images, up to second 9
    assert clip_of_second([held], 8) == held and clip_of_second([held], 9) is None
    box = "0.100,0.200,0.300,0.400"
    boxes = [Box("a", 8, box, 12), Box("a", 8, box, 12), Box("a", 9, box, 12)]
    lines, absent = csv_lines(boxes, [held])
    assert lines == [f"a_000003_000010,8,{box},12,-1\n"] and absent == {("a", 9)}
    assert looked_at(held, [8, 9]) == [7, 8]


def test_proposals_come_from_the_clip_that_is_listed():
    rows = [
        ("over_000001_000010", 61, 0.1, 0.71),  # second 3
        ("over_000001_000010", 61, 0.2, 0.70),  # not above
        ("over_000001_000010", 91, 0.3, 0.9),  # second 4, a neighbour
        ("over_000001_000010", 121, 0.4, 0.9),  # second 5, not asked for
        ("over_000001_000010", 241, 0.5, 0.9),  # second 9, which the other clip lists
        ("over_000007_000015", 61, 0.6, 0.8),  # second 9
        ("over_000007_000015", 61, 0.7, 0.95),
    ]
    table = pd.DataFrame(rows, columns=["clip", "frame", "x1", "score"])
    table = table.assign(y1=0.0, x2=0.9, y2=1.0)
    seconds = {ONE.clip: [3, 9], TWO.clip: [9, 13]}
    found = build_proposals([ONE, TWO], seconds, [table[["clip", "frame", *BOX, "score"]]], 0.7)
    assert {key: boxes[:, [0, 4]].tolist() for key, boxes in found.items()} == {
        "over,0003": [[0.1, 0.71]],
        "over,0004": [[0.3, 0.9]],
        "over,0009": [[0.7, 0.95], [0.6, 0.8]],
    }


@pytest.mark.parametrize(
    ("images", "extent"),
    [
        (210, (10, 210)),
        (300, (10, 210)),  # a longer video
        (188, (10, 188)),  # 0.73 s are missing, and held
        (187, (9, 180)),  # 0.77 s are missing
        (97, (6, 90)),  # 3.23 s: the fourth second lacks more than may be held
        (98, (7, 98)),  # 3.27 s: 22 of its frames are held
        (113, (7, 113)),
        (7, (3, 0)),
        (8, (4, 8)),
        (-40, (3, 0)),
    ],
)
def test_how_far_a_range_from_second_3_to_10_is_shown(images, extent):
    assert shown_extent(3, 10, images) == extent


# ------------------------------------------------------------------ merging


def test_ava_rows_follow_and_those_without_frames_are_counted(tmp_path):
    kinetics, ava, merged = tmp_path / "k.csv", tmp_path / "a.csv", tmp_path / "m.csv"
    kinetics.write_text("a_000003_000010,8,0.1,0.2,0.3,0.4,12,-1\n")
    rows = ["-5KQ66BBWC4,0902,0.077,0.151,0.283,0.811,80,1", "gone_movie1,0902,0,0,1,1,12,0"]
    ava.write_text("\n".join([*rows, rows[1]]) + "\n")
    assert merge_csv(kinetics, ava, {"-5KQ66BBWC4"}, merged) == {"gone_movie1": 2}
    assert merged.read_text() == kinetics.read_text() + rows[0] + "\n"
    ava.write_text("short_id,0902,0,0,1,1,12,0\n")
    with pytest.raises(UserError, match="line 1.*11 characters"):
        merge_csv(kinetics, ava, {"short_id"}, merged)


def test_proposals_of_strangers_are_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "written"), "w"))

    (tmp_path / "ava.pkl").write_bytes(pickle.dumps({"-5KQ66BBWC4,0902": Evil()}))
    with pytest.raises(UserError, match="arrays only"):
        merge_proposals(
            None, tmp_path / "ava.pkl", tmp_path / "m.pkl", tmp_path / "none.csv", set()
        )
    assert not (tmp_path / "written").exists() and not (tmp_path / "m.pkl").exists()


def test_proposals_of_another_split_are_told(tmp_path):
    ava, csv, merged = tmp_path / "ava.pkl", tmp_path / "a.csv", tmp_path / "m.pkl"
    csv.write_text(
        "-5KQ66BBWC4,0902,0,0,1,1,80,1\n-5KQ66BBWC4,0903,0,0,1,1,80,1\ngone_movie1,0902,0,0,1,1,9,0\n"
    )

    def merge(**boxes):
        content = {key.replace("__", ","): np.array(value) for key, value in boxes.items()}
        ava.write_bytes(pickle.dumps(content))
        return merge_proposals(None, ava, merged, csv, {"-5KQ66BBWC4"})

    box = [[0.1, 0.1, 0.5, 0.5, 0.9]]
    assert merge(**{"-5KQ66BBWC4__0902": box, "other_movie__0902": box}) == (0, 2, 1)
    assert set(read_proposals(merged)) == {"-5KQ66BBWC4,0902", "other_movie,0902"}
    merged.unlink()
    with pytest.raises(UserError, match=r"ava\.pkl: it proposes nobody on any keyframe of "):
        merge(**{"gone_movie1__0902": box})
    with pytest.raises(UserError, match=r"Expected keys such as '-5KQ66BBWC4,0902', found none:"):
        merge()
    with pytest.raises(UserError, match=r"expected numbers at '-5KQ66BBWC4,0902', found NaN"):
        merge(**{"-5KQ66BBWC4__0902": [[0.1, 0.1, 0.5, np.nan, 0.9]]})
    with pytest.raises(UserError, match=r"expected keys like '0f39OWEqJ24,0902', found 'x'"):
        merge(x=box)
    with pytest.raises(UserError, match=r"expected shape \(N, 5\)"):
        merge(**{"-5KQ66BBWC4__0902": [0.1, 0.2]})
    assert not merged.exists()


# ------------------------------------------------------------------ decoding


def test_a_clip_counts_only_if_decord_gets_all_of_it(tmp_path):
    clip = make_video(tmp_path / "a.mp4", frames=90)
    assert check_decoded(clip, 90) == (192, 108)
    with pytest.raises(BadVideo, match="decord decodes 90 frames of 91"):
        check_decoded(clip, 91)
    clip.write_bytes(clip.read_bytes()[:3000])
    with pytest.raises(BadVideo) as error:
        check_decoded(clip, 90)
    assert error.value.status == "failed"


# ------------------------------------------------------------------ the whole

CLASS = "some class"
MOVIE, NO_FRAMES = "-5KQ66BBWC4", "gone_movie1"
BOX_A, BOX_B = "0.1001,0.2,0.5,0.9", "0.6,0.2,0.9,0.9"


def made_up(workspace: Workspace) -> None:
    """Annotations, a list, videos with planted faults, and an AVA folder."""
    folder = workspace.folder
    videos = folder / "k700" / "train" / CLASS
    videos.mkdir(parents=True)
    demo = DEMO / "videos" / "corridor.mp4"
    run_ffmpeg("-i", str(demo), "-t", "10", "-preset", "ultrafast", f"{videos}/c.mp4")
    (videos / "c.mp4").rename(videos / "id_with-1_000100_000110.mp4")
    shutil.copy(videos / "id_with-1_000100_000110.mp4", videos / "id_with-1_000103_000106.mp4")
    small = make_video(folder / "small.mp4", frames=300)
    for name in ("over_lap_000000_000010", "over_lap_000005_000015", "broken_000000_000010"):
        shutil.copy(small, videos / f"{name}.mp4")
    broken = videos / "broken_000000_000010.mp4"
    broken.write_bytes(broken.read_bytes()[:5000])
    make_video(videos / "brief_000000_000010.mp4", frames=180)
    make_video(videos / "stub_000000_000010.mp4", frames=60)
    make_video(videos / "a_bit_000000_000010.mp4", frames=285)
    names = [path.name for path in videos.iterdir()] + ["lost_000000_000010.mp4"]
    lines = [f"{CLASS}/{name} 5\n" for name in sorted(names)]
    (folder / "k700" / "train" / "list.txt").write_text("".join(lines))
    (folder / "k700" / "val").mkdir()
    shutil.copy(small, folder / "k700" / "val" / "v_al_000050_000060.mp4")
    (folder / "k700" / "val" / "list.txt").write_text("v_al_000050_000060.mp4 0\n")

    annotations = folder / "ava_kinetics_v1_0"
    annotations.mkdir()
    train = [
        *(f"id_with-1,{second},{BOX_A},12" for second in (104, 105, 100, 130)),
        f"id_with-1,104,{BOX_A},80",
        f"id_with-1,104,{BOX_B},12",
        "id_with-1,106",
        *(f"over_lap,{second},{BOX_A},5" for second in (3, 9, 13)),
        *(f"a_bit,{second},{BOX_A},6" for second in (5, 9)),
        *(f"{name},5,{BOX_A},7" for name in ("brief", "broken", "lost", "stub", "unlisted")),
        f"brief,9,{BOX_A},7",
        f"over_lap,3,{BOX_A},0",
    ]
    (annotations / "kinetics_train_v1.0.csv").write_text("\n".join(train) + "\n")
    (annotations / "kinetics_val_v1.0.csv").write_text(f"v_al,55,{BOX_B},11\n")
    (annotations / "ava_action_list_v2.2.pbtxt").write_text(
        'label {\n  name: "stand"\n  label_id: 12\n  label_type: PERSON_MOVEMENT\n}\n'
    )

    ava = folder / "ava" / "annotations"
    ava.mkdir(parents=True)
    for split in ("train", "val"):
        rows = [f"{MOVIE},0902,0.077,0.151,0.283,0.811,80,1", f"{NO_FRAMES},0902,0,0,1,1,9,0"]
        (ava / f"ava_{split}_v2.2.csv").write_text("\n".join(rows) + "\n")
        (ava / f"ava_{split}_excluded_timestamps_v2.2.csv").write_text(f"{NO_FRAMES},0903\n")
        boxes = {f"{MOVIE},0902": np.array([[0.1, 0.1, 0.5, 0.5, 0.3], [0.1, 0.1, 0.9, 0.9, 0.95]])}
        path = ava / f"ava_dense_proposals_{split}.FAIR.recall_93.9.pkl"
        path.write_bytes(pickle.dumps(boxes, 2))
    boxes[f"{MOVIE},0902"][1, 4] = 0.96
    (folder / "fair.pkl").write_bytes(pickle.dumps(boxes, 2))
    frames = folder / "ava" / "rawframes" / MOVIE
    frames.mkdir(parents=True)
    for number in range(1, 101):
        (frames / f"img_{number:05d}.jpg").write_bytes(b"x")


CONFIG = {
    "annotations": "ava_kinetics_v1_0",
    "lists": {"train": "k700/train/list.txt", "val": "k700/val/list.txt"},
    "ava": "ava",
    "ava_proposals": {"train": "", "val": "fair.pkl"},
    "max_broken_share": 0.9,
}


@pytest.fixture(scope="module", params=["frames", "video"])
def prepared(request, tmp_path_factory) -> Workspace:
    """The made-up AVA-Kinetics, prepared in both ways of reading."""
    folder = tmp_path_factory.mktemp(f"ak-{request.param}") / "w"
    way = {"read": request.param, "batches": 2 if request.param == "frames" else 1}
    workspace = Workspace(folder, clips="", ava_kinetics=CONFIG | way)
    made_up(workspace)
    workspace.originals = {p: p.read_bytes() for p in (folder / "ava").rglob("*.*") if p.is_file()}
    run = workspace.run("ava_kinetics")
    assert run.status == 0, run.output
    workspace.read, workspace.said = request.param, run.output
    workspace.made = folder / "results" / "ava_kinetics"
    return workspace


CUT = {
    "id_with-1_000102_000107": 150,
    "over_lap_000001_000010": 270,
    "over_lap_000007_000015": 240,
    "a_bit_000003_000010": 210,
    "brief_000003_000006": 90,
}


def rows_of(paths) -> list[dict]:
    rows = []
    for path in sorted(paths):
        with open(path, newline="") as stream:
            rows += csv.DictReader(stream)
    return rows


def test_ranges_are_cut_dropped_and_told(prepared):
    rows = [r for r in rows_of((prepared.made / "manifests").iterdir()) if r["split"] == "train"]
    cut = {row["clip"]: row for row in rows if row["status"] == "cut"}
    assert {clip: int(row["frames"]) for clip, row in cut.items()} == CUT
    assert cut["a_bit_000003_000010"]["pictures"] == "195"  # 9.5 s of images, from 3 s on
    assert cut["a_bit_000003_000010"]["note"] == "the last image is held for 15 frames"
    others = {(row["youtube_id"], row["status"]): row["reason"] for row in rows}
    assert others["id_with-1", "contained"] == "lies in id_with-1_000102_000107"
    # Of seconds 3 to 10 it has 3 to 6, and with them one of two annotated seconds.
    brief = cut["brief_000003_000006"]
    assert brief["end"] == "6" and brief["pictures"] == brief["frames"] == "90"
    assert brief["note"] == "the video ends at 6.00 s: cut to 6 instead of 10"
    assert others["stub", "too short"] == (
        "the video ends at 2.00 s, before any annotated second is over"
    )
    assert others["broken", "unreadable"]
    assert others["lost", "missing"] and others["unlisted", "not listed"]
    sizes = {row["bytes"] for row in rows if row["status"] != "cut"}
    assert sizes == {""} and all(
        int(row["bytes"]) == (prepared.folder / row["file"]).stat().st_size for row in cut.values()
    )
    videos = {path.name for path in (prepared.made / "videos").iterdir() if not path.is_symlink()}
    assert videos == {f"{clip}.mp4" for clip in [*CUT, "v_al_000053_000057"]}
    told = "5 cut, 1 contained, 1 missing, 2 not listed, 1 too short, 1 unreadable"
    assert f"AVA-Kinetics train     {told}" in prepared.said


def test_a_clip_shows_the_instants_of_its_name(prepared):
    assert shown_numbers(prepared.made / "videos" / "over_lap_000001_000010.mp4") == list(
        range(30, 300)
    )
    short = shown_numbers(prepared.made / "videos" / "brief_000003_000006.mp4")
    assert short == list(range(90, 180))
    held = shown_numbers(prepared.made / "videos" / "a_bit_000003_000010.mp4")
    assert held == [*range(90, 285), *[284] * 15]
    frames = prepared.made / "rawframes"
    if prepared.read == "video":
        assert not frames.exists()
        return
    import cv2

    for clip, count in CUT.items():
        names = sorted(path.name for path in (frames / clip).iterdir())
        assert names == [f"img_{number:05d}.jpg" for number in range(1, count + 1)]
    image = cv2.imread(str(frames / "over_lap_000007_000015" / "img_00001.jpg"))
    assert read_number(image) == 60  # second 7 of a video from second 5


def test_annotations_are_as_worked_out_by_hand(prepared):
    a, b = "0.100,0.200,0.500,0.900", "0.600,0.200,0.900,0.900"
    annotations = prepared.made / "annotations"
    kinetics = [
        f"a_bit_000003_000010,5,{a},6,-1",
        f"a_bit_000003_000010,9,{a},6,-1",
        f"brief_000003_000006,5,{a},7,-1",
        f"id_with-1_000102_000107,104,{a},12,-1",
        f"id_with-1_000102_000107,104,{a},80,-1",
        f"id_with-1_000102_000107,104,{b},12,-1",
        f"id_with-1_000102_000107,105,{a},12,-1",
        f"over_lap_000001_000010,3,{a},5,-1",
        f"over_lap_000007_000015,9,{a},5,-1",
        f"over_lap_000007_000015,13,{a},5,-1",
    ]
    assert (annotations / "kinetics_train.csv").read_text().splitlines() == kinetics
    movie = f"{MOVIE},0902,0.077,0.151,0.283,0.811,80,1"
    assert (annotations / "ava_kinetics_train.csv").read_text().splitlines() == [*kinetics, movie]
    assert (annotations / "ava_kinetics_val.csv").read_text().splitlines() == [
        f"v_al_000053_000057,55,{b},11,-1",
        movie,
    ]
    told = {
        (row["youtube_id"], row["second"]): (row["clip"], row["reason"].split(":")[0])
        for row in rows_of([annotations / "kinetics_train_seconds.csv"])
    }
    assert told["over_lap", "9"] == ("over_lap_000007_000015", "")
    assert told["id_with-1", "100"] == ("", "not listed")
    assert told["id_with-1", "130"] == ("", "not listed")
    assert told["brief", "5"] == ("brief_000003_000006", "")
    assert told["brief", "9"] == ("", "beyond the images of brief_000003_000006")
    assert told["stub", "5"] == ("", "too short") and told["lost", "5"] == ("", "missing")
    # 4 of id_with-1, 3, 2, 5 single ones and brief's second; each once.
    assert len(told) == 4 + 3 + 2 + 5 + 1
    refused = (annotations / "kinetics_train_refused.txt").read_text()
    assert refused == "line 19: over_lap, second 3: action id 0 is not in 1..80\n"


def test_proposals_are_of_the_right_second_and_side(prepared):
    annotations = prepared.made / "annotations"
    own = read_proposals(annotations / "kinetics_train_proposals.pkl")
    # Figures walk through the corridor; the numbered videos have nobody in them.
    assert {key for key in own if key.startswith("id_with-1,")} == {
        f"id_with-1,{second:04d}" for second in (103, 104, 105, 106)
    }
    truth = pd.read_csv(DEMO / "truth" / "corridor.csv")
    for second in (103, 104, 105, 106):
        boxes = own[f"id_with-1,{second:04d}"]
        assert boxes[:, 4].min() > 0.7 and (np.diff(boxes[:, 4]) <= 0).all()
        true = truth[(truth["frame"] == 30 * (second - 100)) & (truth["visible"] >= 0.5)]
        overlap = iou_matrix(boxes[:, :4], true[BOX].to_numpy())
        assert len(true) and (overlap.max(axis=1) >= 0.6).all(), overlap
    merged = read_proposals(annotations / "ava_kinetics_train_proposals.pkl")
    assert set(merged) == {*own, f"{MOVIE},0902"}
    assert merged[f"{MOVIE},0902"][:, 4].tolist() == [0.95, 0.3]
    # Those of val were given beside the folder, which has some too.
    given = read_proposals(annotations / "ava_kinetics_val_proposals.pkl")
    assert given[f"{MOVIE},0902"][:, 4].tolist() == [0.96, 0.3]


def test_mmaction2_reads_every_sample(prepared):
    samples = {}
    for split in ("train", "val"):
        found = readers.ava_kinetics_samples(
            prepared.made, split, CUT | {"v_al_000053_000057": 120}
        )
        samples |= {(split, sample.clip, sample.timestamp): sample for sample in found}
    assert len(samples) == 8 + 1 + 2
    sample = samples["train", "id_with-1_000102_000107", 104]
    assert sample.boxes.tolist() == [[0.1, 0.2, 0.5, 0.9], [0.6, 0.2, 0.9, 0.9]]
    assert [np.flatnonzero(row).tolist() for row in sample.labels] == [[12, 80], [12]]
    assert sample.person_ids == [-1, -1, -1] and len(sample.proposals) >= 1
    assert sample.proposals.tolist() != [[0, 0, 1, 1]]
    # Second 2 of the clip is frame 61; the reader of frames looks at the one before.
    assert sample.centre == (61 if prepared.read == "video" else 60)
    for sample in samples.values():
        if sample.clip != MOVIE:
            assert all(path.exists() for path in sample.paths), sample.paths
    movie = samples["val", MOVIE, 902]
    assert movie.paths[0].parent.name == MOVIE and movie.centre == 60
    assert all(path.exists() for path in movie.paths[:4])
    assert len(movie.proposals) == 1  # 0.96; the other is under 0.9


def test_avas_files_are_left_alone_and_its_frames_linked(prepared):
    for path, content in prepared.originals.items():
        assert path.read_bytes() == content
    media = "videos" if prepared.read == "video" else "rawframes"
    link = prepared.made / media / MOVIE
    assert link.is_symlink() and link.samefile(prepared.folder / "ava" / "rawframes" / MOVIE)


def test_videos_that_were_too_short_for_an_earlier_version_are_looked_at_again(tmp_path):
    """It made nothing of a video that ends early, and its journal says so."""
    source = make_video(tmp_path / "brief_000000_000010.mp4", frames=180)
    row = {"split": "train", "youtube_id": "brief", "clip": "brief_000003_000010", "start": "3"}
    row |= {"end": "10", "status": "", "reason": "", "seconds": "5 9", "source": str(source)}
    row |= {"source_start": "0", "bytes": "1", "changed": "1"}
    trim = {"fps": 30, "crf": 20, "preset": "ultrafast", "gop": 30, "audio": "drop", "threads": 1}
    settings = {"trim": trim, "short_side": "keep", "jpeg_quality": 2, "max_broken_share": 1}
    settings |= {"provenance": "p"}

    def run(journal):
        places = tmp_path / "videos", tmp_path / "frames", journal
        log = tmp_path / "log"
        return run_batch([row], *places, settings, ffmpeg_exe(""), log, logging.getLogger("a"))

    journal = Journal(tmp_path / "j.jsonl")
    made_from = provenance(row, VERSION, "p")
    old = {"status": "too short", "reason": "the video ends at 6.00 s, the clip at 10 s"}
    journal.add("train/brief_000003_000010", made_from, "", None, old)
    (made,) = run(Journal(journal.path))
    assert (made["status"], made["clip"], made["end"]) == ("cut", "brief_000003_000006", 6)
    clip = tmp_path / "videos" / "brief_000003_000006.mp4"
    before = clip.stat().st_mtime_ns
    # Once made, with its frames under its own name, it stays.
    assert run(Journal(journal.path)) == [made] and clip.stat().st_mtime_ns == before
    shutil.rmtree(tmp_path / "frames" / "brief_000003_000006")
    assert run(Journal(journal.path)) == [made]
    assert len(list((tmp_path / "frames" / "brief_000003_000006").iterdir())) == 90


@pytest.mark.parametrize("prepared", ["frames"], indirect=True)
def test_merging_twice_gives_the_same_and_one_video_makes_one_batch_stale(prepared):
    folder = prepared.made / "annotations"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert prepared.run("ava_kinetics").nothing_to_do
    run = prepared.run("--forcerun", "merge_ava_kinetics", "--", "ava_kinetics")
    assert run.status == 0 and run.jobs["merge_ava_kinetics"] == 1
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    shutil.copy(
        prepared.folder / "small.mp4",
        prepared.folder / "k700" / "train" / CLASS / "lost_000000_000010.mp4",
    )
    plan = prepared.plan("ava_kinetics")
    assert plan["cut_ava_kinetics"] == plan["detect_ava_kinetics"] == 1


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({"annotations": "nowhere"}, ["ava_kinetics.annotations", "nowhere"]),
        ({"lists": {"train": "", "val": ""}}, ["ava_kinetics.lists"]),
        ({"lists": {"train": "none.txt"}}, ["none.txt", "missing"]),
        ({"videos": {"train": "elsewhere"}}, ["elsewhere/some class/", "max_missing_share"]),
        ({"ava": "ava_kinetics_v1_0"}, ["ava_train_v2.2.csv", "rawframes/"]),
        ({"read": "pictures"}, ["ava_kinetics.read", "frames, video"]),
        ({"proposal_score": 0.1}, ["proposal_score is 0.1", "detector.confidence, 0.3"]),
    ],
)
@pytest.mark.parametrize("prepared", ["frames"], indirect=True)
def test_mistakes_are_told_before_any_work(prepared, changed, parts):
    run = prepared.run("-n", "ava_kinetics", ava_kinetics=changed)
    assert run.status == 1 and run.output.count("avaflow error: ") == 1, run.output
    assert "Traceback" not in run.output
    for part in parts:
        assert part in run.output.split("avaflow error: ")[1], run.output


def test_the_config_without_a_split_trains_or_judges_nothing(tmp_path):
    def variables(train, judged):
        path = tmp_path / "c.py"
        path.write_text(config_text(AvaKineticsExport(train, judged, "frames", 0.7)))
        return readers.mmaction2_config(path)

    only_train = variables("kinetics_train", "")
    assert only_train["val_dataloader"] is None and only_train["test_cfg"] is None
    assert only_train["train_dataloader"]["dataset"]["person_det_score_thr"] == 0.7
    only_val = variables("", "ava_kinetics_val")
    assert only_val["train_dataloader"] is None and only_val["optim_wrapper"] is None
    assert only_val["test_dataloader"]["dataset"]["person_det_score_thr"] == 0.9
    assert Path(only_val["val_evaluator"]["ann_file"]).name == "ava_kinetics_val.csv"


@pytest.mark.parametrize("prepared", ["frames"], indirect=True)
def test_broken_clips_above_the_limit_stop_what_is_made_of_all(prepared):
    """Two videos give no clip, in batches too small to be judged one by one."""
    run = prepared.run("ava_kinetics", ava_kinetics={"max_broken_share": 0.1})
    assert run.status == 1 and "of AVA-Kinetics cannot be used, more than" in run.output
    run = prepared.run("ava_kinetics")
    assert run.status == 0, run.output


def test_a_range_for_both_splits_is_refused():
    def row(split, clip, status=""):
        return PlanRow(split, "a", clip, "0", "9", status, "", "5", "v/a.mp4", "0", "1", "1")

    check_split_apart([row("train", "a_000000_000009"), row("val", "a_000003_000012")])
    check_split_apart([row("train", "a_000000_000009"), row("val", "a_000000_000009", "missing")])
    with pytest.raises(
        UserError, match="1 clips .* for train and for val, such as a_000000_000009"
    ):
        check_split_apart([row("train", "a_000000_000009"), row("val", "a_000000_000009")])


def test_the_share_of_broken_clips_counts_over_all_batches():
    rows = [{"status": s, "source": "v", "reason": "r"} for s in ["cut"] * 7 + ["unreadable"] * 3]
    rows += [{"status": "missing", "source": "v", "reason": "r"}] * 50
    check_share(rows, 0.3)
    with pytest.raises(
        UserError, match=r"3 of 10 clips .*max_broken_share \(0.2\).*The first: v: r"
    ):
        check_share(rows, 0.2)


def test_frames_of_a_clip_are_not_replaced_by_a_link(tmp_path):
    (tmp_path / "made" / MOVIE).mkdir(parents=True)
    (tmp_path / "made" / MOVIE / "img_00001.jpg").write_bytes(b"x")
    (tmp_path / "ava" / MOVIE).mkdir(parents=True)
    with pytest.raises(UserError, match="cannot share a name"):
        link_movies(str(tmp_path / "ava"), [MOVIE], tmp_path / "made", tmp_path / "links.tsv")
    assert (tmp_path / "made" / MOVIE / "img_00001.jpg").exists()


def test_links_to_movies_that_are_gone_go_and_nothing_else(tmp_path):
    made, ava = tmp_path / "made", tmp_path / "ava"
    for movie in ("here", "gone"):
        (ava / movie).mkdir(parents=True)
    (made / "clip").mkdir(parents=True)
    (ava / "kept.mp4").write_bytes(b"x")
    (made / "kept.mp4").symlink_to(ava / "kept.mp4")
    link_movies(str(ava), ["here", "gone"], made, tmp_path / "links.tsv")
    (ava / "gone").rmdir()
    link_movies(str(ava), ["here"], made, tmp_path / "links.tsv")
    assert {path.name for path in made.iterdir()} == {"clip", "kept.mp4", "here"}


def test_an_ava_folder_among_the_results_is_refused(tmp_path):
    workspace = Workspace(tmp_path / "w", clips="", ava_kinetics=CONFIG)
    made_up(workspace)
    (workspace.folder / "results").mkdir()
    (workspace.folder / "ava").rename(workspace.folder / "results" / "ava_kinetics")
    frames = workspace.folder / "results" / "ava_kinetics" / "rawframes" / MOVIE
    run = workspace.run("-n", "ava_kinetics", ava_kinetics={"ava": "results/ava_kinetics"})
    assert run.status == 1 and "originals would be overwritten" in run.output, run.output
    assert frames.is_dir() and not frames.is_symlink()


def test_proposals_that_lie_beside_the_ava_folder(tmp_path):
    workspace = Workspace(tmp_path / "w", clips="")
    made_up(workspace)
    annotations = workspace.folder / "ava" / "annotations"
    name = "ava_dense_proposals_train.FAIR.recall_93.9.pkl"
    given = (annotations / name).rename(workspace.folder / name)
    ava = str(workspace.folder / "ava")
    with pytest.raises(UserError, match=name):
        find_ava(ava, ["train"], {"train": "", "val": ""})
    found = find_ava(ava, ["train"], {"train": str(given), "val": ""})
    assert found.proposals["train"] == str(given)
    assert found.proposals["val"] == str(annotations / name.replace("train", "val"))
    with pytest.raises(UserError, match=r"ava_kinetics\.ava_proposals\.train: no\.pkl is missing"):
        find_ava(ava, ["train"], {"train": "no.pkl", "val": ""})


def test_ava_without_frames_of_a_split_is_left_out_or_told(tmp_path):
    workspace = Workspace(tmp_path / "w", clips="")
    made_up(workspace)
    ava = workspace.folder / "ava"
    (ava / "annotations" / "ava_val_v2.2.csv").write_text(f"{NO_FRAMES},0902,0,0,1,1,9,0\n")
    assert list(find_ava(str(ava), ["train"]).csv) == ["train"]
    with pytest.raises(UserError, match="ava_val_v2.2.csv: none of its movies has a folder of fr"):
        find_ava(str(ava), ["train", "val"])
