"""SlowFast networks, their one-pathway kin, and the features they give.

PyTorchVideo's model library builds them.
"""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from avaflow.errors import UserError
from avaflow.features.architectures import ARCHITECTURES, OnePathway, TwoPathways
from avaflow.torch_threads import let_threads_sleep

MEAN = 0.45
"""Mean of red, green and blue in 0..1: DATA.MEAN of PySlowFast's defaults, and PyTorchVideo's."""

STD = 0.225
"""Standard deviation of red, green and blue, likewise."""

TRAINED_POSITIONS = 7
"""Side of the head's pool: the last map of an image of 224 pixels, as in training."""

POOLS = ("trained", "whole")
"""How a map becomes a vector: the mean over windows of TRAINED_POSITIONS, then over these, as
the networks do in training and tests; or the mean over the whole map, as the known extractor
(github.com/tridivb/slowfast_feature_extractor) does, whose head is as large as the image."""

ROI_RESOLUTION = 7
"""Cells per side of a person's box: DETECTION.ROI_XFORM_RESOLUTION of PySlowFast."""

ROI_SCALE = 1 / 16
"""Cells of the last map per pixel with stage 5 dilated: DETECTION.SPATIAL_SCALE_FACTOR."""

STAGE_BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Residual blocks of stages 2 to 5 by depth."""


def build_network(architecture: str, classes: int, detection: bool = False):
    """A network without weights, on torch's `meta` device, as PyTorchVideo makes it.

    Nothing is initialised, so what is not loaded afterwards cannot pass for weights.
    `detection` is the form in which PySlowFast finds actions of persons: stage 5 keeps its
    resolution and is dilated by 2 (SPATIAL_STRIDES, SPATIAL_DILATIONS of `configs/AVA`).
    """
    let_threads_sleep()
    import torch

    made = ARCHITECTURES[architecture]
    last = (1, 2, 2) if detection else (1, 1, 1)
    dilations = ((1, 1, 1), (1, 1, 1), (1, 1, 1), last)
    strides = (1, 2, 2, 1 if detection else 2)
    with warnings.catch_warnings(), torch.device("meta"):
        # It uses parts of torch that torch means to give up; nothing a user could fix.
        warnings.simplefilter("ignore", FutureWarning)
        if isinstance(made, TwoPathways):
            network = _two_pathways(made, classes, strides, dilations)
        else:
            network = _one_pathway(made, classes, strides, dilations)
    return network.eval()


def _two_pathways(made: TwoPathways, classes: int, strides: tuple, dilations: tuple):
    from pytorchvideo.models.slowfast import create_slowfast

    blocks = STAGE_BLOCKS[made.depth][2]
    across = ((3, 1, 1),) * made.temporal_blocks + ((1, 1, 1),) * (blocks - made.temporal_blocks)
    return create_slowfast(
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
            (made.trained_frames // made.alpha, TRAINED_POSITIONS, TRAINED_POSITIONS),
            (made.trained_frames, TRAINED_POSITIONS, TRAINED_POSITIONS),
        ),
    )


def _one_pathway(made: OnePathway, classes: int, strides: tuple, dilations: tuple):
    import torch
    from pytorchvideo.models.resnet import create_resnet

    frames = made.trained_frames // (2 if made.halves else 1)
    return create_resnet(
        model_depth=made.depth,
        model_num_class=classes,
        stem_conv_kernel_size=(made.stem_frames, 7, 7),
        stage1_pool=torch.nn.MaxPool3d if made.halves else None,
        stage_conv_a_kernel_size=tuple(
            [(length, 1, 1) for length in lengths] for lengths in made.stage_frames
        ),
        stage_conv_b_dilation=dilations,
        stage_spatial_h_stride=strides,
        stage_spatial_w_stride=strides,
        head_pool_kernel_size=(frames, TRAINED_POSITIONS, TRAINED_POSITIONS),
    )


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

    `layer` is `pooled` (a number a channel) or `logits` (one per class); `precision` is
    `full`, `bfloat16` or `float16`; `pool` is one of :data:`POOLS`. Features are float32 in
    any case, and images of any size and shape.
    """

    whole_images = False
    """It finds persons in the maps of resized images."""

    def __init__(
        self,
        network,
        architecture: str,
        layer: str = "pooled",
        device: str | int = "cpu",
        precision: str = "full",
        pool: str = "trained",
    ):
        import torch

        self.place = torch_device(device)
        fold_norms(network)
        self.network = network.to(self.place, memory_format=torch.channels_last_3d)
        self.architecture = ARCHITECTURES[architecture]
        self.layer = layer
        self.pool = pool
        self.half = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(precision)
        if self.place.type == "cuda":
            # Rounds to 10 bits by default, which is not what `full` promises.
            torch.backends.cudnn.allow_tf32 = False

    @property
    def dimensions(self) -> int:
        """Length of a feature."""
        return (
            self.network.blocks[-1].proj.out_features
            if self.layer == "logits"
            else self.architecture.channels
        )

    def features(self, images: np.ndarray, shown: np.ndarray) -> np.ndarray:
        """Features of windows, float32 of shape (windows, :attr:`dimensions`).

        `images` are uint8 of shape (windows, frames, height, width, 3), their channels in the
        order of the weights' training; where `shown`, bool of shape (windows, frames), is
        false the network sees zeros, which is what padding after normalisation means.
        """
        import torch

        with torch.inference_mode(), self._autocast():
            maps = self._maps(images, shown)
            pooled = torch.cat([self._pooled(part) for part in maps], 1)
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

    def _pooled(self, part):
        """The mean of a map over all its frames and over windows of its positions."""
        from torch.nn.functional import avg_pool3d

        frames, *sides = part.shape[2:]
        if self.pool == "trained":
            sides = [min(TRAINED_POSITIONS, side) for side in sides]
        return avg_pool3d(part, (frames, *sides), stride=1)

    def _maps(self, images: np.ndarray, shown: np.ndarray) -> list:
        """The last map of each pathway."""
        import torch

        # In memory the images lie channels-last already, and stay so.
        values = torch.from_numpy(images).to(self.place).float()
        values.div_(255).sub_(MEAN).div_(STD)
        hidden = torch.from_numpy(~shown).to(self.place)
        if hidden.any():
            values[hidden] = 0
        if isinstance(self.architecture, OnePathway):
            # The head, which is what follows, pools and projects.
            found = values.permute(0, 4, 1, 2, 3)
            del values
            for block in self.network.blocks[:-1]:
                found = block(found)
            return [found]
        slow = values[:, slow_frames(values.shape[1], self.architecture.alpha)]
        maps = [part.permute(0, 4, 1, 2, 3) for part in (slow, values)]
        del values, slow
        # A pool of its own, and then the head; the network overwrites the list.
        for block in self.network.blocks[:-2]:
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
    """How many classes weights as `read_weights` gives them tell apart; None if they do not say."""
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
        settings["pool"],
    )
