"""What a project's section `features` asks for, checked before any job runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from avaflow.batches import batch_of
from avaflow.errors import UserError
from avaflow.features.architectures import ARCHITECTURES, TRAINED_FPS, TwoPathways
from avaflow.features.checkpoints import NO_WEIGHTS, WHAT_TO_DOWNLOAD, unusable
from avaflow.features.files import check_features_made
from avaflow.features.makers import EXPORTED, VIDEOMAE
from avaflow.features.network_files import HOW_TO_EXPORT, kind_of, videomae_problems
from avaflow.listing import commas
from avaflow.videos.instants import frame_matcher

LEAST_FRAMES = 4
"""Of a window of our own networks, as their kernels in time are longer than one frame."""

SHOWN = 5
"""So many missing videos of a list are named in a warning."""


@dataclass(frozen=True)
class FeaturePlan:
    """Videos to extract features of, by batch.

    `paths` is empty where these are the project's clips; else it tells where each video of
    the list should lie. `persons` says whether persons' features are wanted too.
    """

    batches: dict[str, list[str]]
    paths: dict[str, str]
    persons: bool
    warnings: list[str] = field(default_factory=list)

    def existing_files(self, batch: str) -> list[str]:
        """The files and folders of a batch that exist."""
        return [self.paths[name] for name in self.batches[batch] if Path(self.paths[name]).exists()]


def plan_features(
    settings: Mapping,
    clips: Sequence[str],
    batches: int,
    results: str | Path,
    others: bool = False,
) -> FeaturePlan | None:
    """The plan of features; None where the config asks for none.

    `settings` is the config's section `features`, `clips` the ids of the project's clips; `others`
    says that the features of other videos are wanted, which are not planned here.
    Raises UserError for settings that do not go together, and for missing files.
    """
    if not settings["weights"]:
        if settings["video_list"]:
            raise UserError(f"config: {NO_WEIGHTS}")
        return None
    problems = problems_of(settings, bool(clips) or others)
    if problems:
        raise UserError.listing("config: these settings of features cannot be used:", problems)
    warnings = untrained_windows(settings)
    weights = Path(settings["weights"])
    if settings["architecture"] != VIDEOMAE and (found := unusable(weights)):
        advice = WHAT_TO_DOWNLOAD if settings["architecture"] in ARCHITECTURES else HOW_TO_EXPORT
        raise UserError(f"config: features.weights: {weights} is {found}. {advice}")
    if settings["architecture"] == EXPORTED:
        check_exported(settings)
    paths = {}
    if settings["video_list"]:
        paths = video_paths(settings)
        warnings += missing_videos(settings, paths)
    grouped: dict[str, list[str]] = {}
    for name in sorted(paths or clips):
        grouped.setdefault(batch_of(name, batches), []).append(name)
    places = [("feature_batches", "features")]
    places += [("person_feature_batches", "person_features")] if settings["persons"] else []
    for manifests, folder in places:
        check_features_made(
            [Path(results, manifests, f"{batch}.csv") for batch in sorted(grouped)],
            Path(results, folder),
        )
    return FeaturePlan(dict(sorted(grouped.items())), paths, settings["persons"], warnings)


def problems_of(settings: Mapping, has_clips: bool) -> list[str]:
    """What in the settings does not go together, one sentence each."""
    problems = []
    made = ARCHITECTURES.get(settings["architecture"])
    multiple = max(made.alpha, 2) if made else 1
    if made and (settings["num_frames"] < LEAST_FRAMES or settings["num_frames"] % multiple):
        least = f" from {LEAST_FRAMES} on" if multiple < LEAST_FRAMES else ""
        problems.append(
            f"num_frames: expected a multiple of {multiple}{least} for "
            f"{settings['architecture']}, found {settings['num_frames']}"
        )
    if settings["architecture"] == VIDEOMAE:
        problems += videomae_problems(settings)
    ratio = settings["in_fps"] / settings["out_fps"]
    if round(ratio) < 1 or abs(ratio - round(ratio)) > 1e-6:
        problems.append(
            f"in_fps, out_fps: expected in_fps to be out_fps times a whole number, found "
            f"{settings['in_fps']} and {settings['out_fps']}: a window takes every "
            "(in_fps / out_fps)-th frame"
        )
    on_cpu = str(settings["device"]) == "cpu"
    if settings["precision"] == "float16" and on_cpu:
        problems.append(
            "precision: float16 works on a GPU only; on a processor bfloat16 halves the time"
        )
    if settings["video_list"] and settings["inputs"] == "frames":
        try:
            frame_matcher(settings["frame_pattern"])
        except ValueError as error:
            problems.append(
                "frame_pattern: expected a file name with one number in braces, such as "
                f"frame_{{:010d}}.jpg, found {error}"
            )
    if settings["persons"] and settings["video_list"]:
        problems.append(
            "persons: boxes of persons are known of the project's clips only: leave video_list "
            "empty, or set persons to false"
        )
    if not settings["video_list"] and not has_clips:
        problems.append(
            "video_list: there is no clips table either: give the path of a list of videos"
        )
    return problems


def check_exported(settings: Mapping) -> None:
    """UserError for a file that holds no network, or one that cannot run on the device."""
    try:
        kind = kind_of(settings["weights"])
    except UserError as error:
        raise UserError(f"config: {error}") from None
    if kind == "onnx" and str(settings["device"]) != "cpu":
        raise UserError(
            f"config: features.device: {settings['weights']} is ONNX, which runs on the processor "
            f"here: expected cpu, found {settings['device']!r}. On a GPU a network of TorchScript "
            "runs."
        )


def untrained_windows(settings: Mapping) -> list[str]:
    """A warning where a network of one pathway gets other windows than it was trained with.

    The defaults are SlowFast's, and such a network would take them without a word.
    """
    made = ARCHITECTURES.get(settings["architecture"])
    if made is None or isinstance(made, TwoPathways):
        return []
    if settings["num_frames"] == made.trained_frames:
        return []
    return [
        f"features.num_frames: {settings['architecture']} was trained with {made.trained_frames} "
        f"frames, {TRAINED_FPS / made.trained_step:g} of them a second (out_fps), found "
        f"{settings['num_frames']} frames, {settings['out_fps']:g} a second. Features of other "
        "windows are not what its accuracy was measured with"
    ]


def video_paths(settings: Mapping) -> dict[str, str]:
    """Where each video of the list should lie: name -> path of a file or folder."""
    from avaflow.features.video_list import read_video_list

    names = read_video_list(settings["video_list"])
    root = Path(settings["root"]) if settings["root"] else Path(settings["video_list"]).parent
    suffix = settings["video_suffix"] if settings["inputs"] == "videos" else ""
    return {name: f"{root / name}{suffix}" for name in names}


def missing_videos(settings: Mapping, paths: Mapping[str, str]) -> list[str]:
    """A warning if videos of the list are missing; UserError if all are."""
    folders = settings["inputs"] == "frames"
    missing = [
        path
        for path in paths.values()
        if not (Path(path).is_dir() if folders else Path(path).is_file())
    ]
    if not missing:
        return []
    shown = commas(missing, SHOWN)
    suffix = "" if folders else settings["video_suffix"]
    whole = [path.removesuffix(suffix) for path in missing]
    # The name as it stands in the list is a file: it has been written with its ending.
    whole = [path for path in whole if suffix and Path(path).is_file()]
    hint = (
        f" The list has paths without extension, and video_suffix is put behind them: "
        f"write {Path(whole[0]).with_suffix('').name}, not {Path(whole[0]).name}."
        if whole
        else ""
    )
    kind = "folder of frames" if folders else "video"
    if len(missing) == len(paths):
        settled = "" if folders else ", and features.video_suffix what their names end with"
        raise UserError(
            f"features.video_list: no {kind} of {settings['video_list']} is there: expected "
            f"{shown}. Check that features.root is the folder that the paths of the list "
            f"start from{settled}.{hint}"
        )
    return [
        f"features.video_list: of {len(paths)} entries {len(missing)} have no {kind}, and are "
        f"passed over: {shown}{hint and '.' + hint}"
    ]
