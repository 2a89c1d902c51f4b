"""A short video of a clip in which boxes move with the persons, and actions show as they hold."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import ffmpeg
import numpy as np

from avaflow.files import atomic_file
from avaflow.preview.drawing import CAPTION_PX, Painter
from avaflow.preview.sights import Sights, nearest_second
from avaflow.times import Frame
from avaflow.videos.ffmpeg import feed_ffmpeg
from avaflow.videos.frames import ClipVideo, frames_at

CRF = 26
"""x264 quality: text stays legible, and 20 s of 640 x 360 take about 1 MB."""

PRESET = "veryfast"
"""x264 speed: drawing takes longer than this."""


PRECISE = "bicubic+accurate_rnd+full_chroma_int"
"""ffmpeg's scaler otherwise rounds down: greys turn a few levels darker and yellowish."""


class Part(NamedTuple):
    """The frames that are shown, both included."""

    first: Frame
    last: Frame


def part_shown(sights: Sights, video: ClipVideo, seconds: float) -> Part:
    """The part of a clip, of so many seconds, around most labels; 0 for all of it.

    It begins at a whole second, of several that are as good the first.
    """
    wanted = round(seconds * video.fps)
    if not wanted or video.frames <= wanted:
        return Part(Frame(1), Frame(video.frames))
    starts = range((video.frames - wanted) // video.fps + 1)
    best = max(starts, key=lambda start: (sights.count(start, start + seconds), -start))
    first = best * video.fps + 1
    return Part(Frame(first), Frame(first + wanted - 1))


def shown_size(video: ClipVideo, width: int) -> tuple[int, int]:
    """Width and height of the image at most `width` wide; even, as H.264 wants them.

    >>> shown_size(ClipVideo("a", "", 1, 30, 1920, 1080), 640)
    (640, 360)
    >>> shown_size(ClipVideo("a", "", 1, 30, 322, 242), 640)
    (322, 242)
    """
    scale = min(1.0, width / video.width)
    return 2 * round(video.width * scale / 2), max(2, 2 * round(video.height * scale / 2))


def write_video(
    path: Path,
    video: ClipVideo,
    sights: Sights,
    painter: Painter,
    part: Part,
    settings: Mapping,
    log: Path,
) -> None:
    """Write the video of a part of a clip, one image in memory at a time.

    `settings` hold the `width`, the `ffmpeg` to run and its `threads`.
    """
    width, height = shown_size(video, settings["width"])
    size = (width, height + CAPTION_PX)
    with atomic_file(path) as beside:
        images = _images(video, sights, painter, part, (width, height), settings["threads"])
        feed_ffmpeg(
            images,
            playable(beside, size, video.fps, settings["threads"]),
            settings["ffmpeg"],
            log,
            f"preview of clip {video.clip}",
            path,
        )


def _images(
    video: ClipVideo,
    sights: Sights,
    painter: Painter,
    part: Part,
    size: tuple[int, int],
    threads: int,
) -> Iterator[bytes]:
    import cv2

    for number, image in frames_at(video.path, range(part.first, part.last + 1), threads):
        frame = Frame(number)
        if size != (video.width, video.height):
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        drawn = painter.draw(image, sights.at(frame))
        second = (frame - 1) / video.fps
        line = painter.caption(size[0], video.clip, f"{second:.1f} s, {_told(sights, frame)}")
        yield np.vstack([drawn, line]).tobytes()


def _told(sights: Sights, frame: Frame) -> str:
    second = nearest_second(frame, sights.fps)
    if not sights.judged:
        return "not annotated yet"
    return f"keyframe {second}" if second in sights.figures else "no keyframe"


def playable(path: Path, size: tuple[int, int], fps: int, threads: int):
    """ffmpeg-python output that browsers play: H.264, 4:2:0, its head first."""
    width, height = size
    raw = ffmpeg.input(
        "pipe:", format="rawvideo", pix_fmt="bgr24", s=f"{width}x{height}", framerate=fps
    )
    return ffmpeg.output(
        raw.filter("scale", out_color_matrix="bt709", out_range="tv", flags=PRECISE)
        .filter("format", "yuv420p")
        .filter(
            "setparams",
            colorspace="bt709",
            color_primaries="bt709",
            color_trc="bt709",
            range="tv",
        ),
        str(path),
        vcodec="libx264",
        preset=PRESET,
        crf=CRF,
        g=fps,
        threads=threads,
        map_metadata=-1,
        movflags="+faststart",
        fflags="+bitexact",
        **{"flags:v": "+bitexact"},
    )
