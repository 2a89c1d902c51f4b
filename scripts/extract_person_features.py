"""SlowFast features of the persons on the keyframes of a batch of clips."""

from avaflow.features.checkpoints import load_network
from avaflow.features.files import MANIFEST
from avaflow.features.network import ready_model
from avaflow.features.persons import person_features_of_batch
from avaflow.files import sha256
from avaflow.manifests import read_clip_manifest
from avaflow.tables import TRACKS, read_table, write_table
from avaflow.times import annotatable_seconds
from avaflow.videos.frames import clip_videos
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    files = snakemake.input
    with job(snakemake) as log:
        clips = {clip.clip: clip for clip in map(read_clip_manifest, files.manifests)}
        weights = files.weights
        table = person_features_of_batch(
            clip_videos(p.names, files.clips, files.manifests),
            {
                name: read_table(path, TRACKS)
                for name, path in zip(p.names, files.tracks, strict=True)
            },
            {
                name: annotatable_seconds(clip.frames, clip.fps, p.margin)
                for name, clip in clips.items()
            },
            {name: clip.sha256 for name, clip in clips.items()},
            p.folder,
            p.features,
            {"weights_sha256": sha256(weights), "code": p.code},
            lambda: ready_model(
                load_network(weights, p.features["architecture"], detection=True),
                p.features,
                snakemake.threads,
            ),
            1 if str(p.features["device"]) == "cpu" else snakemake.threads,
        )
        write_table(snakemake.output.manifest, table, MANIFEST)
        log.info("features of %d boxes in %d clips", table["rows"].sum(), len(table))
