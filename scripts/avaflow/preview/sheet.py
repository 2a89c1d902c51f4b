"""A contact sheet: the keyframes of a clip side by side, with what is said of everybody."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avaflow.files import write_bytes
from avaflow.preview.drawing import CAPTION_PX, Painter
from avaflow.preview.sights import Sight, Sights
from avaflow.times import Second

MOST_TILES = 60
"""Keyframes on a sheet: of longer clips this many, evenly spread, so that an image viewer opens
it and a person looks at all of it."""

COLUMNS = 3
"""Tiles side by side."""

TILE_PX = 480
"""Width of a tile: text above boxes is legible."""

TALLEST_TILE = 1.6
"""Height of a tile as a share of its width at most: of upright clips the tiles are narrower."""

GAP_PX = 8
GROUND = (30, 24, 20)
"""Between tiles, BGR."""

QUALITY = 85
"""JPEG quality, 0 to 100."""


def shown_seconds(seconds: Sequence[Second]) -> list[Second]:
    """The keyframes on a sheet: all, or so many evenly spread, first and last among them."""
    if len(seconds) <= MOST_TILES:
        return list(seconds)
    step = (len(seconds) - 1) / (MOST_TILES - 1)
    return [seconds[round(number * step)] for number in range(MOST_TILES)]


class Sheet:
    """Collects tiles, each small, so that full images need not be kept."""

    def __init__(self, clip: str, size: tuple[int, int], seconds: Sequence[Second]):
        width, height = size
        self.clip = clip
        self.seconds = shown_seconds(seconds)
        self.of = len(seconds)
        scale = min(TILE_PX / width, TALLEST_TILE * TILE_PX / height)
        self._size = max(1, round(width * scale)), max(1, round(height * scale))
        self._tiles: list[np.ndarray] = []

    def add(self, second: Second, image: np.ndarray, sights: list[Sight], painter: Painter) -> None:
        """Take a keyframe's image up, if it is one of those that are shown."""
        import cv2

        if second not in self.seconds:
            return
        shrinks = self._size[0] < image.shape[1]
        small = cv2.resize(
            image, self._size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        )
        said = f"second {second}"
        tile = [painter.draw(small, sights), painter.caption(self._size[0], said)]
        self._tiles.append(np.vstack(tile))

    def write(self, path: Path, painter: Painter, told: str) -> None:
        """Write the sheet as JPEG; `told` is said in its head."""
        import cv2

        columns = max(1, min(COLUMNS, len(self._tiles)))
        rows = math.ceil(len(self._tiles) / columns)
        width, height = self._size[0], self._size[1] + CAPTION_PX
        canvas = np.full(
            (CAPTION_PX + rows * (height + GAP_PX), columns * (width + GAP_PX) - GAP_PX, 3),
            GROUND,
            np.uint8,
        )
        shown = (
            "" if len(self.seconds) == self.of else f"{len(self.seconds)} of {self.of} keyframes"
        )
        head = ", ".join(filter(None, [told, shown]))
        canvas[:CAPTION_PX] = painter.caption(canvas.shape[1], self.clip, head)
        for number, tile in enumerate(self._tiles):
            row, column = divmod(number, columns)
            top, left = CAPTION_PX + GAP_PX + row * (height + GAP_PX), column * (width + GAP_PX)
            canvas[top : top + height, left : left + width] = tile
        _, content = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        write_bytes(path, content.tobytes())


def told_of(sights: Sights) -> str:
    """What the head of a sheet says."""
    if not sights.judged:
        return "not annotated yet"
    ticks = sights.count(-math.inf, math.inf)
    return f"{ticks} labels on {len(sights.seconds)} keyframes"
