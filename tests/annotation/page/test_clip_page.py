"""The page of a clip under real keys and a real mouse: Chromium opens it from disk."""

import functools
import json

import cv2
import numpy as np
import pytest

from numbered_videos import read_number
from page_clips import (
    ASSETS,
    ATTRIBUTES,
    DESK,
    FRAMES,
    LAPTOP,
    WIDTH,
    clip,
    many,
    track,
)

PERSON_1, PERSON_2, PERSON_3 = (0.17, 0.55), (0.47, 0.55), (0.77, 0.55)
END_S = pytest.approx(171 / 30, abs=0.001)
"""Where the last frame ends on which somebody was looked at: 171."""


# ------------------------------------------------------------- spans


def test_a_key_begins_an_action_and_ends_it(annotator):
    annotator.open()
    assert annotator.value("chosen") == 1
    annotator.seek(61)
    annotator.press("2")
    assert annotator.spans(1) == [("sit", 2, END_S)]
    annotator.seek(91)
    annotator.press("3")  # single: sitting ends where walking begins
    annotator.seek(121)
    annotator.press("3")
    assert annotator.spans(1) == [("sit", 2, 3), ("walk", 3, 4)]
    annotator.press("4")  # multiple: talking leaves the body alone
    assert annotator.spans(1) == [("sit", 2, 3), ("walk", 3, 4), ("talk", 4, END_S)]


def test_a_key_while_playing_is_moved_back_by_the_time_to_react(annotator):
    annotator.open(clip(settings={"reaction_ms": 400}))
    annotator.seek(61)
    annotator.press(" ")
    annotator.until("avaflow.app.player.frame > 66")
    before = annotator.value("player.frame")
    annotator.press("2")
    after = annotator.value("player.frame")
    annotator.press(" ")
    ((option, begin, end),) = annotator.spans(1)
    assert option == "sit" and end == END_S
    assert (before - 1) / 30 - 0.401 <= begin <= (after - 1) / 30 - 0.399
    # At rest nothing is taken back.
    annotator.seek(121)
    annotator.press("3")
    assert annotator.spans(1)[1][:2] == ("walk", 4)


def test_shift_sets_it_for_the_whole_time_and_alt_for_everybody(annotator):
    annotator.open()
    annotator.press("Shift+1")
    assert annotator.spans(1) == [("stand", 0, END_S)]
    annotator.press("Shift+1")
    assert annotator.spans(1) == []
    annotator.seek(91)
    annotator.press("Alt+2")
    assert [annotator.spans(n) for n in (1, 2, 3)] == [
        [("sit", 3, END_S)],
        [("sit", 3, END_S)],
        [("sit", 3, pytest.approx(121 / 30, abs=0.001))],
    ]
    annotator.press("Control+z")  # for everybody, in one
    assert [annotator.spans(n) for n in (1, 2, 3)] == [[], [], []]
    annotator.seek(31)  # person 3 is not there yet
    annotator.press("Alt+2")
    assert annotator.spans(3) == []


def test_an_action_of_somebody_who_is_not_seen_is_refused(annotator):
    annotator.open()
    annotator.press("p", "3")
    annotator.seek(31)
    annotator.press("1")
    assert annotator.spans(3) == []
    annotator.wait_for("#told", "Person 3 is not seen here.")


def test_the_end_of_a_span_is_dragged(annotator):
    annotator.open()
    annotator.seek(61)
    annotator.press("2")
    canvas = annotator.page.locator("#timeline .inner canvas").bounding_box()
    x = functools.partial(annotator.page.evaluate, "(s) => avaflow.app.timeline.x(s)")
    # The first lane of the first row, which is the chosen person's.
    y = canvas["y"] + 12
    annotator.page.mouse.move(canvas["x"] + x(171 / 30) - 1, y)
    annotator.page.mouse.down()
    annotator.page.mouse.move(canvas["x"] + x(4.5), y, steps=5)
    annotator.page.mouse.move(canvas["x"] + x(4.0), y, steps=5)
    annotator.page.mouse.up()
    ((option, begin, end),) = annotator.spans(1)
    assert (option, begin) == ("sit", 2) and end == pytest.approx(4, abs=0.04)
    assert annotator.value("player.frame") == pytest.approx(121, abs=1)  # the picture follows
    annotator.press("Control+z")  # one drag is one step
    assert annotator.spans(1) == [("sit", 2, END_S)]


def test_actions_are_copied_to_another_person(annotator):
    annotator.open()
    annotator.press("Shift+2", "y", "3")
    # In a question for a person a digit is a person, whatever it is else.
    assert annotator.spans(3) == [("sit", 2, pytest.approx(121 / 30, abs=0.001))]


# ------------------------------------------------------------- judging


def test_only_what_is_judged_counts(annotator):
    annotator.open()
    assert annotator.text("#progress") == "0 of 11 s judged"
    annotator.press("Shift+2")
    assert annotator.text("#progress") == "0 of 11 s judged"
    annotator.press("Enter")
    assert annotator.text("#progress") == "4 of 11 s judged"
    assert annotator.value("chosen") == 2  # the next one to judge
    annotator.seek(61)
    annotator.press("Shift+Enter")
    assert annotator.text("#progress") == "6 of 11 s judged"
    assert annotator.persons()[2]["judged"] == [[0, pytest.approx(61 / 30, abs=0.001)]]
    annotator.press("Backspace")
    assert annotator.text("#progress") == "4 of 11 s judged"
    annotator.press("x")  # not a person: nothing to judge
    assert annotator.text("#progress") == "4 of 7 s judged"
    annotator.press("n", "i")
    assert annotator.value("chosen") == 3
    assert annotator.text("#progress") == "4 of 4 s judged"


def test_the_strip_shows_each_keyframe_of_the_chosen_person(annotator):
    annotator.open()
    annotator.press("Shift+2", "p", "3")
    annotator.seek(91)
    annotator.press("1", "Shift+Enter")
    cells = annotator.page.locator("#strip button")
    assert [c.get_attribute("aria-label") for c in cells.all()] == [
        "Second 2: nothing, judged",
        "Second 3: stand, judged",
        "Second 4: stand, not judged",
    ]
    annotator.until("document.querySelectorAll('#strip canvas[data-drawn]').length === 3")
    cells.nth(2).click()
    assert annotator.value("player.frame") == 121
    # Judged at a glance: two inputs for the person, all keyframes.
    assert cells.nth(2).get_attribute("aria-current") == "true"


# ------------------------------------------------------------- playing


def number_on_screen(annotator) -> int:
    # Below the boxes and their handles, where the video is alone.
    box = annotator.page.locator("#picture").bounding_box()
    part = {**box, "y": box["y"] + box["height"] * 0.9, "height": box["height"] * 0.08}
    image = cv2.imdecode(np.frombuffer(annotator.page.screenshot(clip=part), np.uint8), 1)
    return read_number(image)


def seen_frame(annotator) -> int:
    """The number of the frame on the screen, once it has been the same for a while.

    A busy machine shows a frame some time after the browser says that it is there.
    """
    last, same = -1, 0
    while same < 3:
        annotator.page.wait_for_timeout(100)
        now = number_on_screen(annotator)
        last, same = now, same + 1 if now == last else 0
    return last


def test_the_frame_that_is_said_is_the_one_that_is_seen(annotator):
    annotator.open()
    for frame in (1, 2, 31, 97, FRAMES):
        annotator.seek(frame)
        assert seen_frame(annotator) == frame
    annotator.seek(61)
    annotator.press("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft")
    annotator.until("!avaflow.app.player.seeking")
    assert annotator.value("player.frame") == seen_frame(annotator) == 63
    annotator.press("Shift+ArrowRight")
    assert annotator.value("player.frame") == 91
    annotator.press("Shift+ArrowLeft", "Shift+ArrowLeft")
    assert annotator.value("player.frame") == 31
    assert annotator.text("#frame") == "frame 31 · keyframe"
    # Stopped while it plays, the number is the picture's too.
    annotator.press(" ")
    annotator.until("avaflow.app.player.frame > 40")
    annotator.press(" ")
    annotator.until("!avaflow.app.player.seeking")
    assert annotator.value("player.frame") == seen_frame(annotator)


def test_the_speed_is_kept_for_the_clips_that_follow(annotator):
    annotator.open().press("+", "+")
    annotator.open(clip("c-2"))
    assert annotator.value("player.video.playbackRate") == 2
    assert annotator.page.locator("#rate").input_value() == "2"
    annotator.press(" ")
    annotator.until("avaflow.app.player.playing && avaflow.app.player.frame > 5")
    assert annotator.value("player.video.playbackRate") == 2


def test_speed_and_a_loop_around_a_keyframe(annotator):
    annotator.open()
    annotator.press("-", "-", "-")
    assert annotator.value("player.video.playbackRate") == 0.25
    annotator.press(*"+" * 9)
    assert annotator.value("player.video.playbackRate") == 3
    annotator.seek(92)
    annotator.press("l")
    assert annotator.value("player.loop") == {"from": 61, "to": 121}
    seen = annotator.page.evaluate(
        """() => new Promise((done) => {
          const seen = new Set();
          const {player} = avaflow.app;
          const look = setInterval(() => seen.add(player.frame), 5);
          setTimeout(() => { clearInterval(look); done([...seen]); }, 2500);
        })"""
    )
    assert min(seen) >= 61 and max(seen) <= 122 and len(seen) > 10
    annotator.press("l", " ")
    assert annotator.value("player.loop") is None


def test_a_loop_comes_along_to_where_somebody_goes(annotator):
    annotator.open()
    annotator.seek(92)
    annotator.press("l")
    annotator.until("avaflow.app.player.playing")
    annotator.press("Enter")  # the next person, from their first keyframe
    assert annotator.value("player.loop") == {"from": 1, "to": 61}
    annotator.page.wait_for_timeout(300)
    assert annotator.value("player.playing") and annotator.value("player.frame") <= 62
    annotator.seek(160)  # no keyframe is so near: around the frame itself
    assert annotator.value("player.loop") == {"from": 130, "to": 180}
    assert annotator.value("player.frame") == 160


def test_a_video_that_cannot_be_played_is_told_and_keyframes_stand_in(annotator, results):
    (results / "clips/broken.mp4").write_bytes(b"no video")
    annotator.open(clip(video="../clips/broken.mp4"))
    annotator.wait_for(".notice", "This browser cannot play the video.")
    annotator.seek(61)
    assert annotator.page.locator("#still").get_attribute("src") == "../keyframes/61.jpg"
    annotator.press(" ")
    annotator.until("avaflow.app.player.frame > 75")
    annotator.press(" ")
    annotator.seek(91)
    annotator.press("2")
    assert annotator.spans(1) == [("sit", 3, END_S)]


# ------------------------------------------------------------- choosing


def test_persons_are_chosen_by_click_tab_arrows_and_number(annotator):
    annotator.open(clip(tracks=[track(n, 0.02 + 0.07 * (n - 1)) for n in range(1, 13)]))
    annotator.click(0.45 + 0.13, 0.6)
    assert annotator.value("chosen") in (7, 8)
    annotator.press("p", "1", "2")
    assert annotator.value("chosen") == 12
    annotator.press("p", "1", "Enter")
    annotator.until("avaflow.app.chosen === 1")
    annotator.page.locator("#stage").focus()
    annotator.press("Tab", "Tab")
    assert annotator.value("chosen") == 3
    annotator.press("Shift+Tab", "ArrowDown", "ArrowDown")
    assert annotator.value("chosen") == 4
    annotator.press("8")  # no action's key: a person
    assert annotator.value("chosen") == 8


def test_the_whole_row_of_the_chosen_one_is_in_sight(annotator):
    annotator.open(many(30, 20))
    annotator.page.evaluate("avaflow.app.chosen = 0; avaflow.app.refresh()")  # no row is tall
    annotator.press("p", "3", "0")
    row, below = annotator.page.evaluate(
        """(() => {
          const {body, places, height} = avaflow.app.timeline;
          const row = places.find((one) => one.chosen);
          return [row.height, body.scrollTop + height - row.top - row.height];
        })()"""
    )
    assert row > 40 and below >= 0


def test_a_near_picture_goes_on_with_whoever_is_chosen(annotator):
    annotator.open()
    annotator.seek(61)
    annotator.press("z")
    assert annotator.value("boxes.centre") == near([0.175, 0.55])
    annotator.press("Tab")
    assert annotator.value("boxes.zoom") > 1
    assert annotator.value("boxes.centre") == near([0.475, 0.55])
    annotator.press("z")
    assert annotator.value("boxes.zoom") == 1


def test_all_parts_are_reached_without_a_mouse(annotator):
    annotator.open()
    annotator.page.locator("#stage").focus()
    seen = []
    for _ in range(5):
        annotator.press("F6")
        seen.append(
            annotator.page.evaluate(
                "(document.activeElement.closest('section, aside, header')).id || 'header'"
            )
        )
    assert seen == ["panel", "strip", "timeline", "header", "player"]


# ------------------------------------------------------------- boxes


def near(box):
    return [pytest.approx(v, abs=0.01) for v in box]


def test_a_box_is_moved_resized_deleted_and_comes_back(annotator):
    annotator.open()
    annotator.seek(61)
    annotator.drag(PERSON_1, (0.27, 0.55))
    assert annotator.persons()[1]["boxes"] == [{"second": 2, "box": near([0.2, 0.3, 0.35, 0.8])}]
    annotator.drag((0.35, 0.8), (0.4, 0.9))
    assert annotator.persons()[1]["boxes"] == [{"second": 2, "box": near([0.2, 0.3, 0.4, 0.9])}]
    # Half a second away the track is as it was; nearer it bends to the mended box.
    boxes = annotator.page.evaluate(
        """() => [46, 54, 61, 76].map((frame) =>
             avaflow.tracks.boxAt(avaflow.app.person(1), frame, avaflow.app.clip).box)"""
    )
    assert boxes == [
        near(b)
        for b in (
            [0.1, 0.3, 0.25, 0.8],
            [0.153, 0.3, 0.33, 0.853],
            [0.2, 0.3, 0.4, 0.9],
            [0.1, 0.3, 0.25, 0.8],
        )
    ]
    annotator.press("Delete")
    assert annotator.persons()[1]["removed"] == [2]
    assert annotator.persons()[1]["boxes"] == []
    assert annotator.text("#progress") == "0 of 10 s judged"
    annotator.press("Control+z", "Control+z", "Control+z")
    assert annotator.persons()[1]["boxes"] == annotator.persons()[1]["removed"] == []


def test_off_a_keyframe_a_drag_goes_to_the_nearest_one(annotator):
    annotator.open()
    annotator.seek(65)
    annotator.drag(PERSON_1, (0.27, 0.55))
    assert annotator.persons()[1]["boxes"] == []
    assert annotator.value("player.frame") == 61
    annotator.wait_for("#told", "Boxes are mended on keyframes")


def test_somebody_without_a_box_is_drawn_and_followed(annotator):
    annotator.open()
    annotator.seek(31)
    annotator.press("d")
    annotator.drag((0.55, 0.1), (0.65, 0.3))
    assert annotator.value("chosen") == 4
    assert annotator.persons()[4]["boxes"] == [{"second": 1, "box": near([0.55, 0.1, 0.65, 0.3])}]
    # Mended two keyframes on, there is a box on the one between, without an input.
    annotator.seek(91)
    annotator.page.evaluate("avaflow.app.mend(4, 3, [0.65, 0.1, 0.75, 0.3])")
    assert annotator.text("#progress") == "0 of 14 s judged"
    # Farther apart than three seconds nobody knows, until it is asked for.
    annotator.page.evaluate("avaflow.app.edit((d) => avaflow.model.unmend(d, 4, 3))")
    annotator.seek(121)
    annotator.page.evaluate("avaflow.app.mend(4, 4, [0.85, 0.1, 0.95, 0.3])")
    assert [b["second"] for b in annotator.persons()[4]["boxes"]] == [1, 4]
    annotator.press("f")
    boxes = annotator.persons()[4]["boxes"]
    assert [b["second"] for b in boxes] == [1, 2, 3, 4]
    assert boxes[1]["box"] == near([0.65, 0.1, 0.75, 0.3])


def test_a_box_is_drawn_and_moved_by_keys_alone(annotator):
    annotator.open()
    annotator.seek(31)
    annotator.press("d", "Enter")
    x1, y1, x2, y2 = annotator.persons()[4]["boxes"][0]["box"]
    annotator.press("ArrowRight", "ArrowRight", "ArrowDown", "Shift+ArrowRight", "Enter")
    moved = annotator.persons()[4]["boxes"][0]["box"]
    step = 2 / WIDTH
    assert moved == [
        pytest.approx(v, abs=1e-5)
        for v in (x1 + 2 * step, y1 + 2 / 108, x2 + 3 * step, y2 + 2 / 108)
    ]
    annotator.press("ArrowRight")  # the box is done: a frame forward
    assert annotator.value("player.frame") == 32


def test_a_known_person_gets_a_box_where_there_is_none(annotator):
    annotator.open()
    annotator.seek(31)
    annotator.press("d")
    annotator.drag((0.55, 0.1), (0.65, 0.3))
    annotator.press("Shift+ArrowRight", "d", "4")  # the number says whose box it is
    assert "Draw the box of person 4 at second 2" in annotator.text("#mode")
    annotator.drag((0.6, 0.1), (0.7, 0.3))
    # Without a mouse it begins where the person was last.
    annotator.press("Shift+ArrowRight", "b", "ArrowRight", "Enter")
    annotator.press("Shift+ArrowRight", "d", "4", "Enter")
    assert annotator.text("#mode").startswith("Box of person 4 at second 4")
    assert annotator.text("#mode button").startswith("Done")
    annotator.press("Enter")
    assert annotator.page.locator("#mode").is_hidden()
    boxes = [(one["second"], one["box"]) for one in annotator.persons()[4]["boxes"]]
    moved = near([0.61, 0.1, 0.71, 0.3])
    assert boxes == [
        (1, near([0.55, 0.1, 0.65, 0.3])),
        (2, near([0.6, 0.1, 0.7, 0.3])),
        (3, moved),
        (4, moved),
    ]
    assert sorted(annotator.persons()) == [1, 2, 3, 4]


def test_whose_last_box_is_deleted_is_gone(annotator):
    annotator.open()
    annotator.seek(31)
    annotator.press("d", "Enter", "Enter", "Delete")
    annotator.wait_for("#told", "Person 4 is gone: that was the last box.")
    assert sorted(annotator.persons()) == [1, 2, 3]
    annotator.press("Control+z")
    assert annotator.persons()[4]["boxes"] and annotator.value("chosen") == 4


# ------------------------------------------------------------- going back


def test_what_is_undone_is_said_and_seen(annotator):
    annotator.open()
    annotator.seek(61)
    annotator.press("c")
    assert annotator.value("chosen") == 4
    annotator.press("Control+z")
    annotator.wait_for("#told", "Undone: Person 1 is cut at 0:02.0.")
    assert annotator.value("chosen") == 1
    annotator.press("Shift+2", "Enter")
    assert annotator.value("chosen") == 2
    annotator.press("Control+z")
    annotator.wait_for("#told", "Undone: Person 1 is judged.")
    assert annotator.value("chosen") == 1
    annotator.press("Control+z", "p", "3", "Control+y")
    annotator.wait_for("#told", "Done again: sit: the whole time of person 1.")
    assert annotator.value("chosen") == 1


# ------------------------------------------------------------- identities


def test_two_are_joined_cut_and_swapped_by_two_inputs(annotator):
    annotator.open(clip(tracks=[track(1, 0.1, 1, 81), track(2, 0.4), track(3, 0.7, 91, 171)]))
    annotator.press("j", "3")
    assert sorted(annotator.persons()) == [1, 2]
    assert [t["track"] for t in annotator.persons()[1]["tracks"]] == [1, 3]
    annotator.press("j")
    annotator.click(*PERSON_2)  # a click answers as well
    assert sorted(annotator.persons()) == [1]
    annotator.press("Control+z", "Control+z")
    assert sorted(annotator.persons()) == [1, 2, 3]
    annotator.seek(61)
    annotator.press("c")
    assert annotator.persons()[4]["tracks"] == [{"track": 1, "from": 61, "to": 81}]
    annotator.press("Control+z", "p", "1", "s", "2")
    assert annotator.persons()[1]["tracks"] == [
        {"track": 1, "from": 1, "to": 60},
        {"track": 2, "from": 61, "to": 171},
    ]
    annotator.press("j", "Escape")
    assert annotator.page.locator("#mode").is_hidden()


def test_two_boxes_on_one_person_stay_joined(annotator):
    """Two tracks that are seen together: nothing of the second is left to hold."""
    given = clip(tracks=[track(2, 0.1), track(1, 0.11, 21, 161)])
    annotator.open(given)
    annotator.press("p", "2", "j", "1")
    annotator.wait_for("#told", "Both were on 4 keyframes: there the boxes of 2 count.")
    annotator.press("Enter")
    assert annotator.text("#progress") == "4 of 4 s judged"
    file = json.loads(annotator.save().read_text())
    (saved,) = file["persons"]
    assert [row[0] for part in saved["tracks"] for row in part["anchors"]] == [31, 61, 91, 121]
    assert saved["tracks"][0]["anchors"][0] == [31, 0.1, 0.3, 0.25, 0.8]
    annotator.page.evaluate("localStorage.clear()")
    annotator.open({**given, "finished": file})
    assert sorted(annotator.persons()) == [2]
    assert annotator.text("#progress") == "4 of 4 s judged"


def test_doubts_are_asked_one_after_the_other(annotator):
    doubts = [
        {"kind": "join", "tracks": [1, 3], "frame": 91, "distance": 0.23},
        {"kind": "join", "tracks": [1, 2], "frame": 31, "distance": 0.25},
        {"kind": "short", "tracks": [2], "frame": 61},
    ]
    given = clip(
        doubts=doubts,
        tracks=[track(1, 0.1, 1, 81), track(2, 0.4), track(3, 0.7, 91, 171)],
    )
    annotator.open(given)
    assert annotator.text("#doubts").startswith("3 doubts")
    annotator.press("q")
    assert "Are person 1 and person 3 the same?" in annotator.text("#mode")
    assert annotator.value("player.frame") == 91
    annotator.press("y")
    assert "Are person 1 and person 2 the same?" in annotator.text("#mode")
    annotator.press("n")
    assert "Is person 2 a person?" in annotator.text("#mode")
    annotator.press("n")
    assert annotator.page.locator("#doubts").is_hidden()
    assert sorted(annotator.persons()) == [1, 2]
    assert annotator.persons()[2]["kind"] == "not a person"
    annotator.press("Control+z")  # the question is open again
    assert annotator.text("#doubts").startswith("1 doubt ")
    annotator.open(given)  # and what was answered stays so
    assert annotator.text("#doubts").startswith("1 doubt ")


# ------------------------------------------------------------- seen by everybody


@pytest.mark.parametrize("viewport", [LAPTOP, DESK])
def test_all_is_in_sight_and_the_video_is_large(annotator, viewport):
    annotator.open(viewport=viewport)
    annotator.page.wait_for_timeout(100)
    for part in (
        "#save",
        "#panel .options button >> nth=-1",
        "#panel .actions button >> nth=-1",
        "#strip button >> nth=0",
        "#timeline .rows button >> nth=2",
        "#controls #told",
    ):
        box = annotator.page.locator(part).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= viewport["height"], part
        assert box["x"] >= 0 and box["x"] + box["width"] <= viewport["width"], part
    picture = annotator.page.locator("#picture").bounding_box()
    assert picture["height"] > 0.5 * viewport["height"]
    size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    assert annotator.page.evaluate(size) == [viewport["width"], viewport["height"]]


def test_messages_are_not_cut_on_a_laptop(annotator):
    annotator.open()
    tall = annotator.page.locator("#controls").bounding_box()["height"]
    annotator.press("f")  # one of the longest
    annotator.wait_for("#told", "first; then here, on the later one.")
    room = "(({scrollHeight, clientHeight, scrollWidth, clientWidth}) =>"
    room += " [scrollHeight - clientHeight, scrollWidth - clientWidth])"
    cut = annotator.page.evaluate(f"{room}(document.querySelector('#told'))")
    assert cut == [0, 0]
    assert annotator.page.locator("#controls").bounding_box()["height"] == tall


PAIRS = [
    *(
        (text, ground)
        for text in ("ink", "soft", "blue", "green", "amber", "red")
        for ground in ("card", "ground")
    ),
    *(("ink", ground) for ground in ("seen", "chosen", "press")),
    *(("soft", ground) for ground in ("seen", "chosen")),
    ("on-blue", "blue"),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(annotator, theme):
    annotator.open()
    annotator.page.emulate_media(color_scheme=theme)
    ratios = annotator.page.evaluate(
        """(pairs) => {
          const style = getComputedStyle(document.documentElement);
          const {luminance} = avaflow.colours;
          return pairs.map(([text, ground]) => {
            const [a, b] = [text, ground]
              .map((name) => luminance(style.getPropertyValue('--' + name).trim()))
              .sort((x, y) => y - x);
            return (a + 0.05) / (b + 0.05);
          });
        }""",
        PAIRS,
    )
    low = [(pair, round(r, 2)) for pair, r in zip(PAIRS, ratios, strict=True) if r < 4.5]
    assert low == []
    chips = annotator.page.evaluate(
        """() => Array.from({length: 14}, (_, n) => {
          const ground = avaflow.colours.ofPerson(n + 1);
          const [a, b] = [ground, avaflow.colours.textOn(ground)].map(avaflow.colours.luminance)
            .sort((x, y) => y - x);
          return (a + 0.05) / (b + 0.05);
        })"""
    )
    assert min(chips) >= 4.5


def test_every_button_has_a_name(annotator):
    annotator.open()
    annotator.press("Shift+2")
    nameless = annotator.page.evaluate(
        """() => [...document.querySelectorAll('button, select, input, a')].filter((one) =>
             !(one.getAttribute('aria-label') || one.textContent || one.title || '').trim() &&
             !one.labels?.length).map((one) => one.outerHTML)"""
    )
    assert nameless == []
    assert annotator.page.locator("#panel [aria-pressed=true]").inner_text().startswith("2")
    rows = annotator.page.locator("#timeline [role=option]")
    assert rows.first.get_attribute("aria-label") == "Person 1, 0 of 4"
    assert annotator.text("#told") == "sit: the whole time of person 1"


def test_a_key_is_changed_and_kept(annotator):
    annotator.open()
    annotator.press("?")
    annotator.page.locator('.key[data-command="judge"]').click()
    annotator.press("w")
    annotator.press("Escape")
    annotator.press("w")
    assert annotator.text("#progress") == "4 of 11 s judged"
    assert "Judged\u2009W".replace("\u2009", "") in annotator.text(
        '#panel [data-command="judge"]'
    ).replace(" ", "").replace("\n", "")
    annotator.open()
    annotator.press("w")
    assert annotator.text("#progress") == "8 of 11 s judged"


def test_keys_of_actions_come_before_those_of_commands(annotator):
    attributes = [{**ATTRIBUTES[0], "keys": ["s", "j", "w"]}]
    annotator.open(clip(attributes=attributes))
    annotator.seek(31)
    annotator.press("j")
    assert annotator.spans(1) == [("sit", 1, END_S)]
    keys = annotator.page.evaluate("[...avaflow.app.keys.commands.values()].map((c) => c.key)")
    assert len(keys) == len(set(keys)) and all(keys)


def test_nothing_comes_from_elsewhere():
    for path in ASSETS.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "http://" not in text and "https://" not in text, path.name


def test_a_link_opens_a_person_on_a_keyframe(annotator, results):
    address = (results / "annotate" / "c-1.html").as_uri()
    annotator.open(address=address + "#second=3&person=2")
    assert annotator.value("chosen") == 2
    annotator.until("avaflow.app.player.frame === 91")
    # Another link to the page that is open already, and one that names nobody who is there.
    annotator.page.evaluate("location.hash = '#second=4&person=3'")
    annotator.until("avaflow.app.player.frame === 121 && avaflow.app.chosen === 3")
    annotator.page.evaluate("location.hash = '#second=99&person=77'")
    annotator.page.wait_for_timeout(100)
    assert (annotator.value("chosen"), annotator.value("player.frame")) == (3, 121)
