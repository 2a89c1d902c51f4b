"""AVA's csv: `id,timestamp,x1,y1,x2,y2,action_id[,person_id]`, no header, boxes in 0..1.

Version 1 of AVA has no person ids; persons are then told apart by their boxes, and named later
by the track that they lie on.
"""

from collections.abc import Iterator
from pathlib import Path

from avaflow.annotation.existing.boxes import NORMALISED, Problems, Sighting
from avaflow.annotation.existing.names import Names
from avaflow.annotation.existing.text import corners_of_cells, text_lines
from avaflow.times import Second

COLUMNS = (7, 8)
"""Cells of a row, without and with a person id."""

IN_PIXELS = 2.0
"""A coordinate above is none in parts of the image, wherever the box reaches out of it."""


def read_ava_csv(path: Path, names: Names, problems: Problems) -> Iterator[Sighting]:
    """The sightings of an AVA csv, a row each."""
    for number, line in enumerate(text_lines(path), start=1):
        line = line.rstrip("\r\n")
        if not line:
            continue
        where = f"{path}: line {number}"
        found = _row(line, where, names, problems)
        if found:
            yield found


def _row(line: str, where: str, names: Names, problems: Problems) -> Sighting | None:
    cells = line.split(",")
    if len(cells) not in COLUMNS:
        problems.append(
            f"{where}: expected id,timestamp,x1,y1,x2,y2,action_id and perhaps person_id, found "
            f"{len(cells)} cells"
        )
        return None
    clip = names.clip(cells[0])
    if clip is None:
        names.unknown_clip(
            cells[0],
            problems,
            f"{where}: no clip {cells[0]!r} is in the clips table{names.nearest_clip(cells[0])}",
        )
        return None
    try:
        second, action = Second(int(cells[1]) - names.offset), int(cells[6])
    except ValueError:
        problems.append(
            f"{where}: expected whole numbers as timestamp and action id, found {cells[1]!r} and "
            f"{cells[6]!r}"
        )
        return None
    corners = corners_of_cells(cells[2:6], where, problems)
    if corners is None or not names.check_second(clip, second, where, problems):
        return None
    if max(corners) > IN_PIXELS:
        problems.append(
            f"{where}: expected a box in parts of the image, 0 to 1, found {','.join(cells[2:6])}, "
            "which looks like pixels: divide by the image's width and height"
        )
        return None
    actions = names.action_of_id(action, where, problems)
    if not actions:
        return None
    person = names.person(cells[7], where, problems) if len(cells) > 7 else 0
    return Sighting(clip, second, where, corners, NORMALISED, actions, person)
