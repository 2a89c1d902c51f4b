"""Detections and tracks of other tools, taken up: figures worked out by hand, and every refusal."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from avaflow.errors import UserError
from avaflow.manifests import ClipManifest
from avaflow.persons.own_boxes import (
    OwnSettings,
    detections_of,
    read_own_boxes,
    stride_of,
    tracks_of,
)
from avaflow.persons.own_files import files_of, find_own_files
from avaflow.tables import BOX, DETECTIONS, TRACKS
from workflow_runs import ROOT

FACTS = ClipManifest("yard", "v.mp4", 0.0, 30, 330, 200, 100, "", 0)
SETTINGS = OwnSettings("coco", 0, 900)

# Two persons on frame 61 (second 2) and one on frame 91, of 200 x 100 pixels.
TRUTH = [
    (61, 0.1, 0.2, 0.3, 0.8, 0.9),
    (61, 0.5, 0.1, 0.75, 1.0, 0.6),
    (91, 0.0, 0.2, 0.2, 0.8, 0.5),
]
IDS = [4, 7, 4]


def yolo(folder, boxes=TRUTH, ids=None, name="yard_{}.txt"):
    lines = {}
    for number, (frame, x1, y1, x2, y2, score) in enumerate(boxes):
        middle = f"{(x1 + x2) / 2:.6g} {(y1 + y2) / 2:.6g} {x2 - x1:.6g} {y2 - y1:.6g}"
        own = f" {ids[number]}" if ids else ""
        lines.setdefault(frame, []).append(f"0 {middle} {score:.6g}{own}")
    folder.mkdir(parents=True, exist_ok=True)
    for frame, own in lines.items():
        (folder / name.format(frame)).write_text("\n".join(own) + "\n")


def mot(folder, boxes=TRUTH, ids=None):
    rows = [
        f"{frame},{ids[n] if ids else -1},{x1 * 200:g},{y1 * 100:g},{(x2 - x1) * 200:g},"
        f"{(y2 - y1) * 100:g},{score},-1,-1,-1"
        for n, (frame, x1, y1, x2, y2, score) in enumerate(boxes)
    ]
    (folder / "yard.txt").write_text("\n".join(rows) + "\n")


def ava(folder, action=False):
    rows = [
        f"yard,{900 + (frame - 1) // 30:04d},{x1},{y1},{x2},{y2},{',' if action else ''}{score}"
        for frame, x1, y1, x2, y2, score in TRUTH
    ]
    (folder / "yard.csv").write_text("\n".join(rows) + "\n")


def coco(folder, image="{}"):
    entries = [
        {
            "image_id": int(frame) if image == "{}" else image.format(frame),
            "category_id": 1,
            "bbox": [x1 * 200, y1 * 100, (x2 - x1) * 200, (y2 - y1) * 100],
            "score": score,
        }
        for frame, x1, y1, x2, y2, score in TRUTH
    ]
    cup = {"image_id": entries[0]["image_id"], "category_id": 47, "bbox": [0, 0, 5, 5], "score": 1}
    (folder / "yard.json").write_text(json.dumps([cup, *entries]))


def mmdet_images():
    images = {}
    for frame, x1, y1, x2, y2, score in TRUTH:
        image = images.setdefault(frame, {"labels": [], "scores": [], "bboxes": []})
        image["labels"].append(0)
        image["scores"].append(score)
        image["bboxes"].append([x1 * 200, y1 * 100, x2 * 200, y2 * 100])
    images[61]["labels"].append(41)
    images[61]["scores"].append(0.99)
    images[61]["bboxes"].append([0, 0, 5, 5])
    return images


def mmdet(folder):
    named = {f"keyframes/yard_{frame:06d}.jpg": image for frame, image in mmdet_images().items()}
    (folder / "yard.json").write_text(json.dumps(named))


def mmdet_frames(folder):
    (folder / "yard" / "preds").mkdir(parents=True)
    for frame, image in mmdet_images().items():
        (folder / "yard" / "preds" / f"img_{frame:05d}.json").write_text(json.dumps(image))


def read(folder, **settings):
    found, warnings = find_own_files(str(folder), "own.detections", {"yard"})
    assert warnings == []
    files = files_of(found.places["yard"], "yard", "own.detections")
    return read_own_boxes(files, FACTS, replace(SETTINGS, **settings), "own.detections")


FORMS = {
    "YOLO": yolo,
    "YOLO's folder": lambda folder: yolo(folder / "yard" / "labels"),
    "images of YOLO": lambda folder: yolo(folder / "yard", name="img_{:05d}.txt"),
    "MOT": mot,
    "AVA": ava,
    "AVA with actions": lambda folder: ava(folder, action=True),
    "COCO results": coco,
    "COCO results by name": lambda folder: coco(folder, "yard_{:06d}.jpg"),
    "mmdet": mmdet,
    "mmdet by frame": mmdet_frames,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_detections(tmp_path, form):
    FORMS[form](tmp_path)
    table = detections_of(read(tmp_path), "yard")
    assert list(table) == list(DETECTIONS) and set(table["clip"]) == {"yard"}
    assert list(table[["frame", *BOX, "score"]].itertuples(index=False, name=None)) == TRUTH


@pytest.mark.parametrize("write", [yolo, mot])
def test_tracks_keep_their_ids(tmp_path, write):
    write(tmp_path, ids=IDS)
    table = tracks_of(read(tmp_path), "own.tracks")
    assert list(table) == list(TRACKS)
    rows = table[["frame", "person_id", "x1", "score"]].itertuples(index=False, name=None)
    assert list(rows) == [(61, 4, 0.1, 0.9), (61, 7, 0.5, 0.6), (91, 4, 0.0, 0.5)]


def test_boxes_of_low_scores_and_other_classes_are_counted(tmp_path):
    coco(tmp_path)
    found = read(tmp_path, confidence=0.6)
    assert list(found.table["score"]) == [0.9, 0.6] and found.left_out == 2
    found = read(tmp_path, person_class=47)
    assert len(found.table) == 1 and found.left_out == 3


def test_boxes_a_little_past_the_image_are_cut(tmp_path):
    (tmp_path / "yard.txt").write_text("61,1,-8,90,50,18,0.5\n")
    (row,) = read(tmp_path).table.itertuples(index=False)
    assert (row.x1, row.y1, row.x2, row.y2) == (0, 0.9, 0.21, 1)


def test_a_clip_of_nobody_is_an_empty_folder_or_list(tmp_path):
    (tmp_path / "yard").mkdir()
    for _ in range(2):
        found = read(tmp_path)
        assert list(detections_of(found, "yard")) == list(DETECTIONS)
        assert list(tracks_of(found, "own.tracks")) == list(TRACKS)
        if (tmp_path / "yard").exists():
            (tmp_path / "yard").rmdir()
            (tmp_path / "yard.json").write_text("[]")


def test_an_empty_file_of_a_frame_is_a_frame_of_nobody(tmp_path):
    yolo(tmp_path)
    (tmp_path / "yard_121.txt").write_text("")
    assert len(read(tmp_path).table) == 3


GOOD = "61,1,20,20,40,60,0.9"
BAD_FILES = {
    # a file's name, its text, and what of the message is held
    "empty": ("yard.txt", "", r"yard\.txt: the file is empty.*empty folder .*yard in its place"),
    "blank": ("yard.csv", "\n \n", "the file is empty"),
    "BOM": ("yard.txt", "\ufeff" + GOOD, r"yard\.txt, line 1: .*byte order mark"),
    "semicolons": ("yard.txt", GOOD.replace(",", ";"), r"line 1: .*found semicolons"),
    "frame 0": ("yard.txt", f"{GOOD}\n0,1,20,20,40,60,0.9", r"line 2: frame 0: expected 1 to 330"),
    "frame 331": ("yard.txt", "331,1,20,20,40,60,0.9", "line 1: frame 331: expected 1 to 330"),
    "half a frame": (
        "yard.txt",
        "61,1,20,20,40,60,0.9\n61.5,1,2,2,4,6,0.9",
        "line 2: expected|61.5",
    ),
    "out": (
        "yard.txt",
        f"{GOOD}\n61,2,190,20,40,60,0.9",
        r"line 2: the box from 190, 20, 230, 80 d",
    ),
    "other size": ("yard.txt", "61,1,0,0,400,200,0.9", "pixels of the clip, 200 x 100"),
    "flat": ("yard.txt", "61,1,20,20,0,60,0.9", "line 1: a box of 0 x 60 px, expected 1 at least"),
    "normalised": ("yard.txt", "61,1,0.1,0.2,0.2,0.6,0.9", r"0\.2 x 0\.6 px.*numbers in 0\.\.1\?"),
    "score": ("yard.txt", "61,1,20,20,40,60,57", "line 1: score 57: expected 0 to 1"),
    "negative score": ("yard.txt", "61,1,20,20,40,60,-1", "line 1: score -1: expected 0 to 1"),
    "twice": ("yard.txt", f"{GOOD}\n91,1,1,1,9,9,1\n{GOOD}", "line 3: the same box is on frame 61"),
    "words": ("yard.txt", f"{GOOD}\n61,1,20,x,40,60,0.9", "line 2: expected frame,id,x,y,w,h,conf"),
    "cells missing": ("yard.txt", f"{GOOD}\n61,1,20", r"line 2: .*with 7 cells"),
    "cells too many": ("yard.txt", f"{GOOD}\n{GOOD},1", r"line 2: .*with 7 cells"),
    "blank line": ("yard.txt", f"{GOOD}\n\n{GOOD}", "line 2: .*with 7 cells"),
    "nan": ("yard.txt", "61,1,nan,20,40,60,0.9", "line 1: expected frame,id"),
    "header": ("yard.txt", f"frame,id,x,y,w,h,conf\n{GOOD}", "line 1: .*header|line 1: expected"),
    "no score": ("yard.txt", "61,1,20,20,40,60", "line 1: expected frame,id,x,y,w,h,conf, found 6"),
    "other clip": (
        "yard.csv",
        "yad,902,.1,.2,.3,.4,.9",
        "line 1: expected boxes of clip yard, .*yad",
    ),
    "early": ("yard.csv", "yard,2,.1,.2,.3,.4,.9", "line 1: timestamp 2: .* 900 to 910 for"),
    "late": ("yard.csv", "yard,911,.1,.2,.3,.4,.9", "line 1: timestamp 911: expected whole"),
    "pixels": ("yard.csv", "yard,902,10,20,30,40,.9", "line 1: the box from 10, 20, 30, 40 .*0..1"),
    "corners": ("yard.csv", "yard,902,.3,.2,.1,.4,.9", "line 1: a box of -40 x 20 px"),
    "lines of YOLO": ("yard.txt", "0 .5 .5 .1 .1 .9", "a file for each frame, such as yard_31.txt"),
    "no conf": ("yard_61.txt", "0 .5 .5 .1 .1", "yard_61.txt, line 1: 5 numbers.*--save-conf"),
    "id for conf": ("yard_61.txt", "0 .5 .5 .1 .1 3", r"line 1: score 3: .*Save with --save-conf"),
    "pixels of YOLO": (
        "yard_61.txt",
        "0 90 50 20 20 .9",
        "the box from .*expected corners in 0..1",
    ),
    "late frame": ("yard_400.txt", "0 .5 .5 .1 .1 .9", "line 1: frame 400: expected 1 to 330"),
    "table of a frame": ("yard_61.txt", GOOD, "expected `class cx cy w h conf`"),
    "other class": ("yard_61.txt", "3 .5 .5 .1 .1 .9", "no box is of class 0, found class 3"),
    "polygon": ("yard_61.txt", "0 .5 .5 .1 .1 .9 .3 .4 .5", "expected `class cx cy w h conf"),
    "half JSON": ("yard.json", '[{"image_id": 1', "yard.json, line 1: this is no JSON"),
    "truth": ("yard.json", '{"images": [], "annotations": []}', "expected a list of COCO results"),
    "no image": ("yard.json", '[{"category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]', "entry 1"),
    "no frame": (
        "yard.json",
        '[{"image_id": "yard", "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]',
        "entry 1: .*a name that ends in",
    ),
    "two by two": (
        "yard_61.json",
        '{"bboxes": [[1, 2, 3, 4]], "labels": [0, 0], "scores": [0.5]}',
        "as many of each",
    ),
    "Latin": ("yard.txt", b"61,1,\xe4,20,40,60,0.9", r"line 1: expected UTF-8"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_what_is_refused_is_named_with_its_line(tmp_path, case):
    name, text, message = BAD_FILES[case]
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path)
    assert name in str(caught.value) or case == "other class"


BAD_IDS = {
    "none": ("61,-1,20,20,40,60,0.9", "line 1: person id -1: expected a whole number from 1 to"),
    "zero": ("61,0,20,20,40,60,0.9", "line 1: person id 0"),
    "half": ("61,1.5,20,20,40,60,0.9", r"line 1: person id 1\.5"),
    "too large": ("61,2147483648,20,20,40,60,0.9", "line 1: person id 2147483648"),
    "twice": ("61,3,20,20,40,60,0.9\n61,3,90,20,40,60,0.9", "line 2: person 3 is on frame 61"),
}


@pytest.mark.parametrize("case", BAD_IDS)
def test_ids_that_are_refused(tmp_path, case):
    text, message = BAD_IDS[case]
    (tmp_path / "yard.txt").write_text(text + "\n")
    found = read(tmp_path)
    with pytest.raises(UserError, match=message):
        tracks_of(found, "own.tracks")
    assert len(detections_of(found, "yard")) == len(text.splitlines())


def test_the_largest_id_is_taken_and_tables_without_ids_are_not(tmp_path):
    (tmp_path / "yard.txt").write_text("61,2147483647,20,20,40,60,0.9\n")
    assert list(tracks_of(read(tmp_path), "own.tracks")["person_id"]) == [2**31 - 1]
    (tmp_path / "yard.txt").unlink()
    ava(tmp_path)
    with pytest.raises(UserError, match=r"yard\.csv, line 1: no person id"):
        tracks_of(read(tmp_path), "own.tracks")


def test_frames_beside_the_keyframes_are_told(tmp_path):
    """Frames that count from 0, every tenth looked at: 30, 40, ... instead of 31, 41, ..."""
    rows = [f"{frame},1,20,20,40,60,0.9" for frame in range(30, 200, 10)]
    (tmp_path / "yard.txt").write_text("\n".join(rows))
    with pytest.raises(
        UserError, match=r"on frames 30 to 190, but on no whole second \(frames 1, 31"
    ):
        read(tmp_path)
    (tmp_path / "yard.txt").write_text("\n".join(rows[:6]))
    assert len(read(tmp_path).table) == 6  # somebody may be seen for less than two seconds


def test_very_many_wrong_rows_are_counted(tmp_path):
    rows = [f"{frame},1,20,20,40,60,7" for frame in range(1, 331)]
    (tmp_path / "yard.txt").write_text("\n".join(rows))
    with pytest.raises(UserError) as caught:
        read(tmp_path)
    assert str(caught.value).endswith("and 310 more rows like the last")
    assert len(str(caught.value).splitlines()) == 22


def test_files_are_found_and_the_others_told(tmp_path):
    for name in ("a.txt", "b-1_31.txt", "b-1_61.txt", "c.csv", "old.txt", "notes.md", ".hidden"):
        (tmp_path / name).write_text("x")
    (tmp_path / "d").mkdir()
    found, (warning,) = find_own_files(str(tmp_path), "own.tracks", {"a", "b-1", "c", "d"})
    assert sorted(found.places) == ["a", "b-1", "c", "d"]
    assert files_of(found.places["b-1"], "b-1", "x") == [
        str(tmp_path / "b-1_31.txt"),
        str(tmp_path / "b-1_61.txt"),
    ]
    assert warning.endswith("and not read: notes.md, old.txt")
    with pytest.raises(UserError, match=r"own\.tracks: .*nothing is there of 1 of 2 clips \(e\)"):
        find_own_files(str(tmp_path), "own.tracks", {"a", "e"})
    (tmp_path / "a.json").write_text("[]")
    (tmp_path / "b-1").mkdir()
    with pytest.raises(UserError, match=r"(?s)clip a: both .*a\.json and .*a\.txt.*clip b-1: both"):
        find_own_files(str(tmp_path), "own.tracks", {"a", "b-1", "c", "d"})
    with pytest.raises(UserError, match="expected a folder at .*gone"):
        find_own_files(str(tmp_path / "gone"), "own.tracks", {"a"})


def test_the_stride_of_other_tools():
    assert stride_of([1, 11, 16, 31], 30) == 5
    assert stride_of([31, 61, 301], 30) == 30
    assert stride_of([1, 2, 31], 30) == 1
    assert stride_of([1, 8, 29, 31], 30) == 7
    assert stride_of([], 30) == 30


@pytest.mark.slow
@pytest.mark.parametrize("form", ["mot", "coco", "yolo"])
def test_a_million_boxes_take_less_than_a_gigabyte(tmp_path, form):
    count, each = 25_000, 40
    facts = replace(FACTS, frames=count, width=2000, height=1000)
    frames = [frame for frame in range(1, count + 1) for _ in range(each)]
    if form == "mot":
        rows = (f"{f},{i % each + 1},{i % each * 49},20,40,60,0.9\n" for i, f in enumerate(frames))
        (tmp_path / "yard.txt").write_text("".join(rows))
    elif form == "coco":
        box = '{{"image_id": {}, "category_id": 1, "bbox": [{}, 20, 40, 60], "score": 0.5}}'
        rows = (box.format(f, i % each * 49) for i, f in enumerate(frames))
        (tmp_path / "yard.json").write_text(f"[{','.join(rows)}]")
    else:
        (tmp_path / "yard").mkdir()
        text = "".join(f"0 {0.02 + i * 0.024:.6f} 0.5 0.02 0.06 0.9 {i + 1}\n" for i in range(each))
        for frame in range(1, count + 1):
            (tmp_path / "yard" / f"{frame}.txt").write_text(text)
    program = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from avaflow.manifests import ClipManifest\n"
        "from avaflow.persons.own_boxes import OwnSettings, detections_of, read_own_boxes\n"
        "from avaflow.persons.own_files import files_of, find_own_files\n"
        f"facts = {facts!r}\n"
        "found, _ = find_own_files(sys.argv[1], 'own', {'yard'})\n"
        "files = files_of(found.places['yard'], 'yard', 'own')\n"
        "boxes = read_own_boxes(files, facts, OwnSettings('coco', 0, 900), 'own')\n"
        "print(len(detections_of(boxes, 'yard')))\n"
        # Not by getrusage, in whose figure a process inherits the peak of the one it is from.
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
        check=True,
    )
    rows, most_kib = map(int, run.stdout.split())
    assert rows == count * each
    assert most_kib < 1_000_000
