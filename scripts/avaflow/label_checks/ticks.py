"""Answers that are contradicted: ticks that look wrong, and ticks that seem to be missing.

An answer is as doubtful as the share that a head gives it is small, which is cleanlab's label
quality by self-confidence, of several labels each by itself (Thyagarajan, Snorrason, Northcutt and
Mueller, "Identifying incorrect annotations in multi-label classification data", 2022). Where a clip
is shifted, or two persons are changed for one another, that is said once, and the answers that it
explains are not said again.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from avaflow.label_checks.check import LEAST_SCORE, TICK, Check, wrong
from avaflow.label_checks.guesses import Guess, Guesses
from avaflow.label_checks.whole_clips import Readings


def doubts(found: Guesses, guess: Guess, readings: Readings) -> np.ndarray:
    """How likely each answer is wrong, (N,); nan for those that cannot be checked."""
    rows = np.arange(len(found.rows))
    doubt = wrong(guess.shares[rows, guess.answers])
    for each in readings.values():
        for other in each:
            explained = wrong(guess.shares[other.rows, guess.answers[other.given_by]])
            mixed = other.score * explained + (1 - other.score) * doubt[other.rows]
            doubt[other.rows] = np.minimum(doubt[other.rows], mixed)
    return np.where(guess.judged(), doubt, np.nan)


def ticks(found: Guesses, readings: Readings) -> Iterator[Check]:
    """A check for each stretch of seconds in which an answer of a person is contradicted alike."""
    for guess in found.questions:
        doubt = doubts(found, guess, readings)
        shares = np.where(guess.enough, guess.shares, -1)
        rows = np.arange(len(doubt))
        shares[rows, guess.answers] = -1
        instead = shares.argmax(axis=1)
        keys = [
            (str(found.clips[row]), int(found.tracks[row]), int(found.seconds[row]), int(row))
            for row in np.flatnonzero(doubt >= LEAST_SCORE)
        ]
        stretch: list[int] = []
        for clip, track, second, row in sorted(keys):
            if stretch:
                last = stretch[-1]
                same = (str(found.clips[last]), int(found.tracks[last])) == (clip, track)
                alike = guess.answers[last] == guess.answers[row] and instead[last] == instead[row]
                if not (same and alike and found.seconds[last] == second - 1):
                    yield _check(found, guess, stretch, instead, doubt)
                    stretch = []
            stretch.append(row)
        if stretch:
            yield _check(found, guess, stretch, instead, doubt)


def _check(
    found: Guesses, guess: Guess, stretch: list[int], instead: np.ndarray, doubt: np.ndarray
) -> Check:
    at = stretch[int(np.argmax(doubt[stretch]))]
    names = guess.question.names
    given, other = int(guess.answers[at]), int(instead[at])
    share = guess.shares[at]
    action = names[given] if given else names[other]
    if not given:
        told = f"{names[other]} seems to be missing: a chance of {share[other]:.0%}"
    elif not other:
        told = f"{names[given]} does not look right: a chance of {share[given]:.0%}"
    else:
        told = (
            f"{names[given]} looks like {names[other]}: chances of {share[given]:.0%} and "
            f"{share[other]:.0%}"
        )
    return Check(
        kind=TICK,
        clip=str(found.clips[at]),
        first=int(found.seconds[stretch[0]]),
        last=int(found.seconds[stretch[-1]]),
        look=int(found.seconds[at]),
        tracks=(int(found.tracks[at]),),
        attribute=guess.question.attribute,
        action=action,
        labelled=names[given],
        predicted=names[other],
        score=float(doubt[at]),
        reason=f"{told}, by a model that has not seen the clip.",
        entries=len(stretch),
    )
