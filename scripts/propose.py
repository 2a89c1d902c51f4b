"""Write the person proposals of one split: what training code reads instead of a detector."""

from avaflow.formats.proposals import NOTES, build, detections_of, write_proposals
from avaflow.tables import DETECTIONS, KEYFRAMES, LABELS, UNTICKED, read_table, write_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    import pandas as pd

    p = snakemake.params
    with job(snakemake) as log:
        given = snakemake.input
        annotated = {
            clip: (read_table(ticked, LABELS), read_table(unticked, UNTICKED))
            for clip, ticked, unticked in zip(p.judged, given.labels, given.unticked, strict=True)
        }
        if given.get("files"):
            files = [given.files] if isinstance(given.files, str) else list(given.files)
            found = [detections_of(files, p.names, p.offset, p.fps)]
        else:
            found = (read_table(path, DETECTIONS) for path in p.reads)
        proposals, empty = build(
            list(p.clips),
            [read_table(path, KEYFRAMES) for path in given.keyframes],
            found,
            p.offset,
            p.fps,
            annotated,
        )
        write_proposals(snakemake.output.proposals, proposals)
        write_table(snakemake.output.notes, pd.DataFrame(empty, columns=list(NOTES)), NOTES)
        log.info("%d keyframes with proposals, %d without", len(proposals), len(empty))
