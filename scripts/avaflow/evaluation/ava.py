"""AVA's frame mAP: average precision of each action at an IoU of 0.5, and their mean.

The rules are those of the official `ava_evaluation` (ActivityNet), which mmaction2, PySlowFast
and AlphAction carry, restated for whole tables:

* rows of actions that the list does not hold are left out, and so are excluded keyframes;
* a detection belongs to the annotated box that it overlaps most, whatever else overlaps it; of
  several detections of one box the best scored one counts, the others are wrong;
* the area under the curve of precision over recall, precision made falling first, is the average
  precision of an action; actions without an annotated box have none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avaflow.boxes import iou_of_pairs
from avaflow.tables import BOX

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and not needed to plan a run

SAME_PERSON_IOU = 0.5
"""From this overlap on a detection may be right; the official evaluator's only threshold."""

MOST_PAIRS = 2_000_000
"""Pairs of boxes compared at a time: 200 MB of arrays."""


@dataclass(frozen=True)
class Judgement:
    """How detections do: average precision by action id, and annotated boxes by action id."""

    average_precision: dict[int, float]
    boxes: dict[int, int]

    @property
    def mean(self) -> float:
        """The mAP: the mean over actions with an annotated box; nan where there is none."""
        found = list(self.average_precision.values())
        return float(np.mean(found)) if found else float("nan")


def judge(
    truth: pd.DataFrame,
    found: pd.DataFrame,
    actions: Collection[int],
    excluded: Collection[tuple[str, int]] = (),
    excluded_count: bool = False,
) -> Judgement:
    """Judge detections against annotated boxes.

    Both tables have a row per box and action, with `clip`, `timestamp`, `x1` to `y2` in 0..1 and
    `action_id`, `found` also a `score`. `excluded_count` keeps the annotated boxes of excluded
    keyframes in the number that can be found, as mmaction2's evaluator does.
    """
    truth, found = _of_actions(truth, actions), _of_actions(found, actions)
    counted = truth
    if excluded:
        truth, found = _without(truth, excluded), _without(found, excluded)
    counted = counted if excluded_count else truth
    # Boxes without area are dropped by the official evaluator where they are detected.
    found = found[(found["x2"] > found["x1"]) & (found["y2"] > found["y1"])]
    totals = Counter(counted["action_id"].tolist())
    right = _right(truth, found)
    scores = found["score"].to_numpy(float)
    of_action = found["action_id"].to_numpy()
    precision = {}
    for action in sorted(totals):
        own = of_action == action
        precision[int(action)] = average_precision(scores[own], right[own], totals[action])
    return Judgement(precision, {int(action): int(total) for action, total in totals.items()})


def average_precision(scores: np.ndarray, right: np.ndarray, total: int) -> float:
    """The area under precision over recall of detections, of which `right` are right.

    >>> average_precision(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]), total=2)
    0.8333333333333333
    """
    if not len(scores):
        return 0.0
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    precision = hits / np.arange(1, len(hits) + 1)
    recall = hits / total
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(np.concatenate([[0.0], recall]))
    return float(np.sum(steps * falling))


def recall(persons: pd.DataFrame, proposed: pd.DataFrame) -> float:
    """The share of annotated persons whom some proposal overlaps by half; nan without any.

    Both tables have `clip`, `timestamp` and a box a row; of `persons` each box counts once.
    """
    once = persons.drop_duplicates(["clip", "timestamp", *BOX])
    if once.empty:
        return float("nan")
    best = np.zeros(len(once))
    for left, _, overlap in _pairs(once, proposed, ["clip", "timestamp"]):
        np.maximum.at(best, left, overlap)
    return float((best >= SAME_PERSON_IOU).mean())


def _of_actions(table: pd.DataFrame, actions: Collection[int]) -> pd.DataFrame:
    return table[table["action_id"].isin(list(actions))].reset_index(drop=True)


def _without(table: pd.DataFrame, excluded: Collection[tuple[str, int]]) -> pd.DataFrame:
    import pandas as pd

    gone = pd.DataFrame(sorted(excluded), columns=["clip", "timestamp"])
    merged = table[["clip", "timestamp"]].astype({"clip": str})
    merged = merged.merge(gone, how="left", on=["clip", "timestamp"], indicator=True)
    return table[(merged["_merge"] == "left_only").to_numpy()].reset_index(drop=True)


def _right(truth: pd.DataFrame, found: pd.DataFrame) -> np.ndarray:
    """Whether each detection is right."""
    best = np.full(len(found), -1.0)
    chosen = np.full(len(found), -1)
    for right, left, overlap in _pairs(found, truth, ["clip", "timestamp", "action_id"]):
        # Pairs come by detection, and for each by annotated box: of equals the first one counts.
        order = np.lexsort((left, -overlap, right))
        first = order[np.concatenate([[True], np.diff(right[order]) > 0])]
        best[right[first]], chosen[right[first]] = overlap[first], left[first]
    scores = found["score"].to_numpy(float)
    able = np.flatnonzero(best >= SAME_PERSON_IOU)
    able = able[np.argsort(-scores[able], kind="stable")]
    _, firsts = np.unique(chosen[able], return_index=True)
    right_ones = np.zeros(len(found), bool)
    right_ones[able[firsts]] = True
    return right_ones


def _pairs(left: pd.DataFrame, right: pd.DataFrame, keys: list[str]):
    """Positions and IoU of all pairs of boxes with equal keys, in portions of whole `left` rows."""
    import pandas as pd

    both = pd.concat([left[keys].astype({"clip": str}), right[keys].astype({"clip": str})])
    codes = both.groupby(keys, sort=False).ngroup().to_numpy()
    ours, theirs = codes[: len(left)], codes[len(left) :]
    order = np.argsort(theirs, kind="stable")
    first = np.searchsorted(theirs[order], ours, "left")
    counts = np.searchsorted(theirs[order], ours, "right") - first
    boxes, others = left[BOX].to_numpy(float), right[BOX].to_numpy(float)
    upto = np.cumsum(counts)
    begin = 0
    while begin < len(left):
        done = upto[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(upto, done + MOST_PAIRS, "right")))
        own = counts[begin:end]
        total = int(own.sum())
        if total:
            left_at = np.repeat(np.arange(begin, end), own)
            within = np.arange(total) - np.repeat(np.cumsum(own) - own, own)
            right_at = order[np.repeat(first[begin:end], own) + within]
            yield left_at, right_at, iou_of_pairs(boxes[left_at], others[right_at])
        begin = end
