"""Suggest actions of persons whom nobody has judged, and the clip to annotate next."""

from pathlib import Path

import numpy as np

from avaflow.baseline.examples import Judged, featured_persons, read_vectors
from avaflow.features.files import PERSON_INDEX
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.suggestions.files import clip_content, write_clip, write_queue
from avaflow.suggestions.learning import learn
from avaflow.suggestions.persons import examples_of, open_rows
from avaflow.suggestions.queue import queue_of
from avaflow.suggestions.spans import suggested_spans
from avaflow.tables import LABELS, NOBODY, TRACKS, UNTICKED, read_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        p, given, made = snakemake.params, snakemake.input, snakemake.output
        attributes = attributes_from_config(p.actions)
        actions = all_actions(attributes)
        tracks = {
            clip: read_table(path, TRACKS) for clip, path in zip(p.clips, given.tracks, strict=True)
        }
        kinds = (LABELS, UNTICKED, UNTICKED, NOBODY)
        parts = (given.labels, given.idle, given.unticked, given.nobody)
        judged = {
            clip: Judged(
                *(read_table(part[at], kind) for part, kind in zip(parts, kinds, strict=True))
            )
            for at, clip in enumerate(p.learnt_from)
        }
        partly = {
            clip: read_table(path, UNTICKED)
            for clip, path in zip(p.partly, given.left, strict=True)
        }
        featured = featured_persons(read_table(given.index, PERSON_INDEX), tracks, p.fps)
        vectors = read_vectors(featured, given.manifests, Path(given.index).parent)
        examples = examples_of(featured, vectors, judged, p.groups, len(actions))
        learnt = learn(examples, vectors, attributes, p.folds, p.precision)
        rows = open_rows(featured, p.awaiting, partly)
        places = featured.iloc[rows][["clip", "second", "person_id"]].reset_index(drop=True)
        scores = learnt.scores(vectors[rows])
        found = suggested_spans(learnt, places, scores, attributes)
        digest = learnt.digest()
        for clip, path, js in zip(p.clips, made.clips, made.scripts, strict=True):
            content = clip_content(clip, found.get(clip, []), p.precision, digest, p.fps)
            write_clip(path, js, content)
        waits = places["clip"].isin(list(p.awaiting)).to_numpy(bool)
        queue = queue_of(
            p.awaiting,
            p.splits,
            places[waits],
            vectors[rows][waits],
            scores[waits],
            learnt,
            [action.name for action in actions],
        )
        write_queue(made.queue, made.order, queue)
        for action in actions:
            at = action.id - 1
            bar = learnt.bars[at]
            log.info(
                "%s: %d examples, scored by %s, %s",
                action.name,
                learnt.counts[at],
                learnt.by[at] or "nothing",
                "not suggested" if bar is None else f"suggested from {bar:.3f} on",
            )
        log.info(
            "%d spans suggested in %d clips, of %d persons on keyframes that nobody has judged",
            sum(map(len, found.values())),
            len(found),
            int(np.size(rows)),
        )
