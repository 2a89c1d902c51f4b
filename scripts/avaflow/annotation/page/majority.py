"""What most annotators of a clip agree on.

Persons of several annotators are one where their boxes on a keyframe overlap. A tick counts if
more than half of all annotators gave it; a person counts as judged if more than half judged that
person. With two annotators both have to agree.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from avaflow.annotation.identities import JOIN_IOU, assign
from avaflow.annotation.labels import Reading
from avaflow.boxes import Corners, iou_matrix
from avaflow.tables import Label, Note, Unticked, rows_of, table_of
from avaflow.times import Second


class _Opinion(NamedTuple):
    """A person on a keyframe as one annotator has it; person 0 and no actions if not judged."""

    annotator: int
    person: int
    box: Corners
    judged: bool
    action_ids: frozenset[int]


@dataclass
class _Shown:
    """One person on one keyframe, by all annotators who have a box there."""

    opinions: list[_Opinion] = field(default_factory=list)

    @property
    def judged(self) -> list[_Opinion]:
        """Those who say what the person does."""
        return [opinion for opinion in self.opinions if opinion.judged]

    @property
    def votes(self) -> Counter[int]:
        """How many gave each tick."""
        return Counter(action for one in self.opinions for action in one.action_ids)


def majority(readings: Mapping[str, Reading]) -> Reading:
    """One reading of those of several annotators, given by their names.

    A box is that of the first annotator, by name, who judged the person; ids are the first one's,
    and go over to others by the keyframes on which both have the person. Who is judged by most,
    with ticks of which none has a majority, is left open, as if nobody had judged: so is who is
    seen by most and judged by few.
    """
    names = sorted(readings)
    if len(names) == 1:
        return readings[names[0]]
    most = len(names) / 2
    shown = _persons_shown([readings[name] for name in names])
    ids = _identities(shown, len(names))
    labels, judged, unticked, notes = [], [], [], []
    for second, persons in sorted(shown.items()):
        taken: set[int] = set()
        for person in persons:
            votes = person.votes
            agreed = sorted(action for action, count in votes.items() if count > most)
            first = (person.judged or person.opinions)[0]
            number = _number(person, ids, taken) if person.judged else 0
            for action in sorted(set(votes) - set(agreed)):
                text = f"{votes[action]} of {len(names)} annotators tick action {action}"
                notes.append(Note(second, "", str(number), f"{text}: too few to count"))
            if len(person.judged) > most and (agreed or not votes):
                judged.append(Label(second, number, *first.box, 0))
                labels += [Label(second, number, *first.box, action) for action in agreed]
            elif len(person.opinions) > most:
                unticked.append(Unticked(second, *first.box))
    ticked = {row.second for row in labels}
    for name in names:
        own = rows_of(readings[name].notes, Note)
        notes += [note._replace(note=f"{name}: {note.note}") for note in own]
    return Reading(
        labels=table_of(sorted(labels), Label),
        notes=table_of(sorted(notes), Note),
        unticked=table_of(sorted(unticked), Unticked),
        nobody=sorted({row.second for row in judged} - ticked),
        warnings=[warning for name in names for warning in readings[name].warnings],
        judged=table_of(sorted(judged), Label),
    )


def _opinions(reading: Reading, annotator: int) -> dict[Second, list[_Opinion]]:
    ticks: dict[tuple[Second, int], set[int]] = defaultdict(set)
    for row in rows_of(reading.labels, Label):
        ticks[row.second, row.person_id].add(row.action_id)
    found: dict[Second, list[_Opinion]] = defaultdict(list)
    for row in rows_of(reading.judged, Label):
        box = (row.x1, row.y1, row.x2, row.y2)
        ids = frozenset(ticks[row.second, row.person_id])
        found[row.second].append(_Opinion(annotator, row.person_id, box, True, ids))
    for kept in rows_of(reading.unticked, Unticked):
        box = (kept.x1, kept.y1, kept.x2, kept.y2)
        found[kept.second].append(_Opinion(annotator, 0, box, False, frozenset()))
    return found


def _persons_shown(readings: Sequence[Reading]) -> dict[Second, list[_Shown]]:
    """On each keyframe the persons, those of several annotators joined by overlap."""
    shown: dict[Second, list[_Shown]] = defaultdict(list)
    for annotator, reading in enumerate(readings):
        for second, opinions in _opinions(reading, annotator).items():
            there = shown[second]
            rest = set(range(len(opinions)))
            if there:
                own = np.array([opinion.box for opinion in opinions])
                overlap = iou_matrix(own, np.array([one.opinions[0].box for one in there]))
                for row, column in assign(-overlap, overlap >= JOIN_IOU):
                    there[column].opinions.append(opinions[row])
                    rest.discard(row)
            there += [_Shown([opinions[row]]) for row in sorted(rest)]
    return shown


def _identities(
    shown: Mapping[Second, Sequence[_Shown]], annotators: int
) -> dict[tuple[int, int], int]:
    """The one number of each annotator's persons.

    Each annotator's person takes the number of whom they are seen with on most keyframes, no two
    of them the same; who is seen with nobody keeps their own number, or gets the next free one.
    """
    ids: dict[tuple[int, int], int] = {}
    everybody = [person for persons in shown.values() for person in persons]
    known = {o.person for person in everybody for o in person.opinions}
    free = max(known, default=0) + 1
    for annotator in range(annotators):
        together: Counter[tuple[int, int]] = Counter()
        own = set()
        for person in everybody:
            for opinion in person.judged:
                if opinion.annotator != annotator:
                    continue
                own.add(opinion.person)
                before = {ids.get((o.annotator, o.person), 0) for o in person.opinions}
                together.update((opinion.person, number) for number in before if number)
        used: set[int] = set()
        for (number, other), _ in sorted(together.items(), key=lambda each: (-each[1], each[0])):
            if (annotator, number) not in ids and other not in used:
                ids[annotator, number] = other
                used.add(other)
        others = set(ids.values())
        for number in sorted(own):
            if (annotator, number) in ids:
                continue
            if number in others:
                ids[annotator, number], free = free, free + 1
            else:
                ids[annotator, number] = number
            others.add(ids[annotator, number])
    return ids


def _number(person: _Shown, ids: Mapping[tuple[int, int], int], taken: set[int]) -> int:
    """The number of a person on a keyframe, which nobody else has there."""
    numbers = [ids[opinion.annotator, opinion.person] for opinion in person.judged]
    number = next((each for each in numbers if each not in taken), 0)
    if not number:
        number = max([*ids.values(), *taken]) + 1
    taken.add(number)
    return number
