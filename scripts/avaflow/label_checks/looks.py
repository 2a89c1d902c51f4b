"""Tracks that look as if they had changed persons: what a track shows from a second on looks like
another track before it.

Looks are the vectors by which the tracker tells persons apart, averaged over a second. How alike
one person is to themselves, and two persons are to each other, is taken from the project's own
tracks: from the halves of each, which mostly show one person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from avaflow.label_checks.check import LOOKS, Check, chance, likelier
from avaflow.tables import BOX

LEAST_SECONDS = 2
"""Of a track on either side of a second: one second alone may be one turn of the head."""

LEAST_PAIRS = 10
"""Of tracks within clips, to say how alike persons are."""

ON_DISK = 1_000_000
"""Tables have boxes with six decimals: by these a box of a track is found among detections."""

Seen = Mapping[int, Mapping[int, np.ndarray]]
"""By track and second the mean vector of what was seen of it."""


def seen_in(
    tracks: pd.DataFrame, detections: pd.DataFrame, vectors: np.ndarray, fps: int
) -> dict[int, dict[int, np.ndarray]]:
    """The looks of a clip's tracks by second.

    `tracks` is `tables.TRACKS`, `detections` `tables.DETECTIONS` with a row of `vectors` each. A
    box of a track that no detection has is left out.
    """
    places = {key: row for row, key in enumerate(_keys(detections))}
    sums: dict[int, dict[int, np.ndarray]] = {}
    for number, key in zip(tracks["person_id"].tolist(), _keys(tracks), strict=True):
        row = places.get(key)
        if row is None:
            continue
        second = (key[0] - 1) // fps
        own = sums.setdefault(int(number), {})
        own[second] = own.get(second, 0) + vectors[row].astype(np.float64)
    return {
        number: {s: _unit(one) for s, one in sorted(own.items())} for number, own in sums.items()
    }


def _keys(table: pd.DataFrame) -> list[tuple[int, ...]]:
    boxes = np.rint(table[BOX].to_numpy(float) * ON_DISK).astype(int)
    frames = table["frame"].to_numpy(int)[:, None]
    return [tuple(row) for row in np.hstack([frames, boxes]).tolist()]


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _mean(own: Mapping[int, np.ndarray], seconds: Sequence[int]) -> np.ndarray:
    return _unit(np.sum([own[second] for second in seconds], axis=0))


def _halves(own: Mapping[int, np.ndarray], begin: int) -> tuple[list[int], list[int]]:
    return [s for s in own if s < begin], [s for s in own if s >= begin]


def weight_of_likeness(clips: Mapping[str, Seen]) -> float:
    """By how much a likeness (a cosine) speaks for the same person, as the logarithm of a ratio of
    chances for each 1 of it; 0 where too little is known."""
    same, others = [], []
    for seen in clips.values():
        halves = []
        for _, own in sorted(seen.items()):
            if len(own) >= 2 * LEAST_SECONDS:
                first, last = _halves(own, sorted(own)[len(own) // 2])
                halves.append((_mean(own, first), _mean(own, last)))
        same += [float(one @ two) for one, two in halves]
        others += [float(a[0] @ b[1]) for a, b in combinations(halves, 2)]
    if min(len(same), len(others)) < LEAST_PAIRS:
        return 0.0
    apart = float(np.median(same) - np.median(others))
    spread = (float(np.var(same)) + float(np.var(others))) / 2
    return max(0.0, apart / max(spread, 1e-6))


def looks(clips: Mapping[str, Seen]) -> Iterator[Check]:
    """For every two tracks of a clip the second from which each looks most like the other."""
    weight = weight_of_likeness(clips)
    if not weight:
        return
    for clip, seen in sorted(clips.items()):
        pairs = list(combinations(sorted(seen), 2))
        tried = []
        for one, other in pairs:
            seconds = sorted(set(seen[one]) | set(seen[other]))
            for begin in seconds[1:]:
                gain = _gain(seen[one], seen[other], begin)
                if gain is not None:
                    tried.append((gain * weight, one, other, begin, seconds[-1]))
        best: dict[tuple[int, int], tuple[float, int, int]] = {}
        for gain, one, other, begin, last in tried:
            if gain > max(0.0, best.get((one, other), (0.0, 0, 0))[0]):
                best[one, other] = gain, begin, last
        for (one, other), (gain, begin, last) in best.items():
            yield Check(
                kind=LOOKS,
                clip=clip,
                first=begin,
                last=last,
                look=begin,
                tracks=(one, other),
                attribute="",
                action="",
                labelled="as it is",
                predicted="each other's tracks",
                score=chance(min(gain, 500.0), max(1, len(tried))),
                reason=(
                    f"From second {begin} on track {one} looks like track {other} before it, and "
                    f"the other way round: {likelier(gain)}."
                ),
            )


def _gain(
    one: Mapping[int, np.ndarray], other: Mapping[int, np.ndarray], begin: int
) -> float | None:
    """By how much two tracks are more like each other across a second than like themselves; None
    where there is too little of them."""
    before, after = _halves(one, begin)
    earlier, later = _halves(other, begin)
    if min(map(len, (before, after, earlier, later))) < LEAST_SECONDS:
        return None
    a, b = _mean(one, before), _mean(one, after)
    c, d = _mean(other, earlier), _mean(other, later)
    return float(a @ d + c @ b - a @ b - c @ d)
