"""ffmpeg's inputs, filters and outputs for clips and images at a constant rate."""

import math
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import ffmpeg

from avaflow.videos.probe import OPEN_OPTIONS, PACKET_CLOCKS, VideoFacts, file_url

PREROLL_SECONDS = (1.0, 10.0, 60.0)
"""How much before the clip a jump aims in containers without an index; the first is taken
that finds an image begun before the clip."""

INDEXED_CONTAINERS = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}
"""Containers in which ffmpeg jumps to a key frame before the wished time by an index. In
.ts, .flv, .avi and .mpg it may land behind one, and no image comes until the next."""

_TIME_BASE = re.compile(r"config in time_base: (\d+)/(\d+)")
_FIRST_IMAGE = re.compile(r"n:\s*0 pts:\s*(-?\d+)")

BT601 = {2, 5, 6}
"""Matrices of ITU-T H.273 that are BT.601's, and none told: PyAV, OpenCV and decord take it
for BT.601 whatever the size, and so does avaflow."""

KEPT = BT601 | {1}
"""Matrices that a clip keeps: with 1, which is BT.709's."""

B_FRAMES = 4
"""Frames between two that others refer to: one less than the default detector stride."""


def source_stream(source: str | Path, jump: float | None, facts: VideoFacts, threads: int):
    """ffmpeg-python stream of a video's images with the times of the file's own clock.

    They begin with the key frame at or before `jump` or, where that is None, with the first.
    All are handed on that were decoded on the way: the image shown at a clip's first
    instant may have begun long before (variable-rate sources).
    """
    # Jumping to 0 is not the same as not jumping: an .flv or .avi may land behind its first
    # key frame.
    options = {} if jump is None else {"seek_timestamp": 1, "ss": f"{jump:.6f}"}
    opened = ffmpeg.input(
        file_url(source),
        threads=threads,
        copyts=None,
        noaccurate_seek=None,
        **options,
        **OPEN_OPTIONS,
    )
    return opened[str(facts.stream)]


def first_image(
    source: str | Path, jump: float | None, facts: VideoFacts, exe: str
) -> float | None:
    """When the first image begins that ffmpeg decodes from `jump` on, on the file's clock."""
    node = source_stream(source, jump, facts, 1).filter("showinfo")
    command = ffmpeg.compile(
        ffmpeg.output(node, "-", format="null", vframes=1).global_args("-nostdin"), cmd=exe
    )
    told = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    messages = told.stderr.decode("utf-8", "replace")
    unit, first = _TIME_BASE.search(messages), _FIRST_IMAGE.search(messages)
    return int(first[1]) * int(unit[1]) / int(unit[2]) if unit and first else None


def clock_zero(source: str | Path, facts: VideoFacts, exe: str) -> float:
    """Where second 0 lies on the clock of the images that ffmpeg decodes.

    That is the file's clock (:func:`avaflow.videos.probe.second_zero`), but for .avi: there an
    image has the number of the packet with which it left the decoder.
    """
    if facts.container in PACKET_CLOCKS:
        first = first_image(source, None, facts, exe)
        return facts.zero if first is None else first
    return facts.zero


def source_images(source: str | Path, start: float, facts: VideoFacts, exe: str, threads: int):
    """ffmpeg-python stream of a video's images, the time 0 of which is second `start`.

    Images that begin before come too; the last of them is shown at `start`.
    """
    zero = clock_zero(source, facts, exe)
    jump = find_jump(source, start, zero, facts, exe)
    stream = source_stream(source, jump, facts, threads)
    return stream.filter("setpts", since(zero + start))


def since(second: float) -> str:
    """Argument of `setpts` that counts from a second of the file's clock."""
    # Unrounded, a whole number of ticks may end a little below and lose one.
    return f"round(PTS-{second:.6f}/TB)"


def find_jump(
    source: str | Path, start: float, zero: float, facts: VideoFacts, exe: str
) -> float | None:
    """Where on the file's clock to begin decoding to have an image that began by `start`.

    Where the container has no index, it is tried how early a jump has to aim; the last
    resort is to decode from the video's beginning, which is None.
    """
    if start > 0 and facts.container in INDEXED_CONTAINERS:
        return facts.zero + start
    for preroll in PREROLL_SECONDS:
        if preroll >= start:
            return None
        jump = facts.zero + start - preroll
        first = first_image(source, jump, facts, exe)
        if first is not None and first <= zero + start:
            return jump
    return None


def constant_rate(
    stream, facts: VideoFacts, frames: int, fps: int, short_side: str | int, enlarge: bool = True
):
    """Filters from a source's images to the clip's: rate, scan, pixels' shape, size.

    `stream` is of :func:`source_images`; `frames` are the clip's. `short_side` is in
    pixels, or `keep`; without `enlarge` a smaller image keeps its size.

    A frame of the clip shows the latest image begun by then, where a begin counts at the
    clip's nearest frame: a source of the same constant rate comes out frame for frame, and
    containers that round times to milliseconds change nothing. The last image is held for
    at most one frame of the source and one of the clip: a video that ends early must not be
    filled up.
    """
    if facts.interlaced:
        stream = stream.filter("bwdif", mode="send_frame", deint="interlaced")
    held = math.ceil(fps / facts.fps) + 1 if facts.fps else 2
    stream = (
        stream.filter("fps", fps=fps, start_time=0, round="near")
        .filter("tpad", stop_mode="clone", stop=held)
        # Else an image that stands still for an hour would be repeated for an hour.
        .filter("trim", end_frame=frames)
    )
    return scaled(stream, short_side, enlarge)


def scaled(stream, short_side: str | int, enlarge: bool = True):
    """Filters to square pixels, even sides, and the wished shorter side (or `keep`).

    Without `enlarge` a video whose shorter side is less keeps its size.
    """
    width, height = "round(iw*sar)", "ih"
    if short_side != "keep":
        small = "0" if enlarge else f"lte(min(iw*sar,ih),{short_side})"
        width = (
            f"if({small},{width},if(lt(iw*sar,ih),{short_side},2*round(iw*sar*{short_side}/ih/2)))"
        )
        height = (
            f"if({small},{height},"
            f"if(lt(iw*sar,ih),2*round(ih*{short_side}/(iw*sar)/2),{short_side}))"
        )
    stream = stream.filter("scale", w=width, h=height, flags="bicubic")
    # H.264 with 4:2:0 colour needs even sides: a last odd column or row is left out.
    return stream.filter("setsar", "1").filter("crop", "trunc(iw/2)*2", "trunc(ih/2)*2", 0, 0)


def clip_colours(stream, facts: VideoFacts):
    """Filters to the colours of a clip: 4:2:0, 8 bit, limited range, BT.601 or BT.709, and told.

    OpenCV decodes no other matrix, and turns BT.2020's primaries where the rest do not.
    So what is neither becomes BT.709 by name as well: its R'G'B' values stay, as PyAV and
    decord read them from the source; neither gamut nor tone is mapped.
    """
    if facts.matrix in BT601:
        matrix, tags = "smpte170m", {}
    else:
        matrix, tags = "bt709", {"color_primaries": "bt709", "color_trc": "bt709"}
    precise = {"flags": "accurate_rnd+full_chroma_int"} if facts.matrix not in KEPT else {}
    return (
        stream.filter("scale", out_color_matrix=matrix, out_range="tv", **precise)
        .filter("format", "yuv420p")
        .filter("setparams", colorspace=matrix, range="tv", **tags)
    )


def clip_output(stream, path: Path, frames: int, fps: int, settings: Mapping):
    """ffmpeg-python output of a clip, from images of :func:`clip_colours`.

    A key frame a second lets readers jump in cheaply. Between them the pattern of frame
    kinds is fixed, with :data:`B_FRAMES` in a row that no other frame refers to, so that
    whoever wants each fifth frame, as the detector does, need not decode those between.
    """
    return ffmpeg.output(
        stream,
        str(path),
        vframes=frames,
        vcodec="libx264",
        preset=settings["preset"],
        crf=settings["crf"],
        g=fps,
        bf=B_FRAMES,
        b_strategy=0,
        sc_threshold=0,
        threads=settings["threads"],
        map_metadata=-1,
        movflags="+faststart",
        fflags="+bitexact",
        **{"flags:v": "+bitexact", "x264-params": "b-pyramid=none"},
    )


def jpeg_output(stream, pattern: Path, frames: int, quality: int, threads: int):
    """ffmpeg-python output of numbered JPEG images, from 1.

    JPEG says BT.601 and full range to every reader, whatever its images were made from.
    Fixed Huffman tables spare a second pass over each image: the same pixels, a seventh
    less processor time, files 2 % larger (measured on 1080p street images).
    """
    return ffmpeg.output(
        stream.filter("scale", out_color_matrix="bt601", out_range="full").filter(
            "format", "yuvj420p"
        ),
        str(pattern),
        vframes=frames,
        vcodec="mjpeg",
        f="image2",
        start_number=1,
        fps_mode="passthrough",
        huffman="default",
        threads=threads,
        fflags="+bitexact",
        **{"q:v": quality, "flags:v": "+bitexact"},
    )
