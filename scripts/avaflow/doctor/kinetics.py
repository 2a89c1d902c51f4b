"""Lists of videos and labels, as PySlowFast and PyTorchVideo read Kinetics."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from avaflow.doctor.ava_rows import clean_bytes
from avaflow.doctor.findings import Findings
from avaflow.doctor.layout import Layout, split_of
from avaflow.doctor.media import spread
from avaflow.doctor.texts import json_of, leaves, read_bounded
from avaflow.kinetics.lists import NO_LABEL


@dataclass
class VideoList:
    """A list: the label and the line of each path."""

    path: Path
    name: str
    labels: dict[str, int] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


def check_label_ids(path: Path, name: str, findings: Findings) -> set[int]:
    """The ids of a label2id.json, which run from 0 without gaps."""
    content = json_of(path)
    ids = {each for each in content.values() if type(each) is int} if isinstance(
        content, dict) else set()  # fmt: skip
    if isinstance(content, dict) and (ids != set(range(len(content)))):
        findings.add(
            "R07", name, f"{len(content)} labels, {len(ids)} ids up to {max(ids, default=0)}"
        )
    return ids


def read_list(path: Path, layout: Layout, ids: set[int], findings: Findings) -> VideoList:
    """A list, and what is wrong with its lines."""
    name = layout.name(path)
    text = clean_bytes(read_bounded(path), name, findings).decode("utf-8", "replace")
    lines = text.removesuffix("\n").split("\n")
    comma = sum("," in line for line in lines) * 2 > len(lines)
    found = VideoList(path, name)
    wrong: dict[str, list[int]] = {}
    for number, line in enumerate(lines, start=1):
        parts = line.split("," if comma else " ")
        label = parts[-1].strip()
        code = ""
        if len(parts) != 2:
            code = "R01"
        elif not re.fullmatch(r"-?\d{1,9}", label):
            code = "R02"
        elif ids and int(label) not in ids and int(label) != NO_LABEL:
            code = "R03"
        elif parts[0] in found.labels and found.labels[parts[0]] != int(label):
            code = "R05"
        elif ".." in parts[0].split("/") and leaves(layout.root, parts[0]):
            code = "F06"
        if code:
            wrong.setdefault(code, []).append(number)
        else:
            found.labels[parts[0]], found.lines[parts[0]] = int(label), number
    for code, numbers in wrong.items():
        findings.add(code, name, lines[numbers[0] - 1][:100], numbers)
    _check_videos(found, layout, findings)
    return found


def _check_videos(found: VideoList, layout: Layout, findings: Findings) -> None:
    """Listed videos, where the folder that paths start at can be told."""
    some = spread(list(found.labels), 20)
    bases = [layout.root, found.path.parent, found.path.parent.parent, layout.root / "videos"]
    best = max(bases, key=lambda each: sum(os.path.exists(each / path) for path in some))
    if not any(os.path.exists(best / path) for path in some):
        return
    gone = [path for path in found.labels if not os.path.exists(best / path)]
    if gone:
        findings.add("R04", found.name, gone[0], [found.lines[each] for each in gone])


def check_shared(lists: Sequence[VideoList], findings: Findings) -> None:
    """Videos in two lists of different splits."""
    for at, each in enumerate(lists):
        for other in lists[:at]:
            if split_of(each.path) == split_of(other.path):
                continue
            shared = sorted(set(each.labels) & set(other.labels))
            if shared:
                lines = [each.lines[path] for path in shared]
                findings.add("R06", each.name, f"{shared[0]}: also in {other.name}", lines)
