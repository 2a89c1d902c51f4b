"""The figures of the report page, worked out by hand on small tables."""

import math

import pandas as pd
import pytest

from avaflow.project.actions import Action
from avaflow.report.numbers import (
    MANY_BOXES,
    Range,
    Unmatched,
    balances,
    boxes_per_keyframe,
    identities,
    leaks,
    note_kinds,
    pairs_together,
    size_classes,
    split_sums,
    ticks_by_split,
    together,
    unmatched,
)
from avaflow.tables import BOX

ACTIONS = [Action(n, name, "body", "") for n, name in enumerate(["sit", "stand", "wave"], 1)]
LEFT, RIGHT = (0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0)


def labels(*rows):
    """Ticks as clip, split, second, person, action."""
    table = pd.DataFrame(rows, columns=["clip", "split", "second", "person_id", "action_id"])
    table[BOX] = LEFT
    return table


TICKED = labels(
    ("a", "train", 2, 1, 1),
    ("a", "train", 2, 1, 3),
    ("a", "train", 2, 2, 1),
    ("a", "train", 3, 1, 1),
    ("a", "train", 3, 1, 3),
    ("b", "val", 2, 1, 2),
    ("b", "val", 2, 1, 3),
)


def test_ticks_and_balance():
    ticks = ticks_by_split(TICKED, ACTIONS)
    assert ticks.to_dict("list") == {"train": [3, 0, 2], "val": [0, 1, 1], "test": [0, 0, 0]}
    train, val = balances(ticks, few=3)
    assert (train.split, train.ticks, train.commonest, train.rarest) == ("train", 5, 1, 3)
    assert train.ratio == 1.5 and train.never == [2] and train.few == {3: 2}
    # Of equals the first stands for all.
    assert (val.commonest, val.rarest, val.ratio, val.never) == (2, 2, 1.0, [1])


def test_actions_of_one_person_at_once():
    """Action 1 is ticked of three persons on keyframes, two of them have 3 as well; 2 and 3 meet
    once. Persons of one number in different clips are different persons."""
    matrix = together(TICKED, ACTIONS)
    assert matrix.to_numpy().tolist() == [[3, 0, 2], [0, 1, 1], [2, 1, 3]]
    first, second = pairs_together(matrix)
    assert first == (1, 3, 2, pytest.approx(2 / 3))
    assert second == (2, 3, 1, 1.0)
    assert together(TICKED.head(0), ACTIONS).to_numpy().sum() == 0


def tracks(*rows):
    return pd.DataFrame(rows, columns=["clip", "person_id", "frame"])


def test_lengths_and_gaps_of_identities():
    """At 30 frames a second and a look every 5: person 1 of `a` misses one look (frame 11) and
    later three (26, 31, 36), so 5 and 15 frames; person 2 is seen once; `b` has a person 1 too."""
    seen = [("a", 1, frame) for frame in (1, 6, 16, 21, 41)]
    rows = tracks(*seen, ("a", 2, 6), ("b", 1, 1), ("b", 1, 61))
    found = identities(rows, stride=5, fps=30).set_index(["clip", "person_id"])
    assert found["seconds"].to_dict() == {
        ("a", 1): pytest.approx(40 / 30),
        ("a", 2): 0.0,
        ("b", 1): 2.0,
    }
    assert found["gaps"].tolist() == [2, 0, 1]
    assert found["longest_gap_s"].tolist() == pytest.approx([0.5, 0.0, 55 / 30])


def test_own_tracks_tell_themselves_how_far_looks_are_apart():
    """Tracks of another tool hold every second frame of one clip, and every tenth of another."""
    rows = tracks(*[("a", 1, f) for f in (1, 3, 7)], *[("b", 1, f) for f in (1, 11)], ("c", 1, 4))
    found = identities(rows, stride=0, fps=10)
    assert found["gaps"].tolist() == [1, 0, 0]
    assert found["longest_gap_s"].tolist() == pytest.approx([0.2, 0.0, 0.0])
    assert identities(rows.head(0), 5, 30).empty


def test_persons_on_keyframes():
    """Of four keyframes one has two persons, one has a crowd, and two have nobody."""
    keyframes = pd.DataFrame({"clip": ["a", "a", "b", "b"], "second": [2, 3, 2, 3]})
    crowd = [("b", 2)] * (MANY_BOXES + 5)
    boxes = pd.DataFrame([("a", 2), ("a", 2), *crowd], columns=["clip", "second"])
    assert boxes_per_keyframe(boxes, keyframes) == {0: 2, 2: 1, MANY_BOXES: 1}


def test_sizes_are_those_of_pixels():
    """On 320 x 240 pixels: 32 x 24 is small, 64 x 48 medium, 160 x 120 large."""
    keyframes = pd.DataFrame({"clip": ["a"], "width": [320], "height": [240]})
    boxes = pd.DataFrame([(0, 0, side, side) for side in (0.1, 0.2, 0.5)], columns=BOX)
    sizes = size_classes(boxes.assign(clip="a"), keyframes)
    assert sizes == {"small": 1, "medium": 1, "large": 1}


def test_persons_that_only_one_of_annotator_and_tracker_has():
    """On second 2 the annotator has the left person, and so has the tracker; on second 3 the
    tracker has the right one, and on second 4 one who overlaps by a third only."""
    labelled = TICKED.iloc[[0, 1, 3]].copy()
    labelled.loc[len(TICKED)] = ["a", "train", 4, 1, 1, *LEFT]
    third = (0.0, 0.0, 0.5, 1 / 3)
    rows = [("a", "train", 2, *LEFT), ("a", "train", 3, *RIGHT), ("a", "train", 4, *third)]
    found = pd.DataFrame(
        [*rows, ("unfinished", "val", 2, *LEFT)], columns=["clip", "split", "second", *BOX]
    )
    assert unmatched(labelled, found) == {"train": Unmatched(3, 2, 2)}
    assert unmatched(labelled.head(0), found) == {}


def test_kinds_of_notes_end_at_the_colon():
    notes = pd.DataFrame(
        [
            ("train", "1 2 3 4", "too small: a slip of the mouse"),
            ("train", "5 6 7 8", "too small: another"),
            ("val", "1 2 3 4", "no action ticked"),
            ("val", "", "of the whole clip"),
        ],
        columns=["split", "box", "note"],
    )
    assert note_kinds(notes) == {("train", "too small"): 2, ("val", "no action ticked"): 1}


def test_leaks_are_told_from_overlaps():
    one = [
        Range("a", "train", "v.mp4", "v.mp4", 0.0, 10.0),
        Range("b", "val", "v.mp4", "link-to-v.mp4", 8.0, math.inf),
        Range("c", "train", "v.mp4", "v.mp4", 9.0, 12.0),
        Range("d", "train", "w.mp4", "w.mp4", 0.0, 10.0),
        Range("e", "test", "w.mp4", "w.mp4", 10.0, 20.0),
        Range("f", "train", "x.mp4", "x.mp4", 0.0, 10.0),
        Range("g", "train", "x.mp4", "x.mp4", 5.0, 15.0),
    ]
    overlapping, apart = leaks(one)
    assert overlapping.video == "v.mp4"
    # `a` and `c` overlap too, within train.
    assert overlapping.overlaps == [("a", "b", 2.0), ("b", "c", 3.0)]
    assert apart.video == "w.mp4" and apart.overlaps == []
    assert [clip.clip for clip in apart.clips] == ["d", "e"]


def test_sums_of_splits():
    rows = [
        ("a", "train", "finished", 6.5, 3, 2, 5, 4, 7),
        ("b", "val", "awaiting", 5, 2, 1, 2, 0, 0),
    ]
    columns = ["clip", "split", "state", "seconds", "keyframes", "persons", "keyframe_boxes"]
    table = pd.DataFrame(rows, columns=[*columns, "labelled_boxes", "ticks"])
    train, val, both = split_sums(table)
    assert (train["clips"], train["finished"], train["ticks"]) == (1, 1, 7)
    assert (val["finished"], val["keyframe_boxes"]) == (0, 2)
    assert both["split"] == "all" and both["seconds"] == 11.5 and both["keyframes"] == 5
    assert split_sums(table.head(0)) == []
