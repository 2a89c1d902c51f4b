"""Clips and segments cut as tests like them: small, named, into a folder of their own."""

from pathlib import Path

from avaflow.bulk.journal import Journal
from avaflow.kinetics.video import resize
from avaflow.project.clips import frame_count
from avaflow.videos.ffmpeg import ffmpeg_exe
from avaflow.videos.probe import probe
from avaflow.videos.segment_cutting import cut_segments
from avaflow.videos.segments import SegmentsManifest
from avaflow.videos.trim import trim

TRIM_SETTINGS = {
    "fps": 30,
    "short_side": "keep",
    "preset": "veryfast",
    "crf": 18,
    "threads": 1,
    "ffmpeg": "",
}


def cut_clip(
    folder: Path,
    source: Path,
    start: float,
    frames: int,
    seconds=(2,),
    rawframes=False,
    likeness=None,
    **settings,
):
    """Trim one clip named `c1` into a folder and return its manifest and keyframes."""
    return trim(
        clip="c1",
        video=source.name,
        source=source,
        start=start,
        frames=frames,
        facts=probe(source),
        seconds=seconds,
        settings=TRIM_SETTINGS | settings,
        jpeg_quality=2,
        clip_path=folder / "c1.mp4",
        keyframes_folder=folder / "keys",
        rawframes_folder=folder / "raw" if rawframes else None,
        log=folder / "ffmpeg.log",
        likeness=likeness,
    )


SEGMENT_SETTINGS = {
    "fps": 25,
    "segment_seconds": 1,
    "short_side": 360,
    "preset": "fast",
    "crf": 20,
    "numbering": "timestamp",
}


def cut_into_segments(
    video, folder, start=0.0, end=None, offset=900, name="a", **changes
) -> SegmentsManifest:
    settings = SEGMENT_SETTINGS | changes
    facts = probe(video)
    return cut_segments(
        clip="a",
        video=str(video),
        source=Path(video),
        start=start,
        frames=frame_count(start, facts.duration if end is None else end, settings["fps"]),
        facts=facts,
        settings=settings,
        jpeg_quality=2,
        offset=offset,
        ffmpeg_path="",
        threads=1,
        keyframe_fps=30,
        folder=Path(folder) / name,
        log=Path(folder) / "log",
    )


RESIZE_SETTINGS = {
    "short_side": 54,
    "encoder": "libx264",
    "preset": "ultrafast",
    "crf": 18,
    "threads": 1,
    "audio": "drop",
    "already_sized": "link",
    "shortest_seconds": 0.5,
}


def resize_video(video: Path, folder: Path, **changes) -> dict:
    """Resize a video to `v.mp4` in a folder, as is done for Kinetics; its manifest's row."""
    folder.mkdir(parents=True, exist_ok=True)
    return resize(
        source=str(video),
        folder=folder,
        name="v",
        settings=RESIZE_SETTINGS | changes,
        exe=ffmpeg_exe(),
        log=folder / "log",
        journal=Journal(folder / "journal.jsonl"),
        key="v",
        provenance="",
    )
