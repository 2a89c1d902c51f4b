"""Seconds, frames and timestamps: the three ways to name an instant of a clip.

* second: time from the start of the clip, in seconds;
* frame: 1-based index in the clip's constant-rate video, as in ``img_00001.jpg``;
* timestamp: the integer second as written into a dataset file, offset included.
"""

import math
import re

READER_REACH_FRAMES = 32
"""Frames a reader takes on each side of a keyframe: clip_len 32, frame_interval 2."""

_CLOCK = re.compile(r"^(?:(?P<h>\d+):)?(?P<m>\d{1,2}):(?P<s>\d{1,2}(?:\.\d+)?)$")
_SECONDS = re.compile(r"^\d+(?:\.\d+)?$|^\.\d+$")


def parse_time(text: str) -> float:
    """Seconds from ``12``, ``12.5``, ``MM:SS``, ``HH:MM:SS`` or ``HH:MM:SS.mmm``.

    Raises ValueError, with what was expected, for anything else.
    """
    text = text.strip()
    if _SECONDS.match(text):
        return float(text)
    clock = _CLOCK.match(text)
    if clock and float(clock["s"]) < 60 and (clock["h"] is None or int(clock["m"]) < 60):
        return int(clock["h"] or 0) * 3600 + int(clock["m"]) * 60 + float(clock["s"])
    raise ValueError(f"expected seconds or HH:MM:SS.mmm, found {text!r}")


def frame_of_second(second: int, fps: int) -> int:
    """The 1-based frame shown at a whole second of a clip."""
    return fps * second + 1


def timestamp_of_second(second: int, offset: int) -> int:
    """The timestamp that dataset files carry for a whole second of a clip."""
    return second + offset


def annotatable_seconds(frames: int, fps: int, margin: int) -> list[int]:
    """The whole seconds of a clip that are annotated and trained on.

    `margin` seconds are kept free at both ends, and a reader's window of
    :data:`READER_REACH_FRAMES` frames each side has to fit into the clip.
    """
    last = math.floor(frames / fps - margin + 1e-9)
    return [
        second
        for second in range(margin, last + 1)
        if fps * second + READER_REACH_FRAMES <= frames and fps * second >= READER_REACH_FRAMES
    ]


def detection_frames(frames: int, fps: int, stride: int) -> list[int]:
    """The frames a detector looks at: every `stride`-th of each second, from its first.

    Counting starts anew at each whole second, so keyframes are always among them.
    """
    return [frame for frame in range(1, frames + 1) if (frame - 1) % fps % stride == 0]
