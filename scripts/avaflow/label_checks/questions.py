"""What an annotator is asked of a person, as questions with one answer each, and how likely an
answer is.

Of an attribute of which one is chosen the question is which, or none; every other action is a
question by itself, done or not. A head's scores are good at ranking and may be too sure or not
sure enough: one scale and one shift an answer, fitted on scores of other persons, make them shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from avaflow.project.actions import Attribute

NONE_OF_THEM = 0
"""Stands among action ids for "no", or "none of them"."""

LEAST_SHARE = 1e-6
"""Below it a score is taken for this much: logarithms are finite."""

HELD_BACK = 0.01
"""Weight, a person, of a calibration that changes nothing: it decides where there is nobody."""

MOST_SHARE = 0.98
"""Share that a given answer is taken for when scores are calibrated, the others having what is
left: some labels are wrong, and where scores tell all answers apart, nothing else would keep the
scale from growing without end, until whoever stands a little aside is surely somebody else."""


class Question(NamedTuple):
    """`action_ids` of the answers: the first is :data:`NONE_OF_THEM`; `names` in that order."""

    attribute: str
    action_ids: tuple[int, ...]
    names: tuple[str, ...]

    @property
    def columns(self) -> list[int]:
        """Columns of targets and scores, without that of "none"."""
        return [one - 1 for one in self.action_ids[1:]]


def questions_of(attributes: Sequence[Attribute]) -> list[Question]:
    """The questions of a project's attributes, in their order."""
    found = []
    for attribute in attributes:
        if attribute.multiple:
            found += [
                Question(attribute.name, (NONE_OF_THEM, one.id), (f"no {one.name}", one.name))
                for one in attribute.actions
            ]
        else:
            ids = (NONE_OF_THEM, *(one.id for one in attribute.actions))
            names = (f"none of {attribute.name}", *(one.name for one in attribute.actions))
            found.append(Question(attribute.name, ids, names))
    return found


def answers_of(question: Question, targets: np.ndarray) -> np.ndarray:
    """The place of each person's answer among the question's, (N,)."""
    own = targets[:, question.columns]
    return np.where(own.any(axis=1), own.argmax(axis=1) + 1, 0)


def shares_of(question: Question, scores: np.ndarray) -> np.ndarray:
    """Shares of the answers by scores of the actions, (N, answers), each row 1 in all.

    >>> shares_of(Question("head", (0, 1), ("no talk", "talk")), np.array([[0.25]])).tolist()
    [[0.75, 0.25]]
    """
    own = np.clip(scores[:, question.columns], LEAST_SHARE, 1 - LEAST_SHARE)
    # Of a head that spreads one whole over options and none this is what remains; of one that
    # scores each by itself, that none of them holds.
    rest = 1 - own.sum(axis=1, keepdims=True)
    none = np.where(rest > LEAST_SHARE, rest, np.prod(1 - own, axis=1, keepdims=True))
    shares = np.hstack([np.maximum(none, LEAST_SHARE), own])
    return shares / shares.sum(axis=1, keepdims=True)


class Calibration(NamedTuple):
    """Logarithms of shares are multiplied by `scale`, and `shifts` (answers,) added."""

    scale: float
    shifts: np.ndarray

    def __call__(self, shares: np.ndarray) -> np.ndarray:
        """Calibrated shares."""
        logits = self.scale * np.log(shares) + self.shifts
        found = np.exp(logits - logits.max(axis=1, keepdims=True))
        return found / found.sum(axis=1, keepdims=True)


def calibration_of(shares: np.ndarray, answers: np.ndarray) -> Calibration:
    """The calibration that makes these answers likeliest (Platt's scaling, of several answers
    too); of nobody, the one that changes nothing."""
    from scipy.optimize import minimize

    count = shares.shape[1]
    logs = np.log(shares)
    rows = np.arange(len(answers))
    given = np.full_like(shares, (1 - MOST_SHARE) / (count - 1))
    given[rows, answers] = MOST_SHARE

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        scale, shifts = values[0], values[1:]
        logits = scale * logs + shifts
        top = logits.max(axis=1, keepdims=True)
        whole = np.exp(logits - top)
        total = whole.sum(axis=1, keepdims=True)
        wrong = whole / total - given
        value = float((np.log(total) + top).sum() - (logits * given).sum())
        slope = np.concatenate([[float((wrong * logs).sum())], wrong.sum(axis=0)])
        away = np.concatenate([[scale - 1], shifts])
        return value + HELD_BACK * float(away @ away), slope + 2 * HELD_BACK * away

    begin = np.zeros(count + 1)
    begin[0] = 1
    bounds = [(0.05, 20.0)] + [(-10.0, 10.0)] * count
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Calibration(float(found[0]), found[1:])
