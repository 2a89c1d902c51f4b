"""Crops of all persons on a clip's keyframes, many to an image, and a list of where each is.

A dataset has a hundred thousand crops and more: as files of their own they would burden shared
disks, and as one image a clip no browser would open them quickly.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from avaflow.boxes import Corners
from avaflow.files import sha256
from avaflow.preview.crop_lists import IMAGE, Crop
from avaflow.preview.sights import Sight
from avaflow.times import Second

CROP_PX = 144
"""Longest side of a crop: a face or a hand is told apart, and fifty fit on a screen."""

MOST_ENLARGED = 3.0
"""A person of a few pixels is enlarged so far at most: more shows nothing more."""

MARGIN = 0.08
"""Of a box's sides, around it: what a person holds or touches often reaches out of the box."""

CROPS_AN_IMAGE = 48
"""An image of so many takes 4 MB in a browser, which keeps those on the screen only."""

IMAGE_PX = 1024
"""Width of an image of crops."""

QUALITY = 80
"""WebP quality, 0 to 100."""


def cut(image: np.ndarray, box: Corners) -> np.ndarray:
    """A person with a margin around, as large as crops are; (height, width, 3)."""
    import cv2

    height, width = image.shape[:2]
    x1, y1, x2, y2 = box
    wide, tall = MARGIN * (x2 - x1), MARGIN * (y2 - y1)
    left = min(width - 1, max(0, round((x1 - wide) * width)))
    top = min(height - 1, max(0, round((y1 - tall) * height)))
    right = max(left + 1, min(width, round((x2 + wide) * width)))
    bottom = max(top + 1, min(height, round((y2 + tall) * height)))
    part = image[top:bottom, left:right]
    scale = min(MOST_ENLARGED, CROP_PX / max(part.shape[:2]))
    size = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    return cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


@dataclass
class CropImages:
    """Puts crops into images, row by row, and writes each when it is full."""

    folder: Path
    crops: list[Crop] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    """Their checksums."""
    _rows: list[list[np.ndarray]] = field(default_factory=list)
    _count: int = 0

    def add(self, second: Second, sight: Sight, image: np.ndarray) -> None:
        """Take a person of a keyframe's image up."""
        part = cut(image, sight.box)
        height, width = part.shape[:2]
        if not self._rows or self._end() + width > IMAGE_PX:
            self._rows.append([])
        place = self._end(), (len(self._rows) - 1) * CROP_PX, width, height
        self._rows[-1].append(part)
        self._count += 1
        self.crops.append(Crop(second, sight, len(self.images), place))
        if self._count == CROPS_AN_IMAGE:
            self.finish()

    def _end(self) -> int:
        return sum(part.shape[1] for part in self._rows[-1])

    def finish(self) -> None:
        """Write the last image, if there is one."""
        from PIL import Image

        if not self._count:
            return
        widths = [sum(part.shape[1] for part in row) for row in self._rows]
        canvas = np.zeros((len(self._rows) * CROP_PX, max(widths), 3), np.uint8)
        for number, row in enumerate(self._rows):
            left = 0
            for part in row:
                top = number * CROP_PX
                canvas[top : top + part.shape[0], left : left + part.shape[1]] = part
                left += part.shape[1]
        path = self.folder / IMAGE.format(number=len(self.images))
        Image.fromarray(canvas[:, :, ::-1]).save(path, "WEBP", quality=QUALITY, method=4)
        self.images.append(sha256(path))
        self._rows, self._count = [], 0
