"""VIA 3 projects that hold any clips' keyframes, this project's or another tool's."""

from collections.abc import Iterator
from pathlib import Path

from avaflow.annotation.existing.boxes import OF_KEYFRAME, Problems, Sighting
from avaflow.annotation.existing.names import Names
from avaflow.annotation.via import Project


def read_via3(path: Path, project: Project, names: Names, problems: Problems) -> Iterator[Sighting]:
    """The sightings of a VIA 3 project."""
    for problem in project.problems:
        problems.append(f"{path}: {problem}")
    moments = {}
    for image in project.images:
        where = f"{path}: {image!r}"
        moment = names.moment(image, str(path), problems)
        if moment and names.check_second(*moment, where, problems):
            moments[image] = moment
            yield Sighting(*moment, where)
    for box in project.boxes:
        where = f"{path}: {box.image!r}, box {box.key!r}"
        if box.image not in moments:
            continue
        x, y, width, height = box.box_px
        corners = (min(x, x + width), min(y, y + height), max(x, x + width), max(y, y + height))
        if corners[0] == corners[2] or corners[1] == corners[3]:
            if box.ticks:
                problems.append(f"{where}: ticked, but it has no area: draw it, or delete it")
            continue
        actions = {
            action
            for attribute, option in box.ticks
            for action in (
                names.actions_of_attributes({attribute: option}, where, problems, set())
                if attribute in names.of_attribute
                else names.action_of_name(option, where, problems)
            )
        }
        recorded = box.origin.image_size if box.origin else None
        size = recorded or project.image_size or OF_KEYFRAME
        person = names.person(box.person, where, problems)
        yield Sighting(
            *moments[box.image],
            where,
            corners,
            (float(size[0]), float(size[1])),
            tuple(sorted(actions)),
            person,
        )
