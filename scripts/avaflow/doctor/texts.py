"""Reading a stranger's files: never more than a bound, and nothing that is no plain file."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MOST_BYTES = 2_000_000_000
"""Bytes of a table, a pickle or a JSON that is looked at; AVA's own largest file has 60 MB."""

MOST_CONFIG_BYTES = 2_000_000
"""Bytes of a config: those of toolboxes have a few thousand."""

MOST_MEMORY = 6_000_000_000
"""Bytes that the content of a pickle or a JSON may take while it is read."""


class Unreadable(Exception):
    """Why a file is not looked at, and by which code that is told."""

    def __init__(self, code: str, reason: str):
        super().__init__(reason)
        self.code = code


def read_bounded(path: Path, most: int = MOST_BYTES) -> bytes:
    """A file's bytes; Unreadable for a pipe, a device, or one of more than `most` bytes."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("F05", "not a plain file")
        if found.st_size > most:
            raise Unreadable("F05", f"{found.st_size / 1e6:.0f} MB, at most {most / 1e6:.0f}")
        with open(path, "rb") as stream:
            return stream.read(most)
    except OSError as error:
        raise Unreadable("F09", str(error.strerror)) from None


def head_of(path: Path, most: int = 4096) -> bytes:
    """A file's first bytes; none of what cannot be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return b""
        with open(path, "rb") as stream:
            return stream.read(most)
    except OSError:
        return b""


def text_of(path: Path, most: int = MOST_BYTES) -> str:
    """A file's text, without a byte order mark."""
    try:
        return read_bounded(path, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("F04", f"byte {error.start} is none of UTF-8") from None


def json_of(path: Path) -> object:
    """A file's JSON, within bounds."""
    text = text_of(path)
    try:
        with bounded_memory():
            return json.loads(text)
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unreadable("F09", f"no JSON ({type(error).__name__}: {error})") from None


def yaml_of(path: Path) -> dict:
    """A config in YAML, whose values are plain ones."""
    import yaml

    try:
        content = yaml.safe_load(text_of(path, MOST_CONFIG_BYTES))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Unreadable("F09", f"no YAML ({str(error).splitlines()[0]})") from None
    return content if isinstance(content, dict) else {}


@contextmanager
def bounded_memory(most: int = MOST_MEMORY) -> Iterator[None]:
    """Let the code inside take so many bytes more, then it gets a MemoryError.

    A few bytes of a pickle can ask for a memo of 60 GB. Where the system knows no such limit
    nothing is bounded.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        yield
        return
    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + most
    if before != resource.RLIM_INFINITY:
        limit = min(limit, before)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (before, hard))


def leaves(root: Path, path: str, start: Path | None = None) -> bool:
    """Whether a path that a file names leads out of `root`; relative ones begin at `start`."""
    if path.startswith(("/", "\\", "~")) or ":" in path.split("/")[0]:
        return True
    full = os.path.normpath(os.path.join(start or root, path))
    return os.path.relpath(full, root).split(os.sep)[0] == ".."
