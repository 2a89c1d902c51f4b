"""Windows of frames: where they are centred, which frames they hold, what pads them.

Frames are counted from 0 at `in_fps`. A window of n frames centred on frame c holds
`c - step n / 2, c - step n / 2 + step, ...`, n of them, where step is in_fps / out_fps: the
range `[c - step n / 2, c + step n / 2)`. That is how the known extractor indexes
(github.com/tridivb/slowfast_feature_extractor, `VideoSet.__getitem__` in
`datasets/videoset.py`). Its code centres a window on every frame at in_fps
(`input_frames` here), its description one on every frame at out_fps (`frames`); where the
two rates are equal, as in its examples, so are the rows.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice, takewhile
from typing import Protocol

import numpy as np

from avaflow.videos.instants import Load, UnreadableVideo


@dataclass(frozen=True)
class Windows:
    """Which windows of a video are wanted; see the config's section `features`.

    `centred_on` is `frames`, `input_frames` or `keyframes`, `stride` takes every n-th of
    them from the `offset`-th on, counted from 0; `padding` is `zeros` or `repeat`.
    """

    num_frames: int = 32
    in_fps: float = 30
    out_fps: float = 15
    centred_on: str = "frames"
    stride: int = 1
    padding: str = "zeros"
    offset: int = 0

    @property
    def step(self) -> int:
        """Frames at in_fps from one frame of a window to the next."""
        return round(self.in_fps / self.out_fps)

    def first(self, centre: int) -> int:
        """The first frame of a window; below 0 where it begins before the video does."""
        return centre - self.step * self.num_frames // 2

    def last(self, centre: int) -> int:
        """The last frame of a window."""
        return self.first(centre) + self.step * (self.num_frames - 1)

    def centres(self, seconds: Sequence[int] | None = None) -> Iterator[int]:
        """The frames on which windows are centred, ascending; endless, as videos end anywhere.

        `seconds` are the keyframes, for `keyframes`; without them every whole second is one.
        """
        if self.centred_on == "keyframes":
            chosen = count(0) if seconds is None else iter(seconds)
            every = islice(chosen, self.offset, None, self.stride)
            return (round(second * self.in_fps) for second in every)
        unit = self.step if self.centred_on == "frames" else 1
        return count(self.offset * unit, self.stride * unit)

    def centres_of(self, frames: int, seconds: Sequence[int] | None = None) -> list[int]:
        """The centres in a video of so many frames at in_fps."""
        return list(takewhile(lambda centre: centre < frames, self.centres(seconds)))


@dataclass
class Window:
    """The images of one window, None where zeros stand for them."""

    centre: int
    images: list[np.ndarray | None]


class Instants(Protocol):
    """The images of a video as they come, each to be loaded only if it is wanted."""

    idle_until: float
    """Nothing is wanted before this second, so that decoding may be skipped up to it."""

    def __iter__(self) -> Iterator[tuple[int, Load]]: ...


def stream_windows(
    instants: Instants,
    windows: Windows,
    seconds: Sequence[int] | None = None,
    prepare=lambda image: image,
) -> Iterator[Window]:
    """The windows of a video, in order, from its frames as they come.

    `instants` are :class:`avaflow.videos.instants.VideoInstants` or the like; its `idle_until` is
    kept. `seconds` are the keyframes, and mean nothing to other windows. `prepare` makes of an
    image what a window holds. An image is loaded once, if some window needs it, and dropped
    after its last window: what is held at a time is the windows open at one frame, whatever
    the video's length.

    Raises UnreadableVideo where the video ends before a wanted second.
    """
    wanted = seconds if windows.centred_on == "keyframes" else None
    centres = windows.centres(wanted)
    upcoming = next(centres, None)
    pending: deque[int] = deque()
    kept: dict[int, np.ndarray] = {}
    step, length = windows.step, 0

    def made(centre: int) -> Window:
        first = windows.first(centre)
        chosen = [kept.get(first + step * index) for index in range(windows.num_frames)]
        return Window(centre, repeated(chosen) if windows.padding == "repeat" else chosen)

    for instant, load in instants:
        length = instant + 1
        while upcoming is not None and windows.first(upcoming) <= instant:
            pending.append(upcoming)
            upcoming = next(centres, None)
        if any((instant - windows.first(centre)) % step == 0 for centre in pending):
            kept[instant] = prepare(load())
        while pending and windows.last(pending[0]) <= instant:
            yield made(pending.popleft())
            oldest = windows.first(pending[0]) if pending else length
            for old in [frame for frame in kept if frame < oldest]:
                del kept[old]
        if not pending:
            if upcoming is None:
                return
            instants.idle_until = windows.first(upcoming) / windows.in_fps
    for centre in pending:
        if centre < length:
            yield made(centre)
    # Only keyframes are asked for by name; of other centres there are as many as fit.
    asked = [*pending, upcoming] if wanted is not None else []
    beyond = [centre for centre in asked if centre is not None and centre >= length]
    if beyond:
        raise UnreadableVideo(
            f"{getattr(instants, 'path', 'the video')}: expected a keyframe at "
            f"{beyond[0] / windows.in_fps:g} s, but it ends at {length / windows.in_fps:g} s"
        )


def repeated(images: list[np.ndarray | None]) -> list[np.ndarray | None]:
    """The images of a window with its nearest own image where it has none."""
    there = [index for index, image in enumerate(images) if image is not None]
    nearest = [min(max(index, there[0]), there[-1]) for index in range(len(images))]
    return [images[index] for index in nearest]
