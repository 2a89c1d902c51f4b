"""How far several annotators of a clip agree, and what is left to settle between them.

Persons of several annotators are one where their boxes on a keyframe overlap. Cohen's kappa says
for each action how far two agree beyond chance, Krippendorff's alpha how far all do; 1 is full
agreement, 0 what chance gives.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from avaflow.annotation.page.agreement_table import ALL_CLIPS, Measure
from avaflow.boxes import Corners, iou_matrix
from avaflow.project.actions import Action, Attribute
from avaflow.times import Second

SAME_PERSON_IOU = 0.5
"""Least overlap at which boxes of two annotators show one person: the customary IoU at which a
detection counts as found."""


class Sight(NamedTuple):
    """A person on a keyframe as one annotator has it; `person` is the id in that one's file.

    `actions` are the ids of what was ticked, nothing where the person is not judged.
    """

    second: Second
    person: int
    box: Corners
    judged: bool
    actions: frozenset[int]


@dataclass
class Shown:
    """One person on one keyframe, as those annotators have it who have a box there."""

    second: Second
    sights: dict[str, Sight] = field(default_factory=dict)

    @property
    def judged(self) -> dict[str, Sight]:
        """Those who say what the person does."""
        return {name: sight for name, sight in self.sights.items() if sight.judged}

    @property
    def box(self) -> Corners:
        """The first annotator's box, by name, of those who judged."""
        sights = self.judged or self.sights
        return sights[min(sights)].box


class Compared(NamedTuple):
    """What the annotators of one clip say of it, by their names in order."""

    annotators: list[str]
    shown: list[Shown]


class Question(NamedTuple):
    """Something on which the annotators of a clip disagree.

    `action` is 0 where the question is whether there is a person at all. `votes` are the answers
    by annotator, of those who gave one.
    """

    second: Second
    shown: Shown
    action: int
    votes: dict[str, bool]


# ------------------------------------------------------------- who means whom


def matched(left: Sequence[Corners], right: Sequence[Corners]) -> list[tuple[int, int]]:
    """Pairs of boxes that show one person, each box once, with the most overlap in all.

    >>> a, b = (0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0)
    >>> matched([a, b], [b])
    [(1, 0)]
    """
    overlap = iou_matrix(np.array(left), np.array(right))
    # Too little overlap counts as none at all, or it would outweigh a pair that is one.
    overlap[overlap < SAME_PERSON_IOU] = 0.0
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in pairs if overlap[row, column]]


def persons_shown(sights: Mapping[str, Iterable[Sight]]) -> list[Shown]:
    """Every person on every keyframe, those of several annotators joined by their boxes."""
    by_second: dict[Second, dict[str, list[Sight]]] = defaultdict(lambda: defaultdict(list))
    for name in sorted(sights):
        for sight in sights[name]:
            by_second[sight.second][name].append(sight)
    found = []
    for second in sorted(by_second):
        there: list[Shown] = []
        for name, own in by_second[second].items():
            own = sorted(own, key=lambda sight: sight.person)
            pairs = dict(matched([sight.box for sight in own], [one.box for one in there]))
            for place, sight in enumerate(own):
                if place not in pairs:
                    there.append(Shown(second))
                there[pairs.get(place, -1)].sights[name] = sight
        found += there
    return found


def looked_at(shown: Iterable[Shown]) -> dict[Second, set[str]]:
    """Who judged somebody on a keyframe: of them alone a missing box says that nobody is there."""
    lookers: dict[Second, set[str]] = defaultdict(set)
    for one in shown:
        lookers[one.second] |= set(one.judged)
    return lookers


# ------------------------------------------------------------- figures


def cohens_kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Agreement of two beyond chance, from their answers to the same questions.

    None where chance alone gives full agreement, or nothing was asked.

    >>> cohens_kappa([(1, 1), (1, 1), (0, 0), (0, 1)])
    0.5
    """
    if not pairs:
        return None
    total = len(pairs)
    observed = sum(one == other for one, other in pairs) / total
    lefts, rights = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    # Whole numbers: a chance of exactly 1 must not be missed by rounding.
    by_chance = sum(lefts[value] * rights[value] for value in lefts)
    if by_chance == total * total:
        return None
    expected = by_chance / total**2
    return (observed - expected) / (1 - expected)


def krippendorffs_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Agreement of any number beyond chance: for each question the answers that were given.

    Nominal: two answers are the same or not. A question that fewer than two answered says
    nothing. None where everybody always gives one and the same answer.

    >>> krippendorffs_alpha([(1, 1), (0, 0), (0, 1)])
    0.4444444444444444
    """
    answered = [Counter(unit) for unit in units if len(unit) > 1]
    totals: Counter[Hashable] = Counter()
    differing = 0.0
    for values in answered:
        count = values.total()
        same = sum(number * (number - 1) for number in values.values())
        differing += (count * (count - 1) - same) / (count - 1)
        totals.update(values)
    count = totals.total()
    expected = count**2 - sum(number**2 for number in totals.values())
    return 1 - (count - 1) * differing / expected if expected else None


def measures(clips: Mapping[str, Compared], attributes: Sequence[Attribute]) -> list[Measure]:
    """The table: of each clip, and of all together, by annotators and action."""
    parts = [(clip, [compared]) for clip, compared in clips.items()]
    if len(clips) > 1:
        parts.append((ALL_CLIPS, [*clips.values()]))
    rows: list[Measure] = []
    for clip, compared in parts:
        names = sorted({name for each in compared for name in each.annotators})
        shown = [one for each in compared for one in each.shown]
        for pair in combinations(names, 2):
            if any(set(pair) <= set(each.annotators) for each in compared):
                rows += _of_pair(clip, pair, shown, attributes)
                rows.append(_boxes(clip, pair, compared))
        if len(names) > 2:
            rows += _of_all(clip, names, shown, attributes)
    return rows


def _of_pair(
    clip: str, pair: tuple[str, ...], shown: Iterable[Shown], attributes: Sequence[Attribute]
) -> Iterator[Measure]:
    one, other = pair
    both = [each.judged for each in shown if set(pair) <= set(each.judged)]
    for attribute, action in _actions(attributes):
        answers = [(action.id in s[one].actions, action.id in s[other].actions) for s in both]
        agreed = sum(left == right for left, right in answers)
        value = _number(cohens_kappa(answers))
        yield Measure(
            clip, " ".join(pair), attribute, action.name, "kappa", value, len(answers), agreed
        )


def _of_all(
    clip: str, names: Sequence[str], shown: Iterable[Shown], attributes: Sequence[Attribute]
) -> Iterator[Measure]:
    several = [list(each.judged.values()) for each in shown if len(each.judged) > 1]
    for attribute, action in _actions(attributes):
        units = [[action.id in sight.actions for sight in sights] for sights in several]
        agreed = sum(len(set(unit)) == 1 for unit in units)
        value = _number(krippendorffs_alpha(units))
        yield Measure(
            clip, " ".join(names), attribute, action.name, "alpha", value, len(units), agreed
        )


def _boxes(clip: str, pair: tuple[str, ...], compared: Iterable[Compared]) -> Measure:
    units = agreed = 0
    for each in compared:
        lookers = looked_at(each.shown)
        for one in each.shown:
            have = set(pair) & set(one.judged)
            # Who has a box there, and did not judge it, did not say that nobody is there.
            unsaid = (set(pair) & set(one.sights)) - have
            if have and not unsaid and set(pair) <= lookers[one.second]:
                units += 1
                agreed += len(have) == len(pair)
    value = _number(agreed / units if units else None)
    return Measure(clip, " ".join(pair), "", "", "boxes", value, units, agreed)


def _actions(attributes: Sequence[Attribute]) -> Iterator[tuple[str, Action]]:
    for attribute in attributes:
        for action in attribute.actions:
            yield attribute.name, action


def _number(value: float | None) -> str:
    # Adding 0.0 makes a zero of a minus zero.
    return "" if value is None else f"{round(value, 4) + 0.0:.4f}"


# ------------------------------------------------------------- questions


def questions_of(shown: Sequence[Shown], action_ids: Iterable[int]) -> list[Question]:
    """What the annotators of a clip disagree on: first whether somebody is there, then actions."""
    lookers = looked_at(shown)
    ids = sorted(action_ids)
    found = []
    for one in shown:
        judged = one.judged
        if not judged:
            continue
        lacking = lookers[one.second] - set(one.sights)
        if lacking:
            votes = {name: True for name in judged} | {name: False for name in lacking}
            found.append(Question(one.second, one, 0, dict(sorted(votes.items()))))
        for action in ids:
            votes = {name: action in sight.actions for name, sight in sorted(judged.items())}
            if len(set(votes.values())) > 1:
                found.append(Question(one.second, one, action, votes))
    return found
