"""The csv tables that stages hand to each other: columns, order, number formats.

Coordinates and scores have :data:`DECIMALS` decimals, rows are sorted and lines end in
LF, so the same content always gives the same bytes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar, get_type_hints

from avaflow.errors import UserError
from avaflow.files import write_text
from avaflow.times import Frame, Second

Row = TypeVar("Row", bound=NamedTuple)

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and not needed to plan a run

DECIMALS = 6
"""Decimals of a normalised coordinate: under a hundredth of a pixel at 8K."""

BOX = ["x1", "y1", "x2", "y2"]


class Detection(NamedTuple):
    """One person found on a frame; within a frame the best score first."""

    clip: str
    frame: Frame
    x1: float
    y1: float
    x2: float
    y2: float
    score: float


class DetectedObject(NamedTuple):
    """One thing found on a frame, and what it is; within a frame the best score first."""

    clip: str
    frame: Frame
    x1: float
    y1: float
    x2: float
    y2: float
    score: float
    name: str


class Tracked(NamedTuple):
    """A detection of one clip with its person id (from 1, never missing)."""

    frame: Frame
    person_id: int
    x1: float
    y1: float
    x2: float
    y2: float
    score: float


class Keyframe(NamedTuple):
    """A keyframe of one clip: whole second, 1-based frame, file name, size in pixels."""

    second: Second
    frame: Frame
    file: str
    width: int
    height: int
    sha256: str


class Label(NamedTuple):
    """One ticked action of one person on one keyframe of a clip."""

    second: Second
    person_id: int
    x1: float
    y1: float
    x2: float
    y2: float
    action_id: int


class Unticked(NamedTuple):
    """A person whom the annotator kept and gave no tick: nobody knows what that person does; or
    one of whom somebody said that it is none of the actions, in a table of its own."""

    second: Second
    x1: float
    y1: float
    x2: float
    y2: float


class Nobody(NamedTuple):
    """A keyframe that was judged and has no label: nobody is there, or nobody does anything."""

    second: Second


class Note(NamedTuple):
    """What the annotation reader noticed and did not label, one row per box of a clip."""

    second: Second
    box: str
    person_id: str
    note: str


class Duplicate(NamedTuple):
    """Two clips of different splits that show the same.

    `kind` is `copy`, or what was done to the second: `mirrored`, `cropped`, `shifted`, joined by
    `+`. Second s of `clip` is second s - `later` of `other`. `distance` is 1 less the correlation
    of what moves.
    """

    clip: str
    split: str
    other: str
    other_split: str
    kind: str
    later: float
    distance: float


def columns_of(row: type[NamedTuple]) -> dict[str, type]:
    """Names and plain types of a row's columns, in order: a NewType counts as what it is of."""
    return {
        name: getattr(kind, "__supertype__", kind) for name, kind in get_type_hints(row).items()
    }


DETECTIONS = columns_of(Detection)
OBJECTS = columns_of(DetectedObject)
TRACKS = columns_of(Tracked)
KEYFRAMES = columns_of(Keyframe)
LABELS = columns_of(Label)
UNTICKED = columns_of(Unticked)
NOBODY = columns_of(Nobody)
NOTES = columns_of(Note)
DUPLICATES = columns_of(Duplicate)


def write_table(path: str | Path, table: pd.DataFrame, columns: dict[str, type]) -> None:
    """Write a table with exactly these columns, whole or not at all. Rows keep their order."""
    import pandas as pd

    frame = pd.DataFrame({name: table[name] for name in columns})
    for name, kind in columns.items():
        frame[name] = frame[name].astype(kind)
    text = frame.to_csv(index=False, float_format=f"%.{DECIMALS}f", lineterminator="\n")
    write_text(path, text)


def read_table(path: str | Path, columns: dict[str, type]) -> pd.DataFrame:
    """Read a table written by :func:`write_table`; UserError if it is not one."""
    text = Path(path).read_text(encoding="utf-8")
    header = text.split("\n", 1)[0].split(",")
    if header != list(columns):
        raise UserError(
            f"{path}: expected the columns {', '.join(columns)}, found {', '.join(header)}. "
            "The file was changed by hand or cut short: delete it and run again."
        )
    import pandas as pd

    try:
        if not text.endswith("\n"):
            raise ValueError("the last line has no end")
        return pd.read_csv(StringIO(text), dtype=columns, keep_default_na=False)
    except ValueError as error:
        raise UserError(
            f"{path}: this table cannot be read ({error}). "
            "The file was changed by hand or cut short: delete it and run again."
        ) from error


def rows_of(table: pd.DataFrame, row: type[Row]) -> list[Row]:
    """The rows of a table as `row`, such as :class:`Keyframe`, in plain Python numbers."""
    columns = [table[name].tolist() for name in columns_of(row)]
    return [row(*values) for values in zip(*columns, strict=True)]


def table_of(rows: Iterable[NamedTuple], row: type[NamedTuple]) -> pd.DataFrame:
    """A table of such rows, in their order; with its columns also where there are none."""
    import pandas as pd

    listed = list(rows)
    columns = columns_of(row)
    return pd.DataFrame(listed, columns=list(columns)) if listed else empty_table(columns)


def empty_table(columns: dict[str, type]) -> pd.DataFrame:
    """A table with these columns and no rows."""
    import pandas as pd

    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})


def read_rows(path: str | Path, columns: dict[str, type]) -> list[dict[str, str]]:
    """The rows of a table as texts, without pandas; UserError if it has other columns."""
    text = Path(path).read_text(encoding="utf-8")
    reader = csv.DictReader(StringIO(text))
    if reader.fieldnames != list(columns):
        found = ", ".join(reader.fieldnames or ["an empty file"])
        raise UserError(f"{path}: expected the columns {', '.join(columns)}, found {found}")
    return list(reader)
