"""From finished projects to labels: every tick is honoured or refused, by hand-made cases."""

import csv
import json
import random
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from avaflow.annotation.labels import labels_of_project, unticked_boxes, with_warnings
from avaflow.annotation.via import parse_project, project, read_project, write_project
from avaflow.errors import UserError
from avaflow.formats.ava import csv_text, rows_of_labels
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.tables import BOX, KEYFRAMES, LABELS, NOTES, TRACKS, UNTICKED, write_table
from via_projects import ATTRIBUTES as SAVED_ATTRIBUTES
from via_projects import IMAGE, SECONDS, saved_by_via, scrawled

SHARED = Path(__file__).parents[3] / "shared"
FPS = 30

ACTIONS = [
    {"attribute": "head", "choose": "multiple", "options": ["talk", "bow"]},
    {"attribute": "body", "choose": "single", "options": ["stand", "sit", "walk"]},
]
ATTRIBUTES = attributes_from_config(ACTIONS)
TALK, BOW, STAND, SIT, WALK = 1, 2, 3, 4, 5

# An image of 1000 x 500 px at seconds 2 to 5. Person 1 stands at the left throughout;
# person 2 stands at the right and is not seen by the tracker at seconds 4 and 5, but is
# again ten frames after second 4. Person 3 appears only between keyframes.
KEYFRAME_TABLE = pd.DataFrame(
    [(s, 30 * s + 1, f"c-1_{30 * s + 1:06d}.jpg", 1000, 500, f"sha{s}") for s in (2, 3, 4, 5)],
    columns=list(KEYFRAMES),
)
LEFT = (0.1, 0.2, 0.2, 0.8)
RIGHT = (0.6, 0.2, 0.7, 0.8)
MIDDLE = (0.4, 0.2, 0.5, 0.8)
TRACK_TABLE = pd.DataFrame(
    [
        *((30 * s + 1, 1, *LEFT, 0.9) for s in (2, 3, 4, 5)),
        (61, 2, *RIGHT, 0.9),
        (91, 2, *RIGHT, 0.9),
        (106, 2, 0.61, 0.2, 0.71, 0.8, 0.9),
        (131, 2, 0.63, 0.2, 0.73, 0.8, 0.9),
        (56, 3, *MIDDLE, 0.9),
        (66, 3, *MIDDLE, 0.9),
    ],
    columns=list(TRACKS),
)


def awaiting() -> dict:
    return project("c-1", KEYFRAME_TABLE, TRACK_TABLE, ATTRIBUTES, "../keyframes/c-1", 1.5)


def px(box: tuple) -> list:
    x1, y1, x2, y2 = box
    return [2, 1000 * x1, 500 * y1, 1000 * (x2 - x1), 500 * (y2 - y1)]


def tick(content: dict, key: str, head: str = "", body: str = "", person: str | None = None):
    av = content["metadata"][key]["av"]
    av |= {aid: value for aid, value in (("1", head), ("2", body)) if value}
    if person is not None:
        av["3"] = person


def draw(content: dict, key: str, box: tuple, body: str = "0", person: str = ""):
    """A box as VIA adds it for a drag: a random key, no entry of ours."""
    av = {"2": body} if body else {}
    content["metadata"][key] = {
        "vid": key.split("_")[0],
        "flg": 0,
        "z": [],
        "xy": px(box),
        "av": av | ({"3": person} if person else {}),
    }


def labels(tmp_path, content, tracks=TRACK_TABLE, keyframes=KEYFRAME_TABLE, attributes=ATTRIBUTES):
    path = tmp_path / "c-1_finish.json"
    path.write_text(json.dumps(content))
    table, notes, warnings = labels_of_project(
        read_project(path), "c-1", keyframes, tracks, attributes, FPS
    )
    assert list(table.columns) == list(LABELS) and list(notes.columns) == list(NOTES)
    write_table(tmp_path / "l.csv", table, LABELS)  # types fit
    write_table(tmp_path / "n.csv", notes, NOTES)
    return table, notes, warnings


def rows(table: pd.DataFrame) -> list[tuple]:
    return [(r.second, r.person_id, r.action_id) for r in table.itertuples()]


def refused(tmp_path, content, **options) -> str:
    with pytest.raises(UserError) as error:
        labels(tmp_path, content, **options)
    assert "c-1_finish.json" in str(error.value)
    return str(error.value)


# ------------------------------------------------------------- what is labelled


def test_ticks_become_sorted_rows_and_nothing_else_does(tmp_path):
    content = awaiting()
    tick(content, "2_p2", body="2", head="1,0")  # ticked bow, then talk
    tick(content, "1_p1", body="0")
    table, notes, warnings = labels(tmp_path, content)
    assert rows(table) == [(2, 1, STAND), (3, 2, TALK), (3, 2, BOW), (3, 2, WALK)]
    assert table[BOX].to_numpy().tolist() == [
        pytest.approx(LEFT),
        *[pytest.approx(RIGHT)] * 3,
    ]
    assert warnings == []
    assert sorted(zip(notes["second"], notes["person_id"], notes["note"], strict=True)) == [
        (2, "2", "no action ticked"),
        (3, "1", "no action ticked"),
        (4, "1", "no action ticked"),
        (5, "1", "no action ticked"),
    ]


def test_moved_deleted_and_renumbered_boxes(tmp_path):
    content = awaiting()
    content["metadata"]["1_p1"]["xy"] = [2, 150, 50, 100, 300]
    tick(content, "1_p1", body="0")
    del content["metadata"]["1_p2"]
    tick(content, "2_p2", body="1", person="9")
    table, notes, _ = labels(tmp_path, content)
    assert rows(table) == [(2, 1, STAND), (3, 9, SIT)]
    assert table.loc[0, BOX].tolist() == pytest.approx([0.15, 0.1, 0.25, 0.7])
    deleted = notes[notes["note"] == "deleted in VIA"]
    assert deleted[["second", "box", "person_id"]].to_numpy().tolist() == [
        [2, "600.0 100.0 100.0 300.0", "2"]
    ]


def test_backward_and_overhanging_boxes(tmp_path):
    content = awaiting()
    content["metadata"]["1_p1"]["xy"] = [2, 200, 400, -100, -300]
    content["metadata"]["1_p2"]["xy"] = [2, 900, -50, 300, 300]
    tick(content, "1_p1", body="0")
    tick(content, "1_p2", body="0")
    table, notes, _ = labels(tmp_path, content)
    assert table.loc[0, BOX].tolist() == pytest.approx([0.1, 0.2, 0.2, 0.8])
    assert table.loc[1, BOX].tolist() == pytest.approx([0.9, 0.0, 1.0, 0.5])
    cut = notes[notes["note"].str.contains("cut to it")]
    assert cut["person_id"].tolist() == ["2"]


def test_slips_of_the_mouse_are_noted(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="0")
    draw(content, "3_aaaaaaaa", (0.5, 0.5, 0.501, 0.502), body="")
    _, notes, _ = labels(tmp_path, content)
    slip = notes[notes["note"].str.contains("slip of the mouse")]
    assert slip[["second", "box", "person_id"]].to_numpy().tolist() == [
        [4, "500.0 250.0 1.0 1.0", ""]
    ]


def test_project_saved_by_via(tmp_path):
    width, height = IMAGE
    keyframes = pd.DataFrame(
        [(s, 30 * s + 1, f"h-2_{s:06d}.jpg", width, height, "") for s in SECONDS],
        columns=list(KEYFRAMES),
    )
    path = tmp_path / "h-2_finish.json"
    path.write_text(json.dumps(saved_by_via()))
    table, notes, warnings = labels_of_project(
        read_project(path),
        "h-2",
        keyframes,
        TRACK_TABLE.iloc[:0],
        attributes_from_config(SAVED_ATTRIBUTES),
        FPS,
    )
    # talk + stand; walk, hand up, catch; the drawn person 7 stands; bow.
    assert rows(table) == [
        *[(0, 1, 1), (0, 1, 3)],
        *[(0, 2, 5), (0, 2, 6), (0, 2, 7)],
        *[(0, 7, 3), (1, 1, 2)],
    ]
    assert table.loc[0, BOX].tolist() == pytest.approx(
        [96 / 1280, 310.5 / 720, 216 / 1280, 570.5 / 720]
    )
    assert len(notes) == 16 - 4
    assert notes["note"].str.contains("slip of the mouse").sum() == 1
    assert warnings == []


def test_project_saved_by_the_real_via(tmp_path):
    path = SHARED / "via" / "finished_real.json"
    if not path.exists():
        pytest.skip("the project saved by the real VIA lies outside the repository")
    keyframes = pd.DataFrame(
        [(s, 30 * s + 1, f"c1_{s:06d}.jpg", 1920, 1080, "") for s in range(7)],
        columns=list(KEYFRAMES),
    )
    attributes = attributes_from_config(
        [
            {"attribute": "head", "options": ["talk", "bow"]},
            {"attribute": "body", "options": ["stand", "sit", "walk"]},
            {"attribute": "limbs", "options": ["hand up", "catch"]},
        ]
    )
    table, notes, warnings = labels_of_project(
        read_project(path), "c1", keyframes, TRACK_TABLE.iloc[:0], attributes, FPS
    )
    # talk + stand; walk, catch, hand up; the drawn person 5 stands; bow.
    assert rows(table) == [
        *[(0, 1, 1), (0, 1, 3)],
        *[(0, 2, 5), (0, 2, 6), (0, 2, 7)],
        *[(0, 5, 3), (1, 1, 2)],
    ]
    assert table.loc[0, BOX].tolist() == pytest.approx(
        [616 / 1920, 564.5 / 1080, 784 / 1920, 857.5 / 1080]
    )
    assert len(notes) == 25 - 4
    assert warnings == []


def test_a_box_that_rounds_to_nothing_is_an_error(tmp_path):
    """An edited file may claim any size of its images."""
    content = awaiting()
    tick(content, "1_p1", body="0")
    content["metadata"]["1_p1"]["avaflow"]["picture"] = [10_000_000, 500]
    content["metadata"]["1_p1"]["xy"] = [2, 10_000, 100, 4, 300]
    message = refused(tmp_path, content)
    assert "second 2, person 1 at 10000.0 100.0 4.0 300.0 px: ticked, but an image of" in message


@pytest.mark.slow
def test_whatever_annotators_do_every_tick_is_a_row_or_an_error(tmp_path):
    """No empty box, none outside the image, no tick lost: 2,000 projects by chance."""
    rng = random.Random(11)
    outcomes = Counter()
    path = tmp_path / "c-1_finish.json"
    bases = []
    for width, height in ((1000, 500), (64, 48), (3840, 2160), (40_000, 30_000)):
        for count in (1, 2):
            keyframes = KEYFRAME_TABLE.iloc[:count].assign(width=width, height=height)
            content = project("c-1", keyframes, TRACK_TABLE, ATTRIBUTES, "", 1.5)
            bases.append((keyframes, json.dumps(content), (width, height)))
    for number in range(2000):
        keyframes, text, size = rng.choice(bases)
        content = scrawled(json.loads(text), rng, size)
        read = parse_project(content, path)
        second_of = dict(zip(keyframes["file"], keyframes["second"], strict=True))
        ticked = Counter(
            (second_of[box.image], option) for box in read.boxes for _, option in box.ticks
        )
        try:
            table, notes, _ = labels_of_project(
                read, "c-1", keyframes, TRACK_TABLE, ATTRIBUTES, FPS
            )
        except UserError as error:
            assert str(path) in str(error)
            outcomes["refused"] += 1
            continue
        outcomes["read"] += 1
        names = {action.id: action.name for action in all_actions(ATTRIBUTES)}
        assert ticked == Counter((r.second, names[r.action_id]) for r in table.itertuples())
        sides = table[BOX].to_numpy()
        assert (sides >= 0).all() and (sides <= 1).all(), (number, content)
        # As the csv has them, with the one box text that a person and a box text may have.
        for line in csv_text(rows_of_labels("c-1", table, 900), 5, 900).split():
            x1, y1, x2, y2 = map(float, line.split(",")[2:6])
            assert x1 < x2 and y1 < y2, (number, line)
        unticked = sum(not box.ticks for box in read.boxes)
        assert notes["note"].str.startswith("no action ticked").sum() == unticked
    assert min(outcomes["read"], outcomes["refused"]) > 300, outcomes


# ------------------------------------------------------------- who a drawn box is


def test_drawn_box_joins_the_track_at_its_keyframe(tmp_path):
    content = awaiting()
    del content["metadata"]["1_p2"]
    draw(content, "1_drawn", (0.61, 0.2, 0.71, 0.8))  # IoU with RIGHT: 9/11
    assert rows(labels(tmp_path, content)[0]) == [(2, 2, STAND)]


def test_drawn_box_joins_a_track_seen_around_the_keyframe(tmp_path):
    content = awaiting()
    # Second 4 is frame 121: between frames 106 and 131 the track is at 0.622.
    draw(content, "3_drawn", (0.622, 0.2, 0.722, 0.8))
    # Second 2 is frame 61: track 3 is seen five frames before and after.
    draw(content, "1_drawn", MIDDLE)
    assert rows(labels(tmp_path, content)[0]) == [(2, 3, STAND), (4, 2, STAND)]


def test_drawn_box_never_takes_the_id_of_another_ticked_box(tmp_path):
    content = awaiting()
    tick(content, "1_p2", body="0")
    draw(content, "1_drawn", (0.61, 0.2, 0.71, 0.8))
    assert rows(labels(tmp_path, content)[0]) == [(2, 2, STAND), (2, 4, STAND)]


def test_drawn_box_takes_the_id_of_an_unticked_box_below_it(tmp_path):
    content = awaiting()
    draw(content, "1_drawn", (0.61, 0.2, 0.71, 0.8))
    assert rows(labels(tmp_path, content)[0]) == [(2, 2, STAND)]


def test_drawn_box_takes_the_number_that_the_annotator_gave_the_track(tmp_path):
    content = awaiting()
    tick(content, "1_p2", body="0", person="8")
    del content["metadata"]["2_p2"]
    draw(content, "2_drawn", RIGHT)
    assert rows(labels(tmp_path, content)[0]) == [(2, 8, STAND), (3, 8, STAND)]


def test_drawn_box_does_not_take_the_track_that_was_given_to_somebody_else(tmp_path):
    content = awaiting()
    tick(content, "1_p2", body="0", person="8")
    draw(content, "1_drawn", (0.61, 0.2, 0.71, 0.8))
    assert rows(labels(tmp_path, content)[0]) == [(2, 8, STAND), (2, 9, STAND)]


def test_best_overlaps_win_together(tmp_path):
    tracks = pd.concat(
        [TRACK_TABLE, pd.DataFrame([(61, 5, 0.62, 0.2, 0.72, 0.8, 0.9)], columns=list(TRACKS))]
    )
    content = awaiting()
    del content["metadata"]["1_p2"]
    draw(content, "1_a", (0.605, 0.2, 0.705, 0.8))
    draw(content, "1_b", (0.625, 0.2, 0.725, 0.8))
    table = labels(tmp_path, content, tracks=tracks)[0]
    assert rows(table) == [(2, 2, STAND), (2, 5, STAND)]
    assert table["x1"].tolist() == pytest.approx([0.605, 0.625])


def test_drawn_boxes_follow_a_labelled_neighbour(tmp_path):
    tracks = TRACK_TABLE[TRACK_TABLE["frame"] < 100]
    content = project("c-1", KEYFRAME_TABLE, tracks, ATTRIBUTES, "", 1.5)
    tick(content, "2_p2", body="0")
    draw(content, "3_drawn", (0.65, 0.2, 0.75, 0.8))
    draw(content, "4_drawn", (0.75, 0.2, 0.85, 0.8))
    table = labels(tmp_path, content, tracks=tracks)[0]
    assert rows(table) == [(3, 2, STAND), (4, 2, STAND), (5, 2, STAND)]


def test_drawn_boxes_lead_up_to_a_labelled_neighbour(tmp_path):
    content = awaiting()
    draw(content, "1_drawn", (0.30, 0.2, 0.38, 0.8))
    draw(content, "2_drawn", (0.28, 0.2, 0.36, 0.8))
    draw(content, "3_named", (0.26, 0.2, 0.34, 0.8), person="6")
    assert rows(labels(tmp_path, content)[0]) == [(s, 6, STAND) for s in (2, 3, 4)]


def test_drawn_box_does_not_take_a_neighbour_who_has_a_box_here(tmp_path):
    content = awaiting()
    tick(content, "2_p1", body="0")
    # Close by person 1 of the second before, who has a box of their own on this image.
    draw(content, "3_drawn", (0.25, 0.2, 0.35, 0.8))
    assert rows(labels(tmp_path, content)[0]) == [(3, 1, STAND), (4, 4, STAND)]


def test_new_ids_follow_drawn_boxes_over_keyframes(tmp_path):
    content = awaiting()
    # Two newcomers, crossing nobody; heights of 300 px allow steps of 300 px.
    for vid, near, far in (("1", 0.30, 0.80), ("2", 0.38, 0.86), ("4", 0.40, 0.90)):
        draw(content, f"{vid}_near", (near, 0.3, near + 0.08, 0.9))
        draw(content, f"{vid}_far", (far, 0.3, far + 0.08, 0.9), body="1")
    table = labels(tmp_path, content)[0]
    # The ids end at second 3: at second 4 nobody was drawn. 3 is the highest track.
    assert rows(table) == [
        *[(2, 4, STAND), (2, 5, SIT), (3, 4, STAND), (3, 5, SIT)],
        *[(5, 6, STAND), (5, 7, SIT)],
    ]


def test_ids_do_not_depend_on_the_random_keys(tmp_path):
    tables = []
    for names in (("1_zz", "1_aa"), ("1_aa", "1_zz")):
        content = awaiting()
        draw(content, names[0], (0.3, 0.3, 0.38, 0.9))
        draw(content, names[1], (0.8, 0.3, 0.88, 0.9), body="1")
        tables.append(labels(tmp_path, content)[0])
    pd.testing.assert_frame_equal(*tables)


def test_far_or_much_smaller_is_somebody_else(tmp_path):
    content = awaiting()
    draw(content, "2_here", (0.30, 0.3, 0.38, 0.9))  # 300 px high
    draw(content, "3_far", (0.80, 0.3, 0.88, 0.9))  # 500 px away
    draw(content, "3_small", (0.30, 0.3, 0.34, 0.5))  # 100 px high
    assert len(set(labels(tmp_path, content)[0]["person_id"])) == 3


def test_tracks_of_a_later_run_are_not_mixed_with_the_projects_numbers(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="0")
    draw(content, "3_drawn", (0.622, 0.2, 0.722, 0.8))
    swapped = TRACK_TABLE.assign(person_id=TRACK_TABLE["person_id"].map({1: 2, 2: 1, 3: 3}))
    swapped = swapped.sort_values(["frame", "person_id"])
    table, notes, warnings = labels(tmp_path, content, tracks=swapped)
    # With the new tracks the drawn box would be person 1, the number of somebody else.
    assert rows(table) == [(2, 1, STAND), (4, 4, STAND)]
    assert len(warnings) == 1 and "tracks have changed" in warnings[0]
    assert not notes["note"].str.contains("deleted").any()


# ------------------------------------------------------------- config and file disagree


def config(*entries: dict) -> list:
    return attributes_from_config(list(entries))


def test_options_are_matched_by_name(tmp_path):
    content = awaiting()
    tick(content, "1_p1", head="1", body="2")
    reordered = config(
        {"attribute": "body", "choose": "single", "options": ["walk", "sit", "stand"]},
        {"attribute": "head", "options": ["bow", "talk"]},
    )
    assert rows(labels(tmp_path, content, attributes=reordered)[0]) == [(2, 1, 1), (2, 1, 4)]


def test_renamed_option(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="2")
    body = {"attribute": "body", "choose": "single", "options": ["stand", "sit", "go"]}
    message = refused(tmp_path, content, attributes=config(ACTIONS[0], body))
    assert "option 'walk' of attribute 'body' is ticked 1 time(s)" in message
    assert "renamed: {walk: " in message
    renamed = config(ACTIONS[0], body | {"renamed": {"walk": "go"}})
    assert rows(labels(tmp_path, content, attributes=renamed)[0]) == [(2, 1, WALK)]


def test_option_that_is_gone_but_was_not_ticked(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="0")
    fewer = config(ACTIONS[0], {"attribute": "body", "choose": "single", "options": ["stand"]})
    assert labels(tmp_path, content, attributes=fewer)[2] == []


def test_option_added_later_is_a_warning(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="0")
    more = config(ACTIONS[0] | {"options": ["talk", "bow", "nod"]}, ACTIONS[1])
    _, _, warnings = labels(tmp_path, content, attributes=more)
    assert len(warnings) == 1
    assert "before nod was added to attribute 'head'" in warnings[0]
    assert "c-1_finish.json" in warnings[0]


def test_other_attributes(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="0")
    message = refused(
        tmp_path, content, attributes=config(ACTIONS[1], {"attribute": "limbs", "options": ["x"]})
    )
    assert "expected the attributes body and limbs of the config, found head and body" in message
    assert "limbs is missing" in message and "head is unknown" in message


# ------------------------------------------------------------- what is refused


def test_project_of_another_clip(tmp_path):
    other = KEYFRAME_TABLE.assign(file=KEYFRAME_TABLE["file"].str.replace("c-1", "d-7"))
    content = project("d-7", other, TRACK_TABLE, ATTRIBUTES, "", 1.5)
    tick(content, "1_p1", body="0")
    message = refused(tmp_path, content)
    assert "expected the project of clip 'c-1', found that of d-7" in message
    assert "d-7_000061.jpg" in message


def test_renamed_project_of_the_right_clip_is_a_warning(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="0")
    content["project"]["pname"] = "my work"
    table, _, warnings = labels(tmp_path, content)
    assert rows(table) == [(2, 1, STAND)]
    assert len(warnings) == 1 and "'my work'" in warnings[0]


def test_image_that_is_no_keyframe(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="0")
    message = refused(tmp_path, content, keyframes=KEYFRAME_TABLE.iloc[1:])
    assert "image c-1_000061.jpg: not among the 3 keyframes" in message


def test_no_tick_at_all(tmp_path):
    assert "none of its 6 boxes has a tick" in refused(tmp_path, awaiting())


def test_two_ticks_of_a_single_attribute(tmp_path):
    content = awaiting()
    tick(content, "2_p2", body="0,2")
    message = refused(tmp_path, content)
    assert "second 3, person 2 at 600.0 100.0 100.0 300.0 px: stand and walk are ticked" in message


@pytest.mark.parametrize("text", ["-1", "0", "1.5", "the left one", "²", "1 2"])
def test_person_that_is_no_number(tmp_path, text):
    content = awaiting()
    tick(content, "1_p1", body="0", person=text)
    assert f"the person is {text!r}, expected a whole number" in refused(tmp_path, content)


def test_person_number_of_an_unticked_box_does_not_matter(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="0")
    tick(content, "1_p2", person="nobody")
    assert rows(labels(tmp_path, content)[0]) == [(2, 1, STAND)]


def test_person_twice_on_a_keyframe(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="0")
    tick(content, "1_p2", body="0", person="01")
    assert "second 2: 2 ticked boxes are person 1" in refused(tmp_path, content)


def test_two_persons_with_one_box(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="0")
    tick(content, "1_p2", body="0")
    content["metadata"]["1_p2"]["xy"] = [2, 100.0004, 100, 100, 300]  # 0.1000004: 0.100000
    message = refused(tmp_path, content)
    assert "have the same box 0.100000 0.200000 0.200000 0.800000" in message
    content["metadata"]["1_p2"]["xy"] = [2, 100.0006, 100, 100, 300]  # 0.1000006: 0.100001
    assert len(labels(tmp_path, content)[0]) == 2


@pytest.mark.parametrize(
    "xy", [[2, 1000, 0, 50, 50], [2, -80, 100, 81.9, 50], [2, 10, 10, 1, 1], [2, 10, 499, 50, 50]]
)
def test_ticked_box_outside_or_tiny(tmp_path, xy):
    content = awaiting()
    tick(content, "1_p1", body="0")
    content["metadata"]["1_p1"]["xy"] = xy
    assert "of it are inside the 1000 x 500 px image" in refused(tmp_path, content)


def test_all_problems_at_once(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="0,1", person="x")
    tick(content, "2_p1", head="7")
    message = refused(tmp_path, content)
    assert len(re.findall(r"^  - ", message, re.MULTILINE)) == 3


# ------------------------------------------------------------- the clip has changed since


def test_scaled_clip_keeps_its_boxes(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="0")
    draw(content, "4_drawn", MIDDLE)
    half = KEYFRAME_TABLE.assign(width=500, height=250)
    table, _, warnings = labels(tmp_path, content, keyframes=half)
    assert table[BOX].to_numpy().tolist() == [pytest.approx(LEFT), pytest.approx(MIDDLE)]
    assert len(warnings) == 1 and "another size" in warnings[0]


def test_other_images_under_the_same_names_are_a_warning(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="0")
    changed = KEYFRAME_TABLE.assign(sha256=["other", "sha3", "sha4", "sha5"])
    _, _, warnings = labels(tmp_path, content, keyframes=changed)
    assert len(warnings) == 1
    assert "images of second 2 are not those that were annotated" in warnings[0]


def test_removed_image_is_a_warning(tmp_path):
    content = awaiting()
    tick(content, "1_p1", body="0")
    content["project"]["vid_list"].remove("4")
    del content["view"]["4"], content["file"]["4"], content["metadata"]["4_p1"]
    table, notes, warnings = labels(tmp_path, content)
    assert rows(table) == [(2, 1, STAND)]
    assert len(warnings) == 1 and "1 of the clip's 4 images" in warnings[0]
    assert not notes["note"].str.contains("deleted").any()


# ------------------------------------------------------------- the demo's annotator


def test_demo_annotator_against_its_own_record(tmp_path, monkeypatch):
    """What the demo's annotator says it ticked is what is read, box by box."""
    import finish_projects

    rng = np.random.default_rng(3)
    start, names = 0.5, ["talk", "stand", "walk"]
    truth, tracks, keyframes = [], [], []
    for second in range(2, 12):
        frame = 30 * second + 1
        keyframes.append((second, frame, f"k-1_{frame:06d}.jpg", 640, 360, "x"))
        for person in (1, 2, 3):
            x = 0.1 + 0.25 * person + 0.004 * second
            box = np.array([x, 0.3, x + 0.1, 0.8])
            visible = 0.1 if (person, second) == (3, 4) else 1.0
            actions = "talk;stand" if second % 3 else names[person - 1]
            sides = ",".join(f"{side:.5f}" for side in box)
            # Clip frame 1 shows source frame round(0.5 * 30) = 15, so frame f shows f + 14.
            truth.append(f"{frame + 14},{person},{sides},{visible},{actions}")
            if person == 2 and second in (5, 8):
                continue  # missed by the tracker
            track = 9 if (person, second) == (1, 7) else person  # mixed up once
            tracks.append((frame, track, *(box + rng.normal(0, 0.004, 4)), 0.9))
        tracks.append((frame, 6, 0.0, 0.0, 0.05, 0.1, 0.4))  # nobody
    results = tmp_path / "results"
    keyframe_table = pd.DataFrame(keyframes, columns=list(KEYFRAMES))
    track_table = pd.DataFrame(tracks, columns=list(TRACKS))
    attributes = attributes_from_config(
        [*ACTIONS, {"attribute": "limbs", "options": ["hand up", "catch"]}]
    )
    write_table(results / "keyframes/k-1.csv", keyframe_table, KEYFRAMES)
    write_project(
        results / "via/k-1.json", project("k-1", keyframe_table, track_table, attributes, "", 1.0)
    )
    (tmp_path / "truth").mkdir()
    header = "frame,person_id,x1,y1,x2,y2,visible,actions"
    (tmp_path / "truth/hall.csv").write_text("\n".join([header, *truth]) + "\n")
    (tmp_path / "clips.tsv").write_text(
        f"clip\tvideo\tstart\tend\tsplit\nk-1\tvideos/hall.mp4\t{start}\t13\ttrain\n"
    )
    monkeypatch.setattr(
        "sys.argv",
        [
            "finish_projects.py",
            *("--results", str(results), "--annotations", str(tmp_path / "demo/annotations")),
            *("--clips", str(tmp_path / "clips.tsv"), "--truth", str(tmp_path / "truth")),
        ],
    )
    finish_projects.main()

    path = tmp_path / "demo/annotations/k-1_finish.json"
    table, notes, warnings = labels_of_project(
        read_project(path), "k-1", keyframe_table, track_table, attributes, FPS
    )
    with open(tmp_path / "demo/truth_labels.csv", newline="") as stream:
        record = list(csv.DictReader(stream))
    # 10 seconds of 3 persons, without the hidden one and the one that was forgotten.
    assert len(record) == 28
    ids = {action.name: action.id for action in all_actions(attributes)}
    expected = {
        (int(r["second"]), *(round(float(r[side]), 5) for side in BOX), ids[action])
        for r in record
        for action in r["actions"].split(";")
    }
    got = {
        (r.second, *(round(getattr(r, side), 5) for side in BOX), r.action_id)
        for r in table.itertuples()
    }
    assert len(table) == len(expected) == len(got)
    for mine, theirs in zip(sorted(got), sorted(expected), strict=True):
        assert mine == pytest.approx(theirs, abs=1.1e-5)
    # Everybody keeps one number throughout, given or found.
    person_of = {(r.second, round(r.x1, 4)): r.person_id for r in table.itertuples()}
    for r in record:
        person_id = person_of[int(r["second"]), round(float(r["x1"]), 4)]
        assert person_id == int(r["truth_person_id"])
    given = [r["person"] for r in record]
    assert "" in given and sum(p == "" for p in given) < 5
    assert warnings == []
    assert (notes["note"] == "deleted in VIA").sum() >= 10


def test_persons_kept_without_a_tick_have_their_boxes_at_the_size_annotated(tmp_path):
    """Deleted boxes are not among them, nor slips of the mouse; the clip was scaled since."""
    content = awaiting()
    tick(content, "1_p1", body="0")
    del content["metadata"]["2_p2"]
    draw(content, "3_drawn", MIDDLE, body="")
    draw(content, "3_slip", (0.3, 0.3, 0.3005, 0.3), body="")
    path = tmp_path / "c-1_finish.json"
    path.write_text(json.dumps(content))
    smaller = KEYFRAME_TABLE.assign(width=500, height=250)
    found = unticked_boxes(read_project(path), smaller)
    assert found["second"].tolist() == [2, 3, 4, 4, 5]
    expected = [RIGHT, LEFT, LEFT, MIDDLE, LEFT]
    assert found[BOX].to_numpy() == pytest.approx(np.array(expected), abs=1e-6)
    write_table(tmp_path / "u.csv", found, UNTICKED)  # types fit
    for key in ("1_p2", "2_p1", "3_p1", "4_p1", "3_drawn"):
        tick(content, key, body="0")
    path.write_text(json.dumps(content))
    assert len(unticked_boxes(read_project(path), smaller)) == 0


def test_a_clip_that_begins_elsewhere_is_not_the_one_annotated(tmp_path):
    """Same clip, same image names, but every second shows another instant of the video."""
    content = awaiting()
    next(iter(content["metadata"].values()))["av"]["1"] = "0"
    path = tmp_path / "c-1_finish.json"
    path.write_text(json.dumps(content))
    tables = (KEYFRAME_TABLE, TRACK_TABLE, ATTRIBUTES, FPS)
    labels_of_project(read_project(path), "c-1", *tables, start=1.51)
    with pytest.raises(UserError, match=r"clip began at 1.5 s .* now says 2.5 s"):
        labels_of_project(read_project(path), "c-1", *tables, start=2.5)


def test_warnings_become_notes_that_the_report_shows():
    notes = pd.DataFrame([(2, "1 2 3 4", "1", "no action ticked")], columns=list(NOTES))
    assert with_warnings(notes, []) is notes
    both = with_warnings(notes, ["the tracks have changed"])
    assert both.to_numpy().tolist() == [
        [0, "", "", "the tracks have changed"],
        [2, "1 2 3 4", "1", "no action ticked"],
    ]


def drawn_only(tmp_path) -> Path:
    """A project of which nothing is left but one box drawn by hand, ticked."""
    content = awaiting()
    content["metadata"] = {
        "1_abcdefgh": {
            "vid": "1",
            "flg": 0,
            "z": [],
            "xy": [2, 100, 50, 200, 100],
            "av": {"1": "0"},
        }
    }
    path = tmp_path / "c-1_finish.json"
    path.write_text(json.dumps(content))
    return path


def test_a_moved_start_is_seen_without_any_box_of_ours(tmp_path):
    tables = (KEYFRAME_TABLE, TRACK_TABLE.iloc[:0], ATTRIBUTES, FPS)
    project_read = read_project(drawn_only(tmp_path))
    assert project_read.start == 1.5 and project_read.image_size == (1000, 500)
    labels_of_project(project_read, "c-1", *tables, start=1.5)
    with pytest.raises(UserError, match=r"clip began at 1.5 s .* now says 6.5 s"):
        labels_of_project(project_read, "c-1", *tables, start=6.5)


def test_another_image_size_scales_without_any_box_of_ours(tmp_path):
    smaller = KEYFRAME_TABLE.assign(width=500, height=250)
    table, _, warnings = labels_of_project(
        read_project(drawn_only(tmp_path)), "c-1", smaller, TRACK_TABLE.iloc[:0], ATTRIBUTES, FPS
    )
    assert table[BOX].to_numpy().tolist() == [[0.1, 0.1, pytest.approx(0.3), pytest.approx(0.3)]]
    assert any("another size" in warning for warning in warnings)
