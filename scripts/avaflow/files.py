"""Files and folders that appear whole or not at all.

Everything is written beside its target and renamed, so that a killed job or a full
disk never leaves half a file under a name that a later step trusts.
"""

import errno
import glob
import hashlib
import os
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Collection, Iterator
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


SYMBOLIC = "symbolic"
LINKS = (SYMBOLIC, "hard", "copy")
"""How :func:`link` puts a file or folder in a second place."""

_links = SYMBOLIC


def use_links(kind: str) -> None:
    """Let :func:`link` make links of a kind from now on, one of :data:`LINKS`."""
    global _links
    if kind not in LINKS:
        raise ValueError(f"expected one of {', '.join(LINKS)}, found {kind!r}")
    _links = kind


def link(target: str | Path, name: str | Path, kind: str = "") -> None:
    """Put `target`, a file or a folder, at `name` too.

    A symbolic link is relative to its folder, and stays true when the whole results folder is
    moved or mounted elsewhere. Hard links and copies, for systems that allow no others (Windows)
    and for datasets that are sent elsewhere, are made of every file of a folder. `kind` is one of
    :data:`LINKS`, without it what :func:`use_links` was told. Raises OSError where the system
    makes no such link, as hard links from one disk to another.
    """
    name, kind = Path(name), kind or _links
    name.parent.mkdir(parents=True, exist_ok=True)
    if name.is_symlink() or name.exists():
        if name.is_dir() and not name.is_symlink():
            shutil.rmtree(name)
        else:
            name.unlink()
    if kind == SYMBOLIC:
        relative = os.path.relpath(Path(target).resolve(), name.parent.resolve())
        name.symlink_to(relative)
        return
    place = os.link if kind == "hard" else shutil.copy2
    if not os.path.isdir(target):
        place(os.path.realpath(target), name)
        return
    with atomic_folder(name) as temporary:
        for folder, _, files in os.walk(os.path.realpath(target)):
            inside = Path(temporary, os.path.relpath(folder, os.path.realpath(target)))
            inside.mkdir(exist_ok=True)
            for file in files:
                place(Path(folder, file), inside / file)


def unlink_others(folder: str | Path, names: Collection[str]) -> None:
    """Remove the links to folders in `folder` that are not among `names`, dangling ones too."""
    if os.path.isdir(folder):
        for entry in list(os.scandir(folder)):
            if entry.is_symlink() and not entry.is_file() and entry.name not in names:
                os.unlink(entry.path)


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's content, as 64 hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def quick_checksum(path: str | Path) -> str:
    """A checksum of a file's size and of 1 MiB at its head, middle and tail.

    It tells two versions of a long video apart without reading them whole; a file of up to
    3 MiB counts to the last byte.
    """
    size = os.path.getsize(path)
    digest = hashlib.sha256(f"{size}\n".encode())
    with open(path, "rb") as stream:
        if size <= 3 * QUICK_BYTES:
            digest.update(stream.read())
        else:
            for start in (0, (size - QUICK_BYTES) // 2, size - QUICK_BYTES):
                stream.seek(start)
                digest.update(stream.read(QUICK_BYTES))
    return digest.hexdigest()


LONGEST_NAME = 255
"""Bytes of a file's or a folder's name, on every file system in use."""

LONGEST_PATH = 4095
"""Bytes of a path, on Linux."""


def path_problem(path: str) -> str:
    """Why no file can have a path; empty where one can."""
    controls = sorted({letter for letter in path if unicodedata.category(letter) == "Cc"})
    if controls:
        return f"it holds the control character {controls[0]!r}, which no name should"
    longest = max(len(os.fsencode(name)) for name in path.split("/"))
    if longest > LONGEST_NAME:
        return f"a name in it has {longest} bytes, and file systems take {LONGEST_NAME}"
    if len(os.fsencode(path)) > LONGEST_PATH:
        return f"it has {len(os.fsencode(path))} bytes, and systems take {LONGEST_PATH}"
    return ""


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


QUICK_BYTES = 1 << 20
"""So much of a large file's head, middle and tail goes into its quick checksum."""

LEAST_BYTES = 1_000_000
"""With less, a disk counts as full: not even logs and Snakemake's own notes are sure of room."""


def check_room(path: str | Path) -> None:
    """UserError if the disk on which `path` lies, or will lie, has under :data:`LEAST_BYTES`."""
    if free_bytes(path) < LEAST_BYTES:
        raise UserError(disk_full_message(path))


UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)
"""What the system says where the user has no right to write, or nobody has."""


def check_writable(path: str | Path) -> None:
    """UserError if nothing can be written where `path` lies, or will lie."""
    folder = Path(path)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        # On Linux such a file has no name, so that nothing flickers up in the folder.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno not in UNWRITABLE and folder.is_dir():
            return  # what else may be wrong, such as a full disk, is told where it matters
        raise UserError(unwritable_message(path, error)) from None


def unwritable_message(path: str | Path, error: OSError) -> str:
    """The message for a place where nothing can be written."""
    return (
        f"{path}: nothing can be written there ({error.strerror}). Give the user who runs this the "
        "right to, or point `results` in the config at another folder, and run again."
    )


def no_access_message(error: OSError) -> str:
    """The message for a file or folder that a job may not read or write."""
    return (
        f"{error.filename}: it cannot be used ({error.strerror}). Give the user who runs this the "
        "right to read and write it, or point the config at another place, and run again."
    )


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
