"""Datumaro's own format: `items`, each with its image and annotations, and `categories`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from avaflow.annotation.existing.boxes import OF_KEYFRAME, Problems, Sighting
from avaflow.annotation.existing.names import Names, person_of
from avaflow.annotation.existing.text import corners_of_sides, size_of
from avaflow.errors import UserError
from avaflow.times import Second


def read_datumaro(
    path: Path, content: Mapping[str, Any], names: Names, problems: Problems, unused: set[str]
) -> Iterator[Sighting]:
    """The sightings of a Datumaro annotation file; annotations that are no boxes are refused."""
    try:
        labels = [str(each["name"]) for each in content["categories"]["label"]["labels"]]
    except (KeyError, TypeError):
        raise UserError(
            f"{path}: expected Datumaro's categories.label.labels, with a name each"
        ) from None
    if not isinstance(content["items"], list):
        raise UserError(f"{path}: expected Datumaro's list `items`")
    for number, item in enumerate(content["items"], start=1):
        where = f"{path}: item {number}"
        if not isinstance(item, dict) or not isinstance(item.get("annotations"), list):
            problems.append(f"{where}: expected an `id` and `annotations`")
            continue
        image = item.get("image")
        image = image if isinstance(image, dict) else {}
        moment = names.moment(str(item.get("id") or image.get("path")), where, problems)
        if moment is None or not names.check_second(*moment, where, problems):
            continue
        yield Sighting(*moment, where)
        sides = image.get("size")
        sides = sides if isinstance(sides, list) and len(sides) == 2 else (None, None)
        size = size_of(sides[1], sides[0]) or OF_KEYFRAME  # Datumaro writes height, width
        for place, entry in enumerate(item["annotations"], start=1):
            found = _box(f"{where}, annotation {place}", entry, labels, names, problems, unused)
            if found:
                yield found._replace(clip=moment.clip, second=moment.second, size=size)


def _box(
    where: str, entry: Any, labels: list[str], names: Names, problems: Problems, unused: set[str]
) -> Sighting | None:
    if not isinstance(entry, dict) or entry.get("type") != "bbox":
        kind = entry.get("type") if isinstance(entry, dict) else entry
        problems.append(f"{where}: expected a bbox, found {kind!r}: take it out")
        return None
    corners = corners_of_sides(entry.get("bbox"), where, problems)
    label = entry.get("label_id")
    actions: tuple[int, ...] = ()
    if isinstance(label, int) and 0 <= label < len(labels):
        actions = names.actions_of_label(labels[label], where, problems)
    elif label is not None:
        problems.append(f"{where}: no label has the number {label!r}")
    values = entry.get("attributes")
    values = values if isinstance(values, dict) else {}
    actions += names.actions_of_attributes(values, where, problems, unused)
    person = names.person(person_of(values), where, problems)
    if corners is None:
        return None
    return Sighting("", Second(0), where, corners, OF_KEYFRAME, tuple(sorted(set(actions))), person)
