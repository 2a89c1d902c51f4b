"""What moves in a clip, small enough to hold all clips against each other."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from avaflow.errors import UserError
from avaflow.files import atomic_file

SAMPLES_A_SECOND = 10
"""Images a second that are kept: who walks moves by a tenth of a second's step between them."""

WIDTH, HEIGHT = 32, 18
"""Pixels of these images, whatever the shape of the clip."""

ARRAY = "images"
"""Name of the one array in a file of them."""


def moving_images(small: np.ndarray, fps: int) -> np.ndarray:
    """Grey images (T, 18, 32) of a clip from the small ones (N, 36, 64, 3) of all its frames."""
    count = len(small) * SAMPLES_A_SECOND // fps
    chosen = small[np.arange(count) * fps // SAMPLES_A_SECOND].astype(np.float32)
    grey = chosen @ np.array([0.299, 0.587, 0.114], np.float32)
    cells = grey[:, ::2, ::2] + grey[:, 1::2, ::2] + grey[:, ::2, 1::2] + grey[:, 1::2, 1::2]
    return (cells / 4).round().astype(np.uint8)


def write_motion(path: str | Path, images: np.ndarray) -> None:
    """Write such images; equal ones give equal bytes, because numpy dates the parts 1980-01-01."""
    with atomic_file(path) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(stream, images=images)  # its keyword is ARRAY


def read_motion(path: str | Path) -> np.ndarray:
    """The images that :func:`write_motion` wrote; UserError for any other or a damaged file."""
    try:
        # The zip's checksum is compared on the way.
        with np.load(path, allow_pickle=False) as arrays:
            images = arrays[ARRAY]
        if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (HEIGHT, WIDTH):
            raise ValueError(f"an array {images.shape} of {images.dtype}")
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError) as error:
        raise UserError(
            f"{path}: expected {ARRAY} of {HEIGHT} x {WIDTH} bytes, found {error}. Delete the file "
            "and run again."
        ) from error
    return images
