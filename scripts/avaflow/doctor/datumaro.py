"""What Datumaro's `ava` importer finds beside the files that it is meant to find."""

from __future__ import annotations

import os
import re
from pathlib import Path

from avaflow.doctor.findings import Findings
from avaflow.doctor.layout import Layout
from avaflow.doctor.texts import read_bounded

_SUBSET = re.compile(r"^ava_(train|val|test|trainval|minitrain)(_predicted_boxes|_v\d.*)?\.csv$")
_KEYFRAME = re.compile(r"^([^,]+),(\d+),", re.MULTILINE)


def check_folder(layout: Layout, findings: Findings) -> None:
    """Csvs called `ava_*` in a folder `annotations`, and the images of their keyframes."""
    kinds = ("ava_csv", "excluded", "predicted_boxes", "included", "other", "unknown")
    for path in sorted(path for kind in kinds for path in layout.of(kind)):
        frames = path.parent.parent / "frames"
        named = path.name.startswith("ava_") and path.suffix == ".csv"
        if not named or path.parent.name != "annotations" or not frames.is_dir():
            continue
        if not _SUBSET.match(path.name):
            findings.add("D01", layout.name(path), path.stem)
        else:
            _check_images(path, frames, layout, findings)


def _check_images(path: Path, frames: Path, layout: Layout, findings: Findings) -> None:
    text = read_bounded(path).decode("utf-8", "replace")
    lines: dict[tuple[str, str], int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        match = _KEYFRAME.match(line)
        if match and not {"/", ".."} & set(match[1].split("/")):
            lines.setdefault((match[1], match[2]), number)
    gone = [
        (clip, timestamp, line)
        for (clip, timestamp), line in lines.items()
        if not os.path.exists(frames / clip / f"{clip}_{timestamp}.jpg")
    ]
    # Folders of all frames, as PySlowFast has them, bear the same name.
    if gone and len(gone) < len(lines):
        clip, timestamp, _ = gone[0]
        what = f"{layout.name(frames)}/{clip}/{clip}_{timestamp}.jpg"
        findings.add("D02", layout.name(path), what, [line for _, _, line in gone])
