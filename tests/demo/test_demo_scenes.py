"""The demo's made-up videos: what was shipped is what the generator draws, and its truth holds."""

import csv
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import scenes
from acting import ACTIONS
from figures import Pose, skeleton
from frame_number import burn_frame_number, read_frame_number
from measure_detector import KEYFRAME_SECONDS, matches
from random_images import random_image
from scenes import FPS, FRAMES, SCENES, TRUTH_COLUMNS, render, truth_lines

pytestmark = pytest.mark.slow

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo"
NAMES = ("corridor", "classroom", "yard")
ALL_ACTIONS = {"talk", "bow", "stand", "sit", "walk", "hand up", "catch"}

ON_SAMPLE = tuple(range(0, FRAMES, 39))
"""Frames that tests draw anew; all frames of all videos take a quarter of a minute."""


@cache
def shipped_frames(name: str) -> list[np.ndarray]:
    with av.open(str(DEMO / "videos" / f"{name}.mp4")) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


@cache
def shipped_truth(name: str) -> dict[tuple[int, int], dict[str, str]]:
    with (DEMO / "truth" / f"{name}.csv").open(newline="") as lines:
        return {(int(row["frame"]), int(row["person_id"])): row for row in csv.DictReader(lines)}


@cache
def drawn(name: str, frame: int) -> scenes.Frame:
    return render(SCENES[name], frame)


def box_of(row: dict[str, str]) -> np.ndarray:
    return np.array([float(row[name]) for name in ("x1", "y1", "x2", "y2")])


def actions_at(name: str, second: float) -> dict[int, set[str]]:
    frame = round(second * FPS)
    return {
        person_id: set(row["actions"].split(";"))
        for (at, person_id), row in shipped_truth(name).items()
        if at == frame
    }


def test_every_shipped_frame_tells_its_number():
    numbers = [read_frame_number(frame) for frame in shipped_frames("corridor")]
    assert numbers == list(range(390))


@pytest.mark.parametrize("name", NAMES)
def test_videos_have_the_promised_shape(name):
    with av.open(str(DEMO / "videos" / f"{name}.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (640, 360)
        assert stream.average_rate == 30
        assert stream.frames == 390


def test_what_is_shipped_is_small():
    videos, truth = (
        sum(file.stat().st_size for file in (DEMO / kind).iterdir()) for kind in ("videos", "truth")
    )
    assert videos < 2_500_000
    assert truth < 1_500_000


@pytest.mark.parametrize("width", [320, 456, 640, 1280, 1920])
def test_frame_number_survives_scaling_and_jpeg(width):
    for number in (0, 1, 389, 2730, 4095):
        image = np.full((360, 640, 3), 120, np.uint8)
        burn_frame_number(image, number)
        scaled = cv2.resize(image, (width, width * 9 // 16), interpolation=cv2.INTER_AREA)
        _, jpeg = cv2.imencode(".jpg", scaled, [cv2.IMWRITE_JPEG_QUALITY, 50])
        assert read_frame_number(cv2.imdecode(jpeg, cv2.IMREAD_COLOR)) == number


def test_frame_numbers_differ_in_each_bit():
    read = set()
    image = np.zeros((360, 640, 3), np.uint8)
    for number in range(0, 4096, 3):
        burn_frame_number(image, number)
        read.add(read_frame_number(image))
    assert read == set(range(0, 4096, 3))


@pytest.mark.parametrize("block", range(2, 15))
def test_a_flipped_block_is_refused(block):
    image = np.zeros((360, 640, 3), np.uint8)
    burn_frame_number(image, 1234)
    columns = slice(4 + 12 * block, 16 + 12 * block)
    image[4:16, columns] = 255 - image[4:16, columns]
    with pytest.raises(ValueError, match="parity"):
        read_frame_number(image)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_image_without_a_number_is_refused(grey):
    with pytest.raises(ValueError, match="frame number"):
        read_frame_number(np.full((360, 640, 3), grey, np.uint8))


def test_a_number_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="4096"):
        burn_frame_number(np.zeros((360, 640, 3), np.uint8), 4096)


@pytest.mark.parametrize("name", NAMES)
def test_shipped_truth_is_well_formed(name):
    truth = shipped_truth(name)
    first = next(iter(truth.values()))
    assert tuple(first) == TRUTH_COLUMNS
    assert list(truth) == sorted(truth)
    assert {frame for frame, _ in truth} == set(range(390))
    assert {person_id for _, person_id in truth} == {1, 2, 3, 4}
    for row in truth.values():
        x1, y1, x2, y2 = box_of(row)
        assert 0 <= x1 < x2 <= 1
        assert 0 <= y1 < y2 <= 1
        assert 0 <= float(row["visible"]) <= 1
        done = row["actions"].split(";")
        assert len([action for action in done if action in ACTIONS["body"]]) == 1
        assert len([action for action in done if action in ACTIONS["head"]]) <= 1
        assert len([action for action in done if action in ACTIONS["limbs"]]) <= 1
        assert set(done) <= ALL_ACTIONS


@pytest.mark.parametrize("name", NAMES)
def test_shipped_truth_is_the_generators(name):
    lines = (DEMO / "truth" / f"{name}.csv").read_text().splitlines()[1:]
    for frame in ON_SAMPLE:
        shipped = [line for line in lines if line.startswith(f"{frame},")]
        assert shipped == list(truth_lines(frame, drawn(name, frame)))
        assert shipped


@pytest.mark.parametrize("name", NAMES)
def test_shipped_video_shows_what_the_generator_draws(name):
    for frame in ON_SAMPLE:
        now = drawn(name, frame)
        difference = np.abs(shipped_frames(name)[frame].astype(int) - now.image).mean(2)
        # readers turn flat colours 1 to 3 levels darker
        assert difference.mean() < 4, frame
        assert difference[now.owner > 0].mean() < 8, frame
    # two thirds of a second on, the persons have moved: the limits above mean something
    later = np.abs(shipped_frames(name)[137].astype(int) - drawn(name, 117).image).mean(2)
    assert later[drawn(name, 117).owner > 0].mean() > 20


@pytest.mark.parametrize("name", NAMES)
def test_boxes_fit_what_is_seen_of_the_persons(name):
    """Compares the shipped boxes with the pixels that each person owns in the image."""
    whole = 0
    for frame in ON_SAMPLE:
        owner = drawn(name, frame).owner
        rows = {p: row for (f, p), row in shipped_truth(name).items() if f == frame}
        assert set(np.unique(owner)) - {0} <= set(rows)
        for person_id, row in rows.items():
            ys, xs = np.nonzero(owner == person_id)
            x1, y1, x2, y2 = box_of(row) * (640, 360, 640, 360)
            if float(row["visible"]) == 0:
                assert len(xs) == 0
                continue
            seen = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
            slack = 0.01
            assert (seen[:2] >= np.array([x1, y1]) - slack).all()
            assert (seen[2:] <= np.array([x2, y2]) + slack).all()
            if float(row["visible"]) == 1:
                whole += 1
                assert np.allclose(seen, (x1, y1, x2, y2), atol=slack)
    assert whole >= 10


def test_visible_share_of_two_squares():
    """A 10 x 10 person, a quarter outside; another covers 4 of its 10 rows."""
    square = np.full((10, 10, 4), 255, np.uint8)
    wide = np.full((4, 20, 4), 255, np.uint8)
    layers = [
        scenes.Layer(2.0, 2, wide, 0, 6),
        scenes.Layer(1.0, 1, square, 12, 2),
        scenes.Layer(0.5, 3, square, 20, 0),
    ]
    _, sightings, owner = scenes.compose(np.zeros((20, 20, 3), np.uint8), layers)
    # person 1 has 8 of 10 columns inside, rows 2 to 11; rows 6 to 9 are covered: 8 x 6 remain
    assert sightings[1].visible == pytest.approx(0.48)
    assert sightings[1].box == pytest.approx((12 / 20, 2 / 20, 1.0, 12 / 20))
    assert sightings[2].visible == 1
    assert 3 not in sightings
    assert (owner == 1).sum() == 48


def test_same_frame_same_image():
    fresh = render(SCENES["yard"], 78)
    for keeper in (scenes._background, scenes._things, scenes._strides):
        keeper.cache_clear()
    again = render(SCENES["yard"], 78)
    assert np.array_equal(fresh.image, again.image)
    assert list(truth_lines(78, fresh)) == list(truth_lines(78, again))


def test_random_images_follow_their_seed():
    first, sightings = random_image(5)
    again, same_sightings = random_image(5)
    other, _ = random_image(6)
    assert np.array_equal(first, again)
    assert sightings == same_sightings
    assert np.abs(first.astype(int) - other).mean() > 10


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_on_a_keyframe(name):
    done = set()
    for second in KEYFRAME_SECONDS[name]:
        for actions in actions_at(name, second).values():
            done |= actions
    assert done == ALL_ACTIONS


@pytest.mark.parametrize(
    ("name", "second", "expected"),
    [
        (
            "corridor",
            6.5,
            {2: {"talk", "stand", "hand up"}, 3: {"stand", "catch"}, 4: {"sit"}},
        ),
        (
            "corridor",
            8.5,
            {1: {"talk", "walk"}, 2: {"walk"}, 3: {"bow", "stand"}, 4: {"stand"}},
        ),
        (
            "classroom",
            5.0,
            {1: {"stand"}, 2: {"talk", "sit", "hand up"}, 3: {"sit"}, 4: {"walk"}},
        ),
        (
            "classroom",
            9.0,
            {1: {"talk", "stand"}, 2: {"stand", "catch"}, 3: {"talk", "sit"}, 4: {"sit"}},
        ),
        (
            "yard",
            10.0,
            {1: {"stand", "catch"}, 2: {"stand"}, 3: {"talk", "walk"}, 4: {"walk"}},
        ),
        (
            "yard",
            11.0,
            {1: {"stand"}, 2: {"bow", "stand"}, 3: {"walk"}, 4: {"talk", "stand"}},
        ),
    ],
)
def test_who_does_what_on_some_keyframes(name, second, expected):
    assert actions_at(name, second) == expected


@pytest.mark.parametrize("name", NAMES)
def test_actions_hold_around_keyframes(name):
    """Nobody's actions change within 0.4 s of a keyframe."""
    compared = 0
    for second in KEYFRAME_SECONDS[name]:
        before, at, after = (actions_at(name, second + shift) for shift in (-0.4, 0, 0.4))
        for person_id, actions in at.items():
            for near in (before, after):
                if person_id in near:
                    compared += 1
                    assert near[person_id] == actions, (second, person_id)
    assert compared > 40


@pytest.mark.parametrize(
    ("name", "person_id", "inside", "outside", "again"),
    [("corridor", 1, 4.5, 6.0, 8.5), ("yard", 3, 4.0, 6.0, 9.0)],
)
def test_persons_leave_and_come_back(name, person_id, inside, outside, again):
    assert person_id in actions_at(name, inside)
    assert person_id not in actions_at(name, outside)
    assert person_id in actions_at(name, again)


def test_persons_cover_each_other_when_they_cross():
    hidden = {
        person_id
        for (_, person_id), row in shipped_truth("corridor").items()
        if float(row["visible"]) < 0.3 and 0.1 < float(row["x1"]) < float(row["x2"]) < 0.9
    }
    assert 3 in hidden


def mouth_pixels(name: str, person_id: int, second: float) -> int:
    """Dark red pixels in the upper quarter of a person's box."""
    frame = drawn(name, round(second * FPS))
    x1, y1, x2, y2 = frame.sightings[person_id].box
    left, right = int(x1 * 640), int(x2 * 640)
    top, bottom = int(y1 * 360), int((0.7 * y1 + 0.3 * y2) * 360)
    red = np.abs(frame.image[top:bottom, left:right].astype(int) - (40, 25, 110)).max(2) < 45
    return int(red.sum())


def test_a_talking_mouth_is_open_and_a_silent_one_is_not():
    # the first person of the classroom stands and talks at 3 and 4 s, and is silent at 5 and 6 s
    talking = [mouth_pixels("classroom", 1, second) for second in (3.0, 4.0)]
    silent = [mouth_pixels("classroom", 1, second) for second in (5.0, 6.0)]
    assert min(talking) > 1.5 * max(silent)


def test_the_lower_foot_rests_on_the_ground():
    for pose in (Pose(), Pose(hip_right=80, knee_right=80), Pose(hip_left=30, hip_right=-30)):
        assert max(ankle[1] for ankle in skeleton(pose, 0.8).ankles) == pytest.approx(-0.022)


def test_a_detection_counts_once():
    person = (np.array([0.1, 0.1, 0.3, 0.9]), 1.0)
    hidden = (np.array([0.6, 0.1, 0.8, 0.9]), 0.2)
    twice = np.array([person[0], person[0], hidden[0]])
    assert matches(twice, [person, hidden]) == (1, 0, 1)
    assert matches(np.zeros((0, 4)), [person, hidden]) == (0, 1, 0)
