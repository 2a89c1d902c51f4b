"""Features of the persons on the keyframes of a batch of clips."""

from avaflow.features.files import MANIFEST
from avaflow.features.makers import load_maker, weights_sha256
from avaflow.features.persons import person_features_of_batch
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
        weights = list(files.weights)
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
            {"weights_sha256": weights_sha256(weights), "code": p.code},
            lambda: load_maker(weights, p.features, snakemake.threads, persons=True),
            1 if str(p.features["device"]) == "cpu" else snakemake.threads,
        )
        write_table(snakemake.output.manifest, table, MANIFEST)
        log.info("features of %d boxes in %d clips", table["rows"].sum(), len(table))
