"""Which of a clip's files counts: the page's, a VIA project, one annotator's, or most of them."""

import json

import pytest

from avaflow.annotation.finished import (
    annotator_of,
    find_annotators,
    find_finished,
    unusable_annotations,
    which_count,
)
from avaflow.errors import UserError
from avaflow.project.actions import attributes_from_config
from page_files import ATTRIBUTES, page_file, person

VIA = {"project": {}, "attribute": {}, "file": {}, "view": {}, "metadata": {}}


def put(folder, name, content):
    (folder / name).write_text(json.dumps(content))
    return str(folder / name)


def test_both_kinds_for_a_clip_are_an_error_until_somebody_chooses(tmp_path):
    page = put(tmp_path, "c-1.json", page_file([person(1)]))
    via = put(tmp_path, "c-1_finish.json", VIA)
    with pytest.raises(UserError) as caught:
        find_finished(tmp_path, {"c-1"})
    assert f"clip c-1: both {page} (saved by its page) and {via} (a VIA project) are there" in str(
        caught.value
    )
    assert "`annotate: {source: page}`" in str(caught.value)
    assert find_finished(tmp_path, {"c-1"}, source="page") == ({"c-1": page}, [])
    assert find_finished(tmp_path, {"c-1"}, source="via") == ({"c-1": via}, [])


@pytest.mark.parametrize("content", [page_file([person(1)]), VIA, {}])
def test_two_of_one_kind_stay_an_error_whatever_is_chosen(tmp_path, content):
    put(tmp_path, "c-1.json", content)
    put(tmp_path, "c-1_finish.json", content)
    with pytest.raises(UserError, match="are there: keep the one that counts$"):
        find_finished(tmp_path, {"c-1"}, source="page")


def test_files_of_annotators_are_found_and_are_no_strays(tmp_path):
    anna, ben = (put(tmp_path, f"c-1.{name}.json", {}) for name in ("anna", "ben"))
    own = put(tmp_path, "c-1.json", {})
    put(tmp_path, "c-9.anna.json", {})
    finished, (stray,) = find_finished(tmp_path, {"c-1", "c-2"})
    assert finished == {"c-1": own} and "c-9.anna.json: no clip of this name" in stray
    assert find_annotators(tmp_path, {"c-1", "c-2"}) == {"c-1": {"anna": anna, "ben": ben}}
    assert [annotator_of(path) for path in (anna, own)] == ["anna", ""]
    assert find_annotators(tmp_path / "none", {"c-1"}) == {}


def test_what_a_clip_is_called_elsewhere_may_have_a_dot(tmp_path):
    own = put(tmp_path, "film.2.json", {})
    known_as = {"film.2": "c-1", "film": "c-2"}
    assert find_finished(tmp_path, {"c-1", "c-2"}, known_as) == ({"c-1": own}, [])
    assert find_annotators(tmp_path, {"c-1", "c-2"}, known_as) == {}


FINISHED = {"a": "a.json", "c": "c.json"}
ANNOTATORS = {"a": {"anna": "a.anna.json"}, "b": {"anna": "b.anna.json", "ben": "b.ben.json"}}


@pytest.mark.parametrize(
    "counts, files, unsettled",
    [
        ("settled", {"a": ["a.json"], "c": ["c.json"]}, {"b": ["anna", "ben"]}),
        ("anna", {"a": ["a.anna.json"], "b": ["b.anna.json"], "c": ["c.json"]}, {}),
        ("ben", {"a": ["a.json"], "b": ["b.ben.json"], "c": ["c.json"]}, {}),
        ("carl", {"a": ["a.json"], "c": ["c.json"]}, {"b": ["anna", "ben"]}),
        (
            "majority",
            {"a": ["a.json"], "b": ["b.anna.json", "b.ben.json"], "c": ["c.json"]},
            {},
        ),
    ],
)
def test_which_files_count(counts, files, unsettled):
    found = which_count(FINISHED, ANNOTATORS, counts)
    assert (found.files, found.unsettled) == (files, unsettled)


def test_what_the_labels_will_refuse_is_told_at_the_start(tmp_path):
    actions = [{"attribute": each["name"], **each} for each in ATTRIBUTES]
    attributes = attributes_from_config(actions)
    good = put(tmp_path, "c-1.anna.json", page_file([person(1)]))
    other = put(tmp_path, "c-1.ben.json", page_file([person(1)], clip="c-2"))
    broken = put(tmp_path, "c-3.json", page_file([person(1), person(1)], clip="c-3"))
    files = {"c-1": [good, other], "c-3": [broken]}
    warnings = unusable_annotations(files, tmp_path / "results", attributes)
    assert len(warnings) == 2
    assert "found that of 'c-2'" in warnings[0] and "person 1 is there 2 times" in warnings[1]
