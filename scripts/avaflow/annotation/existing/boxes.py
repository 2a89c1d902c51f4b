"""One form for the boxes of all kinds of files, and what has to hold among them.

A reader hands over sightings, one per box and line; here those of one person on one image become
one box with all its actions, and contradictions are told.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from avaflow.boxes import Corners
from avaflow.errors import UserError
from avaflow.listing import MOST_SHOWN
from avaflow.project.actions import Attribute
from avaflow.times import Moment, Second

NORMALISED = (1.0, 1.0)
"""The size of the image that a box in parts of the image was drawn on."""

OF_KEYFRAME = (0.0, 0.0)
"""The size of the image that a box was drawn on, where nothing tells it: the keyframe's own."""

MAX_PERSON_ID = 999_999_999
"""The largest person id: readers hold them in 32 bits, and VIA's text field nine digits."""

MAX_PROBLEMS = 1000
"""Problems of a file that are kept: a file of another kind has one in each of its rows."""


class Sighting(NamedTuple):
    """One box on one image, as one place of a file tells it; without a box, an image alone.

    `corners` are x1, y1, x2, y2 on an image of `size`, width and height: pixels, or parts of the
    image where that is :data:`NORMALISED`. `actions` are ids of the config, `person` is 0 where
    the file does not say who it is. `where` is the place, for messages.
    """

    clip: str
    second: Second
    where: str
    corners: Corners | None = None
    size: tuple[float, float] = OF_KEYFRAME
    actions: tuple[int, ...] = ()
    person: int = 0


class FoundBox(NamedTuple):
    """One person on one image with all actions; as :class:`Sighting` has them."""

    second: Second
    where: str
    corners: Corners
    size: tuple[float, float]
    actions: tuple[int, ...]
    person: int


class Problems:
    """Problems of a file: the first :data:`MAX_PROBLEMS`, and how many there are."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.number = 0

    def append(self, problem: str) -> None:
        """Keep a problem, if not too many are kept already."""
        self.number += 1
        if len(self.kept) < MAX_PROBLEMS:
            self.kept.append(problem)

    def raise_if_any(self, path: object) -> None:
        """UserError that lists the problems of a file."""
        if not self.kept:
            return
        more = self.number - len(self.kept)
        # The heading names the file.
        kept = [problem.removeprefix(f"{path}: ") for problem in self.kept]
        last = [f"and {more} more of this kind or another"] if more else []
        raise UserError.listing(
            f"{path}: these annotations cannot be used:", [*kept, *last], MOST_SHOWN
        )


@dataclass
class Found:
    """What files hold: boxes by clip, images that are named by clip and second, and remarks.

    `images` gives for each second of a clip the file that names it. `remarks` are sentences by
    clip about what was taken once or not used.
    """

    boxes: dict[str, list[FoundBox]] = field(default_factory=lambda: defaultdict(list))
    images: dict[str, dict[Second, str]] = field(default_factory=lambda: defaultdict(dict))
    remarks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def clips(self) -> list[str]:
        """The clips that are named, sorted."""
        return sorted(self.images)

    def add(
        self,
        path: object,
        sightings: Iterable[Sighting],
        problems: Problems,
        attributes: Sequence[Attribute],
    ) -> None:
        """Take over what a file holds; problems of its own are added to `problems`."""
        of_image: dict[Moment, list[Sighting]] = defaultdict(list)
        for sighting in sightings:
            of_image[Moment(sighting.clip, sighting.second)].append(sighting)
        single = [
            (attribute.name, {action.id: action.name for action in attribute.actions})
            for attribute in attributes
            if not attribute.multiple
        ]
        for moment, own in of_image.items():
            other = self.images[moment.clip].get(moment.second)
            if other:
                problems.append(
                    f"{own[0].where}: second {moment.second} of clip {moment.clip} is also in "
                    f"{other}: keep it in one of them"
                )
                continue
            self.images[moment.clip][moment.second] = str(path)
            boxes, repeated = _persons(own, problems)
            if repeated:
                self.remarks[moment.clip].append(
                    f"second {moment.second}: {repeated} of its rows are there twice: taken once"
                )
            for box in boxes:
                _check_single(box, single, problems)
            self.boxes[moment.clip] += boxes


def _persons(sightings: Sequence[Sighting], problems: Problems) -> tuple[list[FoundBox], int]:
    """The boxes of one image, one per person; and how many rows say what another has said."""
    merged: dict[tuple, Sighting] = {}
    of_person: dict[int, Sighting] = {}
    repeated = 0
    for sighting in sightings:
        if sighting.corners is None:
            continue
        key = (sighting.corners, sighting.size)
        known = merged.get(key)
        same = of_person.setdefault(sighting.person, sighting) if sighting.person else sighting
        if (same.corners, same.size) != key:
            problems.append(
                f"{sighting.where}: person {sighting.person} has another box on this image, at "
                f"{same.where}: a person has one box an image"
            )
            continue
        if known is None:
            merged[key] = sighting
            continue
        if known.person and sighting.person and known.person != sighting.person:
            problems.append(
                f"{sighting.where}: person {sighting.person} has the box of person {known.person} "
                f"({known.where}): one person has one box, with all its actions"
            )
            continue
        if set(sighting.actions) <= set(known.actions):
            repeated += 1
        merged[key] = known._replace(
            actions=tuple(sorted({*known.actions, *sighting.actions})),
            person=known.person or sighting.person,
        )
    boxes = [
        FoundBox(s.second, s.where, corners, size, s.actions, s.person)
        for (corners, size), s in merged.items()
    ]
    return boxes, repeated


def _check_single(
    box: FoundBox, single: Iterable[tuple[str, Mapping[int, str]]], problems: Problems
) -> None:
    """A problem where an attribute that takes one action has several."""
    if len(box.actions) < 2:
        return
    for name, actions in single:
        chosen = [actions[action] for action in box.actions if action in actions]
        if len(chosen) > 1:
            problems.append(
                f"{box.where}: {' and '.join(chosen)}, but {name!r} takes one: leave one, or set "
                "`choose: multiple` in the config"
            )
