"""Clips of AVA-Kinetics: cut at 30 frames a second, checked by decoding them, with all frames."""

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from avaflow.ava_kinetics.annotations import FPS, Clip, clip_id
from avaflow.ava_kinetics.manifest import MANIFEST
from avaflow.bulk.batch import Limit, Task, provenance, run_tasks
from avaflow.bulk.journal import Journal, file_state
from avaflow.errors import BadVideo
from avaflow.files import sha256
from avaflow.videos.ffmpeg import run_ffmpeg
from avaflow.videos.filters import (
    clip_colours,
    clip_output,
    constant_rate,
    jpeg_output,
    source_images,
)
from avaflow.videos.probe import probe
from avaflow.videos.trim import RAWFRAME

VERSION = 2
"""Raise it when a change of this module makes other clips: all are then cut anew."""

MISSING_SECONDS = 0.75
"""A clip may miss this much at its end: Kinetics videos are often a little short. The last image
is held for so long, because the reader asks for every frame that the times in the name promise.
Of a video that ends earlier still, the clip is cut to its end."""


class Extent(NamedTuple):
    """What of a range a video shows: up to second `end`, with `images` of its own.

    `end` is that of the range unless the video is over well before it.
    """

    end: int
    images: int


def shown_extent(start: int, end: int, images: int) -> Extent:
    """How far a range of seconds can be cut of a video with so many images from its start on."""
    wanted = FPS * (end - start)
    if wanted - images > MISSING_SECONDS * FPS:
        end = start + max(0, int(images / FPS + MISSING_SECONDS))
    return Extent(end, max(0, min(images, FPS * (end - start))))


def cut(
    row: Mapping[str, str],
    folder: Path,
    rawframes: Path | None,
    trim: Mapping,
    short_side: str | int,
    jpeg_quality: int,
    exe: str,
    log: Path,
    journal: Journal,
    key: str,
    provenance: str,
) -> dict:
    """Cut the clip of a plan's row into `folder`, with its frames in `rawframes` if asked.

    Of a video that ends early, what it shows is cut, and called after that. Returns what the
    manifest says of it, which is in the journal then. Raises BadVideo for a clip that is
    recorded and skipped, UserError where nothing could be made at all.
    """
    source, name = row["source"], row["youtube_id"]
    start, promised = int(row["start"]), int(row["end"])
    offset = start - int(row["source_start"])
    facts = probe(source)
    end, images = shown_extent(start, promised, int((facts.duration - offset) * FPS + 0.5))
    clip, frames = clip_id(name, start, end), FPS * (end - start)
    shown = Clip(clip, name, start, end, images)
    if not any(shown.annotates(int(second)) for second in row["seconds"].split()):
        reason = f"the video ends at {facts.duration:.2f} s, before any annotated second is over"
        raise BadVideo(f"{source}: {reason}", reason, "too short")
    early = ""
    if end < promised:
        early = f"the video ends at {facts.duration:.2f} s: cut to {end} instead of {promised}"
    stream = source_images(source, offset, facts, exe, trim["threads"])
    stream = constant_rate(stream, facts, frames, FPS, short_side)
    if images < frames:
        stream = stream.filter("tpad", stop_mode="clone", stop=frames - images)
    target = folder / f"{clip}.mp4"
    temporary = folder / f".{clip}.part.mp4"
    raw_target = rawframes and rawframes / clip
    raw_beside = rawframes and rawframes / f".{clip}.part"
    folder.mkdir(parents=True, exist_ok=True)
    temporary.unlink(missing_ok=True)
    try:
        if raw_beside:
            shutil.rmtree(raw_beside, ignore_errors=True)
            raw_beside.mkdir(parents=True)
            both = stream.filter_multi_output("split")
            pattern = raw_beside / "img_%05d.jpg"
            outputs = [
                clip_output(clip_colours(both[0], facts), temporary, frames, FPS, trim),
                jpeg_output(both[1], pattern, frames, jpeg_quality, trim["threads"]),
            ]
        else:
            outputs = [clip_output(clip_colours(stream, facts), temporary, frames, FPS, trim)]
        damages = run_ffmpeg(outputs, exe, log, source, target)
        width, height = check_decoded(temporary, frames)
        if raw_beside and not (raw_beside / RAWFRAME.format(frame=frames)).exists():
            raise BadVideo(f"{clip}: frames", f"fewer than {frames} frames were written", "failed")
        result = {
            "status": "cut",
            "clip": clip,
            "end": end,
            "file": str(target),
            "duration": f"{frames / FPS:.3f}",
            "frames": frames,
            "pictures": images,
            "width": width,
            "height": height,
            "bytes": temporary.stat().st_size,
            "sha256": sha256(temporary),
            "note": _note(damages, frames - images, early),
        }
        journal.add(key, provenance, str(target), file_state(temporary), result)
        if raw_target and raw_beside:
            if raw_target.exists():
                shutil.rmtree(raw_target)
            os.replace(raw_beside, raw_target)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
        if raw_beside:
            shutil.rmtree(raw_beside, ignore_errors=True)
    return result


def _note(damages: int, held: int, early: str) -> str:
    """What is to be said of a clip: a video that ends `early`, damage, frames without images."""
    notes = [early] if early else []
    if damages:
        notes.append(f"damaged in {damages} places")
    if held:
        notes.append(f"the last image is held for {held} frames")
    return "; ".join(notes)


def check_decoded(path: Path, frames: int) -> tuple[int, int]:
    """Width and height of a clip, every frame of which decord decodes; else BadVideo.

    Readers fetch frames by decord in video mode, and it is the one that has to get them all.
    """
    import decord

    decoded, size = 0, (0, 0)
    try:
        reader = decord.VideoReader(str(path), num_threads=1)
        for _ in range(len(reader)):
            size = reader.next().shape
            decoded += 1
    except Exception as error:  # decord raises errors of many kinds
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadVideo(
            f"{path}: {reason}", f"decord cannot decode it: {reason}", "failed"
        ) from None
    if decoded != frames:
        reason = f"decord decodes {decoded} frames of {frames}"
        raise BadVideo(f"{path}: {reason}", reason, "failed")
    return size[1], size[0]


def run_batch(
    rows: Sequence[Mapping[str, str]],
    folder: Path,
    rawframes: Path | None,
    journal: Journal,
    settings: Mapping,
    exe: str,
    log: Path,
    logger: logging.Logger,
) -> list[dict]:
    """Cut what the journal does not know of a plan's rows; rows of a manifest.

    Raises UserError if more clips than `max_broken_share` of a batch cannot be made.
    """
    tasks: list[Task] = []
    for row in rows:
        if row["status"]:
            continue
        key = _key(row)
        made_from = provenance(row, VERSION, settings["provenance"])
        made = settings["trim"], settings["short_side"], settings["jpeg_quality"]
        make = partial(cut, row, folder, rawframes, *made, exe, log, journal, key, made_from)
        whole = partial(_whole, row, rawframes)
        tasks.append(Task(key, made_from, row["source"], make, whole))
    limit = Limit(
        "clips of a batch of AVA-Kinetics",
        "ava_kinetics.max_broken_share",
        settings["max_broken_share"],
        "Fix the videos or raise the limit; what was cut stays.",
    )
    done = run_tasks(tasks, journal, ("cut",), limit, logger)
    return [manifest_row(row, {} if row["status"] else done[_key(row)]) for row in rows]


def _key(row: Mapping[str, str]) -> str:
    """A clip's key in the journal."""
    return f"{row['split']}/{row['clip']}"


def _whole(row: Mapping[str, str], rawframes: Path | None, known: Mapping) -> bool:
    """Whether what the journal knows of a clip is all there, its frames too where asked for.

    A video that was too short is looked at again: it takes no time, and earlier versions made
    nothing of those that end early.
    """
    if known["status"] != "cut":
        return known["status"] != "too short"
    return rawframes is None or (rawframes / known.get("clip", row["clip"])).is_dir()


def manifest_row(row: Mapping[str, str], result: Mapping) -> dict:
    """A row of a manifest from one of the plan and what became of its clip."""
    made = {name: row.get(name, "") for name in MANIFEST}
    made["bytes"] = ""  # the plan's are the source's
    # Where a video ends early, id and end are not those of the plan.
    return made | {name: value for name, value in result.items() if name in made}
