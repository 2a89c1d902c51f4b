"""A dataset's own manifest held against its files."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from avaflow.doctor.findings import Findings
from avaflow.doctor.layout import VIDEOS, Layout
from avaflow.doctor.texts import Unreadable
from avaflow.errors import UserError
from avaflow.files import sha256
from avaflow.publishing.manifest import FileEntry, read_manifest

BY_SIZE = {*VIDEOS, ".tar"}
"""What is large is held against its size alone: a copy that was cut short is another size."""


def check_manifest(path: Path, layout: Layout, findings: Findings) -> None:
    """A finding for each file that is gone, or is not what the manifest says."""
    try:
        _, files = read_manifest(path)
    except UserError as error:
        raise Unreadable("F09", str(error)) from None
    for entry in files:
        name = f"{layout.name(path)}: {entry.path}"
        if PurePosixPath(entry.path).is_absolute() or ".." in PurePosixPath(entry.path).parts:
            findings.add("F06", layout.name(path), f"it lists {entry.path}")
            continue
        told = _difference(path.parent / entry.path, entry)
        if told:
            findings.add("F10", layout.name(path), f"{name.split(': ', 1)[1]}: {told}")


def _difference(path: Path, entry: FileEntry) -> str:
    """How a file differs from its entry; empty where it does not."""
    if not path.is_file():
        return "not there"
    size = path.stat().st_size
    if size != entry.bytes:
        return f"{size} bytes, expected {entry.bytes}"
    if path.suffix.lower() not in BY_SIZE and sha256(path) != entry.sha256:
        return "another content"
    return ""
