"""A batch of Kinetics videos: resized one after the other, and what became of each."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from avaflow.bulk.journal import Journal
from avaflow.errors import BadVideo, UserError
from avaflow.kinetics.manifest import BAD, MANIFEST
from avaflow.kinetics.video import VERSION, resize

FEWEST_JUDGED = 20
"""A batch with fewer videos is not judged by its share of broken ones; the lists still are."""

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
    done: dict[str, dict] = {}
    for row in rows:
        key = f"{row['split']}/{row['name']}"
        if key in done:
            continue  # a second label of the same video
        if not row["source"]:
            instead = f"only {row['instead']} is there" if row["instead"] else ""
            done[key] = {"status": "missing", "reason": instead or "no file of this name"}
            continue
        provenance = provenance_of(row, settings, videos)
        known = journal.known(key, provenance)
        if known is None:
            folder = videos and videos / row["split"]
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
            try:
                known = resize(
                    row["source"], folder, row["name"], settings, exe, log, journal, key, provenance
                )
            except BadVideo as error:
                known = {"status": error.status, "reason": error.reason}
                journal.add(key, provenance, "", None, known)
                logger.info("%s: %s: %s", row["source"], error.status, error.reason)
        done[key] = known
    broken = [key for key, result in done.items() if result["status"] in BAD[1:]]
    present = [key for key, result in done.items() if result["status"] != "missing"]
    if len(present) >= FEWEST_JUDGED and len(broken) > settings["max_broken_share"] * len(present):
        raise UserError(
            f"{len(broken)} of {len(present)} videos of a batch of Kinetics cannot be used, more "
            f"than kinetics.max_broken_share ({settings['max_broken_share']:g}) allows. The first: "
            f"{broken[0]}: {done[broken[0]]['reason']}. Mend the videos or raise the limit; what "
            f"was resized stays. All are in {log.with_name(log.name.replace('.ffmpeg', ''))}"
        )
    journal.keep(done)
    return [manifest_row(row, done[f"{row['split']}/{row['name']}"]) for row in rows]


def provenance_of(row: Mapping[str, str], settings: Mapping, videos: Path | None) -> str:
    """What a result is made from: the source's size, date and path, the settings, the place.

    Results in place and in a folder are never taken for each other.
    """
    chosen = " ".join(str(settings[name]) for name in BOUND)
    place = videos or "in place"
    return f"{row['bytes']} {row['changed']} v{VERSION} {chosen} {row['source']} > {place}"


def manifest_row(row: Mapping[str, str], result: Mapping) -> dict:
    """A row of a manifest from one of the plan and what became of its video."""
    made = {name: result.get(name, "") for name in MANIFEST}
    made |= {name: row[name] for name in ("split", "name", "start", "end", "label", "source")}
    made["note"] = "; ".join(note for note in (row["note"], result.get("note")) if note)
    return made
