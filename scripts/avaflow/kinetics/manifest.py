"""What became of every annotated video of Kinetics, and the lists made of that alone."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from avaflow.bulk.batch import Limit
from avaflow.project.clips import SPLITS

MANIFEST = (
    "split",
    "name",
    "start",
    "end",
    "label",
    "status",
    "reason",
    "file",
    "duration",
    "frames",
    "width",
    "height",
    "bytes",
    "sha256",
    "source",
    "note",
)
"""Columns of a batch's manifest and of the table of all videos. `status` is one of
:data:`GOOD` or :data:`BAD`; `duration` is in seconds, sides are in pixels."""


GOOD = ("resized", "linked", "copied", "kept")
"""Made anew; right already and linked, copied, or (in place) left as it was."""


BAD = ("missing", "unreadable", "too short")


SUMMARY = ("split", "status", "videos")
"""Columns of the table that counts videos by split and status."""


def counted(statuses: Sequence[str]) -> str:
    """`290 resized, 10 missing`, most first."""
    return ", ".join(
        f"{count} {status}"
        for status, count in sorted(Counter(statuses).items(), key=lambda pair: -pair[1])
    )


def check_share(rows: Sequence[Mapping[str, str]], max_broken_share: float) -> None:
    """UserError if more of all videos that are there cannot be used than may."""
    present = {f"{row['split']}/{row['name']}": row for row in rows if row["status"] != "missing"}
    broken = [
        f"{name}: {row['reason']}" for name, row in present.items() if row["status"] not in GOOD
    ]
    Limit(
        "videos of Kinetics",
        "kinetics.max_broken_share",
        max_broken_share,
        "The manifests of the batches name all. Fix the videos or raise the limit.",
    ).check(broken, len(present))


def summary(rows: Iterable[Mapping[str, str]]) -> list[dict]:
    """Rows of :data:`SUMMARY`; a video with two labels counts once."""
    videos = {(row["split"], row["name"]): row["status"] for row in rows}
    counts = Counter((split, status) for (split, _), status in videos.items())
    return [
        {"split": split, "status": status, "videos": counts[split, status]}
        for split in SPLITS
        for status in (*GOOD, *BAD)
        if counts[split, status]
    ]
