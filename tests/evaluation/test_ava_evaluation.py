"""The evaluation against values worked out by hand, and against the official loops restated."""

import math

import numpy as np
import pandas as pd
import pytest

from avaflow.evaluation import ava
from avaflow.evaluation.ava import average_precision, judge, recall

LEFT, RIGHT = (0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0)
COLUMNS = ["clip", "timestamp", "x1", "y1", "x2", "y2", "action_id"]


def truth_of(*rows):
    return pd.DataFrame([(c, t, *box, a) for c, t, box, a in rows], columns=COLUMNS)


def found_of(*rows):
    table = truth_of(*(row[:4] for row in rows))
    return table.assign(score=[row[4] for row in rows])


TRUTH = truth_of(("a", 902, LEFT, 1), ("a", 902, RIGHT, 1), ("a", 903, LEFT, 2))


def test_the_truth_against_itself_is_one():
    found = judge(TRUTH, TRUTH.assign(score=1.0), [1, 2, 3])
    assert found.average_precision == {1: 1.0, 2: 1.0} and found.mean == 1.0
    assert found.boxes == {1: 2, 2: 1}


def test_values_by_hand():
    # Action 1: right at .9, wrong at .8, right at .7: precision 1, 1/2, 2/3, made falling 1, 2/3,
    # 2/3, over recall 1/2, 1/2, 1: 1/2 + 2/3 / 2. Action 2: nothing found.
    found = found_of(("a", 902, LEFT, 1, 0.9), ("b", 902, LEFT, 1, 0.8), ("a", 902, RIGHT, 1, 0.7))
    assert judge(TRUTH, found, [1, 2]).average_precision == {
        1: pytest.approx(1 / 2 + 2 / 3 / 2),
        2: 0.0,
    }


def test_of_two_detections_of_one_person_the_better_scored_is_right():
    near = (0.0, 0.0, 0.49, 1.0)
    found = found_of(("a", 903, near, 2, 0.9), ("a", 903, LEFT, 2, 0.5))
    assert judge(TRUTH, found, [2]).average_precision == {2: 1.0}
    found = found_of(("a", 903, near, 2, 0.9), ("a", 903, LEFT, 2, 0.95), ("a", 9, LEFT, 2, 0.99))
    # Wrong, right, wrong.
    assert judge(TRUTH, found, [2]).average_precision == {2: 0.5}


def test_a_double_row_of_the_truth_costs_it_the_one():
    twice = pd.concat([TRUTH, TRUTH.iloc[:1]])
    found = judge(twice, twice.assign(score=1.0), [1, 2])
    # Three boxes, of the equal two only the first is ever found: right, right, wrong of three.
    assert found.average_precision == {1: pytest.approx(2 / 3), 2: 1.0}


def test_actions_that_the_list_lacks_do_not_count():
    found = judge(TRUTH, TRUTH.assign(score=1.0), [1])
    assert found.average_precision == {1: 1.0}
    assert math.isnan(judge(TRUTH, TRUTH.assign(score=1.0), [9]).mean)


def test_excluded_keyframes_count_in_the_denominator_of_mmaction2_only():
    excluded = {("a", 902)}
    assert judge(TRUTH, TRUTH.assign(score=1.0), [1, 2], excluded).average_precision == {2: 1.0}
    found = judge(TRUTH, TRUTH.assign(score=1.0), [1, 2], excluded, excluded_count=True)
    assert found.average_precision == {1: 0.0, 2: 1.0}


def test_an_iou_of_just_a_half_is_enough():
    half = (0.0, 0.0, 0.25, 1.0)
    assert judge(TRUTH, found_of(("a", 903, half, 2, 1.0)), [2]).mean == 1.0
    less = (0.0, 0.0, 0.249, 1.0)
    assert judge(TRUTH, found_of(("a", 903, less, 2, 1.0)), [2]).mean == 0.0


def test_nothing_to_score_is_zero():
    assert average_precision(np.zeros(0), np.zeros(0, bool), 3) == 0.0


def official(truth, found, actions):
    """The official evaluator's loops, a keyframe and an action at a time."""
    results = {}
    for action in actions:
        own = truth[truth.action_id == action]
        if own.empty:
            continue
        judged = []
        tried = found[found.action_id == action]
        for key, detections in tried.groupby(["clip", "timestamp"]):
            boxes = own[(own["clip"] == key[0]) & (own["timestamp"] == key[1])]
            boxes = boxes[["x1", "y1", "x2", "y2"]].to_numpy()
            taken = [False] * len(boxes)
            detections = detections.sort_values("score", ascending=False, kind="stable")
            for row in detections.itertuples():
                overlaps = [iou(box, (row.x1, row.y1, row.x2, row.y2)) for box in boxes]
                best = int(np.argmax(overlaps)) if overlaps else -1
                hit = best >= 0 and overlaps[best] >= 0.5 and not taken[best]
                if hit:
                    taken[best] = True
                judged.append((row.score, hit))
        judged.sort(key=lambda each: -each[0])
        hits, precision, recalls = 0, [], []
        for at, (_, hit) in enumerate(judged, start=1):
            hits += hit
            precision.append(hits / at)
            recalls.append(hits / len(own))
        area, before = 0.0, 0.0
        for at, value in enumerate(recalls):
            area += (value - before) * max(precision[at:])
            before = value
        results[action] = area
    return results


def iou(left, right):
    width = min(left[2], right[2]) - max(left[0], right[0])
    height = min(left[3], right[3]) - max(left[1], right[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (sum((b[2] - b[0]) * (b[3] - b[1]) for b in (left, right)) - shared)


@pytest.mark.parametrize("seed", range(6))
def test_as_the_official_loops(seed, monkeypatch):
    # Few pairs at a time, so that portions end within keyframes.
    monkeypatch.setattr(ava, "MOST_PAIRS", 7)
    chance = np.random.default_rng(seed)
    corners = chance.random((80, 2)) * 0.5
    boxes = np.column_stack([corners, corners + 0.2 + 0.3 * chance.random((80, 2))])
    truth = pd.DataFrame(boxes, columns=COLUMNS[2:6])
    truth["clip"] = chance.choice(["a", "b"], 80)
    truth["timestamp"], truth["action_id"] = chance.integers(1, 5, 80), chance.integers(1, 4, 80)
    found = truth.sample(frac=1, random_state=seed).iloc[:70].reset_index(drop=True)
    found[COLUMNS[2:6]] += chance.normal(0, 0.03, (70, 4))
    found["action_id"] = np.where(chance.random(70) < 0.2, 1, found["action_id"])
    found["score"] = chance.permutation(70) / 70
    expected = official(truth, found, [1, 2, 3])
    assert 0.05 < np.mean(list(expected.values())) < 0.999
    assert judge(truth, found, [1, 2, 3]).average_precision == pytest.approx(expected)


def test_recall_counts_each_person_once():
    persons = truth_of(("a", 902, LEFT, 1), ("a", 902, LEFT, 2), ("a", 902, RIGHT, 1))
    proposed = truth_of(("a", 902, LEFT, 0), ("a", 903, RIGHT, 0))
    assert recall(persons, proposed) == 0.5
