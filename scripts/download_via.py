"""Fetch VIA 3 and keep its annotator page."""

from pathlib import Path

from avaflow.annotation.via_page import read_page
from avaflow.files import write_text
from avaflow.videos.download import download
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake):
        url = snakemake.params.url
        archive = Path(snakemake.output.page).with_suffix(".download")
        download(url, archive)
        try:
            write_text(snakemake.output.page, read_page(archive, url))
        finally:
            archive.unlink()
