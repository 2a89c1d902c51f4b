"""The list of clips: what is done, what comes first, what is left."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from page_clips import LAPTOP, clip, until, write_clip, write_index

HOSTILE = "<img src=x onerror=alert(1)>" + "x" * 200


def entry(name: str, state: str = "open", judged: int = 0, **more) -> dict:
    return {
        "clip": name,
        "page": f"{name}.html",
        "split": "train",
        "keyframes": 4,
        "persons": 3,
        "judged": judged,
        "to_judge": 11,
        "ticks": 2 * judged,
        "seconds_worked": 0,
        "state": state,
        "priority": 0,
        **more,
    }


@pytest.fixture
def index(annotator, results):
    def open_index(*clips: dict):
        annotator.page = annotator.context.new_page()
        annotator.page.on("dialog", annotator._answer)
        annotator.page.on("pageerror", lambda error: annotator.errors.append(str(error)))
        annotator.page.goto(write_index(results, list(clips)).as_uri())
        return annotator

    return open_index


def names(annotator) -> list[str]:
    return annotator.page.locator("#clips td:first-child").all_inner_texts()


def test_what_helps_most_comes_first(index):
    shown = index(
        entry("done", "finished", 11, priority=9),
        entry("b"),
        entry("a"),
        entry("begun", "begun", 3),
        entry("suggested", priority=2),
    )
    assert names(shown) == ["suggested", "begun", "a", "b", "done"]
    assert shown.text("#go") == "Begin suggested"
    shown.page.locator("#state").select_option("begun")
    assert names(shown) == ["begun"]
    shown.page.locator("#name").fill("nobody")
    assert shown.page.locator("#none").is_visible()


def test_the_summary_counts_time_and_what_is_left(index):
    # 11 s judged in half an hour, 22 ticks; of the other clip 11 s are left: half an hour.
    shown = index(entry("a", "finished", 11, seconds_worked=1800), entry("b"))
    assert shown.text("#summary") == (
        "1 of 2 clips are finished · 11 s to judge · 44 ticks an hour · about 30 min left"
    )
    shown = index(entry("a"), entry("b"))
    assert shown.text("#summary") == "0 of 2 clips are finished · 22 s to judge"
    assert index().text("#summary") == "There are no clips yet."


def test_a_draft_in_this_browser_counts(index, annotator, results):
    page = annotator.window(write_clip(results, clip()).as_uri())
    page.keyboard.press("Shift+2")
    page.keyboard.press("Enter")
    shown = index(entry("c-1"), entry("other"))
    row = shown.page.locator("#clips tr").first.inner_text()
    assert "begun (draft here)" in row and "4 of 11 s" in row
    assert shown.text("#go") == "Go on with c-1"
    shown.page.locator("#go").click()
    until(shown.page, "Boolean(window.avaflow && avaflow.app)")
    assert shown.text("h1") == "c-1"


def test_what_was_saved_since_the_last_run_counts(index, annotator, results):
    annotator.open()
    annotator.page.evaluate("avaflow.app.store.worked = 40")
    annotator.press("Shift+2", "Enter")
    annotator.save()
    shown = index(entry("c-1"), entry("other"))
    row = shown.page.locator("#clips tr", has_text="c-1").inner_text()
    assert "begun (saved here)" in row and "4 of 11 s" in row and "40 s" in row
    annotator.open()
    annotator.press("Enter", "Enter")  # the other two: all is judged
    annotator.save()
    shown = index(entry("c-1"), entry("other"))
    row = shown.page.locator("#clips tr", has_text="c-1").inner_text()
    assert "finished (saved here)" in row and "11 of 11 s" in row
    assert shown.text("#go") == "Begin other"
    # The run has taken it in, and somebody went on elsewhere.
    later = entry("c-1", judged=7, seconds_worked=90, state="begun")
    assert "7 of 11 s" in index(later).page.locator("#clips tr").inner_text()


def test_hostile_names_are_text(index):
    shown = index(entry(HOSTILE, page="c-1.html"))
    assert shown.page.locator("#clips a").text_content() == HOSTILE
    assert shown.page.locator("img").count() == 0 and shown.dialogs == []
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= LAPTOP["width"]


def test_many_clips_are_listed(index):
    shown = index(*(entry(f"clip-{n:05}") for n in range(3000)))
    assert shown.page.locator("#clips tr").count() == 3000
    assert shown.page.evaluate("performance.now()") < 5000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_somebody_out(index, annotator, results, scheme):
    """By axe, which holds pages against WCAG: the list of clips, and a clip's page at work."""
    axe = Axe()
    shown = index(entry("a", "finished", 11), entry("b"))
    page = annotator.window(write_clip(results, clip()).as_uri())
    page.keyboard.press("Shift+2")
    page.keyboard.press("j")  # a question stands above the video
    for each in (shown.page, page):
        each.emulate_media(color_scheme=scheme)
        found = axe.run(each).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
