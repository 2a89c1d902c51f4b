"""Tracks that change persons are found by what they look like, and tracks that do not are not."""

import numpy as np
import pandas as pd
import pytest

from avaflow.label_checks.check import LOOKS
from avaflow.label_checks.looks import looks, seen_in, weight_of_likeness
from avaflow.tables import DETECTIONS, TRACKS

FPS, SECONDS, SIDES = 30, 8, 64


def clip_of(seed, swapped_from=None):
    """Three persons of a clip, each with a look of their own, looked at three times a second."""
    chance = np.random.default_rng(seed)
    persons = chance.normal(size=(3, SIDES))
    detections, tracks, vectors = [], [], []
    for frame in range(1, FPS * SECONDS, 10):
        for person in range(3):
            box = (0.3 * person + 0.001 * chance.random(), 0.1, 0.3 * person + 0.2, 0.9)
            box = tuple(round(side, 6) for side in box)
            track = person + 1
            if swapped_from is not None and frame > FPS * swapped_from and person < 2:
                track = 2 - person
            detections.append(("c", frame, *box, 0.8))
            tracks.append((frame, track, *box, 0.8))
            one = persons[person] + 0.8 * chance.normal(size=SIDES)
            vectors.append(one / np.linalg.norm(one))
    order = chance.permutation(len(tracks))
    return (
        pd.DataFrame([tracks[n] for n in order], columns=list(TRACKS)),
        pd.DataFrame(detections, columns=list(DETECTIONS)),
        np.array(vectors, np.float16),
    )


def seen(swapped=None):
    return {f"c-{n}": seen_in(*clip_of(n, 4 if n == swapped else None), FPS) for n in range(6)}


def test_looks_are_those_of_the_tracks_boxes():
    tracks, detections, vectors = clip_of(0)
    found = seen_in(tracks, detections, vectors, FPS)
    assert sorted(found) == [1, 2, 3] and sorted(found[1]) == list(range(SECONDS))
    own = vectors[(detections["frame"] <= FPS).to_numpy() & (detections["x1"] < 0.1).to_numpy()]
    mean = own.astype(float).sum(axis=0)
    np.testing.assert_allclose(found[1][0], mean / np.linalg.norm(mean))
    # A box that nobody detected, such as one drawn between two, has no looks.
    tracks.loc[0, "x1"] += 0.00001
    assert len(seen_in(tracks.iloc[:1], detections, vectors, FPS)) == 0


def test_two_tracks_that_change_persons_are_found_with_their_second():
    (found,) = [one for one in looks(seen(swapped=3)) if one.score > 0.1]
    assert (found.kind, found.clip, found.tracks, found.first) == (LOOKS, "c-3", (1, 2), 4)
    assert found.score > 0.9 and found.reason.startswith("From second 4 on track 1 looks like")


def test_tracks_that_keep_their_persons_are_not_in_the_list():
    assert [one for one in looks(seen()) if one.score > 0.02] == []


def test_of_too_few_tracks_nothing_is_said():
    clips = {"c-0": seen_in(*clip_of(0, 4), FPS)}
    assert weight_of_likeness(clips) == 0 and list(looks(clips)) == []


@pytest.mark.parametrize("second", [1, 7])
def test_a_second_alone_is_not_enough(second):
    clips = seen()
    clips["c-1"] = seen_in(*clip_of(1, second), FPS)
    assert [one for one in looks(clips) if one.clip == "c-1" and one.first == second] == []
