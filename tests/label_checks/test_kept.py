"""The ranked table, and the file of what was kept: written, read, and taken out of the list."""

import json

import pytest

from avaflow.errors import UserError
from avaflow.label_checks.kept import KeptFile, kept_path, kept_text, parse_kept, read_kept
from avaflow.label_checks.table import CHECKS, CheckRow, people
from avaflow.tables import read_table, table_of, write_table

ENTRY = {"key": "a" * 16, "clip": "c-1", "told": "tick, second 3"}


def test_rows_say_who_and_what(planted, tmp_path):
    _, rows = planted.left()
    assert [row.rank for row in rows] == list(range(1, len(rows) + 1))
    assert [row.score for row in rows] == sorted((row.score for row in rows), reverse=True)
    assert len({row.key for row in rows}) == len(rows)
    first = {(row.kind, row.clip): row for row in reversed(rows)}
    assert (
        first["shift", "c-02"].person_id == 0 and first["shift", "c-02"].predicted == "1 s earlier"
    )
    swap = first["swap", "c-05"]
    assert (swap.person_id, swap.other_person_id) == (1, 3) and swap.second >= 5
    second, person = planted.forgotten
    tick = first["tick", "c-01"]
    assert (tick.second, tick.person_id, tick.action) == (second, person, "talk")
    assert (tick.labelled, tick.predicted) == ("no talk", "talk") and 0.8 < tick.score <= 1
    path = tmp_path / "checks.csv"
    write_table(path, table_of(rows, CheckRow), CHECKS)
    assert len(read_table(path, CHECKS)) == len(rows)


def test_a_person_is_called_as_labels_call_them(planted):
    """Annotators correct numbers: here the person of track 2 is called 7 by the labels."""
    judged = dict(planted.acted.made.judged)
    labels = judged["c-00"].labels.copy()
    labels.loc[labels["person_id"] == 2, "person_id"] = 7
    judged["c-00"] = judged["c-00"]._replace(labels=labels)
    numbers = people(planted.persons, judged)
    assert [numbers["c-00", track] for track in (1, 2, 3)] == [1, 7, 3]
    # Nobody of c-00 is called by a number who has no label.
    judged["c-00"] = judged["c-00"]._replace(labels=labels.iloc[:0])
    assert people(planted.persons, judged)["c-00", 2] == 2


def test_what_is_kept_does_not_come_again_until_its_label_changes(planted):
    checks, rows = planted.left()
    kept = {rows[0].key: ENTRY | {"key": rows[0].key}}
    left, again = planted.left(kept)
    assert left == checks[1:] and [row.key for row in again] == [row.key for row in rows[1:]]
    assert again[0].rank == 1
    changed = {**vars(checks[0]), "labelled": "something else"}
    from avaflow.label_checks.check import Check
    from avaflow.label_checks.table import left_to_check

    assert left_to_check([Check(**changed)], planted.numbers, kept)[1][0].key != rows[0].key


def test_the_file_comes_back_as_it_was_written(tmp_path):
    kept = {"b" * 16: ENTRY | {"key": "b" * 16, "told": "»ä«"}, ENTRY["key"]: ENTRY}
    path = kept_path(tmp_path)
    path.write_text(kept_text(kept), encoding="utf-8")
    assert path.name == "label_checks.kept" and read_kept(path) == kept
    assert kept_text(read_kept(path)) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": "avaflow kept checks", "version": 2, "kept": []}']
    + ['{"format": "avaflow kept checks", "version": 1, "kept": [{"key": 3}]}'],
)
def test_another_file_is_refused(text):
    with pytest.raises(UserError, match="^kept: expected the checks that were kept"):
        parse_kept(text, "kept")


def test_the_server_takes_up_one_change_after_another(tmp_path):
    file = KeptFile(tmp_path / "annotations")
    other = ENTRY | {"key": "b" * 16}
    assert file.read() == {}
    assert len(file.change(json.dumps({"keep": [ENTRY], "drop": []}).encode())) == 1
    assert len(file.change(json.dumps({"keep": [other], "drop": []}).encode())) == 2
    assert file.change(json.dumps({"keep": [], "drop": [ENTRY["key"]]}).encode()) == {
        other["key"]: other
    }
    assert read_kept(file.path) == {other["key"]: other}
    for wrong in (b"", b"[]", b'{"keep": [{}], "drop": []}', b'{"keep": [], "drop": 3}'):
        with pytest.raises(UserError):
            file.change(wrong)
    assert read_kept(file.path) == {other["key"]: other}
