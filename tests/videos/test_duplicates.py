"""Copies of a clip are found whatever was done to them; another clip of the same camera is none."""

import cv2
import numpy as np
import pytest

from avaflow.errors import UserError
from avaflow.tables import Duplicate
from avaflow.videos import duplicates
from avaflow.videos.compared_clips import (
    NOTHING,
    Compared,
    read_compared,
    still_true,
    unchanged,
    write_compared,
)
from avaflow.videos.duplicates import best_match, find_duplicates
from avaflow.videos.motion import HEIGHT, WIDTH, moving_images, read_motion, write_motion
from avaflow.workflow.closing import duplicate_remarks
from numbered_videos import run_ffmpeg
from workflow_runs import DEMO, Workspace

SCALE = 8


def scene(seed: int, seconds: int = 9) -> np.ndarray:
    """Large grey images (T, 144, 256) of three persons who wander before one same background."""
    random = np.random.default_rng(seed)
    floor = cv2.resize(
        np.random.default_rng(0).uniform(60, 200, (9, 16)).astype(np.float32),
        (WIDTH * SCALE, HEIGHT * SCALE),
    )
    places = random.uniform(0.1, 0.9, (3, 2))
    ways = random.normal(0, 0.02, (3, 2))
    images = []
    for _ in range(seconds * 10):
        ways = 0.9 * ways + random.normal(0, 0.007, (3, 2))
        places = np.clip(places + ways, 0.05, 0.95)
        image = floor.copy()
        for number, (x, y) in enumerate(places):
            at = int(x * WIDTH * SCALE), int(y * HEIGHT * SCALE)
            cv2.ellipse(image, at, (10, 26), 0, 0, 360, 30 + 90 * number, -1)
        images.append(image)
    return np.stack(images)


def small(images: np.ndarray, seed: int = 0) -> np.ndarray:
    """Images as clips keep them, with a little noise of an encoder."""
    resized = [cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for image in images]
    noise = np.random.default_rng(seed).normal(0, 0.7, (len(images), HEIGHT, WIDTH))
    return np.clip(np.stack(resized) + noise, 0, 255).round().astype(np.uint8)


def told(one: np.ndarray, other: np.ndarray, splits=("train", "val")) -> list[tuple[str, float]]:
    clips = {"a": small(one), "b": small(other, seed=1)}
    rows = find_duplicates(dict(zip("ab", splits, strict=True)), clips.__getitem__)
    assert all((row.clip, row.other) == ("a", "b") for row in rows)
    return [(row.kind, round(row.later, 1)) for row in rows]


def test_copies_are_told_with_what_was_done_to_them():
    one = scene(1)
    assert told(one, one) == [("copy", 0.0)]
    assert told(one, 0.9 * one + 10) == [("copy", 0.0)]
    assert told(one, one[:, :, ::-1]) == [("mirrored", 0.0)]
    assert told(one, one[17:]) == [("shifted", 1.7)]
    assert told(one[25:], one[:70, :, ::-1]) == [("mirrored+shifted", -2.5)]
    cropped = np.stack([cv2.resize(image[10:125, 40:245], (256, 144)) for image in one])
    assert told(one, cropped) == [("cropped", 0.0)]
    assert told(cropped, one) == [("cropped", 0.0)]


def test_other_clips_of_one_camera_are_no_copies():
    clips = {f"c{seed}": small(scene(seed)) for seed in range(12)}
    splits = {clip: ("train", "val", "test")[number % 3] for number, clip in enumerate(clips)}
    assert find_duplicates(splits, clips.__getitem__) == []


def test_copies_in_one_split_still_images_and_short_clips_are_not_told():
    one = scene(1)
    assert told(one, one, ("train", "train")) == []
    still = np.repeat(one[:1], 90, axis=0)
    assert told(still, still) == []
    assert told(one[:20], one[:20]) == []


def test_a_moment_of_a_long_clip_is_found():
    long = scene(3, seconds=135)
    assert told(long, long[1000:1080]) == [("shifted", 100.0)]


def test_what_moves_is_kept_at_ten_images_a_second(tmp_path):
    frames = np.arange(60, dtype=np.uint8)[:, None, None, None]
    images = moving_images(np.broadcast_to(frames, (60, 36, 64, 3)), 30)
    assert images.shape == (20, HEIGHT, WIDTH)
    assert images[:, 0, 0].tolist() == list(range(0, 60, 3))
    assert moving_images(np.zeros((48, 36, 64, 3), np.uint8), 16).shape[0] == 30
    write_motion(tmp_path / "a.npz", images)
    assert (read_motion(tmp_path / "a.npz") == images).all()
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:-40])
    with pytest.raises(UserError, match="b.npz: expected images of 18 x 32 bytes"):
        read_motion(tmp_path / "b.npz")


def test_what_was_compared_before_is_not_compared_again(monkeypatch):
    one, other, third = scene(1), scene(2), scene(3)
    clips = {"a": one, "b": one[:, :, ::-1], "c": other, "d": other[17:], "e": third, "f": third}
    clips = {name: small(images, seed) for seed, (name, images) in enumerate(clips.items())}
    splits = dict(zip("abcdef", ("train", "val", "test", "train", "val", "test"), strict=True))
    whole = find_duplicates(splits, clips.__getitem__)
    assert [(row.clip, row.other) for row in whole] == [("a", "b"), ("d", "c"), ("e", "f")]
    some = {name: splits[name] for name in "abcd"}
    found = find_duplicates(some, clips.__getitem__)
    held = []
    monkeypatch.setattr(
        duplicates,
        "best_match",
        lambda one, other, place: held.append(1) or best_match(one, other, place),
    )
    assert find_duplicates(splits, clips.__getitem__, list(some), found) == whole
    again = len(held)
    find_duplicates(splits, clips.__getitem__)
    assert 0 < again < len(held) - again
    held.clear()
    assert find_duplicates(splits, clips.__getitem__, list(splits), whole) == whole
    assert not held


def test_a_list_of_compared_clips_is_of_one_code_and_may_be_lost(tmp_path):
    path = tmp_path / "compared.json"
    pair = Duplicate("a", "train", "b", "val", "copy", 0.1, 1 / 3)
    kept = Compared({"a": ("train", "11"), "b": ("val", "22"), "c": ("val", "33")}, [pair])
    write_compared(path, "1", kept)
    assert read_compared(path, "1") == kept
    assert read_compared(path, "2") == NOTHING
    now = {"a": ("train", "11"), "b": ("test", "22"), "c": ("val", "34"), "d": ("val", "44")}
    assert unchanged(kept, now) == ["a"]
    assert still_true(kept, ["a"]) == [] and still_true(kept, "ab") == [pair]
    for text in ("", "[]", "{}", '{"code": "1", "clips": 3}', path.read_text()[:-9]):
        path.write_text(text)
        assert read_compared(path, "1") == NOTHING
    assert read_compared(tmp_path / "gone.json", "1") == NOTHING


@pytest.mark.slow
def test_a_mirrored_copy_in_another_split_is_told_at_the_end_of_the_run(tmp_path):
    workspace = Workspace(tmp_path / "w")
    copy = ("-ss", "1.5", "-i", str(DEMO / "videos" / "yard.mp4"), "-vf", "hflip,scale=320:180")
    run_ffmpeg(*copy, "-crf", "35", str(workspace.folder / "found.mp4"))
    videos = "examples/demo/videos"
    workspace.write_clips(
        f"a\t{videos}/yard.mp4\t1\t10\ttrain",
        "b\tfound.mp4\t2\t11\tval",
        f"c\t{videos}/corridor.mp4\t1\t10\tval",
    )
    run = workspace.run("duplicates")
    assert run.status == 0, run.output
    results = workspace.folder / "results"
    header, row = (results / "duplicates.csv").read_text().splitlines()
    assert header == "clip,split,other,other_split,kind,later,distance"
    # Second 2 of the copy is second 3.5 of the video, which is second 2.5 of the clip.
    assert row.startswith("a,train,b,val,mirrored+shifted,2.5")
    told = (
        "the same in two splits: clip a (train) and clip b (val), mirrored+shifted: second 2.5 of "
        "the one is second 0.0 of the other"
    )
    assert told in run.output
    assert duplicate_remarks(["a", "c"], results) == []
    assert workspace.run("duplicates").nothing_to_do
    workspace.write_clips(
        f"a\t{videos}/yard.mp4\t1\t10\ttrain",
        "b\tfound.mp4\t2\t11\tval",
        f"c\t{videos}/corridor.mp4\t1\t10\ttest",
    )
    assert workspace.run("duplicates").status == 0
    assert (
        "3 clips, 2 of them compared before"
        in (results / "logs" / "find_duplicates.log").read_text()
    )
    assert (results / "duplicates.csv").read_text().splitlines() == [header, row]
    assert workspace.run("verify").status == 0
