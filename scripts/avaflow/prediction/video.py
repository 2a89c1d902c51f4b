"""The whole of a video with everybody drawn into it, one image in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from avaflow.files import atomic_file
from avaflow.prediction.drawing import ScenePainter, drawn_size
from avaflow.prediction.scene import Scene
from avaflow.preview.video import playable
from avaflow.times import Frame
from avaflow.videos.ffmpeg import feed_ffmpeg
from avaflow.videos.frames import ClipVideo, frames_at, prefetched


def write_scene_video(
    path: Path,
    video: ClipVideo,
    scene: Scene,
    names: Mapping[int, str],
    settings: Mapping,
    told: str,
    log: Path,
) -> ScenePainter:
    """Write the video; returns what drew it.

    `settings` hold the most `width`, the `ffmpeg` to run, its `threads` and the `font`; `told`
    stands in the line below each image.
    """
    size = drawn_size(video.width, video.height, settings["width"])
    painter = ScenePainter(names, size[1], settings["font"])
    whole = (size[0], size[1] + painter.caption_px)
    with atomic_file(path) as beside:
        feed_ffmpeg(
            _images(video, scene, painter, size, told, settings["threads"]),
            playable(beside, whole, video.fps, settings["threads"]),
            settings["ffmpeg"],
            log,
            f"predictions of {video.clip}",
            path,
        )
    return painter


def _images(
    video: ClipVideo,
    scene: Scene,
    painter: ScenePainter,
    size: tuple[int, int],
    told: str,
    threads: int,
) -> Iterator[bytes]:
    import cv2

    smaller = size[0] < video.width
    # Decoded by a thread of its own, while this one draws.
    for number, image in prefetched(frames_at(video.path, range(1, video.frames + 1), threads)):
        if size != (video.width, video.height):
            how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
            image = cv2.resize(image, size, interpolation=how)
        drawn = painter.draw(image, scene.at(Frame(number)))
        second = (number - 1) / video.fps
        line = painter.caption(size[0], video.clip, f"{second:.1f} s · {told}")
        yield np.vstack([drawn, line]).tobytes()
