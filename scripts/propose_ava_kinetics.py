"""Write the proposals of the Kinetics part, by the ids that the reader looks them up with."""

from avaflow.ava_kinetics.manifest import MANIFEST, build_proposals, cut_clips
from avaflow.bulk.plan import read_rows
from avaflow.formats.proposals import write_proposals
from avaflow.tables import DETECTIONS, read_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake.log[0]) as log:
        rows = [row for path in snakemake.input.manifests for row in read_rows(path, MANIFEST)]
        for split, path in zip(p.splits, snakemake.output.proposals, strict=True):
            own = (row for row in rows if row["split"] == split)
            seconds = {row["clip"]: [int(s) for s in row["seconds"].split()] for row in own}
            tables = (read_table(table, DETECTIONS) for table in snakemake.input.detections)
            found = build_proposals(cut_clips(rows, split), seconds, tables, p.min_score)
            write_proposals(path, found)
            log.info("%s: %d seconds with proposals", split, len(found))
