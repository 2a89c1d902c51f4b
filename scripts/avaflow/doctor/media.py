"""Frames and videos: whether readers can decode them, and find in them what labels speak of.

All folders are counted; of images and videos a sample is decoded, which sizes bound beforehand.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from avaflow.doctor.findings import Findings
from avaflow.doctor.layout import Images, Layout
from avaflow.doctor.texts import head_of
from avaflow.videos.probe import OPEN_OPTIONS

SAMPLED_FOLDERS = 60
"""Folders of which images are decoded, spread over all: the first and the last of each."""

SAMPLED_VIDEOS = 30
"""Videos of which a first and a last image is decoded, spread over all."""

MOST_HEADERS = 3000
"""Videos of which the header is read, spread over all: some 10 s; others only have to be there."""

MOST_PIXELS = 100_000_000
"""Pixels of an image that is decoded: 8K has 33 million, and a bomb has thousands of millions."""

FPS = 30
"""Frames a second that mmaction2's configs and PySlowFast count."""

FEW_FRAMES = 2
"""So many frames by themselves are no clip's."""

HEADER_BYTES = 400_000
"""Of an image that is searched for its size: a photograph's notes come before it."""

SIZE_MARKERS = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
"""Markers of a JPEG that begin the part with its size."""


@dataclass(frozen=True)
class Video:
    """What a video's header says."""

    path: Path
    frames: int
    fps: float
    width: int
    height: int


@dataclass
class Media:
    """What is known of clips: numbers of frames, folders of frames, headers of videos, all by clip;
    the names of all videos, and AlphAction's segments."""

    frames: dict[str, int] = field(default_factory=dict)
    folders: dict[str, Images] = field(default_factory=dict)
    videos: dict[str, Video] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    segments: list[Path] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether the dataset holds media at all."""
        return bool(self.folders or self.names)


def image_size(path: Path) -> tuple[int, int] | None:
    """Width and height as an image's header says; None where it says none."""
    head = head_of(path, HEADER_BYTES)
    if head.startswith(b"\x89PNG") and len(head) > 24:
        width, height = struct.unpack(">II", head[16:24])
        return width, height
    at = 2
    while head.startswith(b"\xff\xd8") and at + 9 < len(head):
        if head[at] != 0xFF:
            return None
        marker, length = head[at + 1], struct.unpack(">H", head[at + 2 : at + 4])[0]
        if marker in SIZE_MARKERS:
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None


def decode_problem(path: Path) -> str:
    """Why an image cannot be decoded; empty where it can."""
    import av

    size = image_size(path)
    if size is None:
        return "no JPEG or PNG"
    kind = "png_pipe" if path.suffix.lower() == ".png" else "jpeg_pipe"
    with open(path, "rb") as stream:
        stream.seek(max(0, path.stat().st_size - 64))
        if kind == "jpeg_pipe" and b"\xff\xd9" not in stream.read():
            return "cut short"
    try:
        with av.open(str(path), format=kind, options={"protocol_whitelist": "file"}) as found:
            next(found.decode(video=0))
    except (av.FFmpegError, StopIteration, OSError, ValueError) as error:
        return str(error).split(":")[0] or "not decoded"
    return ""


def too_large(size: tuple[int, int] | None) -> bool:
    """Whether an image's header asks for more pixels than any dataset has."""
    return size is not None and size[0] * size[1] > MOST_PIXELS


def spread(items: Sequence, most: int) -> list:
    """At most so many items, spread evenly."""
    if len(items) <= most:
        return list(items)
    return [items[index * len(items) // most] for index in range(most)]


def is_segment(path: Path) -> bool:
    """Whether a video is one second of a movie, as AlphAction names them."""
    return re.fullmatch(r"\d{1,9}", path.stem) is not None


def look_at_media(layout: Layout, labelled: Collection[str], findings: Findings) -> Media:
    """Count and sample all media; videos of `labelled` clips have to have 30 frames a second."""
    media = Media()
    for folder, images in sorted(layout.images.items()):
        if images.first in (0, 1) and images.count > FEW_FRAMES:
            clip = folder.name
            media.folders.setdefault(clip, images)
            media.frames[clip] = images.count
            gone = images.last - images.first + 1 - images.count
            if gone > 0:
                what = f"{images.last - images.first + 1} by the names, {images.count} are there"
                findings.add("X02", layout.name(folder) + "/", what, count=gone)
    _sample_images(layout, findings)
    whole = [path for path in layout.of("video") if not is_segment(path)]
    media.segments = [path for path in layout.of("video") if is_segment(path)]
    media.names = {path.stem for path in whole}
    sampled = set(spread(whole, SAMPLED_VIDEOS))
    for path in sorted({*spread(whole, MOST_HEADERS), *sampled}):
        name = layout.name(path)
        found = look_at_video(path, name, path in sampled, findings)
        if found is not None:
            media.videos.setdefault(path.stem, found)
            if path.stem in labelled and not _counts(found.fps, FPS):
                findings.add("X06", name, f"{found.fps:g} frames a second")
    for clip, video in media.videos.items():
        if clip not in media.frames:
            media.frames[clip] = video.frames
        _compare(video, media.folders.get(clip), layout, findings)
    return media


def _sample_images(layout: Layout, findings: Findings) -> None:
    folders = [images for _, images in sorted(layout.images.items())]
    for images in spread(folders, SAMPLED_FOLDERS):
        entries = sorted(path for path in images.folder.iterdir() if path.suffix.lower() in
                         {".jpg", ".jpeg", ".png"})  # fmt: skip
        sizes: dict[tuple[int, int], Path] = {}
        mixed = images.first not in (0, 1)
        for path in dict.fromkeys([entries[0], entries[len(entries) // 2], entries[-1]]):
            size = image_size(path)
            if too_large(size):
                findings.add("X08", layout.name(path), f"{size[0]} x {size[1]}" if size else "")
                continue
            problem = decode_problem(path)
            if problem:
                findings.add("X01", layout.name(path), problem)
            elif size:
                sizes.setdefault(size, path)
        if len(sizes) > 1 and not mixed:
            told = ", ".join(f"{path.name} {w}x{h}" for (w, h), path in sizes.items())
            findings.add("X04", layout.name(images.folder) + "/", told)


def look_at_video(path: Path, name: str, decoded: bool, findings: Findings) -> Video | None:
    """A video's header; with `decoded` its first and last images are decoded too."""
    import av

    if not path.is_file():
        findings.add("F05", name, "not a plain file")
        return None
    try:
        with av.open(str(path), options=OPEN_OPTIONS) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            if too_large((context.width, context.height)):
                findings.add("X08", name, f"{context.width} x {context.height}")
                return None
            rate = float(stream.average_rate or 0)
            frames = stream.frames or round(float(container.duration or 0) / 1e6 * rate)
            if decoded:
                next(container.decode(stream))
                if stream.duration:
                    container.seek(max(0, stream.duration - 1), stream=stream)
                    for _ in container.decode(stream):
                        pass
    except (av.FFmpegError, StopIteration, OSError, ValueError, IndexError) as error:
        findings.add("X05", name, str(error).split(":")[0] or type(error).__name__)
        return None
    return Video(path, frames, rate, context.width, context.height)


def _counts(fps: float, expected: int) -> bool:
    """Whether a rate is the expected one, as headers round it."""
    return abs(fps - expected) <= 0.01


def _compare(video: Video, images: Images | None, layout: Layout, findings: Findings) -> None:
    """A clip against the frames that were extracted from it."""
    if images is None:
        return
    name = layout.name(images.folder) + "/"
    whole = images.last - images.first + 1
    # Frames of a video of another rate are not its own.
    if whole != video.frames and _counts(video.fps, FPS):
        findings.add("X03", name, f"{whole} images, the video has {video.frames} frames")
    size = image_size(images.folder / images.example)
    if size is not None and not too_large(size) and size != (video.width, video.height):
        what = f"images {size[0]}x{size[1]}, the video {video.width}x{video.height}"
        findings.add("X04", name, what)


def check_labelled_media(
    clips: Mapping[str, Collection[str]], media: Media, findings: Findings
) -> None:
    """Labelled clips without media, by the csv that names them; where there are media at all."""
    if not media.any:
        return
    for name, own in clips.items():
        gone = sorted(set(own) - set(media.folders) - media.names)
        if gone:
            findings.add("X07", name, f"clip {gone[0]}", count=len(gone))
