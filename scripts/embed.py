"""Appearance vectors of the detections of a batch of clips."""

from avaflow.persons.embedder import embed_detections, load_embedder
from avaflow.persons.vectors import write_vectors
from avaflow.tables import DETECTIONS, read_table
from avaflow.videos.frames import clip_videos
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake.log[0]) as log:
        videos = clip_videos(p.clips, snakemake.input.clips, snakemake.input.manifests)
        detections = read_table(snakemake.input.detections, DETECTIONS)
        embedder = load_embedder(p.embedder["batch"], p.embedder["device"], snakemake.threads)
        vectors = embed_detections(videos, detections, embedder)
        write_vectors(snakemake.output.embeddings, vectors)
        log.info("%d vectors of %d clips", len(vectors), len(videos))
