"""Read one clip's finished annotation: labels, and notes on what was not labelled."""

from avaflow.annotation.existing.tables import project_of_table
from avaflow.annotation.finished import annotator_of
from avaflow.annotation.labels import with_warnings
from avaflow.annotation.page.majority import majority
from avaflow.annotation.readings import ClipFacts, read_finished, reading_of_project
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
        facts = ClipFacts(
            read_clip_manifest(snakemake.input.manifest),
            read_table(snakemake.input.keyframes, KEYFRAMES),
            read_table(snakemake.input.tracks, TRACKS),
            attributes_from_config(p.actions),
            p.known_as,
        )
        files = snakemake.input.project
        files = [files] if isinstance(files, str) else list(files)
        warnings = []
        if p.imported:
            project, nobody, left_out = project_of_table(
                files[0],
                p.clip,
                rows_of(facts.keyframes, Keyframe),
                facts.attributes,
                facts.manifest.frames / facts.manifest.fps,
            )
            reading = reading_of_project(project, facts, nobody)
            warnings += [f"{project.path}: {each}" for each in left_out]
        else:
            readings = {annotator_of(path): read_finished(path, facts, max_mb) for path in files}
            reading = majority(readings)
        warnings += reading.warnings
        if warnings and p.strict:
            raise UserError.listing("`strict: true` turns these warnings into errors:", warnings)
        for warning in warnings:
            log.warning(warning)
        nobody = table_of([Nobody(second) for second in reading.nobody], Nobody)
        notes = with_warnings(reading.notes, warnings)
        write_table(snakemake.output.labels, reading.labels, LABELS)
        write_table(snakemake.output.notes, notes, NOTES)
        write_table(snakemake.output.unticked, reading.unticked, UNTICKED)
        write_table(snakemake.output.idle, reading.idle, UNTICKED)
        write_table(snakemake.output.nobody, nobody, NOBODY)
        log.info("%d labels, %d notes", len(reading.labels), len(notes))
