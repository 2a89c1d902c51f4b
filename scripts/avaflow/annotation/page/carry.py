"""What was said of tracks, carried over to the tracks that there are now.

After a new run of the tracker a number stands for somebody else. The file remembers the boxes
that the annotator saw, its anchors: by their overlap a stretch finds its person again. What finds
nobody stays, as boxes on keyframes, so that no work is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from avaflow.annotation.identities import JOIN_IOU
from avaflow.annotation.page.model import (
    Anchor,
    AnnotatedPerson,
    Annotation,
    MendedBox,
    Stretch,
    Times,
)
from avaflow.annotation.page.places import Track, is_as_then, tracks_by_id
from avaflow.boxes import iou_matrix
from avaflow.listing import sentence
from avaflow.tables import BOX, Keyframe, Note
from avaflow.times import Frame, Second

UNSEEN_SECONDS = 0.5
"""So far around a keyframe nothing counts as judged if its box was not there to be judged."""


class Carried(NamedTuple):
    """An annotation in terms of the tracks that there are now, and what is told of it."""

    annotation: Annotation
    warnings: list[str]
    notes: list[Note]


class _Claim(NamedTuple):
    """A stretch, whose it is, the track that shows most of its anchors, and on how many."""

    person: int
    stretch: Stretch
    track: int
    matches: int


def carried_over(
    annotation: Annotation, keyframes: Sequence[Keyframe], tracks: pd.DataFrame
) -> Carried:
    """An annotation whose stretches are of the present tracks.

    A stretch goes over to the track that overlaps most of its anchors by at least
    :data:`~avaflow.annotation.identities.JOIN_IOU`; where two want the same frames of a track,
    to the one with more of them. Its other anchors, and those of stretches without such a track,
    become boxes on their keyframes.
    """
    by_id = tracks_by_id(tracks)
    kept: dict[int, list[Stretch]] = {person.id: [] for person in annotation.persons}
    moved: list[tuple[AnnotatedPerson, Stretch]] = []
    for person in annotation.persons:
        for stretch in person.tracks:
            if is_as_then(stretch, person, by_id.get(stretch.track), keyframes):
                kept[person.id].append(stretch)
            else:
                moved.append((person, stretch))
    if not moved:
        return Carried(annotation, [], [])
    taken = {
        (stretch.track, stretch.first, stretch.last) for each in kept.values() for stretch in each
    }
    going: dict[tuple[int, Stretch], int] = {}
    for claim in _claims(moved, tracks):
        held = [(first, last) for track, first, last in taken if track == claim.track]
        if all(claim.stretch.last < first or last < claim.stretch.first for first, last in held):
            taken.add((claim.track, claim.stretch.first, claim.stretch.last))
            going[claim.person, claim.stretch] = claim.track
    second_of = {keyframe.frame: keyframe.second for keyframe in keyframes}
    persons = []
    for person in annotation.persons:
        own = [stretch for each, stretch in moved if each.id == person.id]
        persons.append(_moved(person, kept[person.id], own, going, by_id, second_of))
    lost = [(each, stretch) for each, stretch in moved if (each.id, stretch) not in going]
    total = sum(len(person.tracks) for person in annotation.persons)
    warning = (
        f"the tracks have changed since it was saved ({len(moved)} of its {total} stretches): "
        f"labels keep the boxes that the annotator saw; {len(going)} went over to present tracks "
        "by overlap"
    )
    # Numbers of tracks that changed stand for others: what was asked of them is open again.
    same = {stretch.track for each in kept.values() for stretch in each}
    same -= {stretch.track for _, stretch in moved}
    answered = tuple(each for each in annotation.answered if same.issuperset(each.tracks))
    rejected = tuple(each for each in annotation.rejected if each.track in same)
    carried = replace(annotation, persons=tuple(persons), answered=answered, rejected=rejected)
    return Carried(carried, [warning], list(_notes(lost, second_of)))


def _claims(moved: Sequence[tuple[AnnotatedPerson, Stretch]], tracks: pd.DataFrame) -> list[_Claim]:
    """The track that each stretch would go over to, those with most matches first."""
    wanted = {anchor.frame for _, stretch in moved for anchor in stretch.anchors}
    near = tracks[tracks["frame"].isin(wanted)]
    there = {}
    for frame in sorted(set(near["frame"].tolist())):
        rows = near[near["frame"] == frame]
        there[frame] = (rows["person_id"].to_numpy(int), rows[BOX].to_numpy(float))
    claims = []
    for person, stretch in moved:
        votes: Counter[int] = Counter()
        for anchor in stretch.anchors:
            if anchor.frame not in there:
                continue
            ids, boxes = there[anchor.frame]
            overlap = iou_matrix(np.array(anchor.box), boxes)[0]
            votes.update(ids[overlap >= JOIN_IOU].tolist())
        best = min(votes, key=lambda track: (-votes[track], track), default=0)
        if best and 2 * votes[best] > len(stretch.anchors):
            claims.append(_Claim(person.id, stretch, best, votes[best]))
    return sorted(claims, key=lambda claim: (-claim.matches, claim.person, claim.stretch))


def _moved(
    person: AnnotatedPerson,
    kept: Sequence[Stretch],
    own: Sequence[Stretch],
    going: Mapping[tuple[int, Stretch], int],
    tracks: Mapping[int, Track],
    second_of: Mapping[Frame, Second],
) -> AnnotatedPerson:
    """A person whose changed stretches are of other tracks now, or boxes on keyframes."""
    if not own:
        return person
    stretches = list(kept)
    silent = {*person.removed, *(box.second for box in person.boxes)}
    boxes = list(person.boxes)
    unseen: set[Second] = set()
    for stretch in own:
        number = going.get((person.id, stretch))
        track = tracks[number] if number is not None else None
        anchors = []
        for anchor in stretch.anchors:
            now = track.at(anchor.frame) if track else None
            if now and iou_matrix(np.array(anchor.box), np.array(now))[0, 0] >= JOIN_IOU:
                anchors.append(Anchor(anchor.frame, now))
            elif anchor.frame in second_of and second_of[anchor.frame] not in silent:
                boxes.append(MendedBox(second_of[anchor.frame], anchor.box))
                silent.add(second_of[anchor.frame])
        if track and number is not None:
            stretches.append(Stretch(number, stretch.first, stretch.last, tuple(anchors)))
            known = {anchor.frame for anchor in stretch.anchors}
            shown = set(track.within(stretch.first, stretch.last).tolist())
            unseen |= {second_of[f] for f in second_of if f in shown and f not in known} - silent
    judged = person.judged
    for second in sorted(unseen):
        judged = _without(judged, second - UNSEEN_SECONDS, second + UNSEEN_SECONDS)
    return replace(person, tracks=tuple(stretches), boxes=tuple(sorted(boxes)), judged=judged)


def _without(stretches: Sequence[Times], start: float, end: float) -> tuple[Times, ...]:
    """Stretches of time with another taken out of them."""
    parts = []
    for one in stretches:
        parts += [Times(one.start, min(one.end, start)), Times(max(one.start, end), one.end)]
    return tuple(part for part in parts if part.start < part.end)


def _notes(
    lost: Sequence[tuple[AnnotatedPerson, Stretch]], second_of: Mapping[Frame, Second]
) -> Iterator[Note]:
    for person, stretch in lost:
        seconds = [second_of[a.frame] for a in stretch.anchors if a.frame in second_of]
        text = (
            f"person {person.id}, second {sentence(seconds)}: "
            f"track {stretch.track} of then is no track of now. Labels and page keep its boxes"
        )
        if seconds:
            yield Note(Second(0), "", str(person.id), text)
