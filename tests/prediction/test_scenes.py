"""What is said of whom: predictions held against the truth, and how that is drawn."""

import numpy as np
import pytest

from avaflow.errors import UserError
from avaflow.prediction.drawing import ScenePainter, drawn_size
from avaflow.prediction.plan import find_videos
from avaflow.prediction.scene import (
    FALSE,
    MISSED,
    PREDICTED,
    RIGHT,
    TRUE,
    Said,
    Scene,
    Shown,
)
from avaflow.prediction.table import read_predictions, write_predictions
from avaflow.preview.colours import colour_of
from avaflow.preview.sights import ACTS, Sight
from avaflow.tables import BOX
from preview_clips import FPS, NAMES, STANDING, judgements, keyframes, tracks, walking

OFFSET = 900


@pytest.fixture
def predicted(tmp_path):
    """Writes scores by (second, person, box) and reads them back from 0.5 on."""
    import pandas as pd

    def made(rows):
        boxes = pd.DataFrame(
            [(s, p, *box) for s, p, box, _ in rows], columns=["second", "person_id", *BOX]
        )
        scores = np.array([row[3] for row in rows], float).reshape(-1, 3)
        write_predictions(tmp_path / "p.csv", "c-1", boxes, scores, list(NAMES.values()), OFFSET)
        return read_predictions(tmp_path / "p.csv", 0.5)

    return made


def test_the_table_has_a_row_an_action_and_of_the_silent_one_remains(tmp_path, predicted):
    table = predicted([(2, 1, walking(61), (0.9, 0.2, 0.5)), (2, 2, STANDING, (0.1, 0.2, 0.3))])
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert lines[0] == "video,timestamp,x1,y1,x2,y2,action_id,score,person_id,action"
    assert lines[1] == "c-1,902,0.200000,0.400000,0.350000,0.900000,1,0.900000,1,walk"
    assert len(lines) == 7
    found = table[["person_id", "action_id"]].to_numpy().tolist()
    assert found == [[1, 1], [1, 3], [2, 0]]
    (tmp_path / "p.csv").write_text("a,b\n")
    with pytest.raises(UserError, match="expected the columns video, timestamp"):
        read_predictions(tmp_path / "p.csv")


def said(shown):
    return {
        one.sight.person: ([(each.action_id, each.mark) for each in one.said], one.missed)
        for one in shown
    }


def test_predictions_alone_are_neither_right_nor_false(predicted):
    rows = [(2, 1, walking(61), (0.6, 0.9, 0.1)), (2, 2, STANDING, (0.1, 0.1, 0.1))]
    scene = Scene(tracks(), keyframes(), FPS, OFFSET, predicted(rows))
    # The surest first.
    assert said(scene.on_keyframe(2)) == {
        1: ([(2, PREDICTED), (1, PREDICTED)], False),
        2: ([], False),
    }
    # Half a second on the same is said of them, where their tracks are by then.
    later = scene.at(75)
    assert said(later) == said(scene.on_keyframe(2))
    assert later[0].sight.box == pytest.approx(walking(75))
    # Of second 4 the table has nobody: the model did not look at who is there.
    assert scene.at(121) == []
    # Before the first keyframe nothing can be said: there tracks are all that is known.
    assert said(scene.at(31)) == {1: ([], False), 2: ([], False)}


def test_truth_tells_right_false_missed_and_not_found(predicted):
    truth = judgements(
        [(2, 1, walking(61), 1), (2, 1, walking(61), 2), (2, 2, STANDING, 3)],
        idle=[(3, walking(91))],
        unticked=[(3, STANDING)],
    )
    rows = [
        (2, 1, walking(61), (0.9, 0.1, 0.8)),  # walk is right, stand is not, raise hand missed
        (3, 1, walking(91), (0.9, 0.1, 0.1)),  # does nothing, as an annotator said
        (3, 2, STANDING, (0.9, 0.1, 0.1)),  # not judged
    ]
    scene = Scene(tracks(), keyframes(), FPS, OFFSET, predicted(rows), truth)
    assert said(scene.on_keyframe(2)) == {
        1: ([(1, RIGHT), (3, FALSE), (2, MISSED)], False),
        2: ([(3, MISSED)], True),
    }
    assert said(scene.on_keyframe(3)) == {1: ([(1, FALSE)], False), 2: ([(1, PREDICTED)], False)}
    alone = Scene(tracks(), keyframes(), FPS, OFFSET, truth=truth)
    assert said(alone.on_keyframe(2)) == {
        1: ([(1, TRUE), (2, TRUE)], False),
        2: ([(3, TRUE)], False),
    }


# ---------------------------------------------------------------- drawn


def pixels(hexa):
    return np.array([int(hexa[at : at + 2], 16) for at in (5, 3, 1)])


def drawn(height, words, missed=False):
    painter = ScenePainter(NAMES, height)
    image = np.full((height, height * 16 // 9, 3), 128, np.uint8)
    box = (0.4, 0.5, 0.6, 0.9)
    return painter, painter.draw(image, [Shown(Sight(1, box, ACTS, (1,)), words, missed)])


def count(image, colour):
    return int((np.abs(image.astype(int) - pixels(colour)).sum(axis=2) < 30).sum())


@pytest.mark.parametrize("height", [360, 720, 2160])
def test_text_and_lines_grow_with_the_image(height):
    painter, image = drawn(height, (Said(1, 0.5, PREDICTED),))
    assert painter.font_px == pytest.approx(height / 26, abs=1) and painter.font_px >= 13
    left = round(0.4 * (image.shape[1] - 1))
    row = image[round(0.7 * height), left - height // 40 : left + height // 40]
    line = np.abs(row.astype(int) - pixels(colour_of(1))).sum(axis=1) < 30
    # OpenCV draws a line of three pixels five wide.
    assert 2.5 <= line.sum() * 360 / height <= 5.5


def test_small_videos_are_enlarged_and_large_ones_made_smaller():
    assert drawn_size(426, 240, 1920) == (640, 360)
    assert drawn_size(3840, 2160, 3840) == (3840, 2160)
    assert drawn_size(1080, 1920, 1920) == (1080, 1920)
    width, height = drawn_size(1921, 1081, 641)
    assert width % 2 == height % 2 == 0


def test_a_bar_is_as_long_as_its_score():
    painter = ScenePainter(NAMES, 720)
    lengths = []
    for score in (0.5, 1.0):
        panel = painter.panel(1, ACTS, (Said(1, score, PREDICTED),), False)[-12:, :, :3]
        near = np.abs(panel.astype(int) - pixels(colour_of(1))).sum(axis=2) < 30
        lengths.append(int(near.sum(axis=1).max()))
    assert lengths[0] == pytest.approx(lengths[1] / 2, abs=2) and lengths[1] > 60


def test_right_false_and_missed_differ_in_colour_shape_and_word():
    amounts = {}
    for mark, colour in ((RIGHT, "#2fc79a"), (FALSE, "#f0a060"), (MISSED, "#56b4e9")):
        painter, image = drawn(720, (Said(1, None if mark == MISSED else 0.99, mark),))
        panel = painter.panel(1, ACTS, (Said(2, None if mark == MISSED else 0.99, mark),), False)
        bar = panel[-10:, :, :3]
        amounts[mark] = count(bar, colour)
        assert count(image, colour) > 100
    # Full, striped, an outline.
    assert amounts[RIGHT] > 1.6 * amounts[FALSE] > 0
    assert amounts[RIGHT] > 1.3 * amounts[MISSED] > 0


def test_words_of_crowded_persons_do_not_hide_each_other():
    painter = ScenePainter(NAMES, 720)
    words = (Said(1, 0.9, PREDICTED), Said(2, 0.8, PREDICTED))
    places = []
    free = painter._free_place
    painter._free_place = lambda *given: places.append(free(*given)) or places[-1]
    crowd = [
        Shown(Sight(n, (0.3 + 0.06 * n, 0.3, 0.36 + 0.06 * n, 0.7), ACTS, (1, 2)), words)
        for n in range(1, 5)
    ]
    painter.draw(np.zeros((720, 1280, 3), np.uint8), crowd)
    assert len(places) == 4
    hidden = [one.overlap(other) for at, one in enumerate(places) for other in places[at + 1 :]]
    assert max(hidden) == 0


# ---------------------------------------------------------------- names


def test_names_are_safe_and_none_is_a_clips(tmp_path):
    folder = tmp_path / "odd names"
    (folder / "deeper").mkdir(parents=True)
    for name in ("Café 1.MP4", "c-1.mkv", "deeper/Café 1.mp4", "index.mp4", "notes.txt", ".x.mp4"):
        (folder / name).write_bytes(b"")
    (tmp_path / "no ending").write_bytes(b"")
    found = find_videos([str(folder), str(tmp_path / "no ending")], ["c-1"])
    assert {name: path.removeprefix(f"{tmp_path}/") for name, path in found.items()} == {
        "c-1-video": "odd names/c-1.mkv",
        "deeper-Cafe-1": "odd names/deeper/Café 1.mp4",
        "index-v2": "odd names/index.mp4",
        "no-ending": "no ending",
        "odd-names-Cafe-1": "odd names/Café 1.MP4",
    }
    assert find_videos("", []) == {}


def test_what_is_not_there_is_told(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError) as told:
        find_videos([str(tmp_path / "gone.mp4"), str(tmp_path / "empty")], [])
    assert str(told.value).count("\n") == 2
    assert "gone.mp4: no such file or folder" in str(told.value)
    assert "empty: no video in this folder" in str(told.value)
