"""Fetch one video from its address."""

from pathlib import Path

from avaflow.errors import UserError
from avaflow.files import sha256
from avaflow.videos.download import download
from avaflow.videos.probe import probe
from avaflow.workflow.job import job


def download_video(url: str, target: str | Path, checksum: str) -> None:
    """Fetch a video; UserError, with nothing kept, if what comes is none.

    Servers answer with a page that says "log in" or "gone" as readily as with a film. A
    video that lies there already, with the right checksum, is not fetched again: its
    address may be gone by now.
    """
    if Path(target).exists() and checksum in ("", sha256(target)):
        return
    download(url, target, checksum)
    try:
        probe(target)
    except UserError as error:
        Path(target).unlink()
        raise UserError(f"{url}: what came from there cannot be used: {error}") from error


if "snakemake" in globals():
    with job(snakemake.log[0]):
        p = snakemake.params
        download_video(p.url, snakemake.output.video, p.sha256)
