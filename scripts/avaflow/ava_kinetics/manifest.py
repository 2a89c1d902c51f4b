"""What became of every annotated second of AVA-Kinetics, and what readers get of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from avaflow.ava_kinetics.annotations import FPS, Box, Clip, clip_of_second
from avaflow.bulk.batch import Limit
from avaflow.formats.proposals import key_of, tidy
from avaflow.tables import BOX
from avaflow.times import Timestamp

MANIFEST = (
    "split",
    "youtube_id",
    "clip",
    "start",
    "end",
    "status",
    "reason",
    "seconds",
    "file",
    "duration",
    "frames",
    "pictures",
    "width",
    "height",
    "bytes",
    "sha256",
    "source",
    "note",
)
"""Columns of a batch's manifest. `frames` is what `start` and `end` promise, `pictures` how many
of them the video has; `duration` in seconds, sides in pixels. `end`, and the clip's id with it, is
earlier than planned where the video ends early, and `note` says so."""

STATUSES = ("cut", "contained", "missing", "not listed", "too short", "unreadable", "failed")
"""Of a row: cut, or why not. `failed` is a clip that decord could not decode as it should."""

BROKEN = STATUSES[4:]
"""Statuses of a video that is there and gave no clip."""

SUMMARY = ("split", "status", "videos")
"""Columns of the table that counts ranges by split and status."""

SECONDS = ("youtube_id", "second", "boxes", "clip", "reason")
"""Columns of the account of annotated seconds: the clip that shows it, or why none does."""


def cut_clips(rows: Sequence[Mapping[str, str]], split: str) -> list[Clip]:
    """The clips of a split that were cut, from rows of manifests."""
    return [
        Clip(
            row["clip"], row["youtube_id"], int(row["start"]), int(row["end"]), int(row["pictures"])
        )
        for row in rows
        if row["split"] == split and row["status"] == "cut"
    ]


def check_share(rows: Iterable[Mapping[str, str]], max_broken_share: float) -> None:
    """UserError if more of all clips that were tried could not be made than may."""
    tried = [row for row in rows if row["status"] in ("cut", *BROKEN)]
    broken = [f"{row['source']}: {row['reason']}" for row in tried if row["status"] in BROKEN]
    Limit(
        "clips of AVA-Kinetics",
        "ava_kinetics.max_broken_share",
        max_broken_share,
        "The manifests of the batches name all. Fix the videos or raise the limit; what was cut "
        "stays.",
    ).check(broken, len(tried))


def summary(rows: Iterable[Mapping[str, str]], splits: Sequence[str]) -> list[dict]:
    """Rows of :data:`SUMMARY`."""
    counts = Counter((row["split"], row["status"]) for row in rows)
    return [
        {"split": split, "status": status, "videos": counts[split, status]}
        for split in splits
        for status in STATUSES
        if counts[split, status]
    ]


def account(
    boxes: Iterable[Box], rows: Iterable[Mapping[str, str]], clips: Iterable[Clip]
) -> list[dict]:
    """Rows of :data:`SECONDS` for every annotated second of a split, sorted.

    `rows` are the manifests' rows of the split, `clips` those of them that were cut.
    """
    by_id: dict[str, list[Clip]] = {}
    for clip in clips:
        by_id.setdefault(clip.youtube_id, []).append(clip)
    why: dict[tuple[str, int], str] = {}
    # What is told last of a second is what stands in the way most closely.
    ordered = sorted(rows, key=lambda row: -_CLOSENESS[row["status"]])
    for row in ordered:
        reason = f"{row['status']}: {row['reason']}" if row["reason"] else row["status"]
        if row["status"] == "cut":
            reason = f"beyond the images of {row['clip']}"
        for text in row["seconds"].split():
            why[row["youtube_id"], int(text)] = reason
    counts = Counter((box.youtube_id, box.second) for box in boxes)
    made = []
    for (name, second), count in sorted(counts.items()):
        shown = clip_of_second(by_id.get(name, ()), second)
        reason = "" if shown else why.get((name, second), "")
        line = (name, second, count, shown.clip if shown else "", reason)
        made.append(dict(zip(SECONDS, line, strict=True)))
    return made


_CLOSENESS = {status: place for place, status in enumerate(("cut", *BROKEN))} | {
    "contained": 5,
    "missing": 6,
    "not listed": 7,
}


def looked_at(clip: Clip, seconds: Iterable[int]) -> list[int]:
    """The seconds of a clip that the detector sees: annotated ones and their two neighbours."""
    near = {second + step for second in seconds if clip.annotates(second) for step in (-1, 0, 1)}
    return sorted(second for second in near if clip.shows(second))


def build_proposals(
    clips: Sequence[Clip],
    seconds: Mapping[str, Sequence[int]],
    detections: Iterable,
    min_score: float,
) -> dict[str, np.ndarray]:
    """Proposals by `{youtube id},{second}`, as the reader looks them up.

    `seconds` are the annotated ones by clip, `detections` tables (`tables.DETECTIONS`). Only
    scores above `min_score` count. Where two clips show a second, it is the one whose csv
    rows name it.
    """
    chosen: dict[str, set[int]] = {clip.clip: set() for clip in clips}
    candidates: dict[tuple[str, int], list[Clip]] = {}
    for clip in clips:
        for second in looked_at(clip, seconds[clip.clip]):
            candidates.setdefault((clip.youtube_id, second), []).append(clip)
    for (_, second), several in candidates.items():
        clip = clip_of_second(several, second) or min(several)
        chosen[clip.clip].add(second)
    by_name = {clip.clip: clip for clip in clips}
    boxes: dict[str, list[np.ndarray]] = {}
    for table in detections:
        values = table[[*BOX, "score"]].to_numpy(float)
        for name, frame, value in zip(table["clip"], table["frame"], values, strict=True):
            seen = by_name.get(name)
            if seen is None or value[4] <= min_score:
                continue
            second = seen.start + (frame - 1) // FPS
            if second in chosen[name]:
                key = key_of(seen.youtube_id, Timestamp(second))
                boxes.setdefault(key, []).append(value)
    tidied = {key: tidy(np.array(found)) for key, found in sorted(boxes.items())}
    return {key: found for key, found in tidied.items() if len(found)}
