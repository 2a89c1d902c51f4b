"""Give every detection of one clip a person id."""

from avaflow.manifests import read_clip_manifest
from avaflow.persons.tracker import rows_of_clip, track_clip
from avaflow.persons.vectors import read_vectors
from avaflow.tables import DETECTIONS, TRACKS, read_table, write_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake.log[0]) as log:
        facts = read_clip_manifest(snakemake.input.manifest)
        batch = read_table(snakemake.input.detections, DETECTIONS)
        rows = rows_of_clip(batch, p.clip)
        tracks = track_clip(
            batch.iloc[rows],
            read_vectors(snakemake.input.embeddings, rows.start, rows.stop),
            fps=facts.fps,
            stride=p.stride,
            settings=p.tracker,
            size=(facts.width, facts.height),
        )
        write_table(snakemake.output.tracks, tracks, TRACKS)
        log.info("%d detections, %d persons", len(tracks), tracks["person_id"].nunique())
