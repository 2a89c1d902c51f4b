"""One ffmpeg process that decodes a range of a video once and writes clip, frames, keyframes.

The clip has a constant rate, no sound, square pixels and even sides. Frames written as
JPEG come from the decoded source, not from the encoded clip, so they lose one generation
of compression less and cost no second decoding.
"""

import hashlib
import json
import math
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import ffmpeg
import pandas as pd

from avaflow.errors import BadVideo, UserError
from avaflow.files import sha256, whole_file, whole_folder, write_text
from avaflow.job import disk_full_message
from avaflow.manifests import ClipManifest
from avaflow.tables import KEYFRAMES, write_table
from avaflow.times import frame_of_second
from avaflow.video import OPEN_OPTIONS, PACKET_CLOCKS, VideoFacts, file_url

PREROLL_SECONDS = (1.0, 10.0, 60.0)
"""How much before the clip a jump aims in containers without an index; the first is taken
that finds a picture begun before the clip."""

INDEXED_CONTAINERS = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}
"""Containers in which ffmpeg jumps to a key frame before the wished time by an index. In
.ts, .flv, .avi and .mpg it may land behind one, and no picture comes until the next."""

_TIME_BASE = re.compile(r"config in time_base: (\d+)/(\d+)")
_FIRST_PICTURE = re.compile(r"n:\s*0 pts:\s*(-?\d+)")

BT601 = {2, 5, 6}
"""Matrices of ITU-T H.273 that are BT.601's, and none told: PyAV, OpenCV and decord take it
for BT.601 whatever the size, and so does avaflow."""

B_FRAMES = 4
"""Frames between two that others refer to: one less than the default detector stride."""

RAWFRAME = "img_{frame:05d}.jpg"
"""File name of a frame, as mmaction2 (`filename_tmpl`) and PySlowFast lists have it."""

KEYFRAME = "{clip}_{frame:06d}.jpg"

KILLED = (signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)
"""Signals that say nothing about the video."""

_SPEAKER = re.compile(r"^(\[[^\]]* @ 0x[0-9a-f]+\] )+")
"""What ffmpeg puts before a message: its part and a memory address."""

_DECODE_ERROR = re.compile(
    r"error while decoding|corrupt decoded frame|error submitting packet|concealing \d+"
    r"|decode_slice_header error|invalid nal unit|packet corrupt",
    re.IGNORECASE,
)


def ffmpeg_exe(configured: str = "") -> str:
    """Path of the ffmpeg to run: the configured one, or the one in imageio-ffmpeg's wheel."""
    if configured:
        found = shutil.which(configured)
        if not found:
            raise UserError(
                f"config: trim.ffmpeg is {configured!r}, but no such program can be run. "
                "Correct the path, or leave it empty for the ffmpeg that came with the packages."
            )
        return found
    import imageio_ffmpeg

    return imageio_ffmpeg.get_ffmpeg_exe()


def source_stream(source: str | Path, jump: float | None, facts: VideoFacts, threads: int):
    """ffmpeg-python stream of a video's pictures with the times of the file's own clock.

    They begin with the key frame at or before `jump` or, where that is None, with the first.
    All are handed on that were decoded on the way: the picture shown at a clip's first
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


def first_picture(
    source: str | Path, jump: float | None, facts: VideoFacts, exe: str
) -> float | None:
    """When the first picture begins that ffmpeg decodes from `jump` on, on the file's clock."""
    node = source_stream(source, jump, facts, 1).filter("showinfo")
    command = ffmpeg.compile(
        ffmpeg.output(node, "-", format="null", vframes=1).global_args("-nostdin"), cmd=exe
    )
    told = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    messages = told.stderr.decode("utf-8", "replace")
    unit, first = _TIME_BASE.search(messages), _FIRST_PICTURE.search(messages)
    return int(first[1]) * int(unit[1]) / int(unit[2]) if unit and first else None


def clock_zero(source: str | Path, facts: VideoFacts, exe: str) -> float:
    """Where second 0 lies on the clock of the pictures that ffmpeg decodes.

    That is the file's clock (:func:`avaflow.video.second_zero`), but for .avi: there a picture
    has the number of the packet with which it left the decoder.
    """
    if facts.container in PACKET_CLOCKS:
        first = first_picture(source, None, facts, exe)
        return facts.zero if first is None else first
    return facts.zero


def source_pictures(source: str | Path, start: float, facts: VideoFacts, exe: str, threads: int):
    """ffmpeg-python stream of a video's pictures, the time 0 of which is second `start`.

    Pictures that begin before come too; the last of them is shown at `start`.
    """
    zero = clock_zero(source, facts, exe)
    jump = find_jump(source, start, zero, facts, exe)
    stream = source_stream(source, jump, facts, threads)
    return stream.filter("setpts", f"PTS-{zero + start:.6f}/TB")


def find_jump(
    source: str | Path, start: float, zero: float, facts: VideoFacts, exe: str
) -> float | None:
    """Where on the file's clock to begin decoding to have a picture that began by `start`.

    Where the container has no index, it is tried how early a jump has to aim; the last
    resort is to decode from the video's beginning, which is None.
    """
    if start > 0 and facts.container in INDEXED_CONTAINERS:
        return facts.zero + start
    for preroll in PREROLL_SECONDS:
        if preroll >= start:
            return None
        jump = facts.zero + start - preroll
        first = first_picture(source, jump, facts, exe)
        if first is not None and first <= zero + start:
            return jump
    return None


def constant_rate(
    stream, facts: VideoFacts, fps: int, short_side: str | int, enlarge: bool = True
):
    """Filters from a source's pictures to the clip's: rate, scan, pixels' shape, size.

    `stream` is of :func:`source_pictures`. `short_side` is in pixels, or `keep`; without
    `enlarge` a smaller picture keeps its size.

    A frame of the clip shows the latest picture begun by then, where a begin counts at the
    clip's nearest frame: a source of the same constant rate comes out frame for frame, and
    containers that round times to milliseconds change nothing. The last picture is held for
    at most one frame of the source and one of the clip: a video that ends early must not be
    filled up.
    """
    if facts.interlaced:
        stream = stream.filter("bwdif", mode="send_frame", deint="interlaced")
    held = math.ceil(fps / facts.fps) + 1 if facts.fps else 2
    stream = stream.filter("fps", fps=fps, start_time=0, round="near").filter(
        "tpad", stop_mode="clone", stop=held
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

    OpenCV knows no other matrix and takes BT.2020 for BT.601. Primaries and transfer
    stay what they are; no reader looks at them.
    """
    matrix = "smpte170m" if facts.matrix in BT601 else "bt709"
    return (
        stream.filter("scale", out_color_matrix=matrix, out_range="tv")
        .filter("format", "yuv420p")
        .filter("setparams", colorspace=matrix, range="tv")
    )


def clip_output(stream, path: Path, frames: int, fps: int, settings: Mapping):
    """ffmpeg-python output of a clip, from pictures of :func:`clip_colours`.

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
    """ffmpeg-python output of numbered JPEG pictures, from 1.

    JPEG says BT.601 and full range to every reader, whatever its pictures were made from.
    Fixed Huffman tables spare a second pass over each picture: the same pixels, a seventh
    less processor time, files 2 % larger (measured on 1080p street pictures).
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


def run_ffmpeg(outputs: Sequence, exe: str, log: Path, subject: str, written: Path) -> int:
    """Run one ffmpeg with these outputs; its messages go to the log.

    `subject` names the clip and video in errors, `written` is where outputs go. Returns
    the number of places where the source could not be decoded cleanly. Raises BadVideo
    with ffmpeg's reason, and UserError where the disk is full or somebody ended ffmpeg.
    """
    node = ffmpeg.merge_outputs(*outputs) if len(outputs) > 1 else outputs[0]
    node = node.global_args("-hide_banner", "-nostdin", "-loglevel", "warning")
    command = ffmpeg.compile(node, cmd=exe, overwrite_output=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as stream:
        stream.write(" ".join(command) + "\n")
        stream.flush()
        status = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, check=False
        ).returncode
    messages = log.read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    if status:
        if any("No space left on device" in m or "Disk quota" in m for m in messages):
            raise UserError(disk_full_message(written))
        if -status in KILLED:
            raise UserError(
                f"{subject}: ffmpeg was ended by signal {-status} from outside. With 9 the machine "
                "ran out of memory, or somebody killed it: run again, with fewer cores if need be."
            )
        reason = ffmpeg_reason(messages) or f"exit status {status}"
        raise BadVideo(
            f"{subject}: ffmpeg could not make it: {reason}. "
            "The video is damaged, or of a kind that this ffmpeg does not decode: mend or convert "
            f"it. The whole of what it said is in {log}",
            f"ffmpeg could not decode it: {reason}",
        )
    return sum(1 for message in messages if _DECODE_ERROR.search(message))


def ffmpeg_reason(messages: Sequence[str]) -> str:
    """The first complaint of ffmpeg and its last two: cause and outcome, each once."""
    said = dict.fromkeys(_SPEAKER.sub("", message).strip(" .") for message in messages)
    said = [message for message in said if message and "Last message repeated" not in message]
    return " | ".join(dict.fromkeys(said[:1] + said[-2:]))


def trim(
    clip: str,
    video: str,
    source: Path,
    start: float,
    frames: int,
    facts: VideoFacts,
    seconds: Sequence[int],
    settings: Mapping,
    jpeg_quality: int,
    clip_path: Path,
    keyframes_folder: Path,
    rawframes_folder: Path | None,
    log: Path,
) -> tuple[ClipManifest, pd.DataFrame]:
    """Make a clip of `frames` frames, its keyframes at `seconds`, and all frames if asked.

    `settings` is the config's `trim`. Clip and folders appear whole or not at all. Returns
    the clip's manifest and its table of keyframes (:data:`avaflow.tables.KEYFRAMES`).
    Raises UserError, naming the clip, if the source ends early or ffmpeg fails.
    """
    subject = f"clip {clip} of {video}"
    fps = settings["fps"]
    exe = ffmpeg_exe(settings["ffmpeg"])
    stream = source_pictures(source, start, facts, exe, settings["threads"])
    stream = constant_rate(stream, facts, fps, settings["short_side"])
    with whole_file(clip_path) as clip_beside, whole_folder(keyframes_folder) as keys_beside:
        if rawframes_folder is None:
            both = stream.filter_multi_output("split")
            first, last = fps * seconds[0], fps * seconds[-1]
            chosen = both[1].filter("select", f"between(n,{first},{last})*not(mod(n,{fps}))")
            outputs = [
                clip_output(clip_colours(both[0], facts), clip_beside, frames, fps, settings),
                jpeg_output(
                    chosen,
                    keys_beside / "%06d.jpg",
                    len(seconds),
                    jpeg_quality,
                    settings["threads"],
                ),
            ]
            errors = run_ffmpeg(outputs, exe, log, subject, clip_path)
            _check_frames(subject, clip_beside, frames, fps)
            for number, second in enumerate(seconds, start=1):
                name = KEYFRAME.format(clip=clip, frame=frame_of_second(second, fps))
                _move_picture(keys_beside / f"{number:06d}.jpg", keys_beside / name, subject)
        else:
            with whole_folder(rawframes_folder) as raw_beside:
                both = stream.filter_multi_output("split")
                outputs = [
                    clip_output(clip_colours(both[0], facts), clip_beside, frames, fps, settings),
                    jpeg_output(
                        both[1],
                        raw_beside / "img_%05d.jpg",
                        frames,
                        jpeg_quality,
                        settings["threads"],
                    ),
                ]
                errors = run_ffmpeg(outputs, exe, log, subject, clip_path)
                _check_frames(subject, clip_beside, frames, fps)
                written = sum(1 for _ in os.scandir(raw_beside))
                if written != frames:
                    raise UserError(
                        f"{subject}: expected {frames} frames, ffmpeg wrote {written}; see {log}"
                    )
                for second in seconds:
                    frame = frame_of_second(second, fps)
                    _same_picture(
                        raw_beside / RAWFRAME.format(frame=frame),
                        keys_beside / KEYFRAME.format(clip=clip, frame=frame),
                    )
        width, height = _picture_size(clip_beside)
        digest, size = sha256(clip_beside), clip_beside.stat().st_size
        keyframes = keyframe_table(clip, keys_beside, seconds, fps, width, height)
    manifest = ClipManifest(clip, video, start, fps, frames, width, height, digest, errors, size)
    return manifest, keyframes


def rawframes_of_clip(
    clip: str,
    clip_path: Path,
    frames: int,
    settings: Mapping,
    jpeg_quality: int,
    rawframes_folder: Path,
    log: Path,
) -> None:
    """All frames of a clip that is already cut, as JPEG, whole or not at all."""
    stream = ffmpeg.input(file_url(clip_path), threads=settings["threads"], **OPEN_OPTIONS).video
    with whole_folder(rawframes_folder) as beside:
        output = jpeg_output(
            stream, beside / "img_%05d.jpg", frames, jpeg_quality, settings["threads"]
        )
        exe = ffmpeg_exe(settings["ffmpeg"])
        run_ffmpeg([output], exe, log, f"frames of clip {clip}", rawframes_folder)
        written = sum(1 for _ in os.scandir(beside))
        if written != frames:
            raise UserError(
                f"clip {clip}: expected {frames} frames in {clip_path}, found {written}. "
                "Delete the clip's files and run again."
            )


def keyframe_table(
    clip: str, folder: Path, seconds: Sequence[int], fps: int, width: int, height: int
) -> pd.DataFrame:
    """The table of a clip's keyframes, with a checksum of each picture in `folder`."""
    rows = []
    for second in seconds:
        frame = frame_of_second(second, fps)
        name = KEYFRAME.format(clip=clip, frame=frame)
        rows.append((second, frame, name, width, height, sha256(folder / name)))
    return pd.DataFrame(rows, columns=list(KEYFRAMES))


def write_frames_manifest(path: str | Path, clip: str, folder: str | Path, frames: int) -> None:
    """Write the manifest of a folder of frames: their number, bytes, and one checksum of all."""
    size, digest = frames_digest(folder, frames)
    entry = {"clip": clip, "frames": frames, "bytes": size, "sha256": digest}
    write_text(path, json.dumps(entry, indent=1) + "\n")


def frames_digest(folder: str | Path, frames: int) -> tuple[int, str]:
    """Bytes of a clip's frames and one SHA-256 over their names and contents in order.

    Raises FileNotFoundError for a frame that is not there.
    """
    digest = hashlib.sha256()
    size = 0
    for frame in range(1, frames + 1):
        name = RAWFRAME.format(frame=frame)
        content = (Path(folder) / name).read_bytes()
        size += len(content)
        digest.update(name.encode() + b"\0" + content)
    return size, digest.hexdigest()


def write_keyframes_manifest(path: str | Path, keyframes: pd.DataFrame) -> None:
    """Write the table of a clip's keyframes."""
    write_table(path, keyframes, KEYFRAMES)


def _check_frames(subject: str, clip_path: Path, frames: int, fps: int) -> None:
    import av

    with av.open(file_url(clip_path), options=OPEN_OPTIONS) as container:
        written = container.streams.video[0].frames
    if written != frames:
        raise UserError(
            f"{subject}: expected {frames} frames ({frames / fps:.3f} s), but the video's pictures "
            f"end after {written} ({written / fps:.3f} s). The video is damaged or shorter than "
            "its header says: mend it, or give an earlier end in the clips table."
        )


def _picture_size(clip_path: Path) -> tuple[int, int]:
    import av

    with av.open(file_url(clip_path), options=OPEN_OPTIONS) as container:
        context = container.streams.video[0].codec_context
        return context.width, context.height


def _move_picture(source: Path, target: Path, subject: str) -> None:
    if not source.exists():
        raise UserError(f"{subject}: ffmpeg wrote no picture for {target.name}")
    os.replace(source, target)


def _same_picture(source: Path, target: Path) -> None:
    """One picture under two names; a copy where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
