"""Who is who in a video of any length, described and followed in stretches, one at a time.

A clip's tracker looks at all its appearance vectors at once. Those of an hour with ten persons
would take gigabytes. Here a video is followed in stretches that overlap, and a person keeps the
number where two stretches hold the same detections, or where the looks of somebody who is back
are near enough by the tracker's own `link_distance`.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from avaflow.persons.tracker import track_clip
from avaflow.tables import BOX, TRACKS, empty_table
from avaflow.times import Frame

if TYPE_CHECKING:
    from avaflow.persons.embedder import Embedder
    from avaflow.videos.frames import ClipVideo

STRETCH_SECONDS = 120
"""Length of a stretch: with ten persons and a look each sixth of a second 7,200 vectors, which
take 100 MB while they are followed."""

OVERLAP_SECONDS = 5
"""Seconds that a stretch shares with the one before: longer than somebody is lost from view in
passing another."""


class Stretch(NamedTuple):
    """Frames that are followed together, both included."""

    first: Frame
    last: Frame


def stretches(frames: int, fps: int) -> list[Stretch]:
    """The stretches of a video; the last is as long as it must be.

    >>> stretches(frames=9000, fps=30)
    [Stretch(first=1, last=3600), Stretch(first=3451, last=7050), Stretch(first=6901, last=9000)]
    """
    length, step = STRETCH_SECONDS * fps, (STRETCH_SECONDS - OVERLAP_SECONDS) * fps
    found = []
    first = 1
    while True:
        last = min(frames, first + length - 1)
        found.append(Stretch(Frame(first), Frame(last)))
        if last == frames:
            return found
        first += step


@dataclass
class _Known:
    """Everybody so far: number, mean vector (not of length 1) and how many it is the mean of."""

    means: dict[int, np.ndarray] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def add(self, number: int, vectors: np.ndarray) -> None:
        count = self.counts.get(number, 0)
        total = self.means.get(number, 0) * count + vectors.sum(axis=0)
        self.counts[number] = count + len(vectors)
        self.means[number] = total / self.counts[number]


def follow(
    detections: pd.DataFrame,
    parts: Iterable[tuple[Stretch, np.ndarray]],
    fps: int,
    stride: int,
    settings: Mapping,
    size: tuple[int, int],
    cuts: Sequence[Frame] = (),
) -> pd.DataFrame:
    """`tables.TRACKS` of a whole video.

    `parts` gives the stretches in order, each with the vectors of the detections on its frames;
    the rest is as :func:`avaflow.persons.tracker.track_clip` takes it. A video of one stretch is
    followed just as a clip is.
    """
    frames = detections["frame"].to_numpy(int)
    person = np.zeros(len(detections), int)
    known: dict[int, _Known] = {}  # by shot: nobody is followed across a cut
    total = 0
    borders = sorted(cuts)
    for stretch, vectors in parts:
        rows = np.flatnonzero((frames >= stretch.first) & (frames <= stretch.last))
        if not len(rows):
            continue
        # Counted from the stretch's own beginning, a whole second, as the tracker counts a clip.
        own_frames = detections.iloc[rows].assign(frame=frames[rows] - stretch.first + 1)
        own_cuts = [Frame(cut - stretch.first + 1) for cut in borders if cut > stretch.first]
        tracked = _numbers(own_frames, vectors, fps, stride, settings, size, own_cuts)
        directions = np.asarray(vectors, np.float32)
        numbers = _same_rows(tracked, person[rows])
        for own in np.unique(tracked):
            here = tracked == own
            shot = bisect.bisect_right(borders, int(frames[rows[here]][0]))
            everybody = known.setdefault(shot, _Known())
            if own not in numbers:
                taken = {*numbers.values(), *person[rows].tolist()}
                number = _seen_before(everybody, directions[here], taken, settings)
                if number is None:
                    total += 1
                    number = total
                numbers[own] = number
            new = here & (person[rows] == 0)
            if new.any():
                everybody.add(numbers[own], directions[new])
                person[rows[new]] = numbers[own]
    table = detections.assign(person_id=person)
    if table.empty:
        return empty_table(TRACKS)
    return _by_appearance(table)


def _numbers(table, vectors, fps, stride, settings, size, cuts) -> np.ndarray:
    """The person of each row of a stretch, counted within it."""
    tracks = track_clip(table, vectors, fps, stride, settings, size, cuts)
    keys = ["frame", *BOX, "score"]
    # A row is known by its place among equal ones: two detections may be alike to the last digit.
    ours = table[keys].assign(copy=table.groupby(keys).cumcount())
    theirs = tracks.assign(copy=tracks.groupby(keys).cumcount())
    found = ours.merge(theirs[[*keys, "copy", "person_id"]], on=[*keys, "copy"], how="left")
    return found["person_id"].to_numpy(int)


def _same_rows(tracked: np.ndarray, before: np.ndarray) -> dict[int, int]:
    """Who of a stretch is whom of the one before, by the detections that both hold."""
    shared = Counter((int(own), int(old)) for own, old in zip(tracked, before, strict=True) if old)
    numbers: dict[int, int] = {}
    for (own, old), _ in sorted(shared.items(), key=lambda one: (-one[1], one[0])):
        if own not in numbers and old not in numbers.values():
            numbers[own] = old
    return numbers


def _seen_before(known: _Known, vectors: np.ndarray, taken: set[int], settings) -> int | None:
    """Whose looks these are, of those who are not in this stretch; None for nobody's."""
    mean = vectors.mean(axis=0)
    near = [
        (1 - float(mean @ other), number)
        for number, other in known.means.items()
        if number not in taken
    ]
    best = min(near, default=None)
    return best[1] if best and best[0] <= settings["link_distance"] else None


def _by_appearance(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers from 1 by first appearance, as a clip's are; sorted by frame and number."""
    order = {number: at for at, number in enumerate(pd.unique(table["person_id"]), start=1)}
    table = table.assign(person_id=table["person_id"].map(order))
    tracks = table[list(TRACKS)].sort_values(["frame", "person_id"], kind="stable")
    return tracks.reset_index(drop=True)


def described(
    video: ClipVideo, detections: pd.DataFrame, embedder: Embedder
) -> Iterator[tuple[Stretch, np.ndarray]]:
    """The stretches of a video with the vectors of their detections, float16 (N, dimensions).

    The video is read once from its beginning to its end; only one stretch is kept.
    """
    from avaflow.persons.embedder import crop
    from avaflow.videos.frames import frames_at, prefetched

    frames = detections["frame"].to_numpy(int)
    boxes = detections[BOX].to_numpy(float)
    rows_on: dict[int, list[int]] = {}
    for row, frame in enumerate(frames.tolist()):
        rows_on.setdefault(frame, []).append(row)

    def crops() -> Iterator[tuple[int, np.ndarray]]:
        for frame, image in frames_at(video.path, sorted(rows_on)):
            for row in rows_on[frame]:
                # A copy, so that waiting crops do not keep their whole images alive.
                yield row, crop(image, boxes[row]).copy()

    at_once = embedder.batch * embedder.threads
    ahead = prefetched(crops(), depth=2 * at_once)
    kept: dict[int, np.ndarray] = {}
    for stretch in stretches(video.frames, video.fps):
        rows = np.flatnonzero((frames >= stretch.first) & (frames <= stretch.last)).tolist()
        for gone in [row for row in kept if frames[row] < stretch.first]:
            del kept[gone]
        while any(row not in kept for row in rows[-1:]):
            waiting = list(islice(ahead, at_once))
            found = embedder.embed([image for _, image in waiting]).astype(np.float16)
            kept |= {row: vector for (row, _), vector in zip(waiting, found, strict=True)}
        yield stretch, np.array([kept[row] for row in rows], np.float16)
