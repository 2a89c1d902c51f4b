"""Clips of different splits that show the same, though encoded anew, cropped, mirrored or shifted.

Two steps, the first over all pairs of clips at once, as products of matrices:

1. Where the image of one clip lies in that of the other: the means of all images of both, one of
   them cropped at many places and in several sizes, and mirrored.
2. Where such a place fits, whether the same moves there: differences of images 0.2 s apart, at all
   shifts. This alone decides. Of two clips of one static camera the background is the same, and
   persons move otherwise.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from avaflow.project.clips import SPLITS
from avaflow.tables import Duplicate
from avaflow.videos.motion import HEIGHT, SAMPLES_A_SECOND, WIDTH

STEP = 2
"""Samples between two images that are held against each other."""

NOISE = 1.0
"""Differences of so many grey levels and less are of the encoder, not of anything that moves."""

LEAST_OVERLAP = 25
"""Samples that two clips have to share at least, which are 2.5 s."""

BLOCK = 256
"""Clips of each side that are compared at once; bounds memory."""

PLACES = {1.0: 1, 0.93: 3, 0.86: 4, 0.8: 5, 0.74: 6}
"""Parts of both sides that a cropped image may show, and at how many places each way each is
looked for: they are a twentieth of a side apart."""

LEAST_SAME_PLACE = 0.7
"""Correlation of the mean images of two clips whose movements are held against each other."""

LEAST_CORRELATION = 0.55
"""Correlation of the movements of two clips that show the same: copies had 0.63 and more, other
clips of one camera 0.47 and less."""

FIT_DECIMALS = 4
"""Of correlations of mean images, where places are compared."""

WORTH_A_LOOK = 0.2
"""Correlation at a place that is only about right, below which a better one is not looked for."""

LEAST_SHARE = 0.1
"""Of all that moves in a clip, what has to move in the time that it shares with another."""

REFINING = (0.03, 0.015, 0.0075)
"""Steps, in shares of a side, by which a place is moved until both images fit best."""

MARGIN = 2
"""Pixels by which a place may lie beside the one that was looked at."""

PIECE_SECONDS, PIECE_HOP_SECONDS = 60, 50
"""Longer clips are compared piece by piece; pieces overlap, so that no shift falls between."""

SHIFT_SECONDS = 0.25
"""A shift that is worth telling."""

CROPPED = 0.95
"""Part of a side that a cropped image shows at most."""

KEPT_CLIPS = 256
"""Clips whose images are kept at hand: 0.2 MB for ten seconds."""


class Place(NamedTuple):
    """A part of an image, by its sides' share and its upper left corner in shares of the sides.

    `of_second` says that it is the second clip's image of which the part fits the first's.
    """

    part: float
    top: float
    left: float
    mirrored: bool
    of_second: bool


class Piece(NamedTuple):
    """A stretch of a clip from a sample on, and its mean image (18, 32)."""

    clip: str
    begin: int
    end: int
    still: np.ndarray


class Match(NamedTuple):
    """How two clips fit best: the correlation of what moves, and what was done to the second.

    Sample s of the first is sample s - `lag` of the second.
    """

    correlation: float
    lag: int
    place: Place


def find_duplicates(
    splits: Mapping[str, str],
    load: Callable[[str], np.ndarray],
    compared: Collection[str] = (),
    found: Iterable[Duplicate] = (),
) -> list[Duplicate]:
    """The pairs of clips of different splits that show the same, sorted.

    `splits` gives the split of each clip, `load` its images
    (:func:`avaflow.videos.motion.moving_images`). The clips of `compared` were held against each
    other before, when they had the same images and splits, and `found` are the pairs among them:
    they are not held against each other again.
    """
    used = [split for split in SPLITS if split in splits.values()]
    if len(used) < 2:
        return []
    pieces: dict[str, list[Piece]] = {split: [] for split in used}
    for clip in sorted(splits):
        pieces[splits[clip]] += pieces_of(clip, load(clip))

    @lru_cache(KEPT_CLIPS)
    def steps(clip: str) -> np.ndarray:
        return steps_of(load(clip))

    best: dict[tuple[str, str], Match] = {}
    for number, split in enumerate(used):
        for other_split in used[number + 1 :]:
            for one, other, place in _worth_comparing(
                pieces[split], pieces[other_split], frozenset(compared)
            ):
                moved = (
                    steps(one.clip)[one.begin : one.end],
                    steps(other.clip)[other.begin : other.end],
                )
                match = best_match(*moved, place)
                if place.part < 1 and match.correlation >= WORTH_A_LOOK:
                    match = best_match(*moved, refined(one.still, other.still, place))
                pair = one.clip, other.clip
                if match.correlation >= LEAST_CORRELATION and (
                    pair not in best or match > best[pair]
                ):
                    best[pair] = match._replace(lag=match.lag + one.begin - other.begin)
    new = [
        Duplicate(
            clip,
            splits[clip],
            other,
            splits[other],
            kind_of(match),
            match.lag / SAMPLES_A_SECOND,
            1 - match.correlation,
        )
        for (clip, other), match in best.items()
    ]
    return sorted([*found, *new])


def _worth_comparing(
    ones: Sequence[Piece], others: Sequence[Piece], compared: frozenset[str]
) -> Iterator[tuple[Piece, Piece, Place]]:
    """As :func:`same_places`, but for pairs of which both were compared before."""
    new, old = _parted(ones, compared)
    other_new, _ = _parted(others, compared)
    yield from same_places(new, others)
    yield from same_places(old, other_new)


def _parted(pieces: Iterable[Piece], compared: frozenset[str]) -> tuple[list[Piece], list[Piece]]:
    """Pieces of clips that are new, and of those that are not."""
    parts: tuple[list[Piece], list[Piece]] = [], []
    for piece in pieces:
        parts[piece.clip in compared].append(piece)
    return parts


def kind_of(match: Match) -> str:
    """What was done to the second of two clips, in words."""
    done = {
        "mirrored": match.place.mirrored,
        "cropped": match.place.part <= CROPPED,
        "shifted": abs(match.lag) / SAMPLES_A_SECOND > SHIFT_SECONDS,
    }
    return "+".join(name for name, is_so in done.items() if is_so) or "copy"


def pieces_of(clip: str, images: np.ndarray) -> list[Piece]:
    """A clip's pieces of at most a minute; none of a clip that is too short to tell, or still."""
    length, hop = PIECE_SECONDS * SAMPLES_A_SECOND, PIECE_HOP_SECONDS * SAMPLES_A_SECOND
    count = len(images) - STEP
    if count < LEAST_OVERLAP or not steps_of(images).any():
        return []
    pieces = []
    for begin in range(0, max(1, count - (length - hop)), hop):
        end = min(begin + length, count)
        still = images[begin:end].mean(axis=0, dtype=np.float64).astype(np.float32)
        pieces.append(Piece(clip, begin, end, still))
    return pieces


def steps_of(images: np.ndarray) -> np.ndarray:
    """What changes between images 0.2 s apart, noise taken off, as floats (T - 2, 18, 32)."""
    change = images[STEP:].astype(np.float32) - images[:-STEP]
    return np.sign(change) * np.maximum(np.abs(change) - NOISE, 0)


def places() -> Iterator[Place]:
    """All parts of images that are looked for."""
    for part, count in PLACES.items():
        corners = np.linspace(0, 1 - part, count).tolist()
        for top in corners:
            for left in corners:
                for mirrored in (False, True):
                    for of_second in (False, True) if part < 1 else (False,):
                        yield Place(part, top, left, mirrored, of_second)


def same_places(
    ones: Sequence[Piece], others: Sequence[Piece]
) -> Iterator[tuple[Piece, Piece, Place]]:
    """Pairs whose mean images fit somewhere, each with the place that fits best."""
    known = list(places())
    for i in range(0, len(ones), BLOCK):
        stills = np.stack([piece.still for piece in ones[i : i + BLOCK]])
        for j in range(0, len(others), BLOCK):
            other_stills = np.stack([piece.still for piece in others[j : j + BLOCK]])
            best = np.full((len(stills), len(other_stills)), -1, np.float32)
            which = np.zeros(best.shape, int)
            for number, place in enumerate(known):
                fits = _rows(stills, place, False) @ _rows(other_stills, place, True).T
                # How many clips are multiplied at once shows in the last digits, and of places
                # that fit alike the first is to be taken, whichever clips are compared today.
                fits = fits.round(FIT_DECIMALS)
                better = fits > best
                best[better] = fits[better]
                which[better] = number
            for one, other in np.argwhere(best >= LEAST_SAME_PLACE).tolist():
                yield ones[i + one], others[j + other], known[which[one, other]]


def _rows(stills: np.ndarray, place: Place, second: bool) -> np.ndarray:
    """Mean images of one side as rows of length 1 without their mean, the part of a place alone."""
    seen = part_of(stills, place, second).reshape(len(stills), -1)
    seen = seen - seen.mean(axis=1, keepdims=True)
    return seen / np.maximum(np.linalg.norm(seen, axis=1, keepdims=True), 1e-6)


def part_of(images: np.ndarray, place: Place, second: bool) -> np.ndarray:
    """Images (N, 18, 32) of the first or the second clip as the other shows them."""
    if second and place.mirrored:
        images = images[:, :, ::-1]
    if place.part == 1.0 or second != place.of_second:
        return images
    rows = _weights(HEIGHT, place.part, place.top)
    return rows @ images @ _weights(WIDTH, place.part, place.left).T


def refined(one: np.ndarray, other: np.ndarray, place: Place) -> Place:
    """A place moved and scaled a little, so that two mean images (18, 32) fit best."""

    def fit(moved: Place) -> float:
        rows = _rows(one[None], moved, False), _rows(other[None], moved, True)
        return float(rows[0][0] @ rows[1][0])

    best = fit(place), place
    for step in REFINING:
        part, top, left = best[1][:3]
        for size in (part - step, part, min(1 - step / 2, part + step)):
            most = 1 - size
            for y in (top - step, top, top + step):
                for x in (left - step, left, left + step):
                    corner = min(max(y, 0.0), most), min(max(x, 0.0), most)
                    moved = place._replace(part=size, top=corner[0], left=corner[1])
                    best = max(best, (fit(moved), moved))
    return best[1]


def _weights(size: int, part: float, begin: float) -> np.ndarray:
    """Matrix (size, size) that enlarges a part of a side by linear interpolation."""
    at = np.clip(((np.arange(size) + 0.5) / size * part + begin) * size - 0.5, 0, size - 1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(size)[None])).astype(np.float32)


def best_match(one: np.ndarray, other: np.ndarray, place: Place) -> Match:
    """How two clips, as steps (T, 18, 32), fit at a place and at the shift that fits best."""
    one, other = part_of(one, place, False), part_of(other, place, True)
    lag, correlation = best_lag(one, other)
    if correlation < WORTH_A_LOOK:
        return Match(correlation, lag, place)
    fits = [(_fit(one, other, near), near) for near in (lag - 1, lag, lag + 1)]
    correlation, lag = max(fits)
    return Match(correlation, lag, place)


def best_lag(one: np.ndarray, other: np.ndarray) -> tuple[int, float]:
    """The shift of most strength, and the correlation there.

    Strength is the correlation times the root of the time that both clips share.

    What fits by chance fits over a short time.
    """
    count, others = len(one), len(other)
    products = one.reshape(count, -1) @ other.reshape(others, -1).T
    # Each row moves one place further, so that columns hold the products of one shift.
    skewed = np.zeros((count, count + others), products.dtype)
    skewed[:, :others] = products[::-1]
    sums = skewed.ravel()[:-count].reshape(count, count + others - 1).sum(axis=0)
    lags = count - 1 - np.arange(count + others - 1)
    begin, end = np.maximum(0, lags), np.minimum(count, others + lags)
    energy, other_energy = (
        np.concatenate([[0], (steps.astype(np.float64) ** 2).sum(axis=(1, 2)).cumsum()])
        for steps in (one, other)
    )
    mine = energy[end] - energy[begin]
    theirs = other_energy[end - lags] - other_energy[begin - lags]
    shared = end - begin
    # A shift at which hardly anything moves fits anything.
    least = LEAST_SHARE * np.array([energy[-1], other_energy[-1]])
    most = np.sqrt(np.maximum(mine, least[0]) * np.maximum(theirs, least[1]))
    correlation = sums / np.maximum(most, 1e-6)
    best = int(np.where(shared >= LEAST_OVERLAP, correlation * shared**0.5, -1).argmax())
    return int(lags[best]), float(correlation[best])


def _fit(one: np.ndarray, other: np.ndarray, lag: int) -> float:
    """Correlation of what moves at a shift, at the best place within the margin."""
    begin, end = max(0, lag), min(len(one), len(other) + lag)
    if end - begin < LEAST_OVERLAP:
        return 0.0
    whole, part = one[begin:end], other[begin - lag : end - lag, MARGIN:-MARGIN, MARGIN:-MARGIN]
    length = float(np.linalg.norm(part))
    best = 0.0
    for y in range(2 * MARGIN + 1):
        for x in range(2 * MARGIN + 1):
            seen = whole[:, y : y + part.shape[1], x : x + part.shape[2]]
            most = float(np.linalg.norm(seen)) * length
            best = max(best, float(np.einsum("thw,thw->", seen, part)) / max(most, 1e-6))
    return best
