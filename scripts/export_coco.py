"""Write the boxes of every split as COCO, with links to the keyframes."""

from pathlib import Path

from avaflow.files import atomic_folder, link, write_text
from avaflow.formats.coco import coco_text, readme_text
from avaflow.formats.keyframe_boxes import read_all_clips
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
        images = dict(zip(p.clips, given.keyframes, strict=True))
        with atomic_folder(Path(p.dataset) / "coco" / "images") as folder:
            for clip in clips:
                for second in clip.persons:
                    file = clip.keyframes[second].file
                    link(Path(images[clip.clip]).with_suffix("") / file, folder / file)
        for split, path in zip(p.splits, snakemake.output.jsons, strict=True):
            own = [clip for clip in clips if clip.split == split]
            write_text(path, coco_text(own, attributes))
        write_text(snakemake.output.readme, readme_text(list(p.splits), dataset))
        log.info("%d clips", len(clips))
