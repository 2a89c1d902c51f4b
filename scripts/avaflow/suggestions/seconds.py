"""Scores a second, over the seconds of a track: steadied, and turned into stretches of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

AROUND_SECONDS = 0.5
"""What is suggested for a keyframe holds so long before and after it, as a tick of VIA does."""


DECIMALS = 6
"""Of scores: their last digits are not the same on every machine."""


class Run(NamedTuple):
    """Rows of one track on keyframes that follow each other second by second."""

    clip: str
    track: int
    rows: np.ndarray


def runs_of(rows: pd.DataFrame) -> list[Run]:
    """The runs of a table with clip, second and person_id; a gap of a second ends one.

    Rows count from the top of the table, whatever its index.

    >>> table = pd.DataFrame([("c", 2, 1), ("c", 2, 2), ("c", 3, 1), ("c", 5, 1)],
    ...     columns=["clip", "second", "person_id"])
    >>> [(run.track, run.rows.tolist()) for run in runs_of(table)]
    [(1, [0, 2]), (1, [3]), (2, [1])]
    """
    if not len(rows):
        return []
    own = rows[["clip", "person_id", "second"]].reset_index(drop=True)
    own = own.sort_values(["clip", "person_id", "second"], kind="stable")
    clips, tracks = own["clip"].to_numpy(), own["person_id"].to_numpy(int)
    seconds = own["second"].to_numpy(int)
    new = (clips[1:] != clips[:-1]) | (tracks[1:] != tracks[:-1]) | (np.diff(seconds) != 1)
    places = np.split(own.index.to_numpy(), np.flatnonzero(new) + 1)
    firsts = np.concatenate([[0], np.flatnonzero(new) + 1])
    return [
        Run(str(clips[at]), int(tracks[at]), part) for at, part in zip(firsts, places, strict=True)
    ]


BESIDE = 0.3
"""Weight of each second beside, against 1 of the second itself. One slip between two sure seconds
is mended so, and an action that lasts a second is not lost, as it would be in a median."""

LEAST = 0.01
"""What is surer than this, or than 1 less this, is not surer for its neighbours."""


def steadied(scores: np.ndarray, runs: Sequence[Run]) -> np.ndarray:
    """Scores, each the mean of its own and those of the seconds beside it in the run, as log odds.

    >>> run = Run("c", 1, np.arange(4))
    >>> found = steadied(np.array([[0.9], [0.5], [0.9], [0.5]]), [run])
    >>> found[:, 0].round(2).tolist()
    [0.84, 0.69, 0.8, 0.62]
    >>> bool(steadied(np.array([[0.9]]), [Run("c", 1, np.arange(1))])[0, 0].round(9) == 0.9)
    True
    """
    found = np.zeros(scores.shape)
    kept = np.clip(scores, LEAST, 1 - LEAST)
    odds = np.log(kept / (1 - kept))
    for run in runs:
        own = odds[run.rows]
        total, weights = own.copy(), np.ones((len(own), 1))
        total[1:] += BESIDE * own[:-1]
        total[:-1] += BESIDE * own[1:]
        weights[1:] += BESIDE
        weights[:-1] += BESIDE
        found[run.rows] = 1 / (1 + np.exp(-total / weights))
    return np.round(found, DECIMALS)


def stretches(held: np.ndarray) -> Iterator[tuple[int, int]]:
    """First and behind the last of each row of True.

    >>> list(stretches(np.array([True, False, True, True])))
    [(0, 1), (2, 4)]
    """
    edges = np.diff(np.concatenate([[0], held.astype(int), [0]]))
    yield from zip(
        np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True
    )
