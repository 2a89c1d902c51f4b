"""What is learnt from the finished clips of train: scores for anybody, and bars to suggest from.

Until an action has ten examples its scores are those of the nearest neighbours, from then on those
of the baseline's heads. Bars are taken from cross-validated scores: each person by the head that
has not seen the person's clip. Whoever is new gets the mean of these heads, none of which has seen
them, so that a score means the same. Nothing of val or test comes in here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from avaflow.baseline.head import Head
from avaflow.baseline.head import scores as head_scores
from avaflow.baseline.training import cross_validated, mean_and_spread, thresholds_of, train
from avaflow.project.actions import Attribute
from avaflow.suggestions import neighbours
from avaflow.suggestions.bars import bar_of
from avaflow.suggestions.seconds import DECIMALS, runs_of, steadied

LEAST_EXAMPLES = 10
"""Persons on keyframes who do an action, from which on the head is asked of it, as for the
baseline; nearest neighbours can be had of fewer."""

HEAD, NEIGHBOURS = "head", "neighbours"
"""What scores an action."""


@dataclass(frozen=True)
class Examples:
    """Judged persons of train: places (clip, second, person_id), features (N, dimensions), what
    each does (N, actions), and the group of clips of one video that each is of."""

    places: pd.DataFrame
    vectors: np.ndarray
    targets: np.ndarray
    groups: Sequence[str]


@dataclass(frozen=True)
class Learnt:
    """Scores for anybody, by action: what makes them (`by`; "" of what nobody has done yet), and
    the bar that a steadied score has to reach (None: not suggested). Of a bar of the neighbours
    nothing is bounded: what reaches it is not sure. What reaches `lows`
    alone, of actions that have a bar, is suggested as unsure.

    `known` are the directions of the examples in the space of `mean` and `spread`.
    """

    heads: tuple[Head, ...]
    by: tuple[str, ...]
    bars: tuple[float | None, ...]
    lows: tuple[float, ...]
    counts: tuple[int, ...]
    mean: np.ndarray
    spread: np.ndarray
    known: np.ndarray
    targets: np.ndarray

    def directions(self, vectors: np.ndarray) -> np.ndarray:
        """Features as the neighbours are compared, (N, dimensions)."""
        return neighbours.directions(vectors, self.mean, self.spread)

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """Scores of shape (N, actions), 0 to 1; 0 of actions that nobody has done yet."""
        found = np.zeros((len(vectors), len(self.by)))
        if NEIGHBOURS in self.by:
            near = neighbours.scores(self.directions(vectors), self.known, self.targets)
            columns = _columns(self.by, NEIGHBOURS)
            found[:, columns] = near[:, columns]
        columns = _columns(self.by, HEAD)
        for head in self.heads:
            found[:, columns] += head_scores(head, vectors)[:, columns] / len(self.heads)
        return np.round(found, DECIMALS)

    def digest(self) -> str:
        """16 hexadecimal digits of all that scores and bars come from."""
        told = [self.by, self.bars, self.lows, self.counts]
        found = hashlib.sha256(json.dumps(told).encode())
        arrays = [self.mean, self.spread, self.known, self.targets]
        blocks = [block for head in self.heads for block in head.blocks]
        arrays += [array for block in blocks for array in (block.weights, block.bias)]
        for array in arrays:
            found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()[:16]


def _columns(by: Sequence[str], what: str) -> np.ndarray:
    return np.array([column for column, each in enumerate(by) if each == what], int)


def learn(
    examples: Examples,
    everybody: np.ndarray,
    attributes: Sequence[Attribute],
    folds: int,
    precision: float,
) -> Learnt:
    """Learn from these examples; of none at all, nobody is suggested anything.

    `everybody` are the features of all persons of the project, which say what is usual while
    there are no examples; `precision` is that which a bar keeps.
    """
    counts = examples.targets.sum(axis=0).astype(int)
    by = tuple(HEAD if count >= LEAST_EXAMPLES else NEIGHBOURS if count else "" for count in counts)
    mean, spread = mean_and_spread(examples.vectors if len(examples.vectors) else everybody)
    known = neighbours.directions(examples.vectors, mean, spread)
    held_out = np.zeros(examples.targets.shape)
    several = len(set(examples.groups)) > 1
    heads: tuple[Head, ...] = ()
    if HEAD in by:
        chosen = cross_validated(
            examples.vectors, examples.targets, examples.groups, attributes, folds
        )
        if chosen is None:
            heads = (train(examples.vectors, examples.targets, attributes, chosen),)
        else:
            heads = chosen.heads
            columns = _columns(by, HEAD)
            held_out[:, columns] = chosen.scores[:, columns]
    if NEIGHBOURS in by and several:
        columns = _columns(by, NEIGHBOURS)
        near = neighbours.scores(known, known, examples.targets, examples.groups, examples.groups)
        held_out[:, columns] = near[:, columns]
    held_out = np.round(held_out, DECIMALS)
    scored = several and bool(len(held_out))
    bars: list[float | None] = [None] * len(by)
    lows = (1.0,) * len(by)
    if scored:
        found = steadied(held_out, runs_of(examples.places))
        lows = thresholds_of(found, examples.targets)
        places = examples.places
        persons = list(zip(places["clip"].tolist(), places["person_id"].tolist(), strict=True))
        for column, each in enumerate(by):
            if each:
                bars[column] = bar_of(
                    found[:, column],
                    examples.targets[:, column],
                    precision,
                    persons,
                    examples.groups,
                    bounded=each == HEAD,
                )
    return Learnt(
        heads,
        by,
        tuple(bars),
        lows,
        tuple(int(count) for count in counts),
        mean,
        spread,
        known,
        examples.targets,
    )
