"""Fetch VIA 3 and keep its annotator page."""

from pathlib import Path

from avaflow.annotation.via_page import page_from_download
from avaflow.files import write_text
from avaflow.videos.download import download
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake.log[0]):
        url = snakemake.params.url
        archive = Path(snakemake.output.page).with_suffix(".download")
        download(url, archive)
        write_text(snakemake.output.page, page_from_download(archive.read_bytes(), url))
        archive.unlink()
