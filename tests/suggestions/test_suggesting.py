"""What is suggested of made-up persons whose actions are known, and which clip comes next."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from avaflow.baseline.examples import featured_persons
from avaflow.project.actions import all_actions
from avaflow.suggestions.files import clip_content
from avaflow.suggestions.learning import HEAD, NEIGHBOURS, Examples, learn
from avaflow.suggestions.persons import examples_of, open_rows
from avaflow.suggestions.queue import queue_of
from avaflow.suggestions.spans import suggested_spans
from avaflow.tables import UNTICKED
from learnt_persons import ATTRIBUTES, FPS, SECONDS, box_of, clips, made_up

FOLDS = 3
NAMES = [action.name for action in all_actions(ATTRIBUTES)]


class Project:
    """Made-up clips, those of train finished, those of val awaiting their annotator."""

    def __init__(self, train=8, val=6, labelled=None, **made):
        self.made = made_up(clips(train, val), **made)
        self.featured = featured_persons(self.made.index, self.made.tracks, FPS)
        keys = ["file", "row"]
        place = {key: at for at, key in enumerate(self.made.index[keys].itertuples(index=False))}
        order = [place[key] for key in self.featured[keys].itertuples(index=False)]
        self.vectors = self.made.vectors[order]
        self.finished = [c for c in self.made.splits if c.startswith("train")]
        self.awaiting = [c for c in self.made.splits if c.startswith("val")]
        judged = {clip: self.made.judged[clip] for clip in self.finished[:labelled]}
        self.examples = examples_of(self.featured, self.vectors, judged, self.made.groups, 5)

    def learnt(self, precision=0.95):
        return learn(self.examples, self.vectors, ATTRIBUTES, FOLDS, precision)

    def waiting(self):
        rows = open_rows(self.featured, self.awaiting, {})
        places = self.featured.iloc[rows][["clip", "second", "person_id"]].reset_index(drop=True)
        return rows, places

    def suggested(self, learnt, unsure=False):
        """(clip, track, option, second) of all that is sure, or of all that is suggested."""
        rows, places = self.waiting()
        spans = suggested_spans(learnt, places, learnt.scores(self.vectors[rows]), ATTRIBUTES)
        return {
            (clip, span.track, span.option, second)
            for clip, each in spans.items()
            for span in each
            if span.sure or unsure
            for second in SECONDS
            if span.start <= second < span.end
        }

    def truth(self):
        return {
            (clip, row.person_id, NAMES[row.action_id - 1], row.second)
            for clip in self.awaiting
            for row in self.made.judged[clip].labels.itertuples()
        }


def test_most_ticks_of_clear_persons_are_suggested_and_right():
    project = Project(train=16)
    learnt = project.learnt()
    assert set(learnt.by) == {HEAD} and None not in learnt.bars
    found, truth = project.suggested(learnt), project.truth()
    assert len(found & truth) >= 0.95 * len(found) and len(found & truth) >= 0.8 * len(truth)


def test_where_features_say_nothing_nothing_is_suggested():
    project = Project(signal=0)
    learnt = project.learnt()
    assert learnt.bars == (None,) * 5 and project.suggested(learnt) == set()


def test_labels_of_what_awaits_somebody_do_not_matter():
    one, other = Project(), Project()
    for clip in other.awaiting:
        other.made.judged[clip] = other.made.judged[other.finished[0]]
    assert one.learnt().digest() == other.learnt().digest()
    assert one.suggested(one.learnt()) == other.suggested(other.learnt())
    # And those of train do.
    assert Project(labelled=7).learnt().digest() != one.learnt().digest()


def test_scores_of_bars_have_not_seen_the_persons_clip():
    """Each clip has numbers of its own that tell what is done in it, and are 0 in all others: by
    heart all of it is known, and of another clip nothing."""
    given = Project().examples
    clip_of = {clip: at for at, clip in enumerate(sorted(set(given.groups)))}
    vectors = np.zeros((len(given.targets), 5 * len(clip_of)), np.float32)
    for row, (clip, done) in enumerate(zip(given.groups, given.targets, strict=True)):
        vectors[row, 5 * clip_of[clip] : 5 * clip_of[clip] + 5] = done
    examples = Examples(given.places, vectors, given.targets, given.groups)
    learnt = learn(examples, vectors, ATTRIBUTES, 8, 0.95)
    assert learnt.bars == (None,) * 5
    # Whole clips held out, or not: where each is in two groups, bars are there.
    halves = [f"{clip} {row % 2}" for row, clip in enumerate(given.groups)]
    leaking = learn(
        Examples(given.places, vectors, given.targets, halves), vectors, ATTRIBUTES, 2, 0.95
    )
    assert None not in leaking.bars[:2]


def few(project, column, keep):
    """Examples of which so many do an action; the others who do it are left out."""
    given = project.examples
    done = np.flatnonzero(given.targets[:, column])
    # From as many clips as can be.
    order = sorted(done, key=lambda row: (list(done).index(row) % 7, row))
    rows = np.setdiff1d(np.arange(len(given.targets)), order[keep:])
    places = given.places.iloc[rows].reset_index(drop=True)
    groups = [given.groups[row] for row in rows]
    return Examples(places, given.vectors[rows], given.targets[rows], groups)


def test_neighbours_speak_until_there_are_ten_examples():
    project = Project(signal=8.0)
    for keep, by in ((9, NEIGHBOURS), (10, HEAD), (0, "")):
        project.examples = few(Project(signal=8.0), 0, keep)
        learnt = project.learnt()
        assert learnt.by[0] == by and learnt.counts[0] == keep
        if by == NEIGHBOURS:
            # Of few examples nothing is bounded, and so nothing is sure.
            found = {each for each in project.suggested(learnt, True) if each[2] == "talk"}
            assert len(found) >= 3 and len(found & project.truth()) >= 0.8 * len(found)
            rows, places = project.waiting()
            scores = learnt.scores(project.vectors[rows])
            spans = suggested_spans(learnt, places, scores, ATTRIBUTES)
            for clip, each in spans.items():
                told = clip_content(clip, each, 0.95, "", FPS)["persons"]
                spans_told = [s for person in told for s in person["spans"]]
                assert not any(s["sure"] for s in spans_told if s["option"] == "talk")
    assert learnt.bars[0] is None  # whom nobody does is not suggested


def test_before_the_first_label_nothing_is_suggested_and_clips_unlike_each_other_come_first():
    project = Project(labelled=0)
    learnt = project.learnt()
    assert learnt.by == ("",) * 5 and project.suggested(learnt) == set()
    # Clips 0 and 1 look the same, 3 and 4 too, 2 and 5 are alone.
    rows, places = project.waiting()
    looks = np.eye(16, dtype=np.float32)[[0, 0, 1, 2, 2, 3]]
    at = {clip: number for number, clip in enumerate(project.awaiting)}
    vectors = looks[[at[clip] for clip in places["clip"]]] * 5
    learnt = learn(project.examples, vectors, ATTRIBUTES, 5, 0.95)
    queue = queue_of(
        project.awaiting,
        project.made.splits,
        places,
        vectors,
        learnt.scores(vectors),
        learnt,
        NAMES,
    )
    assert [row.rank for row in queue] == [1, 2, 3, 4, 5, 6]
    first = {at[row.clip] for row in queue[:4]}
    assert len(first & {0, 1}) == len(first & {3, 4}) == 1 and {2, 5} <= first
    assert queue[0].reason == "most like all the others"
    assert {row.reason for row in queue[1:]} == {"unlike those before it"}


def test_what_is_unlike_the_labelled_comes_first_and_empty_clips_last():
    project = Project()
    rows, places = project.waiting()
    vectors = project.vectors[rows].copy()
    strange = places["clip"].to_numpy() == "val-4"
    learnt = project.learnt()
    # Away from all that is known: where the examples reach the least.
    *_, away = np.linalg.svd(learnt.known, full_matrices=False)[2]
    vectors[strange] = learnt.mean + 50 * learnt.spread * away
    queue = queue_of(
        [*project.awaiting, "nobody"],
        {**project.made.splits, "nobody": "train"},
        places,
        vectors,
        learnt.scores(vectors),
        learnt,
        NAMES,
    )
    assert queue[0].clip == "val-4" and "unlike what is annotated" in queue[0].reason
    assert (queue[-1].clip, queue[-1].persons, queue[-1].reason) == (
        "nobody",
        0,
        "nobody was found",
    )
    assert [row.persons for row in queue[:-1]] == [3] * 6


def test_a_rare_action_is_a_reason():
    project = Project()
    project.examples = few(project, 1, 10)
    rows, places = project.waiting()
    learnt = project.learnt()
    scores = np.full((len(rows), 5), 0.001)
    scores[places["clip"].to_numpy() == "val-2", 1] = 0.999
    vectors = np.tile(project.examples.vectors[:1], (len(rows), 1))
    splits = project.made.splits
    queue = queue_of(project.awaiting, splits, places, vectors, scores, learnt, NAMES)
    assert queue[0].clip == "val-2" or queue[0].unlike == queue[1].unlike == 0
    told = {row.clip: row.reason for row in queue}
    assert told["val-2"] == "probably rare: bow" and told["val-0"] == "much like what is annotated"


def test_of_clips_judged_in_part_the_rest_is_open():
    project = Project(train=1, val=1)
    table = pd.DataFrame([(3, *box_of(2)), (4, *box_of(3))], columns=list(UNTICKED))
    rows = open_rows(project.featured, ["val-0"], {"train-0": table})
    found = project.featured.iloc[rows]
    own = found[found["clip"] == "train-0"]
    assert own[["second", "person_id"]].to_numpy().tolist() == [[3, 2], [4, 3]]
    assert len(found) == 2 + 18


def spans_of(scores, seconds=(2, 3, 5, 6)):
    """What is suggested of one person with these scores, where 0.9 is sure and 0.5 is likely."""
    learnt = Project(labelled=0).learnt()
    learnt = replace(learnt, by=(HEAD,) * 5, bars=(0.9,) * 5, lows=(0.5,) * 5)
    places = pd.DataFrame([("c", s, 1) for s in seconds], columns=["clip", "second", "person_id"])
    found = suggested_spans(learnt, places, np.array(scores, float), ATTRIBUTES)
    return [
        (s.option, s.start, s.end, s.probability, s.sure) for each in found.values() for s in each
    ]


def test_of_one_choice_the_better_is_suggested_and_a_gap_ends_a_span():
    scores = np.zeros((4, 5))
    scores[:, 2], scores[2:, 3] = 0.98, (0.96, 0.999)
    assert spans_of(scores) == [
        ("sit", 5.5, 6.5, 0.999, True),
        ("stand", 1.5, 3.5, 0.98, True),
        ("stand", 4.5, 5.5, 0.98, True),
    ]


def test_what_is_only_likely_is_told_apart_and_goes_after_what_is_sure():
    scores = np.zeros((4, 5))
    scores[:, 0] = 0.99, 0.6, 0.3, 0.3
    # Steadied, 0.6 beside 0.99 is 0.80: likely.
    assert spans_of(scores) == [("talk", 1.5, 2.5, 0.99, True), ("talk", 2.5, 3.5, 0.6, False)]
    scores = np.zeros((4, 5))
    scores[2:, 2], scores[2:, 4] = 0.95, 0.93
    assert spans_of(scores) == [("stand", 4.5, 6.5, 0.95, True)]
    scores[2:, 2] = 0.8
    assert spans_of(scores) == [("walk", 4.5, 6.5, 0.93, True)]


@pytest.mark.parametrize("precision", [0.5, 0.8, 0.95])
def test_a_stricter_precision_suggests_less(precision):
    project = Project(signal=2.0, train=12)
    found, truth = project.suggested(project.learnt(precision)), project.truth()
    stricter = project.suggested(project.learnt(0.99))
    assert len(stricter) <= len(found)
    assert not found or len(found & truth) / len(found) >= precision - 0.1
