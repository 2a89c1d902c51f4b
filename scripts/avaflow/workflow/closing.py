"""The last lines of a run: what was made, what awaits a person, what failed and why."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from avaflow.errors import UserError
from avaflow.listing import commas, counted, first_lines, sentence
from avaflow.manifests import ClipManifest, read_clip_manifest
from avaflow.tables import DUPLICATES, NOTES, read_rows, read_table
from avaflow.videos.segments import LEFT_OUT_SECONDS, read_segments_manifest
from avaflow.workflow.job import ERROR_MARK, FAULT_MARK
from avaflow.workflow.leftovers import EXPORTED

if TYPE_CHECKING:
    import pandas as pd

NOTES_SHOWN = 20
"""So many notes on features are repeated at the end of a run."""

CUTS_SHOWN = 8
"""So many cuts of a clip are named by their second."""

DUPLICATES_SHOWN = 8
"""So many pairs of clips that show the same are named at the end of a run."""

FAILED = "avaflow could not finish. What has to be fixed:"


def run_summary(project, config: Mapping) -> str:
    """The last lines of a run that ended well, from what lies there now.

    `project` is an :class:`avaflow.workflow.project.Project`.
    """
    results = Path(config["results"])
    ids = [clip.id for clip in project.clips]
    lines = [f"avaflow: {counted(len(ids), 'clip')}" if ids else "avaflow:"]
    lines += _stage_lines(project, results)
    if project.features:
        persons = project.features.batches if project.features.persons else []
        lines += features_summary(results, list(persons))
    for name, part in (("Kinetics", "kinetics"), ("AVA-Kinetics", "ava_kinetics")):
        lines += counted_lines(name, results / part, config[part]["annotations"])
    lines += source_remarks(ids, results)
    lines += segment_remarks(ids, results)
    lines += duplicate_remarks(ids, results)
    noticed = [*project.unused, *annotation_remarks(project.finished, results)]
    lines += [f"look at this: {remark}" for remark in noticed]
    lines += _awaiting_lines(project, results, config)
    lines += _doctor_lines(results) if project.annotated_splits else []
    lines += _baseline_lines(results) if project.annotated_splits else []
    lines += _learnt_lines(results)
    accounts = [path for name in ("report.html", "report.md") if (path := results / name).exists()]
    if accounts:
        lines.append(f"the whole account: {sentence(accounts)}")
    return "\n  ".join(lines)


def _stage_lines(project, results: Path) -> list[str]:
    """How far each stage is, and which datasets there are."""
    ids = [clip.id for clip in project.clips]
    stages = [
        ("cut", "clips/{clip}.json", "clips/", ids),
        ("frames kept", "rawframes/{clip}.json", "rawframes/", ids),
        ("optical flow", "flow/{clip}.json", "flow/", ids),
        ("persons followed", "tracks/{clip}.csv", "tracks/", ids),
        ("ready to annotate", "annotate/{clip}.html", "annotate/index.html", ids),
        ("cut into segments", "segments/{clip}.json", "segments/", ids),
        ("labels read back", "labels/{clip}.csv", "labels/", list(project.finished)),
        ("previewed", "preview/{clip}.mp4", "preview/index.html", ids),
    ]
    lines = []
    for what, pattern, place, clips in stages:
        made = sum((results / pattern.format(clip=clip)).exists() for clip in clips)
        if made:
            lines.append(f"{what:<18} {made:>5} of {len(ids)}   {results}/{place}")
    annotations = results / "dataset" / "annotations"
    csvs = [f"{split}.csv" for split in project.annotated_splits]
    csvs = [name for name in csvs if (annotations / name).exists()]
    if csvs:
        named = [name for name in EXPORTED if name != "predict"]
        exports = [name for name in named if (results / "dataset" / name / "README.md").exists()]
        also = f", for {', '.join(exports)}" if exports else ""
        lines.append(f"{'dataset':<18} {', '.join(csvs)}{also}   {results}/dataset/")
    predict = results / "dataset" / "predict"
    if (predict / "README.md").exists():
        count = len(project.awaiting)
        lines.append(f"{'to predict on':<18} {count:>5} of {len(ids)}   {predict}/")
    return lines


def _baseline_lines(results: Path) -> list[str]:
    """Of how many actions the baseline says what, where it was asked."""
    try:
        found = json.loads((results / "baseline" / "metrics.json").read_text(encoding="utf-8"))
        words = Counter(each["word"] for each in found["verdicts"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []  # not asked, or under way
    told = ", ".join(f"{count} {word}" for word, count in words.items())
    return [f"{'baseline':<18} actions: {told}   {results}/baseline/index.html"]


def _learnt_lines(results: Path) -> list[str]:
    """What the models' targets made, where they were asked: each with the page to open."""
    lines = []
    for what, table, place, told in (
        ("label checks", "label_checks/checks.csv", "label_checks/index.html", "to look at"),
        ("suggestions", "suggestions/queue.csv", "annotate/index.html", "of clips to annotate"),
    ):
        try:
            with open(results / table, encoding="utf-8", newline="") as stream:
                count = sum(1 for _ in csv.DictReader(stream))
        except OSError:
            continue  # not asked, or under way
        lines.append(f"{what:<18} {count:>5} {told}   {results}/{place}")
    drawn = results / "predictions"
    if (drawn / "index.html").exists():
        count = len(list(drawn.glob("*/index.html")))
        lines.append(f"{'predictions':<18} {count:>5} drawn   {drawn}/index.html")
    return lines


def _doctor_lines(results: Path) -> list[str]:
    """How many findings of the doctor break readers or are misread, where it was asked."""
    try:
        found = json.loads((results / "doctor.json").read_text(encoding="utf-8"))
        serious, others = found["serious"], len(found["findings"]) - found["serious"]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # not asked, or under way
    if not serious and not others:
        return [f"{'doctor':<18} the dataset is clean   {results}/doctor.md"]
    told = f"{serious} that break or mislead training code, {counted(others, 'other')}"
    return [
        f"{'look at this:' if serious else 'doctor':<18} findings: {told}   {results}/doctor.md"
    ]


def _awaiting_lines(project, results: Path, config: Mapping) -> list[str]:
    """What awaits a person, and how to go about it."""
    lines = []
    index = results / "annotate" / "index.html"
    if project.awaiting:
        lines.append(f"awaiting a person: {commas(project.awaiting, 8)}")
        if index.exists():
            lines.append(
                f"  open {index}, annotate, save each clip as "
                f"{config['annotations']}/{{clip}}.json, and run again"
            )
    for clip, names in project.unsettled.items():
        lines.append(
            f"annotated by {sentence(names)}, and not settled: clip {clip}. `annotate.counts` in "
            "the config says what counts"
        )
    return lines


def features_summary(results: Path, person_batches: Sequence[str] = ()) -> list[str]:
    """How many videos have features, and which were passed over, or were damaged, and why.

    Also clips whose persons were passed over, where `person_batches` name the batches of
    persons' features, and arrays that are of no listed video.
    """
    # Imported where features are asked for: most runs do without.
    from avaflow.features.files import MADE, MANIFEST, index_table, unlisted_arrays

    try:
        table = read_table(results / "features" / "index.csv", MANIFEST)
    except (OSError, UserError):
        return []  # not made yet
    made = int((table["status"] == MADE).sum())
    lines = [f"{'features':<18} {made:>5} of {len(table)}   {results}/features/"]
    lines += _noted(table, "no features of", f"{results}/features/README.md")
    left = [f"features/{name}" for name in unlisted_arrays(table, results / "features")]
    if person_batches:
        folder = results / "person_feature_batches"
        try:
            persons = index_table([folder / f"{batch}.csv" for batch in person_batches])
        except (OSError, UserError):
            pass  # not made yet
        else:
            lines += _noted(persons, "no features of the persons in", f"{folder}/")
            unlisted = unlisted_arrays(persons, results / "person_features")
            left += [f"person_features/{name}" for name in unlisted]
    if left:
        lines.append(f"  no longer listed, and kept: {commas(left, NOTES_SHOWN)}")
    return lines


def _noted(table: pd.DataFrame, without: str, where: str) -> list[str]:
    """A line for each note in a table of feature_files.MANIFEST; the rest is counted."""
    from avaflow.features.files import SKIPPED

    noted = table[table["note"] != ""].to_dict("records")
    lines = [
        f"{without if row['status'] == SKIPPED else 'look at'} {row['name']}: {row['note']}"
        for row in noted
    ]
    return [f"  {line}" for line in first_lines(lines, NOTES_SHOWN, f": see {where}")]


def counted_lines(name: str, folder: Path, asked: object) -> list[str]:
    """A line per split of a large dataset: its videos by what became of them."""
    table = folder / "summary.csv"
    if not asked or not table.exists():
        return []
    with open(table, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["split"], []).append(f"{row['videos']} {row['status']}")
    return [f"{name} {split:<9} {', '.join(counts)}   {folder}/" for split, counts in found.items()]


def annotation_remarks(clips: Iterable[str], results: str | Path) -> list[str]:
    """What was noticed about whole finished projects, such as other images than annotated."""
    remarks = []
    for clip in clips:
        path = Path(results, "labels", f"{clip}.notes.csv")
        try:
            notes = read_rows(path, NOTES)
        except (OSError, UserError):
            continue  # not read back yet, or reported by the job that reads it
        remarks += [row["note"] for row in notes if not row["box"]]
    return remarks


def segment_remarks(clips: Sequence[str], results: str | Path) -> list[str]:
    """A sentence for each clip whose segments leave out a rest, or come from a damaged stretch."""
    sentences = []
    for clip, manifest in _manifests(clips, Path(results, "segments"), read_segments_manifest):
        if manifest.left_out > LEFT_OUT_SECONDS:
            sentences.append(
                f"segments of clip {clip}: the last {manifest.left_out:g} s make no whole segment"
            )
        # Where the clip itself was cut too, its own damages say it already.
        if manifest.decode_errors and not Path(results, "clips", f"{clip}.json").exists():
            sentences.append(_damaged(manifest, Path(results, "logs", "segments"), "segments"))
    return sentences


def source_remarks(clips: Sequence[str], results: str | Path) -> list[str]:
    """A sentence for each clip of a damaged stretch, for each of flat tone, each with cuts."""
    sentences = []
    for clip, manifest in _manifests(clips, Path(results, "clips"), read_clip_manifest):
        if manifest.decode_errors:
            sentences.append(_damaged(manifest, Path(results, "logs", "trim"), "frames"))
        if manifest.tone:
            sentences.append(
                f"flat tone: clip {clip} of {manifest.video}, which is {manifest.tone}: its tone "
                "is not mapped. If its images look too grey, give a converted video"
            )
        if manifest.cuts:
            sentences.append(cut_remark(manifest))
    return sentences


def read_duplicates(results: str | Path) -> list[dict[str, str]]:
    """The rows of :data:`avaflow.tables.DUPLICATES`; none where they were not looked for."""
    try:
        return read_rows(Path(results, "duplicates.csv"), DUPLICATES)
    except (OSError, UserError):
        return []


def duplicate_remarks(clips: Sequence[str], results: str | Path) -> list[str]:
    """A sentence for each two clips of different splits that show the same."""
    present = set(clips)
    remarks = [
        f"the same in two splits: clip {row['clip']} ({row['split']}) and clip {row['other']} "
        f"({row['other_split']}), {row['kind']}: second {max(0.0, float(row['later'])):.1f} of the "
        f"one is second {max(0.0, -float(row['later'])):.1f} of the other"
        for row in read_duplicates(results)
        if {row["clip"], row["other"]} <= present
    ]
    if not remarks:
        return []
    advice = (
        "what is learnt on one clip is tested on the other, so scores will be too good: give both "
        f"one split, or take one out ({results}/duplicates.csv)"
    )
    return [*first_lines(remarks, DUPLICATES_SHOWN), advice]


def cut_remark(manifest: ClipManifest) -> str:
    """That a clip has cuts, and at which of its seconds."""
    seconds = [f"{(frame - 1) / manifest.fps:.2f}" for frame in manifest.cuts]
    begins = "another shot begins" if len(seconds) == 1 else "other shots begin"
    return (
        f"cut: clip {manifest.clip} of {manifest.video}: {begins} at second "
        f"{commas(seconds, CUTS_SHOWN)} of the clip. `shots` in the column `cut` of the clips "
        "table divides a range at its cuts"
    )


def _manifests(clips: Sequence[str], folder: Path, read: Callable) -> Iterator[tuple]:
    """The clips with a manifest in a folder; one that cannot be read is its own job's matter."""
    for clip in clips:
        try:
            manifest = read(folder / f"{clip}.json")
        except (OSError, UserError):
            continue
        yield clip, manifest


def _damaged(manifest, logs: Path, what: str) -> str:
    return (
        f"damaged source: clip {manifest.clip} of {manifest.video}, in {manifest.decode_errors} "
        f"places: look at its {what} ({logs}/{manifest.clip}.ffmpeg.log says where)"
    )


def failure_summary(
    project, config: Mapping, since: float, unlogged: Sequence[str] = (), stopped: bool = False
) -> str:
    """The last lines of a run in which jobs failed since a time, as :func:`failures`.

    `project` is an :class:`avaflow.workflow.project.Project`, `unlogged` has a sentence for
    each job that ended without a message in its log, `stopped` says that the user ended the run.
    """
    told = failures(config["results"], since, unlogged)
    if stopped:
        lines = [told] if told else []
        return "\n".join([*lines, "Stopped. What is made stays: the same command goes on from it."])
    # No log tells a reason where the disk took no log.
    lines = [told or "avaflow did not finish. What Snakemake says of it stands above."]
    lines += source_remarks([clip.id for clip in project.clips], config["results"])
    lines += [f"look at this: {remark}" for remark in project.unused]
    lines.append("Then run the same command again: what is made already stays.")
    return "\n".join(lines)


def failures(results: str | Path, since: float, unlogged: Sequence[str] = ()) -> str:
    """The messages of jobs that failed since a time (seconds since the epoch), each once.

    `unlogged` are sentences on jobs whose logs have none.
    """
    messages = []
    for path in sorted(Path(results, "logs").rglob("*.log")):
        if path.stat().st_mtime < since:
            continue
        message = log_message(path)
        if message and message not in messages:
            messages.append(message)
    messages += unlogged
    if not messages:
        return ""
    return "\n".join([FAILED, *(f"* {message}" for message in messages)])


def log_message(path: Path) -> str:
    """Why a job failed, from its log; empty where the log does not say so."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if ERROR_MARK in text:
        return text.split(ERROR_MARK, 1)[1].strip()
    if FAULT_MARK in text:
        reason = text.split(FAULT_MARK, 1)[1].split("\n", 1)[0]
        return f"not foreseen, so perhaps a fault of avaflow: {reason} (the whole: {path})"
    return ""
