"""Make the VIA project of one clip: its keyframes with every tracked box, nothing ticked."""

from avaflow.annotation.via import project, write_project
from avaflow.manifests import read_clip_manifest
from avaflow.project.actions import attributes_from_config
from avaflow.tables import KEYFRAMES, TRACKS, read_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake.log[0]) as log:
        clip = snakemake.params.clip
        content = project(
            clip,
            read_table(snakemake.input.keyframes, KEYFRAMES),
            read_table(snakemake.input.tracks, TRACKS),
            attributes_from_config(snakemake.params.actions),
            image_prefix=f"../keyframes/{clip}",
            start=read_clip_manifest(snakemake.input.manifest).start,
        )
        write_project(snakemake.output.project, content)
        log.info("%d boxes on %d keyframes", len(content["metadata"]), len(content["view"]))
