"""The files of one folder of annotations, which belong together: splits, proposals, actions."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from avaflow.doctor.action_lists import ActionList, check_action_list, check_label_map
from avaflow.doctor.ava_rows import Rows, check_excluded, check_labelled, check_rows, read_rows
from avaflow.doctor.findings import Findings
from avaflow.doctor.layout import SPLITS, Layout, split_of
from avaflow.doctor.proposals import Proposals, as_keyed, check_against_labels, read_proposals
from avaflow.doctor.texts import Unreadable, read_bounded
from avaflow.evaluation.ava import SAME_PERSON_IOU, judge, recall
from avaflow.formats.slowfast import TIMESTAMPS
from avaflow.times import READER_REACH_FRAMES

LEAST_RECALL = 0.5
"""Below, more annotated persons are missed than proposed, and no model can make up for it."""

OFFSET = 900
"""What AVA's timestamps count from."""

DEFAULT_END = 1800
"""Where mmaction2's defaults end."""

AGAIN = "train_again_"
"""Begins the names of csvs that hold keyframes of train a second time."""


@dataclass
class Group:
    """A folder's annotations. `rows` and `excluded` are by split, `figures` are for the report."""

    folder: Path
    rows: dict[str, Rows] = field(default_factory=dict)
    excluded: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    proposals: dict[str, list[Proposals]] = field(default_factory=dict)
    actions: ActionList | None = None
    figures: dict[str, dict] = field(default_factory=dict)


def read_groups(layout: Layout, findings: Findings) -> list[Group]:
    """All folders with labels, each file read and checked by itself; copies are read once."""
    groups: dict[Path, Group] = defaultdict(lambda: Group(Path()))
    lists = _action_lists(layout, findings)
    for path in layout.of("ava_csv"):
        if path.name.startswith(AGAIN):
            continue
        groups[path.parent].folder = path.parent
    seen: set[bytes] = set()
    # A toolbox's copies of the csvs come after the folder that has the proposals.
    first = {path.parent for path in layout.of("proposals")}
    for folder, group in sorted(groups.items(), key=lambda item: (item[0] not in first, item[0])):
        group.actions = _nearest(folder, lists)
        for path in layout.of("ava_csv"):
            if path.parent == folder and not path.name.startswith(AGAIN):
                _read_split(path, group, layout, findings, seen)
        if group.actions is None:
            findings.add("L08", layout.name(folder) + "/", "no action list beside the csv")
    _read_excluded(layout, groups, findings)
    for path in layout.of("proposals"):
        with telling(findings, layout.name(path)):
            found = read_proposals(path, layout.name(path), findings)
            if found is not None:
                nearest = _nearest_group(path, groups)
                if nearest is not None:
                    nearest.proposals.setdefault(split_of(path), []).append(found)
    return [group for _, group in sorted(groups.items()) if group.rows]


class telling:
    """Turns what cannot be read into a finding of a file."""

    def __init__(self, findings: Findings, name: str):
        self.findings, self.name = findings, name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, Unreadable):
            self.findings.add(error.code, self.name, str(error))
            return True
        return False


def _read_split(
    path: Path, group: Group, layout: Layout, findings: Findings, seen: set[bytes]
) -> None:
    name = layout.name(path)
    with telling(findings, name):
        digest = hashlib.sha256(read_bounded(path)).digest()
        if digest in seen and path.stat().st_size:
            return
        seen.add(digest)
        rows = read_rows(path, name, findings)
        if rows is None:
            return
        rows.labels = group.actions.ids if group.actions else frozenset()
        check_rows(rows, findings)
        group.rows[split_of(path) or path.stem] = rows


def _read_excluded(layout: Layout, groups: Mapping[Path, Group], findings: Findings) -> None:
    for path in layout.of("excluded"):
        with telling(findings, layout.name(path)):
            found = check_excluded(path, layout.name(path), findings)
            group = groups.get(path.parent)
            split = split_of(path)
            if group is not None and split in group.rows:
                group.excluded[split] = found
                check_labelled(group.rows[split], found, findings)


def _action_lists(layout: Layout, findings: Findings) -> dict[Path, ActionList]:
    lists: dict[Path, ActionList] = {}
    for path in layout.of("action_list"):
        with telling(findings, layout.name(path)):
            found = check_action_list(path, layout.name(path), findings)
            # Of an unreadable list the ids are not known: rows are not held against none.
            lists[path.parent] = found or ActionList(path, layout.name(path), ())
    for path in layout.of("label_map"):
        actions = lists.get(path.parent)
        if actions is not None and actions.entries:
            with telling(findings, layout.name(path)):
                check_label_map(path, layout.name(path), actions, findings)
    return lists


def _nearest(folder: Path, lists: Mapping[Path, ActionList]) -> ActionList | None:
    """The action list of a folder, or of one that holds it, or the only one there is."""
    for each in (folder, *folder.parents):
        if each in lists:
            return lists[each]
    return next(iter(lists.values())) if len(lists) == 1 else None


def _nearest_group(path: Path, groups: Mapping[Path, Group]) -> Group | None:
    if path.parent in groups:
        return groups[path.parent]
    return next(iter(groups.values())) if len(groups) == 1 else None


def check_proposals(group: Group, findings: Findings) -> None:
    """Proposals against labels, and what of them is a figure of the report."""
    for split, rows in group.rows.items():
        own = group.proposals.get(split, []) + group.proposals.get("", [])
        if not own:
            continue
        if not check_against_labels(rows, own, findings):
            continue
        import pandas as pd

        proposed = pd.concat([each.table() for each in own])
        found = recall(as_keyed(rows.table, set(proposed["clip"])), proposed)
        group.figures.setdefault(split, {})["proposal_recall"] = round(found, 4)
        px = findings.has(own[0].name, ["P14"]) or findings.has(rows.name, ["A08"])
        if found < LEAST_RECALL and not px:
            what = f"{found:.0%} of the persons of {rows.name} at IoU {SAME_PERSON_IOU}"
            findings.add("P16", own[0].name, what)


def judge_truth(group: Group, findings: Findings) -> None:
    """The truth as predictions: 1.0 for a sound csv, and else what in the findings explains it."""
    ids = group.actions.ids if group.actions else frozenset()
    for split, rows in group.rows.items():
        table = rows.table
        actions = ids or frozenset(table["action_id"].tolist())
        truth = table[["clip", "timestamp", "x1", "y1", "x2", "y2", "action_id"]]
        excluded = group.excluded.get(split, set())
        found = judge(truth, truth.assign(score=1.0), actions, excluded, excluded_count=True)
        figures = group.figures.setdefault(split, {})
        figures["rows"] = len(table)
        figures["keyframes"] = int(table["instant"].nunique())
        figures["truth_map"] = None if math.isnan(found.mean) else round(found.mean, 6)
        codes = [code for code in ("A14", "A15", "A09", "E02") if findings.has(rows.name, [code])]
        figures["truth_map_lowered_by"] = codes


def check_times(
    group: Group,
    frames: Mapping[str, int],
    slowfast: bool,
    configured: bool,
    fps: int,
    findings: Findings,
) -> None:
    """Timestamps against what readers know, and against the length of each clip.

    `frames` gives the number of frames of clips that are known, `slowfast` says that PySlowFast is
    to read the dataset, `configured` that a config says where timestamps begin.
    """
    for rows in group.rows.values():
        stamps, lines = rows.table["timestamp"].to_numpy(), rows.table["line"].to_numpy()
        strange = (stamps < OFFSET) | (stamps > DEFAULT_END)
        unknown = (stamps < TIMESTAMPS[0]) | (stamps > TIMESTAMPS[-1])
        if strange.any() and not configured:
            what = f"timestamps {stamps.min()} to {stamps.max()}"
            findings.add("T01", rows.name, what, lines[strange])
        if unknown.any() and slowfast:
            what = f"timestamp {stamps[unknown][0]}"
            findings.add("T02", rows.name, what, lines[unknown])
        _check_windows(rows, stamps, frames, fps, findings)


def _check_windows(
    rows: Rows, stamps: np.ndarray, frames: Mapping[str, int], fps: int, findings: Findings
) -> None:
    clips = rows.table["clip"]
    counts = clips.cat.categories.map(lambda clip: frames.get(clip, -1))
    known = np.asarray(counts, np.int64)[clips.cat.codes.to_numpy()]
    offset = OFFSET if (stamps >= OFFSET).all() else 0
    centre = (stamps - offset) * fps
    wrong = (known > 0) & ((centre + READER_REACH_FRAMES > known) | (centre < READER_REACH_FRAMES))
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        what = f"clip {clips.iloc[at]}, timestamp {stamps[at]}: the clip has {known[at]} frames"
        findings.add("T03", rows.name, what, rows.table["line"].to_numpy()[wrong])


def ordered_splits(group: Group) -> list[str]:
    """The splits of a group, train first."""
    known = [split for split in SPLITS if split in group.rows]
    return [*known, *(split for split in group.rows if split not in SPLITS)]
