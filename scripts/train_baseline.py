"""Train a first model on the persons' features, judge it, and show what can be learnt."""

import json
from pathlib import Path

import numpy as np

from avaflow.baseline.course import metrics, run_course
from avaflow.baseline.examples import Judged, featured_persons, join, read_vectors
from avaflow.baseline.files import predictions_text
from avaflow.baseline.head import write_head
from avaflow.baseline.page import keyframe_images, page_html
from avaflow.features.files import PERSON_INDEX
from avaflow.files import write_text
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.project.clips import SPLITS
from avaflow.tables import (
    KEYFRAMES,
    LABELS,
    NOBODY,
    TRACKS,
    UNTICKED,
    Keyframe,
    read_table,
    rows_of,
)
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        p, given, made = snakemake.params, snakemake.input, snakemake.output
        attributes = attributes_from_config(p.actions)
        tracks, judged, keyframes = {}, {}, {}
        parts = (given.labels, given.idle, given.unticked, given.nobody)
        for number, clip in enumerate(p.clips):
            tracks[clip] = read_table(given.tracks[number], TRACKS)
            kinds = (LABELS, UNTICKED, UNTICKED, NOBODY)
            judged[clip] = Judged(
                *(read_table(part[number], kind) for part, kind in zip(parts, kinds, strict=True))
            )
            keyframes[clip] = rows_of(read_table(given.keyframes[number], KEYFRAMES), Keyframe)
        featured = featured_persons(read_table(given.index, PERSON_INDEX), tracks, p.fps)
        vectors = read_vectors(featured, given.manifests, Path(given.index).parent)
        seconds = {clip: [row.second for row in rows] for clip, rows in keyframes.items()}
        persons = join(featured, vectors, judged, seconds, len(all_actions(attributes)))
        settings = p.baseline
        course = run_course(
            persons, p.clip_splits, p.groups, attributes, settings["folds"], settings["seed"]
        )
        write_head(made.head, course.head, course.made_from)
        figures = json.dumps(metrics(course, attributes), indent=1, ensure_ascii=False)
        write_text(made.metrics, figures + "\n")
        for split, path in zip(p.splits, made.predictions, strict=True):
            clips = [clip for clip in p.clips if p.clip_splits[clip] == split]
            own = persons.featured["clip"].isin(clips).to_numpy() & ~np.isnan(course.scored[:, 0])
            text = predictions_text(persons.featured[own], course.scored[own], p.offset)
            write_text(path, text)
        for split in set(SPLITS) - set(p.splits):
            # Of an earlier state: nobody would know that they are old.
            Path(made.page).parent.joinpath("predictions", f"{split}.csv").unlink(missing_ok=True)
        files = {(clip, row.second): row.file for clip, rows in keyframes.items() for row in rows}
        images = keyframe_images(Path(given.keyframes[0]).parent, files)
        write_text(made.page, page_html(course, persons, attributes, images))
        for note in course.notes:
            log.warning("%s", note)
        for one in course.evaluations:
            log.info(
                "%s: mAP %.3f on annotated boxes, %.3f on the detector's",
                one.name,
                one.annotated.mean,
                one.detected.mean,
            )
