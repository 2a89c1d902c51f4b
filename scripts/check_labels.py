"""Rank what looks wrong in the labels, and show it in short loops to keep or to mend."""

from pathlib import Path

from avaflow.baseline.examples import Judged, featured_persons, join, read_vectors
from avaflow.features.files import PERSON_INDEX
from avaflow.label_checks.guesses import guesses
from avaflow.label_checks.kept import read_kept
from avaflow.label_checks.looks import looks, seen_in
from avaflow.label_checks.page import Film, copy_page_assets, page_data, write_page
from avaflow.label_checks.ranking import ranked
from avaflow.label_checks.table import CHECKS, CheckRow, left_to_check, people, people_of_rows
from avaflow.manifests import read_clip_manifest
from avaflow.persons.vectors import read_vectors as read_looks
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.tables import (
    DETECTIONS,
    KEYFRAMES,
    LABELS,
    NOBODY,
    TRACKS,
    UNTICKED,
    Keyframe,
    read_table,
    rows_of,
    table_of,
    write_table,
)
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        p, given, made = snakemake.params, snakemake.input, snakemake.output
        attributes = attributes_from_config(p.actions)
        films, judged, seconds = {}, {}, {}
        parts = (given.labels, given.idle, given.unticked, given.nobody)
        kinds = (LABELS, UNTICKED, UNTICKED, NOBODY)
        for number, clip in enumerate(p.clips):
            m = read_clip_manifest(given.manifests_of_clips[number])
            tracks = read_table(given.tracks[number], TRACKS)
            films[clip] = Film(m.fps, m.frames, m.width, m.height, tracks)
            judged[clip] = Judged(
                *(read_table(part[number], kind) for part, kind in zip(parts, kinds, strict=True))
            )
            keyframes = rows_of(read_table(given.keyframes[number], KEYFRAMES), Keyframe)
            seconds[clip] = [row.second for row in keyframes]
        tables = {clip: film.tracks for clip, film in films.items()}
        featured = featured_persons(read_table(given.index, PERSON_INDEX), tables, p.fps)
        vectors = read_vectors(featured, given.manifests, Path(given.index).parent)
        persons = join(featured, vectors, judged, seconds, len(all_actions(attributes)))
        numbers = people(persons, judged)
        own = people_of_rows(persons, judged, numbers)
        found = guesses(persons, p.groups, attributes, p.baseline["folds"], own)
        kept = read_kept(given.kept[0]) if given.kept else {}
        detections, appearances = p.reads[: len(p.clips)], p.reads[len(p.clips) :]
        seen = {
            clip: seen_in(tables[clip], read_table(one, DETECTIONS), read_looks(other), p.fps)
            for clip, one, other in zip(p.clips, detections, appearances, strict=bool(p.reads))
        }
        checks, rows = left_to_check(ranked(found, looks(seen)), numbers, kept)
        write_table(made.table, table_of(rows, CheckRow), CHECKS)
        copy_page_assets(made.assets)
        write_page(made.page, made.data, page_data(checks, rows, found, films, numbers, kept))
        for note in found.notes:
            log.warning("%s", note)
        log.info("%d of %d answers and clips to look at", len(rows), found.entries())
