"""COCO: `images`, `annotations` and `categories` in one JSON.

An annotation says what its person does by `action_ids` (as this project's own exports have
it), by a category per action, or by `attributes`, as annotation tools write them; and who it is by
`person_id` or `track_id`, its own or among the attributes.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from avaflow.annotation.existing.boxes import OF_KEYFRAME, Problems, Sighting
from avaflow.annotation.existing.names import Names, person_of
from avaflow.annotation.existing.text import corners_of_sides, size_of
from avaflow.errors import UserError
from avaflow.times import Moment


class Annotation(NamedTuple):
    """What is used of an entry of `annotations`: a fifth of the memory of the entry itself."""

    image_id: Any
    bbox: Any
    category_id: Any
    action_ids: Any
    values: Mapping[str, Any] | None
    iscrowd: Any


def slim(entry: Mapping[str, Any]) -> Annotation | None:
    """What is used of a JSON object, if it is an annotation."""
    if "image_id" not in entry or "bbox" not in entry:
        return None
    attributes = entry.get("attributes")
    values = dict(attributes) if isinstance(attributes, dict) else {}
    person = person_of(entry)
    if person is not None:
        values["person_id"] = person
    actions = entry.get("action_ids", entry.get("action_id"))
    return Annotation(
        entry["image_id"],
        entry["bbox"],
        entry.get("category_id"),
        actions,
        values or None,
        entry.get("iscrowd"),
    )


def read_coco(
    path: Path, content: Mapping[str, Any], names: Names, problems: Problems, unused: set[str]
) -> Iterator[Sighting]:
    """The sightings of a COCO file, loaded with :func:`slim` for its annotations."""
    categories = _categories(path, content)
    images: dict[Any, tuple[Moment, tuple[float, float]]] = {}
    seen: dict[Any, str] = {}
    for number, image in enumerate(_entries(path, content, "images"), start=1):
        where = f"{path}: image {number}"
        if not isinstance(image, dict) or not isinstance(image.get("file_name"), str):
            problems.append(f"{where}: expected a `file_name`")
            continue
        key = id_of(image.get("id"))
        if key in seen:
            problems.append(f"{where}: the id {key!r} is also that of {seen[key]!r}")
        seen[key] = image["file_name"]
        moment = names.moment(image["file_name"], where, problems)
        if moment is None or not names.check_second(*moment, where, problems):
            continue
        images[key] = moment, size_of(image.get("width"), image.get("height")) or OF_KEYFRAME
        yield Sighting(*moment, where)
    annotations = _entries(path, content, "annotations")
    for number in range(1, len(annotations) + 1):
        where = f"{path}: annotation {number}"
        # Given up one by one: what is made of a million takes as much memory again.
        entry, annotations[number - 1] = annotations[number - 1], None
        if not isinstance(entry, Annotation):
            problems.append(f"{where}: expected `image_id` and `bbox`")
            continue
        image_id = id_of(entry.image_id)
        if image_id not in images:
            if image_id not in seen:
                problems.append(f"{where}: no image has the id {entry.image_id!r}")
            continue
        if entry.iscrowd:
            problems.append(f"{where}: a crowd (iscrowd) is no person: take it out")
            continue
        corners = corners_of_sides(entry.bbox, where, problems)
        if corners is None:
            continue
        values = entry.values or {}
        actions = _actions(entry, categories, where, names, problems)
        actions += names.actions_of_attributes(values, where, problems, unused)
        person = names.person(person_of(values), where, problems)
        moment, size = images[image_id]
        yield Sighting(*moment, where, corners, size, tuple(sorted(set(actions))), person)


def _actions(
    entry: Annotation, categories: Mapping[Any, str], where: str, names: Names, problems: Problems
) -> tuple[int, ...]:
    if entry.action_ids is not None:
        listed = entry.action_ids if isinstance(entry.action_ids, list) else [entry.action_ids]
        if not all(isinstance(each, int) and not isinstance(each, bool) for each in listed):
            problems.append(f"{where}: action_ids: expected whole numbers, found {listed!r}")
            return ()
        return tuple(a for each in listed for a in names.action_of_id(each, where, problems))
    category = categories.get(id_of(entry.category_id))
    if category is None:
        problems.append(f"{where}: no category has the id {entry.category_id!r}")
        return ()
    return names.actions_of_label(category, where, problems)


def _categories(path: Path, content: Mapping[str, Any]) -> dict[Any, str]:
    listed = _entries(path, content, "categories")
    entries = (each for each in listed if isinstance(each, dict))
    return {id_of(each.get("id")): str(each.get("name")) for each in entries}


def id_of(value: Any) -> int | str:
    """An id of a JSON file: a number or a text; whatever else stands for itself as a text."""
    return value if isinstance(value, int | str) else repr(value)


def _entries(path: Path, content: Mapping[str, Any], name: str) -> list:
    listed = content.get(name)
    if not isinstance(listed, list):
        raise UserError(f"{path}: expected COCO's list {name!r}, found {type(listed).__name__}")
    return listed
