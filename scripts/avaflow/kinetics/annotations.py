"""The official annotation files of Kinetics-400, -600 and -700, and the lists that readers take.

Annotations come as json (`{id: {annotations: {label, segment}, subset}}`) or csv (columns label,
youtube_id, time_start, time_end, split). Files of videos are called after id and seconds:
`{id}_{start:06d}_{end:06d}`.

Lists are read by PySlowFast's `Kinetics` dataset, which splits each line at
`DATA.PATH_LABEL_SEPARATOR` and asserts two parts, and by PyTorchVideo's `LabeledVideoPaths`, which
splits at the last white space.
"""

import csv
import json
import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

from avaflow.errors import UserError

COLUMNS = ("youtube_id", "time_start", "time_end", "split")
"""Columns that a csv has to have; `label` may be missing where the labels are held back."""


SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "validate": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
    "holdout_test": "test",
}
"""What the official files call the splits."""


MOST_SHOWN = 20
"""Problems listed in one message."""


_ID = re.compile(r"[A-Za-z0-9_-]+")


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Annotated(NamedTuple):
    """One line of the annotations: seconds `start` to `end` of a YouTube video show `label`."""

    split: str
    name: str
    start: int
    end: int
    label: str


def video_name(youtube_id: str, start: int, end: int) -> str:
    """What the file of a video is called, without its suffix."""
    return f"{youtube_id}_{start:06d}_{end:06d}"


def read_annotations(path: str | Path) -> list[Annotated]:
    """The lines of one annotation file, json or csv, in its order.

    Raises UserError, naming the lines or ids, for a file that is neither, for missing columns,
    unknown splits, ids that are no YouTube ids, times that make no range, and labels
    missing outside the test split.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(
            f"{path}: this annotation file is missing. Put it there, or correct "
            "kinetics.annotations in the config."
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: expected UTF-8 text, found other bytes at position {error.start}. An "
            "archive has to be unpacked first."
        ) from None
    except IsADirectoryError:
        raise UserError(
            f"{path}: expected an annotation file, found a folder: name the files in it"
        ) from None
    raw = _from_json(path, text) if text.lstrip()[:1] in ("{", "[") else _from_csv(path, text)
    rows, problems = [], []
    append = rows.append
    for where, youtube_id, start, end, split, label in raw:
        try:
            first, last = _second(start), _second(end)
            known = SPLIT_NAMES.get(split) or SPLIT_NAMES[split.strip().lower()]
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            known, first, last = None, 0, 0
        if not isinstance(label, str):
            problems.append(f"{where}: expected the label as a text, found {label!r}")
            continue
        label = label if label.isascii() else unicodedata.normalize("NFC", label)
        label = label.strip()
        wrong = None
        if known is None:
            wrong = (
                "expected times in seconds and a split of "
                f"{', '.join(SPLIT_NAMES)}, found {start!r}, {end!r}, {split!r}"
            )
        elif not _ID.fullmatch(youtube_id):
            wrong = f"expected an id of letters, digits, - and _, found {youtube_id!r}"
        elif not 0 <= first < last:
            wrong = f"expected a start before the end, found {first} and {last}"
        elif not label and known != "test":
            wrong = f"{youtube_id} has no label"
        elif _CONTROL.search(label):
            wrong = f"the label {label!r} has a control character in it"
        if wrong:
            problems.append(f"{where}: {wrong}")
        else:
            append(Annotated(known, video_name(youtube_id, first, last), first, last, label))
    if problems:
        more = len(problems) - MOST_SHOWN
        shown = problems[:MOST_SHOWN] + ([f"and {more} more"] if more > 0 else [])
        raise UserError.listing(f"{path}: these annotations cannot be used:", shown)
    if not rows:
        raise UserError(f"{path}: there is no annotation in the file")
    return rows


def _second(value) -> int:
    """A whole second from `12`, `12.0` or 12.0; official files round to whole seconds."""
    if isinstance(value, float):
        return round(value)
    try:
        return int(value)
    except ValueError:
        return round(float(value))


def _from_csv(path: Path, text: str):
    reader = csv.reader(text.splitlines())
    header = [name.strip().lower() for name in next(reader, [])]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise UserError(
            f"{path}: expected the columns label, {', '.join(COLUMNS)}, found "
            f"{', '.join(header) or 'an empty file'}. Give an official annotation file of Kinetics."
        )
    where = [header.index(name) for name in COLUMNS]
    label_at = header.index("label") if "label" in header else None
    needed = 1 + max([*where, label_at or 0])
    id_at, start_at, end_at, split_at = where
    for row in reader:
        if not row:
            continue
        if len(row) < needed:
            raise UserError(
                f"{path}, line {reader.line_num}: expected {len(header)} cells, found {len(row)}"
            )
        label = row[label_at] if label_at is not None else ""
        line = f"line {reader.line_num}"
        yield line, row[id_at].strip(), row[start_at], row[end_at], row[split_at], label


def _from_json(path: Path, text: str):
    try:
        # Pairs, because a dict would silently keep the last of two entries for one id.
        entries = json.loads(text, object_pairs_hook=_Pairs)
    except ValueError as error:
        raise UserError(
            f"{path}: this is no json file, or one that was cut short ({error})"
        ) from None
    if not isinstance(entries, _Pairs):
        raise UserError(f"{path}: expected an object of youtube ids, found a list")
    for youtube_id, entry in entries:
        try:
            entry = dict(entry)
            annotations = dict(entry.get("annotations") or ())
            start, end = annotations["segment"]
            label = annotations.get("label") or ""
            yield f"id {youtube_id}", youtube_id, start, end, entry["subset"], label
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{path}, id {youtube_id}: expected annotations with a segment of two times, a "
                f"label, and a subset ({error!r})"
            ) from None


class _Pairs(list):
    """A json object as the list of its entries."""
