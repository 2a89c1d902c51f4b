"""How images come to the size that a network sees, and boxes with them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Resizing:
    """Scale an image to (width, height), then cut (left, top, right, bottom) out of that.

    All figures are pixels of the scaled image.
    """

    width: int
    height: int
    left: int
    top: int
    right: int
    bottom: int

    def image(self, image: np.ndarray) -> np.ndarray:
        """The resized image: uint8 of shape (height, width, 3), linearly interpolated."""
        import cv2

        scaled = cv2.resize(image, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        if (self.left, self.top, self.right, self.bottom) == (0, 0, self.width, self.height):
            return scaled
        return np.ascontiguousarray(scaled[self.top : self.bottom, self.left : self.right])

    def boxes_px(self, boxes: np.ndarray) -> np.ndarray:
        """Where normalised boxes (N, 4) lie on the resized image, in pixels, as float32.

        Corners that were cut off lie on the edge.
        """
        moved = np.asarray(boxes, float).reshape(-1, 4)
        moved = moved * [self.width, self.height, self.width, self.height]
        moved -= [self.left, self.top, self.left, self.top]
        limits = [self.right - self.left, self.bottom - self.top]
        return np.clip(moved, 0, limits * 2).astype(np.float32)


def resizing(width: int, height: int, mode: str, size: int | Sequence[int]) -> Resizing:
    """How an image of width x height becomes one for the network.

    `size` is the side of a square, or (width, height). `square`: of just this size whatever the
    image's shape, as the known feature extractor does. `crop`: as small as it still covers the
    size, then its middle, as PySlowFast tests on Kinetics. `whole`: as `crop`, without
    cutting anything off. The side that is longer than the size is rounded down and the cut's
    offset up, as in PySlowFast's `slowfast/datasets/transform.py`. `own`: it stays as it is.
    """
    if mode == "own":
        return Resizing(width, height, 0, 0, width, height)
    wanted_width, wanted_height = sides_of(size)
    if mode == "square":
        return Resizing(wanted_width, wanted_height, 0, 0, wanted_width, wanted_height)
    if width * wanted_height <= height * wanted_width:
        scaled_width = wanted_width
        scaled_height = max(wanted_height, math.floor(height / width * wanted_width))
    else:
        scaled_width = max(wanted_width, math.floor(width / height * wanted_height))
        scaled_height = wanted_height
    if mode == "whole":
        return Resizing(scaled_width, scaled_height, 0, 0, scaled_width, scaled_height)
    left = math.ceil((scaled_width - wanted_width) / 2)
    top = math.ceil((scaled_height - wanted_height) / 2)
    right, bottom = left + wanted_width, top + wanted_height
    return Resizing(scaled_width, scaled_height, left, top, right, bottom)


def sides_of(size: int | Sequence[int]) -> tuple[int, int]:
    """Width and height of a size: one figure is both."""
    width, height = (size, size) if isinstance(size, int) else size
    return width, height
