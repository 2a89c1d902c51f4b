"""The csv tables that stages hand to each other: columns, order, number formats.

Coordinates and scores have :data:`DECIMALS` decimals, rows are sorted and lines end in
LF, so the same content always gives the same bytes.
"""

from io import StringIO
from pathlib import Path

import pandas as pd

from avaflow.errors import UserError
from avaflow.files import write_text

DECIMALS = 6
"""Decimals of a normalised coordinate: under a hundredth of a pixel at 8K."""

BOX = ["x1", "y1", "x2", "y2"]

DETECTIONS = {
    "clip": str,
    "frame": int,
    **dict.fromkeys(BOX, float),
    "score": float,
}
"""One row per person found on a frame; within a frame the best score first."""

TRACKS = {
    "frame": int,
    "person_id": int,
    **dict.fromkeys(BOX, float),
    "score": float,
}
"""The detections of one clip, each with its person id (from 1, never missing)."""

KEYFRAMES = {
    "second": int,
    "frame": int,
    "file": str,
    "width": int,
    "height": int,
    "sha256": str,
}
"""The keyframes of one clip: whole second, 1-based frame, file name, size in pixels."""

LABELS = {
    "second": int,
    "person_id": int,
    **dict.fromkeys(BOX, float),
    "action_id": int,
}
"""One row per person, keyframe and ticked action of one clip."""

UNTICKED = {
    "second": int,
    **dict.fromkeys(BOX, float),
}
"""The persons of one clip whom the annotator kept and gave no tick: nobody knows their actions."""

NOTES = {
    "second": int,
    "box": str,
    "person_id": str,
    "note": str,
}
"""What the annotation reader noticed and did not label, one row per box of a clip."""


def write_table(path: str | Path, table: pd.DataFrame, columns: dict[str, type]) -> None:
    """Write a table with exactly these columns, whole or not at all. Rows keep their order."""
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
    try:
        if not text.endswith("\n"):
            raise ValueError("the last line has no end")
        return pd.read_csv(StringIO(text), dtype=columns, keep_default_na=False)
    except ValueError as error:
        raise UserError(
            f"{path}: this table cannot be read ({error}). "
            "The file was changed by hand or cut short: delete it and run again."
        ) from error


def empty_table(columns: dict[str, type]) -> pd.DataFrame:
    """A table with these columns and no rows."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
