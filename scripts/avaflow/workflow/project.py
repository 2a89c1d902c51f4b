"""A user's whole project, read and checked before any job runs.

The config and the clips table are held against their schemas, videos are looked into,
finished annotations are found, and files that a run needs are named or missed by name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from avaflow.annotation.finished import find_finished, unusable_annotations
from avaflow.annotation.hand_labels import HandLabels, read_hand_labels
from avaflow.batches import batch_of
from avaflow.errors import UserError
from avaflow.features.plan import FeaturePlan, plan_features
from avaflow.files import check_room
from avaflow.formats.alphaction import check_reach
from avaflow.formats.alphaction import check_settings as check_alphaction_settings
from avaflow.formats.slowfast import check_settings
from avaflow.manifests import read_clip_manifest
from avaflow.persons.detector_files import DetectorFiles, find_detector
from avaflow.project.actions import attributes_from_config
from avaflow.project.clips import SPLITS, Clip, frame_count, leaks, read_clips_table, resolve_clips
from avaflow.project.config import check_config, load_schema
from avaflow.times import READER_REACH_FRAMES
from avaflow.videos.ffmpeg import ffmpeg_exe
from avaflow.videos.probe import ProbeCache
from avaflow.videos.segments import segment_count

OTHER_PARTS: dict[str, str] = {
    "features": "video_list",
    "kinetics": "annotations",
    "ava_kinetics": "annotations",
    "ava": "file_lists",
}
"""What a project can make without clips: a section of the config, and its key that asks for it."""


@dataclass(frozen=True)
class Project:
    """Everything that the rules need to know. Clips are sorted by id."""

    clips: list[Clip]
    finished: dict[str, str]
    batches: dict[str, list[str]]
    detector: DetectorFiles
    warnings: list[str]
    batch_of: dict[str, str] = field(default_factory=dict)
    by_hand: HandLabels | None = None
    features: FeaturePlan | None = None

    @property
    def splits(self) -> list[str]:
        """Splits with at least one clip, in the order train, val, test."""
        return [split for split in SPLITS if any(clip.split == split for clip in self.clips)]

    @property
    def annotated_splits(self) -> list[str]:
        """Splits with at least one finished clip."""
        return [split for split in self.splits if self.finished_of(split)]

    @property
    def awaiting(self) -> list[str]:
        """Clips whose annotation is not finished."""
        return [clip.id for clip in self.clips if clip.id not in self.finished]

    @property
    def alphaction_clips(self) -> list[str]:
        """Clips of AlphAction's dataset: those annotated by hand, where the config names such."""
        return list(self.finished) if self.by_hand is None else self.by_hand.clips

    @property
    def alphaction_splits(self) -> list[str]:
        """Splits of AlphAction's dataset, in the order train, val, test."""
        clips = set(self.alphaction_clips)
        return [split for split in self.splits if clips.intersection(self.clips_of(split))]

    def clips_of(self, split: str) -> list[str]:
        """Ids of a split's clips."""
        return [clip.id for clip in self.clips if clip.split == split]

    def finished_of(self, split: str) -> list[str]:
        """Ids of a split's finished clips."""
        return [clip for clip in self.clips_of(split) if clip in self.finished]


def load_project(config: Mapping, schemas: str | Path) -> Project:
    """Read and check a project.

    `config` is the merged config, `schemas` the folder of schemas. Raises UserError for
    anything that would stop a job later and can be known now; with `strict`, for
    warnings too.
    """
    schemas = Path(schemas)
    check_config(config, load_schema(schemas / "config.schema.yaml"))
    attributes = attributes_from_config(config["actions"])
    ffmpeg_exe(config["trim"]["ffmpeg"])
    results = Path(config["results"])
    for folder in (results, Path.cwd()):
        check_room(folder)
    fps, margin = config["trim"]["fps"], config["keyframes"]["margin"]
    if margin * fps < READER_REACH_FRAMES:
        raise UserError(
            f"config: keyframes.margin: {margin} s at {fps} frames a second leave less than the "
            f"{READER_REACH_FRAMES} frames that readers take on each side of a keyframe; "
            f"expected at least {-(-READER_REACH_FRAMES // fps)} s"
        )
    if not config["clips"] and not other_parts(config):
        raise UserError(
            "config: `clips` is empty, and nothing else is asked for: give the path of a clips "
            "table" + "".join(f", or {part}.{key}" for part, key in OTHER_PARTS.items())
        )
    cache = ProbeCache(results / ".probes.json")
    rows: list[Clip] = []
    if config["clips"]:
        rows = read_clips_table(
            config["clips"], load_schema(schemas / "clips.schema.yaml"), results / "videos"
        )
    try:
        clips, remainders = resolve_clips(
            rows, cache, fps, margin, config["timestamp_offset"], config["clips"]
        )
    finally:
        cache.save({row.source for row in rows})
    clips.sort(key=lambda clip: clip.id)
    warnings = leaks(clips)
    finished: dict[str, str] = {}
    if clips:
        finished, unknown = find_finished(config["annotations"], {clip.id for clip in clips})
        warnings += unknown
    warnings += unusable_annotations(finished, results, attributes)
    features = plan_features(
        config["features"], [clip.id for clip in clips], config["batches"], results
    )
    warnings += features.warnings if features else []
    if config["strict"] and warnings:
        raise UserError.listing("`strict` is set, so these warnings stop the run:", warnings)
    # A rest of a divided range is told, but nothing to mend.
    warnings += remainders
    batches: dict[str, list[str]] = {}
    for clip in clips:
        batches.setdefault(batch_of(clip.id, config["batches"]), []).append(clip.id)
    check_clips_made((clip.id for clip in clips), results)
    check_via(config["via"])
    if "slowfast" in config["exports"]:
        check_settings(config["rawframes"]["enabled"], fps, config["timestamp_offset"])
    by_hand = None
    hand_files = annotated_by_hand(config)
    if hand_files:
        settings, offset = config["alphaction"], config["timestamp_offset"]
        splits = {clip.id: clip.split for clip in clips}
        by_hand = read_hand_labels(hand_files, splits, attributes, settings["numbering"], offset)
        # Of a video that is not downloaded yet the end may be unknown: its job looks again.
        counts = {clip.id: segments_of(clip, settings) for clip in clips if clip.end is not None}
        known = {each: where for each, where in by_hand.judged.items() if each[0] in counts}
        check_reach(known, counts, settings, margin)
    elif "alphaction" in config["exports"]:
        check_alphaction_settings(config["alphaction"], margin)
    return Project(
        clips=clips,
        finished=finished,
        batches=dict(sorted(batches.items())),
        detector=find_detector(config["detector"], results),
        warnings=warnings,
        batch_of={clip: batch for batch, members in batches.items() for clip in members},
        by_hand=by_hand,
        features=features,
    )


def other_parts(config: Mapping) -> list[str]:
    """The parts beside the main job that the config asks for, by the names of their sections."""
    return [part for part, key in OTHER_PARTS.items() if config[part][key]]


def segments_of(clip: Clip, settings: Mapping) -> int:
    """The number of AlphAction's segments in a clip whose end is known."""
    fps = settings["fps"]
    frames = frame_count(clip.start, clip.end, fps)
    return segment_count(frames, fps, settings["segment_seconds"])


def annotated_by_hand(config: Mapping) -> list[str]:
    """The files of annotations by hand that the config names for AlphAction."""
    named = config["alphaction"]["annotations"]
    return [named] if isinstance(named, str) and named else list(named)


def check_clips_made(clips: Iterable[str], results: Path) -> None:
    """UserError if a clip that was cut has another size than its manifest says.

    Snakemake compares times only, and would take a clip that was cut short by hand, by a
    broken copy or by a full disk for whole.
    """
    problems = []
    for clip in clips:
        video, manifest = results / "clips" / f"{clip}.mp4", results / "clips" / f"{clip}.json"
        try:
            expected, found = read_clip_manifest(manifest).bytes, video.stat().st_size
        except OSError:
            continue  # not cut yet, or being cut right now
        if expected and found != expected:
            problems.append(
                f"{video}: expected {expected} bytes, as {manifest.name} says, found {found}: "
                f"delete {video} and {manifest}, and run again"
            )
    if problems:
        raise UserError.listing(f"{results}: these clips are not as they were made:", problems)


def check_via(settings: Mapping) -> None:
    """UserError if the VIA page is missing, or to be downloaded from nowhere."""
    page = settings["page"]
    if page == "download":
        if not settings["url"].lower().startswith(("http://", "https://")):
            raise UserError(
                "config: via.page is `download`, but via.url is not an http(s) address: give the "
                "address of VIA 3's zip or html file"
            )
    elif page and not Path(page).is_file():
        raise UserError(
            f"config: via.page: {page} is missing. Give the path of VIA 3's annotator html, "
            "`download`, or leave it empty for project files only."
        )
