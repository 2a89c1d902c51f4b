"""The page's annotation file: written, read and written it is the same; what is wrong is told."""

import copy
import json
import random

import jsonschema
import pytest

from avaflow.annotation.page.model import (
    SCHEMA,
    Annotation,
    Choice,
    VideoFacts,
    annotation_text,
    parse_annotation,
    read_annotation,
    write_annotation,
)
from avaflow.errors import UserError
from avaflow.project.config import load_schema
from page_files import LEFT, RIGHT, by_chance, page_file, person, span

PATH = "c-1.json"


def problems_of(content):
    with pytest.raises(UserError) as caught:
        parse_annotation(content, PATH)
    return str(caught.value)


def test_what_is_written_is_what_the_contract_shows(tmp_path):
    content = page_file(
        [person(1, seconds=[2, 3], spans=[span("sit", 2, 3.5)], judged=[[2, 3.25]])],
        seconds_worked=0,
    )
    path = tmp_path / "c-1.json"
    write_annotation(path, parse_annotation(content, PATH))
    head = (
        '{\n "format": "avaflow annotation",\n "version": 1,\n "clip": "c-1",\n "annotator": "",\n'
        ' "saved": "2026-11-21T20:00:00Z",\n "seconds_worked": 0,\n "video": {\n  "start": 1.5,'
    )
    assert path.read_text().startswith(head)
    tail = '   "judged": [\n    [\n     2.0,\n     3.25\n    ]\n   ]\n  }\n ]\n}\n'
    assert path.read_text().endswith(tail)
    assert json.loads(path.read_text()) == content


@pytest.mark.parametrize("seed", range(40))
def test_saved_loaded_saved_is_the_same_file(tmp_path, seed):
    content = by_chance(random.Random(seed))
    jsonschema.validate(content, load_schema(SCHEMA))
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    write_annotation(first, parse_annotation(content, PATH))
    write_annotation(second, read_annotation(first))
    assert first.read_bytes() == second.read_bytes()
    # Nothing of what was said is lost, whatever its order.
    again = json.loads(first.read_text())
    for before, after in zip(content["persons"], again["persons"], strict=True):
        for key in ("spans", "judged", "boxes", "removed"):
            assert len(before[key]) == len(after[key])


def test_answered_doubts_are_read_and_written(tmp_path):
    answered = [
        {"kind": "short", "tracks": [2], "frame": 7},
        {"kind": "join", "tracks": [1, 2], "frame": 61},
    ]
    content = page_file([person(1)], answered=answered)
    path = tmp_path / "c-1.json"
    write_annotation(path, parse_annotation(content, PATH))
    assert json.loads(path.read_text())["answered"] == answered
    turned = page_file([person(1)], answered=answered[::-1])
    assert annotation_text(parse_annotation(turned, PATH)) == path.read_text()
    assert "answered" not in annotation_text(parse_annotation(page_file([person(1)]), PATH))


def test_answers_to_suggestions_are_read_and_written(tmp_path):
    told = {"track": 2, "attribute": "body", "option": "sit", "from": 2.0, "to": 3.5}
    told |= {"probability": 0.97, "head": "0f3a"}
    answers = [{"person": 1} | told, {"person": 2} | told]
    content = page_file([person(1)], accepted=answers, rejected=answers[:1])
    path = tmp_path / "c-1.json"
    write_annotation(path, parse_annotation(content, PATH))
    assert json.loads(path.read_text()) == content
    turned = content | {"accepted": answers[::-1]}
    assert annotation_text(parse_annotation(turned, PATH)) == path.read_text()
    # A file of before knows nothing of it, and is written as before.
    plain = annotation_text(parse_annotation(page_file([person(1)]), PATH))
    assert "accepted" not in plain and "rejected" not in plain
    for wrong in ({"probability": 1.5}, {"track": 0}, {"head": 3}, {"more": 1}):
        assert "accepted" in problems_of(content | {"accepted": [answers[0] | wrong]})


def test_order_in_memory_does_not_change_the_file():
    content = page_file([person(1, spans=[span("sit", 2, 3), span("walk", 4, 5)]), person(2)])
    turned = copy.deepcopy(content)
    turned["persons"].reverse()
    turned["persons"][1]["spans"].reverse()
    turned["persons"][1]["tracks"][0]["anchors"].reverse()
    texts = [annotation_text(parse_annotation(each, PATH)) for each in (content, turned)]
    assert texts[0] == texts[1]


def test_names_stand_as_they_are():
    annotation = Annotation(
        "c-1",
        VideoFacts(0, 30, 30, 4, 4),
        (Choice("</script>\u202e", "single", ("\u00e4<b>",)),),
        (),
    )
    text = annotation_text(annotation)
    assert '"\u00e4<b>"' in text
    assert parse_annotation(json.loads(text), PATH).attributes == annotation.attributes


def test_all_problems_are_listed_at_once():
    content = page_file(
        [
            person(1, spans=[span("sit", 2, 5), span("stand", 4, 6)]),
            person(1, track=2, judged=[[5, 5]]),
            person(3, spans=[span("fly", 2, 3), span("sit", 8, 11.5)], removed=[12]),
            person(4, boxes=[{"second": 3, "box": [0.5, 0.1, 0.4, 0.9]}] * 2),
        ]
    )
    told = problems_of(content)
    for part in (
        "c-1.json: this annotation cannot be used:",
        "'sit' until 5 s and 'stand' from 4 s overlap, but 'body' takes one at a time",
        "person 1 is there 2 times",
        "judged 5 to 5: expected a beginning before its end",
        "'fly' is not among the options of 'body'",
        "'sit' from 8 to 11.5: the clip ends at 11 s",
        "second 12 lies after the clip's end",
        "the mended box of second 3 is there 2 times",
        "expected x1, y1, x2, y2 with x1 <= x2",
    ):
        assert part in told


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda c: c.update(format="coco"), "expected a file of format 'avaflow annotation'"),
        (lambda c: c.update(version=2), "expected version 1 of the format, found 2"),
        (lambda c: c.pop("video"), "video: missing"),
        (lambda c: c.update(extra=1), "extra: unknown key"),
        (lambda c: c.update(persons={}), "persons: expected a list"),
        (lambda c: c.update(persons=[3]), "persons.0: expected a mapping"),
        (lambda c: c["persons"][0].update(kind="dog"), "expected one of person, not a person"),
        (lambda c: c["persons"][0].update(id=0), "persons.0.id: expected at least 1"),
        (lambda c: c["persons"][0].update(id=True), "persons.0.id: expected a whole number"),
        (
            lambda c: c["persons"][0].update(boxes=[{"second": 3, "box": [0, 0, 1.5, 1]}]),
            "at most 1",
        ),
        (lambda c: c["persons"][0]["tracks"][0].update(anchors=[[61, 0, 0, 2, 1]]), "anchors.0"),
        (lambda c: c["persons"][0]["tracks"][0].update(anchors=[["61"]]), "a frame and a box"),
        (lambda c: c["persons"][0]["tracks"][0].update(to=331), "of 1 to 330"),
        (lambda c: c["persons"][0]["tracks"][0].update({"from": 62}), "frame 61 lies outside"),
        (
            lambda c: c["persons"].append(person(2, track=1)),
            "frame 61 of track 1 is that of persons",
        ),
        (lambda c: c["persons"][0]["judged"].append([0, 1e400]), "at most 10000000"),
        (lambda c: c["attributes"].append(c["attributes"][0]), "attribute 'head' is there 2 times"),
        (lambda c: c.update(annotator="\ud800"), "half a character"),
        (lambda c: c.update(saved="yesterday"), "expected a time such as"),
        (
            lambda c: c.update(answered=[{"kind": "join", "tracks": [1, 2], "frame": 331}]),
            "the answered doubt at frame 331: expected a frame of 1 to 330",
        ),
        (
            lambda c: c.update(answered=[{"kind": "maybe", "tracks": [1], "frame": 1}]),
            "expected one of join, short",
        ),
        (
            lambda c: c.update(answered=[{"kind": "join", "tracks": [], "frame": 1}]),
            "answered.0.tracks",
        ),
    ],
)
def test_a_hostile_file_is_told(change, told):
    content = page_file([person(1)])
    change(content)
    assert told in problems_of(content)


@pytest.mark.parametrize(
    "text, told",
    [
        ('{"format": 1, "format": 2}', "'format' is there twice"),
        ("[" * 100_000, "not JSON"),
        ('{"a": NaN}', "not JSON"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON"),
        ("[]", "expected a file of format"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path, text, told):
    path = tmp_path / "c-1.json"
    path.write_text(text)
    with pytest.raises(UserError, match=told):
        read_annotation(path)


def test_a_file_has_a_largest_size(tmp_path):
    path = tmp_path / "c-1.json"
    path.write_text(" " * 2_000_000)
    with pytest.raises(UserError, match="at most 1 MB, found 2.0 MB"):
        read_annotation(path, max_mb=1)


def test_long_files_say_only_their_first_problems():
    content = page_file([person(n, track=n, judged=[[3, 2]]) for n in range(1, 200)])
    told = problems_of(content)
    assert "and 179 more" in told
    assert len(told.splitlines()) == 22


def test_boxes_of_two_persons_may_be_the_same_kind_of_number():
    content = page_file([person(1, box=[0, 0, 1, 1]), person(2, box=RIGHT), person(3, box=LEFT)])
    content["persons"][0]["id"] = 1.0
    annotation = parse_annotation(content, PATH)
    assert annotation.persons[0].id == 1
    assert '"id": 1,' in annotation_text(annotation)
