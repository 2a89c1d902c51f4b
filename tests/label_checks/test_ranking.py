"""Faults planted in labels of well-separated features stand where they have to in the list."""

import numpy as np
import pytest

from acting_persons import ATTRIBUTES, SECONDS, Acted
from avaflow.label_checks.check import COUNT, LEAST_SCORE, SHIFT, SWAP, TICK
from avaflow.label_checks.guesses import guesses
from avaflow.label_checks.ranking import ranked

FOLDS = 4


def checked(acted):
    found = guesses(acted.persons(), acted.made.groups, ATTRIBUTES, FOLDS)
    return found, ranked(found)


@pytest.fixture(scope="module")
def clean():
    return checked(Acted())


def test_labels_that_are_right_have_hardly_a_check(clean):
    found, listed = clean
    # Twelve clips, eight seconds, three persons; talk, bow, and one of three or none.
    assert len(found.rows) == 12 * 8 * 3 and found.entries() == 3 * len(found.rows)
    assert [one for one in listed if one.score >= 0.3] == []


def test_a_wrong_and_a_missing_tick_come_first():
    acted = Acted()
    acted.does["c-03"][5, 2] ^= {1}
    body = {3, 4, 5}
    now = acted.does["c-07"][4, 1] & body
    new = min(body - now)
    acted.does["c-07"][4, 1] = acted.does["c-07"][4, 1] - body | {new}
    _, listed = checked(acted)
    first = {(one.kind, one.clip, one.first, one.last, one.tracks) for one in listed[:2]}
    assert first == {(TICK, "c-03", 5, 5, (2,)), (TICK, "c-07", 4, 4, (1,))}
    told = {one.clip: one for one in listed[:2]}
    names = {3: "stand", 4: "sit", 5: "walk"}
    assert told["c-07"].labelled == names[new]
    assert told["c-07"].predicted == (names[min(now)] if now else "none of body")
    missing = 1 in acted.truth["c-03"][5, 2]
    assert told["c-03"].labelled == ("no talk" if missing else "talk")
    assert told["c-03"].predicted == ("talk" if missing else "no talk")
    assert told["c-03"].action == "talk" and "has not seen the clip" in told["c-03"].reason
    assert all(one.score > 0.9 for one in listed[:2])
    assert len([one for one in listed[2:] if one.score > 0.3]) <= 1


@pytest.mark.parametrize("late", [-2, -1, 1, 2])
def test_a_shifted_clip_is_said_once(late):
    acted = Acted()
    acted.shift("c-05", late)
    _, listed = checked(acted)
    assert (listed[0].kind, listed[0].clip) == (SHIFT, "c-05") and listed[0].score > 0.9
    assert listed[0].predicted == f"{abs(late)} s {'earlier' if late > 0 else 'later'}"
    # The ticks that the shift explains are not said one by one; those at its ends may be.
    inside = [
        one
        for one in listed
        if one.clip == "c-05"
        and one.kind == TICK
        and one.score > 0.3
        and SECONDS[0] + 2 <= one.first
        and one.last <= SECONDS[-1] - 2
    ]
    assert inside == []


def test_two_persons_who_changed_places_are_said_once():
    acted = Acted()
    acted.swap("c-08", 1, 3, 5)
    _, listed = checked(acted)
    swap = listed[0]
    assert (swap.kind, swap.clip, swap.tracks) == (SWAP, "c-08", (1, 3)) and swap.score > 0.9
    changed = [
        second
        for second in SECONDS
        if acted.does["c-08"][second, 1] != acted.truth["c-08"][second, 1]
    ]
    assert (swap.first, swap.last) == (min(changed), max(changed)) and min(changed) >= 5
    assert [one for one in listed[1:] if one.score > 0.3] == []


def test_a_clip_whose_ticks_are_forgotten_is_unlike_the_others():
    acted = Acted()
    for ids in acted.does["c-02"].values():
        ids.discard(1)
    forgotten = sum(1 in ids for ids in acted.truth["c-02"].values())
    _, listed = checked(acted)
    (count,) = [one for one in listed if one.kind == COUNT]
    assert (count.clip, count.action) == ("c-02", "talk") and count.labelled == "0 of 24"
    expected = float(count.predicted.split()[0])
    assert abs(expected - forgotten) < 0.15 * forgotten + 1
    assert count.reason.startswith("Far fewer ticks of talk")


def test_what_is_said_of_a_clip_does_not_come_from_its_own_labels():
    """A leak planted: whatever a clip's labels say, and though its features name them plainly,
    what is said of it stays the same to the last digit."""
    acted = Acted(count=6)
    # A number that gives away the labels of the clip, and is noise elsewhere.
    own = (acted.made.index["clip"] == "c-04").to_numpy()
    before = guesses(acted.persons(), acted.made.groups, ATTRIBUTES, 6)
    for ids in acted.does["c-04"].values():
        ids ^= {1, 2}
        body = ids & {3, 4, 5}
        ids -= {3, 4, 5}
        ids |= {3 + (min(body) - 2) % 3} if body else {4}
    after = guesses(acted.persons(), acted.made.groups, ATTRIBUTES, 6)
    rows = before.clips == "c-04"
    assert own.sum() == rows.sum() == 24
    for one, other in zip(before.questions, after.questions, strict=True):
        assert (one.answers[rows] != other.answers[rows]).all()
        np.testing.assert_array_equal(one.shares[rows], other.shares[rows])
        # Those of the other clips did see these labels.
        assert (one.shares[~rows] != other.shares[~rows]).any()


def test_clips_of_one_video_are_held_out_together():
    acted = Acted(count=6)
    groups = acted.made.groups | {"c-05": "c-04"}
    before = guesses(acted.persons(), groups, ATTRIBUTES, 5)
    for ids in acted.does["c-04"].values():
        ids ^= {1, 2}
    after = guesses(acted.persons(), groups, ATTRIBUTES, 5)
    rows = before.clips == "c-05"
    for one, other in zip(before.questions, after.questions, strict=True):
        np.testing.assert_array_equal(one.shares[rows], other.shares[rows])


def test_too_few_examples_are_said_and_not_checked():
    acted = Acted(count=3)
    for clip, said in acted.does.items():
        for (second, _), ids in said.items():
            ids.discard(2)
            if clip == "c-00" and second == 4:
                ids.add(2)
    found, listed = checked(acted)
    assert "bow" not in {guess.question.names[1] for guess in found.questions}
    assert "bow (3 in 1 clip)" in found.notes[0] and found.notes[0].startswith("Too few to check")
    assert "bow" not in {one.action for one in listed}


def test_of_one_video_nothing_is_checked():
    acted = Acted(count=3)
    found = guesses(acted.persons(), dict.fromkeys(acted.clips, "one"), ATTRIBUTES, FOLDS)
    assert ranked(found) == [] and found.notes[0].startswith("Nothing can be checked")


def test_features_that_say_nothing_doubt_nothing():
    acted = Acted(signal=0.0)
    acted.shift("c-05", 1)
    _, listed = checked(acted)
    assert [one for one in listed if one.kind in (SHIFT, SWAP, COUNT) and one.score > 0.2] == []
    assert all(one.score >= LEAST_SCORE for one in listed)
