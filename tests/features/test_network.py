"""Features against the plain model of PyTorchVideo, in one forward pass."""

import numpy as np
import pytest
import torch

from avaflow.errors import UserError
from avaflow.features.checkpoints import load_network
from avaflow.features.network import FeatureModel, slow_frames, torch_device
from slowfast_weights import (
    detection_network,
    one_pathway_network,
    plain_network,
    write_pytorchvideo,
)

pytestmark = pytest.mark.slow

SIZE = 64


@pytest.fixture(scope="module")
def plain(slowfast):
    return slowfast.network


@pytest.fixture(scope="module")
def checkpoint(slowfast):
    return slowfast.pytorchvideo


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).integers(0, 256, (2, 32, SIZE, SIZE, 3), np.uint8)


SHOWN = np.ones((2, 32), bool)
SHOWN[1, :5] = False


def plain_inputs(images, alpha=4):
    """What the known extractor feeds: normalised, then zeros for what is not there."""
    values = (torch.from_numpy(images).float() / 255 - 0.45) / 0.225
    values[1, :5] = 0
    fast = values.permute(0, 4, 1, 2, 3)
    slow = fast[:, :, torch.linspace(0, 31, 32 // alpha).long()]
    return [slow.contiguous(), fast.contiguous()]


def model_of(path, architecture="slowfast_r50_8x8", detection=False, **settings):
    return FeatureModel(load_network(path, architecture, detection), architecture, **settings)


@pytest.fixture(scope="module")
def model(checkpoint):
    return model_of(checkpoint)


def test_pooled_feature_is_that_of_the_plain_model(plain, model, images):
    with torch.no_grad():
        maps = plain_inputs(images)
        for block in plain.blocks[:6]:
            maps = block(maps)
    expected = maps.flatten(1).numpy()
    assert expected.shape == (2, 2304) and expected.std() > 0.05
    found = model.features(images, SHOWN)
    assert found.dtype == np.float32 and model.dimensions == 2304
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    # Padding counts: with the images themselves it would be another feature.
    assert np.abs(model.features(images, SHOWN | True)[1] - expected[1]).max() > 1e-3


@pytest.fixture(scope="module")
def wide_images():
    """256 pixels wide and 32 high: a last map of 8 cells, in less time than a square's 64."""
    return np.random.default_rng(4).integers(0, 256, (2, 32, 32, 256, 3), np.uint8)


def test_pool_of_training_and_of_the_whole_map(plain, checkpoint, wide_images):
    """Against means written down here of the plain network's maps."""
    with torch.no_grad():
        maps = plain_inputs(wide_images)
        for block in plain.blocks[:5]:
            maps = block(maps)
    assert [tuple(part.shape[3:]) for part in maps] == [(1, 8)] * 2
    whole = np.concatenate([part.numpy().mean((2, 3, 4)) for part in maps], 1)
    # Two windows of 7 cells, then their mean: the cells at both ends count half.
    weights = np.array([1, 2, 2, 2, 2, 2, 2, 1]) / 14
    trained = np.concatenate([(part.numpy().mean((2, 3)) * weights).sum(2) for part in maps], 1)
    found = {
        pool: model_of(checkpoint, pool=pool).features(wide_images, SHOWN)
        for pool in ("trained", "whole")
    }
    np.testing.assert_allclose(found["whole"], whole, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found["trained"], trained, rtol=0, atol=1e-5)
    assert np.abs(whole - trained).max() > 1e-2


def test_pools_agree_on_images_that_training_saw(checkpoint, model, images):
    whole = model_of(checkpoint, pool="whole").features(images, SHOWN)
    np.testing.assert_array_equal(whole, model.features(images, SHOWN))


@pytest.mark.parametrize(
    ("made", "architecture"),
    [("slow_r50", "slow_r50_8x8"), ("c2d_r50", "c2d_r50_8x8"), ("i3d_r50", "i3d_r50_8x8")],
)
def test_one_pathway(tmp_path, made, architecture):
    """Features and persons' features of PyTorchVideo's own network, of all frames it is given."""
    plain = one_pathway_network(made)
    images = np.random.default_rng(3).integers(0, 256, (2, 8, SIZE, SIZE, 3), np.uint8)
    shown = np.ones((2, 8), bool)
    seen = ((torch.from_numpy(images).float() / 255 - 0.45) / 0.225).permute(0, 4, 1, 2, 3)
    maps = seen
    with torch.no_grad():
        for block in plain.blocks[:-1]:
            maps = block(maps)
    assert maps.shape == (2, 2048, 8 if made == "slow_r50" else 4, 2, 2)
    path = write_pytorchvideo(tmp_path / "w", plain)
    model = model_of(path, architecture)
    found = model.features(images, shown)
    assert model.dimensions == 2048 and found.std() > 0.05
    np.testing.assert_allclose(found, maps.mean((2, 3, 4)).numpy(), rtol=0, atol=1e-4)
    logits = model_of(path, architecture, layer="logits").features(images, shown)
    with torch.no_grad():
        expected = plain.blocks[-1].proj(maps.mean((2, 3, 4))).numpy()
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4)
    # The whole image as a box: of 4 x 4 cells, as stage 5 keeps its resolution.
    persons = model_of(path, architecture, detection=True)
    rows = persons.roi_features(images, shown, [np.float32([[0, 0, SIZE, SIZE]])] * 2)
    assert rows.shape == (2, 2048) and rows.std() > 0.05


def test_c2d_without_its_pool_keeps_all_frames(tmp_path):
    plain = one_pathway_network("c2d_r50")
    model = model_of(write_pytorchvideo(tmp_path / "w", plain), "c2d_nopool_r50_8x8")
    images = np.random.default_rng(3).integers(0, 256, (1, 8, SIZE, SIZE, 3), np.uint8)
    maps = ((torch.from_numpy(images).float() / 255 - 0.45) / 0.225).permute(0, 4, 1, 2, 3)
    with torch.no_grad():
        for number, block in enumerate(plain.blocks[:-1]):
            maps = maps if number == 2 else block(maps)
    found = model.features(images, np.ones((1, 8), bool))
    np.testing.assert_allclose(found, maps.mean((2, 3, 4)).numpy(), rtol=0, atol=1e-4)


def test_features_do_not_depend_on_what_shares_the_batch(model, images):
    alone = np.concatenate([model.features(images[i : i + 1], SHOWN[i : i + 1]) for i in range(2)])
    np.testing.assert_allclose(alone, model.features(images, SHOWN), rtol=0, atol=1e-5)


def test_logits_are_those_of_the_plain_model(plain, checkpoint, images):
    with torch.no_grad():
        expected = plain(plain_inputs(images)).numpy()
    logits = model_of(checkpoint, layer="logits")
    assert logits.dimensions == 400
    np.testing.assert_allclose(logits.features(images, SHOWN), expected, rtol=0, atol=1e-4)


def test_4x16_sees_four_slow_frames(tmp_path, images):
    plain = plain_network(
        slowfast_fusion_conv_kernel_size=(5, 1, 1),
        slowfast_fusion_conv_stride=(8, 1, 1),
        head_pool_kernel_sizes=((4, 2, 2), (32, 2, 2)),
    )
    path = write_pytorchvideo(tmp_path / "w.pyth", plain)
    with torch.no_grad():
        expected = plain(plain_inputs(images, alpha=8)).numpy()
    model = model_of(path, "slowfast_r50_4x16", layer="logits")
    np.testing.assert_allclose(model.features(images, SHOWN), expected, rtol=0, atol=1e-4)


def test_three_namings_give_the_same_features(slowfast, model, images):
    expected = model.features(images, SHOWN)
    for path in (slowfast.pyslowfast, slowfast.caffe2):
        other = model_of(path)
        np.testing.assert_array_equal(other.features(images, SHOWN), expected)


def test_a_person_is_what_the_detection_network_sees(checkpoint, plain, images):
    """PyTorchVideo's own network for AVA, with the same weights, up to its projection."""
    theirs = detection_network()
    weights = {
        name.replace("blocks.6", "detection_head")
        if name.startswith("blocks.6")
        else f"model.{name}": value
        for name, value in plain.state_dict().items()
    }
    theirs.load_state_dict(weights)
    # PySlowFast aligns with the middle of cells (DETECTION.ALIGNED), PyTorchVideo did not.
    theirs.detection_head.roi_layer.aligned = True
    boxes_px = [np.float32([[4, 8, 30, 60], [0, 0, 64, 64]]), np.float32([[20.5, 3, 41, 50]])]
    rows = np.concatenate(
        [np.column_stack([np.full(len(b), i), b]) for i, b in enumerate(boxes_px)]
    ).astype(np.float32)
    seen = []
    theirs.detection_head.proj.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        theirs(plain_inputs(images), torch.from_numpy(rows))
    expected = seen[0].flatten(1).numpy()
    assert expected.shape == (3, 2304) and expected.std() > 0.05
    model = model_of(checkpoint, detection=True)
    found = model.roi_features(images, SHOWN, boxes_px)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def neighbours():
    """Six windows of one video, each a frame after the one before it."""
    frames = np.random.default_rng(2).integers(0, 256, (37, SIZE, SIZE, 3), np.uint8)
    return np.stack([frames[first : first + 32] for first in range(6)])


def test_weights_of_these_tests_tell_neighbours_apart(model, neighbours):
    """Or comparing to 1e-4 would not see that a window is off by a frame."""
    features = model.features(neighbours, np.ones((6, 32), bool))
    steps = np.abs(np.diff(features, axis=0))
    assert steps.max(axis=1).min() > 1000 * 1e-4
    assert np.median(steps) > 50 * 1e-4


def test_bfloat16_only_where_asked(checkpoint, model, neighbours):
    shown = np.ones((6, 32), bool)
    exact = model.features(neighbours, shown)
    half = model_of(checkpoint, precision="bfloat16").features(neighbours, shown)
    off = np.sqrt(np.mean((half - exact) ** 2))
    spread = np.sqrt(np.mean(exact.var(axis=0)))
    assert half.dtype == np.float32 and 0 < off < 0.2 * spread


def test_slow_frames():
    assert slow_frames(32, 4) == [0, 4, 8, 13, 17, 22, 26, 31]
    assert slow_frames(32, 8) == [0, 10, 20, 31]


def test_a_device_that_is_not_there():
    with pytest.raises(UserError, match=r"features\.device: 7 cannot be used here"):
        torch_device(7)
