"""From which score on an action is suggested: as far down as cross-validation says it is right."""

from __future__ import annotations

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


FEWEST = 3
"""So many at least have to reach a bar of which nothing is bounded."""


def bar_of(
    scores: np.ndarray, done: np.ndarray, precision: float, bounded: bool = True
) -> float | None:
    """The least score such that those who reach it do the action: the lower bound of their share
    is `precision` or above. None where there is no such score.

    Not `bounded`, the share itself has to be, of :data:`FEWEST` at least.

    >>> done = np.array([True] * 9 + [False] * 20)
    >>> bar_of(np.array([0.9] * 8 + [0.8] + [0.3] * 20), done, 0.95)
    0.8
    >>> bar_of(np.array([0.9] * 8 + [0.3] * 21), done, 0.95) is None
    True
    >>> bar_of(np.array([0.9] * 8 + [0.3] * 21), done, 0.95, bounded=False)
    0.9
    """
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(done[order])
    ordered = scores[order]
    # Those of one score stand or fall together.
    lasts = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(ordered) else []

    def keeps(last: int) -> bool:
        number = int(last) + 1
        if bounded:
            return lower_bound(int(right[last]), number) >= precision
        return number >= FEWEST and right[last] / number >= precision

    reached = [float(ordered[last]) for last in lasts if keeps(last)]
    return min(reached) if reached else None
