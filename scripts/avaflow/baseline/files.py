"""Predictions in AVA's form, as the official evaluators read them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from avaflow.formats.ava import DECIMALS
from avaflow.tables import BOX


def predictions_text(boxes: pd.DataFrame, scores: np.ndarray, offset: int) -> str:
    """A row for each of these boxes and each action, without a header.

    `boxes` has clip, second and x1 to y2, `scores` is (N, actions), 0 to 1. Rows are clip,
    timestamp, x1, y1, x2, y2, action id, score.

    >>> boxes = pd.DataFrame([("c-1", 2, 0.1, 0.2, 0.5, 0.9)], columns=["clip", "second", *BOX])
    >>> print(predictions_text(boxes, np.array([[0.25, 0.5]]), offset=900), end="")
    c-1,902,0.100000,0.200000,0.500000,0.900000,1,0.250000
    c-1,902,0.100000,0.200000,0.500000,0.900000,2,0.500000
    """
    form = ",".join([f"%.{DECIMALS}f"] * 4)
    heads = [
        f"{clip},{second + offset},{form % tuple(box)}"
        for clip, second, box in zip(
            boxes["clip"].tolist(),
            boxes["second"].tolist(),
            boxes[BOX].to_numpy(float).tolist(),
            strict=True,
        )
    ]
    return "".join(
        f"{head},{action},{score:.{DECIMALS}f}\n"
        for head, own in zip(heads, scores.tolist(), strict=True)
        for action, score in enumerate(own, start=1)
    )
