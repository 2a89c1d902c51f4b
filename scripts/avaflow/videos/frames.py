"""Images of a clip by frame number, streamed from our own constant-rate mp4 files.

A sequential pass with PyAV costs less than half of fetching by index and holds a few
images in memory, whatever the clip's length. Frames that nobody asked for and on
which no other frame depends are not even decoded; the images handed out are the same.
"""

import queue
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from avaflow.errors import UserError

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2"
"""The only demuxer allowed, by FFmpeg's name for it: a playlist posing as a clip is refused."""

PREFETCH = 8
"""Images decoded ahead of their use, to even out dear and cheap ones: 50 MB at 1080p."""

RATE_SLACK_FRAMES = 0.1
"""How far an image's time may lie from its frame's before the rate is not constant."""

Item = TypeVar("Item")

_REMEDY = "Delete the file and run again; if it comes back like this, check its source video."


class ClipVideo(NamedTuple):
    """A trimmed clip on the disk: its mp4 and the facts of its manifest."""

    clip: str
    path: str
    frames: int
    fps: int
    width: int
    height: int


def clip_videos(
    clips: Sequence[str], paths: Sequence[str | Path], manifests: Sequence[str | Path]
) -> list[ClipVideo]:
    """The clips of a batch, sorted by id, from mp4 files and manifests in the clips' order.

    Raises UserError where a manifest is of another clip than its place says.
    """
    from avaflow.manifests import read_clip_manifest

    videos = []
    for clip, path, source in zip(clips, paths, manifests, strict=True):
        facts = read_clip_manifest(source)
        if facts.clip != clip:
            raise UserError(
                f"{source}: expected the manifest of clip {clip!r}, found that of "
                f"{facts.clip!r}. Delete the file and run again."
            )
        videos.append(
            ClipVideo(clip, str(path), facts.frames, facts.fps, facts.width, facts.height)
        )
    return sorted(videos)


def frames_at(
    path: str | Path, frames: Sequence[int], threads: int = 1
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield ``(frame, image)`` for each wanted frame of a constant-rate clip, in order.

    `frames` are 1-based and ascending; images are uint8 of shape (height, width, 3), BGR.
    Reading stops after the last wanted frame. `threads` are those of the decoder.

    Raises UserError, naming the clip, for a file that is no mp4 video, is damaged, is not
    of constant rate, or ends before the last wanted frame; ValueError for frames that are
    not ascending from 1.
    """
    wanted = list(frames)
    if any(after <= before for before, after in zip([0, *wanted], wanted, strict=False)):
        raise ValueError("frames must be ascending and start at 1 or later")
    if not wanted:
        return
    import av

    try:
        with av.open(
            f"file:{path}",
            options={"protocol_whitelist": "file", "format_whitelist": CONTAINERS},
        ) as container:
            yield from _decode(container, path, wanted, threads)
    except (av.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path}: cannot be read as a clip: {reason}. {_REMEDY}") from error


def _decode(container, path, wanted: list[int], threads: int) -> Iterator[tuple[int, np.ndarray]]:
    if not container.streams.video:
        raise UserError(f"{path}: expected a video stream, found none. {_REMEDY}")
    stream = container.streams.video[0]
    codec = stream.codec_context
    codec.thread_type = "FRAME"
    codec.thread_count = threads
    rate, time_base = stream.average_rate, stream.time_base
    if not rate or not time_base:
        raise UserError(f"{path}: the file states no frame rate. {_REMEDY}")
    first_pts = stream.start_time or 0
    frames_per_tick = float(rate * time_base)

    open_wants = set(wanted)
    last = 0
    for packet in container.demux(stream):
        if packet.pts is not None:
            number = round((packet.pts - first_pts) * frames_per_tick) + 1
            last = max(last, number)
            # Takes effect packet by packet: a wanted frame is decoded in full, and so is
            # every frame that others refer to; only unwanted dead ends are left out.
            codec.skip_frame = "DEFAULT" if number in open_wants else "NONREF"
        for image in packet.decode():
            exact = (image.pts - first_pts) * frames_per_tick
            number = round(exact) + 1
            if number not in open_wants:
                continue
            if abs(exact - round(exact)) > RATE_SLACK_FRAMES:
                raise UserError(
                    f"{path}: expected a constant {float(rate):g} frames a second, found a frame "
                    f"{exact - round(exact):+.2f} frames off at number {number}. {_REMEDY}"
                )
            if image.is_corrupt:
                raise UserError(f"{path}: frame {number} is damaged. {_REMEDY}")
            open_wants.remove(number)
            yield number, image.to_ndarray(format="bgr24")
        if not open_wants:
            return
    missing = min(open_wants)
    if missing <= last:
        raise UserError(f"{path}: frame {missing} is missing in the video. {_REMEDY}")
    raise UserError(
        f"{path}: expected frame {wanted[-1]}, but the video ends after frame {last}. {_REMEDY}"
    )


def prefetched(items: Iterable[Item], depth: int = PREFETCH) -> Generator[Item, None, None]:
    """The same items, produced by a thread of their own up to `depth` ahead.

    Decoding then overlaps with the model that uses the images. An error of the producer
    is raised to the consumer at the item where it happened; a consumer that stops early
    (closing this generator) stops the producer too.
    """
    ahead: queue.Queue = queue.Queue(maxsize=depth)
    stop = threading.Event()

    def put(entry) -> bool:
        while not stop.is_set():
            try:
                ahead.put(entry, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def produce() -> None:
        source = iter(items)
        try:
            for item in source:
                if not put((item, None)):
                    break
            else:
                put((_END, None))
        except BaseException as error:  # handed to the consumer, which raises it
            put((_END, error))
        finally:
            if hasattr(source, "close"):
                source.close()

    producer = threading.Thread(target=produce, name="prefetch", daemon=True)
    producer.start()
    try:
        while True:
            item, error = ahead.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        stop.set()
        producer.join()


_END = object()
