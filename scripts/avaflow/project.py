"""A user's whole project, read and checked before any job runs.

The config and the clips table are held against their schemas, videos are looked into,
finished annotations are found, and files that a run needs are named or missed by name.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from avaflow.actions import Attribute, attributes_from_config
from avaflow.alphaction import check_reach
from avaflow.alphaction import check_settings as check_alphaction_settings
from avaflow.batches import batch_of
from avaflow.clips import (
    SPLITS,
    Clip,
    frame_count,
    leaks,
    read_clips_table,
    resolve_clips,
)
from avaflow.config import check_config, load_schema
from avaflow.errors import UserError
from avaflow.feature_plan import FeaturePlan, plan_features
from avaflow.hand_labels import HandLabels, read_hand_labels
from avaflow.job import check_room
from avaflow.labelling import early_problems
from avaflow.manifests import read_clip_manifest
from avaflow.segments import segment_count
from avaflow.slowfast import check_settings
from avaflow.times import READER_REACH_FRAMES
from avaflow.trim import ffmpeg_exe
from avaflow.via import MAX_PROJECT_MB, read_project
from avaflow.via_page import read_page
from avaflow.video import ProbeCache

FINISHED_NAME = re.compile(r"^(?P<clip>[A-Za-z0-9-]+?)(?:_finish)?\.json$")
"""How the file of a finished annotation may be called."""

SECOND_SAVE = re.compile(
    r"^(?P<clip>[A-Za-z0-9-]+?)(?:_finish)?(?: ?\(\d+\)| copy(?: \d+)?|_finish-\d+)\.json$"
)
"""What browsers and file managers make of that name where the file is there already:
`a_finish (1).json` (Chrome, Edge), `a_finish(1).json` (Firefox), `a_finish-1.json` (Safari),
`a_finish copy.json` (macOS)."""

DOWNLOADABLE_WEIGHTS = re.compile(r"^yolo[A-Za-z0-9-]*\.pt$")
"""Names of weights that ultralytics publishes; anything else has to be a file."""


OTHER_PARTS: dict[str, str] = {
    "features": "video_list",
    "kinetics": "annotations",
    "ava_kinetics": "annotations",
    "ava": "file_lists",
}
"""What a project can make without clips: a section of the config, and its key that asks for it."""


@dataclass(frozen=True)
class DetectorFiles:
    """Where a project's detector lies.

    `weights` is the file that the config names (or its download), `files` are what a
    detection job depends on, and `model` is what it loads.
    """

    weights: str
    files: list[str]
    model: str


@dataclass(frozen=True)
class Project:
    """Everything that the rules need to know. Clips are sorted by id.

    `unused` are those of the warnings that tell of files of annotations which are not read.
    """

    clips: list[Clip]
    finished: dict[str, str]
    batches: dict[str, list[str]]
    detector: DetectorFiles
    warnings: list[str]
    batch_of: dict[str, str] = field(default_factory=dict)
    by_hand: HandLabels | None = None
    features: FeaturePlan | None = None
    unused: list[str] = field(default_factory=list)

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
    unused: list[str] = []
    if clips:
        finished, unused = find_finished(config["annotations"], {clip.id for clip in clips})
    warnings += unused
    max_mb = config["via"]["max_project_mb"]
    warnings += unusable_annotations(finished, results, attributes, max_mb)
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
        unused=unused,
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


def find_finished(folder: str | Path, clips: set[str]) -> tuple[dict[str, str], list[str]]:
    """Finished projects, clip id -> path, sorted by clip, and a warning per stray file.

    Raises UserError where two files stand for one clip.
    """
    folder = Path(folder)
    if not folder.exists():
        return {}, []
    if not folder.is_dir():
        raise UserError(f"{folder}: expected the folder of finished annotations, found a file.")
    finished: dict[str, str] = {}
    problems, warnings = [], []
    again: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.json")):
        named = FINISHED_NAME.match(path.name)
        clip = named["clip"] if named else None
        saved_again = SECOND_SAVE.match(path.name)
        if saved_again and saved_again["clip"] in clips:
            again.setdefault(saved_again["clip"], []).append(path)
        elif clip not in clips:
            warnings.append(
                f"{path}: no clip of this name is in the clips table, so the file is not used. "
                "Expected {clip}.json or {clip}_finish.json"
            )
        elif clip in finished:
            problems.append(
                f"clip {clip}: both {finished[clip]} and {path} are there: keep the one that counts"
            )
        else:
            finished[clip] = str(path)
    for clip, paths in again.items():
        instead = Path(finished.get(clip, folder / f"{clip}_finish.json"))
        warnings += [_second_save(clip, path, instead, clip in finished) for path in paths]
    if problems:
        raise UserError.listing(f"{folder}: two annotations for one clip:", problems)
    return dict(sorted(finished.items())), warnings


def _second_save(clip: str, path: Path, instead: Path, there: bool) -> str:
    """Which of two saves counts, only a person can say: neither name nor date tells."""
    if not there:
        return (
            f"{path}: named as browsers name a second save of clip {clip}, so it is not used. "
            f"Rename it {instead.name}"
        )
    return (
        f"{path}: a second save of clip {clip}, as browsers name it, and not used: "
        f"{instead.name} is. Rename it over {instead.name} if it is the one that counts, else "
        "delete it"
    )


def unusable_annotations(
    finished: Mapping[str, str],
    results: Path,
    attributes: Sequence[Attribute],
    max_mb: float = MAX_PROJECT_MB,
) -> list[str]:
    """A warning for each finished project, not read back yet, that its clip's labels will refuse.

    Only files that this run has to read are looked into. The refusal itself is left to
    the clip's own job, so that one annotator's slip holds up nobody else.
    """
    warnings = []
    for clip, path in finished.items():
        labels = results / "labels" / f"{clip}.csv"
        if labels.exists() and labels.stat().st_mtime >= Path(path).stat().st_mtime:
            continue
        try:
            problems = early_problems(read_project(path, max_mb), clip, attributes)
        except UserError as error:
            warnings.append(str(error))
            continue
        if problems:
            warnings.append(
                str(UserError.listing(f"{path}: this project cannot be used:", problems))
            )
    return warnings


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


def find_detector(settings: Mapping, results: Path) -> DetectorFiles:
    """The detector's files; UserError if its weights are neither there nor downloadable."""
    named = Path(settings["weights"])
    if named.is_dir():
        files = sorted(str(path) for path in named.iterdir() if path.is_file())
        if not files:
            raise UserError(f"config: detector.weights: the folder {named} is empty")
        return DetectorFiles(str(named), files, str(named))
    if named.is_file():
        if named.stat().st_size == 0:
            raise UserError(f"config: detector.weights: the file {named} is empty (0 bytes)")
        weights = str(named)
    elif DOWNLOADABLE_WEIGHTS.match(settings["weights"]):
        weights = str(results / "models" / named.name)
    else:
        raise UserError(
            f"config: detector.weights: {named} is missing. Put the file there, or name weights "
            "that ultralytics downloads, such as yolo11n.pt."
        )
    exported = settings["export"] == "openvino" and str(settings["device"]) == "cpu"
    if exported and weights.endswith(".pt"):
        stem = Path(weights).stem
        manifest = results / "models" / f"{stem}.openvino.json"
        return DetectorFiles(
            weights, [str(manifest)], str(results / "models" / f"{stem}_openvino_model")
        )
    return DetectorFiles(weights, [weights], weights)


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
        try:
            read_page(page)  # once here, instead of the same error from the job of every clip
        except UserError as error:
            raise UserError(f"config: via.page: {error}") from None
