"""Cuts are found by kind and place, and what only looks like one is not."""

import cv2
import numpy as np
import pytest

from avaflow.manifests import ClipManifest, read_clip_manifest, write_clip_manifest
from avaflow.times import Frame
from avaflow.videos.probe import probe
from avaflow.videos.shot_plan import ShotPlan, shots_between
from avaflow.videos.shots import SMALL_HEIGHT, SMALL_WIDTH, Cut, best_fits, find_cuts
from cutting import cut_clip
from numbered_videos import run_ffmpeg

LIKENESS = 0.6


def place(seed: int, width: int = SMALL_WIDTH) -> np.ndarray:
    """A picture of blobs of several sizes, another for each seed."""
    random = np.random.default_rng(seed)
    picture = np.zeros((SMALL_HEIGHT, width, 3), np.float32)
    for cells in (3, 6, 12, 24):
        noise = random.normal(0, 1, (cells, cells * width // SMALL_HEIGHT, 3)).astype(np.float32)
        picture += cv2.resize(noise, (width, SMALL_HEIGHT), interpolation=cv2.INTER_CUBIC) / cells
    return np.clip(120 + 180 * picture, 0, 255)


def shot(seed: int, frames: int) -> np.ndarray:
    """So many images of a place, with a ball that crosses it, as floats."""
    images = np.stack([place(seed)] * frames)
    for number, image in enumerate(images):
        cv2.circle(image, ((number * 2 + seed) % SMALL_WIDTH, 18), 5, (250, 40, 40), -1)
    return images


def mix(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    share = (np.arange(1, len(one) + 1) / (len(one) + 1))[:, None, None, None]
    return one * (1 - share) + other * share


def found(*parts: np.ndarray) -> list[Cut]:
    return find_cuts(np.concatenate(parts).round().clip(0, 255).astype(np.uint8), 30, LIKENESS)


def test_a_hard_cut_is_told_with_the_first_frame_of_the_new_shot():
    assert found(shot(1, 50), shot(2, 40)) == [Cut(Frame(51), Frame(51), Frame(50))]
    three = found(shot(1, 50), shot(2, 40), shot(3, 40))
    assert [cut.frame for cut in three] == [51, 91]


@pytest.mark.parametrize("length", [10, 20, 40])
def test_a_dissolve_is_one_cut_half_way_and_its_frames_are_known(length):
    one, other = shot(1, 50 + length), shot(2, 50 + length)
    (cut,) = found(one[:50], mix(one[50:], other[:length]), other[length:])
    assert abs(cut.frame - (50 + length / 2)) <= 2
    assert 50 < cut.first <= 50 + 0.3 * length and 50 + 0.7 * length <= cut.last <= 52 + length


@pytest.mark.parametrize("level", [0.0, 255.0])
def test_a_fade_through_black_or_white_is_one_cut_in_its_middle(level):
    one, other = shot(1, 60), shot(2, 60)
    flat = np.full_like(one, level)
    parts = one[:40], mix(one[40:], flat[:20]), flat[:6], mix(flat[:20], other[:20]), other[20:]
    (cut,) = found(*parts)
    assert 58 <= cut.frame <= 69
    assert 40 < cut.first < 55 and 72 < cut.last <= 86


def test_the_same_place_after_darkness_is_no_cut():
    one = shot(1, 120)
    gain = np.interp(np.arange(120), [40, 55, 62, 77], [1, 0, 0, 1])[:, None, None, None]
    assert found(one * gain) == []


def test_flashes_and_light_are_no_cuts():
    flashing = shot(1, 90)
    flashing[30:33] += 120
    flashing[60] += 255
    assert found(flashing) == []
    gain = np.where(np.arange(90) < 45, 0.4, 1.0)[:, None, None, None]
    assert found(shot(1, 90) * gain) == []
    gain = np.interp(np.arange(90), [30, 60], [1.0, 0.3])[:, None, None, None]
    assert found(shot(1, 90) * gain) == []


def test_fast_pans_and_shakes_are_no_cuts_but_a_cut_in_a_pan_is_one():
    def pan(seed: int) -> np.ndarray:
        wide = place(seed, 8 * SMALL_WIDTH)
        return np.stack([wide[:, x : x + SMALL_WIDTH] for x in range(0, 400, 6)])

    assert found(pan(5)) == []
    assert [cut.frame for cut in found(pan(5), pan(6))] == [68]
    random = np.random.default_rng(1)
    wide = place(7, 2 * SMALL_WIDTH)
    assert found(np.stack([wide[:, x : x + SMALL_WIDTH] for x in random.integers(0, 7, 90)])) == []


def test_somebody_who_passes_right_before_the_camera_is_no_cut():
    images, cloth = shot(1, 90), place(9)
    for number in range(30, 60):
        left, right = max(0, (number - 40) * 6), min(SMALL_WIDTH, (number - 30) * 6)
        if left < right:
            images[number, :, left:right] = cloth[:, left:right]
    assert found(images) == []


def test_parts_fit_as_opencv_says():
    other = (0.6 * np.roll(place(1), (3, 5), axis=(0, 1)) + 20).astype(np.uint8)
    image = place(1).astype(np.uint8)
    parts = np.stack([image[:18, :32], place(2).astype(np.uint8)[18:, 32:]])
    told = [cv2.matchTemplate(other, part, cv2.TM_CCOEFF_NORMED).max() for part in parts]
    assert best_fits(parts, other) == pytest.approx(told, abs=1e-3)
    assert told[0] > 0.99 > 0.7 > told[1]


def test_still_black_and_short_images_have_no_cuts():
    assert found(np.zeros((60, SMALL_HEIGHT, SMALL_WIDTH, 3))) == []
    assert found(shot(1, 2)) == []


def test_the_frames_of_fades_belong_to_no_shot():
    cuts = [Cut(Frame(31), Frame(31), Frame(30)), Cut(Frame(60), Frame(55), Frame(66))]
    assert shots_between(cuts, 90) == [(1, 30), (31, 54), (67, 90)]
    assert shots_between([], 90) == [(1, 90)]


@pytest.fixture(scope="module")
def cut_video(tmp_path_factory):
    """4 s of one pattern and 4 s of another, at 25 frames a second."""
    path = tmp_path_factory.mktemp("cut") / "cut.mp4"
    size = "s=192x108:r=25:d=4"
    run_ffmpeg(
        *(
            "-f",
            "lavfi",
            "-i",
            f"testsrc={size}",
            "-f",
            "lavfi",
            "-i",
            "mandelbrot=s=192x108:r=25",
        ),
        *("-filter_complex", "[1]trim=duration=4[b];[0][b]concat", "-pix_fmt", "yuv420p"),
        str(path),
    )
    return path


def test_cuts_of_a_clip_come_with_its_manifest_and_change_nothing_else(tmp_path, cut_video):
    with_cuts, keyframes = cut_clip(tmp_path / "a", cut_video, 1.0, 180, likeness=LIKENESS)
    # Second 4 of the video is second 3 of the clip.
    assert with_cuts.cuts == (91,)
    without, same_keyframes = cut_clip(tmp_path / "b", cut_video, 1.0, 180)
    assert without.cuts == () and without.sha256 == with_cuts.sha256
    assert list(keyframes["sha256"]) == list(same_keyframes["sha256"])
    assert [path.name for path in (tmp_path / "a" / "keys").iterdir()] == ["c1_000061.jpg"]
    both, _ = cut_clip(tmp_path / "c", cut_video, 1.0, 180, rawframes=True, likeness=LIKENESS)
    assert both == with_cuts


def test_a_manifest_keeps_its_cuts_and_one_without_is_as_before(tmp_path):
    path = tmp_path / "c.json"
    whole = ClipManifest("c", "v.mp4", 0.0, 30, 90, 64, 36, "0" * 64, 0)
    write_clip_manifest(path, whole)
    assert "cuts" not in path.read_text()
    assert read_clip_manifest(path) == whole
    cut = ClipManifest("c", "v.mp4", 0.0, 30, 90, 64, 36, "0" * 64, 0, cuts=(Frame(31), Frame(61)))
    write_clip_manifest(path, cut)
    assert read_clip_manifest(path) == cut


def test_a_plan_keeps_what_it_found_until_the_video_changes(tmp_path, cut_video, capsys):
    def cuts(likeness: float = LIKENESS) -> list[int]:
        plan = ShotPlan(tmp_path / "shots.json", 30, likeness, "", tmp_path / "logs")
        told = plan.cuts("c", str(cut_video), 0.5, 200, probe(cut_video))
        plan.save()
        return [cut.frame for cut in told]

    assert cuts() == [106]
    assert "looking for cuts in" in capsys.readouterr().err
    assert cuts() == [106]
    assert capsys.readouterr().err == ""
    cuts(0.5)
    assert "looking for cuts in" in capsys.readouterr().err
