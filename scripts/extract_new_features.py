"""Features of the persons on the keyframes of a video that has no annotations."""

from pathlib import Path

from avaflow.errors import UserError
from avaflow.features.files import MADE, MANIFEST
from avaflow.features.makers import load_maker, weights_sha256
from avaflow.features.persons import person_features_of_batch
from avaflow.manifests import read_clip_manifest
from avaflow.tables import TRACKS, read_table, write_table
from avaflow.times import annotatable_seconds
from avaflow.videos.frames import clip_videos
from avaflow.workflow.job import job

if "snakemake" in globals():
    p, given = snakemake.params, snakemake.input
    with job(snakemake) as log:
        facts = read_clip_manifest(given.manifest)
        weights = list(given.weights)
        table = person_features_of_batch(
            clip_videos([p.name], [given.clip], [given.manifest]),
            {p.name: read_table(given.tracks, TRACKS)},
            {p.name: annotatable_seconds(facts.frames, facts.fps, p.margin)},
            {p.name: facts.sha256},
            Path(snakemake.output.manifest).parent,
            p.features,
            {"weights_sha256": weights_sha256(weights), "code": p.code},
            lambda: load_maker(weights, p.features, snakemake.threads, persons=True),
            1 if str(p.features["device"]) == "cpu" else snakemake.threads,
        )
        if table["status"].tolist() != [MADE]:
            raise UserError(f"{p.name}: no features could be made: {table['note'].tolist()[0]}")
        write_table(snakemake.output.manifest, table, MANIFEST)
        log.info("features of %d boxes", table["rows"].sum())
