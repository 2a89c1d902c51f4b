"""Fetch VIA 3 and keep its annotator page."""

from pathlib import Path

from avaflow.download import download
from avaflow.files import write_text
from avaflow.job import job
from avaflow.via_page import read_page

if "snakemake" in globals():
    with job(snakemake.log[0]):
        url = snakemake.params.url
        archive = Path(snakemake.output.page).with_suffix(".download")
        download(url, archive)
        try:
            write_text(snakemake.output.page, read_page(archive, url))
        finally:
            archive.unlink()
