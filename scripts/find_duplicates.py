"""Find clips of different splits that show the same."""

from pathlib import Path

from avaflow.files import sha256
from avaflow.tables import DUPLICATES, Duplicate, table_of, write_table
from avaflow.videos.compared_clips import (
    Compared,
    read_compared,
    still_true,
    unchanged,
    write_compared,
)
from avaflow.videos.duplicates import find_duplicates
from avaflow.videos.motion import read_motion
from avaflow.workflow.job import job

COMPARED = ".compared_clips.json"
"""Beside the table. No output of the rule: Snakemake deletes those before a job."""

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        paths = {Path(path).stem: path for path in snakemake.input.motion}
        kept = Path(snakemake.output.table).with_name(COMPARED)
        clips = {clip: (p.splits[clip], sha256(path)) for clip, path in paths.items()}
        before = read_compared(kept, p.code)
        same = unchanged(before, clips)
        found = find_duplicates(
            p.splits, lambda clip: read_motion(paths[clip]), same, still_true(before, same)
        )
        write_compared(kept, p.code, Compared(clips, found))
        write_table(snakemake.output.table, table_of(found, Duplicate), DUPLICATES)
        log.info(
            "%d clips, %d of them compared before, %d duplicates in other splits",
            *(len(each) for each in (paths, same, found)),
        )
