"""Read one clip's finished VIA project: labels, and notes on what was not labelled."""

from avaflow.annotation.labels import labels_of_project, with_warnings
from avaflow.annotation.via import read_project
from avaflow.errors import UserError
from avaflow.manifests import read_clip_manifest
from avaflow.project.actions import attributes_from_config
from avaflow.tables import KEYFRAMES, LABELS, NOTES, TRACKS, read_table, write_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake.log[0]) as log:
        p = snakemake.params
        labels, notes, warnings = labels_of_project(
            read_project(snakemake.input.project),
            p.clip,
            read_table(snakemake.input.keyframes, KEYFRAMES),
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
        log.info("%d labels, %d notes", len(labels), len(notes))
