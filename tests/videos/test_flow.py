"""Optical flow as two-stream readers take it; of a known motion where OpenCV has its contrib."""

import json

import cv2
import numpy as np
import pytest

from avaflow import files
from avaflow.errors import UserError
from avaflow.videos.flow import flow_image, write_flow
from avaflow.videos.flow_files import write_flow_manifest
from avaflow.workflow.verify import contents_damage
from workflow_runs import Workspace

CONTRIB = hasattr(cv2, "optflow")
with_contrib = pytest.mark.skipif(not CONTRIB, reason="OpenCV here has no contrib modules")
without_contrib = pytest.mark.skipif(CONTRIB, reason="OpenCV here has its contrib modules")

STEP_PX = (3, -2)
"""Right and up, from each frame of the made-up clip to the next."""


@pytest.fixture
def frames(tmp_path):
    """Four frames of a texture that moves by STEP_PX."""
    noise = np.random.default_rng(0).integers(0, 256, (96, 128), np.uint8)
    texture = cv2.GaussianBlur(noise, (0, 0), 3)
    texture = cv2.normalize(texture, None, 0, 255, cv2.NORM_MINMAX)
    folder = tmp_path / "rawframes" / "c"
    folder.mkdir(parents=True)
    for number in range(4):
        moved = np.roll(texture, (number * STEP_PX[1], number * STEP_PX[0]), (0, 1))
        cv2.imwrite(str(folder / f"img_{number + 1:05d}.jpg"), moved)
    return folder


@pytest.mark.parametrize(
    ("pixels", "grey"),
    # 255 / 40 greys a pixel: 3 px are (3 + 20) * 6.375 = 146.6.
    [(-30, 0), (-20, 0), (-2, 115), (0, 128), (3, 147), (10, 191), (20, 255), (99, 255)],
)
def test_twenty_pixels_are_the_whole_range(pixels, grey):
    image = flow_image(np.full((2, 3), pixels, np.float32))
    assert image.dtype == np.uint8 and image.tolist() == [[grey] * 3] * 2


@with_contrib
def test_a_known_motion(tmp_path, frames):
    folder = tmp_path / "flow" / "c"
    write_flow(frames, 4, folder)
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        *("flow_x_00001.jpg", "flow_x_00002.jpg", "flow_x_00003.jpg"),
        *("flow_y_00001.jpg", "flow_y_00002.jpg", "flow_y_00003.jpg"),
        *("img_00001.jpg", "img_00002.jpg", "img_00003.jpg", "img_00004.jpg"),
    ]
    for number in (1, 2, 3):
        for axis, grey in (("x", 147), ("y", 115)):
            path = folder / f"flow_{axis}_{number:05d}.jpg"
            image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            assert image.shape == (96, 128)
            # Away from the edges, where the texture comes in from the other side.
            assert abs(np.median(image[20:-20, 20:-20]) - grey) <= 1
    for number in (1, 2, 3, 4):
        link = folder / f"img_{number:05d}.jpg"
        assert link.is_symlink() and not link.readlink().is_absolute()
        assert link.samefile(frames / link.name)


@with_contrib
def test_frames_are_held_as_the_config_says(tmp_path, frames, monkeypatch):
    monkeypatch.setattr(files, "_links", "hard")
    write_flow(frames, 4, tmp_path / "flow" / "c")
    held = tmp_path / "flow" / "c" / "img_00002.jpg"
    assert not held.is_symlink() and held.samefile(frames / "img_00002.jpg")


@with_contrib
def test_what_was_changed_since_is_found(tmp_path, frames):
    folder, manifest = tmp_path / "flow" / "c", tmp_path / "flow" / "c.json"
    write_flow(frames, 4, folder)
    write_flow_manifest(manifest, "c", folder, 4)
    entry = json.loads(manifest.read_text())
    assert (entry["clip"], entry["flows"], entry["bound_px"]) == ("c", 3, 20)
    assert contents_damage(manifest) == ""
    # The same once more is the same to the last byte.
    write_flow(frames, 4, folder, threads=2)
    assert contents_damage(manifest) == ""
    (folder / "flow_y_00002.jpg").write_bytes(b"")
    assert contents_damage(manifest) == "its flow is another"
    (folder / "flow_y_00002.jpg").unlink()
    assert contents_damage(manifest) == "of what it stands for, flow_y_00002.jpg is gone"


@with_contrib
def test_a_frame_that_cannot_be_read(tmp_path, frames):
    (frames / "img_00003.jpg").write_bytes(b"none")
    with pytest.raises(UserError, match=r"img_00003\.jpg: expected a frame of the clip"):
        write_flow(frames, 4, tmp_path / "flow" / "c")
    assert not list((tmp_path / "flow").iterdir())


def test_without_contrib_it_is_said_how_to_get_it(tmp_path, frames, monkeypatch):
    monkeypatch.delattr(cv2, "optflow", raising=False)
    with pytest.raises(UserError, match=r"--with opencv-contrib-python-headless.*flow: none"):
        write_flow(frames, 4, tmp_path / "flow" / "c")
    assert not (tmp_path / "flow").exists()


def workspace_of(folder) -> Workspace:
    workspace = Workspace(folder, rawframes={"flow": "tvl1"}, exports=[])
    workspace.config["trim"] = {"short_side": 48}
    workspace.write_clips("corridor\texamples/demo/videos/corridor.mp4\t0.5\t5.5\ttrain")
    return workspace


@pytest.mark.slow
def test_flow_is_planned_only_where_it_is_asked_for(tmp_path):
    workspace = workspace_of(tmp_path / "w")
    assert workspace.plan()["extract_flow"] == 1
    assert "extract_flow" not in workspace.plan(rawframes={"flow": "none"})
    run = workspace.run("flow", rawframes={"flow": "none"})
    assert run.status == 1 and "avaflow error: config: rawframes.flow is none" in run.output
    assert workspace.plan("flow", rawframes={"enabled": False})["extract_rawframes"] == 1


@pytest.mark.slow
@without_contrib
def test_a_run_without_contrib_is_told_once(tmp_path):
    run = workspace_of(tmp_path / "w").run("flow")
    assert run.status == 1 and "Traceback" not in run.output, run.output
    assert "uv run --with opencv-contrib-python-headless snakemake" in run.output
    assert not (tmp_path / "w" / "results" / "flow" / "corridor").exists()


@pytest.mark.slow
@with_contrib
def test_flow_of_a_clip(tmp_path):
    """Through the real Snakemake: 149 flows of 150 frames, and nothing to do after."""
    workspace = workspace_of(tmp_path / "w")
    run = workspace.run("flow")
    assert run.status == 0, run.output
    folder = workspace.folder / "results" / "flow" / "corridor"
    assert len(list(folder.glob("flow_x_*.jpg"))) == len(list(folder.glob("flow_y_*.jpg"))) == 149
    frames = sorted(folder.glob("img_*.jpg"))
    assert len(frames) == 150 and all(path.exists() for path in frames)
    assert workspace.run("flow").nothing_to_do
    (folder / "flow_x_00007.jpg").unlink()
    run = workspace.run("verify")
    assert run.status == 1 and "flow_x_00007.jpg is gone" in run.output, run.output
