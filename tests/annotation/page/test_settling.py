"""The clip's own file: what annotators agree on, and the page that asks for the rest."""

import json

import pandas as pd
import pytest

from avaflow.annotation.page.labels import labels_of_annotation
from avaflow.annotation.page.model import (
    annotation_content,
    annotation_text,
    parse_annotation,
    read_annotation,
)
from avaflow.annotation.page.settling import (
    measures_of,
    opinions_of,
    page_html,
    page_script,
    settling_of,
)
from avaflow.errors import UserError
from avaflow.manifests import ClipManifest
from avaflow.project.actions import attributes_from_config
from avaflow.tables import KEYFRAMES, TRACKS
from page_files import ATTRIBUTES, LEFT, RIGHT, page_file, person, span
from page_servers import Server, made_project

ACTIONS = attributes_from_config(
    [
        {"attribute": each["name"], "choose": each["choose"], "options": each["options"]}
        for each in ATTRIBUTES
    ]
)
TALK, BOW, STAND, SIT, WALK = 1, 2, 3, 4, 5
SECONDS = range(2, 10)
KEYFRAME_TABLE = pd.DataFrame(
    [(s, 30 * s + 1, f"c-1_{30 * s + 1:06d}.jpg", 1000, 500, f"sha{s}") for s in SECONDS],
    columns=list(KEYFRAMES),
)
MANIFEST = ClipManifest("c-1", "v.mp4", 1.5, 30, 330, 1000, 500, "0" * 64, 0)
TRACK_TABLE = pd.DataFrame(
    [
        (30 * second + 1, track, *box, 0.9)
        for second in SECONDS
        for track, box in ((1, LEFT), (2, RIGHT))
    ],
    columns=list(TRACKS),
)
EVERYTHING = [[0.0, 11.0]]


def annotators() -> dict[str, dict]:
    """Anna and Ben on eight keyframes with two persons, whom Ben calls 1 and 5.

    Both: the left one stands on 2 to 5. On 6 and 7 he sits, says Anna, and still stands, says
    Ben; on 8 both have him bow, and Anna has him talk too. Of the right one, who walks, Ben judges
    2 to 4 only, and says that on 3 and on 4 nobody is there. In the middle Ben has somebody whom
    Anna lacks, on 5.
    """
    anna = [
        person(1, spans=[span("stand", 2.0, 6.0), span("sit", 6.0, 11.0),
                         span("bow", 8.0, 9.0, "head"), span("talk", 8.0, 9.0, "head")],
               judged=EVERYTHING),
        person(2, box=RIGHT, spans=[span("walk", 0.0, 11.0)], judged=EVERYTHING),
    ]  # fmt: skip
    ben = [
        person(1, spans=[span("stand", 2.0, 8.0), span("sit", 8.0, 10.0),
                         span("bow", 7.5, 9.0, "head")], judged=[[2.0, 10.0]]),
        person(5, track=2, box=RIGHT, spans=[span("walk", 2.0, 5.0)], judged=[[2.0, 5.0]],
               removed=[3, 4]),
        person(6, tracks=[], boxes=[{"second": 5, "box": [0.4, 0.2, 0.5, 0.8]}],
               spans=[span("bow", 5.0, 6.0, "head")], judged=[[5.0, 6.0]]),
    ]  # fmt: skip
    return {
        "anna": page_file(anna, annotator="anna"),
        "ben": page_file(ben, annotator="ben", saved="2026-11-21T21:00:00Z"),
    }


def settling(contents, attributes=ACTIONS, video="../clips/c-1.mp4"):
    read = {name: parse_annotation(each, f"c-1.{name}.json") for name, each in contents.items()}
    opinions = opinions_of(read, "c-1", KEYFRAME_TABLE, TRACK_TABLE, attributes, MANIFEST)
    return settling_of("c-1", video, opinions, list(SECONDS), attributes)


def labels(annotation) -> dict[tuple[int, int], set[int]]:
    """Action ids by keyframe and person, as the workflow reads the file."""
    reading = labels_of_annotation(
        annotation, "c-1", KEYFRAME_TABLE, TRACK_TABLE, ACTIONS, MANIFEST
    )
    found = {}
    for row in reading.labels.itertuples():
        found.setdefault((row.second, row.person_id), set()).add(row.action_id)
    return found


AGREED = {(s, 1): {STAND} for s in (2, 3, 4, 5)} | {(9, 1): {SIT}}
# Of the right one Ben judged nothing on 5 to 9: Anna's word stands, also on 2, where both agree.
AGREED |= {(s, 2): {WALK} for s in (2, 5, 6, 7, 8, 9)}


def asked(made) -> list[tuple]:
    draft = made.draft
    return [
        (q.second, person, q.action, q.votes["anna"])
        for q, person in zip(draft.questions, draft.persons, strict=True)
    ]


def test_what_is_agreed_is_labelled_and_the_rest_is_asked():
    made = settling(annotators())
    draft = made.draft.annotation
    assert (draft.annotator, draft.saved, draft.seconds_worked) == ("", "2026-11-21T21:00:00Z", 25)
    again = parse_annotation(json.loads(annotation_text(draft)), "c-1.json")
    assert annotation_text(again) == annotation_text(draft)
    # Person 3 is Ben's sixth.
    assert asked(made) == [
        (3, 2, 0, True), (4, 2, 0, True), (5, 3, 0, False),
        (6, 1, STAND, False), (6, 1, SIT, True), (7, 1, STAND, False), (7, 1, SIT, True),
        (8, 1, TALK, True),
    ]  # fmt: skip
    assert labels(again) == AGREED
    assert [span[:2] for span in draft.persons[0].spans if span.start < 8 and span.end > 6] == []


def test_who_is_no_person_to_one_is_asked_about():
    contents = annotators()
    contents["ben"]["persons"][1] |= {"kind": "not a person"}
    found = [each for each in asked(settling(contents)) if each[1] == 2]
    assert found == [(second, 2, 0, True) for second in range(2, 10)]


def test_a_person_from_another_file_is_only_where_that_file_has_boxes():
    contents = annotators()
    extra = contents["ben"]["persons"][2]
    extra["boxes"].append({"second": 7, "box": extra["boxes"][0]["box"]})
    extra |= {"judged": EVERYTHING, "removed": [6]}
    made = settling(contents)
    assert [(q[0], q[1]) for q in asked(made) if q[1] == 3] == [(5, 3), (7, 3)]
    (added,) = [each for each in made.draft.annotation.persons if each.id == 3]
    assert [box.second for box in added.boxes] == [5, 7] and added.removed == (6,)


def test_ones_who_agree_leave_nothing_to_ask():
    contents = annotators()
    contents["ben"] = contents["anna"] | {"annotator": "ben"}
    made = settling(contents)
    assert asked(made) == []
    assert labels(made.draft.annotation) == labels(parse_annotation(contents["anna"], "a"))


def test_of_three_a_person_whom_the_first_only_ignores_is_the_others_word():
    contents = annotators()
    contents["anna"]["persons"][1] |= {"kind": "ignored"}
    contents["ben"]["persons"][0] |= {"judged": [[2.0, 4.0]]}  # Anna judged most
    contents["carl"] = contents["ben"] | {"annotator": "carl"}
    made = settling(contents)
    found = labels(made.draft.annotation)
    assert {person for second, person in found if second == 2} == {1, 3}
    assert found[2, 3] == {WALK}
    # The box of the middle: two have it, Anna looked and has none.
    assert [q.votes for q in made.draft.questions if q.action == 0] == [
        {"anna": False, "ben": True, "carl": True}
    ]


def test_an_option_called_otherwise_since_then():
    renamed = attributes_from_config(
        [
            {"attribute": "head", "choose": "multiple", "options": ["bow", "speak"],
             "renamed": {"talk": "speak"}},
            {"attribute": "body", "choose": "single", "options": ["stand", "sit", "walk"]},
        ]
    )  # fmt: skip
    draft = settling(annotators(), renamed).draft
    assert draft.annotation.options["head"] == ("bow", "speak")
    assert [q.action for q in draft.questions if q.second == 8] == [2]
    contents = annotators()
    contents["ben"] = contents["anna"] | {"annotator": "ben"}
    (spoken,) = settling(contents, renamed).draft.annotation.persons[0].spans[3:]
    assert (spoken.option, spoken.start, spoken.end) == ("speak", 8.0, 9.0)


def test_a_file_of_another_clip_is_refused():
    contents = annotators()
    contents["ben"]["clip"] = "c-2"
    with pytest.raises(UserError, match=r"c-1.ben.json: this annotation cannot be compared:\n"):
        settling(contents)


def test_hostile_names_are_shown_as_text():
    hostile = attributes_from_config(
        [
            {"attribute": "head", "choose": "multiple",
             "options": ["talk", "bow", "</script><img src=x onerror=alert(1)>"]},
            {"attribute": "body", "choose": "single", "options": ["stand", "sit", "walk"]},
        ]
    )  # fmt: skip
    made = settling(annotators(), hostile)
    page = page_html([made], measures_of([made], hostile))
    assert "<img" not in page and "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in page


# ------------------------------------------------------------------ the page, in a browser


@pytest.fixture
def project(tmp_path):
    """Results with the page of the two annotators, and the page of the clip beside it."""
    made_project(tmp_path)
    pages = tmp_path / "results" / "annotate"
    (pages / "c-1.js").write_text('window.AVAFLOW_CLIP = {"clip": "c-1"};\n')
    made = settling(annotators(), video="../clips/corridor.mp4")
    (pages / "agreement.js").write_text(page_script([made], ACTIONS), encoding="utf-8")
    text = page_html([made], measures_of([made], ACTIONS))
    (pages / "agreement.html").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    made, faults = context.new_page(), []
    made.on("pageerror", lambda error: faults.append(str(error)))
    yield made
    context.close()
    assert faults == []


def opened(page, address):
    page.goto(address)
    page.wait_for_selector("body[data-ready=yes]")
    return page


def states(page) -> list[str]:
    return page.eval_on_selector_all("#list button", "all => all.map((one) => one.dataset.state)")


ANSWERS = "nyyynyy"
"""Nobody on 3, somebody on 4, and in the middle on 5; on 6 he stands, on 7 not but sits; he talks.

Where one thing is done at a time, the other answer gives itself: seven keys for eight questions."""
SETTLED = AGREED | {(4, 2): {WALK}, (5, 3): {BOW}, (6, 1): {STAND}, (7, 1): {SIT}}
SETTLED |= {(8, 1): {SIT, BOW, TALK}}


def press(page, keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_one_key_settles_a_question_and_the_file_comes_as_a_download(page, project, tmp_path):
    opened(page, (project / "results" / "annotate" / "agreement.html").as_uri())
    assert page.inner_text("#progress") == "0 of 8 settled"
    assert page.inner_text("#question") == "Is there a person in this box?"
    assert page.inner_text("#where") == "c-1, second 3, person 2"
    assert page.get_attribute("#video", "src") == "../clips/corridor.mp4#t=1.5,4.5"
    assert page.evaluate("document.getElementById('box').style.left") == "60%"
    assert page.inner_text("#votes") == "anna yes\nben no"
    press(page, ANSWERS)
    assert states(page) == ["no", "yes", "yes", "yes", "no", "no", "yes", "yes"]
    # A reload brings the answers back.
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    assert page.inner_text("#progress") == "8 of 8 settled"
    with page.expect_download() as download:
        page.click("#clips button")
    assert download.value.suggested_filename == "c-1.json"
    download.value.save_as(tmp_path / "c-1.json")
    assert labels(read_annotation(tmp_path / "c-1.json")) == SETTLED


def test_half_the_answers_give_no_disputed_label_and_can_be_taken_back(page, project, tmp_path):
    opened(page, (project / "results" / "annotate" / "agreement.html").as_uri())
    press(page, "nyyy")
    page.click("#list li:nth-child(1) button")
    press(page, "u")
    assert states(page)[:5] == ["open", "yes", "yes", "yes", "no"]
    with page.expect_download() as download:
        page.click("#clips button")
    download.value.save_as(tmp_path / "c-1.json")
    expected = AGREED | {(4, 2): {WALK}, (5, 3): {BOW}, (6, 1): {STAND}}
    assert labels(read_annotation(tmp_path / "c-1.json")) == expected


def test_through_the_server_every_answer_is_saved_at_once(page, project):
    server = Server(project)
    path = project / "annotations" / "c-1.json"
    try:
        address = f"{server.addresses['']}/agreement.html"
        opened(page, address)
        for key in ANSWERS[:4]:
            with page.expect_response("**/api/annotations/c-1") as answer:
                page.keyboard.press(key)
            assert answer.value.status == 200
        half = AGREED | {(4, 2): {WALK}, (5, 3): {BOW}, (6, 1): {STAND}}
        assert labels(read_annotation(path)) == half
        # What the file says counts, also in a browser that knows nothing.
        page.evaluate("localStorage.clear()")
        opened(page, address)
        assert states(page)[:5] == ["no", "yes", "yes", "yes", "no"]
        for key in ANSWERS[4:]:
            with page.expect_response("**/api/annotations/c-1"):
                page.keyboard.press(key)
        assert labels(read_annotation(path)) == SETTLED
        assert page.inner_text("#clips") == "c-1\t8 of 8\tsaved\tSave"
        # Somebody changed the file meanwhile: it is not written over.
        other = annotation_content(read_annotation(path)) | {"seconds_worked": 99}
        path.write_text(json.dumps(other))
        with page.expect_response("**/api/annotations/c-1") as answer:
            page.keyboard.press("n")
        assert answer.value.status == 412
        page.wait_for_selector("#troubles p")
        assert "changed by somebody else" in page.inner_text("#troubles")
        assert json.loads(path.read_text())["seconds_worked"] == 99
    finally:
        assert "Traceback" not in server.end()
