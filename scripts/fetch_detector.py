"""Download detector weights that ultralytics publishes."""

import tempfile
import zipfile
from pathlib import Path

from avaflow.errors import UserError
from avaflow.files import atomic_file
from avaflow.persons.detector import quiet_ultralytics
from avaflow.workflow.job import job


def download_weights(name: str, target: str | Path) -> None:
    """Fetch the published weights `name`, such as yolo11n.pt, to `target`, whole or not at all.

    ultralytics' own downloader does the work, in a folder that goes away with it. Raises
    UserError for a name that is not published, and where the network does not give it.
    """
    quiet_ultralytics(online=True)
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES, attempt_download_asset

    if name not in GITHUB_ASSETS_NAMES or not name.endswith(".pt"):
        raise UserError(
            f"detector.weights: expected a file that exists or weights that ultralytics "
            f"publishes (yolo11n.pt, yolo11s.pt, yolov8n.pt, ...), found {name!r}."
        )
    with tempfile.TemporaryDirectory(prefix="avaflow-weights-") as folder:
        fetched = Path(folder) / name
        try:
            attempt_download_asset(fetched)
        except Exception as error:
            reason = " ".join(str(error).split()).strip(". \N{CROSS MARK}")
            raise _unavailable(name, target, reason) from error
        # A .pt file is a zip; a login page of a network or half a file is not.
        if not fetched.is_file() or not zipfile.is_zipfile(fetched):
            raise _unavailable(name, target, "what came is not a weights file")
        with atomic_file(target) as temporary:
            temporary.write_bytes(fetched.read_bytes())


def _unavailable(name: str, target: str | Path, reason: str) -> UserError:
    return UserError(
        f"detector.weights: {name} could not be downloaded ({reason}). Without a network, fetch "
        f"the file on another machine and put it to {target}, or give the path of any weights "
        "as detector.weights in the config."
    )


if "snakemake" in globals():
    with job(snakemake.log[0]) as log:
        download_weights(snakemake.params.name, snakemake.output.weights)
        log.info("downloaded %s", snakemake.params.name)
