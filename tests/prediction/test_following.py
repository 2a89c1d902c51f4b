"""Persons keep their numbers through a video that is followed in stretches."""

import numpy as np
import pandas as pd
import pytest
import yaml

from avaflow.persons.tracker import track_clip
from avaflow.persons.vectors import DIMENSIONS
from avaflow.prediction import following
from avaflow.prediction.following import Stretch, follow, stretches
from avaflow.tables import BOX
from workflow_runs import ROOT

FPS, STRIDE = 30, 10
SETTINGS = yaml.safe_load((ROOT / "config.yaml").read_text())["tracker"]
LOOKS = np.eye(DIMENSIONS, dtype=np.float32)


def seen(persons, frames):
    """Detections of persons, each (look, first second, last second, x), and their vectors."""
    rows, vectors = [], []
    for frame in range(1, frames + 1, STRIDE):
        second = (frame - 1) / FPS
        for look, first, last, x in persons:
            if first <= second <= last:
                rows.append(("v", frame, x, 0.2, x + 0.1, 0.8, 0.9))
                vectors.append(LOOKS[look])
    table = pd.DataFrame(rows, columns=["clip", "frame", *BOX, "score"])
    return table, np.array(vectors, np.float16)


def followed(table, vectors, frames, cuts=()):
    def parts():
        for stretch in stretches(frames, FPS):
            on = table["frame"].between(stretch.first, stretch.last).to_numpy()
            yield stretch, vectors[on]

    return follow(table, parts(), FPS, STRIDE, SETTINGS, (640, 360), cuts)


@pytest.fixture
def short(monkeypatch):
    """Stretches of 10 s that share 2 s."""
    monkeypatch.setattr(following, "STRETCH_SECONDS", 10)
    monkeypatch.setattr(following, "OVERLAP_SECONDS", 2)


def numbers_at(tracks, x):
    return tracks.loc[(tracks["x1"] - x).abs() < 1e-9, "person_id"].unique().tolist()


def test_stretches_cover_all_frames_and_begin_at_whole_seconds(short):
    found = stretches(700, FPS)
    assert found == [Stretch(1, 300), Stretch(241, 540), Stretch(481, 700)]
    assert stretches(300, FPS) == [Stretch(1, 300)]


def test_a_short_video_is_followed_as_a_clip_is():
    table, vectors = seen([(0, 0, 9, 0.1), (1, 2, 9, 0.5)], 300)
    expected = track_clip(table, vectors, FPS, STRIDE, SETTINGS, (640, 360))
    pd.testing.assert_frame_equal(followed(table, vectors, 300), expected, check_dtype=False)


def test_numbers_stay_over_stretches_and_come_back(short):
    persons = [
        (0, 0, 40, 0.1),  # all the time
        (1, 0, 3, 0.3),  # leaves, and is back two stretches later
        (1, 30, 40, 0.5),
        (2, 15, 20, 0.7),  # somebody else
    ]
    table, vectors = seen(persons, 1200)
    tracks = followed(table, vectors, 1200)
    assert len(tracks) == len(table)
    assert not tracks.duplicated(["frame", "person_id"]).any()
    assert [numbers_at(tracks, x) for x in (0.1, 0.3, 0.5, 0.7)] == [[1], [2], [2], [3]]


@pytest.mark.parametrize("back", [25, 36])
def test_nobody_is_followed_across_a_cut(short, back):
    """Neither at once, nor by somebody who looks the same later: a shot is a clip of its own."""
    table, vectors = seen([(0, 0, 24.9, 0.1), (0, back, 40, 0.1)], 1200)
    tracks = followed(table, vectors, 1200, cuts=(751,))
    before = tracks["frame"] < 751
    assert tracks.loc[before, "person_id"].unique().tolist() == [1]
    assert tracks.loc[~before, "person_id"].unique().tolist() == [2]


def test_a_video_with_nobody_has_an_empty_table():
    table, vectors = seen([], 300)
    assert followed(table, vectors, 300).empty
