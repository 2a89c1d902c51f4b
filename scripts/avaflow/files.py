"""Files and folders that appear whole or not at all.

Everything is written beside its target and renamed, so that a killed job or a full
disk never leaves half a file under a name that a later step trusts.
"""

import glob
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
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
    beside = Path(name)
    try:
        yield beside
        beside.chmod(0o666 & ~_umask())
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Yield an empty temporary folder; on success it replaces the target folder."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _drop_leftovers(target.parent, target.name, "")
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield beside
        beside.chmod(0o777 & ~_umask())
        if target.is_symlink() or target.is_file():
            target.unlink()
        elif target.exists():
            shutil.rmtree(target)
        os.replace(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


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
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write bytes, whole or not at all."""
    with whole_file(path) as beside:
        beside.write_bytes(content)


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
