"""Optical flow between the frames of one clip."""

import json
from pathlib import Path

from avaflow.videos.flow import write_flow
from avaflow.videos.flow_files import write_flow_manifest
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake):
        manifest = Path(snakemake.input.frames)
        frames = json.loads(manifest.read_text(encoding="utf-8"))["frames"]
        folder = Path(snakemake.output.flow).with_suffix("")
        write_flow(manifest.with_suffix(""), frames, folder, snakemake.threads)
        write_flow_manifest(snakemake.output.flow, snakemake.params.clip, folder, frames)
