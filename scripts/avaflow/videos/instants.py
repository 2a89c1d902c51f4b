"""Images at regular instants of any video file or folder of frames, streamed.

The k-th instant is second k / fps of the video (:func:`avaflow.videos.probe.second_zero`) and shows
the image that is on the screen then, so a video of any rate, also a changing one, is read
at the rate asked for. One image is held at a time, whatever the video's length.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from string import Formatter

import numpy as np

from avaflow.errors import UserError
from avaflow.listing import commas
from avaflow.videos.probe import (
    OPEN_OPTIONS,
    PACKET_CLOCKS,
    file_url,
    image_stream,
    probe,
    second_zero,
)

SLACK_SECONDS = 0.0006
"""How much later than its instant an image may begin: some files round times to 1 ms."""

LEAD_SECONDS = 1.0
"""So long before images are wanted again every image is decoded: times of packets and of
their images may differ by some images."""

Load = Callable[[], np.ndarray]
"""Gives an image when called: RGB uint8 of shape (height, width, 3). Only until the next
image is asked for."""


class UnreadableVideo(UserError):
    """A video that cannot be used: it is recorded and passed over, and others go on."""


class VideoInstants:
    """The instants of a video file; iterate once for pairs (k, load).

    `idle_until` may be set meanwhile, in seconds: before it no image is wanted, so what
    no other image depends on is not decoded. `damages` counts the places where nothing
    could be decoded; the image before is then shown on, as players do. `frames` counts
    the instants so far, and `ended` says whether there are no more.
    """

    def __init__(self, path: str | Path, fps: float, threads: int = 1):
        self.path = path
        self.fps = fps
        self.threads = threads
        self.idle_until = 0.0
        self.damages = 0
        self.frames = 0
        self.ended = False

    def __iter__(self) -> Iterator[tuple[int, Load]]:
        import av

        try:
            probe(self.path)
            with av.open(file_url(self.path), options=OPEN_OPTIONS) as container:
                for instant, load in self._instants(container):
                    self.frames = instant + 1
                    yield instant, load
            self.ended = True
        except (av.FFmpegError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UnreadableVideo(f"{self.path}: cannot be read as a video: {reason}") from error
        except UnreadableVideo:
            raise
        except UserError as error:
            raise UnreadableVideo(str(error)) from error

    def _instants(self, container) -> Iterator[tuple[int, Load]]:
        shown, instant, end = None, 0, 0.0
        for begin, shown_until, frame in self._images(container):
            if shown is not None:
                while instant / self.fps < begin - SLACK_SECONDS:
                    yield instant, shown
                    instant += 1
            shown, end = self._loader(frame), shown_until
        if shown is None:
            raise UnreadableVideo(f"{self.path}: no image of it could be decoded")
        while instant / self.fps < end - SLACK_SECONDS:
            yield instant, shown
            instant += 1

    def _images(self, container) -> Iterator[tuple[float, float, object]]:
        """Begin and end of every image, in seconds of the video, ascending."""
        import av

        stream = image_stream(container)
        codec = stream.codec_context
        codec.thread_type = "FRAME" if self.threads > 1 else "SLICE"
        codec.thread_count = self.threads
        rate = stream.average_rate or stream.guessed_rate
        usual = float(1 / rate) if rate else 1 / self.fps
        zero, last, stated = second_zero(container), None, None
        counted = container.format.name in PACKET_CLOCKS
        for packet in container.demux(stream):
            if packet.pts is not None and last is not None:
                ahead = self.idle_until - (float(packet.pts * stream.time_base) - zero)
                codec.skip_frame = "NONREF" if ahead > LEAD_SECONDS else "DEFAULT"
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                self.damages += 1
                continue
            for frame in frames:
                if frame.is_corrupt:
                    self.damages += 1
                ticks = frame.dts if counted else frame.pts
                if ticks is None:
                    begin = 0.0 if last is None else last + usual
                else:
                    time = float(ticks * stream.time_base)
                    if counted and last is None:
                        zero += time - float((stream.start_time or 0) * stream.time_base)
                    begin = time - zero
                if stated is not None and last is not None and begin <= stated:
                    begin = last + usual  # a doubled time, or one that steps back, is none
                else:
                    stated = begin
                    begin = begin if last is None else max(begin, last)
                last = begin
                length = float(frame.duration * stream.time_base) if frame.duration else usual
                yield begin, begin + length, frame

    def _loader(self, frame) -> Load:
        def load() -> np.ndarray:
            import av

            try:
                image = frame.to_ndarray(format="rgb24")
            except (av.FFmpegError, ValueError) as error:
                raise UnreadableVideo(f"{self.path}: an image cannot be used: {error}") from error
            # Phones write how far an image is to be turned, which players obey.
            turns = round(frame.rotation / 90) % 4
            return np.ascontiguousarray(np.rot90(image, turns)) if turns else image

        return load


class FolderInstants:
    """The instants of a folder of frames, one image each; iterate once for (k, load).

    `pattern` is a file name with one number in braces, such as `frame_{:010d}.jpg`. Numbers
    may begin anywhere but have no gaps: a missing image would shift all after it.
    """

    def __init__(self, folder: str | Path, pattern: str):
        self.path = folder
        self.folder = Path(folder)
        self.pattern = pattern
        self.idle_until = 0.0
        self.damages = 0
        self.frames = 0
        self.ended = False

    def __iter__(self) -> Iterator[tuple[int, Load]]:
        for instant, path in enumerate(frame_files(self.folder, self.pattern)):
            self.frames = instant + 1
            yield instant, partial(self._load, path)
        self.ended = True

    def _load(self, path: Path) -> np.ndarray:
        import cv2

        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise UnreadableVideo(f"{path}: cannot be read as an image")
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def frame_files(folder: Path, pattern: str) -> list[Path]:
    """The images of a folder in the order of their numbers.

    Raises UnreadableVideo for a folder without such files or with gaps in the numbers.
    """
    matcher = frame_matcher(pattern)
    numbers = []
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError as error:
        raise UnreadableVideo(f"{folder}: cannot be read as a folder: {error.strerror}") from error
    for name in names:
        found = matcher.fullmatch(name)
        if found and pattern.format(int(found[1])) == name:
            numbers.append(int(found[1]))
    if not numbers:
        raise UnreadableVideo(
            f"{folder}: expected images called like {pattern.format(1)} (features.frame_pattern),"
            f" found {_others(names)}"
        )
    numbers.sort()
    first, last = numbers[0], numbers[-1]
    if last - first + 1 != len(numbers):
        there = set(numbers)
        missing = [number for number in range(first, last) if number not in there]
        shown = commas([pattern.format(number) for number in missing], 3)
        raise UnreadableVideo(
            f"{folder}: {shown} missing between {pattern.format(first)} and "
            f"{pattern.format(last)}: every image after the gap would be taken for an earlier "
            "one. Write the frames anew, or number them without a gap"
        )
    return [folder / pattern.format(number) for number in numbers]


def _others(names: list[str]) -> str:
    """What lies in a folder instead, by the first name."""
    return commas(sorted(names), 1) if names else "an empty folder"


def frame_matcher(pattern: str) -> re.Pattern:
    """A pattern that finds the number in a frame's file name; ValueError for a bad one."""
    try:
        parts = list(Formatter().parse(pattern))
        pattern.format(1)
    except (ValueError, IndexError, KeyError, AttributeError) as error:
        raise ValueError(f"{pattern!r} ({error})") from error
    fields = [field for _, field, _, _ in parts if field is not None]
    if fields not in ([""], ["0"]) or "/" in pattern:
        raise ValueError(f"{pattern!r}")
    spelt = [re.escape(text) + ("" if field is None else r"(\d+)") for text, field, _, _ in parts]
    return re.compile("".join(spelt))
