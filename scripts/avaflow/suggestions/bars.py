"""From which score on an action is suggested: as far down as cross-validation says it is right."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np

BOUND = 0.6745
"""Standard deviations below what was counted: three times of four the true share lies above. With
ten examples nothing stricter could ever reach 0.95, even if all ten are right."""


def lower_bound(right: int, number: int) -> float:
    """The lower end of Wilson's interval for the share that is right (Wilson 1927), one-sided.

    >>> round(lower_bound(9, 9), 3), round(lower_bound(8, 8), 3), round(lower_bound(30, 31), 3)
    (0.952, 0.946, 0.939)
    """
    share, square = right / number, BOUND**2 / number
    middle = share + square / 2
    spread = BOUND * np.sqrt((share * (1 - share) + square / 4) / number)
    return float((middle - spread) / (1 + square))


FEWEST, FEWEST_BOUNDED = 3, 9
"""So many at least have to reach a bar: the best two or three of noise are often right by chance.
Nine are what a precision of 0.95 takes anyway."""

FEWEST_PERSONS, FEWEST_CLIPS = 3, 2
"""Of so many persons and clips those who reach a bar have to be: the seconds of one person are
alike, and right or wrong together."""


def bar_of(
    scores: np.ndarray,
    done: np.ndarray,
    precision: float,
    persons: Sequence[Hashable],
    clips: Sequence[Hashable],
    bounded: bool = True,
) -> float | None:
    """The least score such that those who reach it do the action: the lower bound of their share
    is `precision` or above. None where there is no such score, or too few reach it.

    Each score has the person and the clip that it is of. Not `bounded`, the share itself has to
    be `precision`.

    >>> done = np.array([True] * 9 + [False] * 20)
    >>> persons, clips = [each % 5 for each in range(29)], [each % 2 for each in range(29)]
    >>> bar_of(np.array([0.9] * 8 + [0.8] + [0.3] * 20), done, 0.95, persons, clips)
    0.8
    >>> bar_of(np.array([0.9] * 8 + [0.3] * 21), done, 0.95, persons, clips) is None
    True
    >>> bar_of(np.array([0.9] * 8 + [0.3] * 21), done, 0.95, persons, clips, bounded=False)
    0.9
    >>> bar_of(np.array([0.9] * 9 + [0.3] * 20), done, 0.95, [1, 2] * 15, clips) is None
    True
    """
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(done[order])
    several = [_distinct([each[at] for at in order]) for each in (persons, clips)]
    ordered = scores[order]
    # Those of one score stand or fall together.
    lasts = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)])

    def keeps(last: int) -> bool:
        number = last + 1
        if several[0][last] < FEWEST_PERSONS or several[1][last] < FEWEST_CLIPS:
            return False
        if bounded:
            return number >= FEWEST_BOUNDED and lower_bound(int(right[last]), number) >= precision
        return number >= FEWEST and float(right[last]) / number >= precision

    reached = [float(ordered[last]) for last in lasts if keeps(int(last))]
    return min(reached) if reached else None


def _distinct(values: Iterable[Hashable]) -> list[int]:
    """How many different ones there are up to each."""
    seen: set[Hashable] = set()
    found = []
    for value in values:
        seen.add(value)
        found.append(len(seen))
    return found
