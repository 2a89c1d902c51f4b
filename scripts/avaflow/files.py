"""Files and folders that appear whole or not at all.

Everything is written beside its target and renamed, so that a killed job or a full
disk never leaves half a file under a name that a later step trusts.
"""

import glob
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avaflow.errors import UserError


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the target's folder; on success it becomes the target.

    The temporary name keeps the target's suffix, because ffmpeg picks its container by it.
    On any exception the temporary file is removed and the target is left as it was.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _drop_leftovers(target.parent, target.stem, target.suffix)
    handle, name = tempfile.mkstemp(
        prefix=f".{target.stem}.", suffix=target.suffix, dir=target.parent
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield an empty temporary folder; on success it replaces the target folder."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _drop_leftovers(target.parent, target.name, "")
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        if target.is_symlink() or target.is_file():
            target.unlink()
        elif target.exists():
            shutil.rmtree(target)
        os.replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _drop_leftovers(folder: Path, stem: str, suffix: str) -> None:
    """Remove what killed jobs left beside their target: nobody else would."""
    # tempfile's random part has eight characters; a dot before it, which no stem of ours
    # has in that place, keeps `a` from matching what belongs to `a-b`.
    for path in folder.glob(f".{glob.escape(stem)}.????????{glob.escape(suffix)}"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text with LF line ends, whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write bytes, whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def link(target: str | Path, name: str | Path) -> None:
    """Make the symbolic link `name` point to `target`, by a path relative to the link.

    A relative link stays true when the whole results folder is moved or mounted elsewhere.
    """
    name = Path(name)
    name.parent.mkdir(parents=True, exist_ok=True)
    relative = os.path.relpath(Path(target).resolve(), name.parent.resolve())
    if name.is_symlink() or name.exists():
        if name.is_dir() and not name.is_symlink():
            shutil.rmtree(name)
        else:
            name.unlink()
    name.symlink_to(relative)


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's content, as 64 hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def state(path: str | Path) -> str:
    """A file's size in bytes and its date in seconds: what tells two versions apart cheaply."""
    found = os.stat(path)
    return f"{found.st_size} {int(found.st_mtime)}"


LEAST_BYTES = 1_000_000
"""With less, a disk counts as full: not even logs and Snakemake's own notes are sure of room."""


def check_room(path: str | Path) -> None:
    """UserError if the disk on which `path` lies, or will lie, has under :data:`LEAST_BYTES`."""
    if free_bytes(path) < LEAST_BYTES:
        raise UserError(disk_full_message(path))


def free_bytes(path: str | Path) -> int:
    """What is free on the disk on which `path` lies, or will lie; plenty if it does not say."""
    folder = Path(path)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    # Some network file systems give no figures at all, which reads as nought of nought.
    return usage.free if usage.total else sys.maxsize


def disk_full_message(path: str | Path) -> str:
    """The message for a full disk, with what is free where `path` lies."""
    free_mb = free_bytes(path) / 1e6
    return (
        f"{path}: the disk is full ({free_mb:.0f} MB free). Nothing half-written was kept. "
        "Make room, or point `results` in the config at a larger disk, and run again."
    )
