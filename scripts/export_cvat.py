"""Write the boxes of every finished clip as CVAT takes them."""

from pathlib import Path

from avaflow.files import write_text
from avaflow.formats.cvat import readme_text, task_text
from avaflow.formats.keyframe_boxes import drop_other_clips, read_all_clips
from avaflow.project.actions import attributes_from_config
from avaflow.workflow.job import job

if "snakemake" in globals():
    p, given = snakemake.params, snakemake.input
    with job(snakemake) as log:
        clips = read_all_clips(
            p.clips, p.clip_splits, given.manifests, given.keyframes, given.labels
        )
        dataset = Path(p.dataset).as_posix()
        attributes = attributes_from_config(p.actions)
        for clip, path in zip(clips, snakemake.output.tasks, strict=True):
            write_text(path, task_text(clip, attributes))
        drop_other_clips(Path(p.dataset) / "cvat", "{clip}.xml", p.clips)
        write_text(snakemake.output.readme, readme_text(clips, attributes, dataset))
        log.info("%d clips", len(clips))
