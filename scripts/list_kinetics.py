"""Write the lists of Kinetics that readers take, from the manifests of all batches."""

from pathlib import Path

from avaflow.bulk.plan import read_facts, read_rows, write_rows
from avaflow.files import write_text
from avaflow.kinetics.label_ids import label_ids_text
from avaflow.kinetics.lists import list_text
from avaflow.kinetics.manifest import MANIFEST, SUMMARY, check_share, summary
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        rows = [row for path in snakemake.input.manifests for row in read_rows(path, MANIFEST)]
        rows.sort(key=lambda row: (row["split"], row["name"], row["label"]))
        write_rows(snakemake.output.table, MANIFEST, rows)
        write_rows(snakemake.output.summary, SUMMARY, summary(rows))
        check_share(rows, p.max_broken_share)
        ids = read_facts(p.kept, p.digest)["labels"]
        write_text(snakemake.output.label_ids, label_ids_text(ids))
        root = "" if p.in_place else str(Path(snakemake.output.table).parent)
        for split, path in zip(p.splits, snakemake.output.lists, strict=True):
            text = list_text(rows, split, ids, p.separator, p.path_prefix, root)
            write_text(path, text)
            log.info("%s: %d lines", split, text.count("\n"))
