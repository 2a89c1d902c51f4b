"""The head: from a person's feature to a score for each action; written and read without code.

A head is linear. It has a block for each attribute, which either scores each action by itself,
or, where an annotator chooses one, spreads one whole over the options and "none of them". What
scaled the features of training is part of the block's own numbers.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avaflow.errors import UserError
from avaflow.files import atomic_file

VERSION = 1
"""Of the file; a reader refuses others."""

EACH, ONE = "each", "one"
"""Kinds of blocks: every action by itself (logistic), or one of all, or none (softmax)."""

STANDARD, LENGTH = "standard", "length"
"""How features are scaled: every number to mean 0 and variance 1 over the persons of training; or
a person's numbers to length 1 first, and then so."""

SHORTEST = 1e-12
"""Length under which a feature counts as nothing at all, and is not divided by it."""

ABOUT = "about"
"""Name of the array with what is not a number, as UTF-8 JSON."""


@dataclass(frozen=True)
class Block:
    """The part of a head for one attribute.

    `weights` has shape (dimensions, columns), `bias` (columns,); a column is an action, in the
    order of `action_ids`; a block of :data:`ONE` has a first column for none of them. `scaling`
    and `strength` (scikit-learn's C: less holds the weights smaller) say how it was trained.
    """

    attribute: str
    action_ids: tuple[int, ...]
    kind: str
    scaling: str
    strength: float
    weights: np.ndarray
    bias: np.ndarray

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """Scores of shape (N, actions), 0 to 1."""
        return self.scores_of_prepared(prepared(vectors, self.scaling))

    def scores_of_prepared(self, values: np.ndarray) -> np.ndarray:
        """As :meth:`scores`, of what :func:`prepared` made of the features."""
        logits = values @ self.weights.astype(np.float64)
        logits += self.bias
        if self.kind == EACH:
            # Of large logits exp may be infinite, and the score is then just 0.
            with np.errstate(over="ignore"):
                return 1 / (1 + np.exp(-logits))
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (shares / shares.sum(axis=1, keepdims=True))[:, 1:]


@dataclass(frozen=True)
class Head:
    """Blocks, whose actions together are all, by id from 1.

    `thresholds` are scores by action: as many persons of training are scored above as do the
    action, each scored by a head that was trained without its clip where there was one.
    """

    names: tuple[str, ...]
    dimensions: int
    blocks: tuple[Block, ...]
    thresholds: tuple[float, ...]


def prepared(vectors: np.ndarray, scaling: str) -> np.ndarray:
    """Features of shape (N, dimensions) as float64, of length 1 for :data:`LENGTH`.

    >>> prepared(np.array([[3.0, 4.0], [0.0, 0.0]]), LENGTH).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    vectors = np.asarray(vectors, np.float64)
    if scaling == STANDARD:
        return vectors
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > SHORTEST, lengths, 1)


AT_ONCE = 8192
"""Persons scored at a time: 150 MB of float64 for SlowFast's 2304 numbers."""


def scores(head: Head, vectors: np.ndarray) -> np.ndarray:
    """Scores of shape (N, actions), 0 to 1, a column an action by its id from 1.

    UserError for features of another length than those that the head was trained on.
    """
    if vectors.ndim != 2 or vectors.shape[1] != head.dimensions:
        raise UserError(
            f"the head was trained on features of {head.dimensions} numbers, and these are "
            f"{' x '.join(map(str, vectors.shape))}: make features with the weights and the layer "
            "that it was trained on, or train it again"
        )
    found = np.zeros((len(vectors), len(head.names)))
    for begin in range(0, len(vectors), AT_ONCE):
        part = slice(begin, begin + AT_ONCE)
        for block in head.blocks:
            found[part, np.array(block.action_ids) - 1] = block.scores(vectors[part])
    return found


def write_head(path: str | Path, head: Head, made_from: Mapping[str, Any]) -> None:
    """Write a head as an npz without pickles; equal heads give equal bytes.

    `made_from` is told in the file, for people: what it was trained on.
    """
    about = {
        "version": VERSION,
        "names": head.names,
        "dimensions": head.dimensions,
        "thresholds": head.thresholds,
        "blocks": [
            {
                "attribute": block.attribute,
                "action_ids": block.action_ids,
                "kind": block.kind,
                "scaling": block.scaling,
                "strength": block.strength,
            }
            for block in head.blocks
        ],
        "made_from": dict(made_from),
    }
    text = json.dumps(about, ensure_ascii=False, sort_keys=True)
    arrays = {ABOUT: np.frombuffer(text.encode(), np.uint8)}
    for number, block in enumerate(head.blocks):
        arrays[f"weights_{number}"] = block.weights.astype("<f4")
        arrays[f"bias_{number}"] = block.bias.astype("<f4")
    # numpy dates the parts of an npz 1980-01-01.
    with atomic_file(path) as temporary, open(temporary, "wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def load_head(path: str | Path) -> Head:
    """A head that :func:`write_head` wrote; UserError for any other file, or a damaged one."""
    try:
        # The zip's checksums are compared on the way.
        with np.load(path, allow_pickle=False) as arrays:
            about = json.loads(arrays[ABOUT].tobytes())
            if about["version"] != VERSION:
                raise ValueError(f"version {about['version']}, this avaflow reads {VERSION}")
            blocks = [
                _block(told, arrays[f"weights_{number}"], arrays[f"bias_{number}"], about)
                for number, told in enumerate(about["blocks"])
            ]
        names, thresholds = tuple(map(str, about["names"])), about["thresholds"]
        ids = sorted(one for block in blocks for one in block.action_ids)
        if ids != list(range(1, len(names) + 1)) or len(thresholds) != len(names):
            raise ValueError(f"{len(names)} names, {len(thresholds)} thresholds, actions {ids}")
        return Head(
            names, int(about["dimensions"]), tuple(blocks), tuple(float(t) for t in thresholds)
        )
    except (
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        ValueError,
        TypeError,
        EOFError,
        AttributeError,
        IndexError,
    ) as error:
        raise UserError(
            f"{path}: expected a head as `snakemake baseline` writes it, found {error}. Delete the "
            "file and run again"
        ) from error


def _block(told: Mapping, weights: np.ndarray, bias: np.ndarray, about: Mapping) -> Block:
    ids = tuple(int(one) for one in told["action_ids"])
    if told["kind"] not in (EACH, ONE) or told["scaling"] not in (STANDARD, LENGTH):
        raise ValueError(f"a block {told['kind']!r} of features scaled {told['scaling']!r}")
    columns = len(ids) + (told["kind"] == ONE)
    expected = (int(about["dimensions"]), columns)
    for array, shape in ((weights, expected), (bias, (columns,))):
        if array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
            raise ValueError(f"an array {array.shape} of {array.dtype}, not {shape} of float32")
    return Block(
        str(told["attribute"]),
        ids,
        told["kind"],
        told["scaling"],
        float(told["strength"]),
        weights,
        bias,
    )
