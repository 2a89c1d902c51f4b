"""Weights of networks, in the three forms in which they are handed about.

What a file is, its content tells, never its name:

* PyTorchVideo: a torch file whose names begin with `blocks.`, as `state_dict()` of
  `pytorchvideo.models.slowfast.create_slowfast` gives them. PySlowFast saves networks
  that it built by PyTorchVideo with `model.` in front; PyTorchVideo's own network for AVA
  has `detection_head.proj` for the projection. A network of one pathway, as
  `pytorchvideo.models.resnet.create_resnet` makes it, leaves out `multipathway_blocks.0.`,
  and a pool after stage 2 counts as a block.
* PySlowFast: a torch file with names such as `s2.pathway0_res0.branch2.a.weight`, as the
  modules of `slowfast/models/video_model_builder.py`, `stem_helper.py` and
  `resnet_helper.py` are called.
* caffe2: a pickle `{"blobs": {name: array}}` with names such as `res2_0_branch2a_w` and a
  leading `t_` for the fast pathway. The rules are those of PySlowFast's
  `slowfast/utils/c2_model_loading.py`: `_w`, `_b` for weight and bias, and of a norm
  `_s`, `_b`, `_rm`, `_riv` for scale, bias, running mean and running variance; blobs
  whose names hold `momentum`, `lr` or `model_iter` are left from training
  (`slowfast/utils/checkpoint.py`).
"""

import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from avaflow.errors import UserError
from avaflow.features.architectures import ARCHITECTURES
from avaflow.features.network import build_network, classes_of
from avaflow.formats.array_pickles import StoredArray, read_array_pickle
from avaflow.listing import commas
from avaflow.torch_files import MOST_UNPACKED_BYTES, unpacking_problem
from avaflow.torch_threads import let_threads_sleep

LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""First bytes of what torch wrote before it wrote zips: a pickle of its magic number."""

ZIP = b"PK\x03\x04"
"""First bytes of a zip file, also of one that was cut short."""

LISTED = 8
"""So many names of each kind of difference are shown; the rest is counted."""

CONTAINERS = ("model_state", "state_dict", "model_state_dict")
"""Names under which weights lie in a checkpoint beside the state of training."""

PREFIXES = ("module.", "model.")
"""What wrappers put in front of every name: parallel training, PySlowFast's PTVSlowFast."""

TRAINING_BLOBS = ("momentum", "lr", "model_iter")

COUNTER = "num_batches_tracked"
"""How often a norm was trained: of no use afterwards, and absent in caffe2's files."""

WHAT_TO_DOWNLOAD = """\
Download one and name it as features.weights; nothing is downloaded by itself, and weights are \
never made up:
  - slowfast_r50_8x8: \
https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/SLOWFAST_8x8_R50.pyth
    or https://dl.fbaipublicfiles.com/pyslowfast/model_zoo/kinetics400/SLOWFAST_8x8_R50.pkl
  - slowfast_r50_4x16: \
https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/SLOWFAST_4x16_R50.pyth
    or https://dl.fbaipublicfiles.com/pyslowfast/model_zoo/kinetics400/SLOWFAST_4x16_R50.pkl
  - slowfast_r101_8x8: \
https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/SLOWFAST_8x8_R101.pyth
  - slowfast_r101_50_50: \
https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/SLOWFAST_16x8_R101_50_50.pyth \
(trained with features.num_frames 64)
  - slow_r50_8x8, slow_r50_4x16, c2d_r50_8x8, i3d_r50_8x8: \
https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/SLOW_8x8_R50.pyth
    and, beside it, SLOW_4x16_R50.pyth, C2D_8x8_R50.pyth, I3D_8x8_R50.pyth; c2d_nopool_r50_8x8:
    https://dl.fbaipublicfiles.com/pyslowfast/model_zoo/kinetics400/C2D_NOPOOL_8x8_R50.pkl"""
"""Addresses from PyTorchVideo's and PySlowFast's model zoo pages."""

NO_WEIGHTS = f"features.weights: SlowFast features need trained weights. {WHAT_TO_DOWNLOAD}"


class Weight(NamedTuple):
    """A weight under the name that its file gives it."""

    name: str
    value: Any


def load_network(
    path: str | Path,
    architecture: str,
    detection: bool = False,
):
    """A network of `architecture` (architectures.ARCHITECTURES) with the weights of a file.

    Every weight of the network comes from the file, and the file holds no other: anything
    else is a UserError that lists what is missing, over or of another shape, and names the
    architecture that the weights do fit. So is a file that is no checkpoint.
    """
    named = read_weights(path)
    weights = {ours: value for ours, (_, value) in named.items()}
    network = build_network(architecture, classes_of(weights) or 1, detection)
    problems = differences(network, named)
    if problems:
        fitting = [
            other
            for other in ARCHITECTURES
            if other != architecture
            and not differences(build_network(other, classes_of(weights) or 1), named)
        ]
        advice = (
            f"They are weights of {' or '.join(fitting)}: set features.architecture to it, or name "
            "other weights."
            if fitting
            else f"They fit none of {', '.join(ARCHITECTURES)}. {WHAT_TO_DOWNLOAD}"
        )
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise UserError(
            f"features.weights: {path} does not hold the weights of {architecture}:\n{listed}\n"
            f"{advice}"
        )
    _fill(network, weights)
    return network


def read_weights(path: str | Path) -> dict:
    """Weights of a file: PyTorchVideo's name -> (the file's own name, float32 tensor).

    Names are those of a SlowFast also where there is one pathway: it is then the slow one.

    Raises UserError for a file that is no checkpoint, or none of a SlowFast, or that would
    run a program when it is read; it is not run.
    """
    let_threads_sleep()
    path = Path(path)
    if found := unusable(path):
        raise UserError(f"features.weights: {path} is {found}. {WHAT_TO_DOWNLOAD}")
    tensors = _torch_tensors(path) if _is_torch_file(path) else _caffe2_tensors(path)
    if nonlocal_names := [name for name in tensors if "nonlocal" in name]:
        raise UserError(
            f"features.weights: {path} holds {', '.join(nonlocal_names[:3])}: networks with "
            f"non-local blocks are not supported, whatever features.architecture. "
            f"{WHAT_TO_DOWNLOAD}"
        )
    named: dict[str, Weight] = {}
    theirs = {name: our_name(_bare(name)) for name in tensors}
    as_slowfast = two_pathway_names(theirs.values())
    for name, value in tensors.items():
        ours = as_slowfast[theirs[name]]
        if ours in named:
            raise UserError(
                f"features.weights: {path}: {name} and {named[ours].name} are the same weight "
                "under two names. Expected a checkpoint of one network."
            )
        named[ours] = Weight(name, value)
    if not any(name.startswith("blocks.") for name in named):
        shown = ", ".join(list(tensors)[:3]) or "nothing"
        raise UserError(
            f"features.weights: {path} holds no SlowFast: expected names like blocks.0..., "
            f"s1.pathway0_stem... or conv1_w, found {shown}. {WHAT_TO_DOWNLOAD}"
        )
    return named


def unusable(path: Path) -> str:
    """Why a path cannot be a checkpoint, before it is opened; empty where it can."""
    if path.is_dir():
        return "a folder: name the file in it"
    if not path.is_file():
        return "missing"
    return unpacking_problem(path) if path.stat().st_size else "empty (0 bytes)"


def our_name(name: str) -> str:
    """PyTorchVideo's name of a weight, from any of the three; unknown names stay as they are."""
    if re.match(r"(t_)?(conv1|res|pool1|pred)", name):
        name = _from_caffe2(name)
    if name.startswith("detection_head.proj."):
        return name.replace("detection_head", "blocks.6", 1)
    for pattern, replacement in PYSLOWFAST_RULES:
        found = re.fullmatch(pattern, name)
        if found:
            return replacement(found)
    return name


def two_pathway_names(names: Iterable[str]) -> dict[str, str]:
    """What a SlowFast calls the weights of a network, its slow pathway being the only one.

    `names` are those of all weights of one network, in PyTorchVideo's form; those of a
    SlowFast stay as they are.
    """
    names = list(names)
    # A pool after stage 2 counts as a block and has no weights.
    pooled = any(name.startswith("blocks.5.res_blocks.") for name in names)
    found = {}
    for name in names:
        inside = re.fullmatch(r"blocks\.(?P<block>\d)\.(?P<rest>(conv|norm|res_blocks)\..*)", name)
        if inside:
            block = int(inside["block"])
            stage = block - 1 if pooled and block > 1 else block
            found[name] = f"blocks.{stage}.multipathway_blocks.0.{inside['rest']}"
        else:
            found[name] = re.sub(r"^blocks\.5\.proj\.", "blocks.6.proj.", name)
    return found


def _conv(letter: str | None) -> str:
    return f"conv_{letter}" if letter else "branch1_conv"


def _norm(letter: str | None) -> str:
    return f"norm_{letter}" if letter else "branch1_norm"


def _block(found: re.Match) -> str:
    """The place of a residual block: stages 2 to 5 are blocks 1 to 4."""
    stage, pathway, block = int(found["stage"]), found["pathway"], found["block"]
    return f"blocks.{stage - 1}.multipathway_blocks.{pathway}.res_blocks.{block}"


BLOCK = r"s(?P<stage>[2-5])\.pathway(?P<pathway>[01])_res(?P<block>\d+)\."
FUSION = r"s(?P<stage>[1-4])_fuse\."
VALUE = r"(?P<value>weight|bias|running_mean|running_var|num_batches_tracked)"

PYSLOWFAST_RULES = (
    (
        rf"s1\.pathway(?P<pathway>[01])_stem\.(?P<part>conv|bn)\.{VALUE}",
        lambda m: (
            f"blocks.0.multipathway_blocks.{m['pathway']}."
            f"{'conv' if m['part'] == 'conv' else 'norm'}.{m['value']}"
        ),
    ),
    (
        rf"{FUSION}(?P<part>conv_f2s|bn)\.{VALUE}",
        lambda m: (
            f"blocks.{int(m['stage']) - 1}.multipathway_fusion."
            f"{'norm' if m['part'] == 'bn' else 'conv_fast_to_slow'}.{m['value']}"
        ),
    ),
    (
        rf"{BLOCK}branch1(?P<norm>_bn)?\.{VALUE}",
        lambda m: f"{_block(m)}.{_norm(None) if m['norm'] else _conv(None)}.{m['value']}",
    ),
    (
        rf"{BLOCK}branch2\.(?P<letter>[abc])(?P<norm>_bn)?\.{VALUE}",
        lambda m: (
            f"{_block(m)}.branch2."
            f"{_norm(m['letter']) if m['norm'] else _conv(m['letter'])}.{m['value']}"
        ),
    ),
    (rf"head\.projection\.{VALUE}", lambda m: f"blocks.6.proj.{m['value']}"),
)
"""A pattern of PySlowFast's names and how PyTorchVideo calls the same weight."""

CAFFE2_VALUES = {"s": "weight", "b": "bias", "rm": "running_mean", "riv": "running_var"}

CAFFE2_RULES = (
    # The stem's norm is called after conv1 with `res_` in front.
    (r"(?P<t>t_)?conv1_w", lambda m: f"s1.pathway{_pathway(m)}_stem.conv.weight"),
    (
        r"(?P<t>t_)?res_conv1_bn_(?P<value>s|b|rm|riv)",
        lambda m: f"s1.pathway{_pathway(m)}_stem.bn.{CAFFE2_VALUES[m['value']]}",
    ),
    # Convolutions from fast to slow are called after what they start from: the first pool,
    # then the last block of each stage.
    (
        r"t_(?:pool1|res(?P<stage>\d)_\d+_branch2c_bn)_subsample_w",
        lambda m: f"s{m['stage'] or 1}_fuse.conv_f2s.weight",
    ),
    (
        r"t_(?:pool1|res(?P<stage>\d)_\d+_branch2c_bn)_subsample_bn_(?P<value>s|b|rm|riv)",
        lambda m: f"s{m['stage'] or 1}_fuse.bn.{CAFFE2_VALUES[m['value']]}",
    ),
    (
        r"(?P<t>t_)?res(?P<stage>\d)_(?P<block>\d+)_branch(?P<branch>1|2[abc])_w",
        lambda m: f"{_caffe2_block(m)}.weight",
    ),
    (
        r"(?P<t>t_)?res(?P<stage>\d)_(?P<block>\d+)_branch(?P<branch>1|2[abc])_bn_"
        r"(?P<value>s|b|rm|riv)",
        lambda m: f"{_caffe2_block(m)}_bn.{CAFFE2_VALUES[m['value']]}",
    ),
    (r"pred_w", lambda m: "head.projection.weight"),
    (r"pred_b", lambda m: "head.projection.bias"),
)
"""A pattern of caffe2's names and how PySlowFast calls the same weight."""


def _pathway(found: re.Match) -> int:
    return 1 if found["t"] else 0


def _caffe2_block(found: re.Match) -> str:
    branch = found["branch"]
    part = "branch1" if branch == "1" else f"branch2.{branch[1]}"
    return f"s{found['stage']}.pathway{_pathway(found)}_res{found['block']}.{part}"


def _from_caffe2(name: str) -> str:
    for pattern, replacement in CAFFE2_RULES:
        found = re.fullmatch(pattern, name)
        if found:
            return replacement(found)
    return name


def _bare(name: str) -> str:
    """A name without what wrappers put in front of it."""
    while name.startswith(PREFIXES):
        name = name.split(".", 1)[1]
    return name


def differences(network, named: Mapping) -> list[str]:
    """In what weights of a file differ from what a network needs, one sentence each.

    `named` is what :func:`read_weights` gives.
    """
    own = network.state_dict()
    name_of = {ours: name for name, ours in two_pathway_names(own).items()}
    expected = {
        ours: tuple(own[name].shape) for ours, name in name_of.items() if not name.endswith(COUNTER)
    }
    found = {name: entry for name, entry in named.items() if not name.endswith(COUNTER)}
    missing = [name_of[ours] for ours in expected if ours not in found]
    extra = [entry.name for name, entry in found.items() if name not in expected]
    shapes = [
        f"{entry.name} (expected {_shape(expected[name])}, found {_shape(entry.value.shape)})"
        for name, entry in found.items()
        if name in expected and expected[name] != tuple(entry.value.shape)
    ]
    kinds = (("missing", missing), ("too many", extra), ("of another shape", shapes))
    return [f"{kind}: {commas(names, LISTED)}" for kind, names in kinds if names]


def _shape(shape) -> str:
    return " x ".join(map(str, shape))


def _fill(network, weights: Mapping) -> None:
    """Give a network on the `meta` device its weights, which have been found to fit."""
    import torch

    whole = {
        name: weights.get(ours, torch.zeros((), dtype=torch.long))
        for name, ours in two_pathway_names(network.state_dict()).items()
        if ours in weights or name.endswith(COUNTER)
    }
    network.load_state_dict(whole, strict=True, assign=True)
    network.requires_grad_(False)


def _is_torch_file(path: Path) -> bool:
    return _begins(path, LEGACY_TORCH) or _begins(path, ZIP) or zipfile.is_zipfile(path)


def _begins(path: Path, mark: bytes) -> bool:
    with open(path, "rb") as stream:
        return stream.read(len(mark)) == mark


def _torch_tensors(path: Path) -> dict:
    """Tensors of a file that torch wrote, read without running anything in it."""
    import torch

    if not zipfile.is_zipfile(path) and _begins(path, ZIP):
        raise UserError(
            f"features.weights: {path} is cut short ({path.stat().st_size} bytes): its end, which "
            "tells what is where, is missing. Download it again."
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch raises UnpicklingError, RuntimeError and more, and advises to run what is in it.
        asked = re.search(r"GLOBAL (\S+)", str(error))
        if asked:
            raise UserError(
                f"features.weights: {path} holds more than tensors ({asked[1]}), which could run "
                "any program, so it was not read. Save its state_dict() alone, or name other "
                "weights."
            ) from None
        raise UserError(
            f"features.weights: {path} is damaged, or holds more than tensors "
            f"({type(error).__name__}). Download it again, or save its state_dict() alone."
        ) from None
    for name in CONTAINERS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping):
        raise UserError(
            f"features.weights: {path}: expected names and tensors, found "
            f"{type(content).__name__}. {WHAT_TO_DOWNLOAD}"
        )
    tensors = {
        str(name): value for name, value in content.items() if isinstance(value, torch.Tensor)
    }
    # One number in a file may stand for a tensor of any shape; as float32 it takes its room.
    if 4 * sum(value.numel() for value in tensors.values()) > MOST_UNPACKED_BYTES:
        raise UserError(
            f"features.weights: {path} holds tensors of more than "
            f"{MOST_UNPACKED_BYTES / 1e6:.0f} MB. {WHAT_TO_DOWNLOAD}"
        )
    return {
        name: value.float() if value.is_floating_point() else value
        for name, value in tensors.items()
    }


def _caffe2_tensors(path: Path) -> dict:
    """Tensors of a caffe2 pickle, read without running anything in it."""
    import numpy as np
    import torch

    try:
        content = read_array_pickle(path, "checkpoint")
    except UserError as error:
        raise UserError(f"features.weights: {error}. {WHAT_TO_DOWNLOAD}") from None
    blobs = content.get("blobs") if isinstance(content, dict) else None
    if not isinstance(blobs, dict):
        raise UserError(
            f"features.weights: {path}: expected a pickle with `blobs`, as PySlowFast's model zoo "
            f"has them. {WHAT_TO_DOWNLOAD}"
        )
    tensors = {}
    for name, value in blobs.items():
        if not isinstance(value, StoredArray) or any(mark in name for mark in TRAINING_BLOBS):
            continue
        try:
            array = value.as_numpy().astype(np.float32)
        except ValueError as error:
            raise UserError(
                f"features.weights: {path}: a damaged array at {name} ({error}). "
                "Download the file again."
            ) from None
        # caffe2 may keep a projection as a convolution of one cell.
        flat = array.reshape(array.shape[:2]) if name == "pred_w" and array.ndim > 2 else array
        tensors[name] = torch.from_numpy(flat)
    return tensors
