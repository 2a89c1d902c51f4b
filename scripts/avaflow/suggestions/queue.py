"""Which clip to annotate next: the one that would teach most, and why, in words.

Clips are picked one after the other. What a clip is worth is the mean over its persons of how far
each is from everybody who is annotated or picked already, the more the less certain it is what
they do, and the rarer what they probably do is among the labels. Without any label this is the
k-centre of the vectors: each clip the one least like those before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from avaflow.listing import sentence
from avaflow.suggestions.learning import LEAST_EXAMPLES, Learnt
from avaflow.suggestions.neighbours import likeness

MOST_PICKED = 300
"""Clips that are picked one after the other, each held against all before it; beyond them, by what
each is worth by itself: nobody annotates so many before the queue is made anew."""

TELLING = 1.15
"""A clip stands out in something that it has so much more of than the clips in the middle."""

DECIMALS = 4
"""Of figures in the table."""

LIKELY = 0.3
"""Probability from which on a rare action is named."""


class Queued(NamedTuple):
    """A row of the queue. `unlike`, `uncertain` and `rare` are means over the clip's persons on
    keyframes, 0 to 1; `worth` is what the clip was worth when its turn came."""

    rank: int
    clip: str
    split: str
    persons: int
    worth: float
    unlike: float
    uncertain: float
    rare: float
    reason: str


def queue_of(
    clips: Sequence[str],
    splits: dict[str, str],
    places: pd.DataFrame,
    vectors: np.ndarray,
    scores: np.ndarray,
    learnt: Learnt,
    names: Sequence[str],
) -> list[Queued]:
    """The clips that await annotation, that which teaches most first.

    `places` has a row a person on a keyframe of these clips with the `clip`; `vectors` and
    `scores` are theirs, `names` the actions by id. Clips without persons come last.
    """
    looks = learnt.directions(vectors)
    # Cosines of 1 to -1 as distances of 0 to 1.
    away = (1 - likeness(looks, learnt.known)) / 2
    uncertain = (4 * scores * (1 - scores)).mean(axis=1) if scores.size else np.zeros(len(looks))
    rareness = np.array([1 / (1 + count / LEAST_EXAMPLES) for count in learnt.counts])
    rare = (scores * rareness).max(axis=1) if scores.size else np.zeros(len(looks))
    rows_of = {
        str(clip): rows
        for clip, rows in places.reset_index(drop=True).groupby("clip").groups.items()
    }
    facts = {clip: np.asarray(rows_of[clip]) for clip in sorted(clips) if clip in rows_of}
    order = _picked(facts, looks, away, 1 + uncertain + rare, bool(len(learnt.known)))
    own = {
        clip: (float(away[rows].mean()), float(uncertain[rows].mean()), float(rare[rows].mean()))
        for clip, rows in facts.items()
    }
    middles = [float(np.median(each)) for each in zip(*own.values(), strict=True)] if own else []
    made: list[Queued] = []
    for clip, worth in order:
        unlike, doubt, few = (round(each, DECIMALS) for each in own[clip])
        reason = _reason(own[clip], middles, scores[facts[clip]], learnt, names, first=not made)
        persons = int(places.iloc[facts[clip]]["person_id"].nunique())
        told = (round(worth, DECIMALS), unlike, doubt, few, reason)
        made.append(Queued(len(made) + 1, clip, splits[clip], persons, *told))
    for clip in sorted(set(clips) - set(facts)):
        made.append(
            Queued(len(made) + 1, clip, splits[clip], 0, 0.0, 0.0, 0.0, 0.0, "nobody was found")
        )
    return made


def _picked(
    facts: dict[str, np.ndarray],
    looks: np.ndarray,
    away: np.ndarray,
    weights: np.ndarray,
    labelled: bool,
) -> list[tuple[str, float]]:
    """The clips in their order, each with what it was worth when it was picked."""
    left, away, found = dict(facts), away.copy(), []
    if left and not labelled:
        # Nothing is known: begin with the clip that is most like all.
        middle = looks.mean(axis=0)
        usual = {clip: float((looks[rows] @ middle).mean()) for clip, rows in left.items()}
        clip = max(usual, key=lambda each: round(usual[each], DECIMALS))
        found.append((clip, 1.0))
        away = _nearer(away, looks, left.pop(clip))
    while left:
        worth = {clip: float((away[rows] * weights[rows]).mean()) for clip, rows in left.items()}
        if len(found) >= MOST_PICKED:
            rest = sorted(left, key=lambda clip: (-round(worth[clip], DECIMALS), clip))
            return [*found, *((clip, worth[clip]) for clip in rest)]
        clip = max(worth, key=lambda each: round(worth[each], DECIMALS))
        found.append((clip, worth[clip]))
        away = _nearer(away, looks, left.pop(clip))
    return found


def _nearer(away: np.ndarray, looks: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Distances once the persons of these rows are known too."""
    return np.minimum(away, (1 - likeness(looks, looks[rows])) / 2)


def _reason(
    own: tuple[float, float, float],
    middles: Sequence[float],
    scores: np.ndarray,
    learnt: Learnt,
    names: Sequence[str],
    first: bool,
) -> str:
    """Why a clip is where it is, in words."""
    if not len(learnt.known):
        return "most like all the others" if first else "unlike those before it"
    unlike, uncertain, rare = (
        value / middle if middle > 0 else 0.0 for value, middle in zip(own, middles, strict=True)
    )
    likely = scores.max(axis=0)
    few = [
        name
        for name, score, count in zip(names, likely, learnt.counts, strict=True)
        if score >= LIKELY and count < 2 * LEAST_EXAMPLES
    ]
    told = {"unlike": "unlike what is annotated"}
    doubts = (4 * scores * (1 - scores)).mean(axis=0)
    doubtful = [names[at] for at in np.argsort(-doubts, kind="stable")[:2] if doubts[at] > 0]
    told["uncertain"] = f"hard to tell: {sentence(doubtful)}" if doubtful else "hard to tell"
    if few:
        told["rare"] = f"probably rare: {sentence(few)}"
    shares = {"unlike": unlike, "uncertain": uncertain, "rare": rare}
    standing = [name for name in told if shares[name] >= TELLING]
    if not standing:
        return "much like what is annotated" if unlike < 1 else "most like all the others"
    return "; ".join(told[name] for name in sorted(standing, key=lambda name: -shares[name]))
