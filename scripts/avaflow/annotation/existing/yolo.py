"""YOLO's text: a file per image with rows `class cx cy width height [id]`, in parts of the image.

The classes are the actions: a person who does two things has two rows. Their names are in
ultralytics' `data.yaml`, darknet's `obj.names`, or a `classes.txt`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from avaflow.annotation.existing.boxes import NORMALISED, Problems, Sighting
from avaflow.annotation.existing.names import Names
from avaflow.annotation.existing.text import text_lines
from avaflow.boxes import Corners
from avaflow.errors import UserError
from avaflow.lines import lines_of

NAME_FILES = ("data.yaml", "dataset.yaml", "data.yml", "obj.names", "classes.txt")
"""Files of a YOLO folder that name its classes, the first that is there."""

CELLS = (5, 6, 7)
"""Cells of a row: without more, with an id or a confidence, and with both."""

NOT_IMAGES = {"classes.txt", "train.txt", "val.txt", "test.txt", "valid.txt"}


def names_file(folder: Path) -> Path | None:
    """The file of a folder that names YOLO's classes; None if it is no folder of YOLO's."""
    return next((folder / name for name in NAME_FILES if (folder / name).is_file()), None)


def label_files(folder: Path) -> list[Path]:
    """The text files of a YOLO folder, one per image, sorted."""
    return sorted(
        path
        for path in folder.rglob("*.txt")
        if path.name not in NOT_IMAGES and not path.name.startswith(".")
    )


def read_yolo(folder: Path, names: Names, problems: Problems) -> Iterator[Sighting]:
    """The sightings of a YOLO folder."""
    listed = names_file(folder)
    assert listed is not None, "told apart by this file"
    classes = read_class_names(listed)
    files = label_files(folder)
    if not files:
        problems.append(f"{folder}: there is no txt of an image in it")
    for path in files:
        moment = names.moment(path.name, str(path), problems)
        if moment is None or not names.check_second(*moment, str(path), problems):
            continue
        yield Sighting(*moment, str(path))
        rows = [line.split() for line in text_lines(path)]
        # A sixth cell is a person's id in some files and a confidence in others.
        has_ids = all(_is_id(cells[-1]) for cells in rows if len(cells) > CELLS[0])
        for number, cells in enumerate(rows, start=1):
            where = f"{path}: line {number}"
            if not cells:
                continue
            corners = _corners(cells, where, problems)
            if corners is None:
                continue
            if not cells[0].isdigit() or int(cells[0]) >= len(classes):
                problems.append(
                    f"{where}: class {cells[0]!r} is not among the {len(classes)} of {listed}"
                )
                continue
            actions = names.actions_of_label(classes[int(cells[0])], where, problems)
            with_id = len(cells) == CELLS[-1] or (len(cells) == CELLS[1] and has_ids)
            person = names.person(cells[-1], where, problems) if with_id else 0
            yield Sighting(*moment, where, corners, NORMALISED, actions, person)


def _is_id(text: str) -> bool:
    return text.isdigit() and int(text) > 0


def _corners(cells: Sequence[str], where: str, problems: Problems) -> Corners | None:
    if len(cells) not in CELLS:
        problems.append(
            f"{where}: expected class, cx, cy, width, height and perhaps an id, found "
            f"{len(cells)} cells"
        )
        return None
    try:
        cx, cy, width, height = map(float, cells[1:5])
    except ValueError:
        problems.append(f"{where}: expected four numbers, found {' '.join(cells[1:5])!r}")
        return None
    # In this form nothing can lie outside but by rounding.
    if not (0 < width <= 1.001 and 0 < height <= 1.001 and -0.001 <= cx <= 1.001):
        problems.append(
            f"{where}: expected parts of the image, 0 to 1, found {' '.join(cells[1:5])!r}"
        )
        return None
    return cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2


def read_class_names(path: Path) -> list[str]:
    """The classes of a YOLO folder in the order of their numbers."""
    text = "".join(text_lines(path))
    if path.suffix not in (".yaml", ".yml"):
        return [line.strip() for line in lines_of(text) if line.strip()]
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{path}: this is not YAML ({error})") from None
    listed = content.get("names") if isinstance(content, dict) else None
    if isinstance(listed, list):
        return list(map(str, listed))
    if isinstance(listed, dict) and set(listed) == set(range(len(listed))):
        return [str(listed[number]) for number in range(len(listed))]
    raise UserError(f"{path}: expected `names`, a list of classes or numbers from 0 with names")
