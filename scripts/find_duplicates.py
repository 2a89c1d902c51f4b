"""Find clips of different splits that show the same."""

from pathlib import Path

from avaflow.tables import DUPLICATES, Duplicate, table_of, write_table
from avaflow.videos.duplicates import find_duplicates
from avaflow.videos.motion import read_motion
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        paths = {Path(path).stem: path for path in snakemake.input.motion}
        found = find_duplicates(p.splits, lambda clip: read_motion(paths[clip]))
        write_table(snakemake.output.table, table_of(found, Duplicate), DUPLICATES)
        log.info("%d clips, %d duplicates in other splits", len(paths), len(found))
