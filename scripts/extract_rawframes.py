"""All frames of one clip as JPEG, from the clip that is already cut."""

from pathlib import Path

from avaflow.manifests import read_clip_manifest
from avaflow.videos.trim import rawframes_of_clip, write_frames_manifest
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake.log[0]):
        manifest = read_clip_manifest(snakemake.input.manifest)
        folder = Path(snakemake.output.rawframes).with_suffix("")
        rawframes_of_clip(
            snakemake.params.clip,
            Path(snakemake.input.clip),
            manifest.frames,
            snakemake.params.trim,
            snakemake.params.jpeg_quality,
            folder,
            Path(snakemake.log.ffmpeg),
        )
        write_frames_manifest(
            snakemake.output.rawframes, snakemake.params.clip, folder, manifest.frames
        )
