"""A clip's page under real clicks: Chromium opens it from disk, over the stand-in for VIA."""

import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from avaflow.annotation.labels import labels_of_project
from avaflow.annotation.reopened import opened_project
from avaflow.annotation.via import project, read_project, write_project
from avaflow.annotation.via_page import clip_page, project_script
from avaflow.project.actions import attributes_from_config
from avaflow.tables import KEYFRAMES, TRACKS

STAND_IN = (Path(__file__).parent / "stand_in_via.html").read_text(encoding="utf-8")
ALERT = "<img src=x onerror=alert(1)>"
ACTIONS = [
    {"attribute": "head", "choose": "multiple", "options": ["talk", ALERT]},
    {"attribute": "body", "choose": "single", "options": ["stand", "sit", "walk"]},
]
ATTRIBUTES = attributes_from_config(ACTIONS)
WIDTH, HEIGHT = 640, 360
LAPTOP, DESK = {"width": 1366, "height": 768}, {"width": 1920, "height": 1080}

# Person 1 in the middle; person 2 at the upper edge, reaching out at the right; nobody at the
# left, where a box can be drawn.
KEYFRAME_TABLE = pd.DataFrame(
    [(s, 30 * s + 1, f"c-1_{30 * s + 1:06d}.jpg", WIDTH, HEIGHT, "") for s in (2, 3, 4)],
    columns=list(KEYFRAMES),
)
TRACK_TABLE = pd.DataFrame(
    [
        row
        for s in (2, 3, 4)
        for row in (
            (30 * s + 1, 1, 0.40, 0.30, 0.55, 0.90, 0.9),
            (30 * s + 1, 2, 0.975, 0.0, 1.0, 0.5, 0.9),
        )
    ],
    columns=list(TRACKS),
)


class Annotator:
    """Somebody before the page of clip c-1, in a browser of their own."""

    def __init__(self, browser, folder: Path):
        self.context = browser.new_context(viewport=LAPTOP)
        self.context.set_default_timeout(5000)
        self.folder = folder
        self.page = None
        self.dialogs: list[str] = []
        self.errors: list[str] = []

    def make(self, finished=None, actions=ACTIONS, via=STAND_IN, tracks=TRACK_TABLE):
        """Make the page, as the workflow does."""
        attributes = attributes_from_config(actions)
        made = project("c-1", KEYFRAME_TABLE, tracks, attributes, "../keyframes/c-1", 1.5)
        write_project(self.folder / "via/c-1.json", made)
        opened = opened_project(made, finished, attributes)
        page = clip_page(via, "c-1", opened.project["attribute"])
        (self.folder / "via/c-1.html").write_text(page)
        (self.folder / "via/c-1.js").write_text(project_script(opened))
        return self

    def open(self, viewport=LAPTOP):
        if self.page:
            self.page.close()
        self.page = self.context.new_page()
        self.page.set_viewport_size(viewport)
        self.page.on("dialog", self._answer)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto((self.folder / "via/c-1.html").as_uri())
        self.page.wait_for_selector("#input")
        return self

    def _answer(self, dialog):
        self.dialogs.append(dialog.message)
        dialog.accept()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a place of the image, in 0..1, lies on the screen."""
        box = self.page.locator("#input").bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def click(self, x: float, y: float):
        self.page.mouse.click(*self.at(x, y))

    def drag(self, *places: tuple[float, float]):
        self.page.mouse.move(*self.at(*places[0]))
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*self.at(*place), steps=4)
        self.page.mouse.up()

    def tick(self, option: str):
        self.page.locator("#smetadata_container label", has_text=option).click()

    def text(self, part: str) -> str:
        return self.page.locator(f"#avaflow_panel {part}").inner_text()

    def wait_for(self, part: str, text: str):
        self.page.locator(f"#avaflow_panel {part}", has_text=text).wait_for()

    def value(self, script: str):
        return self.page.evaluate(f"via.va.file_annotator[0][0].{script}")

    def boxes(self) -> dict:
        return self.page.evaluate("via.d.store.metadata")

    def save(self) -> Path:
        with self.page.expect_download() as download:
            self.page.mouse.click(*self.middle(".save"))
        path = self.folder / "annotations" / download.value.suggested_filename
        download.value.save_as(path)
        return path

    def middle(self, part: str) -> tuple[float, float]:
        box = self.page.locator(f"#avaflow_panel {part}").bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.fixture
def annotator(browser, tmp_path):
    (tmp_path / "via").mkdir()
    (tmp_path / "keyframes/c-1").mkdir(parents=True)
    for name in KEYFRAME_TABLE["file"]:
        grey = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
        cv2.imwrite(str(tmp_path / "keyframes/c-1" / name), grey)
    person = Annotator(browser, tmp_path)
    yield person
    person.context.close()
    assert person.errors == []


PERSON_1, PERSON_2 = (0.475, 0.6), (0.99, 0.3)


# ------------------------------------------------------------- what is seen


@pytest.mark.parametrize("viewport", [LAPTOP, DESK])
def test_nothing_covers_the_image_or_the_save_button(annotator, viewport):
    annotator.make().open(viewport)
    assert annotator.page.locator("#via_page_container").is_hidden()  # VIA's tips
    annotator.click(*PERSON_1)  # VIA says at length, and for good, what can be done now
    message = annotator.page.locator("#_via_message_container").bounding_box()
    assert "Region selected" in annotator.page.locator("#_via_message").inner_text()
    image = annotator.page.locator("#input").bounding_box()
    ticks = annotator.page.locator("#smetadata_container").bounding_box()
    panel = annotator.page.locator("#avaflow_panel").bounding_box()
    assert image["height"] > 0.7 * viewport["height"] or image["width"] > 0.75 * viewport["width"]
    for one, other in ((message, image), (message, panel), (ticks, panel), (ticks, image)):
        assert (
            one["x"] + one["width"] <= other["x"]
            or other["x"] + other["width"] <= one["x"]
            or one["y"] + one["height"] <= other["y"]
            or other["y"] + other["height"] <= one["y"]
        ), (one, other)
    assert max(b["y"] + b["height"] for b in (message, panel)) <= viewport["height"]
    x, y = annotator.middle(".save")
    assert annotator.page.evaluate(f"document.elementFromPoint({x}, {y}).className") == "save"


def test_numbers_of_boxes_at_the_edge_are_inside_the_image(annotator):
    annotator.make().open()
    x, y, width, height = annotator.value("labels['1_p2']")
    canvas = annotator.value("rshapectx.canvas.width")
    assert y >= 0 and x >= 0 and x + width <= canvas + 1
    # Only the number moves: the box is where it was, and one in the middle has it above.
    assert annotator.value("creg['1_p2'][2]") == 0
    left, top, _, tall = annotator.value("labels['1_p1']")
    assert left == int(annotator.value("creg['1_p1'][1]"))
    assert top + tall <= annotator.value("creg['1_p1'][2]")


def test_names_with_markup_are_shown_and_not_run(annotator):
    annotator.make().open()
    annotator.click(*PERSON_1)
    annotator.tick(ALERT)
    annotator.page.wait_for_timeout(200)
    assert annotator.dialogs == []
    assert annotator.boxes()["1_p1"]["av"]["1"] == "1"
    read = read_project(annotator.save())
    assert {box.key: box.ticks for box in read.boxes}["1_p1"] == (("head", ALERT),)


def test_the_wheel_leaves_the_number_above_the_box(annotator):
    annotator.make().open()
    annotator.click(*PERSON_1)
    annotator.page.mouse.wheel(0, 100)
    annotator.page.wait_for_timeout(100)
    ui = annotator.page.evaluate("via.d.store.config.ui")
    assert ui["spatial_region_label_attribute_id"] == "3"


# ------------------------------------------------------------- drawing


def drawn(annotator) -> list[dict]:
    return [box for key, box in annotator.boxes().items() if "_p" not in key]


def test_a_drag_draws_while_a_box_is_selected(annotator):
    annotator.make().open()
    annotator.click(*PERSON_1)
    annotator.drag((0.1, 0.2), (0.2, 0.8))
    (box,) = drawn(annotator)
    assert box["xy"] == [2, *(pytest.approx(v, abs=1) for v in (64, 72, 64, 216))]
    # It is selected, so that it can be ticked at once, and the next one drawn at once too.
    annotator.tick("walk")
    annotator.drag((0.25, 0.2), (0.3, 0.8))
    annotator.tick("sit")
    assert [one["av"] for one in drawn(annotator)] == [{"2": "2"}, {"2": "1"}]
    assert "2" not in annotator.boxes()["1_p1"]["av"]


def test_a_drag_from_within_another_box_draws_too(annotator):
    annotator.make().open()
    annotator.drag((0.45, 0.5), (0.7, 0.95))
    (box,) = drawn(annotator)
    assert box["xy"] == [2, *(pytest.approx(v, abs=1) for v in (288, 180, 160, 162))]
    assert annotator.boxes()["1_p1"]["xy"] == [2, 256, 108, 96, 216]


@pytest.mark.parametrize("key", ["Control", "Alt"])
def test_a_key_draws_within_the_selected_box(annotator, key):
    annotator.make().open()
    annotator.click(*PERSON_1)
    annotator.page.keyboard.down(key)
    annotator.drag((0.45, 0.5), (0.5, 0.8))
    annotator.page.keyboard.up(key)
    (box,) = drawn(annotator)
    assert box["xy"] == [2, *(pytest.approx(v, abs=1) for v in (288, 180, 32, 108))]
    assert annotator.boxes()["1_p1"]["xy"] == [2, 256, 108, 96, 216]


def test_a_selected_box_is_moved_and_resized_as_ever(annotator):
    annotator.make().open()
    annotator.click(*PERSON_1)
    annotator.drag((0.475, 0.6), (0.575, 0.6))
    x, y, w, h = annotator.boxes()["1_p1"]["xy"][1:]
    assert (x, y, w, h) == pytest.approx((320, 108, 96, 216), abs=1)
    annotator.drag((0.652, 0.902), (0.75, 0.95))  # two or three pixels beside the handle
    x, y, w, h = annotator.boxes()["1_p1"]["xy"][1:]
    assert (x, y, w, h) == pytest.approx((320, 108, 160, 234), abs=1)
    assert drawn(annotator) == []
    annotator.click(0.2, 0.5)  # lets it go
    assert annotator.value("selected_mid_list") == []
    annotator.click(*PERSON_2)
    annotator.page.keyboard.press("Delete")
    assert "1_p2" not in annotator.boxes() and len(annotator.boxes()) == 5
    annotator.wait_for(".count", "0 of 5 boxes ticked")


def test_a_click_that_shakes_draws_nothing(annotator):
    annotator.make().open()
    x, y = annotator.at(0.2, 0.5)
    annotator.page.mouse.move(x, y)
    annotator.page.mouse.down()
    annotator.page.mouse.move(x + 2, y + 1)
    annotator.page.mouse.up()
    assert drawn(annotator) == []


# ------------------------------------------------------------- saving and opening again


def test_saving_says_how_much_is_ticked(annotator):
    annotator.make().open()
    assert annotator.text(".count") == "0 of 6 boxes ticked"
    assert annotator.text(".state") == "Nothing is changed yet."
    for _ in range(3):  # after the third image comes the first again
        annotator.click(*PERSON_1)
        annotator.tick("stand")
        annotator.page.keyboard.press("n")
        annotator.page.wait_for_selector("#input")
    annotator.wait_for(".state", "Not saved yet; a draft is kept in this browser.")
    path = annotator.save()
    assert path.name == "c-1_finish.json"
    annotator.wait_for(".state", "Saved, 3 of 6 boxes ticked, at ")
    table, _, _ = labels_of_project(
        read_project(path), "c-1", KEYFRAME_TABLE, TRACK_TABLE, ATTRIBUTES, 30, 1.5
    )
    assert [(r.second, r.person_id, r.action_id) for r in table.itertuples()] == [
        *((second, 1, 3) for second in (2, 3, 4))
    ]
    # The sign goes once it is no longer true, and comes back with the work.
    annotator.click(*PERSON_2)
    annotator.tick("sit")
    annotator.wait_for(".state", "Not saved yet")
    annotator.wait_for(".count", "4 of 6 boxes ticked")
    annotator.tick("sit")  # taken back
    annotator.wait_for(".count", "3 of 6 boxes ticked")
    assert annotator.boxes()["1_p2"]["av"]["2"] == ""


def test_a_finished_clip_opens_as_it_was_finished(annotator):
    annotator.make().open()
    annotator.click(*PERSON_1)
    annotator.tick("walk")
    annotator.tick("talk")
    annotator.drag((0.1, 0.2), (0.2, 0.8))
    annotator.tick("sit")
    finished = annotator.save()
    work = annotator.boxes()

    annotator.make(finished).open()
    assert annotator.boxes() == work
    assert annotator.text(".count") == "2 of 7 boxes ticked"
    annotator.wait_for(".state", f"As in {finished}.")
    # Its draft is the same work, so that there is nothing to offer.
    assert annotator.page.locator("#avaflow_panel .notice").is_hidden()
    assert annotator.page.evaluate("localStorage.length") == 0
    # Saved as it is, nothing is lost.
    again = annotator.save()
    assert json.loads(again.read_text())["metadata"] == work

    # What the config gained since can be ticked.
    more = [ACTIONS[0], ACTIONS[1] | {"options": ["stand", "sit", "walk", "run"]}]
    annotator.make(finished, more).open()
    annotator.click(*PERSON_1)
    annotator.tick("run")
    ticks = {box.key: box.ticks for box in read_project(annotator.save()).boxes}
    assert ticks["1_p1"] == (("head", "talk"), ("body", "run"))


def test_a_finished_project_that_cannot_be_opened_is_told(annotator):
    path = annotator.folder / "c-1_finish.json"
    path.write_text('{"project": {')
    annotator.make(path).open()
    assert "The finished project is not opened." in annotator.text(".notice")
    assert "found a file that is not JSON" in annotator.text(".notice")
    assert annotator.text(".count") == "0 of 6 boxes ticked"


# ------------------------------------------------------------- drafts


def test_a_draft_is_kept_opened_again_and_dropped(annotator):
    annotator.make().open()
    annotator.click(*PERSON_1)
    annotator.tick("walk")
    annotator.wait_for(".state", "a draft is kept")
    annotator.open()  # the page was closed without a word
    annotator.wait_for(".notice", "Opened: your draft of ")
    assert annotator.boxes()["1_p1"]["av"]["2"] == "2"
    assert annotator.text(".count") == "1 of 6 boxes ticked"
    annotator.page.locator("#avaflow_panel .notice button", has_text="Drop it").click()
    annotator.wait_for(".count", "0 of 6 boxes ticked")
    assert annotator.dialogs == ["Drop this draft? The clip opens as it was made again."]
    annotator.open()
    assert annotator.text(".count") == "0 of 6 boxes ticked"
    assert annotator.page.locator("#avaflow_panel .notice").is_hidden()


def test_a_draft_is_written_when_the_page_is_left_at_once(annotator):
    annotator.make().open()
    annotator.click(*PERSON_1)
    annotator.tick("walk")
    annotator.page.goto("about:blank")
    annotator.open()
    assert annotator.text(".count") == "1 of 6 boxes ticked"


def test_what_was_saved_but_not_moved_opens_again(annotator):
    annotator.make().open()
    annotator.click(*PERSON_1)
    annotator.tick("walk")
    annotator.save()
    annotator.open()
    annotator.wait_for(".notice", "Opened: what you saved at ")
    assert annotator.text(".count") == "1 of 6 boxes ticked"


def test_a_draft_of_a_page_made_anew_is_offered_and_never_written_over(annotator):
    annotator.make().open()
    annotator.click(*PERSON_1)
    annotator.tick("walk")
    annotator.wait_for(".state", "a draft is kept")

    moved = TRACK_TABLE.assign(x1=TRACK_TABLE["x1"] - 0.01)
    annotator.make(tracks=moved).open()
    annotator.wait_for(".notice", "The clip was made anew since your draft of ")
    assert annotator.text(".count") == "0 of 6 boxes ticked"
    annotator.click(*PERSON_1)
    annotator.tick("sit")
    annotator.wait_for(".state", "a draft is kept")
    annotator.page.locator(".notice button", has_text="Open that").click()
    annotator.wait_for(".notice", "Opened: your draft of ")
    assert annotator.boxes()["1_p1"]["av"]["2"] == "2"
    annotator.open()
    assert annotator.boxes()["1_p1"]["av"]["2"] == "2"
    assert annotator.page.evaluate("localStorage.length") == 1


def test_two_clips_have_two_drafts(annotator, tmp_path):
    annotator.make().open()
    annotator.click(*PERSON_1)
    annotator.tick("walk")
    annotator.wait_for(".state", "a draft is kept")
    shutil.copytree(tmp_path / "via", tmp_path / "other")
    annotator.page.goto((tmp_path / "other/c-1.html").as_uri())
    annotator.page.wait_for_selector("#input")
    assert annotator.text(".count") == "0 of 6 boxes ticked"


# ------------------------------------------------------------- another VIA


@pytest.mark.parametrize(
    "name",
    [
        *("_VIA_RINPUT_STATE", "_creg_draw_label", "_creg_draw_all", "_metadata_add"),
        *("_rinput_wheel_handler", "_is_user_input_pts_equal", "_creg_is_on_sel_region_cp"),
        *("_rinput_mousemove_handler", "_via_util_page_hide", "_creg_draw"),
    ],
)
def test_a_via_without_a_name_still_opens_ticks_and_saves(annotator, name):
    whole = rf"\b{name}\b"
    other = re.sub(whole, f"{name}_of_another_version", STAND_IN)
    assert other != STAND_IN
    annotator.make(via=other).open()
    annotator.click(*PERSON_1)
    annotator.tick("walk")
    read = read_project(annotator.save())
    assert {box.key: box.ticks for box in read.boxes}["1_p1"] == (("body", "walk"),)
    annotator.wait_for(".state", "Saved, 1 of 6 boxes ticked")


def test_a_browser_that_keeps_nothing_says_so(annotator):
    annotator.context.add_init_script(
        "Object.defineProperty(window, 'localStorage',"
        " {get: function () { throw new Error('denied'); }});"
    )
    annotator.make().open()
    annotator.click(*PERSON_1)
    annotator.tick("walk")
    annotator.wait_for(".state", "this browser keeps no draft: save often")
    assert annotator.save().exists()


# ------------------------------------------------------------- suggestions


@pytest.fixture
def suggested(annotator):
    """A page whose person 1 probably sits and talks on the first keyframe, and walks later."""
    spans = [
        ("body", "sit", 1.5, 2.5, 0.971, True),
        ("head", "talk", 1.5, 2.5, 0.999, True),
        ("head", ALERT, 1.5, 2.5, 0.7, False),
        ("body", "walk", 2.5, 4.5, 0.96, True),
    ]
    names = ("attribute", "option", "from", "to", "probability", "sure")
    told = {
        "format": "avaflow suggestions",
        "version": 1,
        "clip": "c-1",
        "fps": 30,
        "head": "abc",
        "persons": [{"track": 1, "spans": [dict(zip(names, one, strict=True)) for one in spans]}],
    }
    (annotator.folder / "suggestions").mkdir()
    (annotator.folder / "suggestions/c-1.js").write_text(
        f"window.AVAFLOW_SUGGESTIONS = {json.dumps(told)};\n".replace("<", "\\u003c")
    )
    return annotator.make().open()


def hints(annotator):
    return annotator.page.locator(".avaflow_hint").all_inner_texts()


def test_what_is_suggested_stands_beside_its_option_and_is_no_tick(suggested):
    suggested.click(*PERSON_1)
    suggested.page.wait_for_selector(".avaflow_hint")
    assert hints(suggested) == ["99 %?", "70 %?", "97 %?"]  # in the order of the options
    assert suggested.text(".count") == "0 of 6 boxes ticked"
    assert suggested.dialogs == []
    # By a click on it.
    suggested.page.locator(".avaflow_hint", has_text="97").click()
    assert hints(suggested) == ["99 %?", "70 %?"]
    suggested.wait_for(".count", "1 of 6 boxes ticked")
    box = suggested.boxes()["1_p1"]
    assert box["av"]["2"] == "1" and "1" not in box["av"]
    assert box["avaflow"]["accepted"] == [
        {"attribute": "body", "option": "sit", "probability": 0.971, "head": "abc"}
    ]
    ticked = suggested.page.locator("#smetadata_container input:checked")
    assert [each.get_attribute("value") for each in ticked.all()] == ["1"]


def test_a_key_ticks_all_that_is_sure_of_a_box(suggested):
    suggested.click(*PERSON_1)
    suggested.page.wait_for_selector(".avaflow_hint")
    suggested.page.keyboard.press("a")
    assert hints(suggested) == ["70 %?"]
    path = suggested.save()
    labels, *_ = labels_of_project(
        read_project(path), "c-1", KEYFRAME_TABLE, TRACK_TABLE, ATTRIBUTES, 30, 1.5
    )
    ids = sorted(labels[["second", "person_id", "action_id"]].itertuples(index=False, name=None))
    assert ids == [(2, 1, 1), (2, 1, 4)]
    # What was ticked by hand is suggested no more, and of "one of these" nothing else.
    suggested.page.keyboard.press("n")
    suggested.page.wait_for_selector("#input")
    suggested.click(*PERSON_1)
    suggested.page.wait_for_selector(".avaflow_hint")
    assert hints(suggested) == ["96 %?"]
    suggested.tick("stand")
    suggested.page.wait_for_selector(".avaflow_hint", state="detached")
