"""Resize a batch of Kinetics videos and write down what became of each."""

from pathlib import Path

from avaflow.bulk.journal import Journal
from avaflow.bulk.plan import read_batch, write_rows
from avaflow.kinetics.batch import run_batch
from avaflow.kinetics.manifest import MANIFEST, counted
from avaflow.kinetics.video import try_encoder
from avaflow.videos.ffmpeg import ffmpeg_exe
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake.log[0]) as log:
        exe = ffmpeg_exe(p.ffmpeg)
        try_encoder(exe, p.settings)
        journal = Journal(p.journal)
        with journal.alone():
            rows = run_batch(
                read_batch(p.kept, p.batch, p.digest),
                Path(p.videos) if p.videos else None,
                journal,
                p.settings,
                exe,
                Path(snakemake.log.ffmpeg),
                log,
            )
        write_rows(snakemake.output.manifest, MANIFEST, rows)
        log.info("%s", counted([row["status"] for row in rows]))
