"""From an annotation file of the page to labels: hand-made cases, and a reference by chance."""

import copy
import json
import random

import pandas as pd
import pytest

from avaflow.annotation.page.carry import carried_over
from avaflow.annotation.page.labels import early_problems, labels_of_annotation
from avaflow.annotation.page.model import annotation_text, parse_annotation
from avaflow.errors import UserError
from avaflow.manifests import ClipManifest
from avaflow.project.actions import attributes_from_config
from avaflow.tables import KEYFRAMES, TRACKS, Keyframe, rows_of
from page_files import ATTRIBUTES, LEFT, RIGHT, by_chance, page_file, person, span

ACTIONS = [{"attribute": each["name"], **each} for each in ATTRIBUTES]
for entry in ACTIONS:
    entry.pop("name")
TALK, BOW, STAND, SIT, WALK = 1, 2, 3, 4, 5
SECONDS = range(2, 10)
KEYFRAME_TABLE = pd.DataFrame(
    [(s, 30 * s + 1, f"c-1_{30 * s + 1:06d}.jpg", 1000, 500, f"sha{s}") for s in SECONDS],
    columns=list(KEYFRAMES),
)
MANIFEST = ClipManifest("c-1", "v.mp4", 1.5, 30, 330, 1000, 500, "0" * 64, 0)
DRAWN = [0.4, 0.2, 0.5, 0.8]


def tracks_of(content, more=()):
    """The tracks that a file's anchors are of."""
    rows = [
        (frame, stretch["track"], *box, 0.9)
        for one in content["persons"]
        for stretch in one["tracks"]
        for frame, *box in stretch["anchors"]
    ]
    return pd.DataFrame(sorted([*rows, *more]), columns=list(TRACKS))


def read(content, tracks=None, actions=ACTIONS, keyframes=KEYFRAME_TABLE, manifest=MANIFEST):
    annotation = parse_annotation(content, "c-1.json")
    tracks = tracks_of(content) if tracks is None else tracks
    attributes = attributes_from_config(actions)
    return labels_of_annotation(annotation, "c-1", keyframes, tracks, attributes, manifest)


def rows(table):
    return [tuple(row) for row in table.itertuples(index=False)]


def labelled(reading):
    return [(row[0], row[1], row[6]) for row in rows(reading.labels)]


def refusal(content, **named):
    with pytest.raises(UserError) as caught:
        read(content, **named)
    return str(caught.value)


# ------------------------------------------------------------- what a span means


def test_spans_and_judged_times_are_half_open():
    one = person(1, spans=[span("sit", 3.0, 5.0)], judged=[[3.0, 6.0]])
    reading = read(page_file([one]))
    assert labelled(reading) == [(3, 1, SIT), (4, 1, SIT)]
    assert reading.nobody == [5]
    assert [row[0] for row in rows(reading.unticked)] == [2, 6, 7, 8, 9]
    assert rows(reading.unticked)[0] == (2, *LEFT)


def test_what_nobody_judged_is_never_labelled():
    waiting = person(1, spans=[span("sit", 0, 11)])
    other = person(2, box=RIGHT, judged=[[2, 3]], spans=[span("talk", 2, 3, "head")])
    reading = read(page_file([waiting, other]))
    assert labelled(reading) == [(2, 2, TALK)]
    assert (2, *LEFT) in rows(reading.unticked)


@pytest.mark.parametrize("kind, unticked", [("not a person", 0), ("ignored", 8)])
def test_who_is_no_person_and_who_is_ignored(kind, unticked):
    one = person(1, kind=kind, spans=[span("sit", 0, 11)], judged=[[0, 11]])
    two = person(2, box=RIGHT, spans=[span("sit", 0, 11)], judged=[[0, 11]])
    reading = read(page_file([one, two]))
    assert labelled(reading) == [(second, 2, SIT) for second in SECONDS]
    assert len(reading.unticked) == unticked


def test_hand_before_track_before_line_and_removed_before_all():
    hands = [{"second": second, "box": DRAWN} for second in (3, 6, 8)]
    one = person(1, seconds=[2, 3], boxes=hands, removed=[2], judged=[[0, 11]])
    one["spans"] = [span("sit", 0, 11)]
    one["boxes"][2]["box"] = [0.5, 0.2, 0.6, 0.8]
    reading = read(page_file([one]))
    # 3 and 6 are three seconds apart: nobody knows of 4 and 5. Of 7 the line tells.
    assert [row[0] for row in rows(reading.labels)] == [3, 6, 7, 8]
    assert list(rows(reading.labels)[0][2:6]) == DRAWN
    assert list(rows(reading.labels)[2][2:6]) == pytest.approx([0.45, 0.2, 0.55, 0.8])


def test_no_line_where_the_track_was_seen_between():
    hands = [{"second": second, "box": DRAWN} for second in (6, 8)]
    one = person(1, seconds=[2], boxes=hands, judged=[[0, 11]], spans=[span("sit", 0, 11)])
    one["tracks"][0]["to"] = 300
    content = page_file([one])
    seen = tracks_of(content, [(200, 1, *LEFT, 0.9)])
    assert [row[0] for row in rows(read(content, seen).labels)] == [2, 6, 8]
    assert [row[0] for row in rows(read(content).labels)] == [2, 6, 7, 8]


def reference(content, tracks):
    """The contract in ten lines: (second, person, option) rows, unticked, seconds of nobody."""
    ticked, unticked, judged = [], [], set()
    detected = {(row.frame, row.person_id) for row in tracks.itertuples()}
    for one in content["persons"]:
        hands = {each["second"] for each in one["boxes"]}
        seen = {
            f
            for f, t in detected
            for s in one["tracks"]
            if s["track"] == t and s["from"] <= f <= s["to"]
        }
        for s in SECONDS:
            gap = [
                (a, b)
                for a in hands
                for b in hands
                if a < s < b
                and b - a < 3
                and not any(a < h < b for h in hands)
                and not any(30 * a + 1 < f < 30 * b + 1 for f in seen)
            ]
            if s in one["removed"] or not (s in hands or 30 * s + 1 in seen or gap):
                continue
            if one["kind"] == "ignored" or not any(a <= s < b for a, b in one["judged"]):
                unticked += [s] * (one["kind"] != "not a person")
            elif one["kind"] == "person":
                judged.add(s)
                ticked += {
                    (s, one["id"], x["option"]) for x in one["spans"] if x["from"] <= s < x["to"]
                }
    return sorted(ticked), sorted(unticked), sorted(judged - {s for s, _, _ in ticked})  # fmt: skip


@pytest.mark.parametrize("seed", range(120))
def test_labels_are_what_ten_lines_say(seed):
    rng = random.Random(seed)
    content = by_chance(rng)
    spare = person(99, box=RIGHT, seconds=[5], judged=[[0, 11]], spans=[span("bow", 0, 11, "head")])
    content["persons"].append(spare)
    between = [(rng.randrange(62, 270), 1, *LEFT, 0.9) for _ in range(3)]
    between = [row for row in between if (row[0] - 1) % 30]
    tracks = tracks_of(content, between).drop_duplicates(["frame", "person_id"])
    options = {
        action.id: action.name for a in attributes_from_config(ACTIONS) for action in a.actions
    }
    reading = read(content, tracks)
    found = sorted(
        (second, number, options[action]) for second, number, action in labelled(reading)
    )
    ticked, unticked, nobody = reference(content, tracks)
    assert found == ticked
    assert [row[0] for row in rows(reading.unticked)] == unticked
    assert reading.nobody == nobody


# ------------------------------------------------------------- files that do not fit


ONE = page_file([person(1, spans=[span("sit", 2, 5)], judged=[[2, 9]])])


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda c: c.update(clip="c-2"), "of clip 'c-1', found that of 'c-2'"),
        (lambda c: c["video"].update(start=2.0), "when the clip began at 2 s of its video"),
        (lambda c: c["video"].update(fps=25, frames=400), "annotated at 25 frames a second"),
        (lambda c: c["attributes"].pop(0), "of the config, found body; head is missing"),
        (lambda c: c["persons"][0].update(judged=[]), "none of its 1 persons is judged"),
        (
            lambda c: c["persons"][0].update(boxes=[{"second": 10, "box": LEFT}]),
            "second 10: not among the 8 keyframes",
        ),
        (
            lambda c: c["persons"][0].update(boxes=[{"second": 3, "box": [0.1, 0.1, 0.101, 0.9]}]),
            "second 3, person 1: judged, but the box has 1.0 x 400.0 px",
        ),
        (
            lambda c: c["persons"].append(
                person(2, spans=[span("sit", 2, 3)], judged=[[2, 3]])
            ),
            "second 2: persons 1 and 2 have the same box",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(change, told):
    content = copy.deepcopy(ONE)
    change(content)
    assert told in refusal(content)


def test_a_renamed_option_is_honoured_and_a_lost_one_told():
    later = copy.deepcopy(ACTIONS)
    later[1]["options"] = ["stand", "be seated", "walk", "run"]
    assert "option 'sit' of attribute 'body' is ticked 1 time(s)" in refusal(ONE, actions=later)
    later[1]["renamed"] = {"sit": "be seated"}
    reading = read(ONE, actions=later)
    assert labelled(reading) == [(2, 1, SIT), (3, 1, SIT), (4, 1, SIT)]
    assert reading.warnings == [
        "c-1.json: the annotation was made before run was added to attribute 'body': nobody "
        "could tick it, so its absence says nothing"
    ]


def test_a_choice_that_takes_one_option_now():
    content = page_file([person(1, judged=[[2, 9]])])
    spans = [span("talk", 2, 5, "head"), span("bow", 4, 6, "head")]
    content["persons"][0]["spans"] = spans
    now = copy.deepcopy(ACTIONS)
    assert labelled(read(content, actions=now))[:2] == [(2, 1, TALK), (3, 1, TALK)]
    now[0]["choose"] = "single"
    assert "'talk' until 5 s and 'bow' from 4 s overlap" in refusal(content, actions=now)


def test_problems_that_can_be_told_before_the_clip_is_cut():
    annotation = parse_annotation(ONE, "c-1.json")
    attributes = attributes_from_config(ACTIONS)
    assert early_problems(annotation, "c-1", attributes) == []
    assert "found that of 'c-1'" in early_problems(annotation, "c-2", attributes)[0]
    assert "unknown" in early_problems(annotation, "c-1", attributes[:1])[0]


def test_a_clip_of_another_size_scales_its_boxes():
    manifest = ClipManifest("c-1", "v.mp4", 1.5, 30, 330, 500, 250, "0" * 64, 0)
    assert "now 500 x 250" in read(ONE, manifest=manifest).warnings[0]


# ------------------------------------------------------------- after a new run of the tracker


def judged_pair():
    one = person(1, spans=[span("sit", 2, 11)], judged=[[2, 11]])
    two = person(2, box=RIGHT, spans=[span("walk", 2, 11)], judged=[[2, 11]])
    return page_file([one, two])


def retracked(numbers, moved=0.0):
    """Tracks of other numbers: `numbers` gives for each box the track by second."""
    found = [
        (30 * s + 1, track, box[0] + moved, box[1], box[2] + moved, box[3], 0.9)
        for box, tracks in zip((LEFT, RIGHT), numbers, strict=True)
        for s, track in zip(SECONDS, tracks, strict=True)
        if track
    ]
    return pd.DataFrame(sorted(found), columns=list(TRACKS))


def test_labels_stay_when_the_tracks_are_numbered_anew():
    content = judged_pair()
    before = read(content)
    after = read(content, retracked([[2] * 8, [1] * 8], moved=0.01))
    pd.testing.assert_frame_equal(before.labels, after.labels)
    assert before.warnings == []
    assert "2 of its 2 stretches" in after.warnings[0]
    assert "2 went over to present tracks" in after.warnings[0]
    assert not after.notes["note"].str.contains("no track of now").any()


def test_what_finds_no_track_is_noted_and_keeps_its_boxes():
    content = judged_pair()
    # Person 2's track broke in two halves: neither shows most of it.
    after = read(content, retracked([[1] * 8, [3] * 4 + [4] * 4]))
    pd.testing.assert_frame_equal(read(content).labels, after.labels)
    note = after.notes[after.notes["note"].str.contains("no track of now")]
    assert note["person_id"].tolist() == ["2"]
    assert "track 2 of then" in note["note"].iloc[0]


def test_a_carried_annotation_gives_the_same_labels_with_the_tracks_of_now():
    content = judged_pair()
    keyframes = sorted(rows_of(KEYFRAME_TABLE, Keyframe))
    # The left one's new track lacks second 5, and has jumped away at second 6.
    tracks = retracked([[7, 7, 7, 0, 7, 7, 7, 7], [3] * 4 + [4] * 4])
    tracks.loc[(tracks.person_id == 7) & (tracks.frame == 181), ["x1", "x2"]] = [0.85, 0.95]
    tracks = pd.concat(
        [tracks, pd.DataFrame([(100, 7, *LEFT, 0.9)], columns=list(TRACKS))], ignore_index=True
    )
    annotation = parse_annotation(content, "c-1.json")
    carried = carried_over(annotation, keyframes, tracks).annotation
    left, right = carried.persons
    assert [stretch.track for stretch in left.tracks] == [7]
    assert [box.second for box in left.boxes] == [5, 6]
    assert (right.tracks, len(right.boxes)) == ((), 8)
    again = parse_annotation(json.loads(annotation_text(carried)), "c-1.json")
    attributes = attributes_from_config(ACTIONS)
    reading = labels_of_annotation(again, "c-1", KEYFRAME_TABLE, tracks, attributes, MANIFEST)
    pd.testing.assert_frame_equal(read(content).labels, reading.labels)
    assert reading.warnings == []


def test_answers_about_tracks_that_changed_are_open_again():
    content = judged_pair() | {
        "answered": [
            {"kind": "short", "tracks": [1], "frame": 61},
            {"kind": "short", "tracks": [2], "frame": 61},
            {"kind": "join", "tracks": [1, 2], "frame": 91},
        ]
    }
    keyframes = sorted(rows_of(KEYFRAME_TABLE, Keyframe))
    annotation = parse_annotation(content, "c-1.json")
    # Track 1 is as it was; the right one's numbers are 3 and 4 now.
    tracks = retracked([[1] * 8, [3] * 4 + [4] * 4])
    carried = carried_over(annotation, keyframes, tracks).annotation
    assert [each.tracks for each in carried.answered] == [(1,)]
    pd.testing.assert_frame_equal(read(content).labels, read(judged_pair()).labels)


def test_what_was_accepted_stays_told_and_changes_no_label():
    told = {"attribute": "body", "option": "sit", "from": 2.0, "to": 4.0}
    told |= {"probability": 0.97, "head": "abc"}
    answers = [told | {"person": number, "track": number} for number in (1, 2)]
    content = judged_pair() | {"accepted": answers, "rejected": answers}
    pd.testing.assert_frame_equal(read(content).labels, read(judged_pair()).labels)
    keyframes = sorted(rows_of(KEYFRAME_TABLE, Keyframe))
    tracks = retracked([[1] * 8, [3] * 4 + [4] * 4])  # track 2 is another now
    carried = carried_over(parse_annotation(content, "c-1.json"), keyframes, tracks).annotation
    assert [each.track for each in carried.accepted] == [1, 2]
    # A ghost of another track may not be refused unseen.
    assert [each.track for each in carried.rejected] == [1]


def test_a_box_that_was_not_there_to_be_judged_is_not_taken_for_judged():
    one = person(1, seconds=[2, 3, 5, 6], spans=[span("sit", 2, 9)], judged=[[2, 9]])
    content = page_file([one])
    keyframes = sorted(rows_of(KEYFRAME_TABLE, Keyframe))
    tracks = retracked([[1] * 5 + [0] * 3, [0] * 8])
    carried = carried_over(parse_annotation(content, "c-1.json"), keyframes, tracks).annotation
    assert not carried.persons[0].is_judged(4)
    assert [carried.persons[0].is_judged(s) for s in (2, 3, 5, 6, 7)] == [True] * 5
    assert [row[0] for row in rows(read(content, tracks).labels)] == [2, 3, 5, 6]
