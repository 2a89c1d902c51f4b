"""A person's crop: what of an image a network sees that looks at one person at a time."""

import math
from collections.abc import Sequence

import numpy as np

SHAPES = ("padded", "stretched")
"""How a crop comes to the network's size: by its longer side, the rest being padding, so that
people keep their proportions; or by both sides."""


def crop_px(
    box_px: Sequence[float] | np.ndarray, margin: float, width: int, height: int
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a person's crop, in whole pixels of an image.

    `margin` is the share of the box's width and height that is added on each side. What would
    lie outside the image of `width` x `height` is left off; at least one pixel remains.
    """
    x1, y1, x2, y2 = (float(value) for value in box_px)
    aside, above = margin * (x2 - x1), margin * (y2 - y1)
    left = min(max(round(x1 - aside), 0), width - 1)
    top = min(max(round(y1 - above), 0), height - 1)
    right = max(min(round(x2 + aside), width), left + 1)
    bottom = max(min(round(y2 + above), height), top + 1)
    return left, top, right, bottom


def placed(width: int, height: int, size: tuple[int, int], shape: str) -> tuple[int, int, int, int]:
    """Where a crop of width x height lies in a network's image: left, top, its width and height.

    `size` is the width and height of that image, `shape` one of :data:`SHAPES`.
    """
    if shape == "stretched":
        return 0, 0, size[0], size[1]
    scale = min(size[0] / width, size[1] / height)
    wide = min(max(math.floor(width * scale + 0.5), 1), size[0])
    high = min(max(math.floor(height * scale + 0.5), 1), size[1])
    return (size[0] - wide) // 2, (size[1] - high) // 2, wide, high


def resized(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """An image, uint8 (H, W, 3), of another size; every pixel counts where it is made smaller."""
    import cv2

    smaller = image.shape[0] >= height and image.shape[1] >= width
    by = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=by)
