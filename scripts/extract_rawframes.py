"""All frames of one clip as JPEG, from the clip that is already cut."""

from pathlib import Path

from avaflow.manifests import read_clip_manifest
from avaflow.videos.trim import rawframes_of_clip, write_frames_manifest
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake):
        manifest = read_clip_manifest(snakemake.input.manifest)
        folder = Path(snakemake.output.rawframes).with_suffix("")
        rawframes_of_clip(
            p.clip,
            Path(snakemake.input.clip),
            manifest.frames,
            {**p.trim, "ffmpeg": p.ffmpeg},
            p.jpeg_quality,
            folder,
            Path(snakemake.log.ffmpeg),
        )
        write_frames_manifest(snakemake.output.rawframes, p.clip, folder, manifest.frames)
