"""Training a head, and choosing how by cross-validation over whole clips.

Neighbouring seconds of a clip are nearly the same picture: a head that has seen one knows the
next by heart. So clips stay whole, and clips of one video stay together, in whatever is held out.
What scales the features is of the persons trained on alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from avaflow.baseline.head import (
    AT_ONCE,
    EACH,
    LENGTH,
    ONE,
    STANDARD,
    Block,
    Head,
    prepared,
    scores,
)
from avaflow.evaluation.ava import average_precision
from avaflow.project.actions import Attribute

STRENGTHS = (0.0001, 0.001, 0.01, 0.1, 1.0)
"""scikit-learn's C, from a head that hardly dares to say anything to one that fits closely; of
standardised features, with 256 numbers or 2304, more than 1 fits noise."""

MOST_STEPS = 1000
"""Of the solver; standardised features take 5 to 100."""

LEAST_SPREAD = 1e-6
"""Of a number that is not always the same, as a part of its mean: float32 knows no less."""

DECIMALS = 6
"""Of thresholds."""


class Recipe(NamedTuple):
    """How a block is trained."""

    kind: str
    scaling: str
    strength: float


UNCHOSEN_STRENGTH = 0.01
"""Where nothing can be held out to choose by: within :data:`STRENGTHS`, not at an end."""


def recipes_of(attribute: Attribute) -> list[Recipe]:
    """What is tried for an attribute, the most careful first: of equals the first is taken."""
    kinds = [EACH] if attribute.multiple else [ONE, EACH]
    return [
        Recipe(kind, scaling, strength)
        for strength in STRENGTHS
        for kind in kinds
        for scaling in (STANDARD, LENGTH)
    ]


def unchosen(attribute: Attribute) -> Recipe:
    """The recipe where nothing can be held out to choose by."""
    return Recipe(EACH if attribute.multiple else ONE, STANDARD, UNCHOSEN_STRENGTH)


@dataclass(frozen=True)
class CrossValidation:
    """What cross-validation gives.

    `fold_of` maps a group to the fold in which it is held out. `heads` has a head for each fold,
    trained on all others, by the recipes that are best on the others. `recipes` are the best over
    all folds, `figures` the mean average precision of each recipe tried, by attribute. `scores`
    of shape (N, actions) are those of each person by the head that has not seen its group.
    `beside` of shape (folds, N, actions) has for each fold the scores of all others by heads that
    have seen neither their groups nor the fold, and nan for its own; None of two folds.
    """

    fold_of: dict[str, int]
    heads: tuple[Head, ...]
    recipes: tuple[Recipe, ...]
    figures: dict[str, dict[Recipe, float]]
    scores: np.ndarray
    beside: np.ndarray | None = None

    def scores_of(self, vectors: np.ndarray, groups: Sequence[str]) -> np.ndarray:
        """Scores of other persons of the same groups, by the head that has not seen theirs."""
        folds = np.array([self.fold_of[group] for group in groups], int)
        found = np.zeros((len(vectors), len(self.heads[0].names)))
        for fold, head in enumerate(self.heads):
            found[folds == fold] = scores(head, vectors[folds == fold])
        return found


def folds_of(targets: np.ndarray, groups: Sequence[str], folds: int) -> dict[str, int]:
    """The fold of each group: whole groups, with about as many persons of each action in each.

    The largest group first, each goes to the fold that is then fullest the least, over all actions
    alike. Of fewer groups than `folds` each has a fold of its own.

    >>> folds_of(np.ones((5, 1), bool), ["a", "a", "a", "b", "c"], 2)
    {'a': 0, 'b': 1, 'c': 1}
    """
    names = np.array(groups)
    counts = {
        name: np.append(targets[names == name].sum(axis=0), (names == name).sum())
        for name in sorted(set(groups))
    }
    total = np.maximum(sum(counts.values()), 1)
    shares = {name: count / total for name, count in counts.items()}
    held = np.zeros((min(folds, len(counts)), targets.shape[1] + 1))
    found = {}
    for name in sorted(counts, key=lambda name: (-counts[name][-1], name)):
        cost = ((held + shares[name]) ** 2 - held**2).sum(axis=1)
        found[name] = int(cost.argmin())
        held[found[name]] += shares[name]
    return dict(sorted(found.items()))


def cross_validated(
    vectors: np.ndarray,
    targets: np.ndarray,
    groups: Sequence[str],
    attributes: Sequence[Attribute],
    folds: int,
) -> CrossValidation | None:
    """Choose recipes on groups held out; None where there are not two groups to hold apart.

    `vectors` are features (N, dimensions), `targets` booleans (N, actions) with a column an
    action by its id from 1, `groups` say what stays together.

    A fold's head is trained by the recipes that do best on the other folds, by heads that have
    seen neither: its scores are of persons who had no say in the choice either. Of two folds
    nothing is left to choose by, and the recipe is the one in the middle.
    """
    fold_of = folds_of(targets, groups, folds)
    count = len(set(fold_of.values()))
    if count < 2:
        return None
    fold = np.array([fold_of[group] for group in groups])
    tried = {attribute.name: recipes_of(attribute) for attribute in attributes}
    blocks: dict[frozenset[int], Blocks] = {}
    # Without each fold, and without each two of them: to choose for a fold by how heads do on
    # another that were trained without both.
    for left_out in [*combinations(range(count), 1), *combinations(range(count), 2)]:
        train = ~np.isin(fold, left_out)
        if train.any():
            fits = _fits(vectors[train], targets[train], attributes, tried)
            blocks[frozenset(left_out)] = {(name, recipe): block for name, recipe, block in fits}
    found = np.zeros(targets.shape)
    beside = np.full((count, *targets.shape), np.nan) if count > 2 else None
    picks: list[list[Block]] = [[] for _ in range(count)]
    figures = {}
    for attribute in attributes:
        columns = _columns(attribute)
        own = targets[:, columns]
        scored = _held_out(attribute.name, tried[attribute.name], blocks, vectors, fold, [])
        figures[attribute.name] = {r: mean_precision(each, own) for r, each in scored.items()}
        for held_out in range(count):
            recipe = unchosen(attribute)
            if beside is not None:
                others = fold != held_out
                inner = _held_out(
                    attribute.name, tried[attribute.name], blocks, vectors, fold, [held_out]
                )
                recipe = _best(
                    {r: mean_precision(each[others], own[others]) for r, each in inner.items()}
                )
                beside[held_out][np.ix_(others, columns)] = inner[recipe][others]
            part = np.flatnonzero(fold == held_out)
            found[np.ix_(part, columns)] = scored[recipe][part]
            picks[held_out].append(blocks[frozenset([held_out])][attribute.name, recipe])
    heads = tuple(
        _head(
            picks[held_out],
            attributes,
            vectors.shape[1],
            # Nobody of these is ever said to do something: they are for scores alone.
            (1.0,) * targets.shape[1],
        )
        for held_out in range(count)
    )
    recipes = tuple(_best(figures[attribute.name]) for attribute in attributes)
    return CrossValidation(fold_of, heads, recipes, figures, found, beside)


Blocks = dict[tuple[str, Recipe], Block]
"""Blocks that were trained on the same persons, by attribute and recipe."""


def _held_out(
    attribute: str,
    recipes: Sequence[Recipe],
    blocks: Mapping[frozenset[int], Blocks],
    vectors: np.ndarray,
    fold: np.ndarray,
    beside: Sequence[int],
) -> dict[Recipe, np.ndarray]:
    """Scores by recipe of each person, by the block trained without its fold and those `beside`.

    Persons of folds `beside` themselves have 0.
    """
    columns = len(blocks[frozenset([0])][attribute, recipes[0]].action_ids)
    found = {recipe: np.zeros((len(vectors), columns)) for recipe in recipes}
    for one in sorted(set(fold.tolist()) - set(beside)):
        part = fold == one
        trained = blocks[frozenset([one, *beside])]
        for scaling in {recipe.scaling for recipe in recipes}:
            values = prepared(vectors[part], scaling)
            for recipe in recipes:
                if recipe.scaling == scaling:
                    scored = trained[attribute, recipe].scores_of_prepared(values)
                    found[recipe][part] = scored
    return found


def train(
    vectors: np.ndarray,
    targets: np.ndarray,
    attributes: Sequence[Attribute],
    chosen: CrossValidation | None,
) -> Head:
    """A head of all these persons, as for :func:`cross_validated`, by what that chose."""
    recipes = chosen.recipes if chosen else [unchosen(attribute) for attribute in attributes]
    wanted = {a.name: [recipe] for a, recipe in zip(attributes, recipes, strict=True)}
    blocks = {name: block for name, _, block in _fits(vectors, targets, attributes, wanted)}
    ordered = [blocks[attribute.name] for attribute in attributes]
    head = _head(ordered, attributes, vectors.shape[1], (1.0,) * targets.shape[1])
    own = chosen.scores if chosen else scores(head, vectors)
    return _head(ordered, attributes, vectors.shape[1], thresholds_of(own, targets))


def mean_precision(found: np.ndarray, targets: np.ndarray) -> float:
    """The mean over actions that occur of their average precision; 0 where none occurs."""
    each = [
        average_precision(found[:, column], targets[:, column], int(total))
        for column, total in enumerate(targets.sum(axis=0))
        if total
    ]
    return float(np.mean(each)) if each else 0.0


def thresholds_of(found: np.ndarray, targets: np.ndarray) -> tuple[float, ...]:
    """By action the score that as many persons reach as do the action; 1 where nobody does.

    >>> thresholds_of(np.array([[0.9], [0.2], [0.6]]), np.array([[False], [True], [True]]))
    (0.6,)
    """
    ordered = -np.sort(-found, axis=0)
    counts = targets.sum(axis=0)
    return tuple(
        round(float(ordered[count - 1, column]), DECIMALS) if count else 1.0
        for column, count in enumerate(counts)
    )


def _best(figures: Mapping[Recipe, float]) -> Recipe:
    # Figures that differ in the last digits only are equal: the more careful recipe comes first.
    return max(figures, key=lambda recipe: round(figures[recipe], DECIMALS))


def _columns(attribute: Attribute) -> np.ndarray:
    return np.array([action.id - 1 for action in attribute.actions])


def _head(
    blocks: Sequence[Block],
    attributes: Sequence[Attribute],
    dimensions: int,
    thresholds: tuple[float, ...],
) -> Head:
    actions = sorted((a.id, a.name) for attribute in attributes for a in attribute.actions)
    return Head(tuple(name for _, name in actions), dimensions, tuple(blocks), thresholds)


def _fits(
    vectors: np.ndarray,
    targets: np.ndarray,
    attributes: Sequence[Attribute],
    wanted: Mapping[str, Sequence[Recipe]],
) -> Iterator[tuple[str, Recipe, Block]]:
    """The wanted blocks, trained on these persons; features are scaled once for many."""
    from threadpoolctl import threadpool_limits

    # Several threads add up in an order of their own, and the last digits would not be the same.
    with threadpool_limits(1), warnings.catch_warnings():
        # A solver that is not quite there after so many steps is a head as good as another.
        warnings.simplefilter("ignore")
        for scaling in sorted({recipe.scaling for each in wanted.values() for recipe in each}):
            values = np.empty(vectors.shape, np.float32)
            for part in _parts(vectors):
                values[part] = prepared(vectors[part], scaling)
            mean, spread = mean_and_spread(values)
            for part in _parts(values):
                values[part] = (values[part] - mean) / spread
            # Of fewer persons than numbers, weights lie in the space that the persons span: as
            # many coordinates as persons are the same problem, and a small one.
            basis: np.ndarray | None = None
            if len(vectors) < vectors.shape[1]:
                basis, _ = np.linalg.qr(values.T)
                values = values @ basis
            for attribute in attributes:
                own = targets[:, _columns(attribute)]
                for recipe in wanted[attribute.name]:
                    if recipe.scaling != scaling:
                        continue
                    weights, bias = _fit(values, own, recipe)
                    weights = (weights if basis is None else basis @ weights) / spread[:, None]
                    bias = bias - mean @ weights
                    ids = tuple(action.id for action in attribute.actions)
                    block = Block(
                        attribute.name,
                        ids,
                        *recipe,
                        weights.astype(np.float32),
                        bias.astype(np.float32),
                    )
                    yield attribute.name, recipe, block


def mean_and_spread(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each number, of shape (dimensions,); 1 for one that is always
    the same.

    >>> mean_and_spread(np.array([[1.0, 5.0], [3.0, 5.0]], np.float32))
    (array([2., 5.]), array([1., 1.]))
    """
    mean = np.mean(vectors, axis=0, dtype=float)
    squares = sum(((vectors[part] - mean) ** 2).sum(axis=0) for part in _parts(vectors))
    spread = np.sqrt(squares / len(vectors))
    return mean, np.where(spread > LEAST_SPREAD * (1 + np.abs(mean)), spread, 1.0)


def _parts(vectors: np.ndarray) -> Iterator[slice]:
    # float64 of all of a large project's features at once would be twice what they are.
    for begin in range(0, len(vectors), AT_ONCE):
        yield slice(begin, begin + AT_ONCE)


def _fit(values: np.ndarray, targets: np.ndarray, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias of a block, of scaled features."""
    if recipe.kind == ONE:
        classes = np.where(targets.any(axis=1), targets.argmax(axis=1) + 1, 0)
        return _fit_classes(values, classes, targets.shape[1] + 1, recipe.strength)
    weights = np.zeros((values.shape[1], targets.shape[1]))
    bias = np.zeros(targets.shape[1])
    for column in range(targets.shape[1]):
        pair, both = _fit_classes(values, targets[:, column].astype(int), 2, recipe.strength)
        weights[:, column], bias[column] = pair[:, 1] - pair[:, 0], both[1] - both[0]
    return weights, bias


def _fit_classes(
    values: np.ndarray, classes: np.ndarray, count: int, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (dimensions, count) and bias of a softmax over classes 0 to count - 1.

    A class that nobody is in gets half a person, whatever the features say.
    """
    from sklearn.linear_model import LogisticRegression

    weights = np.zeros((values.shape[1], count))
    numbers = np.bincount(classes, minlength=count)
    bias = np.log(np.maximum(numbers, 0.5) / len(classes))
    seen = np.flatnonzero(numbers)
    if len(seen) < 2:
        return weights, bias
    model = LogisticRegression(C=strength, max_iter=MOST_STEPS).fit(values, classes)
    if len(seen) == 2:
        weights[:, seen[1]] = model.coef_[0]
        bias[seen] = 0, model.intercept_[0]
    else:
        weights[:, seen] = model.coef_.T
        bias[seen] = model.intercept_
    # Over the classes that are there the shares add up to one already; on a typical person.
    unseen = numbers == 0
    bias[unseen] = np.log(0.5 / len(classes)) + np.log(np.exp(bias[seen]).sum())
    return weights, bias
