"""The table of predictions: a row for each person on a keyframe and each action, with its score.

Its first eight columns are AVA's form; the person and the action's name stand behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from avaflow.errors import UserError
from avaflow.files import atomic_file
from avaflow.tables import BOX, DECIMALS, columns_of
from avaflow.times import Timestamp

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and not needed to plan a run

ROWS_AT_ONCE = 200_000
"""Rows read or written at a time: about 100 MB."""


class Predicted(NamedTuple):
    """What a model says of one action of one person on one keyframe.

    `timestamp` is the second of the video and the config's `timestamp_offset`; the box is in
    0..1; `person_id` is that of the track, 0 for a box on which no track lies.
    """

    video: str
    timestamp: Timestamp
    x1: float
    y1: float
    x2: float
    y2: float
    action_id: int
    score: float
    person_id: int
    action: str


PREDICTIONS = columns_of(Predicted)


def write_predictions(
    path: str | Path,
    video: str,
    boxes: pd.DataFrame,
    scores: np.ndarray,
    names: Sequence[str],
    offset: int,
) -> None:
    """Write the scores of all boxes, whole or not at all.

    `boxes` has second, person_id and the box; `scores` is (N, actions), nan for what is not known,
    which has no row; `names` are those of actions by id from 1.
    """
    import pandas as pd

    order = np.lexsort((boxes["person_id"].to_numpy(), boxes["second"].to_numpy()))
    boxes, scores = boxes.iloc[order].reset_index(drop=True), scores[order]
    count = len(names)
    step = max(1, ROWS_AT_ONCE // max(1, count))
    with atomic_file(path) as beside, open(beside, "w", encoding="utf-8", newline="") as stream:
        stream.write(",".join(PREDICTIONS) + "\n")
        for begin in range(0, len(boxes), step):
            part, own = boxes.iloc[begin : begin + step], scores[begin : begin + step]
            repeated = part.loc[part.index.repeat(count)]
            table = pd.DataFrame(
                {
                    "video": video,
                    "timestamp": repeated["second"].to_numpy(int) + offset,
                    **{side: repeated[side].to_numpy(float) for side in BOX},
                    "action_id": np.tile(np.arange(1, count + 1), len(part)),
                    "score": own.ravel(),
                    "person_id": repeated["person_id"].to_numpy(int),
                    "action": np.tile(np.array(names, object), len(part)),
                }
            )
            table = table[~np.isnan(own.ravel())]
            stream.write(
                table.to_csv(
                    index=False,
                    header=False,
                    float_format=f"%.{DECIMALS}f",
                    lineterminator="\n",
                )
            )


def read_predictions(path: str | Path, least: float = 0.0) -> pd.DataFrame:
    """The rows of a table of predictions; those under `least` without their score and action.

    Of a person of whom nothing reaches `least`, one row stays, with the score nan: the person is
    there. Only so much is in memory. UserError for another table.
    """
    import pandas as pd

    with open(path, encoding="utf-8") as stream:
        header = stream.readline().rstrip("\n").split(",")
    if header != list(PREDICTIONS):
        raise UserError(
            f"{path}: expected the columns {', '.join(PREDICTIONS)}, found {', '.join(header)}. "
            "The file was changed by hand or cut short: delete it and run again."
        )
    who = ["timestamp", "person_id", *BOX]
    parts, persons = [], []
    try:
        kinds = {name: kind for name, kind in PREDICTIONS.items()}
        for part in pd.read_csv(
            path, dtype=kinds, keep_default_na=False, chunksize=ROWS_AT_ONCE, encoding="utf-8"
        ):
            parts.append(part[part["score"] >= least])
            persons.append(part.drop_duplicates(who))
    except ValueError as error:
        raise UserError(
            f"{path}: this table cannot be read ({error}). "
            "The file was changed by hand or cut short: delete it and run again."
        ) from error
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in PREDICTIONS.items()})
    kept = pd.concat(parts)
    everybody = pd.concat(persons).drop_duplicates(who)
    merged = everybody[who].merge(kept[who].drop_duplicates(), on=who, how="left", indicator=True)
    silent = everybody[(merged["_merge"] == "left_only").to_numpy()]
    silent = silent.assign(score=np.nan, action_id=0, action="")
    table = pd.concat([kept, silent]) if len(silent) else kept
    order = ["timestamp", "person_id", *BOX, "action_id"]
    return table.sort_values(order, kind="stable").reset_index(drop=True)
