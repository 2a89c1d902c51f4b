"""Appearance vectors on the disk: written and read without any model code."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from avaflow.errors import UserError
from avaflow.files import atomic_file

DIMENSIONS = 1280
"""Length of a vector: the channels of MobileNetV2's last layer."""


ARRAY = "vectors"
"""Name of the one array in an embeddings file."""


def write_vectors(path: str | Path, vectors: np.ndarray) -> None:
    """Write vectors float16 (N, 1280) as an npz; uncompressed, as noise hardly shrinks.

    numpy dates the parts of an npz 1980-01-01, so equal vectors give equal bytes.
    """
    with atomic_file(path) as temporary, open(temporary, "wb") as stream:
        np.savez(stream, vectors=np.asarray(vectors, np.float16))  # its keyword is ARRAY


def read_vectors(path: str | Path) -> np.ndarray:
    """The vectors that :func:`write_vectors` wrote; UserError for any other or a damaged file."""
    try:
        # The zip's checksum is compared on the way.
        with np.load(path, allow_pickle=False) as arrays:
            vectors = arrays[ARRAY]
        if vectors.dtype != np.float16 or vectors.ndim != 2 or vectors.shape[1] != DIMENSIONS:
            raise ValueError(f"an array {vectors.shape} of {vectors.dtype}")
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError) as error:
        raise UserError(
            f"{path}: expected {ARRAY} of {DIMENSIONS} columns, float16, found {error}. "
            "Delete the file and run again."
        ) from error
    return vectors
