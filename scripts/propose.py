"""Write the person proposals of one split: what training code reads instead of a detector."""

from avaflow.formats.proposals import NOTES, build, write_proposals
from avaflow.tables import DETECTIONS, KEYFRAMES, read_table, write_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    import pandas as pd

    p = snakemake.params
    with job(snakemake.log[0]) as log:
        proposals, empty = build(
            list(p.clips),
            [read_table(path, KEYFRAMES) for path in snakemake.input.keyframes],
            (read_table(path, DETECTIONS) for path in snakemake.input.detections),
            p.offset,
            p.fps,
        )
        write_proposals(snakemake.output.proposals, proposals)
        write_table(snakemake.output.notes, pd.DataFrame(empty, columns=list(NOTES)), NOTES)
        log.info("%d keyframes with proposals, %d without", len(proposals), len(empty))
