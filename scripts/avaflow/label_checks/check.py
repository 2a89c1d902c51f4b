"""A check: something in the labels that looks wrong; and how sure that is, alike for all kinds.

The score of a check is the chance that the labels are wrong there, by what a head says and by how
often such a thing is taken to happen at all (the constants below). So checks of different kinds
stand in one list.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

TICK, SHIFT, SWAP, LOOKS, COUNT = "tick", "shift", "swap", "looks", "count"
"""Kinds: an answer that is contradicted; a clip whose labels fit better at another second; persons
whose labels fit one another better; tracks that look as if they had changed persons; a clip with
far more or fewer ticks of an action than others lead to expect."""

WRONG_ANSWERS = 0.05
"""Share of answers that are taken to be wrong before looking: of AVA's own labels about so many
differ between annotators. It decides where scores lie, hardly how they are ordered."""

WRONG_CLIPS = 0.01
"""Share of clips that are taken to be shifted, or to have persons changed for one another."""

WHOLE_CLIPS = (SHIFT, COUNT)
"""Kinds that are about nobody in particular."""

LEAST_SCORE = 0.02
"""What is less likely wrong is in no list: an answer that a head finds likelier than two to one."""


@dataclass(frozen=True)
class Check:
    """Something to look at.

    `first` and `last` are the seconds it is about, `look` the one to look at first. `tracks` are
    those of the persons it is about, for a whole clip of the one to look at first. `entries` is how
    many answers it is about.
    """

    kind: str
    clip: str
    first: int
    last: int
    look: int
    tracks: tuple[int, ...]
    attribute: str
    action: str
    labelled: str
    predicted: str
    score: float
    reason: str
    entries: int = 1


def wrong(share: np.ndarray) -> np.ndarray:
    """The chance that an answer of this share is wrong, if :data:`WRONG_ANSWERS` of all are.

    >>> wrong(np.array([0.5, 0.05, 0.005])).round(2).tolist()
    [0.05, 0.5, 0.91]
    """
    odds = WRONG_ANSWERS / (1 - WRONG_ANSWERS) * (1 - share) / np.maximum(share, 1e-12)
    return odds / (1 + odds)


def evidence(share: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """The logarithm of by how much a person is more like the others of this answer than like
    anybody, if a few answers are wrong anyway: one answer alone never decides on a clip.

    `usual` is the mean share of the answer: where nothing is known of a person, it says nothing.

    >>> evidence(np.array([0.3, 0.9, 0.0]), np.array([0.3, 0.3, 0.3])).round(2).tolist()
    [0.0, 1.06, -3.0]
    """
    return np.log((1 - WRONG_ANSWERS) * share / usual + WRONG_ANSWERS)


def chance(gain: float, tries: int) -> float:
    """The chance that a clip has a fault that makes its labels likelier by exp(gain), the best of
    so many that were tried.

    >>> round(chance(10, 4), 3), round(chance(0, 4), 3)
    (0.982, 0.003)
    """
    logit = gain + math.log(WRONG_CLIPS / (1 - WRONG_CLIPS)) - math.log(tries)
    return 1 / (1 + math.exp(-logit)) if logit > -50 else 0.0


MOST_TOLD = 10_000
"""Nobody tells greater numbers apart."""


def likelier(gain: float) -> str:
    """By how much exp(gain) is likelier, in words.

    >>> likelier(3.0), likelier(40.0)
    ('20 times likelier', 'more than 10,000 times likelier')
    """
    if gain > math.log(MOST_TOLD):
        return f"more than {MOST_TOLD:,} times likelier"
    return f"{math.exp(gain):,.0f} times likelier"
