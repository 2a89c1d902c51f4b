"""Folders of very many videos, each listed once: what lies there, with size and date.

One pass with `os.scandir` takes under a second for 100,000 files, where a question per
annotated video takes minutes on a network disk. Folders are flat or hold one folder per class.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from avaflow.errors import UserError

SUFFIXES = frozenset(
    (
        *(".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".flv", ".mpg"),
        *(".mpeg", ".ts", ".m2ts", ".wmv", ".asf", ".3gp", ".ogv"),
    )
)
"""Endings of names that stand for videos, in small letters."""


class Found(NamedTuple):
    """A file: its path, size in bytes, and date of change in nanoseconds since the epoch."""

    path: str
    size: int
    changed: int

    @property
    def folder(self) -> str:
        """Name of the folder it lies in."""
        return os.path.basename(os.path.dirname(self.path))


@dataclass
class Listing:
    """What a folder holds: videos by name without suffix, and paths of other files by stem."""

    videos: dict[str, list[Found]] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)


def list_videos(folder: str | Path, named: str) -> Listing:
    """The videos of a folder and of the folders right below it.

    `named` is what the config calls the folder. Hidden files are passed over. Raises
    UserError where the folder is missing or cannot be read.
    """
    listing = Listing()
    top = str(folder)
    if not os.path.isdir(top):
        found = "a file" if os.path.exists(top) else "nothing"
        raise UserError(
            f"config: {named}: expected the folder of the videos at {top}, found {found}. "
            "Correct the path, or leave it empty to leave these videos out."
        )
    try:
        below = _list_folder(top, listing)
        for name in sorted(below):
            _list_folder(os.path.join(top, name), listing)
    except PermissionError as error:
        raise UserError(
            f"config: {named}: the folder {error.filename} cannot be read: let this user read it"
        ) from error
    for several in listing.videos.values():
        several.sort()
    return listing


def _list_folder(folder: str, listing: Listing) -> list[str]:
    """Take up the files of one folder; returns the names of the folders in it."""
    below = []
    videos, others = listing.videos, listing.others
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name[0] == ".":
                continue
            if entry.is_dir():
                below.append(name)
                continue
            stem, suffix = os.path.splitext(name)
            try:
                stat = entry.stat()
            except OSError:
                others[name.split(".")[0]] = f"{entry.path}, a link to nothing,"
                continue
            if suffix.lower() in SUFFIXES:
                found = Found(entry.path, stat.st_size, stat.st_mtime_ns)
                videos.setdefault(stem, []).append(found)
            else:
                others[name.split(".")[0]] = entry.path
    return below


def listed_files(paths: list[str]) -> dict[str, Found]:
    """Those of many files that are there, by path; each of their folders is listed once."""
    wanted = set(paths)
    found = {}
    for folder in sorted({os.path.dirname(path) for path in wanted}):
        try:
            entries = list(os.scandir(folder or "."))
        except OSError:
            continue  # every file of it is missing, or out of this user's reach
        for entry in entries:
            path = os.path.join(folder, entry.name)
            if path not in wanted:
                continue
            try:
                stat = entry.stat()
            except OSError:
                continue  # a link to nothing
            found[path] = Found(path, stat.st_size, stat.st_mtime_ns)
    return found


def check_apart(folder: str | Path, made: Path, named: str) -> None:
    """UserError if a folder of originals is one that avaflow writes into, or lies in it.

    `named` is what the config calls the folder. Links are followed.
    """
    there, ours = os.path.realpath(folder), os.path.realpath(made)
    if there == ours or there.startswith(ours + os.sep):
        raise UserError(
            f"config: {named} is {folder}, which is where avaflow puts what it makes "
            f"({made}): originals would be overwritten. Give another `results`, or move them."
        )
