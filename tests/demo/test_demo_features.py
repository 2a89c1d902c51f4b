"""The demo's small network for features: what it learned from, and what it tells of the demo."""

import csv

import av
import numpy as np
import pytest
import yaml

from acting import ACTIONS
from avaflow.features.exported import ExportedModel, look_of
from avaflow.features.network_files import OnnxNetwork
from measure_detector import KEYFRAME_SECONDS
from random_motion import NAMES, random_film
from scenes import FPS
from train_features import (
    DIMENSIONS,
    FRAMES,
    HEIGHT,
    MARGIN,
    MEAN,
    SECONDS,
    STD,
    STEP,
    WEIGHTS,
    WIDTH,
    make_network,
    network_bytes,
    normalised,
    person_crop,
)
from workflow_runs import DEMO, ROOT

pytestmark = pytest.mark.slow

SEED = 900_000
"""Of films that nothing was trained on or measured with."""


@pytest.fixture(scope="module")
def settings():
    defaults = yaml.safe_load((ROOT / "config.yaml").read_text())["features"]
    return defaults | yaml.safe_load((DEMO / "config.yaml").read_text())["features"]


@pytest.fixture(scope="module")
def model(settings):
    return ExportedModel(OnnxNetwork(WEIGHTS, "full", 1), look_of(settings))


def test_films_follow_their_seed():
    first, persons = random_film(SEED, SECONDS)
    again, same = random_film(SEED, SECONDS)
    other, _ = random_film(SEED + 1, SECONDS)
    assert first.shape == (8, 360, 640, 3) and np.array_equal(first, again)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(persons, same, strict=True))
    assert np.abs(first.astype(int) - other).mean() > 10


def test_films_show_every_action_and_one_body():
    labels = np.array(
        [person[1] for seed in range(12) for person in random_film(SEED + seed, np.zeros(1))[1]]
    )
    assert labels.any(0).all() and not labels.all(0).any()
    bodies = [NAMES.index(name) for name in ACTIONS["body"]]
    assert (labels[:, bodies].sum(1) == 1).all()


def test_the_config_shows_what_the_network_was_trained_on(settings, model):
    """Times, size, margin and colours, and each crop pixel by pixel."""
    assert settings["in_fps"] / settings["out_fps"] == STEP and settings["in_fps"] == FPS
    assert (settings["num_frames"], settings["size"]) == (FRAMES, [WIDTH, HEIGHT])
    assert (settings["mean"], settings["std"]) == ([MEAN] * 3, [STD] * 3)
    assert settings["box_margin"] == MARGIN and settings["layout"] == "cthw"
    # Frames c - 16, c - 12, ..., c + 12 of 30 a second.
    assert np.allclose(SECONDS * 30, np.arange(-16, 16, 4))
    images = random_film(SEED, SECONDS)[0]
    for box in ([0.2, 0.3, 0.4, 0.9], [0.0, 0.5, 0.1, 1.0]):
        trained = normalised(person_crop(images, np.array(box))[None])[0].permute(1, 2, 3, 0)
        box_px = np.array(box) * [640, 360, 640, 360]
        seen = model._crops(images, np.ones(8, bool), box_px)
        # Padding was a whole number of grey in training.
        np.testing.assert_allclose(seen, trained.numpy(), rtol=0, atol=0.005)


def test_the_file_holds_the_network(tmp_path):
    """A network that was not trained, with norms of its own, against torch itself."""
    import torch

    torch.manual_seed(0)
    network = make_network()
    crops = torch.randn(6, 3, FRAMES, HEIGHT, WIDTH)
    for layer in network:
        if isinstance(layer, torch.nn.BatchNorm3d):
            layer.momentum = 1  # norms take the crops' means and deviations
    network(crops)
    network.eval()
    with torch.no_grad():
        expected = network[:-2](crops).numpy()
    (tmp_path / "n.onnx").write_bytes(network_bytes(network))
    found = OnnxNetwork(tmp_path / "n.onnx", "full", 1)(crops.numpy())
    assert found.shape == (6, DIMENSIONS) and expected.std() > 0.1
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.01 * expected.max())


def test_what_is_shipped_is_small(model):
    assert WEIGHTS.stat().st_size < 1_000_000 and model.dimensions == DIMENSIONS


def persons_of(name: str, model) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of the persons on the keyframes of a video of the demo."""
    with av.open(str(DEMO / "videos" / f"{name}.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with (DEMO / "truth" / f"{name}.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if float(row["visible"]) > 0.3]
    found, labels = [], []
    for second in KEYFRAME_SECONDS[name]:
        at = round(second * FPS)
        here = [row for row in rows if int(row["frame"]) == at]
        sides = [640, 360, 640, 360]
        boxes = np.array([[float(row[side]) for side in ("x1", "y1", "x2", "y2")] for row in here])
        window = np.stack([frames[at + shift] for shift in range(-16, 16, 4)])[None]
        found.append(model.roi_features(window, np.ones((1, 8), bool), [boxes * sides]))
        labels += [[name in row["actions"].split(";") for name in NAMES] for row in here]
    return np.concatenate(found), np.array(labels)


def test_features_tell_the_actions_of_a_video_that_a_head_has_not_seen(model):
    """A linear head by least squares, from the corridor and the classroom, on the yard."""
    parts = {name: persons_of(name, model) for name in ("corridor", "classroom", "yard")}
    seen, labels = (
        np.concatenate([parts[name][place] for name in ("corridor", "classroom")])
        for place in (0, 1)
    )
    new, truth = parts["yard"]
    mean, spread = seen.mean(0), seen.std(0) + 1e-3
    seen, new = (np.c_[(part - mean) / spread, np.ones(len(part))] for part in (seen, new))
    ridge = seen.T @ seen + 10 * np.eye(seen.shape[1])
    told = new @ np.linalg.solve(ridge, seen.T @ (2.0 * labels - 1)) > 0
    right = (told == truth).mean(0)
    always = np.maximum(truth.mean(0), 1 - truth.mean(0))

    assert right.mean() > 0.9 and right.mean() > always.mean() + 0.08
