"""Write what the test loops of the toolboxes need to run a trained model on unlabelled clips."""

from pathlib import Path

from avaflow.files import atomic_folder, link, write_text
from avaflow.formats.alphaction import alphaction_json, json_text
from avaflow.formats.alphaction_training import config_text as alphaction_config
from avaflow.formats.ava import action_list_text, label_map_text, write_csv
from avaflow.formats.links import link_dataset
from avaflow.formats.mmaction2 import Export
from avaflow.formats.mmaction2 import config_text as mmaction2_config
from avaflow.formats.prediction import (
    SPLIT,
    alphaction_split,
    catalog_text,
    placeholder_rows,
    readme_text,
)
from avaflow.formats.proposals import READER_SCORE, build, write_proposals
from avaflow.formats.slowfast import LABEL_MAP as CLASS_NAMES
from avaflow.formats.slowfast import (
    boxes_text,
    check_lengths,
    check_settings,
    frame_list_text,
    plan_split,
)
from avaflow.formats.slowfast import config_text as slowfast_config
from avaflow.formats.slowfast import label_map_text as class_names_text
from avaflow.manifests import frame_counts
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.tables import DETECTIONS, KEYFRAMES, read_table
from avaflow.videos.segments import read_segments_manifest
from avaflow.workflow.job import job


def write_mmaction2(export, modes, configs):
    """A config for each mode, which only tests."""
    for mode, path in zip(modes, configs, strict=True):
        write_text(path, mmaction2_config(export, mode))


def write_slowfast(folder, split, frames, actions):
    """Frame list, predicted boxes, the names of classes, and a config that only tests."""
    write_text(folder / f"frame_lists/{SPLIT}.csv", frame_list_text(split.listed, frames))
    write_text(folder / f"ava_{SPLIT}_predicted_boxes.csv", boxes_text(split.boxes))
    write_text(folder / CLASS_NAMES, class_names_text(actions))
    write_text(folder / "SLOWFAST.yaml", slowfast_config({SPLIT: split}, len(actions)))


def write_alphaction(folder, proposals, segments, p, actions):
    """Images, boxes, links to segments, the catalog's entry, and a config that only tests."""
    manifests = {clip: read_segments_manifest(path) for clip, path in segments.items()}
    split, images = alphaction_split(proposals, manifests, p.settings, p.margin, p.offset)
    empty = alphaction_json([], images, actions)
    write_text(folder / f"annotations/{SPLIT}_min.json", json_text(empty, compact=True))
    write_text(folder / f"boxes/{SPLIT}_person_bbox.json", json_text(split.boxes, compact=False))
    with atomic_folder(folder / "clips") as temporary:
        for clip, path in segments.items():
            link(Path(path).with_suffix("") / "clips", temporary / clip)
    name, threshold = p.settings["name"], p.settings["person_score"]
    write_text(folder / "paths_catalog_entry.txt", catalog_text(name))
    config = alphaction_config(name, [split], len(actions), threshold, manifests)
    write_text(folder / "finetune_resnet50_4x16f.yaml", config)


if "snakemake" in globals():
    p, given, made = snakemake.params, snakemake.input, snakemake.output
    with job(snakemake) as log:
        folder = Path(made.readme).parent
        actions = all_actions(attributes_from_config(p.actions))
        frames = frame_counts(given.clips)
        proposals, _ = build(
            list(p.clips),
            [read_table(path, KEYFRAMES) for path in given.keyframes],
            (read_table(path, DETECTIONS) for path in p.reads),
            p.offset,
            p.fps,
        )
        rows = placeholder_rows(proposals)
        modes = ["frames", "video"] if p.rawframes else ["video"]
        left_out = []
        if "mmaction2" in p.toolboxes:
            export = Export([SPLIT], p.offset, p.fps, len(actions), max(frames.values()))
            write_mmaction2(export, modes, made.mmaction2)
        if "slowfast" in p.toolboxes:
            check_settings(p.rawframes, p.fps, p.offset)
            check_lengths(frames)
            split = plan_split(SPLIT, rows, proposals, READER_SCORE)
            write_slowfast(folder / "slowfast", split, frames, actions)
            left_out = split.left_out
        if "alphaction" in p.toolboxes:
            segments = dict(zip(p.clips, given.segments, strict=True))
            write_alphaction(folder / "alphaction", proposals, segments, p, actions)
        write_proposals(made.proposals, proposals)
        write_csv(made.csv, rows, len(actions), p.offset)
        write_text(made.excluded, "")
        write_text(made.action_list, action_list_text(actions))
        write_text(made.label_map, label_map_text(actions))
        link_dataset(p.results, p.clips, p.rawframes, made.links, f"dataset/{SPLIT}")
        text = readme_text(
            p.clips, rows, p.toolboxes, modes, folder.as_posix(), p.settings["name"], left_out
        )
        write_text(made.readme, text)
        log.info("%d clips, %d keyframes with a person", len(p.clips), len(rows))
