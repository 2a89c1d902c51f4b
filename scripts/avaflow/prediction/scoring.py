"""Scores of persons of whom nobody said anything, by a head that was trained on others."""

from pathlib import Path

import numpy as np
import pandas as pd

from avaflow.baseline.head import Head, scores
from avaflow.errors import UserError
from avaflow.files import sha256


def array_of(manifest: str | Path, table: pd.DataFrame, persons: int) -> np.ndarray:
    """The features beside their manifest, (persons, dimensions), read as needed.

    `table` is the manifest's content. UserError for an array that is another than it says.
    """
    file, checksum = table["file"].tolist()[0], table["sha256"].tolist()[0]
    path = Path(manifest).parent / file
    if path.is_file() and sha256(path) == checksum:
        found = np.load(path, allow_pickle=False, mmap_mode="r" if persons else None)
        if len(found) == persons:
            return found
    raise UserError(
        f"{path}: this array of features is missing, or not as it was made. Delete "
        f"{Path(manifest).parent} and run again"
    )


def scored(head: Head, path: str | Path, vectors: np.ndarray, video: str) -> np.ndarray:
    """Scores of shape (N, actions); UserError, naming head and video, where they do not fit."""
    if not len(vectors):
        return np.zeros((0, len(head.names)))
    try:
        return scores(head, vectors)
    except UserError as error:
        raise UserError(f"{path}, of which {video} should be scored: {error}") from None
