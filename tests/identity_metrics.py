"""IDF1: how much of the truth's identities a tracker's ids get right.

Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera
Tracking" (2016): each true identity is given to at most one predicted id over the whole
clip, so that as many boxes as possible agree; IDF1 = 2 IDTP / (true boxes + predicted).
"""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from avaflow.boxes import iou_matrix
from avaflow.tables import BOX


def identity_counts(
    truth: pd.DataFrame, predicted: pd.DataFrame, least_iou: float = 0.5
) -> tuple[int, int, int]:
    """Boxes with the right identity, of the truth, and predicted: (IDTP, truth, predicted).

    Both tables have the columns `frame`, `person_id` and the box columns of one clip, and no
    person id twice on a frame. A pair of boxes agrees from an IoU of `least_iou`.
    """
    true_ids = {name: index for index, name in enumerate(sorted(set(truth["person_id"])))}
    ids = {name: index for index, name in enumerate(sorted(set(predicted["person_id"])))}
    agreeing = np.zeros((len(true_ids), len(ids)), int)
    by_frame = dict(iter(predicted.groupby("frame")))
    for frame, expected in truth.groupby("frame"):
        if frame not in by_frame:
            continue
        found = by_frame[frame]
        overlap = iou_matrix(expected[BOX].to_numpy(), found[BOX].to_numpy())
        for row, column in np.argwhere(overlap >= least_iou):
            true_id, an_id = expected["person_id"].iloc[row], found["person_id"].iloc[column]
            agreeing[true_ids[true_id], ids[an_id]] += 1
    rows, columns = linear_sum_assignment(agreeing, maximize=True)
    return int(agreeing[rows, columns].sum()), len(truth), len(predicted)


def idf1(truth: pd.DataFrame, predicted: pd.DataFrame, least_iou: float = 0.5) -> float:
    """IDF1 in 0..1 of one clip; 1.0 where both tables are empty."""
    right, true_boxes, predicted_boxes = identity_counts(truth, predicted, least_iou)
    total = true_boxes + predicted_boxes
    return 2 * right / total if total else 1.0
