"""Cut a batch of clips of AVA-Kinetics and write down what became of each."""

from pathlib import Path

from avaflow.ava_kinetics.cut import run_batch
from avaflow.ava_kinetics.manifest import MANIFEST
from avaflow.bulk.journal import Journal
from avaflow.bulk.plan import read_batch, write_rows
from avaflow.videos.ffmpeg import ffmpeg_exe
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake.log[0]) as log:
        journal = Journal(p.journal)
        with journal.alone():
            rows = run_batch(
                read_batch(p.kept, p.batch, p.digest),
                Path(p.videos),
                Path(p.rawframes) if p.rawframes else None,
                journal,
                p.settings,
                ffmpeg_exe(p.ffmpeg),
                Path(snakemake.log.ffmpeg),
                log,
            )
        write_rows(snakemake.output.manifest, MANIFEST, rows)
        log.info("%d of %d ranges cut", sum(r["status"] == "cut" for r in rows), len(rows))
