"""Appearance vectors of the detections of those clips of a batch that need them."""

import json

from avaflow.files import write_text
from avaflow.persons.embedder import embed_clip, load_embedder
from avaflow.persons.vectors import write_vectors
from avaflow.tables import DETECTIONS, read_table
from avaflow.videos.frames import clip_videos
from avaflow.workflow.job import Batch, job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        batch = Batch(snakemake)
        detections = dict(zip(p.members, p.reads, strict=True))
        videos = clip_videos(p.members, snakemake.input.clips, snakemake.input.manifests)
        videos = [video for video in videos if video.clip in batch.names]
        if videos:
            embedder = load_embedder(p.embedder["batch"], p.embedder["device"], snakemake.threads)
            for video in videos:
                found = read_table(detections[video.clip], DETECTIONS)
                write_vectors(batch.output_of(video.clip), embed_clip(video, found, embedder))
                batch.done(video.clip)
                log.info("%s: %d vectors", video.clip, len(found))
        write_text(snakemake.output.batch, json.dumps(batch.checksums(), indent=1) + "\n")
        log.info("%d of %d clips described", len(videos), len(batch.members))
