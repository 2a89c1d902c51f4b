"""The annotation files that the server reads and saves: whole, by version, never another's.

A file's version is a checksum of its content. A save says on which version it is built; where
the file is another by now, nothing is written.
"""

import errno
import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any, NamedTuple

from avaflow.annotation.page.model import FORMAT
from avaflow.errors import UserError
from avaflow.files import free_bytes, write_bytes

ABSENT = ""
"""The version of a file that is not there."""


class Refused(Exception):
    """A save or a read that does not happen: an HTTP status, and a sentence for the annotator."""

    def __init__(self, status: int, message: str, **facts: str):
        super().__init__(message)
        self.status = status
        self.facts = {"error": message, **facts}


class Saved(NamedTuple):
    """The content of an annotation file, and its version."""

    content: bytes
    version: str


def version_of(content: bytes) -> str:
    """The version of a file with this content: 32 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:32]


class Saves:
    """The annotations folder, as far as the page's files go.

    It may be a symbolic link itself; a file in it that leads elsewhere is not touched.
    """

    def __init__(self, folder: str | Path, largest_bytes: int):
        self.folder = Path(folder)
        self.largest_bytes = largest_bytes
        self._lock = threading.Lock()

    def path(self, clip: str, annotator: str) -> Path:
        """Where an annotator's file of a clip lies; without a name, the clip's own file."""
        return self.folder / (f"{clip}.{annotator}.json" if annotator else f"{clip}.json")

    def read(self, clip: str, annotator: str) -> Saved | None:
        """The file as it is; None where there is none. Refused unless it is one of the page's."""
        path = self.path(clip, annotator)
        content = self._content(path)
        if content is None:
            return None
        check_ours(path, content)
        return Saved(content, version_of(content))

    def save(self, clip: str, annotator: str, content: bytes, built_on: str | None) -> str:
        """Write a file, whole or not at all; returns its version.

        `built_on` is the version that the writer knows, :data:`ABSENT` for none, None where it
        knows nothing of the file.
        """
        check_content(content, clip, annotator)
        path = self.path(clip, annotator)
        # One at a time: between the look at the version and the write nobody else comes.
        with self._lock:
            there = self._content(path)
            version = ABSENT if there is None else version_of(there)
            if there is not None and built_on is None:
                check_ours(path, there)
                raise Refused(
                    428,
                    f"{path} is there already, and this window never read it. Nothing was "
                    "written: open the clip anew.",
                )
            if built_on is not None and built_on != version:
                raise Refused(
                    412,
                    f"{path} was changed by somebody else since this window read it. Nothing was "
                    "written: keep your work by its download, and open the clip anew.",
                    version=version,
                )
            try:
                write_bytes(path, content)
            except OSError as error:
                raise failed_write(path, error) from None
        return version_of(content)

    def _content(self, path: Path) -> bytes | None:
        if path.is_symlink() and not path.resolve().is_relative_to(self.folder.resolve()):
            raise Refused(
                403,
                f"{path} is a link that leads out of {self.folder}: it is neither read nor "
                "written. Put the file itself there.",
            )
        try:
            if path.stat().st_size > self.largest_bytes:
                raise Refused(
                    413,
                    f"{path} has more than {self.largest_bytes / 1e6:g} MB "
                    "(via.max_project_mb of the config).",
                )
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise Refused(500, f"{path} cannot be read ({error.strerror}).") from None


def failed_write(path: Path, error: OSError) -> Refused:
    """What to say where the system did not let a file be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Refused(
            507,
            f"{path}: the disk is full ({free_bytes(path) / 1e6:.0f} MB free). What was saved "
            "before is there as it was. Make room: your work stays in this browser until then.",
        )
    return Refused(
        500,
        f"{path} cannot be written ({error.strerror}). What was saved before is there as it was. "
        f"Give the user who runs the server the right to write into {path.parent}: your work "
        "stays in this browser until then.",
    )


def check_ours(path: Path, content: bytes) -> None:
    """Refused where a file is another's, such as a VIA project of that name."""
    entry = _loaded(content)
    if not isinstance(entry, dict) or entry.get("format") != FORMAT:
        raise Refused(
            422,
            f"{path} is there and no annotation of this page (a VIA project, perhaps). It is "
            "left as it is: move it elsewhere, and save again.",
        )


def check_content(content: bytes, clip: str, annotator: str) -> None:
    """Refused unless it is an annotation file of this clip, and of nobody else."""
    entry = _loaded(content)
    if not isinstance(entry, dict) or entry.get("format") != FORMAT:
        raise Refused(422, f'Expected a JSON object whose "format" is "{FORMAT}".')
    for name, expected in (("clip", clip), ("annotator", annotator)):
        found = entry.get(name)
        if found != expected:
            raise Refused(422, f'"{name}": expected {expected!r}, found {found!r:.80}.')
    if not isinstance(entry.get("persons"), list):
        raise Refused(422, '"persons": expected a list.')


def _loaded(content: bytes) -> Any:
    """The JSON of a file; None where it is none, or none that every program reads."""
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def check_folder(folder: str | Path) -> None:
    """UserError where annotations can be neither read nor written."""
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise UserError(f"{folder}: expected the folder of finished annotations, found a file.")
