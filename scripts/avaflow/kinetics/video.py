"""One video of a large dataset, with its shorter side made as long as asked.

Times of the images stay as they are; sides are even and pixels square. A video that is
right already is not encoded again. Nothing has its final name before it is whole, and the
journal knows of it first.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import ffmpeg

from avaflow.bulk.journal import Journal, file_state
from avaflow.errors import BadVideo, UserError
from avaflow.files import sha256
from avaflow.videos.ffmpeg import ffmpeg_reason, run_ffmpeg
from avaflow.videos.filters import KEPT, clip_colours, clock_zero, scaled, since
from avaflow.videos.probe import OPEN_OPTIONS, VideoFacts, file_url, probe

VERSION = 1
"""Raise it when a change of this module makes other videos: all are then made anew."""

LOST_SECONDS = 0.75
"""A resized video that ends this much before its source was not decoded to the end."""

X264_PRESETS = [
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
]
"""The config's presets, fastest first; other encoders' are taken from the same place."""

NVENC_PRESETS = ["p1", "p1", "p2", "p3", "p4", "p4", "p5", "p6", "p7"]
"""NVENC's own names for them."""

ENCODERS = ("libx264", "h264_nvenc", "h264_qsv", "h264_videotoolbox")
"""Encoders of H.264, which every reader decodes. Only the first is always there."""


def encoder_options(settings: Mapping) -> dict:
    """ffmpeg's options for an encoder at the config's preset and quality."""
    encoder, preset, crf = settings["encoder"], settings["preset"], settings["crf"]
    if encoder == "h264_nvenc":
        place = NVENC_PRESETS[X264_PRESETS.index(preset)]
        return {"preset": place, "rc": "vbr", "cq": crf, "b:v": 0}
    if encoder == "h264_qsv":
        # Quick Sync knows the names from veryfast to veryslow.
        return {"preset": max(preset, "veryfast", key=X264_PRESETS.index), "global_quality": crf}
    if encoder == "h264_videotoolbox":
        # Its scale runs from 1 to 100, best last; x264's from 51 to 0.
        return {"q:v": round(100 - crf * 99 / 51)}
    return {"preset": preset, "crf": crf}


@cache
def known_encoders(exe: str) -> frozenset[str]:
    """The encoders of images that an ffmpeg was built with."""
    told = subprocess.run(
        [exe, "-hide_banner", "-encoders"], stdin=subprocess.DEVNULL, capture_output=True
    ).stdout.decode("utf-8", "replace")
    lines = (line.split() for line in told.splitlines())
    return frozenset(line[1] for line in lines if len(line) > 1 and line[0].startswith("V"))


def check_encoder(exe: str, encoder: str) -> None:
    """UserError if an ffmpeg was built without an encoder."""
    if encoder not in known_encoders(exe):
        have = [name for name in ENCODERS if name in known_encoders(exe)]
        raise UserError(
            f"config: kinetics.encoder: the ffmpeg at {exe} has no {encoder}; of these it has "
            f"{', '.join(have) or 'none'}. Choose one, or name another ffmpeg as trim.ffmpeg."
        )


def try_encoder(exe: str, settings: Mapping) -> None:
    """UserError if an encoder does not run on this machine, which its being there does not say."""
    if settings["encoder"] == "libx264":
        return
    image = ffmpeg.input("color=black:s=256x256:r=30", f="lavfi", t=0.2)
    node = ffmpeg.output(
        image, "-", f="null", vcodec=settings["encoder"], **encoder_options(settings)
    ).global_args("-hide_banner", "-nostdin", "-loglevel", "error")
    told = subprocess.run(
        ffmpeg.compile(node, cmd=exe), stdin=subprocess.DEVNULL, capture_output=True
    )
    if told.returncode:
        reason = ffmpeg_reason(told.stderr.decode("utf-8", "replace").splitlines())
        raise UserError(
            f"config: kinetics.encoder: {settings['encoder']} does not run on this machine: "
            f"{reason or 'no reason given'}. Choose libx264, or run where its hardware is."
        )


def is_right(path: str | Path, facts: VideoFacts, short_side: int) -> bool:
    """Whether a video needs no work: its sides, the shape of its pixels, and its uprightness."""
    if min(facts.width, facts.height) != short_side or facts.sar != 1:
        return False
    if facts.width % 2 or facts.height % 2:
        return False
    import av

    # Readers do not turn an image by a mark in the header, so such a video is encoded.
    with av.open(file_url(path), options=OPEN_OPTIONS) as container:
        for frame in container.decode(video=0):
            return frame.rotation == 0
    return False


def measured(path: str | Path) -> tuple[float, int, int, int]:
    """Seconds, frames, width and height of a finished video, by its packets."""
    import av

    with av.open(file_url(path), options=OPEN_OPTIONS) as container:
        stream = container.streams.video[0]
        size = stream.codec_context.width, stream.codec_context.height
        frames = stream.frames
        if not frames:
            frames = sum(1 for packet in container.demux(stream) if packet.size)
    return probe(path).duration, frames, *size


def resize(
    source: str,
    folder: Path | None,
    name: str,
    settings: Mapping,
    exe: str,
    log: Path,
    journal: Journal,
    key: str,
    provenance: str,
) -> dict:
    """Make a video's resized file in `folder`, or in the source's place where that is None.

    Returns what the manifest says of it, which is in the journal then. Raises BadVideo for a
    video that is recorded and skipped, UserError where nothing could be made at all.
    """
    facts = probe(source)
    if facts.duration < settings["shortest_seconds"]:
        raise BadVideo(
            f"{source}: {facts.duration:.2f} s",
            f"{facts.duration:.2f} s, less than {settings['shortest_seconds']:g} s",
            "too short",
        )
    made = _made(source, facts, folder, name, settings, exe, log)
    try:
        result = _described(source, facts, made)
        former = journal.entries.get(key)
        journal.add(key, provenance, str(made.target), file_state(made.path), result)
        if made.temporary:
            os.replace(made.temporary, made.target)
        # A file of other making under another suffix would only lie about. One that lies
        # elsewhere was made in another place, or is the user's own that was replaced there.
        if folder is not None and former and former["file"] not in ("", str(made.target)):
            old = Path(former["file"])
            if old.parent == folder and old.stem == name:
                old.unlink(missing_ok=True)
    finally:
        if made.temporary:
            made.temporary.unlink(missing_ok=True)
    return result


class _Made(NamedTuple):
    """A finished file: under a temporary name, or in its place already (`temporary` None)."""

    target: Path
    temporary: Path | None
    status: str
    note: str = ""

    @property
    def path(self) -> Path:
        return self.temporary or self.target


def _made(
    source: str,
    facts: VideoFacts,
    folder: Path | None,
    name: str,
    settings: Mapping,
    exe: str,
    log: Path,
) -> _Made:
    """Encode a video, or link, copy or leave one that is right already."""
    try:
        right = is_right(source, facts, settings["short_side"])
    except Exception as error:  # PyAV's errors have no common ancestor but this
        raise BadVideo(f"{source}: {error}", f"no image can be decoded ({error})") from None
    if not right:
        target = Path(source) if folder is None else folder / f"{name}.mp4"
        temporary = _beside(target)
        output = _output(source, facts, temporary, settings, exe)
        damages = run_ffmpeg([output], exe, log, source, target)
        note = f"damaged in {damages} places" if damages else ""
        return _Made(target, temporary, "resized", note)
    if folder is None:
        return _Made(Path(source), None, "kept")
    target = folder / f"{name}{os.path.splitext(source)[1]}"
    temporary = _beside(target)
    if settings["already_sized"] == "copy":
        shutil.copyfile(source, temporary)
        return _Made(target, temporary, "copied")
    temporary.symlink_to(os.path.relpath(os.path.realpath(source), os.path.realpath(folder)))
    return _Made(target, temporary, "linked")


def _described(source: str, facts: VideoFacts, made: _Made) -> dict:
    """What the manifest says of a finished file. BadVideo if it ends long before its source."""
    seconds, frames, width, height = measured(made.path)
    if facts.duration - seconds > LOST_SECONDS:
        raise BadVideo(
            f"{source}: images end at {seconds:.2f} of {facts.duration:.2f} s",
            f"images can be decoded up to {seconds:.2f} of {facts.duration:.2f} s only",
        )
    return {
        "status": made.status,
        "file": str(made.target),
        "duration": f"{seconds:.3f}",
        "frames": frames,
        "width": width,
        "height": height,
        "bytes": os.stat(made.path).st_size,
        "sha256": sha256(made.path),
        "note": made.note,
    }


def _beside(target: Path) -> Path:
    """Where a file is made before it is whole: one place, so that no folder is searched for it.

    What a killed job left there is taken away, not written into: its ffmpeg may still run.
    """
    temporary = target.with_name(f".{target.stem}.part{target.suffix}")
    temporary.unlink(missing_ok=True)
    return temporary


def _output(source: str, facts: VideoFacts, path: Path, settings: Mapping, exe: str):
    """ffmpeg-python output of the resized video."""
    opened = ffmpeg.input(
        file_url(source), threads=settings["threads"], copyts=None, **OPEN_OPTIONS
    )
    zero = clock_zero(source, facts, exe)
    # A file without sound begins with its first image. One that begins more than half a
    # frame after second 0 is shown from there on, so that the others keep their second.
    late = 0.5 / facts.fps if facts.fps else 0
    image = opened[str(facts.stream)].filter(
        "setpts", f"if(eq(N,0)*gt(T-{zero:.6f},{late:.6f}),0,{since(zero)})"
    )
    if facts.interlaced:
        image = image.filter("bwdif", mode="send_frame", deint="interlaced")
    image = scaled(image, settings["short_side"])
    if facts.matrix in KEPT:
        image = image.filter("format", "yuv420p")
    else:
        image = clip_colours(image, facts)
    streams, sound = [image], {}
    if settings["audio"] == "keep" and facts.sound:
        streams.append(opened.audio.filter("asetpts", since(facts.zero)))
        sound = {"acodec": "aac", "flags:a": "+bitexact"}
    movie = {"movflags": "+faststart"} if path.suffix in (".mp4", ".mov", ".m4v") else {}
    return ffmpeg.output(
        *streams,
        str(path),
        vcodec=settings["encoder"],
        threads=settings["threads"],
        fps_mode="vfr",
        map_metadata=-1,
        fflags="+bitexact",
        **{"flags:v": "+bitexact"},
        **encoder_options(settings),
        **sound,
        **movie,
    )
