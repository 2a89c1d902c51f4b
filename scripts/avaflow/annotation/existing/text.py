"""What the readers of existing annotations share: text, numbers, boxes."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from avaflow.annotation.existing.boxes import Problems
from avaflow.boxes import Corners
from avaflow.errors import UserError


def text_lines(path: Path) -> Iterator[str]:
    """The lines of a text file, with their ends, one at a time; a byte order mark is passed over.

    UserError where the file is no UTF-8 text.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            for line in stream:
                if "\0" in line:
                    raise UserError(f"{path}: expected text, found zero bytes in it")
                yield line
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: expected UTF-8 text, found other bytes ({error.reason}). Save it as UTF-8"
        ) from None


def is_number(value: Any) -> bool:
    """Whether a value of a JSON file is a finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def corners_of_sides(value: Any, where: str, problems: Problems) -> Corners | None:
    """x1, y1, x2, y2 of a box as x, y, width, height; None, and a problem, if it is none."""
    if not isinstance(value, Sequence) or len(value) != 4 or not all(map(is_number, value)):
        problems.append(f"{where}: bbox: expected 4 numbers x, y, width, height, found {value!r}")
        return None
    x, y, width, height = map(float, value)
    if min(width, height) <= 0:
        problems.append(f"{where}: bbox: expected width and height above 0, found {list(value)}")
        return None
    return x, y, x + width, y + height


def corners_of_cells(cells: Sequence[str], where: str, problems: Problems) -> Corners | None:
    """x1, y1, x2, y2 of four cells of a row; None, and a problem, if they are no box."""
    try:
        x1, y1, x2, y2 = map(float, cells)
    except ValueError:
        problems.append(f"{where}: expected four numbers x1, y1, x2, y2, found {','.join(cells)}")
        return None
    if not all(map(math.isfinite, (x1, y1, x2, y2))) or x1 >= x2 or y1 >= y2:
        problems.append(
            f"{where}: expected a box with x1 < x2 and y1 < y2, found {','.join(cells)}"
        )
        return None
    return x1, y1, x2, y2


def size_of(width: Any, height: Any) -> tuple[float, float] | None:
    """Width and height of an image as a file has them; None where it does not say."""
    if is_number(width) and is_number(height) and min(width, height) > 0:
        return float(width), float(height)
    return None
