"""The account of a project: what was made, what awaits a person, what was noticed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from avaflow.evaluation.ava import SAME_PERSON_IOU
from avaflow.formats.proposals import READER_SCORE, best_map, read_proposals
from avaflow.listing import counted
from avaflow.manifests import read_clip_manifest
from avaflow.project.actions import Attribute, all_actions
from avaflow.project.clips import SPLITS
from avaflow.tables import KEYFRAMES, LABELS, NOTES, TRACKS, Note, empty_table, read_table, rows_of
from avaflow.times import frame_of_second
from avaflow.workflow.closing import cut_remark

CLIP_COLUMNS = [
    "clip",
    "split",
    "state",
    "seconds",
    "keyframes",
    "persons",
    "keyframe_boxes",
    "labelled_boxes",
    "ticks",
    "noted_boxes",
    "keyframes_without_person",
    "source_damages",
]
"""One row per clip: `persons` are person ids of the tracker, `ticks` rows of the dataset,
`noted_boxes` boxes that the annotation reader reported instead of labelling."""


def clip_account(
    clip: str, split: str, finished: bool, results: Path, fps: int
) -> tuple[dict, pd.DataFrame, pd.DataFrame]:
    """A row of :data:`CLIP_COLUMNS` for one clip, and the clip's labels and notes."""
    manifest = read_clip_manifest(results / "clips" / f"{clip}.json")
    keyframes = read_table(results / "keyframes" / f"{clip}.csv", KEYFRAMES)
    tracks = read_table(results / "tracks" / f"{clip}.csv", TRACKS)
    labels, notes = empty_table(LABELS), empty_table(NOTES)
    if finished:
        labels = read_table(results / "labels" / f"{clip}.csv", LABELS)
        notes = read_table(results / "labels" / f"{clip}.notes.csv", NOTES)
    frames = {frame_of_second(second, fps) for second in keyframes["second"]}
    on_keyframes = tracks[tracks["frame"].isin(frames)]
    row = {
        "clip": clip,
        "split": split,
        "state": "finished" if finished else "awaiting",
        "seconds": f"{manifest.frames / manifest.fps:.3f}",
        "keyframes": len(keyframes),
        "persons": tracks["person_id"].nunique(),
        "keyframe_boxes": len(on_keyframes),
        "labelled_boxes": len(labels[["second", "person_id"]].drop_duplicates()),
        "ticks": len(labels),
        "noted_boxes": int((notes["box"] != "").sum()),
        "keyframes_without_person": len(frames - set(on_keyframes["frame"])),
        "source_damages": manifest.decode_errors,
    }
    return row, labels, notes


def project_account(
    clips: Sequence[str],
    splits: Mapping[str, str],
    finished: Mapping[str, str],
    attributes: Sequence[Attribute],
    annotations: str,
    results: str | Path,
    fps: int,
    offset: int,
    warnings: Sequence[str],
) -> tuple[pd.DataFrame, str]:
    """The table of all clips and the report as Markdown, from the files of a finished run."""
    results = Path(results)
    rows: list[dict] = []
    ticks: list[pd.DataFrame] = []
    kinds: dict[str, int] = {}
    remarks: list[str] = []
    labelled: dict[str, dict[str, pd.DataFrame]] = {split: {} for split in SPLITS}
    for clip in clips:
        manifest = read_clip_manifest(results / "clips" / f"{clip}.json")
        if manifest.cuts:
            remarks.append(cut_remark(manifest))
        row, labels, notes = clip_account(clip, splits[clip], clip in finished, results, fps)
        rows.append(row)
        ticks.append(labels.assign(split=splits[clip]))
        if clip in finished:
            labelled[splits[clip]][clip] = labels
        for note in rows_of(notes, Note):
            if note.box:
                kind = note.note.split(":", 1)[0]
                kinds[kind] = kinds.get(kind, 0) + 1
            else:
                remarks.append(f"{clip}: {note.note}")
    table = pd.DataFrame(rows, columns=CLIP_COLUMNS)
    all_ticks = pd.concat(ticks)
    awaiting = [clip for clip in clips if clip not in finished]
    parts = [
        "# What this project holds",
        "",
        f"{counted(len(clips), 'clip')}, {len(finished)} finished by an annotator, "
        f"{len(awaiting)} awaiting one. {table['keyframes'].sum()} keyframes with "
        f"{table['keyframe_boxes'].sum()} person "
        f"boxes, {table['ticks'].sum()} ticked actions. Clip by clip: `report.tsv`.",
        "",
        "## Ticked actions",
        "",
        *_action_table(all_ticks, attributes),
        "",
        *_reachable(labelled, results, offset),
        "## Awaiting an annotator",
        "",
        *_awaiting(awaiting, annotations, results),
        "",
        "## Noticed",
        "",
        *(_noticed(table, kinds, [*warnings, *remarks]) or ["Nothing."]),
        "",
        "## Where it lies",
        "",
        *_places(results, finished, splits),
    ]
    return table, "\n".join(parts) + "\n"


def _action_table(ticks: pd.DataFrame, attributes: Sequence[Attribute]) -> list[str]:
    lines = [
        "| id | attribute | action | train | val | test |",
        "|---:|---|---|---:|---:|---:|",
    ]
    for action in all_actions(attributes):
        of_action = ticks[ticks["action_id"] == action.id]
        counts = [int((of_action["split"] == split).sum()) for split in SPLITS]
        cells = [action.id, action.attribute, action.name, *counts]
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return lines


def _reachable(
    labelled: Mapping[str, Mapping[str, pd.DataFrame]], results: Path, offset: int
) -> list[str]:
    """What a model that is never wrong reaches on the splits that models are judged on."""
    lines = []
    for split in ("val", "test"):
        if not labelled[split]:
            continue
        pickle = results / "dataset" / "annotations" / f"dense_proposals_{split}.pkl"
        bound, missed, proposed = best_map(labelled[split], read_proposals(pickle), offset)
        lines.append(
            f"- {split}: mAP {bound:.3f}. Of {missed + proposed} labelled boxes {missed} have no "
            "proposal."
        )
    if not lines:
        return []
    return [
        "## What a model can reach",
        "",
        "A model that is never wrong sees only the persons that are proposed to it: with an IoU "
        f"of {SAME_PERSON_IOU:g} and a score of {READER_SCORE:g}, as the configs here read them. "
        "Persons whom an annotator kept without a tick are not proposed, since nobody said what "
        "they do.",
        "",
        *lines,
        "",
    ]


def _awaiting(awaiting: Sequence[str], annotations: str, results: Path) -> list[str]:
    if not awaiting:
        return ["No clip."]
    lines = [
        f"Open `{results}/annotate/index.html`, annotate, save as `{annotations}/{{clip}}.json`, "
        "and run snakemake again.",
        "",
    ]
    return lines + [f"- {clip}" for clip in awaiting]


def _noticed(table: pd.DataFrame, kinds: Mapping[str, int], warnings: Sequence[str]) -> list[str]:
    lines = [f"- {warning}" for warning in warnings]
    lines += [
        f"- {kind}: {count} {'box' if count == 1 else 'boxes'} (see `labels/*.notes.csv`)"
        for kind, count in sorted(kinds.items())
    ]
    empty = table[table["keyframes_without_person"] > 0]
    for _, row in empty.iterrows():
        lines.append(
            f"- {row['clip']}: no person was found on {row['keyframes_without_person']} of "
            f"{row['keyframes']} keyframes; they have no proposals"
        )
    for _, row in table[table["source_damages"] > 0].iterrows():
        lines.append(
            f"- {row['clip']}: the source video is damaged in {row['source_damages']} places "
            f"within the clip (see `logs/trim/{row['clip']}.ffmpeg.log`); look at its frames"
        )
    return lines


def _places(results: Path, finished: Mapping[str, str], splits: Mapping[str, str]) -> list[str]:
    # What lies there does not depend on what else the same run happened to make already.
    places = [
        ("clips, constant rate", "clips/"),
        ("keyframes", "keyframes/"),
        ("persons, each with an id", "tracks/"),
        ("to annotate", "annotate/index.html"),
        ("the dataset" if finished else "proposals, for the dataset to come", "dataset/"),
        ("logs", "logs/"),
    ]
    lines = [f"- {what}: `{results}/{place}`" for what, place in places]
    missing = [
        split for split in ("train", "val") if not any(splits[clip] == split for clip in finished)
    ]
    if missing and finished:
        lines.append(
            f"- no finished clip in {' and '.join(missing)}: the dataset has no "
            f"{' and no '.join(f'`{split}.csv`' for split in missing)} yet"
        )
    return lines
