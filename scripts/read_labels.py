"""Read one clip's finished VIA project: labels, and notes on what was not labelled."""

from avaflow.annotation.labels import labels_of_project, unticked_boxes, with_warnings
from avaflow.annotation.via import read_project
from avaflow.errors import UserError
from avaflow.manifests import read_clip_manifest
from avaflow.project.actions import attributes_from_config
from avaflow.tables import KEYFRAMES, LABELS, NOTES, TRACKS, UNTICKED, read_table, write_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        p = snakemake.params
        # From the config itself: a bound is no param, whose change would read all anew.
        max_mb = snakemake.config["via"]["max_project_mb"]
        project = read_project(snakemake.input.project, max_mb)
        keyframes = read_table(snakemake.input.keyframes, KEYFRAMES)
        labels, notes, warnings = labels_of_project(
            project,
            p.clip,
            keyframes,
            read_table(snakemake.input.tracks, TRACKS),
            attributes_from_config(p.actions),
            p.fps,
            read_clip_manifest(snakemake.input.manifest).start,
        )
        if warnings and p.strict:
            raise UserError.listing("`strict: true` turns these warnings into errors:", warnings)
        for warning in warnings:
            log.warning(warning)
        write_table(snakemake.output.labels, labels, LABELS)
        write_table(snakemake.output.notes, with_warnings(notes, warnings), NOTES)
        write_table(snakemake.output.unticked, unticked_boxes(project, keyframes), UNTICKED)
        log.info("%d labels, %d notes", len(labels), len(notes))
