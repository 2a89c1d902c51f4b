"""What harms training though every reader takes it: rare classes, leaks, keyframes unjudged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from avaflow.doctor.ava_rows import lines_where
from avaflow.doctor.findings import Findings
from avaflow.doctor.groups import Group, ordered_splits
from avaflow.doctor.proposals import as_keyed
from avaflow.doctor.texts import Unreadable, json_of
from avaflow.listing import commas

MOST_SHARE = 0.9
"""Share of the labels that one action may have."""

LEAST_ROWS = 20
"""Rows under which shares say nothing."""

_PART = re.compile(r"^(?P<video>.+?)_\d+_\d+$")


def check_balance(group: Group, findings: Findings) -> None:
    """Actions over the splits of a group."""
    names = {entry.id: entry.name for entry in group.actions.entries} if group.actions else {}
    counts = {
        split: Counter(rows.table["action_id"].tolist()) for split, rows in group.rows.items()
    }
    if names:
        # Of others it is told as rows that the action list lacks.
        counts = {
            split: Counter({number: own[number] for number in names if number in own})
            for split, own in counts.items()
        }
    for split, own in counts.items():
        total = sum(own.values())
        action, most = max(own.items(), key=lambda item: item[1], default=(0, 0))
        if len(names or own) > 1 and total >= LEAST_ROWS and most >= MOST_SHARE * total:
            what = f"{most} of {total} labels are {names.get(action, action)!r}"
            findings.add("G01", group.rows[split].name, what)
    if group.actions and names:
        seen = {action for own in counts.values() for action in own}
        absent = [name for number, name in names.items() if number > 0 and number not in seen]
        if absent:
            findings.add("G04", group.actions.name, commas(absent), count=len(absent))
    if "train" in counts and "val" in counts:
        for code, here, there in (("G02", "train", "val"), ("G03", "val", "train")):
            gone = sorted(set(counts[here]) - set(counts[there]))
            if gone:
                what = commas([names.get(each, each) for each in gone])
                findings.add(code, group.rows[here].name, f"{there} lacks {what}", count=len(gone))


def videos_of(root: Path) -> dict[str, str]:
    """The video of each clip, where manifests of clips beside the dataset say it."""
    videos = {}
    for folder in (root / "clips", root.parent / "clips"):
        for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
            try:
                content = json_of(path)
            except Unreadable:
                continue
            if isinstance(content, dict) and isinstance(content.get("video"), str):
                videos[str(content.get("clip"))] = content["video"]
    return videos


def check_leaks(group: Group, videos: Mapping[str, str], findings: Findings) -> None:
    """Clips, and videos, in two splits."""
    splits = ordered_splits(group)
    for at, split in enumerate(splits):
        rows = group.rows[split]
        for other in splits[:at]:
            before = set(group.rows[other].clips)
            same = sorted(set(rows.clips) & before)
            if same:
                lines = lines_where(rows, rows.table["clip"].isin(same).to_numpy())
                what = f"{commas(same, 5)}: also in {group.rows[other].name}"
                findings.add("G05", rows.name, what, lines, len(same))
            known = {_video(clip, videos) for clip in before} - {None}
            shared = [each for each in rows.clips if _video(each, videos) in known]
            shared = [each for each in shared if each not in same]
            if shared:
                what = f"{commas(shared, 5)}: of a video in {group.rows[other].name}"
                findings.add("G06", rows.name, what, count=len(shared))


def _video(clip: str, videos: Mapping[str, str]) -> str | None:
    match = _PART.match(clip)
    return videos.get(clip) or (match["video"] if match else None)


def check_unjudged(group: Group, findings: Findings) -> None:
    """Keyframes of labelled clips with proposals, which nobody labelled or excluded."""
    import pandas as pd

    for split, rows in group.rows.items():
        own = group.proposals.get(split, [])
        if split == "train" or not own:
            continue
        keys = pd.concat([each.keys[["clip", "timestamp"]] for each in own])
        table = as_keyed(rows.table, set(keys["clip"]))
        keys = keys[keys["clip"].isin(set(table["clip"]))]
        labelled = set(zip(table["clip"], table["timestamp"], strict=True))
        judged = labelled | group.excluded.get(split, set())
        left = [each for each in zip(keys["clip"], keys["timestamp"], strict=True)
                if each not in judged]  # fmt: skip
        if left:
            what = f"clip {left[0][0]}, timestamp {left[0][1]}"
            findings.add("G07", own[0].name, what, count=len(left))
