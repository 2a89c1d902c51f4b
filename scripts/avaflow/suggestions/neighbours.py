"""Scores by the nearest persons of whom is known what they do: while there are few examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NEAREST = 30
"""Persons that have a say in a score."""

NARROWNESS = 0.1
"""Of cosines: a person so much less alike weighs e times less."""

AT_ONCE = 512
"""Persons compared with all others at a time: 200 MB of float32 for 100,000."""


def directions(vectors: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Standardised vectors of length 1, float32 (N, dimensions): their products are cosines."""
    values = (vectors - mean.astype(np.float32)) / spread.astype(np.float32)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return (values / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def scores(
    asked: np.ndarray,
    known: np.ndarray,
    targets: np.ndarray,
    asked_groups: Sequence[str] | None = None,
    known_groups: Sequence[str] | None = None,
) -> np.ndarray:
    """Scores of shape (asked, actions), 0 to 1: the share of a person's nearest who do the action,
    the more alike the more they weigh.

    `asked` and `known` are :func:`directions`, `targets` booleans (known, actions). Where groups
    are given, nobody of a person's own group has a say; who has no neighbour at all scores 0.

    >>> known = np.array([[1, 0], [0, 1]], np.float32)
    >>> found = scores(known[:1], known, np.array([[True], [False]]))
    >>> bool(found[0, 0] > 0.99)
    True
    >>> scores(known[:1], known, np.array([[True], [False]]), ["a"], ["a", "b"]).tolist()
    [[0.0]]
    """
    found = np.zeros((len(asked), targets.shape[1]))
    if not len(known):
        return found
    number = min(NEAREST, len(known))
    ours = np.array(asked_groups) if asked_groups is not None else None
    theirs = np.array(known_groups) if known_groups is not None else None
    for begin in range(0, len(asked), AT_ONCE):
        part = slice(begin, begin + AT_ONCE)
        alike = asked[part] @ known.T
        if ours is not None and theirs is not None:
            alike[ours[part, None] == theirs[None, :]] = -np.inf
        # Sorted whole: of equals the first counts, so that every machine finds the same.
        near = np.argsort(-alike, axis=1, kind="stable")[:, :number]
        cosines = np.take_along_axis(alike, near, axis=1).astype(float)
        there = np.isfinite(cosines)
        best = np.where(there.any(axis=1), np.where(there, cosines, -1).max(axis=1), 0)
        weights = np.where(
            there, np.exp((np.where(there, cosines, 0) - best[:, None]) / NARROWNESS), 0
        )
        total = weights.sum(axis=1, keepdims=True)
        done = (weights[:, :, None] * targets[near]).sum(axis=1)
        found[part] = np.where(total > 0, done / np.where(total > 0, total, 1), 0)
    return found


def likeness(asked: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The cosine of each to the most alike of the known, (asked,); -1 where nobody is known."""
    found = np.full(len(asked), -1.0)
    if len(known):
        for begin in range(0, len(asked), AT_ONCE):
            part = slice(begin, begin + AT_ONCE)
            found[part] = (asked[part] @ known.T).max(axis=1)
    return found
