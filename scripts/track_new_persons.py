"""Give every detection of a video that has no annotations a person id."""

from avaflow.manifests import read_clip_manifest
from avaflow.persons.embedder import load_embedder
from avaflow.prediction.following import described, follow
from avaflow.tables import DETECTIONS, TRACKS, read_table, write_table
from avaflow.videos.frames import clip_videos
from avaflow.workflow.job import job

if "snakemake" in globals():
    p, given = snakemake.params, snakemake.input
    with job(snakemake) as log:
        facts = read_clip_manifest(given.manifest)
        (video,) = clip_videos([p.name], [given.clip], [given.manifest])
        found = read_table(given.detections, DETECTIONS)
        embedder = load_embedder(p.embedder["batch"], p.embedder["device"], snakemake.threads)
        tracks = follow(
            found,
            described(video, found, embedder),
            facts.fps,
            p.stride,
            p.tracker,
            (facts.width, facts.height),
            facts.cuts if p.cuts["end_tracks"] else (),
        )
        write_table(snakemake.output.tracks, tracks, TRACKS)
        log.info("%d detections, %d persons", len(tracks), tracks["person_id"].nunique())
