"""What most annotators agree on, worked out by hand."""

import pandas as pd

from avaflow.annotation.labels import Reading
from avaflow.annotation.page.majority import majority
from avaflow.tables import LABELS, NOTES, UNTICKED, Label, Unticked, empty_table, table_of

LEFT, RIGHT, NEAR_LEFT = (0.1, 0.2, 0.3, 0.9), (0.6, 0.2, 0.8, 0.9), (0.12, 0.2, 0.32, 0.9)
TALK, BOW, SIT = 1, 2, 4


def reading(*persons, unticked=()):
    """`persons` are second, id, box, actions."""
    labels = [Label(s, n, *box, action) for s, n, box, actions in persons for action in actions]
    judged = [Label(s, n, *box, 0) for s, n, box, _ in persons]
    silent = {s for s, *_ in persons} - {row.second for row in labels}
    return Reading(
        table_of(sorted(labels), Label) if labels else empty_table(LABELS),
        empty_table(NOTES),
        table_of([Unticked(s, *box) for s, box in unticked], Unticked)
        if unticked
        else empty_table(UNTICKED),
        sorted(silent),
        [],
        table_of(sorted(judged), Label) if judged else empty_table(LABELS),
    )


def ticks(result):
    return [(row.second, row.person_id, row.action_id) for row in result.labels.itertuples()]


def test_two_of_three_decide_and_the_first_ones_box_counts():
    result = majority(
        {
            "carl": reading((2, 1, LEFT, [SIT])),
            "anna": reading((2, 5, NEAR_LEFT, [TALK, SIT])),
            "ben": reading((2, 9, LEFT, [TALK])),
        }
    )
    assert ticks(result) == [(2, 5, TALK), (2, 5, SIT)]
    assert tuple(result.labels.iloc[0][["x1", "y1", "x2", "y2"]]) == NEAR_LEFT
    assert result.nobody == [] and result.unticked.empty


def test_half_is_no_majority():
    result = majority({"a": reading((2, 1, LEFT, [SIT, BOW])), "b": reading((2, 1, LEFT, [SIT]))})
    assert ticks(result) == [(2, 1, SIT)]
    assert result.notes["note"].tolist() == ["1 of 2 annotators tick action 2: too few to count"]


def test_ticks_without_any_majority_leave_a_person_open():
    result = majority({"a": reading((2, 1, LEFT, [SIT])), "b": reading((2, 1, LEFT, [BOW]))})
    assert ticks(result) == [] and result.nobody == []
    assert [tuple(row) for row in result.unticked.itertuples(index=False)] == [(2, *LEFT)]


def test_most_who_say_that_nothing_is_done_are_believed():
    result = majority({name: reading((2, 1, LEFT, [])) for name in "abc"})
    assert result.nobody == [2] and result.unticked.empty and len(result.judged) == 1


def test_who_only_one_of_three_sees_is_nobody():
    rest = reading((2, 1, LEFT, [SIT]))
    result = majority(
        {"a": reading((2, 1, LEFT, [SIT]), (2, 2, RIGHT, [BOW])), "b": rest, "c": rest}
    )
    assert ticks(result) == [(2, 1, SIT)]
    assert result.unticked.empty


def test_who_most_see_and_few_judge_is_open():
    seen = reading(unticked=[(2, LEFT)])
    result = majority({"a": seen, "b": seen, "c": reading((2, 1, LEFT, [SIT]))})
    assert ticks(result) == []
    assert len(result.unticked) == 1


def test_numbers_are_the_first_ones_whatever_others_call_a_person():
    anna = reading((2, 1, LEFT, [SIT]), (2, 2, RIGHT, [BOW]), (3, 1, LEFT, [SIT]))
    ben = reading(
        (2, 2, LEFT, [SIT]), (2, 1, RIGHT, [BOW]), (3, 2, LEFT, [SIT]), (4, 2, LEFT, [SIT])
    )
    carl = reading((3, 7, LEFT, [SIT]), (4, 7, LEFT, [SIT]), (5, 1, RIGHT, [BOW]))
    dora = reading((4, 3, LEFT, [SIT]), (5, 3, RIGHT, [BOW]), (4, 4, RIGHT, []))
    result = majority({"anna": anna, "ben": ben, "carl": carl})
    assert ticks(result) == [(2, 1, SIT), (2, 2, BOW), (3, 1, SIT), (4, 1, SIT)]
    # Second 5 is carl's and dora's alone; carl's person 1 is nobody whom anna knows.
    result = majority({"anna": anna, "carl": carl, "dora": dora})
    assert ticks(result) == [(3, 1, SIT), (4, 1, SIT), (5, 8, BOW)]


def test_a_person_has_one_number_once_on_a_keyframe():
    many = {
        name: reading((2, 1, LEFT, [SIT]), (2, 2, RIGHT, [SIT]), (3, 2, LEFT, [SIT]))
        for name in "ab"
    }
    result = majority(many)
    assert not result.labels.duplicated(["second", "person_id", "action_id"]).any()
    pd.testing.assert_frame_equal(result.labels, many["a"].labels)


def test_one_annotator_is_most():
    only = reading((2, 1, LEFT, [SIT]))
    assert majority({"a": only}) is only
