"""Features by any network that a file or folder holds whole, without code of ours for it.

It is shown images as the config's section `features` says (size, colours, mean, deviation, order
of axes), and what it gives is the feature. Where features of persons are asked for, it is shown
each person's crop of each image of a window.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from avaflow.errors import UserError
from avaflow.features.crops import crop_px, placed, resized
from avaflow.videos.resizing import sides_of

LAYOUTS = {"tchw": (0, 1, 4, 2, 3), "cthw": (0, 4, 1, 2, 3), "chw": (0, 1, 4, 2, 3)}
"""Orders of axes that networks take behind the first, which counts windows: time, channels,
height, width; and how images (windows, time, height, width, channels) come to be so. A network
of `chw` sees one image at a time, and the mean over a window's images is the window's."""

TRIED_ROWS = 2
"""Windows of the black images that a network is tried with: a network that takes their axis for
another gives another number of features."""


class Network(Protocol):
    """A network that was read from the disk."""

    name: str
    """The path that the config names, for messages."""

    @property
    def rows(self) -> int | None:
        """The one number of windows that it can be given at a time; None for any."""

    def shape_problem(self, shape: Sequence[int]) -> str:
        """Why it cannot take an array of this shape, as far as it says so itself; else empty."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """What it gives for an array, float32; any error of its own is raised."""


class Look(NamedTuple):
    """How images are shown to a network; see the config's section `features`."""

    layout: str
    size: tuple[int, int]
    frames: int
    mean: np.ndarray
    std: np.ndarray
    box_margin: float
    box_shape: str
    batch: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one window's array, or of one image's for `chw`."""
        width, height = self.size
        if self.layout == "chw":
            return 3, height, width
        time = (self.frames, 3) if self.layout == "tchw" else (3, self.frames)
        return *time, height, width


def look_of(settings: Mapping) -> Look:
    """How the config's section `features` wants images shown."""
    return Look(
        settings["layout"],
        sides_of(settings["size"]),
        settings["num_frames"],
        np.array(settings["mean"], np.float32),
        np.array(settings["std"], np.float32),
        settings["box_margin"],
        settings["box_shape"],
        settings["batch"],
    )


class ExportedModel:
    """A network that turns windows, or persons in them, into features.

    Has what :class:`avaflow.features.network.FeatureModel` has. A network that cannot take such
    images is a UserError at once, before any video is read.
    """

    whole_images = True
    """It cuts persons out of images of their full size."""

    def __init__(self, network: Network, look: Look):
        self.network = network
        self.look = look
        rows = network.rows or TRIED_ROWS
        shape = (rows, *look.shape)
        if problem := network.shape_problem(shape):
            raise UserError(f"{self._told(shape)}: {problem}. {ADVICE}")
        self._dimensions = self._given(np.zeros(shape, np.float32)).shape[1]

    @property
    def dimensions(self) -> int:
        """Length of a feature."""
        return self._dimensions

    def features(self, images: np.ndarray, shown: np.ndarray) -> np.ndarray:
        """Features of windows, float32 of shape (windows, :attr:`dimensions`).

        `images` are uint8 of shape (windows, frames, height, width, 3); where `shown`, bool of
        shape (windows, frames), is false the network sees zeros.
        """
        values = self._normalised(images)
        values[~shown] = 0
        return self._run(values, shown)

    def roi_features(
        self, images: np.ndarray, shown: np.ndarray, boxes_px: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Features of the persons in windows, float32 of shape (boxes, :attr:`dimensions`).

        `boxes_px` holds a float array of shape (N, 4) per window, in pixels of `images`; rows of
        the result follow their order. Each box is cut out of all images of its window.
        """
        boxes = [(row, box) for row, part in enumerate(boxes_px) for box in part]
        found = [np.zeros((0, self.dimensions), np.float32)]
        for group in _groups(boxes, self.look.batch):
            rows = [row for row, _ in group]
            crops = np.stack([self._crops(images[row], shown[row], box) for row, box in group])
            found.append(self._run(crops, shown[rows]))
        return np.concatenate(found)

    def _crops(self, images: np.ndarray, shown: np.ndarray, box_px: np.ndarray) -> np.ndarray:
        """A person as the network sees it: float32 (frames, height, width, 3)."""
        look = self.look
        height, width = images.shape[1:3]
        left, top, right, bottom = crop_px(box_px, look.box_margin, width, height)
        x, y, wide, high = placed(right - left, bottom - top, look.size, look.box_shape)
        values = np.zeros((len(images), look.size[1], look.size[0], 3), np.float32)
        for index in np.flatnonzero(shown):
            crop = resized(images[index, top:bottom, left:right], wide, high)
            values[index, y : y + high, x : x + wide] = self._normalised(crop)
        return values

    def _normalised(self, images: np.ndarray) -> np.ndarray:
        values = images.astype(np.float32)
        values /= 255
        values -= self.look.mean
        values /= self.look.std
        return values

    def _run(self, values: np.ndarray, shown: np.ndarray) -> np.ndarray:
        """Features of normalised images (windows, frames, height, width, 3)."""
        arranged = values.transpose(LAYOUTS[self.look.layout])
        if self.look.layout != "chw":
            return self._in_batches(arranged)
        # Windows are padded with images that are none: they have no part in the mean.
        of_images = self._in_batches(arranged[shown])
        ends = np.cumsum(shown.sum(1))[:-1]
        return np.stack([part.mean(0) for part in np.split(of_images, ends)])

    def _in_batches(self, values: np.ndarray) -> np.ndarray:
        found = []
        for group in _groups(values, self.network.rows or self.look.batch):
            rows = len(group)
            if self.network.rows:
                filling = np.zeros((self.network.rows - rows, *group.shape[1:]), np.float32)
                group = np.concatenate([group, filling])
            found.append(self._given(np.ascontiguousarray(group))[:rows])
        return np.concatenate(found)

    def _given(self, values: np.ndarray) -> np.ndarray:
        """What the network gives, a row a window; UserError where it fails or gives no such."""
        try:
            given = np.asarray(self.network(values), np.float32)
        except Exception as error:
            # Both runtimes raise RuntimeError and more, for reasons in the network itself.
            told = str(error).strip().splitlines() or [type(error).__name__]
            raise UserError(
                f"{self._told(values.shape)}: it fails ({told[-1].strip()[:MOST_TOLD]}). {ADVICE}"
            ) from None
        if given.ndim < 2 or len(given) != len(values) or not given.size:
            raise UserError(
                f"{self._told(values.shape)}: expected {len(values)} rows of numbers, one a "
                f"window, found an array of {_by(given.shape) or 'one number'}. {ADVICE}"
            )
        if given.ndim == 3:
            return given.mean(1)
        return given.reshape(*given.shape[:2], -1).mean(2) if given.ndim > 3 else given

    def _told(self, shape: Sequence[int]) -> str:
        order = ", ".join(NAMES[letter] for letter in self.look.layout)
        return (
            f"features.weights: {self.network.name} was given {_by(shape)} numbers (windows, "
            f"{order})"
        )


NAMES = {"t": "time", "c": "channels", "h": "height", "w": "width"}

ADVICE = (
    "Set features.layout, size and num_frames to what it was exported for, or export it for these."
)

MOST_TOLD = 300
"""Characters of a runtime's own message that are shown: it may print a whole graph."""


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _groups(items, length: int) -> Iterator:
    for begin in range(0, len(items), length):
        yield items[begin : begin + length]
