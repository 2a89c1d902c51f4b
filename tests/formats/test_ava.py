"""The AVA annotation files: written texts by hand, every rule a reader depends on, round trips."""

import pandas as pd
import pytest

import readers
from avaflow.errors import UserError
from avaflow.formats.ava import (
    Row,
    action_list_text,
    check_annotatable,
    csv_text,
    excluded_instants,
    excluded_text,
    included_text,
    label_map_text,
    read_action_list,
    read_csv,
    read_excluded,
    read_included,
    read_label_map,
    rows_of_labels,
    write_annotations,
    write_csv,
)
from avaflow.project.actions import Action

LEFT = (0.1, 0.2, 0.3, 0.4)
RIGHT = (0.55556, 0.2, 0.9, 1.0)
ACTIONS = [
    Action(1, "talk", "head", "PERSON_INTERACTION"),
    Action(2, "hand up", "limbs", "PERSON_MOVEMENT"),
]


def test_rows_are_sorted_and_fixed():
    rows = [
        Row("b", 902, LEFT, 1, 1),
        Row("a", 910, LEFT, 1, 1),
        Row("a", 902, RIGHT, 2, 7),
        Row("a", 902, LEFT, 2, 3),
        Row("a", 902, LEFT, 1, 3),
    ]
    assert csv_text(rows, 2, 900) == (
        "a,902,0.1000,0.2000,0.3000,0.4000,1,3\n"
        "a,902,0.1000,0.2000,0.3000,0.4000,2,3\n"
        "a,902,0.5556,0.2000,0.9000,1.0000,2,7\n"
        "a,910,0.1000,0.2000,0.3000,0.4000,1,1\n"
        "b,902,0.1000,0.2000,0.3000,0.4000,1,1\n"
    )


def test_second_plus_offset():
    labels = pd.DataFrame(
        {
            "second": [2],
            "person_id": [5],
            "x1": [0.1],
            "y1": [0.2],
            "x2": [0.3],
            "y2": [0.4],
            "action_id": [2],
        }
    )
    assert rows_of_labels("a", labels, 900) == [Row("a", 902, LEFT, 2, 5)]
    assert rows_of_labels("a", labels, 0) == [Row("a", 2, LEFT, 2, 5)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [Row("a", 904, LEFT, 1, 1), Row("a", 904, LEFT, 2, 8)],
            "clip a, second 4: persons 1, 8 have the same box",
        ),
        (
            # different floats, one text: PySlowFast would merge them
            [Row("a", 904, LEFT, 1, 1), Row("a", 904, (0.10001, 0.2, 0.3, 0.4), 2, 8)],
            "clip a, second 4: persons 1, 8 have the same box",
        ),
        (
            [Row("a", 904, LEFT, 1, 1), Row("a", 904, RIGHT, 2, 1)],
            "clip a, second 4: person 1 has 2 boxes",
        ),
        ([Row("a", 904, LEFT, 1, 1)] * 2, "clip a, second 4, person 1: action 1 is given twice"),
        ([Row("a", 904, LEFT, 0, 1)], "clip a, second 4, person 1: action id 0 is not in 1..2"),
        ([Row("a", 904, LEFT, 3, 1)], "action id 3 is not in 1..2"),
        ([Row("a", 904, LEFT, 1, -1)], "expected a person id from 1"),
        ([Row("a", 904, (0.1, 0.2, 1.0001, 0.4), 1, 1)], "not inside 0..1"),
        ([Row("a", 904, (0.1, float("nan"), 0.3, 0.4), 1, 1)], "not inside 0..1"),
        ([Row("a", 904, (0.1, 0.2, 0.10004, 0.4), 1, 1)], "has no area"),
    ],
)
def test_rows_that_readers_misread_are_refused(rows, said):
    with pytest.raises(UserError, match="finished projects") as error:
        csv_text(rows, 2, 900)
    assert said in str(error.value)


def test_many_problems_are_cut_short():
    rows = [Row("a", 900 + second, LEFT, 0, 1) for second in range(30)]
    with pytest.raises(UserError, match="and 10 more"):
        csv_text(rows, 2, 900)


def test_round_trip_is_what_the_evaluator_reads(tmp_path):
    rows = [Row("a", 902, LEFT, 1, 3), Row("a", 902, LEFT, 2, 3), Row("b", 910, RIGHT, 2, 1)]
    path = tmp_path / "train.csv"
    write_csv(path, rows, 2, 900)
    assert path.read_bytes().count(b"\r") == 0
    back = read_csv(path)
    assert back[:2] == rows[:2]
    assert back[2] == Row("b", 910, (0.5556, 0.2, 0.9, 1.0), 2, 1)
    assert readers.evaluator_truth(path, {1, 2}) == {
        "a,0902": [(1, LEFT), (2, LEFT)],
        "b,0910": [(2, (0.5556, 0.2, 0.9, 1.0))],
    }


@pytest.mark.parametrize(
    "line",
    [
        "a,902.0,0.1,0.2,0.3,0.4,1,1",
        "a,902,0.1,0.2,0.3,0.4,1",
        "a,902,0.1,0.2,0.3,0.4,1,x",
        "",
    ],
)
def test_other_rows_are_refused_with_their_line(tmp_path, line):
    path = tmp_path / "val.csv"
    path.write_text(f"a,902,0.1,0.2,0.3,0.4,1,1\n{line}\n")
    with pytest.raises(UserError, match="line 2: expected id,timestamp"):
        read_csv(path)


def test_a_byte_order_mark_is_refused(tmp_path):
    path = tmp_path / "val.csv"
    path.write_text("\ufeffa,902,0.1,0.2,0.3,0.4,1,1\n", encoding="utf-8")
    with pytest.raises(UserError, match="byte order mark"):
        read_csv(path)


def test_an_empty_csv_is_never_written(tmp_path):
    with pytest.raises(UserError, match="empty csv crashes every reader"):
        write_csv(tmp_path / "val.csv", [], 2, 900)
    assert not (tmp_path / "val.csv").exists()


def test_excluded_seconds_are_those_nobody_ticked(tmp_path):
    rows = [Row("a", 902, LEFT, 1, 3), Row("a", 904, LEFT, 1, 3)]
    found = excluded_instants(rows, {"b": [902], "a": [902, 903, 904, 905]})
    assert excluded_text(found) == "a,0903\na,0905\nb,0902\n"
    path = tmp_path / "excluded.csv"
    path.write_text(excluded_text(found))
    assert read_excluded(path) == {("a", 903), ("a", 905), ("b", 902)}
    assert readers.evaluator_excluded(path) == {"a,0903", "a,0905", "b,0902"}
    assert excluded_text([]) == ""


def test_excluded_timestamps_are_padded_without_an_offset():
    assert excluded_text([("a", 2)]) == "a,0002\n"


def test_included_timestamps_are_the_sorted_union(tmp_path):
    text = included_text([904, 902, 903, 902, 1000])
    assert text == "0902\n0903\n0904\n1000\n"
    path = tmp_path / "included.txt"
    path.write_text(text)
    assert read_included(path) == [902, 903, 904, 1000]


def test_action_list_has_the_only_shape_all_read(tmp_path):
    text = action_list_text(ACTIONS)
    assert text == (
        'label {\n  name: "talk"\n  label_id: 1\n  label_type: PERSON_INTERACTION\n}\n'
        'label {\n  name: "hand up"\n  label_id: 2\n  label_type: PERSON_MOVEMENT\n}\n'
    )
    path = tmp_path / "action_list.pbtxt"
    path.write_text(text)
    assert readers.evaluator_classes(path) == {1: "talk", 2: "hand up"}
    back = read_action_list(path)
    assert [(each.id, each.name, each.label_type) for each in back] == [
        (1, "talk", "PERSON_INTERACTION"),
        (2, "hand up", "PERSON_MOVEMENT"),
    ]


def test_the_older_action_list_is_read_too(tmp_path):
    path = tmp_path / "old.pbtxt"
    path.write_text("item {\n  name: \"bow\"\n  id: 1\n}\nitem { name: 'sit'\n id: 2\n}\n")
    assert [(each.id, each.name) for each in read_action_list(path)] == [(1, "bow"), (2, "sit")]
    path.write_text("nothing")
    with pytest.raises(UserError, match="found none"):
        read_action_list(path)


def test_label_map_round_trip(tmp_path):
    assert label_map_text(ACTIONS) == "1: talk\n2: hand up\n"
    path = tmp_path / "label_map.txt"
    path.write_text(label_map_text(ACTIONS))
    assert read_label_map(path) == {1: "talk", 2: "hand up"}


def test_a_label_off_the_keyframes_is_refused():
    rows = [Row("a", 902, LEFT, 1, 3), Row("a", 909, LEFT, 1, 3)]
    with pytest.raises(UserError, match="clip a, second 9"):
        check_annotatable(rows, {"a": [902, 903]}, 900)


def test_splits_are_written_apart(tmp_path):
    paths = {
        split: (tmp_path / f"{split}.csv", tmp_path / f"{split}_excluded.csv")
        for split in ("train", "val")
    }
    splits = {"a": "train", "b": "val", "c": "val"}
    annotatable = {clip: [902, 903] for clip in splits}
    rows = [Row("a", 902, LEFT, 1, 1), Row("b", 903, RIGHT, 2, 1)]
    write_annotations(paths, splits, rows, annotatable, 2, 900)
    assert [row.clip for row in read_csv(paths["train"][0])] == ["a"]
    assert [row.clip for row in read_csv(paths["val"][0])] == ["b"]
    assert paths["train"][1].read_text() == "a,0903\n"
    assert paths["val"][1].read_text() == "b,0902\nc,0902\nc,0903\n"


def test_a_split_without_a_tick_is_named(tmp_path):
    paths = {"val": (tmp_path / "val.csv", tmp_path / "val_excluded.csv")}
    with pytest.raises(UserError, match=r"split val: none of its finished clips \(b, c\)"):
        write_annotations(paths, {"b": "val", "c": "val"}, [], {"c": [902], "b": [902]}, 2, 900)


def test_the_evaluator_gives_truth_a_perfect_score_only_while_rows_are_unique():
    box = LEFT
    truth = {"a,0902": [(1, box), (2, box)], "a,0903": [(1, RIGHT)]}
    assert readers.mean_average_precision(truth, truth, [1, 2]) == 1.0
    # an excluded second that is also in the csv stays in the denominator
    assert readers.mean_average_precision(truth, truth, [1, 2], {"a,0903"}) == 0.75
