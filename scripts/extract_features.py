"""Features of the videos of a batch."""

from avaflow.features.files import MADE, MANIFEST
from avaflow.features.makers import load_maker, weights_sha256
from avaflow.features.videos import Source, features_of_batch
from avaflow.manifests import read_clip_manifest
from avaflow.tables import write_table
from avaflow.times import annotatable_seconds
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        if p.paths:
            pattern = p.features["frame_pattern"] if p.features["inputs"] == "frames" else ""
            sources = [Source(n, path, pattern) for n, path in zip(p.names, p.paths, strict=True)]
        else:
            clips = [read_clip_manifest(path) for path in snakemake.input.manifests]
            keyframes = {}
            if p.margin is not None:
                keyframes = {
                    clip.clip: tuple(annotatable_seconds(clip.frames, clip.fps, p.margin))
                    for clip in clips
                }
            sources = [
                Source(clip.clip, str(path), seconds=keyframes.get(clip.clip))
                for clip, path in zip(clips, snakemake.input.clips, strict=True)
            ]
        weights = list(snakemake.input.weights)
        made_with = {"weights_sha256": weights_sha256(weights), "code": p.code}
        table = features_of_batch(
            sources,
            p.folder,
            p.features,
            made_with,
            lambda: load_maker(weights, p.features, snakemake.threads),
            # Beside a network on the same processor, more decoder threads only get in its way.
            1 if str(p.features["device"]) == "cpu" else snakemake.threads,
        )
        write_table(snakemake.output.manifest, table, MANIFEST)
        log.info("%d of %d videos have features", (table["status"] == MADE).sum(), len(table))
