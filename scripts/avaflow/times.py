"""Seconds, frames and timestamps: the three ways to name an instant of a clip.

* second: time from the start of the clip, in seconds;
* frame: 1-based index in the clip's constant-rate video, as in ``img_00001.jpg``;
* timestamp: the integer second as written into a dataset file, offset included.

All are whole numbers, so each has a type of its own: a checker then tells them apart, and at
run time they are plain integers. Times that need not be whole are floats, named `..._s`,
`start`, `end` or `duration`, in seconds.
"""

import math
import re
from typing import NamedTuple, NewType

Second = NewType("Second", int)
"""A whole second from the start of a clip, from 0."""

Frame = NewType("Frame", int)
"""A frame of a clip's constant-rate video, from 1."""

Timestamp = NewType("Timestamp", int)
"""A whole second as a dataset file writes it: a :data:`Second` and the format's offset."""

READER_REACH_FRAMES = 32
"""Frames a reader takes on each side of a keyframe: clip_len 32, frame_interval 2."""

_CLOCK = re.compile(r"^(?:(?P<h>\d+):)?(?P<m>\d{1,2}):(?P<s>\d{1,2}(?:\.\d+)?)$")
_SECONDS = re.compile(r"^\d+(?:\.\d+)?$|^\.\d+$")


class Moment(NamedTuple):
    """A keyframe as annotators know it."""

    clip: str
    second: Second


class Instant(NamedTuple):
    """A keyframe as dataset files name it."""

    clip: str
    timestamp: Timestamp


def parse_time(text: str) -> float:
    """Seconds from ``12``, ``12.5``, ``MM:SS``, ``HH:MM:SS`` or ``HH:MM:SS.mmm``.

    Raises ValueError, with what was expected, for anything else.

    >>> parse_time("1:02:03.5")
    3723.5
    >>> parse_time("90s")
    Traceback (most recent call last):
    ValueError: expected seconds or HH:MM:SS.mmm, found '90s'
    """
    text = text.strip()
    if _SECONDS.match(text):
        return float(text)
    clock = _CLOCK.match(text)
    if clock and float(clock["s"]) < 60 and (clock["h"] is None or int(clock["m"]) < 60):
        return int(clock["h"] or 0) * 3600 + int(clock["m"]) * 60 + float(clock["s"])
    raise ValueError(f"expected seconds or HH:MM:SS.mmm, found {text!r}")


def frame_of_second(second: Second, fps: int) -> Frame:
    """The 1-based frame shown at a whole second of a clip.

    >>> frame_of_second(Second(2), fps=30)
    61
    """
    return Frame(fps * second + 1)


def timestamp_of_second(second: Second, offset: int) -> Timestamp:
    """The timestamp that dataset files carry for a whole second of a clip.

    >>> timestamp_of_second(Second(2), offset=900)
    902
    """
    return Timestamp(second + offset)


def second_of_timestamp(timestamp: Timestamp, offset: int) -> Second:
    """The whole second of a clip that a timestamp of a dataset file stands for.

    >>> second_of_timestamp(Timestamp(902), offset=900)
    2
    """
    return Second(timestamp - offset)


def annotatable_seconds(frames: int, fps: int, margin: int) -> list[Second]:
    """The whole seconds of a clip that are annotated and trained on.

    `margin` seconds are kept free at both ends, and a reader's window of
    :data:`READER_REACH_FRAMES` frames each side has to fit into the clip.

    >>> annotatable_seconds(frames=180, fps=30, margin=2)
    [2, 3, 4]
    >>> annotatable_seconds(frames=119, fps=30, margin=2)
    []
    """
    last = math.floor(frames / fps - margin + 1e-9)
    return [
        Second(second)
        for second in range(margin, last + 1)
        if fps * second + READER_REACH_FRAMES <= frames and fps * second >= READER_REACH_FRAMES
    ]


def detection_frames(frames: int, fps: int, stride: int) -> list[Frame]:
    """The frames a detector looks at: every `stride`-th of each second, from its first.

    Counting starts anew at each whole second, so keyframes are always among them.

    >>> detection_frames(frames=62, fps=30, stride=20)
    [1, 21, 31, 51, 61]
    """
    return [Frame(frame) for frame in range(1, frames + 1) if (frame - 1) % fps % stride == 0]
