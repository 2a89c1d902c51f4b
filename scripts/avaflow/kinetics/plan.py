"""What the config asks of Kinetics, held against the disk before any job starts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avaflow.bulk.journal import is_unchanged, read_lines
from avaflow.bulk.plan import BatchPlan, load_plan, plan_of, save_plan
from avaflow.bulk.video_folders import Found, Listing, check_apart, list_videos
from avaflow.errors import UserError
from avaflow.kinetics.annotations import Annotated, read_annotations
from avaflow.kinetics.label_ids import (
    check_known,
    disagreements,
    doubts,
    label_ids,
    read_label_ids,
)
from avaflow.kinetics.lists import paths_refused
from avaflow.project.clips import SPLITS
from avaflow.videos.ffmpeg import ffmpeg_exe


class PlanRow(NamedTuple):
    """A row of a batch's plan, one per annotated video and label, every cell as text.

    `source` is empty where the video is missing; `instead` is then a file that has its name and
    not that of a video.
    """

    split: str
    name: str
    start: str
    end: str
    label: str
    source: str
    bytes: str
    changed: str
    instead: str
    note: str


PLAN = PlanRow._fields
"""Columns of a batch's plan."""


def load_kinetics(config: Mapping, scan_disk: bool) -> BatchPlan | None:
    """The plan of the config's Kinetics; None where none is asked for.

    With `scan_disk` annotations are read and folders listed, and what was found is kept beside
    the results; without, that is read. Raises UserError for all that can be known now.
    """
    settings = config["kinetics"]
    if not settings["annotations"]:
        return None
    kept = plan_path(config)
    if not scan_disk:
        return load_plan(kept)
    # Imported where Kinetics is asked for: most starts of a run do without.
    from avaflow.kinetics.video import check_encoder

    exe = ffmpeg_exe(config["trim"]["ffmpeg"])
    check_encoder(exe, settings["encoder"])
    folders = {split: path for split, path in settings["videos"].items() if path}
    if not folders:
        raise UserError(
            "config: kinetics.videos: kinetics.annotations is set, but no folder of videos: give "
            "one for train, val or test"
        )
    if not settings["in_place"]:
        made = Path(config["results"], "kinetics", "videos")
        for split, folder in folders.items():
            check_apart(folder, made, f"kinetics.videos.{split}")
    files = [(path, read_annotations(path)) for path in settings["annotations"]]
    annotated = [row for _, rows in files for row in rows]
    labels = {row.label for row in annotated}
    given = settings["label_ids"]
    if given:
        ids = read_label_ids(given)
        check_known(labels, ids, given)
    else:
        ids = label_ids(labels)
    warnings = doubts(ids, given) + disagreements(files)
    if config["strict"] and warnings:
        raise UserError.listing("`strict` is set, so these warnings stop the run:", warnings)
    listings = {
        split: list_videos(folder, f"kinetics.videos.{split}") for split, folder in folders.items()
    }
    for split in folders:
        check_found(
            split, annotated, listings[split], folders[split], settings["max_missing_share"]
        )
    replaced = replaced_in_place(config) if settings["in_place"] else {}
    rows = plan_rows(annotated, listings, replaced)
    check_paths(rows, settings)
    facts = {"labels": ids, "splits": [split for split in SPLITS if split in folders]}
    plan = plan_of(rows, 2, PLAN, settings["batches"], facts)
    plan.warnings = warnings
    save_plan(plan, kept)
    return plan


UNFIT_SUFFIXES = (".webm", ".ogv", ".wmv", ".asf", ".avi", ".mpg", ".mpeg")
"""Kinds of files that take no H.264, or keep no times of display for its B-frames."""


def plan_path(config: Mapping) -> Path:
    """Where what was found on the disk is kept for the jobs."""
    return Path(config["results"], ".kinetics-plan.csv")


def check_found(
    split: str,
    annotated: Sequence[Annotated],
    listing: Listing,
    folder: str,
    max_missing_share: float,
) -> None:
    """UserError if nothing is annotated for a split's folder, or more of it is missing than may."""
    names = {row.name for row in annotated if row.split == split}
    if not names:
        raise UserError(
            f"config: kinetics.videos.{split} is {folder}, but no annotation is of this split: "
            "name its annotation file too, or leave the folder out"
        )
    missing = [name for name in names if name not in listing.videos]
    if len(missing) > max_missing_share * len(names):
        there = next(iter(sorted(listing.videos)), None)
        seen = f"a file there is called {there!r}" if there else "no video is there at all"
        raise UserError(
            f"config: kinetics.videos.{split}: {len(missing)} of {len(names)} annotated videos are "
            f"missing in {folder}, more than kinetics.max_missing_share ({max_missing_share:g}) "
            "allows. "
            f"Expected names like {min(missing)}.mp4, flat or in a folder per class; {seen}."
        )


def plan_rows(
    annotated: Sequence[Annotated],
    listings: Mapping[str, Listing],
    replaced: Mapping[str, Found],
) -> list[PlanRow]:
    """Rows of a plan: annotated videos of the splits listed, with what was found of each.

    `replaced` are files that an earlier run put in their own place, by path, with the size and
    date of what they were made from.
    """
    unique = set(annotated)
    labels: dict[tuple[str, str], list[str]] = {}
    splits: dict[str, set[str]] = {}
    for row in unique:
        labels.setdefault((row.split, row.name), []).append(row.label)
        splits.setdefault(row.name, set()).add(row.split)
    rows = []
    for split, name, start, end, label in unique:
        listing = listings.get(split)
        if listing is None:
            continue
        notes = []
        several = labels[split, name]
        if len(several) > 1:
            others = ", ".join(sorted(set(several) - {label}))
            notes.append(f"also annotated as {others}")
        if len(splits[name]) > 1:
            notes.append(f"also in {', '.join(sorted(splits[name] - {split}))}")
        found = listing.videos.get(name)
        if found:
            chosen = _choose(found, label if len(several) == 1 else "")
            if len(found) > 1:
                rest = ", ".join(file.path for file in found if file is not chosen)
                notes.append(f"also there: {rest}")
            former = replaced.get(chosen.path)
            path, size, changed = chosen if former is None else former
            cells = path, str(size), str(changed), ""
        else:
            cells = "", "", "", listing.others.get(name, "")
        rows.append(PlanRow(split, name, str(start), str(end), label, *cells, "; ".join(notes)))
    return rows


def _choose(found: Sequence[Found], label: str) -> Found:
    """Of several files for one video: one with content, in the folder of its class, first by name.

    Class folders are often called after the label with `_` for spaces.
    """
    if len(found) == 1:
        return found[0]
    folders = {label, label.replace(" ", "_")}
    return min(found, key=lambda file: (not file.size, file.folder not in folders, file.path))


def replaced_in_place(config: Mapping) -> dict[str, Found]:
    """Files that lie as an earlier run put them in place, by path, as they were before it."""
    replaced = {}
    for path in sorted(Path(config["results"], "kinetics", "journals").glob("*.jsonl")):
        for _, entry in read_lines(path):
            size, changed = entry["provenance"].split(" ")[:2]
            if entry["file"]:
                replaced[entry["file"]] = (entry["state"], int(size), int(changed))
    return {
        file: Found(file, size, changed)
        for file, (state, size, changed) in replaced.items()
        if is_unchanged(file, state)
    }


def check_paths(rows: Sequence[PlanRow], settings: Mapping) -> None:
    """UserError where a list could not hold the paths, or a file cannot be replaced in place."""
    prefix = settings["path_prefix"]
    refused = paths_refused([f"{prefix}x"], settings["separator"])
    if refused:
        raise UserError(f"config: kinetics.path_prefix: {refused}")
    if not settings["in_place"]:
        return
    sources = sorted({row.source for row in rows if row.source})
    refused = paths_refused(sources, settings["separator"])
    if refused:
        raise UserError(
            f"config: kinetics.in_place: {refused} Or leave the videos where they are and set "
            "kinetics.in_place: false; the new folder has no such paths."
        )
    unfit = [path for path in sources if path.lower().endswith(UNFIT_SUFFIXES)]
    if unfit:
        raise UserError(
            "config: kinetics.in_place: a video keeps its name, and with it the kind of its file, "
            f"but {', '.join(UNFIT_SUFFIXES)} cannot hold H.264 with the times of its images. "
            f"Of such kinds: {len(unfit)}, the first {unfit[0]}. Set kinetics.in_place: false, or "
            "convert them first."
        )
