"""Cuts inside a clip: the frames at which another shot begins.

All is seen on small images of every frame. Three kinds are looked for:

* a hard cut: two neighbours that do not match, however the camera moved between them;
* a fade through black or white: the image loses its contrast, and what comes back is another;
* a dissolve: for some frames each image is a mixture of what was before and what comes after.

What only looks like one is no cut: after a flash, a light that goes on or somebody who passes right
before the camera the same place is seen again; in a pan neighbours match, and what lies between
two images is not their mixture.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import ffmpeg
import numpy as np

from avaflow.times import Frame

SMALL_WIDTH, SMALL_HEIGHT = 64, 36
"""Pixels of the images on which cuts are looked for, whatever the shape of the video."""

LEAST_CHANGE = 4.0
"""Mean difference of neighbours, in grey levels, below which nothing can have been cut: two
shots differ by 20 and more."""

AFTER_SECONDS = 0.35
"""A flash, or a passer-by, is over within this; a shot that is shorter counts as one."""

BEFORE_SECONDS = (0.0, 0.07, 0.17)
"""How much before a cut images are held against those after it."""

DISSOLVE_SECONDS = (0.27, 0.4, 0.6, 0.9, 1.3, 1.8)
"""Lengths of dissolves that are looked for; each finds those from three quarters of it."""

DISSOLVE_RESIDUAL = 0.42
"""Of the way between the images at both ends of a dissolve, how far the one in its middle may lie
beside their mixture. In a pan it is 0.87; what moves within the shots makes it more than 0."""

DISSOLVE_EDGES = 0.95
"""Of the mean energy of edges at both ends, the most that a mixture has: where what is mixed has
nothing in common it is a half. What moves keeps its edges."""

DISSOLVE_CORRELATION = 0.6
"""Correlation of the coarse light and shade of both ends, at most: where only the light changes
slowly, images are mixtures of both ends as well, but what is light stays light."""

DISSOLVE_CHANGE = 10.0
"""Root of the mean square difference of both ends of a dissolve, in grey levels, at least."""

FLAT_SHARE = 0.25
"""Of the contrast on both sides, the most that is left in the middle of a fade."""

FADE_SECONDS = 2.0
"""So far from a fade's middle lie at most the images that are held against each other."""


FLAT_CONTRAST = 3.0
"""Standard deviation, in grey levels, below which an image or a part of it shows nothing."""

LEAST_ENERGY = 0.5
"""Square of grey levels that the pixels of a place have at least: noise in a flat one is no fit."""

PART_WIDTH, PART_HEIGHT = SMALL_WIDTH // 2, SMALL_HEIGHT // 2
PART_CORNERS = (
    (0, 0),
    (0, PART_WIDTH),
    (PART_HEIGHT, 0),
    (PART_HEIGHT, PART_WIDTH),
    (PART_HEIGHT // 2, PART_WIDTH // 2),
)
"""Rows and columns at which the parts begin that are looked for in another image."""

CHUNK = 1024
"""Images that are computed with at once, which bounds memory."""


class Cut(NamedTuple):
    """A place at which another shot begins.

    `frame` is the first of the new shot, in a transition the one half way; the images of neither
    shot alone are from `first` to `last`, of which there are none in a hard cut (`first` is then
    `frame`, `last` the frame before).
    """

    frame: Frame
    first: Frame
    last: Frame


def small_output(stream, path: str | Path, frames: int):
    """ffmpeg-python output of the images on which cuts are looked for, from those of a clip."""
    size = {"w": SMALL_WIDTH, "h": SMALL_HEIGHT}
    stream = stream.filter("scale", **size, flags="area").filter("format", "rgb24")
    return ffmpeg.output(
        stream, str(path), format="rawvideo", vframes=frames, fps_mode="passthrough"
    )


def images_in(path: Path) -> np.ndarray:
    """The images of a file of :func:`small_output`, (N, height, width, 3), read as needed."""
    shape = (-1, SMALL_HEIGHT, SMALL_WIDTH, 3)
    if not path.stat().st_size:
        return np.zeros((0, *shape[1:]), np.uint8)
    return np.memmap(path, np.uint8, "r").reshape(shape)


def find_cuts(images: np.ndarray, fps: float, likeness: float) -> list[Cut]:
    """The cuts in small images (N, 36, 64, 3) of all frames, in order.

    Images that are more alike than `likeness`, 0 to 1, are of one shot.
    """
    if len(images) < 3:
        return []
    looks = _Looks(images, fps, likeness)
    found: list[Cut] = []
    for cuts in (looks.fades(), looks.hard_cuts(), looks.dissolves()):
        found += [cut for cut in cuts if not any(_meet(cut, other, fps) for other in found)]
    return sorted(found)


def _meet(one: Cut, other: Cut, fps: float) -> bool:
    """Whether two cuts are so near that they are one."""
    near = AFTER_SECONDS * fps
    return one.first - near <= other.last + 1 and other.first - near <= one.last + 1


class _Looks:
    """Small images of a clip, and what is computed of all of them at once. Counts from 0."""

    def __init__(self, images: np.ndarray, fps: float, likeness: float):
        self.images, self.fps, self.likeness = images, fps, likeness
        self.count = len(images)
        parts = [_reduced(images[at : at + CHUNK]) for at in range(0, self.count, CHUNK)]
        self.cells = np.concatenate([cells for cells, _ in parts])
        self.contrast = np.concatenate([contrast for _, contrast in parts])
        self.change = np.zeros(self.count, np.float32)
        for at in range(1, self.count, CHUNK):
            both = images[at - 1 : at + CHUNK].astype(np.int16)
            steps = np.abs(np.diff(both, axis=0)).reshape(len(both) - 1, -1)
            self.change[at : at + CHUNK] = steps.mean(axis=1)
        self._seen: dict[tuple[int, int], float | None] = {}

    def one_shot(self, before: int, after: int) -> bool | None:
        """Whether two images are of one shot; None where one of them shows nothing."""
        key = (before, after)
        if key not in self._seen:
            self._seen[key] = alike(self.images[before], self.images[after])
        seen = self._seen[key]
        return None if seen is None else seen > self.likeness

    def parted(self, before: Sequence[int], after: Sequence[int]) -> bool:
        """Whether no image of one side is of the shot of any of the other side."""
        told = [
            self.one_shot(a, b)
            for a in before
            for b in after
            if 0 <= a < self.count and 0 <= b < self.count
        ]
        return False in told and True not in told

    def frames(self, *seconds: float) -> list[int]:
        """Durations as numbers of frames, each once."""
        return sorted({round(second * self.fps) for second in seconds})

    def hard_cuts(self) -> list[Cut]:
        """Where two neighbours do not match, and nothing before matches what comes soon after."""
        before = self.frames(*BEFORE_SECONDS)
        after = range(max(2, round(AFTER_SECONDS * self.fps)))
        found: list[int] = []
        for at in np.flatnonzero(self.change >= LEAST_CHANGE).tolist():
            if self.one_shot(at - 1, at) is not False:
                continue
            if not self.parted([at - 1 - step for step in before], [at + step for step in after]):
                continue
            near = found and at - found[-1] <= AFTER_SECONDS * self.fps
            if not near:
                found.append(at)
            elif self.change[at] > self.change[found[-1]]:
                found[-1] = at
        return [Cut(Frame(at + 1), Frame(at + 1), Frame(at)) for at in found]

    def fades(self) -> list[Cut]:
        """Where the image loses its contrast, and another one comes back."""
        reach = round(FADE_SECONDS * self.fps)
        before = _running_max(self.contrast, reach)
        after = _running_max(self.contrast[::-1], reach)[::-1]
        flat = self.contrast < FLAT_SHARE * np.minimum(before, after)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], flat.astype(np.int8), [0]])))
        found = []
        for begin, end in edges.reshape(-1, 2).tolist():
            first, last = begin, end - 1
            while first > max(0, begin - reach) and self.contrast[first] < 0.7 * before[begin]:
                first -= 1
            while last < min(self.count - 1, end + reach) and (
                self.contrast[last] < 0.7 * after[end - 1]
            ):
                last += 1
            more = self.frames(0.0, 0.2)
            if self.parted([first - step for step in more], [last + step for step in more]):
                middle = (begin + end) // 2
                found.append(Cut(Frame(middle + 1), Frame(first + 2), Frame(last)))
        return found

    def dissolves(self) -> list[Cut]:
        """Where each image is a mixture of one before and one after, which are of two shots."""
        found: list[tuple[float, int, int]] = []
        for half in self.frames(*(second / 2 for second in DISSOLVE_SECONDS)):
            half = max(1, half)
            strength = self._mixed(half)
            found += [(float(strength[at]), at, half) for at in _peaks(strength, half)]
        cuts: list[Cut] = []
        more = self.frames(0.0, 0.1)
        for _, at, half in sorted(found, reverse=True):
            if not self._is_mixture(at, half):
                continue
            cut = self._transition(at, half)
            before = [at - half - step for step in more]
            after = [at + half + step for step in more]
            near = any(_meet(cut, other, self.fps) for other in cuts)
            if not near and self.parted(before, after):
                cuts.append(cut)
        return cuts

    def _shares(
        self, at: np.ndarray, half: int, offset: int | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Share of the later end in images `offset` from the middle, and how far they lie beside.

        The ends lie `half` before and after the middle; both values are parts of the way
        between them.
        """
        one = self.cells[at - half]
        way = self.cells[at + half] - one
        step = self.cells[at + offset] - one
        length = np.einsum("ij,ij->i", way, way) + 1e-6
        share = np.einsum("ij,ij->i", step, way) / length
        beside = np.einsum("ij,ij->i", step, step) / length - share**2
        return share, np.sqrt(np.maximum(beside, 0))

    def _mixed(self, half: int) -> np.ndarray:
        """How clearly each image is the middle of a dissolve of `half` frames each side."""
        strength = np.zeros(self.count, np.float32)
        for begin in range(half, self.count - half, CHUNK):
            at = np.arange(begin, min(begin + CHUNK, self.count - half))
            way = self.cells[at + half] - self.cells[at - half]
            change = np.sqrt((way**2).mean(axis=1))
            share, beside = self._shares(at, half, 0)
            fits = (change > DISSOLVE_CHANGE) & (np.abs(share - 0.5) < 0.2)
            worst = beside
            if half > 1:
                early, aside = self._shares(at, half, -(half // 2))
                late, far = self._shares(at, half, half - half // 2)
                fits &= (share - early > 0.08) & (late - share > 0.08)
                worst = np.maximum(worst, np.maximum(aside, far))
            fits &= worst < DISSOLVE_RESIDUAL
            strength[at] = np.where(fits, change * (1 - worst), 0)
        return strength

    def _is_mixture(self, at: int, half: int) -> bool:
        """Whether an image is no view between two others, but both at once, seen more closely."""
        one, middle, other = (
            _means(self.images[at + step : at + step + 1], 2)[0] for step in (-half, 0, half)
        )
        way, step = other - one, middle - one
        length = float((way**2).sum()) + 1e-6
        share = float((way * step).sum()) / length
        beside = math.sqrt(max(0.0, float((step**2).sum()) / length - share**2))
        ends = (_edges(self.images[at - half]) + _edges(self.images[at + half])) / 2
        shades = [_light(self.cells[at + step].reshape(-1, 3)) for step in (-half, half)]
        shades = [shade - shade.mean() for shade in shades]
        common = float(shades[0] @ shades[1])
        most = DISSOLVE_CORRELATION * float(np.linalg.norm(shades[0]) * np.linalg.norm(shades[1]))
        return (
            beside < DISSOLVE_RESIDUAL
            and _edges(self.images[at]) < DISSOLVE_EDGES * ends
            and common < most
        )

    def _transition(self, at: int, half: int) -> Cut:
        """The cut that a dissolve around an image is."""
        near = np.arange(-half + 1, half)
        share, _ = self._shares(np.full(len(near), at), half, near)
        pure_before = np.flatnonzero(share < 0.1)
        pure_after = np.flatnonzero(share > 0.9)
        first = at + int(near[pure_before[-1]]) + 1 if len(pure_before) else at - half + 1
        last = at + int(near[pure_after[0]]) - 1 if len(pure_after) else at + half - 1
        middle = at + int(near[np.flatnonzero(share >= 0.5)[0]]) if (share >= 0.5).any() else at
        return Cut(Frame(middle + 1), Frame(min(first, middle) + 1), Frame(max(last, middle) + 1))


def _reduced(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of cells of 4 x 4 pixels as one row an image, and the contrast of the images."""
    contrast = _light(images).reshape(len(images), -1).std(axis=1)
    return _means(images, 4).reshape(len(images), -1), contrast


def _light(images: np.ndarray) -> np.ndarray:
    """Mean of the three colours; a sum is several times faster than a mean over a short axis."""
    values = images.astype(np.float32)
    return (values[..., 0] + values[..., 1] + values[..., 2]) / 3


def _means(images: np.ndarray, side: int) -> np.ndarray:
    """Images of the means of cells of `side` x `side` pixels."""
    rows = np.add.reduce([images[:, y::side].astype(np.float32) for y in range(side)])
    return np.add.reduce([rows[:, :, x::side] for x in range(side)]) / side**2


def _edges(image: np.ndarray) -> float:
    """Energy of the edges of one image."""
    light = _light(image)
    return float((np.diff(light, axis=0) ** 2).mean() + (np.diff(light, axis=1) ** 2).mean())


def _running_max(values: np.ndarray, reach: int) -> np.ndarray:
    """The greatest of each value and `reach` before it."""
    padded = np.concatenate([np.full(reach, values[0]), values])
    return np.lib.stride_tricks.sliding_window_view(padded, reach + 1).max(axis=1)


def _peaks(strength: np.ndarray, reach: int) -> list[int]:
    """Places whose strength none within reach exceeds."""
    places = np.flatnonzero(strength)
    peaks = []
    for at in places.tolist():
        if strength[at] == strength[max(0, at - reach) : at + reach + 1].max():
            peaks.append(at)
    return peaks


def alike(one: np.ndarray, other: np.ndarray) -> float | None:
    """How well parts of one small image are found again in another, 0 to 1, wherever they are.

    Light and contrast do not count. Of five parts, a quarter of the image each, the one that
    fits third best tells: somebody who passes hides the others. None where an image is flat.
    """
    if min(_spread(one), _spread(other)) < FLAT_CONTRAST:
        return None
    cells = (one[y : y + PART_HEIGHT, x : x + PART_WIDTH] for y, x in PART_CORNERS)
    parts = [part for part in cells if _spread(part) >= FLAT_CONTRAST]
    if not parts:
        return None
    fits = np.sort(best_fits(np.stack(parts), other))[::-1]
    return float(fits[min(2, len(fits) - 1)])


def best_fits(parts: np.ndarray, image: np.ndarray) -> np.ndarray:
    """For each part (N, height, width, 3) its greatest correlation with a place of the image.

    The means of each colour are taken off the part and the place, as OpenCV's matchTemplate
    does; all places are compared at once by Fourier transform.
    """
    size = parts.shape[1] * parts.shape[2]
    parts = parts.astype(np.float64)
    parts -= parts.mean(axis=(1, 2), keepdims=True)
    values = image.astype(np.float64)
    values -= values.mean(axis=(0, 1))
    shape = image.shape[:2]
    waves = np.fft.rfft2(values, shape, axes=(0, 1))
    part_waves = np.fft.rfft2(parts, shape, axes=(1, 2))
    common = np.fft.irfft2((waves * part_waves.conj()).sum(axis=3), shape, axes=(1, 2))
    rows, columns = (whole - part + 1 for whole, part in zip(shape, parts.shape[1:3], strict=True))
    sums = _window_sums(np.concatenate([values, values**2], axis=2), *parts.shape[1:3])
    energy = (sums[..., 3:] - sums[..., :3] ** 2 / size).sum(axis=2)
    most = np.sqrt(np.maximum(energy, size * LEAST_ENERGY)) * np.sqrt(
        (parts**2).sum(axis=(1, 2, 3))[:, None, None]
    )
    return (common[:, :rows, :columns] / most).max(axis=(1, 2))


def _window_sums(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Sums over all windows of this size of an image (H, W, C)."""
    padded = np.zeros((values.shape[0] + 1, values.shape[1] + 1, values.shape[2]))
    padded[1:, 1:] = values.cumsum(axis=0).cumsum(axis=1)
    upper, lower = padded[:-height], padded[height:]
    return lower[:, width:] - lower[:, :-width] - upper[:, width:] + upper[:, :-width]


def _spread(part: np.ndarray) -> float:
    """The greatest standard deviation of a colour."""
    pixels = part.reshape(-1, 3).astype(np.float32)
    means = pixels.sum(axis=0) / len(pixels)
    squares = np.einsum("ij,ij->j", pixels, pixels) / len(pixels)
    return float(np.sqrt(np.maximum(squares - means**2, 0)).max())
