"""Scores a second, over the seconds of a track: steadied, and turned into stretches of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

AROUND_SECONDS = 0.5
"""What is suggested for a keyframe holds so long before and after it, as a tick of VIA does."""


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


def steadied(scores: np.ndarray, runs: Sequence[Run], lows: Sequence[float]) -> np.ndarray:
    """Scores by hysteresis: seconds in a row that reach an action's low score have the best of
    them, others their own.

    An action that is sure at one second so holds on while it is at least likely, and one that
    lasts a single second is not lost, as it would be in a median.

    >>> run = Run("c", 1, np.arange(5))
    >>> steadied(np.array([[0.1], [0.6], [0.9], [0.2], [0.7]]), [run], [0.5])[:, 0].tolist()
    [0.1, 0.9, 0.9, 0.2, 0.7]
    """
    found = scores.copy()
    for run in runs:
        own = scores[run.rows]
        for action, low in enumerate(lows):
            for begin, end in stretches(own[:, action] >= low):
                found[run.rows[begin:end], action] = own[begin:end, action].max()
    return found


def stretches(held: np.ndarray) -> Iterator[tuple[int, int]]:
    """First and behind the last of each row of True.

    >>> list(stretches(np.array([True, False, True, True])))
    [(0, 1), (2, 4)]
    """
    edges = np.diff(np.concatenate([[0], held.astype(int), [0]]))
    yield from zip(
        np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True
    )
