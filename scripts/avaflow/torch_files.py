"""Files of weights, looked into before torch opens them.

torch's files are zips. torch writes them unpacked, and unpacks whatever a stranger packed into
one, so that a small file may fill the memory or keep it busy for hours.
"""

import zipfile
from pathlib import Path

MOST_UNPACKED_BYTES = 4_000_000_000
"""The largest networks here have 0.25 GB of weights, and three times that with the state of
their training; detectors have less."""

MOST_PICKLE_BYTES = 64_000_000
"""Names, shapes and settings, without the numbers: 0.1 MB in published weights. They are read
by Python, at about a megabyte a second."""


def unpacking_problem(path: str | Path) -> str:
    """Why a torch file is not unpacked; empty where it may be, or is no zip at all."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, ValueError):
        return ""
    whole = sum(member.file_size for member in members)
    named = sum(member.file_size for member in members if member.filename.endswith(".pkl"))
    packed = f"a zip of {Path(path).stat().st_size / 1e6:.1f} MB"
    if whole > MOST_UNPACKED_BYTES:
        return (
            f"{packed} that unpacks to {whole / 1e6:.0f} MB, more than the "
            f"{MOST_UNPACKED_BYTES / 1e6:.0f} MB that weights may have"
        )
    if named > MOST_PICKLE_BYTES:
        return (
            f"{packed} whose list of weights unpacks to {named / 1e6:.0f} MB, more than the "
            f"{MOST_PICKLE_BYTES / 1e6:.0f} MB that one may have"
        )
    return ""
