"""How images come to the size that a network sees, and boxes with them."""

import math
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


def resizing(width: int, height: int, mode: str, size: int) -> Resizing:
    """How an image of width x height becomes one for the network.

    `square`: size x size whatever the image's shape, as the known feature extractor does.
    `crop`: the short side becomes `size`, then the middle size x size is kept, as PySlowFast
    tests on Kinetics. `whole`: as `crop`, without cutting anything off. The long side
    is rounded down and the cut's offset up, as in PySlowFast's `slowfast/datasets/transform.py`.
    """
    if mode == "square":
        return Resizing(size, size, 0, 0, size, size)
    short = min(width, height)
    scaled_width = size if width == short else math.floor(width / height * size)
    scaled_height = size if height == short else math.floor(height / width * size)
    if mode == "whole":
        return Resizing(scaled_width, scaled_height, 0, 0, scaled_width, scaled_height)
    left = math.ceil((scaled_width - size) / 2)
    top = math.ceil((scaled_height - size) / 2)
    return Resizing(scaled_width, scaled_height, left, top, left + size, top + size)
