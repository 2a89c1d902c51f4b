"""Lists in messages: whole while they are short, counted where they are cut."""

import pytest

from avaflow.errors import UserError
from avaflow.listing import commas, first_lines, sentence


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, []),
        (2, ["line 1", "line 2"]),
        (3, ["line 1", "line 2", "and 1 more"]),
        (9, ["line 1", "line 2", "and 7 more"]),
    ],
)
def test_lines_are_cut_and_the_rest_is_counted(count, shown):
    assert first_lines([f"line {n}" for n in range(1, count + 1)], 2) == shown


def test_the_rest_can_say_where_it_stands():
    assert first_lines(["a", "b", "c"], 1, ": see the log") == ["a", "and 2 more: see the log"]


@pytest.mark.parametrize(
    ("items", "text"),
    [([], ""), ([7], "7"), ([7, 8], "7, 8"), ([7, 8, 9], "7, 8 and 1 more")],
)
def test_items_between_commas(items, text):
    assert commas(items, 2) == text


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ([], ""),
        ("a", "a"),
        ("ab", "a and b"),
        ("abc", "a, b and c"),
        ("abcd", "a, b and 2 more"),
    ],
)
def test_items_of_a_sentence(items, text):
    assert sentence(items, 3) == text


def test_an_error_lists_all_problems_unless_it_is_told_how_many():
    problems = [f"problem {n}" for n in range(1, 31)]
    assert str(UserError.listing("bad:", problems)).count("\n") == 30
    cut = str(UserError.listing("bad:", problems, 20)).splitlines()
    assert cut[0] == "bad:" and cut[20:] == ["  - problem 20", "  - and 10 more"]
