"""A batch of Kinetics videos: resized one after the other, and what became of each."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from avaflow.bulk.batch import Limit, Task, provenance, run_tasks
from avaflow.bulk.journal import Journal
from avaflow.kinetics.manifest import GOOD, MANIFEST
from avaflow.kinetics.video import VERSION, resize

BOUND = (
    "short_side",
    "encoder",
    "preset",
    "crf",
    "audio",
    "already_sized",
    "shortest_seconds",
    "threads",
)
"""Settings that decide what a video becomes."""


def run_batch(
    rows: Sequence[Mapping[str, str]],
    videos: Path | None,
    journal: Journal,
    settings: Mapping,
    exe: str,
    log: Path,
    logger: logging.Logger,
) -> list[dict]:
    """Make the videos of a plan's rows that the journal does not know; rows of a manifest.

    `videos` is the folder that gets a folder per split, None to replace each video in its
    place. Raises UserError if more of a batch than `max_broken_share` cannot be used.
    """
    tasks: list[Task] = []
    missing: dict[str, dict] = {}
    if videos:
        for split in {row["split"] for row in rows if row["source"]}:
            (videos / split).mkdir(parents=True, exist_ok=True)
    for row in rows:
        key = _key(row)
        if not row["source"]:
            instead = f"only {row['instead']} is there" if row["instead"] else ""
            missing[key] = {"status": "missing", "reason": instead or "no file of this name"}
            continue
        made_from = provenance_of(row, settings, videos)
        folder = videos and videos / row["split"]
        source = row["source"]
        place = source, folder, row["name"]
        make = partial(resize, *place, settings, exe, log, journal, key, made_from)
        tasks.append(Task(key, made_from, source, make))
    limit = Limit(
        "videos of a batch of Kinetics",
        "kinetics.max_broken_share",
        settings["max_broken_share"],
        "Fix the videos or raise the limit; what was resized stays. All are in "
        f"{log.with_name(log.name.replace('.ffmpeg', ''))}",
    )
    done = missing | run_tasks(tasks, journal, GOOD, limit, logger, absent=missing)
    return [manifest_row(row, done[_key(row)]) for row in rows]


def provenance_of(row: Mapping[str, str], settings: Mapping, videos: Path | None) -> str:
    """What a result is made from: the source, the settings, the place.

    Results in place and in a folder are never taken for each other.
    """
    chosen = " ".join(str(settings[name]) for name in BOUND)
    return f"{provenance(row, VERSION, chosen)} > {videos or 'in place'}"


def manifest_row(row: Mapping[str, str], result: Mapping) -> dict:
    """A row of a manifest from one of the plan and what became of its video."""
    made = {name: result.get(name, "") for name in MANIFEST}
    made |= {name: row[name] for name in ("split", "name", "start", "end", "label", "source")}
    made["note"] = "; ".join(note for note in (row["note"], result.get("note")) if note)
    return made


def _key(row: Mapping[str, str]) -> str:
    """A video's key in the journal: rows with other labels of it share it."""
    return f"{row['split']}/{row['name']}"
