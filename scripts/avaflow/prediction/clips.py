"""Predictions of the project's own clips: boxes of other programs, and the tracks they lie on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from avaflow.baseline.examples import NOWHERE, match
from avaflow.errors import UserError
from avaflow.manifests import ClipManifest
from avaflow.prediction.toolboxes import Found
from avaflow.preview.sights import UNKNOWN
from avaflow.tables import BOX
from avaflow.times import Second, frame_of_second


def check_rows(path: str | Path, rows: Sequence[Found], facts: ClipManifest, offset: int) -> None:
    """UserError for a timestamp at which the clip has no second: another offset, another clip."""
    last = offset + int(facts.frames / facts.fps)
    for row in rows:
        if not offset <= row.timestamp <= last:
            raise UserError(
                f"{path}: clip {row.clip} has timestamps {offset} to {last} "
                f"(timestamp_offset {offset}), found {row.timestamp}. Was the model run on an "
                "export of another timestamp_offset, or before the clip was cut anew?"
            )


def boxes_and_scores(
    rows: Sequence[Found], tracks: pd.DataFrame, actions: int, fps: int, offset: int
) -> tuple[pd.DataFrame, np.ndarray, int]:
    """Each box once with its person, scores of shape (N, actions), and how many rows are left out.

    Columns of the table are second, person_id and the box. Programs round boxes: the track that
    one overlaps by half says who it is, else nobody does. What has no row has the score nan. Rows
    of ids that are no action are left out: AlphAction writes 80 whatever a project has.
    """
    places: dict[tuple, int] = {}
    found: list[dict[int, float]] = []
    unknown = 0
    for row in sorted(rows, key=lambda one: (one.timestamp, one.box)):
        at = places.setdefault((row.timestamp, row.box), len(places))
        if at == len(found):
            found.append({})
        if 1 <= row.action_id <= actions:
            found[at][row.action_id] = max(row.score, found[at].get(row.action_id, 0.0))
        else:
            unknown += 1
    scores = np.full((len(found), actions), np.nan)
    for at, own in enumerate(found):
        for action, score in own.items():
            scores[at, action - 1] = score
    table = pd.DataFrame(
        [(timestamp - offset, UNKNOWN, *box) for timestamp, box in places],
        columns=["second", "person_id", *BOX],
    )
    for second, group in table.groupby("second"):
        here = tracks[tracks["frame"] == frame_of_second(Second(int(str(second))), fps)]
        matched = match(group[BOX].to_numpy(float), [UNKNOWN] * len(group), *_boxes(here))
        numbers = here["person_id"].to_numpy(int)
        who = [UNKNOWN if at == NOWHERE else int(numbers[at]) for at in matched]
        table.loc[group.index, "person_id"] = who
    return table, scores, unknown


def _boxes(tracks: pd.DataFrame) -> tuple[np.ndarray, list[int]]:
    return tracks[BOX].to_numpy(float), tracks["person_id"].tolist()
