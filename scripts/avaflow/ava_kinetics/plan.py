"""What the config asks of AVA-Kinetics, held against the disk before any job starts."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from avaflow.ava_kinetics.annotations import Listed, Range, annotated_seconds, ranges_of, read_list
from avaflow.bulk.plan import BatchPlan, load_plan, plan_of, save_plan
from avaflow.bulk.video_folders import check_apart, listed_files
from avaflow.errors import UserError
from avaflow.files import quick_checksum


class PlanRow(NamedTuple):
    """A row of a batch's plan, every cell as text.

    There is one per range to cut (no `status` yet), per range that is dropped, per video that is
    missing, and per YouTube video with seconds that no listed video holds. `seconds` are the
    annotated ones, divided by spaces.
    """

    split: str
    youtube_id: str
    clip: str
    start: str
    end: str
    status: str
    reason: str
    seconds: str
    source: str
    source_start: str
    bytes: str
    changed: str


PLAN = PlanRow._fields
"""Columns of a batch's plan."""

SPLITS = ("train", "val")
"""The splits that have boxes."""

ACTION_LISTS = (
    "ava_action_list_v2.2_for_activitynet_2019.pbtxt",
    "ava_action_list_v2.2_for_activitynet.pbtxt",
    "ava_action_list_v2.1_for_activitynet_2018.pbtxt",
    "ava_action_list_v2.2.pbtxt",
)
"""The 60 actions that are judged first; else all 80."""


@dataclass(frozen=True)
class AvaFolder:
    """Files of an AVA folder by split, its movies with frames, and their folder."""

    csv: dict[str, str]
    excluded: dict[str, str]
    proposals: dict[str, str]
    rawframes: str
    movies: list[str]


def plan_path(config: Mapping) -> Path:
    """Where what was found on the disk is kept for the jobs."""
    return Path(config["results"], ".ava-kinetics-plan.csv")


def annotation_csv(config: Mapping, split: str) -> str:
    """The official csv of a split."""
    return f"{config['ava_kinetics']['annotations']}/kinetics_{split}_v1.0.csv"


def load_ava_kinetics(config: Mapping, scan_disk: bool) -> BatchPlan | None:
    """The plan of the config's AVA-Kinetics; None where none is asked for.

    With `scan_disk` annotations and lists are read and videos looked for, and what was found is
    kept beside the results; without, that is read. Raises UserError for all that can be known now.
    """
    settings = config["ava_kinetics"]
    if not settings["annotations"]:
        return None
    kept = plan_path(config)
    if not scan_disk:
        return load_plan(kept)
    folder = Path(settings["annotations"])
    if not folder.is_dir():
        raise UserError(
            f"config: ava_kinetics.annotations: expected the folder ava_kinetics_v1_0 at {folder}, "
            "found none. Unpack ava_kinetics_v1_0.tar.gz there."
        )
    splits = [split for split in SPLITS if settings["lists"][split]]
    if not splits:
        raise UserError(
            "config: ava_kinetics.lists: give the list of Kinetics-700 videos of train or val, "
            "`path label` a line, such as kinetics/train.csv of the part `kinetics`"
        )
    if settings["proposal_score"] < config["detector"]["confidence"]:
        raise UserError(
            f"config: ava_kinetics.proposal_score is {settings['proposal_score']:g}, but the "
            f"detector gives no scores below detector.confidence, "
            f"{config['detector']['confidence']:g}: lower that, or raise this"
        )
    rows: list[PlanRow] = []
    for split in splits:
        rows += split_rows(config, split)
    check_split_apart(rows)
    made = Path(config["results"], "ava_kinetics")
    for place in sorted({os.path.dirname(row.source) for row in rows if not row.status}):
        check_apart(place, made / "videos", "ava_kinetics.lists: the folder of a video")
    action_list(config)
    ava = None
    if settings["ava"]:
        ava = find_ava(settings["ava"], splits, settings["ava_proposals"])
        check_apart(ava.rawframes, made, "ava_kinetics.ava: rawframes")
    facts = {
        "splits": splits,
        "ava": ava.__dict__ if ava else None,
        "annotations": {split: quick_checksum(annotation_csv(config, split)) for split in splits},
    }
    plan = plan_of(rows, 2, PLAN, settings["batches"], facts)
    save_plan(plan, kept)
    return plan


def check_split_apart(rows: Sequence[PlanRow]) -> None:
    """UserError if one range is to be cut for two splits: it would be learnt and judged on."""
    split_of: dict[str, str] = {}
    double = []
    for row in rows:
        if not row.status and split_of.setdefault(row.clip, row.split) != row.split:
            double.append(row.clip)
    if double:
        raise UserError(
            f"config: ava_kinetics.lists: {len(double)} clips are to be cut for train and for val, "
            f"such as {min(double)}: both lists hold their video, and both annotation files name "
            "it. Take it out of one list."
        )


def split_rows(config: Mapping, split: str) -> list[PlanRow]:
    """Rows of a plan for one split. UserError where more is missing than may be."""
    settings = config["ava_kinetics"]
    list_path = settings["lists"][split]
    seconds = annotated_seconds(annotation_csv(config, split))
    root = settings["videos"][split] or os.path.dirname(list_path)
    videos = [video for video in read_list(list_path, root) if video.youtube_id in seconds]
    found = listed_files([video.path for video in videos])
    there = [video for video in videos if video.path in found]
    missing = [video for video in videos if video.path not in found]
    kept, dropped, left = ranges_of(there, seconds)
    rows = []
    for part in kept:
        file = found[part.video.path]
        cells = file.path, str(part.video.start), str(file.size), str(file.changed)
        rows.append(PlanRow(split, *_range_cells(part), "", "", _joined(part.seconds), *cells))
    for part, holder in dropped:
        reason = f"lies in {holder.clip}"
        told = "contained", reason, _joined(part.seconds)
        cells = part.video.path, str(part.video.start), "", ""
        rows.append(PlanRow(split, *_range_cells(part), *told, *cells))
    gone: dict[str, list[Listed]] = {}
    for video in missing:
        gone.setdefault(video.youtube_id, []).append(video)
    for name, own in left.items():
        files = sorted(video.path for video in gone.get(name, ()))
        status = "missing" if files else "not listed"
        reason = "no file of this name" if files else "no video of the list shows these seconds"
        told = status, reason, _joined(sorted(own))
        rows.append(PlanRow(split, name, "", "", "", *told, " | ".join(files), "", "", ""))
    wanted = {video.youtube_id for video in videos}
    lost = {video.youtube_id for video in missing} - {part.youtube_id for part in kept}
    if not wanted or len(lost) > settings["max_missing_share"] * len(wanted):
        example = f" Looked for {missing[0].path}, for one." if missing else ""
        raise UserError(
            f"config: ava_kinetics.lists.{split}: of {len(seconds)} annotated videos {len(wanted)} "
            f"are in {list_path}, and {len(wanted) - len(lost)} of these were found; more than "
            f"ava_kinetics.max_missing_share ({settings['max_missing_share']:g}) are missing."
            f"{example} "
            f"Relative paths start at ava_kinetics.videos.{split}, or at the list's folder."
        )
    return rows


def _range_cells(part: Range) -> tuple[str, str, str, str]:
    return part.youtube_id, part.clip, str(part.start), str(part.end)


def _joined(seconds: Iterable[int]) -> str:
    return " ".join(map(str, seconds))


def action_list(config: Mapping) -> str:
    """The action list that training configs name, from the annotations or the AVA folder."""
    settings = config["ava_kinetics"]
    folders = [settings["annotations"]]
    if settings["ava"]:
        folders.insert(0, f"{settings['ava']}/annotations")
    for name in ACTION_LISTS:
        for folder in folders:
            if os.path.isfile(f"{folder}/{name}"):
                return f"{folder}/{name}"
    raise UserError(
        f"{', '.join(folders)}: expected AVA's action list, such as {ACTION_LISTS[0]}, found none. "
        "It comes with the annotations of AVA-Kinetics and of AVA."
    )


def find_ava(
    folder: str, splits: list[str], proposals: Mapping[str, str] = MappingProxyType({})
) -> AvaFolder:
    """The files of an AVA folder as mmaction2 lays it out; UserError for what is not there.

    `proposals` gives files by split that lie elsewhere, empty for those of the folder.
    """
    annotations = f"{folder}/annotations"
    names = set(os.listdir(annotations)) if os.path.isdir(annotations) else set()
    needed = {
        "csv": ("ava_{split}_v2.2.csv", "ava_{split}_v2.1.csv"),
        "excluded": (
            "ava_{split}_excluded_timestamps_v2.2.csv",
            "ava_{split}_excluded_timestamps_v2.1.csv",
        ),
        "proposals": ("ava_dense_proposals_{split}.FAIR.recall_93.9.pkl",),
    }
    found: dict[str, dict[str, str]] = {kind: {} for kind in needed}
    problems = []
    # AVA's val is what the merged training is judged on, also without Kinetics' own.
    for split in SPLITS:
        for kind, patterns in needed.items():
            given = proposals.get(split) if kind == "proposals" else ""
            if given:
                if not os.path.isfile(given):
                    raise UserError(
                        f"config: ava_kinetics.ava_proposals.{split}: {given} is missing: correct "
                        "it, or leave it empty for the proposals in the AVA folder"
                    )
                found[kind][split] = given
                continue
            present = [p.format(split=split) for p in patterns if p.format(split=split) in names]
            if present:
                found[kind][split] = f"{annotations}/{present[0]}"
            elif split in splits:
                problems.append(f"annotations/{patterns[0].format(split=split)}")
    rawframes = f"{folder}/rawframes"
    movies = sorted(os.listdir(rawframes)) if os.path.isdir(rawframes) else []
    movies = [name for name in movies if os.path.isdir(f"{rawframes}/{name}")]
    if not movies:
        problems.append("rawframes/ with a folder of frames per movie")
    if problems:
        raise UserError.listing(
            f"config: ava_kinetics.ava: {folder} is not the AVA folder that mmaction2 describes; "
            "missing in it:",
            problems,
        )
    whole = [split for split in SPLITS if all(split in found[kind] for kind in needed)]
    for split in list(whole):
        if with_frames(found["csv"][split], movies):
            continue
        if split in splits:
            raise UserError(
                f"{found['csv'][split]}: none of its movies has a folder of frames in {rawframes}. "
                "Expected folders called after YouTube ids."
            )
        whole.remove(split)  # not asked for, and there is nothing of it to read
    parts = {kind: {split: paths[split] for split in whole} for kind, paths in found.items()}
    return AvaFolder(**parts, rawframes=rawframes, movies=movies)


def with_frames(csv: str, movies: Sequence[str]) -> bool:
    """Whether any movie of an AVA csv has a folder of frames."""
    there = set(movies)
    with open(csv, encoding="utf-8-sig") as stream:
        return any(line.split(",", 1)[0] in there for line in stream)
