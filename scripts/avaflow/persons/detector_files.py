"""Where a project's detector lies: its weights, and what a job has to load."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from avaflow.errors import UserError

DOWNLOADABLE_WEIGHTS = re.compile(r"^yolo[A-Za-z0-9-]*\.pt$")
"""Names of weights that ultralytics publishes; anything else has to be a file."""


@dataclass(frozen=True)
class DetectorFiles:
    """Where a project's detector lies.

    `weights` is the file that the config names (or its download), `files` are what a
    detection job depends on, and `model` is what it loads.
    """

    weights: str
    files: list[str]
    model: str


def find_detector(settings: Mapping, results: Path) -> DetectorFiles:
    """The detector's files; UserError if its weights are neither there nor downloadable."""
    named = Path(settings["weights"])
    if named.is_dir():
        files = sorted(str(path) for path in named.iterdir() if path.is_file())
        if not files:
            raise UserError(f"config: detector.weights: the folder {named} is empty")
        return DetectorFiles(str(named), files, str(named))
    if named.is_file():
        if named.stat().st_size == 0:
            raise UserError(f"config: detector.weights: the file {named} is empty (0 bytes)")
        weights = str(named)
    elif DOWNLOADABLE_WEIGHTS.match(settings["weights"]):
        weights = str(results / "models" / named.name)
    else:
        raise UserError(
            f"config: detector.weights: {named} is missing. Put the file there, or name weights "
            "that ultralytics downloads, such as yolo11n.pt."
        )
    exported = settings["export"] == "openvino" and str(settings["device"]) == "cpu"
    if exported and weights.endswith(".pt"):
        stem = Path(weights).stem
        manifest = results / "models" / f"{stem}.openvino.json"
        return DetectorFiles(
            weights, [str(manifest)], str(results / "models" / f"{stem}_openvino_model")
        )
    return DetectorFiles(weights, [weights], weights)
