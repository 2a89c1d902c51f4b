"""Boxes: float arrays of shape (N, 4), columns ``x1, y1, x2, y2``, normalised to 0..1."""

import numpy as np

Corners = tuple[float, float, float, float]
"""One box as ``x1, y1, x2, y2``, in 0..1 unless the name says `_px`."""

SidesPx = tuple[float, float, float, float]
"""One box as ``x, y, width, height`` in pixels, as annotation tools save it."""


def clip_to_image(boxes: np.ndarray) -> np.ndarray:
    """Boxes with every coordinate inside [0, 1].

    >>> clip_to_image(np.array([[-0.25, 0.5, 0.5, 1.5]])).tolist()
    [[0.0, 0.5, 0.5, 1.0]]
    """
    return np.clip(boxes, 0.0, 1.0)


def areas(boxes: np.ndarray) -> np.ndarray:
    """Areas of shape (N,), 0 for a box whose right side is left of its left side.

    >>> areas(np.array([[0.0, 0.0, 0.5, 0.5], [0.5, 0.0, 0.25, 1.0]])).tolist()
    [0.25, 0.0]
    """
    sides = np.clip(boxes[:, 2:4] - boxes[:, 0:2], 0.0, None)
    return sides[:, 0] * sides[:, 1]


def iou_matrix(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Intersection over union of every pair: shape (len(left), len(right)), values 0..1.

    >>> half, whole = [0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 1.0, 1.0]
    >>> iou_matrix(np.array([half, whole]), np.array([whole])).tolist()
    [[0.5], [1.0]]
    """
    left = np.asarray(left, float).reshape(-1, 4)
    right = np.asarray(right, float).reshape(-1, 4)
    upper_left = np.maximum(left[:, None, :2], right[None, :, :2])
    lower_right = np.minimum(left[:, None, 2:], right[None, :, 2:])
    sides = np.clip(lower_right - upper_left, 0.0, None)
    shared = sides[..., 0] * sides[..., 1]
    union = areas(left)[:, None] + areas(right)[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def iou_of_pairs(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes row by row, shape (N,), values 0..1.

    >>> iou_of_pairs(np.array([[0.0, 0.0, 0.5, 1.0]]), np.array([[0.0, 0.0, 1.0, 1.0]])).tolist()
    [0.5]
    """
    sides = np.minimum(left[:, 2:], right[:, 2:]) - np.maximum(left[:, :2], right[:, :2])
    shared = np.clip(sides, 0.0, None).prod(axis=1)
    union = areas(left) + areas(right) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
