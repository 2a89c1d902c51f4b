"""Clips whose labels fit better at another second, persons whose labels fit one another better,
and clips with far more or fewer ticks than others.

All of it is read from the shares of answers by heads that have not seen the clip.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from avaflow.label_checks.check import (
    COUNT,
    SHIFT,
    SWAP,
    Check,
    chance,
    evidence,
    likelier,
)
from avaflow.label_checks.guesses import Guess, Guesses

SHIFTS = (-2, -1, 1, 2)
"""Seconds by which labels may be late (more than 0) or early."""

LEAST_SPREAD = 1.0
"""Squared errors of a clip's ticks are at least what chance makes of seconds that have nothing to
do with each other; those of one person do, and are more."""

CHI_MEDIAN = 0.455
"""The median of a squared normal number."""


class Alternative(NamedTuple):
    """Another reading of a clip's labels: for rows of `Guesses`, the row whose answers they would
    have, and how likely this reading is."""

    rows: np.ndarray
    given_by: np.ndarray
    score: float


def places_of(found: Guesses, numbers: np.ndarray) -> dict[str, dict[tuple[int, int], int]]:
    """By clip the row of each (number, second); numbers are those of tracks or of people."""
    places: dict[str, dict[tuple[int, int], int]] = defaultdict(dict)
    rows = zip(found.clips, numbers.tolist(), found.seconds.tolist(), strict=True)
    for row, (clip, number, second) in enumerate(rows):
        places[str(clip)].setdefault((number, second), row)
    return dict(sorted(places.items()))


def gains(found: Guesses, rows: np.ndarray, given_by: np.ndarray) -> np.ndarray:
    """By how much answers of other rows fit these better than their own: logarithms, (N,)."""
    total = np.zeros(len(rows))
    for guess in found.questions:
        fits = guess.judged()[rows] & guess.judged()[given_by]
        own, other = guess.answers[rows], guess.answers[given_by]
        differs = fits & (own != other)
        at = rows[differs]
        usual = guess.shares.mean(axis=0)
        for answers, sign in ((other[differs], 1), (own[differs], -1)):
            total[differs] += sign * evidence(guess.shares[at, answers], usual[answers])
    return total


# ------------------------------------------------------------------ shifted clips


def shifts(found: Guesses) -> Iterator[tuple[Check, Alternative]]:
    """Every clip with the shift by which its labels fit best, whatever comes of it."""
    per_clip: dict[str, dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]]] = {}
    for clip, places in places_of(found, found.people).items():
        tried = {}
        for late in SHIFTS:
            pairs = [
                (row, places[person, second + late])
                for (person, second), row in sorted(places.items())
                if (person, second + late) in places
            ]
            if pairs:
                rows, given_by = np.array(pairs).T
                tried[late] = rows, given_by, gains(found, rows, given_by)
        if tried:
            per_clip[clip] = tried
    group_of = dict(zip(found.clips.astype(str).tolist(), found.groups.tolist(), strict=True))
    for clip, tried in per_clip.items():
        late = max(tried, key=lambda one: (tried[one][2].sum(), -abs(one), one))
        rows, given_by, gain = tried[late]
        if not gain.any():
            continue
        # Where the labels are told most plainly to be elsewhere.
        at = int(rows[int(gain.argmax())])
        others = [
            float(each[late][2].sum())
            for other, each in per_clip.items()
            if other != clip and group_of[other] == group_of[clip] and late in each
        ]
        score = chance(float(gain.sum()), len(SHIFTS))
        seconds = found.seconds[rows]
        first, last = int(seconds.min()), int(seconds.max())
        yield (
            Check(
                kind=SHIFT,
                clip=clip,
                first=first,
                last=last,
                look=int(found.seconds[at]),
                tracks=(int(found.tracks[at]),),
                attribute="",
                action="",
                labelled="as it is",
                predicted=_moved(late),
                score=score,
                reason=_shift_reason(late, float(gain.sum()), others),
                entries=len(rows) * len(found.questions),
            ),
            Alternative(rows, given_by, score),
        )


def _moved(late: int) -> str:
    return f"{abs(late)} s {'earlier' if late > 0 else 'later'}"


def _shift_reason(late: int, gain: float, others: Sequence[float]) -> str:
    told = (
        f"All labels of the clip fit better {_moved(late)}: {likelier(gain)}. What is labelled at "
        f"a second is seen {abs(late)} s {'before' if late > 0 else 'after'} it."
    )
    if others:
        same = sum(one > 0 for one in others)
        told += f" Of {len(others)} other clips of its video {same} fit better so too."
    return told


# ------------------------------------------------------------------ persons changed for one another


def swaps(found: Guesses) -> Iterator[tuple[Check, Alternative]]:
    """Every two persons of a clip with the stretch of seconds in which one's labels fit the other
    best, where they do at all."""
    for clip, places in places_of(found, found.tracks).items():
        seconds_of: dict[int, dict[int, int]] = defaultdict(dict)
        for (track, second), row in places.items():
            seconds_of[track][second] = row
        pairs = list(combinations(sorted(seconds_of), 2))
        for one, other in pairs:
            shared = sorted(set(seconds_of[one]) & set(seconds_of[other]))
            if not shared:
                continue
            left = np.array([seconds_of[one][second] for second in shared])
            right = np.array([seconds_of[other][second] for second in shared])
            gain = gains(found, left, right) + gains(found, right, left)
            begin, end = _best_stretch(gain)
            total = float(gain[begin:end].sum())
            if total <= 0:
                continue
            score = chance(total, len(pairs) * len(shared) * (len(shared) + 1) // 2)
            part = slice(begin, end)
            first, last = shared[begin], shared[end - 1]
            yield (
                Check(
                    kind=SWAP,
                    clip=clip,
                    first=first,
                    last=last,
                    look=shared[begin + int(gain[part].argmax())],
                    tracks=(one, other),
                    attribute="",
                    action="",
                    labelled="as it is",
                    predicted="each other's labels",
                    score=score,
                    reason=(
                        f"The labels of tracks {one} and {other} fit better the other way round "
                        f"{_when(first, last)}: {likelier(total)}."
                    ),
                    entries=2 * (end - begin) * len(found.questions),
                ),
                Alternative(
                    np.concatenate([left[part], right[part]]),
                    np.concatenate([right[part], left[part]]),
                    score,
                ),
            )


def _best_stretch(gain: np.ndarray) -> tuple[int, int]:
    """Begin and end of the stretch of the greatest sum, at least one long.

    >>> _best_stretch(np.array([-1.0, 2.0, -0.5, 3.0, -4.0, 1.0]))
    (1, 4)
    """
    sums = np.concatenate([[0.0], np.cumsum(gain)])
    best, found, lowest = -math.inf, (0, 1), 0
    for end in range(1, len(sums)):
        lowest = end - 1 if sums[end - 1] < sums[lowest] else lowest
        if sums[end] - sums[lowest] > best:
            best, found = sums[end] - sums[lowest], (lowest, end)
    return found


def _when(first: int, last: int) -> str:
    return f"at second {first}" if first == last else f"from second {first} to {last}"


# ------------------------------------------------------------------ clips unlike the others


def counts(found: Guesses) -> Iterator[Check]:
    """Clips with far more or fewer ticks of an action than the persons in them lead to expect."""
    clips = sorted(set(found.clips.astype(str).tolist()))
    tested = sum(int(guess.enough[1:].sum()) for guess in found.questions) * len(clips)
    for guess in found.questions:
        for place in np.flatnonzero(guess.enough[1:]) + 1:
            yield from _counts_of(found, guess, int(place), clips, tested)


def _counts_of(
    found: Guesses, guess: Guess, place: int, clips: Sequence[str], tested: int
) -> Iterator[Check]:
    share = guess.shares[:, place]
    done = guess.answers == place
    parts = [np.flatnonzero(found.clips == clip) for clip in clips]
    expected = np.array([share[part].sum() for part in parts])
    spread = np.array([(share[part] * (1 - share[part])).sum() for part in parts])
    ticks = np.array([int(done[part].sum()) for part in parts])
    squares = (ticks - expected) ** 2 / (spread + 0.25)
    errors = np.array([_squares_of_persons(found, part, done - share) for part in parts])
    for at, clip in enumerate(clips):
        # How clips scatter, and how alike a person's seconds are, is told by the others: a clip
        # that is far off does not excuse itself.
        usual = [LEAST_SPREAD]
        if len(clips) > 1:
            usual.append(float(np.median(np.delete(squares, at))) / CHI_MEDIAN)
            usual.append(float(np.delete(errors, at).sum() / (np.delete(spread, at).sum() + 0.25)))
        off = math.sqrt(squares[at] / max(usual))
        by_chance = min(1.0, tested * math.erfc(off / math.sqrt(2)))
        part = parts[at]
        contradicted = np.where(done[part], 1 - share[part], share[part])
        contradicted = np.where(done[part] == (ticks[at] > expected[at]), contradicted, -1)
        row = part[int(contradicted.argmax())]
        more = "more" if ticks[at] > expected[at] else "fewer"
        name = guess.question.names[place]
        yield Check(
            kind=COUNT,
            clip=clip,
            first=int(found.seconds[part].min()),
            last=int(found.seconds[part].max()),
            look=int(found.seconds[row]),
            tracks=(int(found.tracks[row]),),
            attribute=guess.question.attribute,
            action=name,
            labelled=f"{ticks[at]} of {len(part)}",
            predicted=f"{expected[at]:.1f} of {len(part)}",
            # The rarest chance is no proof: a clip may well be unlike others.
            score=0.5 * (1 - by_chance),
            reason=(
                f"Far {more} ticks of {name} than in other clips with persons who look like these: "
                f"{ticks[at]}, expected {expected[at]:.1f}."
            ),
            entries=len(part),
        )


def _squares_of_persons(found: Guesses, part: np.ndarray, errors: np.ndarray) -> float:
    """Squares of the errors of each person in all, added up."""
    tracks, places = np.unique(found.tracks[part], return_inverse=True)
    sums = np.zeros(len(tracks))
    np.add.at(sums, places, errors[part])
    return float((sums**2).sum())


Readings = Mapping[str, Sequence[Alternative]]
"""Other readings by clip."""
