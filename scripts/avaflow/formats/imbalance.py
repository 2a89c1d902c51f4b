"""Rare actions: keyframes that show them, read more often in training.

By the rule of LVIS (Gupta, Dollar, Girshick 2019): an action on the share f of the labelled
keyframes is repeated sqrt(t / f) times where f is below t, and a keyframe as often as the rarest
action on it. The root is a compromise: t / f itself would show the same few images all the time.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from avaflow.formats.ava import Row
from avaflow.project.actions import Action
from avaflow.times import Instant


@dataclass(frozen=True)
class Rarity:
    """How often an action occurs among the labelled keyframes, and how often these are read."""

    action: Action
    keyframes: int
    persons: int
    share: float
    repeats: int


def rarities(
    rows: Iterable[Row], actions: Sequence[Action], below: float, most: int
) -> list[Rarity]:
    """Each action's :class:`Rarity` in the rows of the train split.

    Actions on a smaller share of the keyframes than `below` are repeated, rounded to whole
    times and at most `most`; 0 repeats none. One that never occurs has nothing to repeat.
    """
    rows = list(rows)
    shown = {(row.clip, row.timestamp) for row in rows}
    keyframes = Counter(
        action for _, _, action in {(row.clip, row.timestamp, row.action_id) for row in rows}
    )
    persons = Counter(row.action_id for row in rows)
    found = []
    for action in actions:
        share = keyframes[action.id] / len(shown) if shown else 0.0
        times = math.sqrt(below / share) if 0 < share < below else 1.0
        # Halves upwards: Python's round() would take 2.5 for 2.
        repeats = max(1, min(most, math.floor(times + 0.5)))
        found.append(Rarity(action, keyframes[action.id], persons[action.id], share, repeats))
    return found


def repeats_of_keyframes(rows: Iterable[Row], found: Iterable[Rarity]) -> dict[Instant, int]:
    """How often each labelled keyframe is read: as often as the rarest action on it."""
    of_action = {each.action.id: each.repeats for each in found}
    repeats: dict[Instant, int] = {}
    for row in rows:
        instant = Instant(row.clip, row.timestamp)
        repeats[instant] = max(repeats.get(instant, 1), of_action[row.action_id])
    return repeats


def rows_to_repeat(rows: Iterable[Row], repeats: Mapping[Instant, int], times: int) -> list[Row]:
    """The rows of keyframes that are read at least so many times."""
    return [row for row in rows if repeats[Instant(row.clip, row.timestamp)] >= times]
