"""Write the AVA annotation files of all finished clips."""

from avaflow.files import write_text
from avaflow.formats.ava import (
    action_list_text,
    included_text,
    label_map_text,
    rows_of_labels,
    write_annotations,
)
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.tables import KEYFRAMES, LABELS, NOBODY, read_table
from avaflow.times import Instant, timestamp_of_second
from avaflow.workflow.job import job


def annotatable_timestamps(clips, keyframes, offset):
    """The annotatable timestamps of each clip, from its keyframes manifest."""
    return {
        clip: [timestamp_of_second(second, offset) for second in read_table(path, KEYFRAMES).second]
        for clip, path in zip(clips, keyframes, strict=True)
    }


if "snakemake" in globals():
    p, made = snakemake.params, snakemake.output
    with job(snakemake) as log:
        clips = list(p.clips)
        actions = all_actions(attributes_from_config(p.actions))
        annotatable = annotatable_timestamps(clips, snakemake.input.keyframes, p.offset)
        rows = [
            row
            for clip, path in zip(clips, snakemake.input.labels, strict=True)
            for row in rows_of_labels(clip, read_table(path, LABELS), p.offset)
        ]
        nobody = {
            Instant(clip, timestamp_of_second(second, p.offset))
            for clip, path in zip(clips, snakemake.input.nobody, strict=True)
            for second in read_table(path, NOBODY).second
        }
        csvs = dict(zip(p.splits, zip(made.csv, made.excluded, strict=True), strict=True))
        write_annotations(csvs, p.clip_splits, rows, annotatable, len(actions), p.offset, nobody)
        timestamps = (each for own in annotatable.values() for each in own)
        write_text(made.included, included_text(timestamps))
        write_text(made.action_list, action_list_text(actions))
        write_text(made.label_map, label_map_text(actions))
        log.info("%d rows of %d clips in %s", len(rows), len(clips), ", ".join(p.splits))
