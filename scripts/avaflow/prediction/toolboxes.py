"""What a model trained in a toolbox says of the project's clips, from the toolbox's own files.

Told apart by content:

* mmaction2 1.x: the pickle of `DumpResults` (`predictions.pkl`), a list with a dict a keyframe; and
  the csv of its AVA metric (`..._result.csv`), boxes with four decimals;
* PySlowFast: `detections_latest.csv` of its AVA meter, timestamps of four digits, boxes with three
  decimals;
* AlphAction: `result.csv` (`result_ava.csv` in other copies), timestamps of four digits, boxes with
  five decimals.

All csvs have eight columns, AVA's form: clip, timestamp, x1, y1, x2, y2, action id, score. A csv of
that form from elsewhere is taken too.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from avaflow.errors import UserError
from avaflow.formats.array_pickles import StoredArray
from avaflow.listing import commas
from avaflow.times import Timestamp

KINDS = (
    "expected a csv of rows clip,timestamp,x1,y1,x2,y2,action id,score, as mmaction2's AVA metric, "
    "PySlowFast (detections_latest.csv) and AlphAction (result.csv) write it, or mmaction2's "
    "predictions.pkl"
)

BOX_SLACK = 0.01
"""So far outside the image a box may lie: toolboxes round, and some do not cut boxes."""

SHOWN = 5
"""So many names are listed in a message; the rest is counted."""

TORCH_SAVED = (b"PK\x03\x04", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")
"""How files of torch.save begin: zipped, and before 1.6. AlphAction keeps its objects so."""


class Found(NamedTuple):
    """A row: what a model says of an action of a box on a keyframe."""

    clip: str
    timestamp: Timestamp
    box: tuple[float, float, float, float]
    action_id: int
    score: float


def read_detections(path: str | Path) -> tuple[str, list[Found]]:
    """What wrote a file, in words, and its rows. UserError for any other file."""
    path = Path(path)
    try:
        with open(path, "rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise UserError(f"prediction.detections: {path}: {error.strerror}; {KINDS}") from None
    if head.startswith(TORCH_SAVED):
        raise UserError(
            f"prediction.detections: {path}: {KINDS}, found a file of torch.save, as AlphAction's "
            "predictions.pth, which holds objects of its program. Give the result.csv beside it"
        )
    if not head.strip():
        raise UserError(f"prediction.detections: {path}: {KINDS}, found an empty file")
    if head[:1] in (b"\x80", b"(", b"]", b"c") and b"\0" in head or head[:1] == b"\x80":
        return "mmaction2's predictions.pkl", _of_pickle(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(
            f"prediction.detections: {path}: {KINDS}, found a file that is no text"
        ) from None
    return _of_csv(path, text)


def clips_in(paths: Sequence[str | Path], clips: Collection[str]) -> list[str]:
    """The clips that files tell of, sorted; UserError where one is no clip of the project."""
    found: set[str] = set()
    for path in paths:
        _, rows = read_once(str(path))
        own = {row.clip for row in rows}
        strangers = sorted(own - set(clips))
        if strangers:
            raise UserError(
                f"prediction.detections: {path}: expected the names of this project's clips, as "
                f"its exports write them, found {commas(strangers, SHOWN)}. Clips here are "
                f"{commas(sorted(clips), SHOWN) or 'none'}. Give a file of a model that was run on "
                "this project's dataset"
            )
        found |= own
    return sorted(found)


@cache
def read_once(path: str) -> tuple[str, list[Found]]:
    """As :func:`read_detections`; a run's plan asks for one file several times."""
    return read_detections(path)


# ---------------------------------------------------------------- csv


def _of_csv(path: Path, text: str) -> tuple[str, list[Found]]:
    rows = []
    shapes: set[tuple[int, bool]] = set()
    for number, fields in enumerate(csv.reader(io.StringIO(text)), start=1):
        if not fields:
            continue
        if len(fields) != 8:
            seven = len(fields) == 7
            reason = (
                "no score in the 8th column: labels, not what a model says"
                if seven
                else f"{len(fields)} columns"
            )
            raise _wrong(path, f"line {number}: {reason}: {','.join(fields)[:80]!r}")
        rows.append(_row(path, f"line {number}", fields))
        shapes.add((_decimals(fields[2:6]), len(fields[1]) == 4))
    decimals = max(places for places, _ in shapes)
    padded = all(four for _, four in shapes)
    kind = {
        (3, True): "PySlowFast's detections",
        (5, True): "AlphAction's result.csv",
    }.get((decimals, padded), "mmaction2's result.csv" if decimals <= 4 else "a csv of AVA's form")
    return kind, rows


def _decimals(fields: Sequence[str]) -> int:
    return max(len(field.partition(".")[2]) for field in fields)


def _row(path: Path, place: str, fields: Sequence[Any]) -> Found:
    clip, timestamp, x1, y1, x2, y2, action, score = fields
    try:
        time = float(timestamp)
        box = (float(x1), float(y1), float(x2), float(y2))
        value = float(score)
        if time != int(time) or float(action) != int(float(action)):
            raise ValueError("a timestamp or an action id that is not whole")
    except (ValueError, OverflowError) as error:
        told = ",".join(map(str, fields))[:80]
        raise _wrong(path, f"{place}: {error}: {told!r}") from None
    if not all(math.isfinite(each) for each in (*box, value)):
        raise _wrong(path, f"{place}: a number that is none (nan, inf)")
    if min(box) < -BOX_SLACK or max(box) > 1 + BOX_SLACK:
        raise _wrong(path, f"{place}: a box that is not in 0..1 of the image: {box}")
    x1, y1, x2, y2 = (min(1.0, max(0.0, each)) for each in box)
    return Found(str(clip), Timestamp(int(time)), (x1, y1, x2, y2), int(float(action)), value)


def _wrong(path: Path, found: str) -> UserError:
    return UserError(f"prediction.detections: {path}: {KINDS}, found {found}")


# ---------------------------------------------------------------- mmaction2's pickle


def _of_pickle(path: Path) -> list[Found]:
    # A reader of tensors knows torch, which only files of this kind need.
    from avaflow.formats.tensor_pickles import read_tensor_pickle

    content = read_tensor_pickle(path, "predictions.pkl of mmaction2")
    if not isinstance(content, list) or not content:
        kind = "an empty list" if isinstance(content, list) else f"a {type(content).__name__}"
        raise _wrong(path, f"a pickle of {kind}")
    rows: list[Found] = []
    for number, sample in enumerate(content, start=1):
        rows += _of_sample(path, f"entry {number}", sample)
    if not rows:
        raise _wrong(path, "a pickle without a single box")
    return rows


def _of_sample(path: Path, place: str, sample: Any) -> Iterator[Found]:
    wanted = ("video_id", "timestamp", "pred_instances")
    if not isinstance(sample, dict) or any(name not in sample for name in wanted):
        keys = ", ".join(map(str, sample)) if isinstance(sample, dict) else "no names at all"
        raise _wrong(
            path,
            f"{place} of a pickle without {', '.join(wanted)}: {keys[:120]}. (mmaction2 0.x's "
            "result.pkl does not say of which keyframe it is.)",
        )
    instances = sample["pred_instances"]
    try:
        boxes = _plain(instances["bboxes"]).reshape(-1, 4)
        scores = _plain(instances["scores"])
        if scores.ndim != 2 or len(scores) != len(boxes):
            raise ValueError(f"scores {scores.shape} of boxes {boxes.shape}")
        timestamp = _plain(sample["timestamp"]).item()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _wrong(
            path, f"{place} of a pickle whose pred_instances are others: {error}"
        ) from None
    for box, own in zip(boxes.tolist(), scores.tolist(), strict=True):
        # Column 0 is mmaction2's background.
        for action, score in enumerate(own[1:], start=1):
            yield _row(path, place, (sample["video_id"], timestamp, *box, action, score))


def _plain(value: Any) -> np.ndarray:
    if isinstance(value, StoredArray):
        value = value.as_numpy()
    return np.asarray(value)
