"""One ffmpeg process that decodes a range of a video once and writes clip, frames, keyframes.

The clip has a constant rate, no sound, square pixels and even sides. Frames written as
JPEG come from the decoded source, not from the encoded clip, so they lose one generation
of compression less and cost no second decoding.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import ffmpeg
import pandas as pd

from avaflow.errors import UserError
from avaflow.files import atomic_file, atomic_folder, sha256, write_text
from avaflow.manifests import ClipManifest
from avaflow.tables import KEYFRAMES, write_table
from avaflow.times import Frame, Second, frame_of_second
from avaflow.videos.ffmpeg import ffmpeg_exe, run_ffmpeg
from avaflow.videos.filters import (
    clip_colours,
    clip_output,
    constant_rate,
    jpeg_output,
    source_images,
)
from avaflow.videos.motion import moving_images, write_motion
from avaflow.videos.probe import OPEN_OPTIONS, TONES, VideoFacts, file_url
from avaflow.videos.shots import find_cuts, images_in, small_output

RAWFRAME = "img_{frame:05d}.jpg"
"""File name of a frame, as mmaction2 (`filename_tmpl`) and PySlowFast lists have it."""


KEYFRAME = "{clip}_{frame:06d}.jpg"

SMALL_IMAGES = "small.rgb"
"""While a clip is cut, small images, on which cuts and movement are seen, lie under this name in
the folder that becomes that of its keyframes: what is left of a killed job goes with it."""


def trim(
    clip: str,
    video: str,
    source: Path,
    start: float,
    frames: int,
    facts: VideoFacts,
    seconds: Sequence[Second],
    settings: Mapping,
    jpeg_quality: int,
    clip_path: Path,
    keyframes_folder: Path,
    rawframes_folder: Path | None,
    log: Path,
    likeness: float | None = None,
    motion_path: Path | None = None,
) -> tuple[ClipManifest, pd.DataFrame]:
    """Make a clip of `frames` frames, its keyframes at `seconds`, and all frames if asked.

    `settings` is the config's `trim`, `likeness` its `cuts.likeness`; without it cuts are not
    looked for. What moves goes to `motion_path`. Clip and folders appear whole or not at all.
    Returns the clip's manifest and its table of keyframes (:data:`avaflow.tables.KEYFRAMES`).
    Raises UserError, naming the clip, if the source ends early or ffmpeg fails.
    """
    subject = f"clip {clip} of {video}"
    fps = settings["fps"]
    exe = ffmpeg_exe(settings["ffmpeg"])
    stream = source_images(source, start, facts, exe, settings["threads"])
    stream = constant_rate(stream, facts, frames, fps, settings["short_side"])
    with atomic_file(clip_path) as clip_beside, atomic_folder(keyframes_folder) as keys_beside:
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
            outputs.append(small_output(both[2], keys_beside / SMALL_IMAGES, frames))
            errors = run_ffmpeg(outputs, exe, log, subject, clip_path)
            _check_frames(subject, clip_beside, frames, fps)
            for number, second in enumerate(seconds, start=1):
                name = KEYFRAME.format(clip=clip, frame=frame_of_second(second, fps))
                _move_image(keys_beside / f"{number:06d}.jpg", keys_beside / name, subject)
        else:
            with atomic_folder(rawframes_folder) as raw_beside:
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
                outputs.append(small_output(both[2], keys_beside / SMALL_IMAGES, frames))
                errors = run_ffmpeg(outputs, exe, log, subject, clip_path)
                _check_frames(subject, clip_beside, frames, fps)
                written = sum(1 for _ in os.scandir(raw_beside))
                if written != frames:
                    raise UserError(
                        f"{subject}: expected {frames} frames, ffmpeg wrote {written}; see {log}"
                    )
                for second in seconds:
                    frame = frame_of_second(second, fps)
                    _same_image(
                        raw_beside / RAWFRAME.format(frame=frame),
                        keys_beside / KEYFRAME.format(clip=clip, frame=frame),
                    )
        cuts = _use_small(keys_beside / SMALL_IMAGES, fps, likeness, motion_path)
        width, height = _image_size(clip_beside)
        digest, size = sha256(clip_beside), clip_beside.stat().st_size
        keyframes = keyframe_table(clip, keys_beside, seconds, fps, width, height)
    manifest = ClipManifest(
        clip=clip,
        video=video,
        start=start,
        fps=fps,
        frames=frames,
        width=width,
        height=height,
        sha256=digest,
        decode_errors=errors,
        bytes=size,
        tone=TONES.get(facts.transfer, ""),
        cuts=cuts,
    )
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
    with atomic_folder(rawframes_folder) as temporary:
        output = jpeg_output(
            stream, temporary / "img_%05d.jpg", frames, jpeg_quality, settings["threads"]
        )
        exe = ffmpeg_exe(settings["ffmpeg"])
        run_ffmpeg([output], exe, log, f"frames of clip {clip}", rawframes_folder)
        written = sum(1 for _ in os.scandir(temporary))
        if written != frames:
            raise UserError(
                f"clip {clip}: expected {frames} frames in {clip_path}, found {written}. "
                "Delete the clip's files and run again."
            )


def keyframe_table(
    clip: str, folder: Path, seconds: Sequence[Second], fps: int, width: int, height: int
) -> pd.DataFrame:
    """The table of a clip's keyframes, with a checksum of each image in `folder`."""
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


def _use_small(
    path: Path, fps: int, likeness: float | None, motion_path: Path | None
) -> tuple[Frame, ...]:
    """The frames at which a new shot begins, from the small images, which are gone then."""
    small = images_in(path)
    cuts = find_cuts(small, fps, likeness) if likeness is not None else []
    if motion_path is not None:
        write_motion(motion_path, moving_images(small, fps))
    path.unlink()
    return tuple(cut.frame for cut in cuts)


def _check_frames(subject: str, clip_path: Path, frames: int, fps: int) -> None:
    import av

    with av.open(file_url(clip_path), options=OPEN_OPTIONS) as container:
        written = container.streams.video[0].frames
    if written != frames:
        raise UserError(
            f"{subject}: expected {frames} frames ({frames / fps:.3f} s), but the video's images "
            f"end after {written} ({written / fps:.3f} s). The video is damaged or shorter than "
            "its header says: fix it, or give an earlier end in the clips table."
        )


def _image_size(clip_path: Path) -> tuple[int, int]:
    import av

    with av.open(file_url(clip_path), options=OPEN_OPTIONS) as container:
        context = container.streams.video[0].codec_context
        return context.width, context.height


def _move_image(source: Path, target: Path, subject: str) -> None:
    if not source.exists():
        raise UserError(f"{subject}: ffmpeg wrote no image for {target.name}")
    os.replace(source, target)


def _same_image(source: Path, target: Path) -> None:
    """One image under two names; a copy where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
