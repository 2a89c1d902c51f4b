"""Putting sprites over a background, and what can be seen of each person then."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Layer:
    """A sprite in the image.

    `sprite` is uint8 (height, width, 4) with colours multiplied by alpha; `left` and `top` are the
    image's column and row of its corner and may lie outside. Larger `depth` is nearer to the
    viewer. `person_id` is 0 for a thing.
    """

    depth: float
    person_id: int
    sprite: np.ndarray
    left: int
    top: int


@dataclass(frozen=True)
class Sighting:
    """A person in an image.

    `box` is x1, y1, x2, y2 in 0..1 around every pixel of the person inside the image, covered
    or not; `visible` is the share of the person's pixels, outside ones included, that can be seen.
    """

    box: tuple[float, float, float, float]
    visible: float


SOLID_ALPHA = 128
"""Alpha from which a pixel belongs to a sprite."""


def compose(
    background: np.ndarray, layers: list[Layer]
) -> tuple[np.ndarray, dict[int, Sighting], np.ndarray]:
    """Draw layers, farthest first, over a background of uint8 (height, width, 3).

    Returns the image, the sighting of every person with a pixel inside, and the person id that
    owns each pixel, int16 (height, width), 0 where none.
    """
    image = background.copy()
    owner = np.zeros(image.shape[:2], np.int16)
    boxes, totals = {}, {}
    for layer in sorted(layers, key=lambda layer: layer.depth):
        inside = _overlap(image.shape, layer)
        if inside is None:
            continue
        at, part = inside
        alpha = part[..., 3]
        solid = alpha >= SOLID_ALPHA
        keep = (255 - alpha.astype(np.uint16))[..., None]
        under = (image[at] * keep + 127) // 255
        image[at] = np.minimum(under + part[..., :3], 255).astype(np.uint8)
        owner[at][solid] = layer.person_id
        if layer.person_id and solid.any():
            totals[layer.person_id] = int((layer.sprite[..., 3] >= SOLID_ALPHA).sum())
            boxes[layer.person_id] = _extent(solid, at, image.shape)
    sightings = {
        person_id: Sighting(box, float((owner == person_id).sum()) / totals[person_id])
        for person_id, box in sorted(boxes.items())
    }
    return image, sightings, owner


def _overlap(shape: tuple[int, ...], layer: Layer):
    """The image's rows and columns that a layer touches, and that part of its sprite."""
    height, width = layer.sprite.shape[:2]
    top, left = max(layer.top, 0), max(layer.left, 0)
    bottom, right = min(layer.top + height, shape[0]), min(layer.left + width, shape[1])
    if top >= bottom or left >= right:
        return None
    part = layer.sprite[
        top - layer.top : bottom - layer.top, left - layer.left : right - layer.left
    ]
    return (slice(top, bottom), slice(left, right)), part


def _extent(solid: np.ndarray, at, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    return (
        (at[1].start + columns[0]) / shape[1],
        (at[0].start + rows[0]) / shape[0],
        (at[1].start + columns[-1] + 1) / shape[1],
        (at[0].start + rows[-1] + 1) / shape[0],
    )
