"""IDF1 on cases small enough to be worked out by hand."""

import pandas as pd
import pytest

from avaflow.tables import BOX
from identity_metrics import identity_counts, idf1

PLACES = {"left": (0.0, 0.0, 0.2, 0.5), "right": (0.7, 0.0, 0.9, 0.5), "middle": (0.4, 0, 0.6, 0.5)}


def boxes(*rows: tuple[int, int, str]) -> pd.DataFrame:
    """A table of (frame, person id, place)."""
    return pd.DataFrame(
        [(frame, person, *PLACES[place]) for frame, person, place in rows],
        columns=["frame", "person_id", *BOX],
    )


TRUTH = boxes(*[(f, 1, "left") for f in range(1, 5)], *[(f, 2, "right") for f in range(1, 5)])


def test_the_truth_scores_one_whatever_its_ids_are_called():
    renamed = TRUTH.assign(person_id=TRUTH["person_id"].map({1: 90, 2: 4}))
    assert identity_counts(TRUTH, renamed) == (8, 8, 8)
    assert idf1(TRUTH, renamed) == 1


def test_a_broken_track_counts_its_longest_part():
    # Person 1 is called 5 on three frames and 6 on one: 3 + 4 of 8 boxes are right.
    broken = boxes(
        *[(f, 5, "left") for f in (1, 2, 3)],
        (4, 6, "left"),
        *[(f, 2, "right") for f in range(1, 5)],
    )
    assert identity_counts(TRUTH, broken) == (7, 8, 8)
    assert idf1(TRUTH, broken) == pytest.approx(2 * 7 / 16)


def test_swapped_ids_count_half():
    swapped = boxes(
        *[(f, 1, "left") for f in (1, 2)],
        *[(f, 2, "left") for f in (3, 4)],
        *[(f, 2, "right") for f in (1, 2)],
        *[(f, 1, "right") for f in (3, 4)],
    )
    assert idf1(TRUTH, swapped) == pytest.approx(0.5)


def test_one_id_for_two_persons_serves_only_one_of_them():
    # Id 1 is on both persons in turn: two of its four boxes can be right.
    one_id = boxes((1, 1, "left"), (2, 1, "left"), (3, 1, "right"), (4, 1, "right"))
    assert identity_counts(TRUTH, one_id) == (2, 8, 4)
    assert idf1(TRUTH, one_id) == pytest.approx(2 * 2 / 12)


def test_the_assignment_is_the_best_over_all_not_the_greedy_one():
    # Overlaps: truth 1 with id 7 three times and id 8 twice, truth 2 with id 7 twice.
    # Greedy takes 1-7 and leaves truth 2 with nothing: 3. The best is 1-8 and 2-7: 4.
    truth = boxes(*[(f, 1, "left") for f in range(1, 6)], (6, 2, "left"), (7, 2, "left"))
    found = boxes(
        *[(f, 7, "left") for f in (1, 2, 3, 6, 7)],
        *[(f, 8, "left") for f in (4, 5)],
    )
    assert identity_counts(truth, found) == (4, 7, 7)


def test_boxes_elsewhere_and_missing_ones_cost():
    assert idf1(TRUTH, boxes((1, 1, "middle"), (2, 1, "middle"))) == 0
    assert idf1(TRUTH, boxes()) == 0
    assert idf1(boxes(), TRUTH) == 0
    assert idf1(boxes(), boxes()) == 1


def test_the_least_overlap_is_a_half():
    truth = boxes((1, 1, "left"))
    # A third of the width beyond: 2/3 of the box in common, 1/2 of the union.
    wider = truth.assign(x1=0.2 / 3 * 1, x2=0.2)
    assert idf1(truth, wider) == 1
    assert idf1(truth, truth.assign(x1=0.11)) == 0
