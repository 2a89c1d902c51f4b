"""Write the boxes of every finished clip as MOT, and what their persons do."""

from pathlib import Path

from avaflow.files import write_text
from avaflow.formats.keyframe_boxes import drop_other_clips, read_all_clips
from avaflow.formats.mot import actions_text, gt_text, readme_text, seqinfo_text
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.workflow.job import job

if "snakemake" in globals():
    p, given = snakemake.params, snakemake.input
    with job(snakemake) as log:
        clips = read_all_clips(
            p.clips, p.clip_splits, given.manifests, given.keyframes, given.labels
        )
        dataset = Path(p.dataset).as_posix()
        made = snakemake.output
        for clip, gt, info in zip(clips, made.gts, made.infos, strict=True):
            write_text(gt, gt_text(clip))
            write_text(info, seqinfo_text(clip))
        for pattern in ("{clip}/gt/gt.txt", "{clip}/seqinfo.ini"):
            drop_other_clips(Path(p.dataset) / "mot", pattern, p.clips)
        actions = all_actions(attributes_from_config(p.actions))
        write_text(made.actions, actions_text(clips, {action.id: action for action in actions}))
        unnamed = sum(
            not person.person_id
            for clip in clips
            for persons in clip.persons.values()
            for person in persons
        )
        write_text(made.readme, readme_text(clips, unnamed, dataset))
        log.info("%d clips, %d boxes without an id left out", len(clips), unnamed)
