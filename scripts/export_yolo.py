"""Write the boxes of every keyframe as YOLO, with links to the keyframes."""

from pathlib import Path

from avaflow.files import atomic_folder, link, write_text
from avaflow.formats.keyframe_boxes import read_all_clips
from avaflow.formats.yolo import data_text, labels_text, readme_text
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.workflow.job import job

if "snakemake" in globals():
    p, given = snakemake.params, snakemake.input
    with job(snakemake) as log:
        clips = read_all_clips(
            p.clips, p.clip_splits, given.manifests, given.keyframes, given.labels
        )
        dataset = Path(p.dataset).as_posix()
        images = dict(zip(p.clips, given.keyframes, strict=True))
        folder = Path(p.dataset) / "yolo"
        with atomic_folder(folder / "images") as linked, atomic_folder(folder / "labels") as texts:
            for clip in clips:
                for second, persons in clip.persons.items():
                    file = Path(clip.keyframes[second].file)
                    source = Path(images[clip.clip]).with_suffix("") / file
                    link(source, linked / clip.split / file)
                    write_text(texts / clip.split / f"{file.stem}.txt", labels_text(persons))
        actions = all_actions(attributes_from_config(p.actions))
        write_text(snakemake.output.data, data_text(list(p.splits), actions))
        write_text(snakemake.output.readme, readme_text(list(p.splits), dataset))
        log.info("%d clips", len(clips))
