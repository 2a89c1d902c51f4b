"""Write PySlowFast's frame lists, predicted boxes and training config beside the dataset."""

from pathlib import Path

from avaflow.files import write_text
from avaflow.formats.ava import read_csv
from avaflow.formats.proposals import READER_SCORE, proposals_of_splits
from avaflow.formats.slowfast import (
    boxes_text,
    check_lengths,
    check_settings,
    config_text,
    frame_list_text,
    label_map_text,
    plan_split,
    readme_text,
)
from avaflow.manifests import frame_counts
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.workflow.job import job

if "snakemake" in globals():
    p, given, made = snakemake.params, snakemake.input, snakemake.output
    with job(snakemake) as log:
        check_settings(len(given.get("rawframes", [])) > 0, p.fps, p.offset)
        frames = frame_counts(given.rawframes)
        check_lengths(frames)
        proposals = proposals_of_splits(given.proposals, p.splits)
        splits = {
            name: plan_split(name, read_csv(path), proposals[name], READER_SCORE)
            for name, path in zip(p.splits, given.csv, strict=True)
        }
        named = all_actions(attributes_from_config(p.actions))
        actions = len(named)
        for split, path in zip(splits.values(), made.lists, strict=True):
            write_text(path, frame_list_text(split.listed, frames))
        for split, path in zip(splits.values(), made.boxes, strict=True):
            write_text(path, boxes_text(split.boxes))
        write_text(made.config, config_text(splits, actions))
        write_text(made.label_map, label_map_text(named))
        dataset = Path(made.readme).parent.parent.as_posix()
        write_text(made.readme, readme_text(splits, actions, dataset))
        for split in splits.values():
            log.info("%s: %d clips listed", split.name, len(split.listed))
            if split.left_out:
                log.warning("%s: no box, left out: %s", split.name, ", ".join(split.left_out))
