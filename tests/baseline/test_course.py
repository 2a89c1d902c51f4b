"""What comes out of the baseline, on made-up features whose answer is known."""

import json

import numpy as np
import pandas as pd
import pytest

from avaflow.baseline.course import CROSS_VALIDATION, metrics, run_course
from avaflow.baseline.examples import NOWHERE, featured_persons, match
from avaflow.baseline.head import load_head, scores, write_head
from avaflow.baseline.judging import (
    CHANCE_ONLY,
    LEARNABLE,
    NOT_SEEN,
    TOO_FEW,
    Figures,
    confusion,
    evaluate,
    said_together,
    shuffled,
    verdict,
)
from avaflow.baseline.training import cross_validated, folds_of, mean_precision, train
from avaflow.errors import UserError
from avaflow.tables import BOX, LABELS, UNTICKED
from learnt_persons import ATTRIBUTES, FPS, SECONDS, box_of, clips, made_up


def course_of(made, folds=3, groups=None):
    return run_course(made.persons(), made.splits, groups or made.groups, ATTRIBUTES, folds, seed=0)


@pytest.fixture(scope="module")
def apart():
    """Persons whose actions are plain to see."""
    made = made_up(clips(train=12, val=6, test=3))
    return made, course_of(made)


def test_separable_actions_are_learnt_and_judged_alike_on_both_kinds_of_boxes(apart):
    _, course = apart
    assert [one.name for one in course.evaluations] == ["val", CROSS_VALIDATION, "test"]
    for one in course.evaluations:
        assert one.annotated.mean > 0.97, one.name
        # The detector's boxes are the annotators' here.
        assert one.detected.average_precision == pytest.approx(one.annotated.average_precision)
    words = [each.word for each in course.verdicts]
    assert words.count(LEARNABLE) >= 4 and set(words) <= {LEARNABLE, TOO_FEW}


def test_features_that_say_nothing_are_near_the_prior():
    made = made_up(clips(train=12, val=12), signal=0.0)
    course = course_of(made)
    val = course.evaluations[0]
    priors = [figures.prior for figures in val.figures]
    assert abs(val.annotated.mean - np.mean(priors)) < 0.12
    assert [each.word for each in course.verdicts].count(CHANCE_ONLY) >= 4


def test_the_truth_as_scores_is_one(apart):
    made, _ = apart
    persons = made.persons()
    truth = np.zeros((len(persons.featured), 5))
    truth[persons.judged["feature"]] = persons.targets
    val = [clip for clip, split in made.splits.items() if split == "val"]
    found = evaluate("val", persons, val, truth, seed=0)
    assert found.annotated.mean == found.detected.mean == 1.0


def test_the_same_again_is_the_same(apart, tmp_path):
    made, course = apart
    again = course_of(made)
    for name, one in (("a", course), ("b", again)):
        write_head(tmp_path / name, one.head, one.made_from)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert json.dumps(metrics(course, ATTRIBUTES)) == json.dumps(metrics(again, ATTRIBUTES))
    assert (
        scores(load_head(tmp_path / "a"), made.vectors) == scores(again.head, made.vectors)
    ).all()


def test_nothing_of_val_or_test_gets_into_the_head(apart, tmp_path):
    made, course = apart
    other = made_up(clips(train=12, val=6, test=3))
    held_out = [clip for clip, split in other.splits.items() if split != "train"]
    rows = other.index["clip"].isin(held_out).to_numpy()
    other.vectors[rows] = 1000 + 50 * other.vectors[rows][::-1]
    for clip in held_out:
        said = other.judged[clip]
        other.judged[clip] = said._replace(labels=said.labels.assign(action_id=5))
    changed = course_of(other)
    write_head(tmp_path / "a", course.head, course.made_from)
    write_head(tmp_path / "b", changed.head, changed.made_from)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    # Cross-validation is of train alone too; what is said of val is another.
    assert changed.evaluations[1].annotated == course.evaluations[1].annotated
    assert changed.evaluations[0].annotated != course.evaluations[0].annotated
    # And labels of train do count.
    clip = "train-0"
    said = other.judged[clip]
    other.judged[clip] = said._replace(labels=said.labels.assign(action_id=1).drop_duplicates())
    write_head(tmp_path / "c", course_of(other).head, course.made_from)
    assert (tmp_path / "c").read_bytes() != (tmp_path / "a").read_bytes()


def test_a_fold_knows_nothing_of_the_labels_that_it_is_judged_by():
    made = made_up(clips(train=6, val=0), signal=0.0)
    persons = made.persons()
    rows = persons.judged["feature"].to_numpy()
    groups = persons.judged["clip"].tolist()
    found = cross_validated(made.vectors[rows], persons.targets, groups, ATTRIBUTES, 6)
    own = np.array(groups) == "train-2"
    other = persons.targets.copy()
    other[own] = ~other[own]
    again = cross_validated(made.vectors[rows], other, groups, ATTRIBUTES, 6)
    fold = found.fold_of["train-2"]
    if again.fold_of == found.fold_of and all(
        a.scaling == b.scaling and a.strength == b.strength and a.kind == b.kind
        for a, b in zip(found.heads[fold].blocks, again.heads[fold].blocks, strict=True)
    ):
        assert (again.scores[own] == found.scores[own]).all()
    else:
        pytest.fail("the fold or the recipe was chosen by labels of the held-out clip")


def test_a_person_of_val_who_is_in_training_too_is_told(apart):
    _, course = apart
    assert not any("just like a person" in note for note in course.notes)
    made = made_up(clips(train=12, val=6, test=3))
    place = {clip: np.flatnonzero(made.index["clip"] == clip) for clip in ("train-3", "val-1")}
    made.vectors[place["train-3"][4]] = made.vectors[place["val-1"][7]]
    (note,) = [note for note in course_of(made).notes if "just like a person" in note]
    # Rows 7 and 4 of three persons a second, from second 2 on.
    assert note.startswith("val: just like a person in training")
    assert "val-1 at 4 s is train-3 at 3 s" in note


def test_without_val_cross_validation_stands_alone_and_says_so():
    course = course_of(made_up(clips(train=8, val=0)))
    assert [one.name for one in course.evaluations] == [CROSS_VALIDATION]
    assert any(
        note.startswith("No clip of val is annotated: figures are of") for note in course.notes
    )
    assert {each.by for each in course.verdicts if each.word == LEARNABLE} == {CROSS_VALIDATION}


def test_of_one_clip_nothing_can_be_judged():
    course = course_of(made_up(clips(train=1, val=0)))
    assert course.evaluations == [] and course.chosen is None
    assert course.notes[0].startswith("Nothing can be judged: no clip could be held out.")
    assert {each.word for each in course.verdicts} <= {TOO_FEW, NOT_SEEN}
    assert np.isnan(course.scored).all()
    json.dumps(metrics(course, ATTRIBUTES), allow_nan=False)


def test_clips_of_one_video_stay_together():
    made = made_up(clips(train=4, val=0))
    course = course_of(made, groups={clip: "train-0" for clip in made.splits})
    assert course.chosen is None
    groups = {"train-0": "x", "train-1": "x", "train-2": "y", "train-3": "y"}
    course = course_of(made, groups=groups)
    assert sorted(course.chosen.fold_of) == ["x", "y"] and len(course.chosen.heads) == 2


def test_an_action_that_is_never_done_is_named():
    made = made_up(clips(train=8, val=4))
    for clip, said in made.judged.items():
        labels = said.labels
        made.judged[clip] = said._replace(labels=labels[labels["action_id"] != 4])
    course = course_of(made)
    assert course.verdicts[3].word == NOT_SEEN
    assert course.scored[:, 3].max() < 0.1
    assert course.evaluations[0].figures[3].annotated is None
    json.dumps(metrics(course, ATTRIBUTES), allow_nan=False)


def test_one_class_alone_and_persons_who_all_do_it():
    made = made_up(clips(train=5, val=3))
    for clip, said in made.judged.items():
        rows = [(s, p, *box_of(p), 3) for s in SECONDS for p in (1, 2, 3)]
        labels = pd.DataFrame(rows, columns=list(LABELS))
        made.judged[clip] = said._replace(labels=labels, idle=said.idle.iloc[:0])
    course = course_of(made)
    assert course.evaluations[0].annotated.average_precision == {3: 1.0}
    assert course.verdicts[2].word == TOO_FEW
    assert "0 persons without it, expected at least 10" in course.verdicts[2].reason


def test_nobody_to_learn_from_is_one_message():
    with pytest.raises(UserError, match="nobody in the train split was both judged"):
        course_of(made_up(clips(train=0, val=2)))


# ------------------------------------------------------------- who is who


def test_boxes_are_matched_by_overlap_and_else_by_number():
    left, right, far = [0.0, 0, 0.4, 1], [0.5, 0, 0.9, 1], [0.92, 0, 1, 0.1]
    # The best pair first, whatever the numbers say.
    assert match(np.array([right, left]), [1, 2], np.array([left, right]), [1, 2]) == [1, 0]
    # A box that was mended far keeps its track by its number, another number's does not.
    low = [0.0, 0.7, 0.4, 1.0]
    assert match(np.array([low]), [1], np.array([left]), [1]) == [0]
    assert match(np.array([low]), [2], np.array([left]), [1]) == [NOWHERE]
    # A number on the other side of the picture is somebody else.
    assert match(np.array([far]), [1], np.array([left]), [1]) == [NOWHERE]
    assert match(np.zeros((0, 4)), [], np.array([left]), [1]) == []


def test_persons_without_a_feature_are_counted_and_missed():
    made = made_up(clips(train=6, val=3))
    said = made.judged["val-0"]
    labels = said.labels.copy()
    alone = labels["person_id"] == labels["person_id"].iloc[0]
    labels.loc[alone, BOX] = (0.96, 0.0, 1.0, 0.05)
    labels.loc[alone, "person_id"] = 9
    made.judged["val-0"] = said._replace(labels=labels)
    gone = int(labels[alone].groupby("second").ngroups)
    course = course_of(made)
    (note,) = [note for note in course.notes if "without a feature" in note]
    assert (
        note.startswith("val: without a feature, because no track is where the box is: 6 of 54 ")
        and gone == 6
    )
    action = int(labels[alone]["action_id"].iloc[0])
    val = course.evaluations[0]
    total, found = val.annotated.boxes[action], val.figures[action - 1].examples
    assert total == found + gone
    assert val.annotated.average_precision[action] <= found / total + 1e-9


def test_nobody_learns_from_or_judges_persons_nobody_spoke_of():
    made = made_up(clips(train=6, val=3))
    for clip in ("train-0", "val-0"):
        said = made.judged[clip]
        rows = [(second, *box_of(2)) for second in SECONDS]
        made.judged[clip] = said._replace(
            labels=said.labels[said.labels["person_id"] != 2],
            idle=said.idle[(said.idle["x1"] - box_of(2)[0]).abs() > 1e-9],
            unticked=pd.DataFrame(rows, columns=list(UNTICKED)),
        )
    persons = made.persons()
    assert len(persons.judged) == (9 * 3 - 2) * 6
    unknown = persons.featured[persons.featured["unknown"]]
    assert set(zip(unknown["clip"], unknown["person_id"], strict=True)) == {
        ("train-0", 2),
        ("val-0", 2),
    }
    assert course_of(made).made_from["persons"] == (6 * 3 - 1) * 6


def test_features_of_other_tracks_are_refused():
    made = made_up(clips(train=2, val=0))
    made.tracks["train-1"] = made.tracks["train-1"].iloc[1:]
    with pytest.raises(UserError, match="clip train-1: its features are of 18 boxes"):
        featured_persons(made.index, made.tracks, FPS)


def test_a_keyframe_that_nobody_judged_does_not_count():
    made = made_up(clips(train=6, val=3))
    before = course_of(made).evaluations[0]
    said = made.judged["val-0"]
    labels = said.labels[said.labels["second"] != 3]
    idle = said.idle[said.idle["second"] != 3]
    nobody = said.nobody[said.nobody["second"] != 3]
    made.judged["val-0"] = said._replace(labels=labels, idle=idle, nobody=nobody)
    assert made.persons().excluded == {("val-0", 3)}
    after = course_of(made).evaluations[0]
    # Three persons on it are proposed all the same: wrong they are not.
    assert after.detected.mean >= before.detected.mean - 0.02


# ------------------------------------------------------------- chance, and what is said


def test_labels_are_dealt_out_by_whole_persons():
    tracks = [("a", 1)] * 3 + [("b", 1)] * 3 + [("a", 2)] * 3
    dealt = shuffled(tracks, seed=3)
    assert (np.sort(dealt, axis=1) == np.arange(9)).all()
    runs = {tuple(run) for each in dealt for run in each.reshape(3, 3)}
    assert runs == {(0, 1, 2), (3, 4, 5), (6, 7, 8)}
    assert (dealt == shuffled(tracks, seed=3)).all() and not (dealt == shuffled(tracks, 4)).all()


def figures(examples, others, clip_count, value, chance):
    return Figures(examples, others, clip_count, value, value, 0.1, 0.1, chance, [])


@pytest.mark.parametrize(
    ("trained", "val", "word", "told"),
    [
        (0, figures(50, 50, 5, 0.9, 0.3), NOT_SEEN, "no person with a feature does it"),
        (9, figures(50, 50, 5, 0.9, 0.3), LEARNABLE, "0.900 is above 0.300"),
        (9, figures(50, 50, 5, 0.3, 0.3), CHANCE_ONLY, "0.300 is not above 0.300"),
        (9, figures(9, 50, 5, 0.9, 0.3), TOO_FEW, "val: 9 examples, expected at least 10"),
        (9, figures(10, 9, 5, 0.9, 0.3), TOO_FEW, "9 persons without it"),
        (9, figures(10, 10, 2, 0.9, 0.3), TOO_FEW, "val: examples in 2 clips, expected at least 3"),
    ],
)
def test_what_is_said_of_an_action(trained, val, word, told):
    found = verdict(trained, [("val", val)])
    assert found.word == word and told in found.reason


def test_where_val_has_too_few_cross_validation_decides():
    found = verdict(9, [("val", figures(1, 50, 1, 1.0, 0.3)), ("cv", figures(50, 50, 5, 0.2, 0.4))])
    assert (found.word, found.by) == (CHANCE_ONLY, "cv")


def test_actions_said_beside_others():
    targets = np.array([[True, False], [True, False], [True, True], [False, True]])
    found = np.array([[0.9, 0.8], [0.9, 0.1], [0.9, 0.9], [0.2, 0.9]])
    assert said_together(targets, found, np.array([0.5, 0.5])) == [(0, 1, 1, 2)]


def test_confusion_by_hand():
    targets = np.array([[True, False], [False, True], [False, True], [False, False]])
    found = np.array([[0.8, 0.1], [0.7, 0.2], [0.1, 0.7], [0.2, 0.1]])
    assert confusion(targets, found).tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]


def test_folds_hold_about_as_many_of_each_action():
    groups = [f"g{n}" for n in range(8) for _ in range(5)]
    targets = np.zeros((40, 1), bool)
    targets[:10] = True  # all of groups 0 and 1
    fold_of = folds_of(targets, groups, 2)
    assert fold_of["g0"] != fold_of["g1"]
    assert list(fold_of.values()).count(0) == 4


def test_mean_precision_counts_actions_that_occur():
    targets = np.array([[True, False], [False, False]])
    assert mean_precision(np.array([[0.1, 0.3], [0.9, 0.1]]), targets) == 0.5


def test_more_numbers_than_persons_are_the_same_problem():
    """Numbers of no weight in the persons' differences change nothing but the way to solve it."""
    made = made_up(clips(train=3, val=0), signal=1.0)
    persons = made.persons()
    vectors, targets = persons.vectors[persons.judged["feature"]], persons.targets
    wide = np.concatenate([vectors, np.ones((len(vectors), 200), np.float32)], axis=1)
    few, many = (scores(train(each, targets, ATTRIBUTES, None), each) for each in (vectors, wide))
    np.testing.assert_allclose(few, many, atol=2e-3)
