"""One ffmpeg process that decodes a clip's range once and writes all its segments and keyframes."""

import os
from collections.abc import Mapping
from pathlib import Path

import ffmpeg

from avaflow.errors import UserError
from avaflow.files import atomic_folder
from avaflow.times import Second
from avaflow.videos.ffmpeg import ffmpeg_exe, run_ffmpeg
from avaflow.videos.filters import clip_colours, constant_rate, jpeg_output, source_images
from avaflow.videos.probe import OPEN_OPTIONS, VideoFacts, file_url
from avaflow.videos.segments import SegmentsManifest, segment_count, segment_name, segments_digest


def cut_segments(
    clip: str,
    video: str,
    source: Path,
    start: float,
    frames: int,
    facts: VideoFacts,
    settings: Mapping,
    jpeg_quality: int,
    offset: int,
    ffmpeg_path: str,
    threads: int,
    keyframe_fps: int,
    folder: Path,
    log: Path,
) -> SegmentsManifest:
    """Write `clips/{name}.mp4` and `keyframes/{name}.jpg` of every second under `folder`.

    `frames` is the clip's length at `settings["fps"]`; `settings` is the config's
    `alphaction`. At `keyframe_fps` the keyframes were made that people annotate: a segment
    begins with the very same image. The folder appears whole or not at all. Raises
    UserError, naming the clip, where not one segment fits, the source ends early or ffmpeg
    fails.
    """
    subject = f"segments of clip {clip} of {video}"
    fps, seconds = settings["fps"], settings["segment_seconds"]
    count = segment_count(frames, fps, seconds)
    if not count:
        raise UserError(
            f"{subject}: the clip has {frames / fps:.3f} s, which is less than one segment of "
            f"{seconds} s. Give a later end in the clips table."
        )
    exe = ffmpeg_exe(ffmpeg_path)
    # Half a frame decides which image a second shows, and is longer at a lower rate.
    half_frame_more = 0.5 / fps - 0.5 / keyframe_fps
    stream = source_images(source, start - half_frame_more, facts, exe, threads)
    used = (count + seconds - 1) * fps
    stream = constant_rate(stream, facts, used, fps, settings["short_side"], enlarge=False)
    with atomic_folder(folder) as temporary:
        clips, keyframes = temporary / "clips", temporary / "keyframes"
        clips.mkdir()
        keyframes.mkdir()
        # Segments longer than a second overlap: those that begin `seconds` apart share a file
        # stream, and there are as many such streams as a segment has seconds.
        phases = [phase for phase in range(seconds) if phase < count]
        branches = stream.filter_multi_output("split", len(phases) + 1)
        outputs = [
            _segments_output(
                clip_colours(branches[phase], facts), clips, phase, count, threads, settings
            )
            for phase in phases
        ]
        chosen = branches[len(phases)].filter("select", f"not(mod(n,{fps}))")
        outputs.append(jpeg_output(chosen, keyframes / "key-%d.jpg", count, jpeg_quality, threads))
        errors = run_ffmpeg(outputs, exe, log, subject, folder)
        width, height = _check(subject, clips, keyframes, count, fps * seconds)
        numbering = settings["numbering"]
        for second in map(Second, range(count)):
            name = segment_name(second, numbering, offset)
            number, phase = divmod(second, seconds)
            os.replace(clips / _phase_name(phase, number), clips / f"{name}.mp4")
            os.replace(keyframes / f"key-{second + 1}.jpg", keyframes / f"{name}.jpg")
        size, digest = segments_digest(temporary, count, numbering, offset)
    left_out = frames / fps - (count + seconds - 1)
    return SegmentsManifest(
        clip=clip,
        video=video,
        start=start,
        fps=fps,
        seconds=seconds,
        frames=fps * seconds,
        segments=count,
        width=width,
        height=height,
        numbering=numbering,
        offset=offset,
        left_out=round(left_out, 3),
        decode_errors=errors,
        bytes=size,
        sha256=digest,
    )


def _phase_name(phase: int, number: int | str) -> str:
    return f"phase{phase}-{number}.mp4"


def _segments_output(stream, folder: Path, phase: int, count: int, threads: int, settings: Mapping):
    """ffmpeg-python output of the segments that begin at `phase`, `phase` + their length, ..."""
    fps, seconds = settings["fps"], settings["segment_seconds"]
    length = fps * seconds
    own = (count - 1 - phase) // seconds + 1
    if phase:
        stream = stream.filter("trim", start_frame=phase * fps)
        stream = stream.filter("setpts", "PTS-STARTPTS")
    return ffmpeg.output(
        stream,
        str(folder / _phase_name(phase, "%d")),
        vframes=own * length,
        vcodec="libx264",
        preset=settings["preset"],
        crf=settings["crf"],
        # Every segment has to begin with a key frame: one a second, and none at changes of scene,
        # from which x264 would count anew.
        g=fps,
        sc_threshold=0,
        threads=threads,
        f="segment",
        segment_frames=",".join(str(number * length) for number in range(1, own + 1)),
        segment_format="mp4",
        segment_format_options="movflags=+faststart",
        reset_timestamps=1,
        # Else the first segment would begin two frames late, to make room for its B-frames.
        avoid_negative_ts="disabled",
        map_metadata=-1,
        fflags="+bitexact",
        **{"flags:v": "+bitexact"},
    )


def _check(subject: str, clips: Path, keyframes: Path, count: int, frames: int) -> tuple[int, int]:
    """Image size of the segments; UserError unless all are there, each with all its frames."""
    import av

    written = sorted(clips.iterdir())
    images = sum(1 for _ in os.scandir(keyframes))
    whole = 0
    size = (0, 0)
    for path in written:
        with av.open(file_url(path), options=OPEN_OPTIONS) as container:
            stream = container.streams.video[0]
            whole += stream.frames == frames
            size = (stream.codec_context.width, stream.codec_context.height)
    if whole != count or len(written) != count or images != count:
        raise UserError(
            f"{subject}: expected {count} segments of {frames} frames, but the video's images "
            f"end after {whole}. The video is damaged or shorter than its header says: fix it, "
            "or give an earlier end in the clips table."
        )
    return size
