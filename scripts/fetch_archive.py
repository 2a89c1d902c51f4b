"""Fetch a public archive and keep its checksum beside it."""

from avaflow.bulk.archives import fetch_archive, wanted_archives
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake):
        # Not in params, which are shown and kept: an address may hold a password.
        archive = wanted_archives(snakemake.config["downloads"])[p.file]
        fetch_archive(archive, snakemake.output.archive)
