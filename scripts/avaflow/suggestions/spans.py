"""From scores a second to what is suggested: spans of actions of the tracks of a clip."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from avaflow.project.actions import Attribute
from avaflow.suggestions.learning import HEAD, Learnt
from avaflow.suggestions.seconds import AROUND_SECONDS, runs_of, steadied, stretches

DECIMALS = 3
"""Of a probability: more than anybody reads."""


class Suggested(NamedTuple):
    """That a track probably does something from a second on, until before another."""

    track: int
    attribute: str
    option: str
    start: float
    end: float
    probability: float
    by: str
    sure: bool


def suggested_spans(
    learnt: Learnt, places: pd.DataFrame, scores: np.ndarray, attributes: Sequence[Attribute]
) -> dict[str, list[Suggested]]:
    """What is suggested, by clip, sorted.

    `places` has clip, second and person_id of persons whom nobody has judged, `scores` (N,
    actions) are theirs. Of an attribute that takes one option, the one with the better score of
    the second is suggested. A probability is the mean of the scores of its seconds.
    """
    runs = runs_of(places)
    held, sure = _held(learnt, steadied(scores, runs), scores, attributes)
    seconds = places["second"].to_numpy(int)
    found: dict[str, list[Suggested]] = defaultdict(list)
    for run in runs:
        for attribute in attributes:
            for action in attribute.actions:
                column = action.id - 1
                own = held[run.rows, column], sure[run.rows, column]
                for begin, end, is_sure in _pieces(*own):
                    rows = run.rows[begin:end]
                    found[run.clip].append(
                        Suggested(
                            run.track,
                            attribute.name,
                            action.name,
                            max(0.0, float(seconds[rows[0]]) - AROUND_SECONDS),
                            float(seconds[rows[-1]]) + AROUND_SECONDS,
                            round(float(scores[rows, column].mean()), DECIMALS),
                            learnt.by[column],
                            is_sure,
                        )
                    )
    return {clip: sorted(each) for clip, each in sorted(found.items())}


def _held(
    learnt: Learnt, steady: np.ndarray, scores: np.ndarray, attributes: Sequence[Attribute]
) -> tuple[np.ndarray, np.ndarray]:
    """Which actions are suggested, and which of them for sure, each bool (N, actions)."""
    held, sure = np.zeros(steady.shape, bool), np.zeros(steady.shape, bool)
    for column, (bar, low) in enumerate(zip(learnt.bars, learnt.lows, strict=True)):
        if bar is not None and learnt.by[column] == HEAD:
            sure[:, column] = steady[:, column] >= bar
            held[:, column] = steady[:, column] >= min(bar, low)
        elif bar is not None:
            held[:, column] = steady[:, column] >= bar
    for attribute in attributes:
        if attribute.multiple:
            continue
        columns = np.array([action.id - 1 for action in attribute.actions])
        # What is sure goes before what only has the better score.
        best = np.where(held[:, columns], scores[:, columns] + sure[:, columns], -1).argmax(axis=1)
        chosen = np.zeros((len(held), len(columns)), bool)
        chosen[np.arange(len(held)), best] = True
        held[:, columns] &= chosen
    return held, sure & held


def _pieces(held: np.ndarray, sure: np.ndarray) -> Iterator[tuple[int, int, bool]]:
    """First and behind the last of each row of held seconds that are all sure, or all not."""
    for kind in (True, False):
        for begin, end in stretches(held & (sure == kind)):
            yield begin, end, kind
