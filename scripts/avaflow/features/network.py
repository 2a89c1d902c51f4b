"""SlowFast networks and the features they give, built by PyTorchVideo's model library.

The four architectures are those for which PySlowFast's and PyTorchVideo's model zoos hold
weights; their figures come from PySlowFast's `configs/Kinetics` (ALPHA, FUSION_KERNEL_SZ,
DEPTH, NUM_BLOCK_TEMP_KERNEL) and PyTorchVideo's `models/hub/slowfast.py`. Every one of
them differs from the others in the shape of some weight, so weights tell what they are.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from avaflow.errors import UserError
from avaflow.torch_threads import let_threads_sleep

MEAN = 0.45
"""Mean of red, green and blue in 0..1: DATA.MEAN of PySlowFast's defaults, and PyTorchVideo's."""

STD = 0.225
"""Standard deviation of red, green and blue, likewise."""

CHANNELS = 2304
"""Length of a pooled feature: 2048 channels of the slow pathway and 256 of the fast one."""

TRAINED_POSITIONS = 7
"""Side of the head's pool: the last map of an image of 224 pixels, as in training."""

ROI_RESOLUTION = 7
"""Cells per side of a person's box: DETECTION.ROI_XFORM_RESOLUTION of PySlowFast."""

ROI_SCALE = 1 / 16
"""Cells of the last map per pixel with stage 5 dilated: DETECTION.SPATIAL_SCALE_FACTOR."""

LEAST_SIZE_PX = 32
"""The network divides an image by 32: a smaller one would leave nothing to pool."""

BODY = 5
"""Blocks of the network that are stem and stages; the pool and the projection follow."""


@dataclass(frozen=True)
class Architecture:
    """What tells one SlowFast from another.

    `alpha` is how many times more frames the fast pathway sees, `fusion_frames` the length
    of the convolutions from fast to slow, `temporal_blocks` how many blocks of stage 4
    look across time.
    """

    depth: int
    alpha: int
    fusion_frames: int
    temporal_blocks: int


ARCHITECTURES = {
    "slowfast_r50_8x8": Architecture(50, 4, 7, 6),
    "slowfast_r50_4x16": Architecture(50, 8, 5, 6),
    "slowfast_r101_8x8": Architecture(101, 4, 5, 23),
    "slowfast_r101_50_50": Architecture(101, 4, 5, 6),
}
"""By the zoos' names; 101_50_50 is their R101 whose stage 4 looks across time in 6 blocks."""

STAGE_BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Residual blocks of stages 2 to 5 by depth."""


def build_network(
    architecture: str, classes: int, num_frames: int = 32, size: int = 256, detection: bool = False
):
    """A network without weights, on torch's `meta` device, as PyTorchVideo makes it.

    Nothing is initialised, so what is not loaded afterwards cannot pass for weights.
    `detection` is the form in which PySlowFast finds actions of persons: stage 5 keeps its
    resolution and is dilated by 2 (SPATIAL_STRIDES, SPATIAL_DILATIONS of `configs/AVA`).
    """
    let_threads_sleep()
    import torch

    with warnings.catch_warnings():
        # It uses parts of torch that torch means to give up; nothing a user could fix.
        warnings.simplefilter("ignore", FutureWarning)
        from pytorchvideo.models.slowfast import create_slowfast

    made = ARCHITECTURES[architecture]
    blocks = STAGE_BLOCKS[made.depth][2]
    across = ((3, 1, 1),) * made.temporal_blocks + ((1, 1, 1),) * (blocks - made.temporal_blocks)
    last = (1, 2, 2) if detection else (1, 1, 1)
    strides = (1, 2, 2, 1 if detection else 2)
    dilations = ((1, 1, 1), (1, 1, 1), (1, 1, 1), last)
    positions = min(TRAINED_POSITIONS, -(-size // LEAST_SIZE_PX))
    with torch.device("meta"):
        network = create_slowfast(
            model_depth=made.depth,
            model_num_class=classes,
            slowfast_fusion_conv_kernel_size=(made.fusion_frames, 1, 1),
            slowfast_fusion_conv_stride=(made.alpha, 1, 1),
            stage_conv_a_kernel_sizes=(
                ((1, 1, 1), (1, 1, 1), across, (3, 1, 1)),
                ((3, 1, 1), (3, 1, 1), across, (3, 1, 1)),
            ),
            stage_conv_b_dilations=(dilations, dilations),
            stage_spatial_strides=(strides, strides),
            head_pool_kernel_sizes=(
                (num_frames // made.alpha, positions, positions),
                (num_frames, positions, positions),
            ),
        )
    return network.eval()


def fold_norms(network) -> None:
    """Work each batch norm into the convolution before it, in place.

    A trained norm only scales and shifts, so features stay equal up to rounding, and one
    pass over every map is saved: a tenth of the time on a processor.
    """
    import torch
    from torch.nn.utils import fuse_conv_bn_eval

    for module in list(network.modules()):
        parts = dict(module.named_children())
        for name, part in parts.items():
            norm_name = name.replace("_fast_to_slow", "").replace("conv", "norm")
            if isinstance(part, torch.nn.Conv3d) and parts.get(norm_name) is not None:
                setattr(module, name, fuse_conv_bn_eval(part, parts[norm_name]))
                setattr(module, norm_name, None)


def slow_frames(num_frames: int, alpha: int) -> list[int]:
    """Which frames of a window the slow pathway sees, 0-based.

    Evenly spread from the first to the last and cut to whole numbers, as PySlowFast's
    `pack_pathway_output` and PyTorchVideo's `PackPathway` choose them.
    """
    import torch

    return torch.linspace(0, num_frames - 1, num_frames // alpha).long().tolist()


class FeatureModel:
    """A network with weights that turns windows into features.

    `layer` is `pooled` (2304 numbers) or `logits` (one per class); `precision` is `full`,
    `bfloat16` or `float16`. Features are float32 in any case.
    """

    def __init__(
        self,
        network,
        architecture: str,
        layer: str = "pooled",
        device: str | int = "cpu",
        precision: str = "full",
    ):
        import torch

        self.place = torch_device(device)
        fold_norms(network)
        self.network = network.to(self.place, memory_format=torch.channels_last_3d)
        self.alpha = ARCHITECTURES[architecture].alpha
        self.layer = layer
        self.half = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(precision)
        if self.place.type == "cuda":
            # Rounds to 10 bits by default, which is not what `full` promises.
            torch.backends.cudnn.allow_tf32 = False

    @property
    def dimensions(self) -> int:
        """Length of a feature."""
        return self.network.blocks[-1].proj.out_features if self.layer == "logits" else CHANNELS

    def features(self, images: np.ndarray, shown: np.ndarray) -> np.ndarray:
        """Features of windows, float32 of shape (windows, :attr:`dimensions`).

        `images` are RGB, uint8 of shape (windows, frames, height, width, 3); where
        `shown`, bool of shape (windows, frames), is false the network sees zeros, which is
        what padding after normalisation means.
        """
        import torch

        with torch.inference_mode(), self._autocast():
            pooled = self.network.blocks[BODY](self._maps(images, shown))
            if self.layer == "logits":
                pooled = self.network.blocks[-1].proj(pooled.mean((2, 3, 4)))
            else:
                pooled = pooled.float().mean((2, 3, 4))
            return pooled.float().cpu().numpy()

    def roi_features(
        self, images: np.ndarray, shown: np.ndarray, boxes_px: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Features of the persons in windows, float32 of shape (boxes, :attr:`dimensions`).

        `boxes_px` holds a float array of shape (N, 4) per window, in pixels of `images`;
        rows of the result follow their order. As PySlowFast's `ResNetRoIHead`: each
        pathway's maps are averaged over time, aligned with the box in 7 x 7 cells, and the
        greatest value of each channel is taken. Needs a network made for `detection`.
        """
        import torch
        from torchvision.ops import roi_align

        with torch.inference_mode():
            with self._autocast():
                maps = self._maps(images, shown)
            boxes = [torch.as_tensor(part, dtype=torch.float32).to(self.place) for part in boxes_px]
            parts = [
                roi_align(
                    pathway.float().mean(2), boxes, ROI_RESOLUTION, ROI_SCALE, 0, aligned=True
                ).amax((2, 3))
                for pathway in maps
            ]
            found = torch.cat(parts, 1)
            if self.layer == "logits":
                found = self.network.blocks[-1].proj(found)
            return found.float().cpu().numpy()

    def _maps(self, images: np.ndarray, shown: np.ndarray) -> list:
        """The last maps of both pathways; a fresh list, because the network overwrites it."""
        import torch

        # In memory the images lie channels-last already, and stay so.
        values = torch.from_numpy(images).to(self.place).float()
        values.div_(255).sub_(MEAN).div_(STD)
        hidden = torch.from_numpy(~shown).to(self.place)
        if hidden.any():
            values[hidden] = 0
        slow = values[:, slow_frames(values.shape[1], self.alpha)]
        maps = [part.permute(0, 4, 1, 2, 3) for part in (slow, values)]
        del values, slow
        for block in self.network.blocks[:BODY]:
            maps = block(maps)
        return maps

    def _autocast(self):
        import torch

        return torch.autocast(self.place.type, self.half or torch.bfloat16, bool(self.half))


def torch_device(device: str | int):
    """The torch device by its name in the config; UserError if it is not there."""
    import torch

    if str(device).isdigit() and int(device) < torch.cuda.device_count():
        return torch.device(f"cuda:{device}")
    if str(device) != "cpu":
        raise UserError(
            f"features.device: {device!r} cannot be used here. Expected cpu, or the number of a "
            f"GPU that torch sees ({torch.cuda.device_count()} found)."
        )
    return torch.device("cpu")


def classes_of(weights: Mapping) -> int | None:
    """How many classes weights under PyTorchVideo's names tell apart; None if they do not say."""
    projection = weights.get("blocks.6.proj.weight")
    return projection.shape[0] if projection is not None and projection.ndim == 2 else None


def ready_model(network, settings: Mapping, threads: int) -> FeatureModel:
    """A network with weights, ready to compute as the config's section `features` says."""
    import torch

    torch.set_num_threads(threads)
    return FeatureModel(
        network,
        settings["architecture"],
        settings["layer"],
        settings["device"],
        settings["precision"],
    )
