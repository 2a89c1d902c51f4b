"""Faults of datasets, each planted into a sound one: a function a fault, and what is to be found.

`fault(CODE, FILE, LINE)` says which finding a fault is to give, and that it gives no other.
"""

import json
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from avaflow.formats.mmaction2 import Export
from avaflow.formats.mmaction2 import config_text as mmaction2_config
from avaflow.formats.proposals import NEW_MODULE, OLD_MODULE, write_proposals
from avaflow.publishing.manifest import FORMAT, VERSION, file_entries, manifest_text
from numbered_videos import make_video
from sound_datasets import proposals_of, write_image


class Fault(NamedTuple):
    """A fault: the dataset it is planted into, how, and the finding; line 0 says nothing of it."""

    dataset: str
    plant: Callable[[Path], None]
    code: str
    file: str
    line: int

    @property
    def name(self) -> str:
        return f"{self.code}-{self.plant.__name__}"


FAULTS: list[Fault] = []


def fault(code: str, file: str, line: int = 0, dataset: str = "ava"):
    def keep(plant: Callable[[Path], None]) -> Callable[[Path], None]:
        FAULTS.append(Fault(dataset, plant, code, file, line))
        return plant

    return keep


TRAIN, VAL = "annotations/train.csv", "annotations/val.csv"
EXCLUDED = "annotations/train_excluded_timestamps.csv"
ACTION_LIST, PICKLE = "annotations/action_list.pbtxt", "annotations/dense_proposals_train.pkl"
LISTED, BOXES = "slowfast/frame_lists/train.csv", "slowfast/ava_val_predicted_boxes.csv"
FRAMES_CONFIG, VIDEO_CONFIG = "mmaction2/slowfast_frames.py", "mmaction2/slowfast_video.py"
SLOWFAST = "slowfast/SLOWFAST.yaml"


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text's first place."""
    text = path.read_text()
    assert old in text, f"{path}: no {old!r}"
    path.write_text(text.replace(old, new, 1))


def relines(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Change a text as a list of its lines."""
    path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines())))


def cell(path: Path, line: int, column: int, text: str) -> None:
    """Change a cell of a csv, both counted from 1."""

    def change(lines):
        cells = lines[line - 1].split(",")
        cells[column - 1] = text
        return [*lines[: line - 1], ",".join(cells), *lines[line:]]

    relines(path, change)


# ------------------------------------------------------------------ files


@fault("F01", TRAIN)
def empty_csv(root):
    (root / TRAIN).write_text("")
    # What else names the split's clips.
    for path in ("slowfast", "mmaction2"):
        os.rename(root / path, root / f".{path}")


@fault("F02", TRAIN, 1)
def byte_order_mark(root):
    (root / TRAIN).write_bytes(b"\xef\xbb\xbf" + (root / TRAIN).read_bytes())


@fault("F02", LISTED, 1)
def byte_order_mark_of_a_list(root):
    (root / LISTED).write_bytes(b"\xef\xbb\xbf" + (root / LISTED).read_bytes())


@fault("F03", VAL, 1)
def windows_line_ends(root):
    (root / VAL).write_bytes((root / VAL).read_bytes().replace(b"\n", b"\r\n"))


@fault("F04", "datumaro/annotations/ava_val_v2.2.csv", 1)
def latin_letters(root):
    path = root / "datumaro/annotations/ava_val_v2.2.csv"
    path.write_bytes(path.read_bytes().replace(b"shop,902", b"sh\xf6p,902", 1))
    # Its image under the name that the csv has now.
    folder = root / "datumaro/frames/shop"
    target = root / "datumaro/frames/sh\ufffdp/sh\ufffdp_902.jpg"
    target.parent.mkdir()
    target.write_bytes((folder / "shop_902.jpg").read_bytes())


@fault("F05", "annotations/val_pipe.csv")
def a_pipe_for_a_table(root):
    os.mkfifo(root / "annotations/val_pipe.csv")


@fault("F06", "annotations/more.csv")
def a_link_out_of_the_dataset(root):
    (root / "annotations/more.csv").symlink_to("/etc/hostname")


@fault("F06", LISTED, 2)
def a_frame_out_of_the_dataset(root):
    edit(root / LISTED, " idle/img_00001.jpg", " ../../../../idle/img_00001.jpg")


@fault("F07", "clips")
def a_dead_link(root):
    (root / "clips/shop.mp4").symlink_to("../../gone.mp4")


@fault("F08", "annotations/notes.bin")
def a_strange_file(root):
    (root / "annotations/notes.bin").write_bytes(b"\x00\x01\x02 nothing known\n")


@fault("F09", "annotations/persons_bbox.json")
def broken_json(root):
    (root / "annotations/persons_bbox.json").write_text('[{"image_id": 1, "bbox": [1, 2')


def manifest_of_files(root, **changed):
    """The manifest of a dataset as it lies there; `changed` are fields of train.csv's entry."""
    paths = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    entries = file_entries(root, paths)
    entries = [e._replace(**changed) if e.path == TRAIN else e for e in entries]
    content = {"format": FORMAT, "version": VERSION}
    (root / "manifest.json").write_text(manifest_text(content, entries))


@fault("F10", "manifest.json")
def a_file_of_other_content(root):
    manifest_of_files(root, sha256="0" * 64)


@fault("F10", "manifest.json")
def a_file_that_was_cut_short(root):
    manifest_of_files(root, bytes=1_000_000)


@fault("F10", "manifest.json")
def a_file_that_did_not_come_along(root):
    manifest_of_files(root, path="annotations/gone.csv")


@fault("F06", "manifest.json")
def a_manifest_that_leads_out(root):
    manifest_of_files(root, path="../../etc/passwd")


# ------------------------------------------------------------------ AVA's csv


@fault("A01", TRAIN, 1)
def header(root):
    relines(root / TRAIN, lambda lines: ["video_id,timestamp,x1,y1,x2,y2,action,person", *lines])


@fault("A02", TRAIN, 5)
def blank_line(root):
    relines(root / TRAIN, lambda lines: [*lines[:4], "", *lines[4:]])


@fault("A03", TRAIN, 6)
def seven_columns(root):
    relines(root / TRAIN, lambda ls: [*ls[:5], ls[5].rpartition(",")[0], *ls[6:]])


@fault("A04", TRAIN, 3)
def timestamp_with_a_point(root):
    cell(root / TRAIN, 3, 2, "902.0")


@fault("A04", VAL, 2)
def timestamp_in_words(root):
    cell(root / VAL, 2, 2, "0:02")


@fault("A05", TRAIN, 2)
def quotes(root):
    cell(root / TRAIN, 2, 1, '"idle"')


@fault("A06", TRAIN, 3)
def coordinate_in_words(root):
    cell(root / TRAIN, 3, 4, "left")


@fault("A06", TRAIN, 3)
def coordinate_nan(root):
    cell(root / TRAIN, 3, 4, "nan")


@fault("A07", TRAIN, 3)
def box_out_of_the_image(root):
    cell(root / TRAIN, 3, 6, "1.04")


@fault("A08", TRAIN, 3)
def boxes_in_pixels(root):
    def change(lines):
        cells = lines[2].split(",")
        cells[2:6] = ["384", "96", "512", "342"]
        return [*lines[:2], ",".join(cells), *lines[3:]]

    relines(root / TRAIN, change)


@fault("A09", TRAIN, 3)
def swapped_corners(root):
    def change(lines):
        cells = lines[2].split(",")
        cells[2], cells[4] = cells[4], cells[2]
        return [*lines[:2], ",".join(cells), *lines[3:]]

    relines(root / TRAIN, change)


@fault("A10", TRAIN, 3)
def action_zero(root):
    cell(root / TRAIN, 3, 7, "0")


@fault("A11", TRAIN, 3)
def negative_action(root):
    cell(root / TRAIN, 3, 7, "-1")


@fault("A12", TRAIN, 3)
def action_above_80(root):
    cell(root / TRAIN, 3, 7, "81")


@fault("A13", TRAIN, 3)
def action_by_name(root):
    cell(root / TRAIN, 3, 7, "talk")


@fault("A14", TRAIN, 3)
def action_not_listed(root):
    cell(root / TRAIN, 3, 7, "4")


@fault("A15", TRAIN, 4)
def double_row(root):
    relines(root / TRAIN, lambda lines: [*lines[:3], lines[2], *lines[3:]])


@fault("A16", TRAIN, 2)
def two_boxes_of_one_person(root):
    cell(root / TRAIN, 2, 3, "0.110000")


@fault("A17", TRAIN, 2)
def one_box_of_two_persons(root):
    cell(root / TRAIN, 2, 8, "7")


@fault("A18", TRAIN, 2)
def one_box_in_two_spellings(root):
    cell(root / TRAIN, 2, 3, "0.10")


@fault("A19", TRAIN, 2)
def unsorted_rows(root):
    relines(root / TRAIN, lambda lines: [lines[3], *lines[:3], *lines[4:]])


@fault("A19", TRAIN, 40)
def a_clip_begins_again(root):
    relines(root / TRAIN, lambda lines: [*lines[3:], *lines[:3]])


def _rename(root: Path, name: str) -> None:
    """Another name for the clip `walk` in everything."""
    for path in sorted(root.rglob("*")):
        if path.suffix in {".csv"} and "slowfast" not in path.parts:
            path.write_text(path.read_text().replace("walk,", f"{name},"))
    for folder in ("slowfast", "mmaction2", "datumaro"):
        os.rename(root / folder, root / f".{folder}")
    found = proposals_of(["idle"]) | {
        key.replace("walk,", f"{name},"): value for key, value in proposals_of(["walk"]).items()
    }
    write_proposals(root / PICKLE, found)


@fault("A20", TRAIN, 22)
def clip_with_a_space(root):
    _rename(root, "a walk")


@fault("A21", TRAIN, 22)
def clip_with_a_dot(root):
    _rename(root, "walk.1")


@fault("A22", TRAIN, 22)
def clip_called_by_a_number(root):
    _rename(root, "12")


@fault("A23", TRAIN, 22)
def clip_with_underscores(root):
    _rename(root, "the_long_walk")


@fault("A24", TRAIN, 3)
def person_by_name(root):
    cell(root / TRAIN, 3, 8, "Ann")


@fault("A25", TRAIN, 3)
def person_minus_one(root):
    cell(root / TRAIN, 3, 8, "-1")


# ------------------------------------------------------------------ times


def _shifted(root: Path, offset: int) -> None:
    """All timestamps counted from `offset` instead of 900."""

    def moved(match):
        return f",{int(match[1]) - 900 + offset},"

    for split in ("train", "val"):
        path = root / f"annotations/{split}.csv"
        path.write_text(re.sub(r"(?<=[a-z]),(\d+),", moved, path.read_text()))
        excluded = root / f"annotations/{split}_excluded_timestamps.csv"
        excluded.write_text("")
        clips = {"train": ["idle", "walk"], "val": ["shop"]}[split]
        found = proposals_of(clips)
        write_proposals(
            root / f"annotations/dense_proposals_{split}.pkl",
            {f"{k[:-5]},{int(k[-4:]) - 900 + offset:04d}": v for k, v in found.items()},
        )


@fault("T01", TRAIN, 1)
def timestamps_from_zero(root):
    _shifted(root, 0)
    _shifted_val_only_in_train(root)
    for folder in ("slowfast", "mmaction2"):
        os.rename(root / folder, root / f".{folder}")


def _shifted_val_only_in_train(root: Path) -> None:
    """val as it was, so that the fault is in one file."""
    from avaflow.formats.ava import write_csv
    from sound_datasets import ACTIONS, rows_of

    write_csv(root / VAL, rows_of(["shop"]), len(ACTIONS), 900)
    write_proposals(root / "annotations/dense_proposals_val.pkl", proposals_of(["shop"]))


@fault("T02", TRAIN, 1)
def timestamps_that_pyslowfast_does_not_know(root):
    relines(root / TRAIN, lambda lines: [line.replace(",902,", ",901,") for line in lines])
    found = proposals_of(["idle", "walk"])
    moved = {key.replace("0902", "0901"): value for key, value in found.items()}
    write_proposals(root / PICKLE, moved)


@fault("T03", TRAIN, 1, "media")
def label_at_the_end_of_a_clip(root):
    relines(root / TRAIN, lambda lines: [line.replace(",902,", ",903,") for line in lines])
    relines(root / TRAIN, lambda ls: [line.replace("walk,903", "walk,902") for line in ls])
    found = proposals_of(["idle"], [3]) | proposals_of(["walk"], [2])
    write_proposals(root / PICKLE, found)


# ------------------------------------------------------------------ excluded


@fault("E01", EXCLUDED, 1)
def excluded_with_a_header(root):
    relines(root / EXCLUDED, lambda lines: ["video_id,timestamp", *lines])


@fault("E01", EXCLUDED, 2)
def excluded_with_a_point(root):
    cell(root / EXCLUDED, 2, 2, "909.0")


@fault("E02", TRAIN, 1)
def labels_on_excluded(root):
    relines(root / EXCLUDED, lambda lines: ["idle,0902", *lines])


# ------------------------------------------------------------------ proposals


def _pickle(root: Path, change: Callable[[dict], object], protocol: int = 2) -> None:
    """Write the proposals of train changed, in a pickle that old readers take."""
    content = change(dict(proposals_of(["idle", "walk"])))
    raw = pickle.dumps(content, protocol)
    if protocol == 2:
        raw = raw.replace(f"c{NEW_MODULE}\n".encode(), f"c{OLD_MODULE}\n".encode())
    (root / PICKLE).write_bytes(raw)


@fault("P01", PICKLE)
def pickle_cut_short(root):
    (root / PICKLE).write_bytes((root / PICKLE).read_bytes()[:-40])


@fault("P01", PICKLE)
def pickle_of_a_list(root):
    _pickle(root, lambda found: list(found))


@fault("P02", PICKLE)
def pickle_that_runs_a_program(root):
    (root / PICKLE).write_bytes(b"cposix\nsystem\n(S'touch " + bytes(root / "run") + b"'\ntR.")


@fault("P02", PICKLE)
def pickle_of_objects(root):
    _pickle(root, lambda found: found | {"idle,0902": {1, 2}})


@fault("P01", PICKLE)
def pickle_that_asks_for_64_gigabytes(root):
    (root / PICKLE).write_bytes(b"}r\xff\xff\xff\xee.")


@fault("P03", PICKLE)
def unpadded_key(root):
    _pickle(root, lambda found: {k.replace(",0902", ",902"): v for k, v in found.items()})


@fault("P04", PICKLE)
def key_of_two_parts(root):
    _pickle(
        root, lambda found: {(k[:-5], int(k[-4:])) if "902" in k else k: found[k] for k in found}
    )


@fault("P05", PICKLE)
def boxes_as_lists(root):
    _pickle(root, lambda found: found | {"idle,0902": found["idle,0902"].tolist()})


@fault("P06", PICKLE)
def keyframe_without_boxes(root):
    _pickle(root, lambda found: found | {"idle,0902": np.empty((0, 5))})


def _one_box(root: Path, column: int, value: float) -> None:
    def change(found):
        boxes = found["idle,0902"].copy()
        boxes[1, column] = value
        return found | {"idle,0902": boxes}

    _pickle(root, change)


@fault("P07", PICKLE)
def proposal_nan(root):
    _one_box(root, 2, float("nan"))


@fault("P08", PICKLE)
def proposal_a_hair_outside(root):
    _one_box(root, 2, 1.0001)


@fault("P09", PICKLE)
def best_proposal_last(root):
    _pickle(root, lambda found: found | {"idle,0902": found["idle,0902"][::-1].copy()})


@fault("P10", PICKLE)
def proposals_without_scores(root):
    _pickle(root, lambda found: found | {"idle,0902": found["idle,0902"][:, :4].copy()})


@fault("P11", PICKLE)
def proposals_in_one_row(root):
    _pickle(root, lambda found: {**found, "idle,0909": found["idle,0902"].ravel()})


@fault("P11", PICKLE)
def proposals_of_whole_numbers(root):
    _pickle(root, lambda found: {**found, "idle,0909": np.ones((1, 5), np.int64)})


@fault("P12", PICKLE, 1)
def labelled_keyframe_without_key(root):
    _pickle(root, lambda found: {k: v for k, v in found.items() if k != "idle,0902"})


@fault("P13", PICKLE)
def pickle_of_numpy_2(root):
    raw = pickle.dumps(proposals_of(["idle", "walk"]), 2)
    raw = raw.replace(f"c{OLD_MODULE}\n".encode(), f"c{NEW_MODULE}\n".encode())
    (root / PICKLE).write_bytes(raw)


@fault("P14", PICKLE)
def proposals_in_pixels(root):
    _pickle(root, lambda found: {k: v * [640, 360, 640, 360, 1] for k, v in found.items()})


@fault("P15", PICKLE)
def keys_of_other_clips(root):
    _pickle(root, lambda found: {f"v-{key}": value for key, value in found.items()})


@fault("P16", PICKLE)
def proposals_elsewhere(root):
    _pickle(root, lambda found: {k: v - [0.1, 0.2, 0.1, 0.2, 0] for k, v in found.items()})


@fault("P17", PICKLE)
def proposal_without_area(root):
    _one_box(root, 2, 0.6)


@fault("P18", PICKLE)
def score_in_percent(root):
    def change(found):
        boxes = found["idle,0902"].copy()
        boxes[0, 4] = 90
        return found | {"idle,0902": boxes}

    _pickle(root, change)


# ------------------------------------------------------------------ action lists


@fault("L01", ACTION_LIST, 1)
def list_with_tabs(root):
    path = root / ACTION_LIST
    path.write_text(path.read_text().replace("  ", "\t"))


@fault("L01", ACTION_LIST)
def list_of_another_form(root):
    (root / ACTION_LIST).write_text("actions { talk = 1 }\nitem {\n}\n")
    (root / "annotations/label_map.txt").unlink()


@fault("L02", ACTION_LIST, 6)
def single_quotes(root):
    edit(root / ACTION_LIST, '"stand"', "'stand'")


@fault("L02", ACTION_LIST, 1)
def id_before_name(root):
    edit(root / ACTION_LIST, '  name: "talk"\n  label_id: 1\n', '  label_id: 1\n  name: "talk"\n')


@fault("L03", ACTION_LIST, 1)
def older_form(root):
    path = root / ACTION_LIST
    text = path.read_text().replace("label {", "item {").replace("label_id", "id")
    path.write_text(re.sub(r"  label_type.*\n", "", text))


@fault("L04", ACTION_LIST, 1)
def ids_from_zero(root):
    (root / ACTION_LIST).write_text(
        'label {\n  name: "none"\n  label_id: 0\n  label_type: PERSON_MOVEMENT\n}\n'
        + (root / ACTION_LIST).read_text()
    )
    relines(root / "annotations/label_map.txt", lambda lines: ["0: none", *lines])


def with_a_gap(root: Path) -> None:
    """The action 3 becomes 5; the configs of three classes are put away."""
    edit(root / ACTION_LIST, "label_id: 3", "label_id: 5")
    edit(root / "annotations/label_map.txt", "3: walk", "5: walk")
    for path in (root / TRAIN, root / VAL):
        path.write_text(re.sub(r",3,(\d)$", r",5,\1", path.read_text(), flags=re.MULTILINE))
    for folder in ("slowfast", "mmaction2"):
        os.rename(root / folder, root / f".{folder}")


@fault("L12", ACTION_LIST)
def gap_in_the_ids(root):
    with_a_gap(root)


@fault("L05", ACTION_LIST, 16)
def an_id_twice(root):
    path = root / ACTION_LIST
    again = 'label {\n  name: "walk"\n  label_id: 3\n  label_type: PERSON_MOVEMENT\n}\n'
    path.write_text(path.read_text() + again)


@fault("L06", ACTION_LIST, 6)
def another_label_type(root):
    text = (root / ACTION_LIST).read_text().replace("PERSON_MOVEMENT", "MOVE", 2)
    (root / ACTION_LIST).write_text(text.replace("MOVE", "PERSON_MOVEMENT", 1))


@fault("L07", "annotations/label_map.txt", 2)
def other_names_in_the_map(root):
    edit(root / "annotations/label_map.txt", "2: stand", "2: sit")


@fault("L08", "annotations/")
def no_action_list(root):
    for path in root.rglob("*.pbtxt"):
        path.unlink()
    for folder in ("slowfast", "mmaction2", "datumaro"):
        os.rename(root / folder, root / f".{folder}")


@fault("L09", ACTION_LIST, 6)
def list_out_of_order(root):
    entries = re.findall(r"label \{.*?\n\}\n", (root / ACTION_LIST).read_text(), re.DOTALL)
    (root / ACTION_LIST).write_text(entries[1] + entries[0] + entries[2])


@fault("L10", ACTION_LIST, 11)
def a_name_twice(root):
    edit(root / ACTION_LIST, '"walk"', '"stand"')
    edit(root / "annotations/label_map.txt", "3: walk", "3: stand")


# ------------------------------------------------------------------ mmaction2


@fault("M01", VIDEO_CONFIG)
def config_with_a_slip(root):
    edit(root / VIDEO_CONFIG, "num_classes = 4", "num_classes = = 4")


@fault("M02", VIDEO_CONFIG)
def classes_without_background(root):
    edit(root / VIDEO_CONFIG, "num_classes = 4", "num_classes = 3")


@fault("M03", VIDEO_CONFIG)
def head_of_another_dataset(root):
    edit(root / VIDEO_CONFIG, "            num_classes=num_classes", "            num_classes=81")


@fault("M04", VIDEO_CONFIG)
def start_of_another_dataset(root):
    edit(root / VIDEO_CONFIG, "timestamp_start=900", "timestamp_start=0")


@fault("M05", FRAMES_CONFIG)
def end_too_early(root):
    edit(root / FRAMES_CONFIG, "timestamp_end=911", "timestamp_end=905")


@fault("M06", VIDEO_CONFIG)
def threshold_above_all(root):
    edit(root / VIDEO_CONFIG, "person_det_score_thr = 0.4", "person_det_score_thr = 0.95")


@fault("M07", VIDEO_CONFIG)
def start_index_of_frames_for_videos(root):
    edit(root / VIDEO_CONFIG, "start_index=0", "start_index=1")


@fault("M08", FRAMES_CONFIG)
def path_of_another_machine(root):
    edit(root / FRAMES_CONFIG, "{dataset_root}/rawframes", "{dataset_root}/frames")


@fault("M09", VIDEO_CONFIG)
def ava_kinetics_without_exclusion(root):
    path = root / VIDEO_CONFIG
    path.write_text(path.read_text().replace("type='AVADataset'", "type='AVAKineticsDataset'"))
    text = re.sub(r"\n *exclude_file=f'{anno_root}/train_\w+.csv',", "", path.read_text(), count=1)
    path.write_text(text)


@fault("M10", VIDEO_CONFIG)
def exclusion_forgotten(root):
    path = root / VIDEO_CONFIG
    text = re.sub(r"\n *exclude_file=f'{anno_root}/train_\w+.csv',", "", path.read_text(), count=1)
    path.write_text(text)


@fault("M11", VIDEO_CONFIG)
def topk_of_eighty_classes(root):
    path = root / VIDEO_CONFIG
    path.write_text(re.sub(r"topk=\([^)]*\)", "topk=(3, 5)", path.read_text()))


@fault("M12", VIDEO_CONFIG, 0, "media")
def rate_of_another_dataset(root):
    export = Export(["train", "val"], 900, 25, 3, 120)
    (root / VIDEO_CONFIG).parent.mkdir()
    (root / VIDEO_CONFIG).write_text(mmaction2_config(export, "video"))


def _as_ava_kinetics(root: Path, keyed: str) -> None:
    """Clips of train called by video, start and end, read by AVAKineticsDataset; the keys of
    their proposals end in `keyed`."""
    for name in (TRAIN, EXCLUDED):
        path = root / name
        path.write_text(re.sub(r"(?m)^(\w+),", r"\1_000900_000911,", path.read_text()))
    found = proposals_of(["idle", "walk"])
    keys = {key.replace(",", f"{keyed},"): boxes for key, boxes in found.items()}
    write_proposals(root / PICKLE, keys)
    path = root / VIDEO_CONFIG
    path.write_text(path.read_text().replace("type='AVADataset'", "type='AVAKineticsDataset'"))
    for folder in ("slowfast", "datumaro"):
        os.rename(root / folder, root / f".{folder}")
    (root / FRAMES_CONFIG).unlink()


@fault("M13", VIDEO_CONFIG)
def keys_with_start_and_end(root):
    _as_ava_kinetics(root, "_000900_000911")


@fault("P12", PICKLE, 1)
def key_of_ava_kinetics_gone(root):
    _as_ava_kinetics(root, "")
    found = proposals_of(["idle", "walk"])
    write_proposals(root / PICKLE, {k: v for k, v in found.items() if k != "idle,0902"})


# ------------------------------------------------------------------ PySlowFast


@fault("S01", LISTED, 1)
def list_without_header(root):
    relines(root / LISTED, lambda lines: lines[1:])


@fault("S02", LISTED, 4)
def path_with_a_space(root):
    edit(root / LISTED, " idle/img_00003.jpg", " my idle/img_00003.jpg")


@fault("S03", LISTED)
def clip_without_labels_in_the_list(root):
    extra = "".join(f'more 0 0 more/img_{n:05d}.jpg ""\n' for n in range(1, 4))
    (root / LISTED).write_text((root / LISTED).read_text() + extra)


@fault("S03", "slowfast/frame_lists/val.csv")
def clip_below_the_threshold(root):
    with open(root / BOXES, "a") as stream:
        stream.write("dark,902,0.1,0.1,0.2,0.2,,0.9\n")


@fault("S04", LISTED, 5)
def a_frame_left_out(root):
    relines(root / LISTED, lambda lines: [*lines[:4], *lines[5:]])


@fault("S04", LISTED, 5)
def frames_out_of_order(root):
    relines(root / LISTED, lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]])


@fault("S05", LISTED, 0, "media")
def more_frames_listed_than_there_are(root):
    from avaflow.formats.slowfast import frame_list_text

    (root / LISTED).parent.mkdir(parents=True)
    (root / LISTED).write_text(frame_list_text(["idle", "walk"], {"idle": 121, "walk": 120}))


@fault("S06", BOXES, 2)
def boxes_with_an_action(root):
    cell(root / BOXES, 2, 7, "1")


@fault("S07", SLOWFAST)
def every_fourth_second(root):
    edit(root / SLOWFAST, "FULL_TEST_ON_VAL: True", "FULL_TEST_ON_VAL: False")


@fault("S08", SLOWFAST)
def classes_of_ava(root):
    edit(root / SLOWFAST, "NUM_CLASSES: 3", "NUM_CLASSES: 80")


@fault("S09", SLOWFAST)
def a_list_of_another_name(root):
    edit(root / SLOWFAST, "LABEL_MAP_FILE: action_list.pbtxt", "LABEL_MAP_FILE: ava.pbtxt")


@fault("S10", SLOWFAST)
def a_step_larger_than_the_set(root):
    path = root / SLOWFAST
    path.write_text(re.sub(r"  BATCH_SIZE: \d+\n", "  BATCH_SIZE: 64\n", path.read_text(), count=1))


@fault("S11", SLOWFAST)
def threshold_above_all_boxes(root):
    edit(root / SLOWFAST, "DETECTION_SCORE_THRESH: 0.4", "DETECTION_SCORE_THRESH: 0.99")


# ------------------------------------------------------------------ Datumaro


@fault("D01", "datumaro/annotations/ava_old.csv")
def another_csv_for_datumaro(root):
    folder = root / "datumaro/annotations"
    (folder / "ava_old.csv").write_bytes((folder / "ava_train_v2.2.csv").read_bytes())


@fault("D02", "datumaro/annotations/ava_val_v2.2.csv", 1)
def image_of_a_keyframe_gone(root):
    (root / "datumaro/frames/shop/shop_902.jpg").unlink()


# ------------------------------------------------------------------ AlphAction and COCO

MIN, PERSONS = "annotations/train_min.json", "boxes/train_person_bbox.json"
CATALOG, ALPHACTION = "paths_catalog_entry.txt", "finetune_resnet50_4x16f.yaml"


def rejson(path: Path, change: Callable) -> None:
    """Change a JSON's content."""
    content = json.loads(path.read_text())
    changed = change(content)
    path.write_text(json.dumps(content if changed is None else changed, indent=1) + "\n")


def alphaction(code: str, file: str, line: int = 0):
    return fault(code, file, line, "alphaction")


@alphaction("K01", MIN)
def image_with_a_guides_names(root):
    rejson(root / MIN, lambda content: content["images"][0].pop("movie") and None)


@alphaction("K02", MIN)
def one_annotation_an_action(root):
    rejson(root / MIN, lambda content: content["annotations"][3].pop("action_ids") and None)


@alphaction("K03", MIN)
def action_zero_in_json(root):
    rejson(root / MIN, lambda content: content["annotations"][3].update(action_ids=[0]))


@alphaction("K04", MIN)
def corners_for_sides(root):
    rejson(root / MIN, lambda content: content["annotations"][3].update(bbox=[38, 10, 51, 45]))


@alphaction("K05", PERSONS)
def boxes_by_file_name(root):
    rejson(root / PERSONS, lambda content: {f"{b['image_id']}.jpg": [b["bbox"]] for b in content})


@alphaction("K06", PERSONS)
def box_of_another_image(root):
    rejson(root / PERSONS, lambda content: content[0].update(image_id=999))


@alphaction("K15", MIN)
def box_of_a_pixel(root):
    rejson(root / MIN, lambda content: content["annotations"][3].update(bbox=[3, 4, 1, 20]))


@alphaction("K16", PERSONS)
def box_without_score(root):
    rejson(root / PERSONS, lambda content: content[0].pop("score") and None)


@alphaction("K11", CATALOG, 1)
def dataset_of_another_name(root):
    edit(root / CATALOG, "ava_video_own_train", "own_train")


@alphaction("K12", CATALOG, 1)
def evaluation_without_labels(root):
    path = root / CATALOG
    path.write_text(re.sub(r"\n.*labelmap_file.*", "", path.read_text(), count=1))


@alphaction("K13", ALPHACTION)
def as_many_classes_as_actions(root):
    edit(root / ALPHACTION, "    NUM_CLASSES: 80", "    NUM_CLASSES: 3")


@alphaction("K14", ALPHACTION)
def threshold_above_all_persons(root):
    rejson(root / "boxes/val_person_bbox.json", lambda boxes: [b | {"score": 0.3} for b in boxes])


@alphaction("C01", MIN)
def annotation_of_no_image(root):
    rejson(root / MIN, lambda content: content["annotations"][3].update(image_id=999))


@alphaction("C02", MIN)
def annotations_of_one_id(root):
    rejson(root / MIN, lambda content: content["annotations"][3].update(id=1))


@alphaction("C03", MIN)
def category_not_listed(root):
    rejson(root / MIN, lambda content: content["annotations"][3].update(category_id=7))


@alphaction("C04", MIN)
def image_file_gone(root):
    (root / "keyframes/train/idle/902.jpg").unlink()


@alphaction("F06", MIN)
def image_out_of_the_dataset(root):
    rejson(root / MIN, lambda content: content["images"][0].update(file_name="/etc/passwd"))


def segments(code: str, file: str, line: int = 0):
    return fault(code, file, line, "segments")


@segments("K07", MIN)
def segment_gone(root):
    (root / "clips/train/idle/901.mp4").unlink()


@segments("K08", "clips/train/idle/")
def padded_segment(root):
    folder = root / "clips/train/idle"
    (folder / "901.mp4").rename(folder / "0901.mp4")


@segments("K09", "clips/train/idle/902.mp4")
def segment_of_thirty_frames(root):
    make_video(root / "clips/train/idle/902.mp4", frames=30, fps="30", size=(64, 48))


@segments("K10", "clips/train/idle/")
def segment_of_another_size(root):
    make_video(root / "clips/train/idle/902.mp4", frames=25, fps="25", size=(96, 64))


@segments("K17", "clips/train/idle/")
def segments_larger_than_needed(root):
    for second in range(900, 904):
        path = root / f"clips/train/idle/{second}.mp4"
        make_video(path, frames=25, fps="25", size=(480, 400))
    size = {"width": 480, "height": 400}
    rejson(root / MIN, lambda content: content["images"][0].update(size))


# ------------------------------------------------------------------ VIA

PROJECT = "via/walk.json"


def via(code: str, file: str = PROJECT):
    return fault(code, file, 0, "via")


@via("V01")
def part_of_a_project_gone(root):
    rejson(root / PROJECT, lambda content: content.pop("config") and None)


@via("V02")
def images_picked_by_hand(root):
    rejson(root / PROJECT, lambda content: content["file"]["1"].update(loc=1))


@via("V03")
def option_by_default(root):
    rejson(root / PROJECT, lambda c: c["attribute"]["1"].update(default_option_id="0"))


@via("V04")
def entry_without_av(root):
    rejson(root / PROJECT, lambda content: content["metadata"]["1_p2"].pop("av") and None)


@via("V05")
def views_by_number(root):
    rejson(root / PROJECT, lambda c: c["project"].update(vid_list=[1, *c["project"]["vid_list"]]))


@via("V06")
def box_of_a_time(root):
    rejson(root / PROJECT, lambda content: content["metadata"]["1_p2"].update(z=[0]))


@via("V07")
def bare_percent(root):
    rejson(root / PROJECT, lambda content: content["file"]["1"].update(fname="100%.jpg"))


@via("V08")
def label_by_checkbox(root):
    rejson(
        root / PROJECT,
        lambda c: c["config"]["ui"].update(spatial_region_label_attribute_id="1"),
    )


@via("V09")
def image_of_a_project_gone(root):
    (root / "keyframes/walk/walk_000061.jpg").unlink()


@via("V10")
def box_of_no_view(root):
    rejson(root / PROJECT, lambda content: content["metadata"]["1_p2"].update(vid="99"))


@via("V11")
def tick_of_no_option(root):
    rejson(root / PROJECT, lambda content: content["metadata"]["1_p2"]["av"].update({"1": "7"}))


@via("V12")
def box_drawn_backwards(root):
    rejson(root / PROJECT, lambda c: c["metadata"]["1_p2"].update(xy=[2, 9, 9, -3, 4]))


@via("F06")
def image_of_the_machine(root):
    rejson(root / PROJECT, lambda content: content["file"]["1"].update(src="/etc/passwd"))


# ------------------------------------------------------------------ Kinetics


def kinetics(code: str, file: str = "train.csv", line: int = 0):
    return fault(code, file, line, "kinetics")


@kinetics("R01", line=2)
def video_with_a_space(root):
    edit(root / "train.csv", "videos/train/run-1.mp4", "videos/train/run 1.mp4")


@kinetics("R02", line=1)
def label_by_name(root):
    edit(root / "train.csv", "jump-0.mp4 0", "jump-0.mp4 jump")


@kinetics("R03", line=1)
def label_above_all(root):
    edit(root / "train.csv", "jump-0.mp4 0", "jump-0.mp4 3")


@kinetics("R04", line=1)
def listed_video_gone(root):
    (root / "videos/train/jump-0.mp4").unlink()


@kinetics("R05", line=7)
def two_labels_of_one_video(root):
    with open(root / "train.csv", "a") as stream:
        stream.write("videos/train/jump-0.mp4 1\n")


@kinetics("R06", "val.csv", 1)
def video_of_train_in_val(root):
    edit(root / "val.csv", "videos/val/jump-0.mp4", "videos/train/jump-0.mp4")


@kinetics("R07", "label2id.json")
def ids_from_one(root):
    ids = {"jump": 0, "run": 1, "swim": 2, "sail": 4}
    (root / "label2id.json").write_text(json.dumps(ids))


# ------------------------------------------------------------------ media


def media(code: str, file: str, line: int = 0):
    return fault(code, file, line, "media")


@media("X01", "rawframes/idle/img_00001.jpg")
def image_cut_short(root):
    path = root / "rawframes/idle/img_00001.jpg"
    path.write_bytes(path.read_bytes()[:-100])


@media("X01", "rawframes/idle/img_00120.jpg")
def image_of_nothing(root):
    (root / "rawframes/idle/img_00120.jpg").write_text("not an image")


@media("X02", "rawframes/idle/")
def frame_gone(root):
    (root / "rawframes/idle/img_00050.jpg").unlink()


@media("X03", "rawframes/idle/")
def last_frames_gone(root):
    for number in range(116, 121):
        (root / f"rawframes/idle/img_{number:05d}.jpg").unlink()


@media("X04", "rawframes/idle/")
def one_frame_of_another_size(root):
    write_image(root / "rawframes/idle/img_00120.jpg", (32, 24))


@media("X04", "rawframes/idle/")
def clip_of_another_size(root):
    make_video(root / "clips/idle.mp4", frames=120, size=(96, 64))


@media("X05", "clips/idle.mp4")
def video_cut_short(root):
    path = root / "clips/idle.mp4"
    path.write_bytes(path.read_bytes()[:200])


@media("X06", "clips/idle.mp4")
def clip_of_25_frames_a_second(root):
    make_video(root / "clips/idle.mp4", frames=120, fps="25", size=(64, 48))


@media("X07", TRAIN)
def clip_without_media(root):
    (root / "clips/idle.mp4").unlink()
    os.rename(root / "rawframes/idle", root / "rawframes/.idle")


@media("X08", "rawframes/idle/img_00001.jpg")
def image_bomb(root):
    path = root / "rawframes/idle/img_00001.jpg"
    head = bytearray(path.read_bytes())
    at = head.index(b"\xff\xc0")
    head[at + 5 : at + 9] = b"\xff\x00\xff\x00"
    path.write_bytes(bytes(head))


# ------------------------------------------------------------------ training


@fault("G01", VAL)
def nine_tenths_one_action(root):
    extra = []
    for person in range(3, 20):
        x = person / 30
        extra += [f"shop,{900 + s},{x:.6f},0.5,{x + 0.02:.6f},0.9,2,{person}" for s in range(2, 9)]
    lines = sorted((root / VAL).read_text().splitlines() + extra, key=lambda line: line[:8])
    (root / VAL).write_text("".join(f"{line}\n" for line in lines))
    found = proposals_of(["shop"])
    more = np.array([[p / 30, 0.5, p / 30 + 0.02, 0.9, 0.7] for p in range(3, 20)])
    write_proposals(
        root / "annotations/dense_proposals_val.pkl",
        {key: np.concatenate([boxes, more]) for key, boxes in found.items()},
    )


@fault("G02", TRAIN)
def action_of_train_only(root):
    relines(root / VAL, lambda ls: [line for line in ls if line.split(",")[6] != "3"])


@fault("G03", VAL)
def action_of_val_only(root):
    relines(root / TRAIN, lambda ls: [line for line in ls if line.split(",")[6] != "3"])


@fault("G04", ACTION_LIST)
def action_that_nobody_does(root):
    for path in (root / TRAIN, root / VAL):
        relines(path, lambda ls: [line for line in ls if line.split(",")[6] != "3"])


@fault("G05", VAL, 1)
def clip_in_two_splits(root):
    added = [line for line in (root / TRAIN).read_text().splitlines() if line.startswith("idle")]
    relines(root / VAL, lambda lines: [*added, *lines])
    path = root / "annotations/dense_proposals_val.pkl"
    write_proposals(path, proposals_of(["idle", "shop"]))


@fault("G06", VAL)
def clips_of_one_video(root):
    (root / "clips").mkdir(exist_ok=True)
    for clip in ("walk", "shop"):
        text = json.dumps({"clip": clip, "video": "street.mp4"})
        (root / f"clips/{clip}.json").write_text(text)


@fault("G07", "annotations/dense_proposals_val.pkl")
def keyframes_nobody_judged(root):
    found = proposals_of(["shop"], range(2, 10))
    write_proposals(root / "annotations/dense_proposals_val.pkl", found)
    (root / "annotations/val_excluded_timestamps.csv").write_text("")
