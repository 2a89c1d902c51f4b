"""Write how far the annotators of clips agree, and the page that settles where they do not."""

from avaflow.annotation.page.agreement_table import MEASURES, Measure
from avaflow.annotation.page.model import read_annotation
from avaflow.annotation.page.settling import (
    measures_of,
    opinions_of,
    page_html,
    page_script,
    settling_of,
)
from avaflow.files import write_text
from avaflow.manifests import read_clip_manifest
from avaflow.project.actions import attributes_from_config
from avaflow.tables import KEYFRAMES, TRACKS, read_table, table_of, write_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        p = snakemake.params
        max_mb = snakemake.config["via"]["max_project_mb"]
        attributes = attributes_from_config(p.actions)
        i = snakemake.input
        clips = []
        parts = zip(p.files.items(), i.manifests, i.keyframes, i.tracks, strict=True)
        for (clip, files), manifest, keyframes, tracks in parts:
            table = read_table(keyframes, KEYFRAMES)
            opinions = opinions_of(
                {name: read_annotation(path, max_mb) for name, path in files.items()},
                clip,
                table,
                read_table(tracks, TRACKS),
                attributes,
                read_clip_manifest(manifest),
            )
            seconds = table["second"].tolist()
            # The pages lie beside the folder of clips.
            video = f"../clips/{clip}.mp4"
            clips.append(settling_of(clip, video, opinions, seconds, attributes))
        rows = measures_of(clips, attributes)
        write_table(snakemake.output.table, table_of(rows, Measure), MEASURES)
        write_text(snakemake.output.js, page_script(clips, attributes))
        write_text(snakemake.output.html, page_html(clips, rows))
        questions = sum(len(each.draft.questions) for each in clips)
        log.info("%d clips of several annotators, %d questions", len(clips), questions)
