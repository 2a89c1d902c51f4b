"""PySlowFast's frame lists, predicted boxes and configs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from avaflow.doctor.ava_rows import clean_bytes
from avaflow.doctor.findings import Findings
from avaflow.doctor.groups import Group
from avaflow.doctor.layout import Images, Layout, split_of
from avaflow.doctor.texts import leaves, read_bounded, yaml_of

PARTS = 5
"""Parts of a line, which PySlowFast asserts."""

DEFAULT_THRESHOLD = 0.9
"""`AVA.DETECTION_SCORE_THRESH` where a config says nothing."""

DEFAULT_BATCH = 64
"""`TRAIN.BATCH_SIZE` where a config says nothing."""

_NUMBER = re.compile(r"(\d+)\.\w+$")


@dataclass
class FrameList:
    """A frame list: lines of each clip, the highest number of a frame, and an example of a path."""

    path: Path
    name: str
    counts: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)


@dataclass
class PredictedBoxes:
    """Predicted boxes: the best score of each clip."""

    path: Path
    name: str
    best: dict[str, float] = field(default_factory=dict)


def read_frame_list(path: Path, layout: Layout, findings: Findings) -> FrameList:
    """A frame list, and what is wrong with its lines; AVA's have millions, so they are streamed."""
    name = layout.name(path)
    data = clean_bytes(read_bounded(path), name, findings)
    found = FrameList(path, name)
    wrong: dict[str, list[int]] = {}
    examples: dict[str, str] = {}
    before = ""
    for number, raw in enumerate(BytesIO(data), start=1):
        line = raw.rstrip(b"\n").decode("utf-8", "replace")
        code = _line_problem(line, found, layout, before) if number > 1 else _first(line)
        if code or number > 1:
            before = code
        if code:
            wrong.setdefault(code, []).append(number)
            examples.setdefault(code, line[:100])
        if code == "S01":
            _line_problem(line, found, layout, "")
    for code, places in wrong.items():
        findings.add(code, name, examples[code], places)
    return found


def _first(line: str) -> str:
    """S01 for a first line that lists a frame."""
    parts = line.split(" ")
    return "S01" if len(parts) == PARTS and _NUMBER.search(parts[3]) else ""


def _line_problem(line: str, found: FrameList, layout: Layout, before: str) -> str:
    """Count a line; the code of what is wrong with it. `before` is that of the line above, whose
    frame, if it could not be read, is missed by this one."""
    parts = line.split(" ")
    if len(parts) != PARTS:
        return "S02"
    clip, match = parts[0], _NUMBER.search(parts[3])
    frame = int(match[1][-9:]) if match else 0
    new = clip not in found.counts
    in_order = frame == found.last.get(clip, min(frame, 1) - 1) + 1
    found.counts[clip] = found.counts.get(clip, 0) + 1
    found.last[clip] = frame
    if new and leaves(layout.bound, parts[3]):
        return "F06"
    return "" if in_order or before == "S02" else "S04"


def check_frames(found: FrameList, folders: Mapping[str, Images], findings: Findings) -> None:
    """Listed frames against those in the folders."""
    for clip, last in found.last.items():
        images = folders.get(clip)
        if images is not None and last > images.last:
            what = f"clip {clip}: listed to frame {last}, the last image is {images.last}"
            findings.add("S05", found.name, what, count=last - images.last)


def read_boxes(path: Path, name: str, findings: Findings) -> PredictedBoxes:
    """Predicted boxes, and what is wrong with their rows."""
    text = clean_bytes(read_bounded(path), name, findings).decode("utf-8", "replace")
    found = PredictedBoxes(path, name)
    wrong, example = [], ""
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        cells = line.split(",")
        try:
            if len(cells) != 8 or cells[6] or not cells[0]:
                raise ValueError
            int(cells[1])
            numbers = [float(cell) for cell in [*cells[2:6], cells[7]]]
            if not all(-1e-9 <= each <= 1 + 1e-9 for each in numbers):
                raise ValueError
        except ValueError:
            wrong.append(number)
            example = example or line[:100]
            continue
        found.best[cells[0]] = max(found.best.get(cells[0], 0.0), numbers[4])
    if wrong:
        findings.add("S06", name, example, wrong)
    return found


def check_config(
    path: Path,
    layout: Layout,
    groups: Sequence[Group],
    lists: Sequence[FrameList],
    boxes: Sequence[PredictedBoxes],
    findings: Findings,
) -> None:
    """A config against the files that it names."""
    name, content = layout.name(path), yaml_of(path)
    ava, model, train = (_section(content, key) for key in ("AVA", "MODEL", "TRAIN"))
    if ava.get("FULL_TEST_ON_VAL") is not True:
        findings.add("S07", name, f"FULL_TEST_ON_VAL is {ava.get('FULL_TEST_ON_VAL', 'not there')}")
    group = _group_of(ava, groups)
    if group is not None and group.actions is not None and group.actions.ids:
        most = max(group.actions.ids)
        odd = findings.has(group.actions.name, ["L04", "L05", "L11"])
        if model.get("NUM_CLASSES", 80) != most and not odd:
            found = model.get("NUM_CLASSES", 80)
            findings.add("S08", name, f"{found}, the highest action id is {most}")
    if group is not None and "train" in group.rows and train.get("ENABLE", True):
        keyframes = int(group.rows["train"].table["instant"].nunique())
        batch = train.get("BATCH_SIZE", DEFAULT_BATCH)
        if isinstance(batch, int) and batch > keyframes:
            findings.add("S10", name, f"BATCH_SIZE {batch}, {keyframes} keyframes")
    _check_names(ava, layout, name, findings)
    _check_clips(ava, group, lists, boxes, name, findings)


def _section(content: Mapping, key: str) -> dict:
    found = content.get(key)
    return found if isinstance(found, dict) else {}


def _names(ava: Mapping, *keys: str) -> list[str]:
    found: list[str] = []
    for key in keys:
        value = ava.get(key) or []
        found += [str(each) for each in (value if isinstance(value, list) else [value])]
    return found


def _group_of(ava: Mapping, groups: Sequence[Group]) -> Group | None:
    named = {Path(each).name for each in _names(ava, "TRAIN_GT_BOX_LISTS", "GROUNDTRUTH_FILE")}
    for group in groups:
        if named & {rows.path.name for rows in group.rows.values()}:
            return group
    return None


def _check_names(ava: Mapping, layout: Layout, name: str, findings: Findings) -> None:
    kinds = ("ava_csv", "frame_list", "predicted_boxes", "excluded", "action_list", "other")
    there = {path.name for kind in kinds for path in layout.of(kind)}
    keys = ("TRAIN_LISTS", "TEST_LISTS", "TRAIN_GT_BOX_LISTS", "TRAIN_PREDICT_BOX_LISTS",
            "TEST_PREDICT_BOX_LISTS", "GROUNDTRUTH_FILE", "EXCLUSION_FILE",
            "LABEL_MAP_FILE")  # fmt: skip
    for named in _names(ava, *keys):
        if Path(named).name not in there:
            findings.add("S09", name, named)


def _check_clips(
    ava: Mapping,
    group: Group | None,
    lists: Sequence[FrameList],
    boxes: Sequence[PredictedBoxes],
    name: str,
    findings: Findings,
) -> None:
    """Clips of the lists against clips with a box, as PySlowFast asserts for train and test."""
    least = ava.get("DETECTION_SCORE_THRESH", DEFAULT_THRESHOLD)
    least = least if isinstance(least, int | float) else DEFAULT_THRESHOLD
    by_name = {each.path.name: each for each in boxes}
    rows = {own.path.name: own for own in group.rows.values()} if group else {}
    for listed, given in (
        ("TRAIN_LISTS", ("TRAIN_GT_BOX_LISTS", "TRAIN_PREDICT_BOX_LISTS")),
        ("TEST_LISTS", ("TEST_PREDICT_BOX_LISTS",)),
    ):
        names = {Path(each).name for each in _names(ava, listed)}
        own = [each for each in lists if each.path.name in names]
        boxed: set[str] = set()
        predicted = False
        for each in _names(ava, *given):
            if Path(each).name in by_name:
                predicted = True
                best = by_name[Path(each).name].best
                boxed |= {clip for clip, score in best.items() if score >= least}
            elif Path(each).name in rows:
                boxed |= set(rows[Path(each).name].clips)
        if predicted and not boxed:
            findings.add("S11", name, f"no box of {listed} has {least:g}")
        elif own and boxed:
            compare(own[0], boxed, findings)


def compare(found: FrameList, boxed: set[str], findings: Findings) -> None:
    """The clips of a list against those with a box."""
    odd = sorted(set(found.counts) ^ boxed)
    if odd and not findings.has(found.name, ["S02"]):
        where = "only in the list" if odd[0] in found.counts else "not in the list"
        findings.add("S03", found.name, f"clip {odd[0]} is {where}", count=len(odd))


def compare_with_labels(
    lists: Sequence[FrameList], groups: Sequence[Group], findings: Findings
) -> None:
    """Where no config says which boxes are used: the list of train against the labels of train."""
    for found in lists:
        if split_of(found.path) == "train":
            for group in groups:
                if "train" in group.rows:
                    compare(found, set(group.rows["train"].clips), findings)
                    break
