"""The ranked table of checks, and by which number a person is called in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from avaflow.baseline.examples import NOWHERE, Judged, Persons
from avaflow.label_checks.check import WHOLE_CLIPS, Check
from avaflow.label_checks.kept import key_of
from avaflow.tables import BOX, Label, columns_of, rows_of


class CheckRow(NamedTuple):
    """A check as a row of `checks.csv`, the likeliest fault first.

    `second` to `last_second` is what it is about. `person_id` and `other_person_id` are those of
    labels, where there are such, else of tracks; 0 for none. `key` names it in the file of those
    that were kept.
    """

    rank: int
    kind: str
    clip: str
    second: int
    last_second: int
    person_id: int
    other_person_id: int
    action: str
    labelled: str
    predicted: str
    score: float
    reason: str
    key: str


CHECKS = columns_of(CheckRow)

People = Mapping[tuple[str, int], int]
"""The number of the person of each clip's tracks."""


def people(persons: Persons, judged: Mapping[str, Judged]) -> dict[tuple[str, int], int]:
    """The number by which labels call the person of a track; where none does, the track's own."""
    tracks = persons.featured["person_id"].to_numpy(int)
    seen: dict[tuple[str, int], Counter[int]] = defaultdict(Counter)
    own = zip(
        persons.judged["clip"].tolist(),
        persons.judged["feature"].tolist(),
        _labelled(persons, judged),
        strict=True,
    )
    for clip, feature, number in own:
        if feature != NOWHERE:
            seen[clip, int(tracks[feature])][number] += number > 0
    return {
        key: max(counts, key=lambda one: (counts[one], -one)) or key[1]
        for key, counts in seen.items()
    }


def people_of_rows(persons: Persons, judged: Mapping[str, Judged], numbers: People) -> np.ndarray:
    """The number of each row of `persons.judged`: that of its label, else its track's person."""
    tracks = persons.featured["person_id"].to_numpy(int)
    own = zip(
        persons.judged["clip"].tolist(),
        persons.judged["feature"].tolist(),
        _labelled(persons, judged),
        strict=True,
    )
    return np.array(
        [
            number or (0 if feature == NOWHERE else numbers[clip, int(tracks[feature])])
            for clip, feature, number in own
        ],
        int,
    )


def _labelled(persons: Persons, judged: Mapping[str, Judged]) -> list[int]:
    """The number in the label of each row of `persons.judged`; 0 for who does nothing."""
    numbers = {
        (clip, row.second, (row.x1, row.y1, row.x2, row.y2)): row.person_id
        for clip, said in judged.items()
        for row in rows_of(said.labels, Label)
    }
    table = persons.judged[["clip", "second", *BOX]]
    return [
        numbers.get((clip, second, tuple(box)), 0)
        for clip, second, *box in table.itertuples(index=False, name=None)
    ]


def left_to_check(
    checks: Sequence[Check], numbers: People, kept: Container[str]
) -> tuple[list[Check], list[CheckRow]]:
    """The checks that nobody kept, and their rows, in the order that they have."""
    rows = [(check, _row(check, numbers)) for check in checks]
    left = [(check, row) for check, row in rows if row.key not in kept]
    ranked = [row._replace(rank=rank) for rank, (_, row) in enumerate(left, start=1)]
    return [check for check, _ in left], ranked


def _row(check: Check, numbers: People) -> CheckRow:
    own = [numbers.get((check.clip, track), track) for track in check.tracks]
    whole = check.kind in WHOLE_CLIPS
    one, other = [*([0, 0] if whole else own), 0, 0][:2]
    about = (check.kind, check.clip, check.first, check.last, one, other)
    return CheckRow(
        0,
        check.kind,
        check.clip,
        check.first,
        check.last,
        one,
        other,
        check.action,
        check.labelled,
        check.predicted,
        check.score,
        check.reason,
        # What is predicted changes with every label anywhere; what is labelled here does not.
        key_of(*about, check.attribute, check.action, check.labelled),
    )
