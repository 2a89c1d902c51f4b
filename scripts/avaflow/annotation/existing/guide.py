"""The forms of finetuning guides: boxes and actions by image, as JSON and as csv.

JSON: `{"class-a/902.jpg": [{"bbox": [x, y, w, h], "action": "walk"}, ...], ...}`; csv: a row per
box and action, `file,x,y,w,h,action`. Boxes are in pixels of the keyframe that avaflow made, or
of an image of the `size` that is given with them. Boxes with the same corners on one image are
one person with several actions.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from avaflow.annotation.existing.boxes import OF_KEYFRAME, Problems, Sighting
from avaflow.annotation.existing.names import Names
from avaflow.annotation.existing.text import corners_of_sides, is_number, text_lines
from avaflow.errors import UserError
from avaflow.times import Second

CSV_COLUMNS = ("file", "x", "y", "w", "h", "action")
OPTIONAL_CSV_COLUMNS = ("person_id", "width", "height")
BOX_KEYS = {"bbox", "action", "person_id", "size"}


def read_json(
    path: Path, content: Mapping[str, Any], names: Names, problems: Problems
) -> Iterator[Sighting]:
    """The sightings of a guide's JSON."""
    if not all(isinstance(value, list) for value in content.values()):
        raise UserError(
            f'{path}: expected {{"CLIP/902.jpg": [{{"bbox": [x, y, w, h], "action": "walk"}}, '
            "...], ...}, found another shape"
        )
    for file, boxes in content.items():
        where = f"{path}: {file!r}"
        moment = names.moment(file, str(path), problems)
        if moment is None or not names.check_second(*moment, where, problems):
            continue
        yield Sighting(*moment, where)
        for number, entry in enumerate(boxes, start=1):
            found = _box(f"{where}, box {number}", entry, names, problems)
            if found:
                yield found._replace(clip=moment.clip, second=moment.second)


def _box(where: str, entry: Any, names: Names, problems: Problems) -> Sighting | None:
    before = problems.number
    if not isinstance(entry, Mapping) or not {"bbox", "action"} <= set(entry):
        problems.append(f'{where}: expected {{"bbox": [x, y, w, h], "action": ...}}')
        return None
    unknown = sorted(set(entry) - BOX_KEYS)
    if unknown:
        problems.append(f"{where}: unknown: {', '.join(unknown)}")
    corners = corners_of_sides(entry["bbox"], where, problems)
    named = entry["action"] if isinstance(entry["action"], list) else [entry["action"]]
    if not named:
        problems.append(f"{where}: no action: take the box out, or name its action")
    actions = {
        action for name in named for action in names.action_of_name(str(name), where, problems)
    }
    person = names.person(entry.get("person_id"), where, problems)
    size = _size(entry.get("size"), where, problems)
    if problems.number > before or corners is None:
        return None
    return Sighting("", Second(0), where, corners, size, tuple(sorted(actions)), person)


def _size(value: Any, where: str, problems: Problems) -> tuple[float, float]:
    if value is None:
        return OF_KEYFRAME
    if isinstance(value, Sequence) and len(value) == 2 and all(map(is_number, value)):
        width, height = map(float, value)
        if min(width, height) > 0:
            return width, height
    problems.append(f"{where}: size: expected width and height in pixels, found {value!r}")
    return OF_KEYFRAME


def read_csv(path: Path, names: Names, problems: Problems) -> Iterator[Sighting]:
    """The sightings of a guide's csv."""
    reader = csv.DictReader(text_lines(path))
    header = list(reader.fieldnames or [])
    known = {*CSV_COLUMNS, *OPTIONAL_CSV_COLUMNS}
    if not set(CSV_COLUMNS) <= set(header) <= known or len(set(header)) < len(header):
        raise UserError(
            f"{path}: expected the header {','.join(CSV_COLUMNS)}, each once (and optionally "
            f"{', '.join(OPTIONAL_CSV_COLUMNS)}), found {','.join(header)!r}"
        )
    for row in reader:
        where = f"{path}: line {reader.line_num}"
        if None in row or None in row.values():
            found = len([v for k, v in row.items() if k and v is not None]) + len(row.get(None, ()))
            problems.append(f"{where}: expected {len(header)} cells, found {found}")
            continue
        if not row["file"]:
            problems.append(f"{where}: no image is named in the cell `file`")
            continue
        moment = names.moment(row["file"], where, problems)
        if moment is None or not names.check_second(*moment, where, problems):
            continue
        if not any(value for column, value in row.items() if column != "file"):
            yield Sighting(*moment, where)  # an image that shows nobody
            continue
        entry: dict[str, Any] = {"action": row["action"], "person_id": row.get("person_id")}
        try:
            entry["bbox"] = [float(row[column]) for column in "xywh"]
            if row.get("width") or row.get("height"):
                entry["size"] = [float(row.get("width") or 0), float(row.get("height") or 0)]
        except ValueError as error:
            problems.append(f"{where}: expected numbers in x, y, w, h, width and height ({error})")
            continue
        box = _box(where, entry, names, problems)
        if box:
            yield box._replace(clip=moment.clip, second=moment.second)
