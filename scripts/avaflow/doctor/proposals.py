"""Proposals pickles: what mmaction2 makes of each key and array, without running anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avaflow.doctor.ava_rows import MOST_BEYOND, Rows, place
from avaflow.doctor.findings import Findings
from avaflow.doctor.texts import bounded_memory, read_bounded
from avaflow.errors import UserError
from avaflow.formats.array_pickles import StoredArray, read_array_pickle
from avaflow.formats.proposals import NEW_MODULE

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and not needed to plan a run

_KEY = re.compile(r"^(?P<clip>.+),(?P<timestamp>-?\d{1,9})$")
_WHOLE = r"-?\d{1,9}"
FORBIDDEN = "A pickle can run any program"
"""What the reader of pickles says of one that it does not read."""

TIMED = r"_\d+_\d+$"
"""Start and end behind a video's id, as the clips of AVA-Kinetics are called."""


@dataclass
class Proposals:
    """The boxes of a pickle: `keys` has `clip`, `timestamp`, `first` and `count` a key, `boxes`
    x1, y1, x2, y2, score a row; without scores these are nan."""

    path: Path
    name: str
    keys: pd.DataFrame
    boxes: np.ndarray

    def table(self) -> pd.DataFrame:
        """A row per box, with its `clip` and `timestamp`."""
        import pandas as pd

        table = pd.DataFrame(self.boxes, columns=["x1", "y1", "x2", "y2", "score"])
        rows = np.repeat(np.arange(len(self.keys)), self.keys["count"].to_numpy())
        table["clip"] = self.keys["clip"].to_numpy()[rows]
        table["timestamp"] = self.keys["timestamp"].to_numpy()[rows]
        return table


@dataclass
class _Entries:
    """Keys and arrays while they are gone through; codes with the keys that break them."""

    clips: list[str]
    timestamps: list[int]
    arrays: list[np.ndarray]
    wrong: dict[str, list[str]]

    def tell(self, code: str, what: object) -> None:
        """A key that breaks a rule."""
        self.wrong.setdefault(code, []).append(repr(what))


def read_proposals(path: Path, name: str, findings: Findings) -> Proposals | None:
    """The proposals that could be read, and findings for what is wrong with them."""
    read_bounded(path)  # tells of devices and of too large files
    try:
        with bounded_memory():
            content = read_array_pickle(path, "proposals pickle")
    except UserError as error:
        reason = str(error).removeprefix(f"{path}: ")
        findings.add("P02" if FORBIDDEN in reason else "P01", name, reason.split(". ")[0])
        return None
    if not isinstance(content, dict):
        findings.add("P01", name, f"expected a dict, found {type(content).__name__}")
        return None
    if NEW_MODULE.encode() in path.read_bytes():
        findings.add("P13", name, f"it names {NEW_MODULE}")
    entries = _Entries([], [], [], {})
    for key, value in content.items():
        instant = _instant(key, entries)
        array = _array(key, value, entries)
        if instant and array is not None:
            entries.clips.append(instant[0])
            entries.timestamps.append(instant[1])
            entries.arrays.append(array)
    found = _joined(path, name, entries)
    _check_boxes(found, entries)
    for code, keys in sorted(entries.wrong.items()):
        findings.add(code, name, f"at {keys[0]}", count=len(keys))
    return found


def _instant(key: object, entries: _Entries) -> tuple[str, int] | None:
    """Clip and timestamp of a key, also of one that a reader does not find."""
    if isinstance(key, tuple) and len(key) == 2 and re.fullmatch(_WHOLE, str(key[1])):
        entries.tell("P04", key)
        return str(key[0]), int(key[1])
    match = _KEY.match(key) if isinstance(key, str) else None
    if match is None:
        entries.tell("P04" if not isinstance(key, str) else "P03", key)
        return None
    if f"{int(match['timestamp']):04d}" != match["timestamp"]:
        entries.tell("P03", key)
    return match["clip"], int(match["timestamp"])


def _array(key: object, value: object, entries: _Entries) -> np.ndarray | None:
    """The boxes of a key, shape (N, 5); None for what is no array of boxes."""
    try:
        if isinstance(value, StoredArray):
            array = value.as_numpy()
        elif isinstance(value, list | tuple):
            entries.tell("P05", key)
            array = np.array(value, float)
        else:
            entries.tell("P05", key)
            return None
        if not array.size:
            entries.tell("P06", key)
            return np.empty((0, 5))
        if array.ndim != 2 or array.shape[1] not in (4, 5) or array.dtype.kind != "f":
            entries.tell("P11", key)
            return None
    except (ValueError, TypeError):
        entries.tell("P11", key)
        return None
    if array.shape[1] == 4:
        entries.tell("P10", key)
        array = np.column_stack([array, np.full(len(array), np.nan)])
    return array


def _joined(path: Path, name: str, entries: _Entries) -> Proposals:
    import pandas as pd

    counts = np.array([len(array) for array in entries.arrays], np.int64)
    keys = pd.DataFrame(
        {
            "clip": np.array(entries.clips, object),
            "timestamp": np.array(entries.timestamps, np.int64),
            "first": np.cumsum(counts) - counts,
            "count": counts,
        }
    )
    boxes = np.concatenate([np.empty((0, 5)), *entries.arrays])
    entries.arrays = []
    return Proposals(path, name, keys, boxes)


def _check_boxes(found: Proposals, entries: _Entries) -> None:
    """Rules on the numbers of all boxes at once."""
    boxes, scores = found.boxes[:, :4], found.boxes[:, 4]
    key_of_box = np.repeat(np.arange(len(found.keys)), found.keys["count"].to_numpy())
    scored = ~np.isnan(scores) if "P10" in entries.wrong else np.ones(len(scores), bool)
    finite = np.isfinite(boxes).all(axis=1) & (np.isfinite(scores) | ~scored)
    with np.errstate(invalid="ignore"):
        px = (boxes > MOST_BEYOND).any(axis=1) & finite
        outside = ((boxes < 0) | (boxes > 1)).any(axis=1) & finite & ~px
        flat = ((boxes[:, 0] >= boxes[:, 2]) | (boxes[:, 1] >= boxes[:, 3])) & finite
        odd = ((scores < 0) | (scores > 1)) & finite & scored
        rising = np.zeros(len(scores), bool)
        rising[1:] = (np.diff(scores) > 0) & (np.diff(key_of_box) == 0)
    for code, wrong in (
        ("P07", ~finite), ("P14", px), ("P08", outside), ("P17", flat), ("P18", odd),
        ("P09", rising),
    ):  # fmt: skip
        for key in np.unique(key_of_box[wrong]).tolist():
            entries.tell(
                code, f"{found.keys['clip'].iloc[key]},{found.keys['timestamp'].iloc[key]:04d}"
            )


def as_keyed(table: pd.DataFrame, keyed: set[str]) -> pd.DataFrame:
    """Rows with their clips called as in the keys: AVA-Kinetics' are without start and end.

    `table` has a column `clip`, which is text in the table that is given back.
    """
    clips = table["clip"].astype(str)
    if set(clips.unique()) & keyed:
        return table.assign(clip=clips)
    return table.assign(clip=clips.str.replace(TIMED, "", regex=True))


def check_against_labels(rows: Rows, proposals: list[Proposals], findings: Findings) -> bool:
    """Labelled keyframes without a key; returns whether any key is of a labelled clip."""
    import pandas as pd

    keys = pd.concat([each.keys[["clip", "timestamp"]] for each in proposals])
    known = set(keys["clip"])
    labelled = rows.table[["clip", "timestamp", "line"]]
    labelled = labelled.drop_duplicates(["clip", "timestamp"]).reset_index(drop=True)
    labelled = as_keyed(labelled, known)
    if not known & set(labelled["clip"]):
        some = keys["clip"].iloc[0] if len(keys) else "no key at all"
        findings.add("P15", proposals[0].name, f"{rows.name} has {rows.clips[0]!r}, here: {some!r}")
        return False
    own = pd.MultiIndex.from_frame(labelled[["clip", "timestamp"]])
    missing = ~np.asarray(own.isin(pd.MultiIndex.from_frame(keys)))
    if missing.any():
        at = int(np.flatnonzero(missing)[0])
        lines = labelled["line"].to_numpy()[missing]
        what = f"{rows.name}: {place(labelled, at)}"
        findings.add("P12", proposals[0].name, what, lines)
    return True
