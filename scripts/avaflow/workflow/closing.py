"""The last lines of a run: what was made, what awaits a person, what failed and why."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from avaflow.errors import UserError
from avaflow.features.files import MADE, MANIFEST, SKIPPED, index_table, unlisted_arrays
from avaflow.manifests import read_clip_manifest
from avaflow.tables import NOTES, read_table
from avaflow.videos.segments import LEFT_OUT_SECONDS, read_segments_manifest
from avaflow.workflow.account import _clips
from avaflow.workflow.job import ERROR_MARK, FAULT_MARK
from avaflow.workflow.leftovers import EXPORTED

NOTES_SHOWN = 20
"""So many notes on features are repeated at the end of a run."""


FAILED = "avaflow could not finish. What has to be mended:"


def run_summary(project, config: Mapping) -> str:
    """The last lines of a run that ended well, from what lies there now.

    `project` is an :class:`avaflow.workflow.project.Project`.
    """
    results = Path(config["results"])
    ids = [clip.id for clip in project.clips]

    def count(pattern: str) -> int:
        return sum((results / pattern.format(clip=clip)).exists() for clip in ids)

    read_back = [(results / "labels" / f"{clip}.csv").exists() for clip in project.finished]

    lines = [f"avaflow: {_clips(len(ids))}" if ids else "avaflow:"]
    stages = [
        ("cut", "clips/{clip}.json", "clips/"),
        ("frames kept", "rawframes/{clip}.json", "rawframes/"),
        ("persons followed", "tracks/{clip}.csv", "tracks/"),
        ("ready to annotate", "via/{clip}.json", "via/index.html"),
        ("cut into segments", "segments/{clip}.json", "segments/"),
    ]
    for what, pattern, place in stages:
        made = count(pattern)
        if made:
            lines.append(f"  {what:<18} {made:>5} of {len(ids)}   {results}/{place}")
    if any(read_back):
        lines.append(
            f"  {'labels read back':<18} {sum(read_back):>5} of {len(ids)}   {results}/labels/"
        )
    annotations = results / "dataset" / "annotations"
    csvs = [f"{split}.csv" for split in project.annotated_splits]
    csvs = [name for name in csvs if (annotations / name).exists()]
    if csvs:
        exports = [name for name in EXPORTED if (results / "dataset" / name / "README.md").exists()]
        also = f", for {', '.join(exports)}" if exports else ""
        lines.append(f"  {'dataset':<18} {', '.join(csvs)}{also}   {results}/dataset/")
    if project.features:
        persons = project.features.batches if project.features.persons else []
        lines += [f"  {line}" for line in features_summary(results, list(persons))]
    for name, part in (("Kinetics", "kinetics"), ("AVA-Kinetics", "ava_kinetics")):
        lines += counted_lines(name, results / part, config[part]["annotations"])
    lines += [f"  {sentence}" for sentence in source_remarks(ids, results)]
    lines += [f"  {sentence}" for sentence in segment_remarks(ids, results)]
    lines += [
        f"  look at this: {remark}" for remark in annotation_remarks(project.finished, results)
    ]
    readme = results / "dataset" / "alphaction" / "README.md"
    if project.by_hand is not None and readme.exists():
        lines.append(
            f"  {'dataset':<18} for AlphAction, from annotations by hand   {readme.parent}/"
        )
    if project.awaiting and project.by_hand is None:
        shown = ", ".join(project.awaiting[:8])
        more = f" and {len(project.awaiting) - 8} more" if len(project.awaiting) > 8 else ""
        lines.append(f"  awaiting a person: {shown}{more}")
        if (results / "via" / "index.html").exists():
            lines.append(
                f"    open {results}/via/index.html, tick, save each clip as "
                f"{config['annotations']}/{{clip}}_finish.json, and run again"
            )
    if (results / "report.md").exists():
        lines.append(f"  the whole account: {results}/report.md")
    return "\n".join(lines)


def features_summary(results: Path, person_batches: Sequence[str] = ()) -> list[str]:
    """How many videos have features, and which were passed over, or were damaged, and why.

    Also clips whose persons were passed over, where `person_batches` name the batches of
    persons' features, and arrays that are of no listed video.
    """
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
        shown = ", ".join(left[:NOTES_SHOWN])
        more = f" and {len(left) - NOTES_SHOWN} more" if len(left) > NOTES_SHOWN else ""
        lines.append(f"  no longer listed, and kept: {shown}{more}")
    return lines


def _noted(table: pd.DataFrame, without: str, where: str) -> list[str]:
    """A line for each note in a table of feature_files.MANIFEST; the rest is counted."""
    noted = table[table["note"] != ""].to_dict("records")
    lines = [
        f"  {without if row['status'] == SKIPPED else 'look at'} {row['name']}: {row['note']}"
        for row in noted[:NOTES_SHOWN]
    ]
    more = len(noted) - NOTES_SHOWN
    return [*lines, f"  and {more} more: see {where}"] if more > 0 else lines


def counted_lines(name: str, folder: Path, asked: object) -> list[str]:
    """A line per split of a large dataset: its videos by what became of them."""
    table = folder / "summary.csv"
    if not asked or not table.exists():
        return []
    counts = pd.read_csv(table)
    return [
        f"  {name} {split:<9} "
        + ", ".join(f"{row.videos} {row.status}" for row in rows.itertuples())
        + f"   {folder}/"
        for split, rows in counts.groupby("split", sort=False)
    ]


def annotation_remarks(clips: Iterable[str], results: str | Path) -> list[str]:
    """What was noticed about whole finished projects, such as other pictures than annotated."""
    remarks = []
    for clip in clips:
        path = Path(results, "labels", f"{clip}.notes.csv")
        try:
            notes = read_table(path, NOTES)
        except (OSError, UserError):
            continue  # not read back yet, or reported by the job that reads it
        remarks += notes.loc[notes["box"] == "", "note"].tolist()
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
    """A sentence for each clip cut from a damaged stretch, and one for each of flat tone."""
    sentences = []
    for clip, manifest in _manifests(clips, Path(results, "clips"), read_clip_manifest):
        if manifest.decode_errors:
            sentences.append(_damaged(manifest, Path(results, "logs", "trim"), "frames"))
        if manifest.tone:
            sentences.append(
                f"flat tone: clip {clip} of {manifest.video}, which is {manifest.tone}: its tone "
                "is not mapped. If its pictures look too grey, give a converted video"
            )
    return sentences


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


def failure_summary(project, config: Mapping, since: float) -> str:
    """The last lines of a run in which jobs failed since a time, as :func:`failures`.

    `project` is an :class:`avaflow.workflow.project.Project`.
    """
    # No log tells a reason where the user stopped the run, or the disk took no log.
    unlogged = "avaflow did not finish. What Snakemake says of it stands above."
    lines = [failures(config["results"], since) or unlogged]
    lines += source_remarks([clip.id for clip in project.clips], config["results"])
    lines.append("Then run the same command again: what is made already stays.")
    return "\n".join(lines)


def failures(results: str | Path, since: float) -> str:
    """The messages of jobs that failed since a time (seconds since the epoch), each once."""
    messages = []
    for path in sorted(Path(results, "logs").rglob("*.log")):
        if path.stat().st_mtime < since:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        message = ""
        if ERROR_MARK in text:
            message = text.split(ERROR_MARK, 1)[1].strip()
        elif FAULT_MARK in text:
            reason = text.split(FAULT_MARK, 1)[1].split("\n", 1)[0]
            message = f"not foreseen, so perhaps a fault of avaflow: {reason} (the whole: {path})"
        if message and message not in messages:
            messages.append(message)
    if not messages:
        return ""
    return "\n".join([FAILED, *(f"* {message}" for message in messages)])
