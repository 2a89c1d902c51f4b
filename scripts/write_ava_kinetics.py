"""Write the annotations of the Kinetics part, from the official boxes and the manifests."""

from pathlib import Path

from avaflow.ava_kinetics.annotations import csv_lines, read_boxes
from avaflow.ava_kinetics.manifest import (
    MANIFEST,
    SECONDS,
    SUMMARY,
    account,
    check_share,
    cut_clips,
    summary,
)
from avaflow.bulk.plan import read_rows, write_rows
from avaflow.errors import UserError
from avaflow.files import write_text
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        rows = [row for path in snakemake.input.manifests for row in read_rows(path, MANIFEST)]
        write_rows(snakemake.output.summary, SUMMARY, summary(rows, p.splits))
        check_share(rows, p.max_broken_share)
        for number, split in enumerate(p.splits):
            boxes, refused = read_boxes(p.csvs[number])
            clips = cut_clips(rows, split)
            own = [row for row in rows if row["split"] == split]
            write_rows(snakemake.output.seconds[number], SECONDS, account(boxes, own, clips))
            lines, absent = csv_lines(boxes, clips)
            if not lines:
                raise UserError(
                    f"AVA-Kinetics: no annotated second of {split} lies in a clip that could be "
                    "cut, as the manifests of the batches tell one by one. An empty csv would "
                    f"crash the reader: fix the videos, or leave ava_kinetics.lists.{split} empty."
                )
            write_text(snakemake.output.csv[number], "".join(lines))
            # The reader wants the file, and nothing is to be left out.
            write_text(snakemake.output.excluded[number], "")
            write_text(snakemake.output.refused[number], "".join(f"{r}\n" for r in refused))
            log.info(
                "%s: %d rows; %d seconds in no clip; %d rows refused",
                *(split, len(lines), len(absent), len(refused)),
            )
        content = Path(snakemake.input.action_list).read_text(encoding="utf-8")
        write_text(snakemake.output.action_list, content)
