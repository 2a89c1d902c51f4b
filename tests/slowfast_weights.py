"""Made-up SlowFast weights, written in each of the three forms in which weights are handed about.

The names are put together here from the rules that avaflow/features/checkpoints.py documents, in
the direction opposite to its own: from PyTorchVideo's name to the others.
"""

import pickle
import re
import warnings
from pathlib import Path

import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)
    from pytorchvideo.models import hub
    from pytorchvideo.models.slowfast import create_slowfast, create_slowfast_with_roi_head

CAFFE2_NORM = {"weight": "s", "bias": "b", "running_mean": "rm", "running_var": "riv"}


def detection_network():
    """PyTorchVideo's network for finding actions of persons, for 400 of them."""
    return create_slowfast_with_roi_head(model_depth=50, model_num_class=400).eval()


def plain_network(seed: int = 0, **settings):
    """PyTorchVideo's SlowFast R50 with random weights that tell images apart."""
    torch.manual_seed(seed)
    network = create_slowfast(model_depth=50, **settings)
    fast = _checks(32)
    alpha = settings.get("slowfast_fusion_conv_stride", (4,))[0]
    return _trained(
        network, [fast[:, :, torch.linspace(0, 31, 32 // alpha).long()], fast], network.blocks[:5]
    )


def one_pathway_network(made: str, seed: int = 0):
    """PyTorchVideo's own slow_r50, c2d_r50 or i3d_r50, with random weights likewise."""
    torch.manual_seed(seed)
    network = getattr(hub, made)()
    return _trained(network, _checks(8), network.blocks[:-1])


def _checks(frames: int):
    """Two windows of random checks, as a network sees them."""
    checks = torch.rand(2, 3, frames // 2, 8, 8)
    checks = torch.nn.functional.interpolate(checks, size=(frames, 64, 64))
    return (checks - 0.45) / 0.225


def _trained(network, maps, body):
    """A network with norms that are no longer as they were made.

    Norms with made-up statistics would drown the images in constants. Here they are
    measured on random checks, as training would: every map varies by about 1, whatever
    lies before it, so one frame more or less moves a feature by far more than rounding.
    """
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.weight.data.uniform_(0.6, 1.2)
            # A block adds less than it is given, or rounding would grow from block to block.
            module.weight.data.mul_(0.25 if name.endswith("norm_c") else 1)
            module.bias.data.normal_(0, 0.3)
            module.momentum = 1.0  # the statistics are those of the one pass below
    network.train()
    with torch.no_grad():
        for block in body:
            maps = block(maps)
    return network.eval()


def slowfast_names(network) -> dict[str, str]:
    """What a SlowFast calls the weights of a network, whose one pathway would be its slow one."""
    names = {}
    pooled = isinstance(network.blocks[2], torch.nn.MaxPool3d)
    for name in network.state_dict():
        block, rest = re.fullmatch(r"blocks\.(\d)\.(.*)", name).groups()
        if rest.startswith("proj."):
            names[name] = f"blocks.6.{rest}"
        elif rest.startswith("multipathway"):
            names[name] = name
        else:
            # Stages 3 to 5 follow a pool that counts as a block.
            stage = int(block) - 1 if pooled and int(block) > 1 else int(block)
            names[name] = f"blocks.{stage}.multipathway_blocks.0.{rest}"
    return names


def pyslowfast_name(name: str) -> str:
    """What PySlowFast calls a weight that PyTorchVideo calls `name`."""
    block, rest = re.fullmatch(r"blocks\.(\d)\.(.*)", name).groups()
    stage = int(block) + 1
    if block == "6":
        return "head.projection." + rest.split(".")[1]
    if rest.startswith("multipathway_fusion."):
        part, value = rest.split(".")[1:]
        return f"s{stage}_fuse.{'bn' if part == 'norm' else 'conv_f2s'}.{value}"
    parts = rest.split(".")
    pathway, value = parts[1], parts[-1]
    if block == "0":
        return f"s1.pathway{pathway}_stem.{'bn' if parts[2] == 'norm' else 'conv'}.{value}"
    kind, letter = parts[-2].split("_")
    if kind == "branch1":
        kind, letter = ("norm" if letter == "norm" else "conv"), ""
    where = f"branch2.{letter}" if letter else "branch1"
    return (
        f"s{stage}.pathway{pathway}_res{parts[3]}.{where}{'_bn' if kind == 'norm' else ''}.{value}"
    )


def caffe2_name(name: str, last_blocks: dict[str, int]) -> str:
    """What caffe2 calls a weight that PySlowFast calls `name`.

    `last_blocks` is the number of the last residual block of each stage.
    """
    value = name.rsplit(".", 1)[1]
    if name.startswith("head."):
        return "pred_" + value[0]
    fused = re.match(r"s(\d)_fuse\.(bn|conv_f2s)\.", name)
    if fused:
        stage = fused[1]
        begin = "t_pool1" if stage == "1" else f"t_res{stage}_{last_blocks[stage]}_branch2c_bn"
        end = f"bn_{CAFFE2_NORM[value]}" if fused[2] == "bn" else "w"
        return f"{begin}_subsample_{end}"
    t = "t_" if "pathway1" in name else ""
    if "_stem." in name:
        return f"{t}conv1_w" if ".conv." in name else f"{t}res_conv1_bn_{CAFFE2_NORM[value]}"
    stage, block, branch = re.match(r"s(\d)\.pathway\d_res(\d+)\.(.*)\.\w+$", name).groups()
    begin = f"{t}res{stage}_{block}_{branch.replace('.', '').removesuffix('_bn')}"
    return f"{begin}_bn_{CAFFE2_NORM[value]}" if branch.endswith("_bn") else f"{begin}_w"


def write_pytorchvideo(path: Path, network) -> Path:
    """A checkpoint as PyTorchVideo's model zoo has them."""
    torch.save({"model_state": network.state_dict()}, path)
    return path


def write_pyslowfast(path: Path, network) -> Path:
    """A checkpoint as PySlowFast saves them, with what training leaves beside the weights."""
    names = slowfast_names(network)
    weights = {pyslowfast_name(names[name]): part for name, part in network.state_dict().items()}
    torch.save({"epoch": 3, "model_state": weights, "optimizer_state": {}, "cfg": "A: 1"}, path)
    return path


def write_caffe2(path: Path, network, last_blocks=None) -> Path:
    """A checkpoint as PySlowFast's model zoo has them, with blobs left from training."""
    last_blocks = last_blocks or {"2": 2, "3": 3, "4": 5}
    names = slowfast_names(network)
    blobs = {
        caffe2_name(pyslowfast_name(names[name]), last_blocks): value.numpy()
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    blobs["conv1_w_momentum"] = blobs["conv1_w"] * 0
    blobs["lr"] = blobs["pred_b"][:1]
    blobs["model_iter"] = blobs["pred_b"][:1].astype("int64")
    path.write_bytes(pickle.dumps({"blobs": blobs, "cfg": "MODEL: slowfast"}, protocol=3))
    return path
