"""Fetch one video from its address."""

from avaflow.download import download
from avaflow.job import job

if "snakemake" in globals():
    with job(snakemake.log[0]):
        download(snakemake.params.url, snakemake.output.video, snakemake.params.sha256)
