"""Appearance vectors on the disk: written and read without any model code."""

import zipfile
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
        np.savez(stream, **{ARRAY: np.asarray(vectors, np.float16)})


def read_vectors(path: str | Path, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Rows `start` to `stop` of the vectors that :func:`write_vectors` wrote.

    Only these rows are held in memory: a batch may have hundreds of clips, and tracking
    one of them needs a few of its rows. Raises UserError for any other file.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{ARRAY}.npy") as stream:
            version = np.lib.format.read_magic(stream)
            read_header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, fortran, kind = read_header(stream)
            if fortran or kind != np.float16 or len(shape) != 2 or shape[1] != DIMENSIONS:
                raise ValueError(f"an array {shape} of {kind}")
            first, last, _ = slice(start, stop).indices(shape[0])
            row_bytes = DIMENSIONS * kind.itemsize
            stream.seek(first * row_bytes, 1)
            count = max(0, last - first)
            content = stream.read(count * row_bytes)
            if len(content) < count * row_bytes:
                raise ValueError("fewer rows than its header says")
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise UserError(
            f"{path}: expected {ARRAY} of {DIMENSIONS} columns, float16, found {error}. "
            "Delete the file and run again."
        ) from error
    return np.frombuffer(content, np.float16).reshape(count, DIMENSIONS)
