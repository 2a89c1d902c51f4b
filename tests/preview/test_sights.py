"""Who is where between keyframes, and what is said of them: by hand-made tracks and labels."""

import pytest

from avaflow.preview.sights import ACTS, FOLLOWED, IDLE, UNJUDGED, UNKNOWN, Sights
from avaflow.tables import Tracked, table_of
from preview_clips import FPS, STANDING, judgements, keyframes, tracks, usual, walking


def sights(said=None, seen=None):
    return Sights(tracks() if seen is None else seen, keyframes(), said, FPS)


def at(shown, frame, person):
    (found,) = [one for one in shown.at(frame) if one.person == person]
    return found


def shifted(box, x, y=0.0):
    return (box[0] + x, box[1] + y, box[2] + x, box[3] + y)


def test_what_is_said_on_a_keyframe_holds_half_a_second_before_and_after():
    shown = sights(usual())
    # Second 4 is frame 121; half a second before begins at frame 106.
    assert at(shown, 105, 1).action_ids == (1,)
    assert at(shown, 106, 1).action_ids == (1, 2)
    assert at(shown, 135, 1).action_ids == (1, 2)
    # Nothing is said beyond: there the track is all that is known.
    assert (at(shown, 136, 1).state, at(shown, 136, 1).action_ids) == (FOLLOWED, ())
    assert at(shown, 45, 1).state == FOLLOWED and at(shown, 46, 1).state == ACTS


def test_persons_without_a_label_are_told_apart_and_get_their_numbers_from_tracks():
    shown = sights(usual())
    states = {s: [(one.person, one.state) for one in shown.on_keyframe(s)] for s in (2, 3, 4)}
    assert states == {
        2: [(1, ACTS), (2, IDLE)],
        3: [(1, ACTS), (2, UNJUDGED)],
        4: [(1, ACTS), (2, ACTS)],
    }


@pytest.mark.parametrize("frame", [61, 63, 74, 90, 91, 121])
def test_a_box_moves_with_its_track(frame):
    assert at(sights(usual()), frame, 1).box == pytest.approx(walking(frame), abs=1e-6)


def test_a_mended_box_moves_along_and_back_to_the_track_by_the_next_keyframe():
    mended = shifted(walking(61), 0.03)
    said = judgements([(2, 1, mended, 1), (3, 1, walking(91), 1)])
    shown = sights(said)
    assert at(shown, 61, 1).box == mended
    # Half way to the next keyframe half of the shift is left, a fifth of the way four fifths.
    assert at(shown, 76, 1).box == pytest.approx(shifted(walking(76), 0.015), abs=1e-6)
    assert at(shown, 67, 1).box == pytest.approx(shifted(walking(67), 0.024), abs=1e-6)
    # Before it nobody says how far: all of it.
    assert at(shown, 50, 1).box == pytest.approx(shifted(walking(50), 0.03), abs=1e-6)


def test_a_person_drawn_by_hand_moves_on_a_line():
    first, second = (0.4, 0.0, 0.5, 0.2), (0.5, 0.0, 0.6, 0.2)
    shown = sights(judgements([(2, 7, first, 1), (3, 7, second, 1)]))
    assert at(shown, 67, 7).box == pytest.approx((0.42, 0.0, 0.52, 0.2))
    assert at(shown, 100, 7).box == second
    assert at(shown, 61, 7).score is None and at(sights(usual()), 61, 1).score == 0.9


def test_a_removed_person_is_gone_around_the_keyframe_and_beyond_the_last():
    said = judgements([(s, 1, walking(30 * s + 1), 1) for s in (2, 3, 4)])
    shown = sights(said)
    assert all([one.person for one in shown.at(frame)] == [1] for frame in (1, 61, 100, 175))


def test_who_is_hidden_on_the_keyframe_only_is_followed_around_it():
    seen = tracks()
    seen = seen[~((seen["person_id"] == 2) & (seen["frame"] == 91))]
    said = judgements([(s, 1, walking(30 * s + 1), 1) for s in (2, 3, 4)] + [(2, 2, STANDING, 3)])
    shown = sights(said, seen)
    assert at(shown, 95, 2).state == FOLLOWED
    assert [one.person for one in shown.on_keyframe(3)] == [1]
    # At 4 the track is there, and the annotator left no box of it.
    assert [one.person for one in shown.at(121)] == [1]


def test_a_track_of_somebody_with_another_number_is_called_as_labels_call_them():
    said = judgements([(2, 9, STANDING, 3)], unticked=[(3, STANDING)], idle=[(4, STANDING)])
    shown = sights(said)
    assert [one.person for s in (3, 4) for one in shown.on_keyframe(s)] == [9, 9]
    # Nobody is called 2 any more, and 9 is one person: a second one has no number.
    beside = shifted(STANDING, 0.0, 0.02)
    twice = judgements([(2, 2, walking(61), 1), (3, 1, walking(91), 1)], unticked=[(3, beside)])
    assert [one.person for one in sights(twice).on_keyframe(3)] == [1, UNKNOWN]


def test_a_clip_that_awaits_its_annotation_shows_tracks_without_actions():
    shown = sights()
    assert {(one.person, one.state, one.action_ids) for one in shown.at(121)} == {
        (1, FOLLOWED, ()),
        (2, FOLLOWED, ()),
    }
    assert at(shown, 74, 1).box == pytest.approx(walking(74), abs=1e-6)
    assert [one.score for one in shown.on_keyframe(3)] == [0.9, 0.9]


def test_a_long_gap_of_a_track_is_left_empty():
    rows = [Tracked(frame, 1, *STANDING, 0.9) for frame in (1, 6, 36, 67)]
    shown = sights(None, table_of(rows, Tracked))
    assert [len(shown.at(frame)) for frame in (3, 20, 36, 40, 67, 68)] == [1, 1, 1, 0, 1, 0]
