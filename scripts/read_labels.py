"""Read one clip's finished annotation: labels, and notes on what was not labelled."""

from avaflow.annotation.existing.tables import project_of_table
from avaflow.annotation.labels import labels_of_project, unticked_boxes, with_warnings
from avaflow.annotation.via import adopted, read_project
from avaflow.errors import UserError
from avaflow.manifests import read_clip_manifest
from avaflow.project.actions import attributes_from_config
from avaflow.tables import (
    KEYFRAMES,
    LABELS,
    NOBODY,
    NOTES,
    TRACKS,
    UNTICKED,
    Keyframe,
    Nobody,
    read_table,
    rows_of,
    table_of,
    write_table,
)
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        p = snakemake.params
        # From the config itself: a bound is no param, whose change would read all anew.
        max_mb = snakemake.config["via"]["max_project_mb"]
        keyframes = read_table(snakemake.input.keyframes, KEYFRAMES)
        manifest = read_clip_manifest(snakemake.input.manifest)
        attributes = attributes_from_config(p.actions)
        nobody, left_out = [], []
        if p.imported:
            project, nobody, left_out = project_of_table(
                snakemake.input.project,
                p.clip,
                rows_of(keyframes, Keyframe),
                attributes,
                manifest.frames / manifest.fps,
            )
        else:
            project = adopted(read_project(snakemake.input.project, max_mb), p.known_as)
        labels, notes, warnings = labels_of_project(
            project,
            p.clip,
            keyframes,
            read_table(snakemake.input.tracks, TRACKS),
            attributes,
            p.fps,
            manifest.start,
        )
        warnings = [*(f"{project.path}: {each}" for each in left_out), *warnings]
        if warnings and p.strict:
            raise UserError.listing("`strict: true` turns these warnings into errors:", warnings)
        for warning in warnings:
            log.warning(warning)
        write_table(snakemake.output.labels, labels, LABELS)
        write_table(snakemake.output.notes, with_warnings(notes, warnings), NOTES)
        write_table(snakemake.output.unticked, unticked_boxes(project, keyframes), UNTICKED)
        write_table(snakemake.output.nobody, table_of([Nobody(s) for s in nobody], Nobody), NOBODY)
        log.info("%d labels, %d notes", len(labels), len(notes))
