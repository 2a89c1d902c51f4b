"""Make the page that lists all clips to annotate, with their state."""

from avaflow.annotation.via_page import clip_entry, index_page
from avaflow.files import write_text
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake.log[0]) as log:
        p = snakemake.params
        files = zip(p.clips, snakemake.input.projects, snakemake.input.keyframes, strict=True)
        entries = [
            clip_entry(
                clip,
                project,
                keyframes,
                snakemake.output.index,
                p.finished.get(clip, ""),
                p.pages,
                p.zips,
            )
            for clip, project, keyframes in files
        ]
        write_text(snakemake.output.index, index_page(entries, p.annotations, p.pages))
        log.info("%d clips, %d finished", len(entries), sum(bool(e.finished) for e in entries))
