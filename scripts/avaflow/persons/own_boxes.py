"""Detections and tracks that a user has already, in the forms in which other tools save them.

* YOLO (`--save-txt --save-conf`): a file for each frame, a line `class cx cy w h conf [id]` for
  each box, in 0..1. An empty file is a frame without anybody.
* MOT challenge: a file for each clip, `frame,id,x,y,w,h,conf,...` in pixels, frames from 1.
* AVA: a file for each clip, `clip,timestamp,x1,y1,x2,y2,[action,]score` in 0..1.
* mmdet: `{"bboxes": [[x1, y1, x2, y2], ...], "labels": [...], "scores": [...]}` in pixels, in a
  file for each frame, or in one for each clip by the name of the image.
* COCO results: a file for each clip, a list of
  `{"image_id": ..., "category_id": ..., "bbox": [x, y, w, h], "score": ...}` in pixels.

The content of a file tells which it is. Pixels are those of the clip that avaflow cut, frames its
frames. Whatever cannot be meant so is refused with its file and line: a box that is guessed
right on most frames would be wrong on the others in silence.
"""

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from avaflow.errors import UserError
from avaflow.lines import lines_of
from avaflow.listing import MOST_SHOWN, commas
from avaflow.manifests import ClipManifest
from avaflow.persons.own_files import frame_of_name
from avaflow.tables import BOX, DECIMALS, DETECTIONS, TRACKS, empty_table

LEAST_SIDE_PX = 1.0
"""Boxes narrower or lower than this are accidents; trackers choke on them."""

MOST_SIDE = 1.1
"""Sides of a box, as parts of the image's: trackers draw a little past it, other sizes more."""

LARGEST_ID = 2**31 - 1
"""The largest person id that readers of the dataset hold in their 32 bits."""

KEYFRAME_SPAN_SECONDS = 2
"""Boxes over this long a part of a clip, none of them on a whole second, are on other frames
than they say."""

COCO_CLASSES = {"yolo": 0, "mmdet": 0, "coco": 1}
"""The number of COCO's class person in each form that has classes."""

_FRAME = re.compile(r"^\s*\d+(\.0*)?\s*$")
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class _Boxes(NamedTuple):
    """Boxes of one file, an array each: frames (or timestamps) and ids as floats, NaN for none;
    corners of shape (N, 4) in 0..1; `rows` number the lines or entries from 1."""

    form: str
    frames: np.ndarray
    ids: np.ndarray
    corners: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True)
class OwnSettings:
    """What the config says of a user's own boxes.

    `person_class` is a class's number, or `coco`; `confidence` the least score that is taken;
    `offset` what AVA's timestamps add to a clip's seconds.
    """

    person_class: int | str
    confidence: float
    offset: int


class OwnBoxes(NamedTuple):
    """A clip's boxes as a table of `frame`, `person_id` (NaN for none), the box and `score`;
    `row_names` names a row's file and line; `left_out` counts boxes of other classes and scores.
    """

    table: pd.DataFrame
    row_name: Callable[[int], str]
    left_out: int


def detections_of(boxes: OwnBoxes, clip: str) -> pd.DataFrame:
    """The boxes as tables.DETECTIONS, whoever they are of; on a frame the best score first."""
    if boxes.table.empty:
        return empty_table(DETECTIONS)
    table = boxes.table.assign(clip=clip).sort_values(
        ["frame", "score", *BOX], ascending=[True, False, *[True] * len(BOX)], kind="stable"
    )
    return table[list(DETECTIONS)].reset_index(drop=True)


def tracks_of(boxes: OwnBoxes, source: str) -> pd.DataFrame:
    """The boxes as tables.TRACKS, with their own ids.

    UserError, naming each row, for a box without an id, for one that is no whole number from 1
    to :data:`LARGEST_ID`, and for an id twice on a frame. `source` is for messages.
    """
    table = boxes.table
    if table.empty:
        return empty_table(TRACKS)
    ids = table["person_id"].to_numpy(float)
    problems = _Problems(boxes.row_name)
    problems.add(np.isnan(ids), lambda row: "no person id, which a track needs")
    wrong = ~np.isnan(ids) & ((ids != np.floor(ids)) | (ids < 1) | (ids > LARGEST_ID))
    problems.add(
        wrong,
        lambda row: f"person id {ids[row]:.10g}: expected a whole number from 1 to {LARGEST_ID}",
    )
    problems.add(
        table.duplicated(["frame", "person_id"]).to_numpy() & ~np.isnan(ids) & ~wrong,
        lambda row: f"person {ids[row]:.0f} is on frame {table['frame'].iloc[row]} before",
    )
    problems.tell(source)
    tracks = table.assign(person_id=ids.astype(int)).sort_values(["frame", "person_id"])
    return tracks[list(TRACKS)].reset_index(drop=True)


def stride_of(frames: Iterable[int], fps: int) -> int:
    """The widest stride whose detection frames (times.detection_frames) hold all of these.

    >>> stride_of([1, 11, 16, 31], fps=30)
    5
    >>> stride_of([31, 61], fps=30)
    30
    """
    return math.gcd(*((int(frame) - 1) % fps for frame in frames)) or fps


def read_own_boxes(
    files: Sequence[str], facts: ClipManifest, settings: OwnSettings, source: str
) -> OwnBoxes:
    """The boxes of a clip's files, checked; of one file, or of one for each frame.

    `source` is what messages call them. Raises one UserError that lists what is wrong with file
    and line: no such frame, a box out of the image or without area, a score beyond 0..1, a box
    twice on a frame, other numbers than such a file has.
    """
    several = len(files) != 1 or Path(files[0]).stem != facts.clip
    found = [_read(file, facts, several) for file in sorted(files)]
    kept = [boxes for boxes in found if len(boxes.frames)]
    if not kept:
        return OwnBoxes(empty_table({"frame": int, **_COLUMNS}), str, 0)
    paths = [file for file, boxes in zip(sorted(files), found, strict=True) if len(boxes.frames)]
    forms = sorted({boxes.form for boxes in kept})
    if len(forms) > 1:
        raise UserError(
            f"{source}: clip {facts.clip}: files of {' and '.join(forms)} side by side. Keep one."
        )
    ends = np.cumsum([len(boxes.frames) for boxes in kept])
    row_numbers = np.concatenate([boxes.rows for boxes in kept])
    word = "entry" if forms[0] in ("coco", "mmdet") else "line"

    def name_of(row: int) -> str:
        return f"{paths[int(np.searchsorted(ends, row, 'right'))]}, {word} {row_numbers[row]}"

    boxes = _Boxes(
        forms[0], *(np.concatenate(arrays) for arrays in list(zip(*kept, strict=True))[1:])
    )
    return _checked(boxes, name_of, facts, settings, source)


_COLUMNS: dict[str, type] = {"person_id": float, **dict.fromkeys([*BOX, "score"], float)}


def _checked(
    boxes: _Boxes,
    name_of: Callable[[int], str],
    facts: ClipManifest,
    settings: OwnSettings,
    source: str,
) -> OwnBoxes:
    persons = _of_persons(boxes, facts, settings, source)
    problems = _Problems(name_of)
    scores = boxes.scores
    beyond = persons & ((scores < 0) | (scores > 1))
    hint = ""
    if boxes.form == "yolo" and (scores[persons] == np.floor(scores[persons])).all():
        hint = " (a person id? Save with --save-conf)"
    problems.add(beyond, lambda row: f"score {scores[row]:g}: expected 0 to 1{hint}")
    taken = persons & (scores >= settings.confidence)
    frames = _frames(boxes, taken, facts, settings.offset, problems)
    corners = _inside(boxes, taken, facts, problems)
    problems.tell(source)
    rows = np.flatnonzero(taken)
    table = pd.DataFrame({"frame": frames[rows].astype(int), "person_id": boxes.ids[rows]})
    table[BOX] = corners[rows].round(DECIMALS)
    table["score"] = scores[rows].round(DECIMALS)

    def taken_name(row: int) -> str:
        return name_of(int(rows[row]))

    problems = _Problems(taken_name)
    problems.add(
        table.duplicated(["frame", *BOX]).to_numpy(),
        lambda row: f"the same box is on frame {table['frame'].iloc[row]} before",
    )
    problems.tell(source)
    _check_keyframes(table["frame"].to_numpy(), facts, source)
    return OwnBoxes(table, taken_name, len(persons) - len(rows))


def _of_persons(
    boxes: _Boxes, facts: ClipManifest, settings: OwnSettings, source: str
) -> np.ndarray:
    """Which boxes are of persons: bool of shape (N,)."""
    if boxes.form not in COCO_CLASSES:
        return np.ones(len(boxes.frames), bool)
    wanted = settings.person_class
    number = COCO_CLASSES[boxes.form] if wanted == "coco" else int(wanted)
    persons = boxes.classes == number
    if not persons.any():
        classes = commas([f"{each:g}" for each in np.unique(boxes.classes)])
        raise UserError(
            f"{source}: clip {facts.clip}: no box is of class {number}, found class {classes}. Set "
            "own.person_class to the number of persons; if nobody is in the clip, an empty folder "
            f"{facts.clip} says so."
        )
    return persons


def _frames(
    boxes: _Boxes, taken: np.ndarray, facts: ClipManifest, offset: int, problems: "_Problems"
) -> np.ndarray:
    """The 1-based frames of the boxes; problems are added for those that the clip has not."""
    given = boxes.frames
    whole = given == np.floor(given)
    if boxes.form == "ava":
        frames = (given - offset) * facts.fps + 1
        last = (facts.frames - 1) // facts.fps + offset
        problems.add(
            taken & ~(whole & (frames >= 1) & (frames <= facts.frames)),
            lambda row: (
                f"timestamp {given[row]:g}: expected whole seconds, {offset} to {last} for this "
                f"clip (timestamp_offset is {offset})"
            ),
        )
        return frames
    problems.add(
        taken & ~(whole & (given >= 1) & (given <= facts.frames)),
        lambda row: f"frame {given[row]:.10g}: expected 1 to {facts.frames}, the clip's frames",
    )
    return given


def _inside(
    boxes: _Boxes, taken: np.ndarray, facts: ClipManifest, problems: "_Problems"
) -> np.ndarray:
    """The corners cut to the image; problems are added for boxes that do not lie on it."""
    size = np.array([facts.width, facts.height], float)
    low, high = boxes.corners[:, :2], boxes.corners[:, 2:]
    sides_px = (high - low) * size
    flat = taken & (sides_px < LEAST_SIDE_PX).any(axis=1)
    normalised = boxes.form in ("yolo", "ava")
    unit = "in 0..1" if normalised else f"in pixels of the clip, {facts.width} x {facts.height}"

    def small(row: int) -> str:
        width, height = sides_px[row]
        hint = "" if normalised or max(width, height) > 1 else ": numbers in 0..1?"
        return f"a box of {width:.3g} x {height:.3g} px, expected {LEAST_SIDE_PX:g} at least{hint}"

    problems.add(flat, small)
    middle = (low + high) / 2
    inside = ((middle >= 0) & (middle <= 1)).all(axis=1)
    inside &= (high - low <= MOST_SIDE).all(axis=1)
    cut = np.clip(boxes.corners, 0.0, 1.0)
    rest_px = (cut[:, 2:] - cut[:, :2]) * size
    inside &= (rest_px >= LEAST_SIDE_PX).all(axis=1)

    def outside(row: int) -> str:
        shown = boxes.corners[row] * (1 if normalised else np.tile(size, 2))
        corners = ", ".join(f"{each:.4g}" for each in shown)
        return f"the box from {corners} does not lie on the image: expected corners {unit}"

    problems.add(taken & ~flat & ~inside, outside)
    return cut


def _check_keyframes(frames: np.ndarray, facts: ClipManifest, source: str) -> None:
    """UserError where boxes are on many frames and none of them on a keyframe."""
    if len(frames) and not ((frames - 1) % facts.fps == 0).any():
        first, last = int(frames.min()), int(frames.max())
        if last - first >= KEYFRAME_SPAN_SECONDS * facts.fps:
            raise UserError(
                f"{source}: clip {facts.clip}: boxes on frames {first} to {last}, but on no whole "
                f"second (frames 1, {facts.fps + 1}, {2 * facts.fps + 1}, ...), where annotators "
                "judge. Do frames count from 0 there, or was every n-th looked at from another?"
            )


class _Problems:
    """Sentences about rows, in the rows' order."""

    def __init__(self, name_of: Callable[[int], str]):
        self.name_of = name_of
        self.found: list[tuple[int, str]] = []

    def add(self, wrong: np.ndarray, say: Callable[[int], str]) -> None:
        """A sentence for each row where `wrong`; of very many the first, for only so many show."""
        rows = np.flatnonzero(wrong)
        self.found += [(int(row), f"{self.name_of(row)}: {say(row)}") for row in rows[:MOST_SHOWN]]
        if len(rows) > MOST_SHOWN:
            left = f"and {len(rows) - MOST_SHOWN} more rows like the last"
            self.found.append((int(rows[MOST_SHOWN - 1]), left))

    def tell(self, source: str) -> None:
        """UserError with all sentences, if there are any."""
        if self.found:
            ordered = [text for _, text in sorted(self.found, key=lambda one: one[0])]
            raise UserError.listing(f"{source}: these rows cannot be used:", ordered)


# ------------------------------------------------------------------ the forms of files


def _read(file: str, facts: ClipManifest, of_frame: bool) -> _Boxes:
    """The boxes of one file, whatever its form."""
    text = _text(file)
    frame = frame_of_name(file) if of_frame else None
    if of_frame and frame is None:
        raise UserError(
            f"{file}: expected a name that ends in the frame's number, such as "
            f"{facts.clip}_31{Path(file).suffix}"
        )
    if not text.strip():
        if of_frame:
            return _boxes("nothing", [], [])
        raise UserError(
            f"{file}: the file is empty. If nobody is in clip {facts.clip}, make an empty folder "
            f"{Path(file).with_suffix('').name} in its place."
        )
    if text.lstrip()[0] in "[{":
        return _json_boxes(file, text, facts, frame)
    first = text.split("\n", 1)[0].rstrip("\r")
    if ";" in first:
        raise UserError(f"{file}, line 1: expected commas between cells, found semicolons.")
    if "," not in first:
        if frame is None:
            raise UserError(
                f"{file}, line 1: expected cells with commas between them, found {first[:60]!r}. "
                "YOLO's lines do not say of which frame they are: give a file for each frame, "
                f"such as {facts.clip}_31.txt."
            )
        return _yolo_boxes(file, text, frame)
    if frame is not None:
        raise UserError(
            f"{file}, line 1: expected `class cx cy w h conf`, as YOLO saves a frame, found "
            f"{first[:60]!r}. Tables with commas have one file for each clip: {facts.clip}.csv."
        )
    return _table_boxes(file, text, first, facts)


def _text(file: str) -> str:
    content = Path(file).read_bytes()
    if content.startswith(_BYTE_ORDER_MARKS):
        raise UserError(
            f"{file}, line 1: the file begins with a byte order mark. Save it as UTF-8 without "
            "one (BOM)."
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{file}, line {line}: expected UTF-8 text, found other bytes.") from None


def _boxes(form: str, frames: Any, corners: Any, **others: Any) -> _Boxes:
    """Boxes from sequences; what is not given is NaN, rows are numbered from 1."""
    count = len(frames)
    none = np.full(count, np.nan)
    arrays = {name: np.asarray(each, float) for name, each in others.items() if name != "rows"}
    return _Boxes(
        form,
        np.asarray(frames, float),
        arrays.get("ids", none),
        np.asarray(corners, float).reshape(-1, 4),
        arrays.get("scores", none),
        arrays.get("classes", none),
        np.asarray(others.get("rows", np.arange(1, count + 1))),
    )


def _yolo_boxes(file: str, text: str, frame: int) -> _Boxes:
    values: list[list[float]] = []
    for number, line in enumerate(lines_of(text), start=1):
        cells = line.split()
        if len(cells) == 5:
            raise UserError(
                f"{file}, line {number}: 5 numbers, without a score. Save with --save-conf "
                "(save_conf=True)."
            )
        row = _numbers(cells)
        if len(cells) not in (6, 7) or row is None:
            raise UserError(
                f"{file}, line {number}: expected `class cx cy w h conf [id]`, found {line[:60]!r}"
            )
        values.append(row if len(row) == 7 else [*row, math.nan])
    table = np.array(values)
    middle, half = table[:, 1:3], table[:, 3:5] / 2
    return _boxes(
        "yolo",
        np.full(len(table), frame),
        np.hstack([middle - half, middle + half]),
        classes=table[:, 0],
        scores=table[:, 5],
        ids=table[:, 6],
    )


def _numbers(cells: Sequence[str]) -> list[float] | None:
    """Cells as numbers; None if one is none."""
    try:
        row = [float(cell) for cell in cells]
    except ValueError:
        return None
    return row if all(map(math.isfinite, row)) else None


def _table_boxes(file: str, text: str, first: str, facts: ClipManifest) -> _Boxes:
    """The boxes of a table with commas: MOT's begins with a frame, AVA's with a clip."""
    width = first.count(",") + 1
    if _FRAME.match(first.split(",")[0]):
        if width < 7:
            raise UserError(
                f"{file}, line 1: expected frame,id,x,y,w,h,conf, found {width} cells: {first[:60]}"
            )
        table = _table(file, text, width, list(range(7)), "frame,id,x,y,w,h,conf")
        size = np.array([facts.width, facts.height] * 2, float)
        left, sides = table[:, 2:4], table[:, 4:6]
        corners = np.hstack([left, left + sides]) / size
        return _boxes("mot", table[:, 0], corners, scores=table[:, 6], ids=table[:, 1])
    form = "clip,timestamp,x1,y1,x2,y2,[action,]score"
    if width not in (7, 8):
        raise UserError(f"{file}, line 1: expected {form}, or MOT's table, found: {first[:60]}")
    numbers = [1, 2, 3, 4, 5, width - 1]
    table = _table(file, text, width, numbers, form, facts.clip)
    return _boxes("ava", table[:, 0], table[:, 1:5], scores=table[:, 5])


def _table(
    file: str, text: str, width: int, numbers: list[int], form: str, clip: str | None = None
) -> np.ndarray:
    """The columns `numbers` of a table as floats; the first column is the clip, if one is given.

    UserError, naming the line, where a line has other cells than its form says.
    """
    kinds: dict[int, Any] = dict.fromkeys(numbers, float)
    how: dict[str, Any] = {
        "header": None,
        "names": range(width),
        "index_col": False,
        "usecols": [*([0] if clip else []), *numbers],
        "dtype": kinds | ({0: "category"} if clip else {}),
        "skip_blank_lines": False,
        "keep_default_na": False,
        "na_values": {number: [""] for number in numbers},
        "quoting": csv.QUOTE_NONE,
    }
    try:
        table = pd.read_csv(StringIO(text), **how)
        values = table[numbers].to_numpy(float)
        # A cell too many passes for one that is not asked for, or shifts what follows.
        sound = np.isfinite(values).all() and text.count(",") == (width - 1) * len(table)
        if sound and (clip is None or (table[0] == clip).all()):
            return values
    except (ValueError, pd.errors.ParserError):
        pass
    # The line is looked for only now: one by one takes long where there are a million.
    for number, line in enumerate(lines_of(text), start=1):
        cells = line.split(",")
        if len(cells) != width or _numbers([cells[each] for each in numbers]) is None:
            raise UserError(
                f"{file}, line {number}: expected {form}, with {width} cells as in line 1 and "
                f"without a header, found {line[:80]!r}"
            )
        if clip is not None and cells[0] != clip:
            raise UserError(
                f"{file}, line {number}: expected boxes of clip {clip}, found {cells[0]!r}. Every "
                "clip has a file of its own."
            )
    raise UserError(f"{file}: expected {form}, found a table that cannot be read as one.")


def _json_boxes(file: str, text: str, facts: ClipManifest, frame: int | None) -> _Boxes:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise UserError(f"{file}{where}: this is no JSON ({error}).") from None
    size = np.array([facts.width, facts.height] * 2, float)
    if isinstance(content, list) and frame is None:
        if not content:
            return _boxes("nothing", [], [])
        return _coco_boxes(file, content, size)
    if isinstance(content, dict) and frame is not None and "bboxes" in content:
        return _mmdet_boxes(file, {"": content}, size, frame)
    images = isinstance(content, dict) and frame is None
    if images and all(isinstance(one, dict) and "bboxes" in one for one in content.values()):
        return _mmdet_boxes(file, content, size, None)
    raise UserError(
        f"{file}: expected a list of COCO results for the clip, "
        '[{"image_id": 31, "category_id": 1, "bbox": [x, y, w, h], "score": 0.9}, ...], or '
        'mmdet\'s {"bboxes": ..., "labels": ..., "scores": ...} for each frame.'
    )


def _coco_boxes(file: str, entries: list, size: np.ndarray) -> _Boxes:
    count = len(entries)
    frames, classes, scores = np.empty(count), np.empty(count), np.empty(count)
    sides = np.empty((count, 4))
    for number, entry in enumerate(entries):
        try:
            image = entry["image_id"]
            frame = frame_of_name(image) if isinstance(image, str) else image
            if frame is None:
                raise ValueError("no frame")
            frames[number], classes[number] = frame, entry["category_id"]
            scores[number] = entry["score"]
            sides[number] = entry["bbox"]
        except (KeyError, TypeError, ValueError):
            raise UserError(
                f"{file}, entry {number + 1}: expected image_id (a frame, or a name that ends in "
                f"it), category_id, bbox of 4 and score, found {json.dumps(entry)[:120]}"
            ) from None
    _check_finite(file, np.column_stack([frames, classes, scores, sides]))
    corners = np.hstack([sides[:, :2], sides[:, :2] + sides[:, 2:]]) / size
    return _boxes("coco", frames, corners, classes=classes, scores=scores)


def _mmdet_boxes(
    file: str, images: Mapping[str, Any], size: np.ndarray, frame: int | None
) -> _Boxes:
    frames: list[float] = []
    parts: list[np.ndarray] = []
    rows: list[int] = []
    for name, image in images.items():
        where = f"{file}{f', {name!r}' if name else ''}"
        own = frame if frame is not None else frame_of_name(name)
        if own is None:
            raise UserError(f"{where}: expected a name that ends in the frame's number")
        try:
            boxes = np.asarray(image["bboxes"], float).reshape(-1, 4)
            lists = np.asarray([image["labels"], image["scores"]], float).reshape(2, -1).T
            parts.append(np.hstack([boxes, lists]))
        except (KeyError, TypeError, ValueError):
            raise UserError(
                f"{where}: expected bboxes (of 4 numbers each), labels and scores, as many of each"
            ) from None
        frames += [own] * len(boxes)
        rows += range(1, len(boxes) + 1)
    table = np.vstack(parts)
    _check_finite(file, table)
    return _boxes(
        "mmdet", frames, table[:, :4] / size, classes=table[:, 4], scores=table[:, 5], rows=rows
    )


def _check_finite(file: str, table: np.ndarray) -> None:
    wrong = np.flatnonzero(~np.isfinite(table).all(axis=1))
    if len(wrong):
        raise UserError(f"{file}, entry {wrong[0] + 1}: a number is missing, or not finite")
