"""The networks that features can come from: those of PySlowFast's and PyTorchVideo's model zoos.

Their figures come from PySlowFast's `configs/Kinetics` (ALPHA, FUSION_KERNEL_SZ, DEPTH,
NUM_BLOCK_TEMP_KERNEL), the temporal kernels and pools of its `video_model_builder.py`, and
PyTorchVideo's `models/hub/slowfast.py` and `resnet.py`.
"""

from dataclasses import dataclass
from typing import ClassVar

TRAINED_FPS = 30
"""Frames a second of the videos in training: DATA.TARGET_FPS of PySlowFast's defaults."""


@dataclass(frozen=True)
class TwoPathways:
    """What tells one SlowFast from another; each differs from the others in a weight's shape.

    `alpha` is how many times more frames the fast pathway sees, `fusion_frames` the length
    of the convolutions from fast to slow, `temporal_blocks` how many blocks of stage 4
    look across time. `trained_frames` are those of a window in training.
    """

    depth: int
    alpha: int
    fusion_frames: int
    temporal_blocks: int
    trained_frames: int = 32

    channels: ClassVar[int] = 2304
    """Length of a pooled feature: 2048 channels of the slow pathway and 256 of the fast one."""


@dataclass(frozen=True)
class OnePathway:
    """A ResNet-50 that sees all frames of a window in one pathway.

    `stem_frames` is the length of the first convolution, `stage_frames` those of the first
    convolution of the blocks of stages 2 to 5, repeated where a stage has more blocks.
    `halves` says whether two frames become one after stage 2. `trained_frames` are those of a
    window in training, `trained_step` how many frames of TRAINED_FPS one is from the next.
    """

    stem_frames: int
    stage_frames: tuple[tuple[int, ...], ...]
    halves: bool
    trained_frames: int
    trained_step: int

    depth: ClassVar[int] = 50
    alpha: ClassVar[int] = 1
    channels: ClassVar[int] = 2048
    """Length of a pooled feature: the channels of the last stage."""


SLOW = ((1,), (1,), (3,), (3,))
C2D = ((1,), (1,), (1,), (1,))
I3D = ((3,), (3, 1), (3, 1), (1, 3))

ARCHITECTURES: dict[str, TwoPathways | OnePathway] = {
    "slowfast_r50_8x8": TwoPathways(50, 4, 7, 6),
    "slowfast_r50_4x16": TwoPathways(50, 8, 5, 6),
    "slowfast_r101_8x8": TwoPathways(101, 4, 5, 23),
    "slowfast_r101_50_50": TwoPathways(101, 4, 5, 6, trained_frames=64),
    "slow_r50_8x8": OnePathway(1, SLOW, False, 8, 8),
    "slow_r50_4x16": OnePathway(1, SLOW, False, 4, 16),
    "c2d_r50_8x8": OnePathway(1, C2D, True, 8, 8),
    "c2d_nopool_r50_8x8": OnePathway(1, C2D, False, 8, 8),
    "i3d_r50_8x8": OnePathway(5, I3D, True, 8, 8),
}
"""By the zoos' names. 101_50_50 is their R101 whose stage 4 looks across time in 6 blocks.

The two Slow networks have weights of the same shapes, and so have the two C2D: weights do not
tell which of them they are."""
