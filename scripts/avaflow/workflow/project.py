"""A user's whole project, read and checked before any job runs.

The config and the clips table are held against their schemas, videos are looked into,
finished annotations are found, and files that a run needs are named or missed by name.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from avaflow.annotation.finished import (
    find_annotators,
    find_finished,
    unusable_annotations,
    which_count,
)
from avaflow.batches import batch_of
from avaflow.errors import UserError
from avaflow.files import check_room, check_writable
from avaflow.listing import commas
from avaflow.persons.detector_files import DetectorFiles, find_detector
from avaflow.persons.own_files import OwnFiles, find_own_files
from avaflow.prediction.plan import find_videos
from avaflow.project.actions import Attribute, attributes_from_config
from avaflow.project.clips import SPLITS, Clip, leaks, read_clips_table, resolve_clips
from avaflow.project.config import check_config, load_schema
from avaflow.project.settings import load_settings
from avaflow.project.shots import cut_into_shots
from avaflow.times import READER_REACH_FRAMES
from avaflow.videos.ffmpeg import ffmpeg_exe
from avaflow.videos.probe import ProbeCache, use_limits
from avaflow.videos.shot_plan import ShotPlan

if TYPE_CHECKING:
    from avaflow.annotation.existing.index import Existing
    from avaflow.features.plan import FeaturePlan

CLOCK_SLACK_SECONDS = 3600
"""Clocks of machines that share a disk differ; more is worth a word."""

OTHER_PARTS: dict[str, str] = {
    "features": "video_list",
    "prediction": "videos",
    "kinetics": "annotations",
    "ava_kinetics": "annotations",
    "ava": "file_lists",
}
"""What a project can make without clips: a section of the config, and its key that asks for it."""


@dataclass(frozen=True)
class Project:
    """Everything that the rules need to know. Clips are sorted by id.

    `finished` gives the file of each finished annotation: a saved project, or the table that is
    made of existing annotations. `counted` are the files that count for each clip whose
    annotations somebody saved: those of several annotators where most decide. `unsettled` names
    the annotators of clips of which nobody has said what counts. `begun` are files of pages on
    which nothing is judged yet: their clips await annotation. `annotators` are the files of
    several annotators by clip and name. `unused` are those of the warnings that tell of files of
    annotations which are not read. `new_videos` are videos to predict on, by name.
    """

    clips: list[Clip]
    finished: dict[str, str]
    batches: dict[str, list[str]]
    detector: DetectorFiles
    warnings: list[str]
    batch_of: dict[str, str] = field(default_factory=dict)
    existing: Existing | None = None
    features: FeaturePlan | None = None
    unused: list[str] = field(default_factory=list)
    own_detections: OwnFiles | None = None
    own_tracks: OwnFiles | None = None
    counted: dict[str, list[str]] = field(default_factory=dict)
    unsettled: dict[str, list[str]] = field(default_factory=dict)
    begun: dict[str, str] = field(default_factory=dict)
    annotators: dict[str, dict[str, str]] = field(default_factory=dict)
    new_videos: dict[str, str] = field(default_factory=dict)

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
    def projects(self) -> dict[str, str]:
        """The finished annotations that somebody saved, of clips of which one file counts."""
        return {clip: paths[0] for clip, paths in self.counted.items() if len(paths) == 1}

    @property
    def imported(self) -> list[str]:
        """Clips that are finished by existing annotations."""
        return self.existing.clips if self.existing else []

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
    check_config(config, load_settings(schemas / "config.schema.yaml"))
    attributes = attributes_from_config(config["actions"])
    ffmpeg_exe(config["trim"]["ffmpeg"])
    results = Path(config["results"])
    for folder in (results, Path.cwd()):
        check_writable(folder)
        check_room(folder)
    check_together(config)
    fps, margin = config["trim"]["fps"], config["keyframes"]["margin"]
    use_limits(config["limits"])
    cache = ProbeCache(results / ".probes.json")
    rows: list[Clip] = []
    proposed = table_to_propose(config)
    if config["clips"] and not proposed:
        rows = read_clips_table(
            config["clips"], load_schema(schemas / "clips.schema.yaml"), results / "videos"
        )
    plan = ShotPlan(
        results / ".shots.json",
        fps,
        config["cuts"]["likeness"],
        config["trim"]["ffmpeg"],
        results / "logs" / "shots",
    )
    try:
        clips, remainders = resolve_clips(
            rows,
            cache,
            fps,
            margin,
            config["timestamp_offset"],
            config["clips"],
            lambda row: cut_into_shots(row, cache, plan, fps, margin),
        )
    finally:
        cache.save({row.source for row in rows})
        plan.save()
    clips.sort(key=lambda clip: clip.id)
    warnings = leaks(clips)
    found = find_annotations(config, clips, attributes)
    warnings += [*found.unused, *found.unusable]
    new_videos = find_videos(config["prediction"]["videos"], [clip.id for clip in clips])
    features = None
    if config["features"]["weights"] or config["features"]["video_list"]:
        # Imported where they are needed: most starts of a run do without.
        from avaflow.features.plan import plan_features

        features = plan_features(
            config["features"],
            [clip.id for clip in clips],
            config["batches"],
            results,
            others=bool(new_videos),
        )
        warnings += features.warnings if features else []
    own = find_own(config["own"], clips, warnings)
    if config["strict"] and warnings:
        raise UserError.listing("`strict` is set, so these warnings stop the run:", warnings)
    # A rest of a divided range is told, but nothing to fix.
    warnings += proposed + remainders + dated_ahead(row.source for row in rows)
    batches: dict[str, list[str]] = {}
    for clip in clips:
        batches.setdefault(batch_of(clip.id, config["batches"]), []).append(clip.id)
    check_via(config["via"])
    check_font(config["preview"]["font"])
    if "slowfast" in config["exports"]:
        from avaflow.formats.slowfast import check_settings

        check_settings(config["rawframes"]["enabled"], fps, config["timestamp_offset"])
    if "alphaction" in config["exports"]:
        from avaflow.formats.alphaction import check_settings as check_alphaction_settings

        check_alphaction_settings(config["alphaction"], margin)
    return Project(
        clips=clips,
        finished=found.finished,
        batches=dict(sorted(batches.items())),
        detector=find_detector(config["detector"], results),
        warnings=warnings,
        batch_of={clip: batch for batch, members in batches.items() for clip in members},
        existing=found.existing,
        features=features,
        unused=found.unused,
        # Persons who are followed were found: no detector has to look for them again.
        own_detections=own["detections"] or own["tracks"],
        own_tracks=own["tracks"],
        counted=found.counted,
        unsettled=found.unsettled,
        begun=found.begun,
        annotators=found.annotators,
        new_videos=new_videos,
    )


def table_to_propose(config: Mapping) -> list[str]:
    """A warning if there is no clips table yet, but a folder of videos to propose one for."""
    videos = config["clips_table"]["videos"]
    if not config["clips"] or not videos or os.path.exists(config["clips"]):
        return []
    return [
        f"{config['clips']}: there is no clips table yet. `snakemake clips_table` proposes one for "
        f"the videos in {videos}"
    ]


def find_own(
    settings: Mapping, clips: Sequence[Clip], warnings: list[str]
) -> dict[str, OwnFiles | None]:
    """The user's own detections and tracks, None for none; what is told of them is added."""
    ids = {clip.id for clip in clips}
    own: dict[str, OwnFiles | None] = {"detections": None, "tracks": None}
    for name in own:
        if ids and settings[name]:
            own[name], strangers = find_own_files(settings[name], f"own.{name}", ids)
            warnings += strangers
    return own


def check_together(config: Mapping) -> None:
    """UserError for settings of which each is right, and all together are not."""
    fps, margin = config["trim"]["fps"], config["keyframes"]["margin"]
    if margin * fps < READER_REACH_FRAMES:
        raise UserError(
            f"config: keyframes.margin: {margin} s at {fps} frames a second leave less than the "
            f"{READER_REACH_FRAMES} frames that readers take on each side of a keyframe; "
            f"expected at least {-(-READER_REACH_FRAMES // fps)} s"
        )
    person = config["detector"]["person_class"]
    if person in config["alphaction"]["objects"]:
        raise UserError(
            f"config: alphaction.objects: {person!r} is detector.person_class, and AlphAction "
            "wants objects beside the persons. Take it out"
        )
    features = config["features"]
    if config["baseline"]["enabled"] and not (features["weights"] and features["persons"]):
        raise UserError(
            "config: baseline.enabled: a baseline learns from features of persons: name trained "
            "weights as features.weights and set features.persons to true (docs/features.md), or "
            "set it to false"
        )
    if not config["clips"] and not other_parts(config) and not config["downloads"]:
        others = [f"{part}.{key}" for part, key in OTHER_PARTS.items()]
        raise UserError(
            "config: `clips` is empty, and nothing else is asked for: give the path of a clips "
            "table" + "".join(f", or {key}" for key in [*others, "downloads"])
        )


class Annotations(NamedTuple):
    """The finished annotations by clip, existing ones, and warnings: of files that are not used,
    and of projects that their clip's job will refuse; which files count, and await that; and the
    files of several annotators by clip and name."""

    finished: dict[str, str]
    existing: Existing | None
    unused: list[str]
    unusable: list[str]
    counted: dict[str, list[str]] = {}
    unsettled: dict[str, list[str]] = {}
    begun: dict[str, str] = {}
    annotators: dict[str, dict[str, str]] = {}


def find_annotations(
    config: Mapping, clips: Sequence[Clip], attributes: Sequence[Attribute]
) -> Annotations:
    """What is annotated. UserError where files do not fit, or two stand for one clip."""
    if not clips:
        return Annotations({}, None, [], [])
    known_as = {clip.known_as: clip.id for clip in clips if clip.known_as}
    ids = {clip.id for clip in clips}
    settings, folder = config["annotate"], config["annotations"]
    own, unused = find_finished(folder, ids, known_as, settings["source"])
    annotators = find_annotators(folder, ids, known_as)
    counted, unsettled, begun = which_count(own, annotators, settings["counts"])
    results, max_mb = config["results"], config["via"]["max_project_mb"]
    unusable = unusable_annotations(counted, Path(results), attributes, max_mb, known_as)
    finished = {clip: paths[0] for clip, paths in counted.items()}
    if not config["existing"]["files"]:
        return Annotations(finished, None, unused, unusable, counted, unsettled, begun, annotators)
    # Imported where such are named: most starts of a run do without.
    from avaflow.annotation.existing.index import load_existing

    existing = load_existing(config, clips, attributes)
    if existing.skipped:
        unused.append(
            f"existing.files: {commas(existing.skipped, 5)} are no clips of the clips table, so "
            "what is said of them is left out"
        )
    twice = [clip for clip in existing.clips if clip in finished]
    if twice and config["existing"]["annotated_clips"] == "refuse":
        raise UserError.listing(
            "existing.files: these clips are annotated here too; take one away, or set "
            "`existing: {annotated_clips: replace}` if what was saved here counts:",
            [f"clip {clip}: {finished[clip]}" for clip in twice],
        )
    existing = existing.without(twice)
    finished |= {clip: f"{results}/existing/{clip}.csv" for clip in existing.clips}
    unsettled = {clip: names for clip, names in unsettled.items() if clip not in finished}
    return Annotations(
        dict(sorted(finished.items())),
        existing,
        unused,
        unusable,
        counted,
        unsettled,
        begun,
        annotators,
    )


def other_parts(config: Mapping) -> list[str]:
    """The parts beside the main job that the config asks for, by the names of their sections."""
    return [part for part, key in OTHER_PARTS.items() if config[part][key]]


def dated_ahead(sources: Iterable[str | Path]) -> list[str]:
    """A sentence for each video whose date is ahead of this machine's clock: told, not wrong."""
    now = time.time()
    notes = []
    for source in sorted(set(map(str, sources))):
        with suppress(OSError):
            if os.stat(source).st_mtime > now + CLOCK_SLACK_SECONDS:
                notes.append(
                    f"{source}: its date is in the future. Content decides here, not dates; but "
                    "the clock of the camera, or of this machine, may be wrong"
                )
    return notes


def check_via(settings: Mapping) -> None:
    """UserError if the VIA page is missing or another, or to be downloaded from nowhere."""
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
    elif page:
        from avaflow.annotation.via_page import read_page

        try:
            read_page(page)  # once here, instead of the same error from the job of every clip
        except UserError as error:
            raise UserError(f"config: via.page: {error}") from None


def check_font(font: str) -> None:
    """UserError if the font to write names of actions with is missing."""
    if font and not Path(font).is_file():
        raise UserError(
            f"config: preview.font: {font} is missing. Give the path of a font file (.ttf, .otf or "
            ".ttc), or leave it empty for DejaVu Sans."
        )
