"""Suggestions on the page of a clip: ghosts until somebody accepts them, under real keys."""

import json

import pytest

from avaflow.annotation.page.model import read_annotation
from page_clips import clip, script_text, until, write_clip, write_index

HEAD = "0123456789abcdef"


def entry(name, state="open", judged=0):
    """A clip of the list."""
    counts = {"keyframes": 4, "persons": 3, "judged": judged, "to_judge": 11, "ticks": 0}
    return counts | {
        "clip": name,
        "page": f"{name}.html",
        "split": "train",
        "seconds_worked": 0,
        "state": state,
        "priority": 0,
    }


def span(option, start, end, attribute="body", probability=0.97, sure=True):
    return {
        "attribute": attribute,
        "option": option,
        "from": start,
        "to": end,
        "probability": probability,
        "by": "head" if sure else "neighbours",
        "sure": sure,
    }


PERSONS = [
    {"track": 1, "spans": [span("sit", 0.5, 3.5), span("talk", 2.5, 4.5, "head", 0.999)]},
    {"track": 2, "spans": [span("walk", 0.5, 4.5), span("bow", 1.5, 2.5, "head", 0.8, False)]},
]


@pytest.fixture
def suggested(annotator, results):
    """Opens a clip of which something is suggested."""
    folder = results / "suggestions"

    def open_clip(data=None, persons=PERSONS, **changed):
        told = {"format": "avaflow suggestions", "version": 1, "clip": "c-1", "head": HEAD}
        folder.mkdir(exist_ok=True)
        text = script_text("AVAFLOW_SUGGESTIONS", told | {"persons": persons} | changed)
        (folder / "c-1.js").write_text(text)
        return annotator.open(data)

    yield open_clip
    for path in folder.glob("*"):
        path.unlink()


def ghosts(page, person=1):
    found = page.value(f"ghosts(avaflow.app.person({person}))")
    return [(each["option"], each["from"], each["to"]) for each in found]


def test_what_is_suggested_is_shown_and_counts_for_nothing(suggested):
    page = suggested()
    assert ghosts(page) == [("sit", 0.5, 3.5), ("talk", 2.5, 4.5)]
    assert page.text("#panel .suggested p").split("\n")[0] == "sit 0:00.5 to 0:03.5 · 97 %1 of 2"
    assert page.spans(1) == [] and page.text("#progress") == "0 of 11 s judged"
    counts = page.page.evaluate("avaflow.ticks.counts(avaflow.app.doc, avaflow.app.clip)")
    assert counts["ticks"] == 0
    # Judged as it stands: nobody said that anything is done.
    page.press("Enter")
    counts = page.page.evaluate("avaflow.ticks.counts(avaflow.app.doc, avaflow.app.clip)")
    assert counts["ticks"] == 0 and counts["judged"] == 4
    assert ghosts(page) == []
    saved = json.loads(page.save().read_text())
    assert "accepted" not in saved and all(not one["spans"] for one in saved["persons"])


def test_one_key_accepts_and_one_refuses_and_the_file_tells(suggested):
    page = suggested()
    page.press("a")
    assert page.spans(1) == [("sit", 0.5, 3.5)] and ghosts(page) == [("talk", 2.5, 4.5)]
    page.wait_for("#told", "sit from 0:00.5 to 0:03.5 accepted, person 1")
    page.press("r")
    assert page.spans(1) == [("sit", 0.5, 3.5)] and ghosts(page) == []
    page.press("Control+z")
    assert ghosts(page) == [("talk", 2.5, 4.5)]
    page.press("Control+z")
    assert page.spans(1) == [] and len(ghosts(page)) == 2
    assert page.value("doc.accepted") == []
    page.press("Control+y", "Control+y")
    path = page.save()
    found = read_annotation(path)
    (accepted,), (rejected,) = found.accepted, found.rejected
    assert accepted == (1, 0.5, "body", "sit", 3.5, 1, HEAD, 0.97)
    assert rejected == (1, 2.5, "head", "talk", 4.5, 1, HEAD, 0.999)
    # The next time neither is asked again.
    again = suggested(clip(finished=json.loads(path.read_text())))
    assert ghosts(again) == [] and again.spans(1) == [("sit", 0.5, 3.5)]
    assert again.value("doc.accepted")[0]["head"] == HEAD


def test_all_that_is_sure_is_accepted_at_once(suggested):
    page = suggested()
    page.press("p", "2", "Shift+a")
    assert page.spans(2) == [("walk", 0.5, 4.5)]  # that 2 bows is not sure
    assert ghosts(page, 2) == [("bow", 1.5, 2.5)] and page.spans(1) == []
    page.press("Shift+a")  # where nothing sure is left, what is not
    page.wait_for("#told", "1 unsure suggestion accepted of person 2")
    assert page.spans(2) == [("walk", 0.5, 4.5), ("bow", 1.5, 2.5)]
    page.press("Shift+a")
    page.wait_for("#told", "Nothing is suggested of person 2.")
    page.press("Control+z", "Control+z", "Alt+a")
    assert page.spans(1) == [("sit", 0.5, 3.5), ("talk", 2.5, 4.5)]
    assert page.spans(2) == [("walk", 0.5, 4.5)]
    page.press("Control+z")
    assert page.spans(1) == page.spans(2) == []


def test_what_somebody_said_goes_before_what_is_suggested(suggested):
    page = suggested()
    page.seek(61)
    page.press("3")  # walks from second 2 on: of `body` nothing else is suggested there
    assert ghosts(page) == [("sit", 0.5, 2), ("talk", 2.5, 4.5)]
    page.press("Shift+Enter")
    assert ghosts(page) == [("talk", 2.5, 4.5)]


def test_the_next_one_is_gone_to_by_a_key(suggested):
    page = suggested()
    page.press("g")
    assert page.value("player.frame") == 31
    page.press("g")
    assert page.value("player.frame") == 91
    assert page.text("#panel .suggested p").startswith("talk")
    page.press("a")
    assert page.spans(1) == [("talk", 2.5, 4.5)]


def test_suggestions_follow_their_track(suggested):
    page = suggested()
    page.seek(61)
    page.press("c")  # somebody else from second 2 on
    assert ghosts(page, 1) == [("sit", 0.5, 2)]
    assert ghosts(page, 4) == [("sit", 2, 3.5), ("talk", 2.5, 4.5)]


@pytest.mark.parametrize(
    "changed", [{"clip": "c-2"}, {"version": 2}, {"format": "other"}, {"persons": []}]
)
def test_what_is_of_something_else_is_left_alone(suggested, changed):
    page = suggested(**changed)
    assert page.value("suggested") is None and not page.page.locator(".suggested p").count()
    page.press("a")
    assert page.spans(1) == []


def test_suggestions_of_actions_that_are_no_more_are_left_out(suggested):
    spans = [span("fly", 0.5, 3.5), span("sit", 0.5, 3.5, "legs"), span("stand", 0.5, 1.5)]
    page = suggested(persons=[{"track": 1, "spans": spans}])
    assert ghosts(page) == [("stand", 0.5, 1.5)]


def test_a_key_that_is_an_options_own_stays_the_options(suggested):
    page = suggested()
    page.page.evaluate(
        "avaflow.app.keys.change(avaflow.app.optionCommand({name: 'body'}, 'stand'), 'a')"
    )
    page.press("Shift+a")
    assert [option for option, *_ in page.spans(1)] == ["stand"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ghosts_keep_nobody_out(suggested, annotator, results, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe here").Axe()
    page = suggested().page
    page.emulate_media(color_scheme=scheme)
    found = axe.run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert annotator.page.locator("#panel").evaluate("(e) => e.scrollHeight <= e.clientHeight + 1")


def test_the_list_puts_first_what_teaches_most_and_says_why(annotator, results):
    why = "unlike what is annotated; probably rare: <b>bow</b>"
    told = {"b": {"priority": 2, "reason": why}, "c-1": {"priority": 1, "reason": "hard to tell"}}
    folder = results / "suggestions"
    folder.mkdir(exist_ok=True)
    (folder / "queue_order.js").write_text(
        script_text("AVAFLOW_QUEUE", {"version": 1, "clips": told})
    )
    try:
        write_clip(results, clip())
        clips = [entry("a"), entry("b"), entry("c-1", "finished", 11)]
        page = annotator.context.new_page()
        page.goto(write_index(results, clips).as_uri())
        until(page, "Boolean(window.avaflow && avaflow.index)")
        assert page.locator("#clips a").all_inner_texts() == ["b", "a", "c-1"]
        assert page.locator("#clips .reason").all_inner_texts() == [why]
        assert page.locator("#go").inner_text() == "Begin b"
    finally:
        (folder / "queue_order.js").unlink()
