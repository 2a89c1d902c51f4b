"""Who is who among the boxes of a finished project: track numbers, joined by overlap, or new."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from avaflow.annotation.via import Box
from avaflow.boxes import Corners, iou_matrix
from avaflow.tables import BOX, Keyframe, Tracked, rows_of, table_of
from avaflow.times import Frame, Second

JOIN_IOU = 0.5
"""Least overlap at which a drawn box shows the person of a track: the customary IoU at
which a detection counts as found."""


JOIN_SECONDS = 0.5
"""Most seconds between a keyframe and a detection that may speak for it: within half a
second a walking person moves less than half a body height, so boxes still overlap."""


STEP_HEIGHTS = 1.0
"""Most movement of a person from one keyframe to the next, a second later, in body
heights: a brisk walk is 1.7 m/s, about the height of the person."""


HEIGHT_RATIO = 2.0
"""Most change of a box's height from one keyframe to the next: a person who sits down or
bows loses less than half."""


ROUNDING_PX = 0.01
"""Reaching out of the image by less is rounding: boxes are kept to 0.001 px and to six
decimals of the image (under 0.008 px at 8K)."""


SAME_BOX_PX = 1.0
"""A box and its track agree if no side differs by more: another processor computes the
same detector's boxes a little otherwise, which changes nobody's identity."""


PERSON_ID = re.compile(r"^[0-9]{1,9}$")


@dataclass
class Person:
    """A ticked box on one keyframe, normalised; `person_id` is 0 until it is known."""

    source: Box
    second: Second
    box: Corners
    action_ids: tuple[int, ...]
    person_id: int


class Number(NamedTuple):
    """The number that a track carries at a second."""

    second: Second
    person_id: int


def normalise(box_px: Sequence[float], width: float, height: float) -> tuple[Corners, bool]:
    """x1, y1, x2, y2 in 0..1, whichever way it was drawn; and whether it had to be cut."""
    x, y, w, h = box_px
    sides = np.array([min(x, x + w), min(y, y + h), max(x, x + w), max(y, y + h)])
    scaled = sides / (width, height, width, height)
    inside = np.clip(scaled, 0.0, 1.0)
    cut = bool(np.abs((inside - scaled) * (width, height, width, height)).max() > ROUNDING_PX)
    x1, y1, x2, y2 = inside.tolist()
    return (x1, y1, x2, y2), cut


def trusted_tracks(
    boxes: Sequence[Box], keyframe_of: Mapping[str, Keyframe], tracks: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
    """The tracks whose ids mean the same as in the project, and a warning if they changed.

    After a new run of the tracker the ids in the finished file are those of the former
    tracks; then the boxes that the file remembers are the only tracks it can be joined to.
    """
    now = {(row.frame, row.person_id): row for row in rows_of(tracks, Tracked)}
    remembered: list[Tracked] = []
    changed = 0
    for box in boxes:
        if box.origin is None:
            continue
        keyframe = keyframe_of[box.image]
        width, height = box.origin.image_size or (keyframe.width, keyframe.height)
        then, _ = normalise(box.origin.box_px, width, height)
        remembered.append(Tracked(keyframe.frame, box.origin.track, *then, score=1.0))
        row = now.get((keyframe.frame, box.origin.track))
        scale = np.array([width, height, width, height])
        if row is None or (
            np.abs((np.array([row.x1, row.y1, row.x2, row.y2]) - then) * scale).max() > SAME_BOX_PX
        ):
            changed += 1
    if not changed:
        return tracks, []
    return table_of(remembered, Tracked), [
        f"the tracks have changed since this project was made ({changed} of {len(remembered)} "
        "boxes): the person ids of the project are kept, and persons drawn by hand are joined "
        "to the boxes in the project only"
    ]


def identify(
    persons: list[Person],
    boxes: Sequence[Box],
    keyframe_of: Mapping[str, Keyframe],
    trusted: pd.DataFrame,
    tracks: pd.DataFrame,
    fps: int,
) -> None:
    """Give every person without an id one, in place."""
    if all(person.person_id for person in persons):
        return
    on_second: dict[Second, list[Person]] = defaultdict(list)
    for person in persons:
        on_second[person.second].append(person)
    first = next(iter(keyframe_of.values()))
    scale = np.array([first.width, first.height] * 2, np.float64)

    frame_of = {keyframe.second: keyframe.frame for keyframe in keyframe_of.values()}
    meant = _numbers_of_tracks(persons)
    for second, here in on_second.items():
        _join_tracks(here, trusted, frame_of[second], fps, meant)

    shown: dict[Second, set[int]] = defaultdict(set)
    for box in boxes:
        second = keyframe_of[box.image].second
        if box.person and PERSON_ID.match(box.person):
            shown[second].add(int(box.person))
    for person in persons:
        shown[person.second].add(person.person_id)
    seconds = sorted(on_second)
    for step, order in ((1, seconds), (-1, seconds[::-1])):
        for second in order:
            beside = on_second.get(Second(second - step), [])
            _join_neighbours(on_second[second], beside, shown, scale)

    ids = {person.person_id for person in persons}
    ids |= {int(b.person) for b in boxes if PERSON_ID.match(b.person)}
    ids |= {b.origin.track for b in boxes if b.origin}
    ids |= {int(value) for value in tracks["person_id"]}
    next_id = max(ids) + 1
    fresh: set[int] = set()
    for second in seconds:
        former = on_second.get(Second(second - 1), [])
        before = [person for person in former if person.person_id in fresh]
        _join_neighbours(on_second[second], before, shown, scale)
        for person in on_second[second]:
            if not person.person_id:
                person.person_id = next_id
                shown[second].add(next_id)
                fresh.add(next_id)
                next_id += 1


def _numbers_of_tracks(persons: Sequence[Person]) -> dict[int, list[Number]]:
    """For each track, the seconds at which its box was ticked and the number it carries there.

    Where the annotator corrected a track's number, the correction says who it shows.
    """
    numbers: dict[int, list[Number]] = defaultdict(list)
    for person in persons:
        if person.person_id and person.source.origin:
            carried = Number(person.second, person.person_id)
            numbers[person.source.origin.track].append(carried)
    return numbers


def _join_tracks(
    here: Sequence[Person],
    tracks: pd.DataFrame,
    frame: Frame,
    fps: int,
    meant: Mapping[int, list[Number]],
) -> None:
    """Give unnamed persons of one keyframe the ids of the tracks they overlap."""
    unnamed = [person for person in here if not person.person_id]
    if not unnamed:
        return
    second = unnamed[0].second
    taken = {person.person_id for person in here}
    # A track whose box was given to somebody else stands for that person here.
    given = {p.source.origin.track for p in here if p.person_id and p.source.origin}
    boxes = np.array([person.box for person in unnamed])
    overlap_of: dict[int, np.ndarray] = {}
    for track, place in _places_at(tracks, frame, fps).items():
        if track in given:
            continue
        carried = meant.get(track, [Number(second, track)])
        number = min(carried, key=lambda known: abs(known.second - second)).person_id
        person_id = track if number in taken else number
        if person_id not in taken:
            overlap = iou_matrix(boxes, place[None])[:, 0]
            overlap_of[person_id] = np.maximum(overlap_of.get(person_id, 0.0), overlap)
    if not overlap_of:
        return
    ids = sorted(overlap_of)
    overlap = np.stack([overlap_of[person_id] for person_id in ids], axis=1)
    for row, column in assign(-overlap, overlap >= JOIN_IOU):
        unnamed[row].person_id = ids[column]


def _places_at(tracks: pd.DataFrame, frame: Frame, fps: int) -> dict[int, np.ndarray]:
    """Box of each track at a frame: its own, or between the detections around the frame.

    Only detections within :data:`JOIN_SECONDS` count; where they lie on one side of the
    frame, the nearest stands for it.
    """
    reach = JOIN_SECONDS * fps
    near = tracks[(tracks["frame"] - frame).abs() <= reach]
    places = {}
    for person_id in sorted(set(near["person_id"].tolist())):
        rows = near[near["person_id"] == person_id].sort_values("frame")
        known = rows["frame"].to_numpy(float)
        values = rows[BOX].to_numpy(float)
        places[person_id] = np.array(
            [np.interp(frame, known, values[:, column]) for column in range(4)]
        )
    return places


def _join_neighbours(
    here: Sequence[Person],
    there: Sequence[Person],
    shown: Mapping[Second, set[int]],
    scale: np.ndarray,
) -> None:
    """Give unnamed persons the ids of persons who stood close by on the next keyframe.

    An id that has a box of its own on this keyframe, ticked or not, is somebody else.
    """
    unnamed = [person for person in here if not person.person_id]
    if not unnamed:
        return
    second = unnamed[0].second
    named = [p for p in there if p.person_id and p.person_id not in shown[second]]
    if not named:
        return
    left = np.array([person.box for person in unnamed]) * scale
    right = np.array([person.box for person in named]) * scale
    heights = left[:, None, 3] - left[:, None, 1], right[None, :, 3] - right[None, :, 1]
    from_centres, to_centres = (left[:, :2] + left[:, 2:]) / 2, (right[:, :2] + right[:, 2:]) / 2
    distance = np.linalg.norm(from_centres[:, None] - to_centres[None], axis=2)
    steps = distance / np.maximum(*heights)
    ratio = np.maximum(*heights) / np.minimum(*heights)
    for row, column in assign(steps, (steps <= STEP_HEIGHTS) & (ratio <= HEIGHT_RATIO)):
        unnamed[row].person_id = named[column].person_id
        shown[second].add(named[column].person_id)


def assign(cost: np.ndarray, allowed: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of the cheapest assignment (Hungarian method) among the allowed ones.

    As many pairs as possible are made: a forbidden pair costs more than all others together.
    """
    from scipy.optimize import linear_sum_assignment

    forbidden = (np.abs(cost).max() + 1.0) * (min(cost.shape) + 1)
    rows, columns = linear_sum_assignment(np.where(allowed, cost, forbidden))
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if allowed[r, c]]
