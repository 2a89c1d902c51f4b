"""Read existing annotations of whatever kind, and write what they say of each clip."""

from pathlib import Path

from avaflow.annotation.existing.kinds import files_of, read_existing
from avaflow.annotation.existing.names import Names
from avaflow.annotation.existing.tables import write_tables
from avaflow.listing import commas
from avaflow.project.actions import attributes_from_config
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        names = Names(attributes=attributes_from_config(p.actions), **p.names)
        # From the config itself: a bound is no param, whose change would read all anew.
        max_mb = snakemake.config["via"]["max_project_mb"]
        found = read_existing(files_of(p.paths), names, max_mb)
        write_tables(found, dict(zip(p.clips, map(Path, snakemake.output), strict=True)))
        if names.skipped:
            told = [f"{name} ({count})" for name, count in sorted(names.skipped.items())]
            log.warning("left out, because of no clip: %s", commas(told))
        boxes = sum(map(len, found.boxes.values()))
        log.info("%d boxes of %d clips", boxes, len(found.clips))
