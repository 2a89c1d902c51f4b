"""Tables of thousands of clips read at once, a group of clips after the other.

A table a clip is quick to read and slow to parse: pandas needs a millisecond for each, however
short. So the texts of a group's tables are put together and parsed as one. A group at a time keeps
the memory of a large project within bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from avaflow.errors import UserError
from avaflow.tables import (
    DETECTIONS,
    KEYFRAMES,
    LABELS,
    NOTES,
    TRACKS,
    UNTICKED,
    read_rows,
    read_table,
)
from avaflow.times import frame_of_second

CLIPS_AT_ONCE = 200
"""So many clips are a group: their detections are some ten thousand rows, a few MB."""


@dataclass(frozen=True)
class Group:
    """The tables of some clips, each with the columns `clip` and `split` before its own.

    `on_keyframes` are the rows of `tracks` on keyframes, with their `second`. Labels, notes and
    unticked boxes are of finished clips.
    """

    keyframes: pd.DataFrame
    tracks: pd.DataFrame
    on_keyframes: pd.DataFrame
    detections: pd.DataFrame
    labels: pd.DataFrame
    notes: pd.DataFrame
    unticked: pd.DataFrame


def groups(
    results: str | Path,
    splits: Mapping[str, str],
    finished: Sequence[str],
    fps: int,
    size: int = CLIPS_AT_ONCE,
) -> Iterator[Group]:
    """The tables of all clips below the results folder, in the order of `splits`."""
    clips, done = list(splits), set(finished)
    for start in range(0, len(clips), size):
        yield _group(Path(results), clips[start : start + size], splits, done, fps)


def _group(
    results: Path, clips: Sequence[str], splits: Mapping[str, str], done: set[str], fps: int
) -> Group:
    labelled = [clip for clip in clips if clip in done]

    def tables(folder: str, names: Sequence[str], end: str, columns: Mapping[str, type]):
        paths = {clip: results / folder / f"{clip}{end}" for clip in names}
        table = read_tables(paths, columns)
        table.insert(1, "split", table["clip"].map(splits))
        return table

    keyframes = tables("keyframes", clips, ".csv", KEYFRAMES)
    tracks = tables("tracks", clips, ".csv", TRACKS)
    seconds = keyframes[["clip", "second"]].assign(
        frame=[frame_of_second(second, fps) for second in keyframes["second"]]
    )
    notes = [
        {"clip": clip, "split": splits[clip], **row}
        for clip in labelled
        for row in read_rows(results / "labels" / f"{clip}.notes.csv", NOTES)
    ]
    return Group(
        keyframes=keyframes,
        tracks=tracks,
        on_keyframes=tracks.merge(seconds, on=["clip", "frame"]),
        detections=tables("detections", clips, ".csv", DETECTIONS),
        labels=tables("labels", labelled, ".csv", LABELS),
        notes=pd.DataFrame(notes, columns=["clip", "split", *NOTES]),
        unticked=tables("labels", labelled, ".unticked.csv", UNTICKED),
    )


def read_tables(paths: Mapping[str, Path], columns: Mapping[str, type]) -> pd.DataFrame:
    """Tables of clips as one, with the clip in its first column.

    Only of tables without texts that a user writes, which may hold line ends. UserError for a
    file that is not such a table.
    """
    header = f"{','.join(columns)}\n"
    bodies, counts = [], []
    for path in paths.values():
        text = path.read_text(encoding="utf-8")
        if not text.startswith(header) or not text.endswith("\n"):
            read_table(path, dict(columns))
            raise UserError(f"{path}: this table cannot be read. Delete it and run again.")
        bodies.append(text[len(header) :])
        counts.append(bodies[-1].count("\n"))
    table = pd.read_csv(
        StringIO(header + "".join(bodies)), dtype=dict(columns), keep_default_na=False
    )
    if len(table) != sum(counts):
        raise UserError.listing(
            "these tables have lines without values. Delete what is not as it was made, and run "
            "again:",
            [str(path) for path in paths.values()],
        )
    if "clip" in table:
        return table[["clip", *(name for name in columns if name != "clip")]]
    table.insert(0, "clip", np.repeat(np.array(list(paths), dtype=object), counts))
    return table
