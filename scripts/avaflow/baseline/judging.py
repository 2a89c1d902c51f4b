"""How well a head does on persons whom it has not seen, and whether that says anything.

Its average precisions, by the official rules, are held against two things that know nothing of
the picture: the same score for everybody, and the labels dealt out anew among the persons. Where
there are too few examples, no figure is taken for an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from avaflow.baseline.examples import NOWHERE, Persons
from avaflow.evaluation.ava import Judgement, average_precision, judge
from avaflow.formats.proposals import READER_SCORE
from avaflow.listing import counted
from avaflow.tables import BOX

SHUFFLES = 200
"""Times that labels are dealt out anew: the 95th percentile then rests on ten of them."""

CHANCE = 95
"""Percentile of shuffled labels that a figure has to be above: one in twenty is by chance."""

LEAST_EXAMPLES = 10
"""Person-seconds with an action, and as many without it, under which a figure is not taken for an
answer: one of ten more or less moves it by a tenth."""

LEAST_CLIPS = 3
"""Clips that the examples of an action come from, at least: in one or two it may be the room."""

CURVE_POINTS = 80
"""Points of a curve on the page, at most."""


class Figures(NamedTuple):
    """How one action does. Figures are None where the action has no example.

    `examples` and `others` are annotated person-seconds with a feature that have the action and
    have not, `clips` those that the examples are of; `annotated` and `detected` are the official
    average precision on the annotators' and on the detector's boxes, `prior` what the same score
    for everybody gives, `shuffled` and `chance` mean and percentile :data:`CHANCE` over shuffled
    labels; the curve is (recall, precision), from the best scored on.
    """

    examples: int
    others: int
    clips: int
    annotated: float | None
    detected: float | None
    prior: float | None
    shuffled: float | None
    chance: float | None
    curve: list[tuple[float, float]]


@dataclass(frozen=True)
class Evaluation:
    """How a head does on a split, or in cross-validation; `judged` are rows of `Persons.judged`
    and `scores` (N, actions) those persons' scores."""

    name: str
    annotated: Judgement
    detected: Judgement
    figures: list[Figures]
    judged: np.ndarray
    scores: np.ndarray


LEARNABLE, CHANCE_ONLY, TOO_FEW, NOT_SEEN = (
    "learnable",
    "no better than chance",
    "too few to know",
    "never in training",
)
"""What may be said of an action."""


class Verdict(NamedTuple):
    """What is said of an action, by which evaluation ("" for none), and why, as a sentence."""

    word: str
    by: str
    reason: str


def evaluate(
    name: str, persons: Persons, clips: Collection[str], scored: np.ndarray, seed: int
) -> Evaluation:
    """Judge scores of shape (len(persons.featured), actions) on the persons of these clips."""
    own = persons.judged["clip"].isin(list(clips)).to_numpy()
    truth = _truth(persons, own)
    feature = persons.judged["feature"].to_numpy()
    rows = np.flatnonzero(own & (feature != NOWHERE))
    found = scored[feature[rows]]
    actions = range(1, scored.shape[1] + 1)
    annotated = judge(truth, by_action(persons.judged.iloc[rows], found), actions, persons.excluded)
    proposed = proposed_rows(persons, clips)
    detected = judge(
        truth,
        by_action(persons.featured.iloc[proposed], scored[proposed]),
        actions,
        persons.excluded,
    )
    targets = persons.targets[rows]
    shuffles = shuffled(_tracks(persons, feature[rows]), seed)
    figures = []
    for column, action in enumerate(actions):
        figures.append(
            _figures(
                found[:, column],
                targets[:, column],
                len(set(persons.judged["clip"].to_numpy()[rows][targets[:, column]])),
                annotated.boxes.get(action, 0),
                shuffles,
                (annotated.average_precision.get(action), detected.average_precision.get(action)),
            )
        )
    return Evaluation(name, annotated, detected, figures, rows, found)


def _figures(
    scores: np.ndarray,
    right: np.ndarray,
    clips: int,
    total: int,
    shuffles: np.ndarray,
    official: tuple[float | None, float | None],
) -> Figures:
    examples, others = int(right.sum()), int((~right).sum())
    if not total or not examples:
        return Figures(examples, others, clips, *official, None, None, None, [])
    order = np.argsort(-scores, kind="stable")
    chance = [average_precision(scores, right[dealt], total) for dealt in shuffles]
    hits = np.cumsum(right[order])
    ranks = np.arange(1, len(hits) + 1)
    steps = np.flatnonzero(right[order])
    if len(steps) > CURVE_POINTS:
        steps = steps[np.linspace(0, len(steps) - 1, CURVE_POINTS).round().astype(int)]
    curve = [(float(hits[at] / total), float(hits[at] / ranks[at])) for at in steps]
    return Figures(
        examples,
        others,
        clips,
        *official,
        # One score for all is one point: everybody, of whom so many are right.
        examples / len(right) * examples / total,
        float(np.mean(chance)),
        float(np.percentile(chance, CHANCE)),
        curve,
    )


def shuffled(tracks: Sequence[tuple], seed: int) -> np.ndarray:
    """Orders in which labels are dealt out anew, of shape (SHUFFLES, N).

    `tracks` name the person of each row. A person does the same for seconds on end, so that
    neighbouring rows are no evidence of their own: labels are dealt out by whole persons.
    """
    names = sorted(set(tracks))
    number = {name: at for at, name in enumerate(names)}
    of_row = np.array([number[name] for name in tracks], int)
    rows = np.argsort(of_row, kind="stable")
    bounds = np.searchsorted(of_row[rows], np.arange(len(names) + 1))
    runs = [rows[begin:end] for begin, end in zip(bounds[:-1], bounds[1:], strict=True)]
    chance = np.random.default_rng(seed)
    dealt = np.zeros((SHUFFLES, len(tracks)), int)
    for each in dealt:
        order = chance.permutation(len(runs))
        if len(runs):
            each[rows] = np.concatenate([runs[at] for at in order])
    return dealt


def proposed_rows(persons: Persons, clips: Collection[str]) -> np.ndarray:
    """Rows of the features that stand for the detector's boxes, as toolboxes read proposals.

    Boxes of :data:`READER_SCORE` and more, and the best of a keyframe that has no such; none of
    persons of whom nobody said what they do.
    """
    table = persons.featured[
        persons.featured["clip"].isin(list(clips)) & ~persons.featured["unknown"]
    ]
    best = table.groupby(["clip", "second"])["score"].transform("max")
    sure = table["score"] >= np.minimum(best, READER_SCORE)
    return table.index[sure].to_numpy(int)


def by_action(boxes: pd.DataFrame, scores: np.ndarray) -> pd.DataFrame:
    """A row for each of these boxes and each action, as `evaluation.ava.judge` takes them."""
    actions = scores.shape[1]
    rows = np.repeat(np.arange(len(boxes)), actions)
    table = boxes[["clip", "second", *BOX]].iloc[rows].reset_index(drop=True)
    return table.rename(columns={"second": "timestamp"}).assign(
        action_id=np.tile(np.arange(1, actions + 1), len(boxes)), score=scores.ravel()
    )


def _truth(persons: Persons, own: np.ndarray) -> pd.DataFrame:
    rows, columns = np.nonzero(persons.targets & own[:, None])
    table = persons.judged[["clip", "second", *BOX]].iloc[rows].reset_index(drop=True)
    return table.rename(columns={"second": "timestamp"}).assign(action_id=columns + 1)


def _tracks(persons: Persons, features: np.ndarray) -> list[tuple]:
    table = persons.featured.iloc[features]
    return list(zip(table["clip"].tolist(), table["person_id"].tolist(), strict=True))


def verdict(trained: int, evaluations: Sequence[tuple[str, Figures]]) -> Verdict:
    """What is said of an action with so many examples in training.

    `evaluations` are figures of the action by the name of the evaluation; the first that has
    enough examples decides.
    """
    if not trained:
        return Verdict(NOT_SEEN, "", "no person with a feature does it in the train split")
    reasons = []
    for name, figures in evaluations:
        lack = _lack(figures)
        if lack:
            reasons.append(f"{name}: {lack}")
            continue
        value, chance = figures.annotated or 0.0, figures.chance or 0.0
        if value > chance:
            said = f"{value:.3f} is above {chance:.3f}, which shuffled labels reach one time in 20"
            return Verdict(LEARNABLE, name, said)
        said = f"{value:.3f} is not above {chance:.3f}, which shuffled labels reach one time in 20"
        return Verdict(CHANCE_ONLY, name, said)
    return Verdict(TOO_FEW, "", "; ".join(reasons) or "nothing was held out to judge it by")


def _lack(figures: Figures) -> str:
    if figures.examples < LEAST_EXAMPLES:
        return f"{counted(figures.examples, 'example')}, expected at least {LEAST_EXAMPLES}"
    if figures.others < LEAST_EXAMPLES:
        return f"{counted(figures.others, 'person')} without it, expected at least {LEAST_EXAMPLES}"
    if figures.clips < LEAST_CLIPS:
        return f"examples in {counted(figures.clips, 'clip')}, expected at least {LEAST_CLIPS}"
    return ""


def confusion(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Of an attribute of which one is chosen: persons by what they do and what is said of them.

    Shape (options + 1, options + 1), the last row and column for none of them. Said is the best
    scored option, or none where that is more likely than any.

    >>> confusion(np.array([[True, False], [False, False]]), np.array([[0.6, 0.1], [0.2, 0.3]]))
    array([[1, 0, 0],
           [0, 0, 0],
           [0, 0, 1]])
    """
    options = targets.shape[1]
    true = np.where(targets.any(axis=1), targets.argmax(axis=1), options)
    best = scores.argmax(axis=1)
    none = 1 - scores.sum(axis=1) > scores.max(axis=1)
    said = np.where(none, options, best)
    found = np.zeros((options + 1, options + 1), int)
    np.add.at(found, (true, said), 1)
    return found


def said_together(
    targets: np.ndarray, scores: np.ndarray, thresholds: np.ndarray
) -> list[tuple[int, int, int, int]]:
    """Of an attribute of which several are chosen: (done, said, wrongly, persons), the worst first.

    Of `persons` who do the one and not the other, the other is said of so many `wrongly`: they
    reach its threshold.
    """
    said = scores >= thresholds
    found = []
    for done in range(targets.shape[1]):
        for other in range(targets.shape[1]):
            rows = targets[:, done] & ~targets[:, other]
            wrongly = int((rows & said[:, other]).sum())
            if done != other and wrongly:
                found.append((done, other, wrongly, int(rows.sum())))
    return sorted(found, key=lambda each: (-each[2] / each[3], *each))
