"""Weights from strangers: three namings, told apart by content, and nothing else."""

import os
import pickle
import re
import zipfile

import pytest
import torch

from avaflow import torch_files
from avaflow.errors import UserError
from avaflow.features.architectures import ARCHITECTURES
from avaflow.features.checkpoints import differences, load_network, our_name, read_weights
from avaflow.features.network import build_network
from slowfast_weights import (
    one_pathway_network,
    write_caffe2,
    write_pyslowfast,
    write_pytorchvideo,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def checkpoint(slowfast):
    return slowfast.pytorchvideo


def changed(path, checkpoint, change):
    """The checkpoint's weights after `change`, saved as `path`."""
    weights = torch.load(checkpoint, weights_only=True)["model_state"]
    change(weights)
    torch.save({"model_state": weights}, path)
    return path


@pytest.mark.parametrize(
    ("architecture", "millions"),
    # Parameters (M) as PyTorchVideo's model zoo lists them.
    [
        ("slowfast_r50_8x8", 34.57),
        ("slowfast_r50_4x16", 34.48),
        ("slowfast_r101_8x8", 62.83),
        ("slowfast_r101_50_50", 53.77),
        ("slow_r50_8x8", 32.45),
        ("slow_r50_4x16", 32.45),
        ("c2d_r50_8x8", 24.33),
        ("c2d_nopool_r50_8x8", 24.33),
        ("i3d_r50_8x8", 28.04),
    ],
)
def test_networks_are_those_of_the_zoo(architecture, millions):
    made = build_network(architecture, 400)
    assert round(sum(part.numel() for part in made.parameters()) / 1e6, 2) == millions
    assert {part.device.type for part in made.parameters()} == {"meta"}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    # The first of each are examples in the comments of PySlowFast's c2_model_loading.py.
    [
        ("t_pool1_subsample_bn_rm", "blocks.0.multipathway_fusion.norm.running_mean"),
        ("conv1_w", "blocks.0.multipathway_blocks.0.conv.weight"),
        ("t_res_conv1_bn_riv", "blocks.0.multipathway_blocks.1.norm.running_var"),
        (
            "res4_4_branch2c_bn_b",
            "blocks.3.multipathway_blocks.0.res_blocks.4.branch2.norm_c.bias",
        ),
        (
            "t_res4_5_branch2c_bn_subsample_w",
            "blocks.3.multipathway_fusion.conv_fast_to_slow.weight",
        ),
        ("res4_0_branch1_w", "blocks.3.multipathway_blocks.0.res_blocks.0.branch1_conv.weight"),
        ("pred_b", "blocks.6.proj.bias"),
        (
            "s5.pathway1_res2.branch2.a_bn.weight",
            "blocks.4.multipathway_blocks.1.res_blocks.2.branch2.norm_a.weight",
        ),
        ("s3_fuse.conv_f2s.weight", "blocks.2.multipathway_fusion.conv_fast_to_slow.weight"),
        ("detection_head.proj.weight", "blocks.6.proj.weight"),
        ("s9.something", "s9.something"),
    ],
)
def test_names(theirs, ours):
    assert our_name(theirs) == ours


@pytest.mark.parametrize("form", ["pytorchvideo", "pyslowfast", "caffe2"])
def test_every_weight_arrives_from_every_form(slowfast, form):
    loaded = load_network(getattr(slowfast, form), "slowfast_r50_8x8")
    expected = slowfast.network.state_dict()
    found = loaded.state_dict()
    assert set(found) == set(expected) and len(found) == 662
    for name, value in expected.items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(found[name], value), name


ONE_PATHWAY = {"slow_r50": "slow_r50_8x8", "c2d_r50": "c2d_r50_8x8", "i3d_r50": "i3d_r50_8x8"}
"""PyTorchVideo's own names of networks of one pathway, and ours."""


@pytest.fixture(scope="module", params=list(ONE_PATHWAY))
def one_pathway(request):
    return one_pathway_network(request.param), ONE_PATHWAY[request.param]


@pytest.mark.parametrize("write", [write_pytorchvideo, write_pyslowfast, write_caffe2])
def test_every_weight_arrives_in_a_network_of_one_pathway(tmp_path, one_pathway, write):
    """Under the names that PyTorchVideo's own network has."""
    network, architecture = one_pathway
    loaded = load_network(write(tmp_path / "w", network), architecture)
    expected, found = network.state_dict(), loaded.state_dict()
    assert set(found) == set(expected) and len(found) == 320
    for name, value in expected.items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(found[name], value), name


def test_weights_of_one_pathway_that_do_not_fit(tmp_path, one_pathway):
    """They are told under the names of their network, and which networks they do fit."""
    network, architecture = one_pathway
    path = write_pytorchvideo(tmp_path / "w", network)
    fitting = {
        "slow_r50_8x8": "slow_r50_8x8 or slow_r50_4x16",
        "c2d_r50_8x8": "c2d_r50_8x8 or c2d_nopool_r50_8x8",
        "i3d_r50_8x8": "i3d_r50_8x8",
    }
    with pytest.raises(UserError) as told:
        load_network(path, "slowfast_r50_8x8")
    assert f"They are weights of {fitting[architecture]}: set features.arch" in str(told.value)

    def change(weights):
        block = 3 if architecture != "slow_r50_8x8" else 2
        del weights[f"blocks.{block}.res_blocks.0.branch2.conv_a.weight"]
        weights["blocks.0.norm.scale"] = torch.zeros(64)

    with pytest.raises(UserError) as told:
        load_network(changed(tmp_path / "c", path, change), architecture)
    assert re.search(r"missing: blocks\.[23]\.res_blocks\.0\.branch2\.conv_a", str(told.value))
    assert "too many: blocks.0.norm.scale" in str(told.value)


def test_weights_of_a_detection_network_of_one_pathway(tmp_path):
    """PyTorchVideo's Slow for AVA: other names for the head, `model.` before the rest."""
    network = one_pathway_network("slow_r50")
    weights = {
        name.replace("blocks.5", "detection_head")
        if name.startswith("blocks.5")
        else f"model.{name}": value
        for name, value in network.state_dict().items()
    }
    torch.save({"model_state": weights}, tmp_path / "w")
    loaded = load_network(tmp_path / "w", "slow_r50_4x16", detection=True)
    assert torch.equal(loaded.blocks[-1].proj.bias, network.blocks[5].proj.bias)


def test_wrappers_and_old_torch_files_are_read(tmp_path, slowfast):
    network = slowfast.network
    wrapped = {f"module.model.{name}": value for name, value in network.state_dict().items()}
    torch.save(wrapped, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    loaded = load_network(tmp_path / "old.pth", "slowfast_r50_8x8")
    assert torch.equal(loaded.blocks[6].proj.weight, network.blocks[6].proj.weight)


def test_missing_and_extra_names_are_listed(tmp_path, checkpoint):
    def change(weights):
        del weights["blocks.6.proj.bias"]
        weights["blocks.0.multipathway_blocks.0.norm.scale"] = torch.zeros(64)
        weights["blocks.6.proj.weight"] = weights["blocks.6.proj.weight"][:, :2000]

    path = changed(tmp_path / "w.pyth", checkpoint, change)
    with pytest.raises(UserError) as told:
        load_network(path, "slowfast_r50_8x8")
    message = str(told.value)
    assert "missing: blocks.6.proj.bias" in message
    assert "too many: blocks.0.multipathway_blocks.0.norm.scale" in message
    assert "blocks.6.proj.weight (expected 400 x 2304, found 400 x 2000)" in message
    assert "They fit none of slowfast_r50_8x8, slowfast_r50_4x16" in message


def test_weights_of_another_architecture_are_named(checkpoint):
    named = read_weights(checkpoint)
    for other in set(ARCHITECTURES) - {"slowfast_r50_8x8"}:
        assert differences(build_network(other, 400), named)
    for other in ("slowfast_r101_50_50", "slow_r50_8x8"):
        with pytest.raises(UserError) as told:
            load_network(checkpoint, other)
        assert "They are weights of slowfast_r50_8x8: set features.architecture" in str(told.value)
    with pytest.raises(UserError, match=r"expected 16 x 8 x 5 x 1 x 1, found 16 x 8 x 7 x 1 x 1"):
        load_network(checkpoint, "slowfast_r50_4x16")


class Evil:
    def __reduce__(self):
        return os.mkdir, ("run-by-a-pickle",)


@pytest.mark.parametrize("torch_file", [False, True])
def test_a_checkpoint_runs_nothing(tmp_path, monkeypatch, torch_file):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.pkl"
    content = {"blobs": {"conv1_w": Evil()}}
    if torch_file:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(UserError, match=r"features\.weights: .*evil\.pkl") as told:
        read_weights(path)
    # Nobody is advised to let it run.
    assert "weights_only" not in str(told.value) and "mkdir" in str(told.value)
    assert not (tmp_path / "run-by-a-pickle").exists()


@pytest.mark.parametrize("member", ["archive/data.pkl", "archive/data/0"])
def test_a_zip_bomb_is_not_unpacked(tmp_path, monkeypatch, member):
    """65 MB of noughts take 65 kB; what holds no list may have more, so its bound is lowered."""
    monkeypatch.setattr(torch_files, "MOST_UNPACKED_BYTES", 60_000_000 if "/0" in member else 1e12)
    path = tmp_path / "w.pyth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(member, bytes(65_000_000))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("torch was asked to unpack it"))
    with pytest.raises(UserError, match=r"is a zip of 0\.\d MB .*to 65 MB, more than the 6"):
        read_weights(path)


def test_a_tensor_that_is_larger_than_its_file_is_refused(tmp_path):
    path = tmp_path / "w.pyth"
    torch.save({"model_state": {"blocks.0": torch.zeros(1).half().expand(2_000_000_000)}}, path)
    assert path.stat().st_size < 10_000
    with pytest.raises(UserError, match="holds tensors of more than 4000 MB"):
        read_weights(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"<html>404</html>", "not a checkpoint"),
        (pickle.dumps({"weights": {}}), "expected a pickle with `blobs`"),
        (pickle.dumps({"blobs": {}}), "holds no SlowFast: .* found nothing"),
        (None, "is missing"),
        ("folder", "is a folder: name the file in it"),
    ],
)
def test_what_is_no_checkpoint(tmp_path, content, expected):
    path = tmp_path / "w.pyth"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=expected) as told:
        read_weights(path)
    assert "https://dl.fbaipublicfiles.com/pytorchvideo" in str(told.value)


def test_weights_of_something_else(tmp_path):
    torch.save({"state_dict": {"backbone.conv1.weight": torch.zeros(3)}}, tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"holds no SlowFast: .* found backbone\.conv1\.weight"):
        read_weights(tmp_path / "w.pth")


def test_a_file_cut_short(tmp_path, checkpoint):
    (tmp_path / "short.pyth").write_bytes(checkpoint.read_bytes()[:1_000_000])
    expected = r"short\.pyth is cut short \(1000000 bytes\).* Download it again\.$"
    with pytest.raises(UserError, match=expected):
        read_weights(tmp_path / "short.pyth")


@pytest.mark.parametrize(
    "name", ["nonlocal_conv4_6_theta_w", "s4.pathway0_nonlocal6.conv_theta.weight"]
)
def test_non_local_blocks_are_not_supported(tmp_path, checkpoint, name):
    """The R101 50-50 of PySlowFast's AVA zoo has them."""
    path = changed(
        tmp_path / "w", checkpoint, lambda weights: weights.update({name: torch.ones(1)})
    )
    with pytest.raises(UserError, match=f"holds {name}: networks with non-local blocks") as told:
        load_network(path, "slowfast_r101_50_50")
    offered = str(told.value).split("slowfast_r101_50_50: ")[1]
    assert offered.startswith(
        "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/SLOWFAST_16x8_R101_50_50"
    )
    assert "model_zoo/ava/" not in str(told.value) and "num_frames 64" in offered
