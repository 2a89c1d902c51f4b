"""Training configs for mmaction2 1.x that read the dataset as it stands.

They say everything themselves instead of inheriting from mmaction2's own SlowFast config for
AVA v2.2: `_base_ = 'mmaction::...'` is found only where an installed mmaction2 carries its
configs (`.mim`), and a checkout, `pip install -e` and `uv pip install -e` of today carry none.
Reader: `AVADataset` with `SampleAVAFrames`, whose arithmetic decides the odd values below.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avaflow.errors import UserError
from avaflow.formats.imbalance import Rarity
from avaflow.formats.proposals import READER_SCORE
from avaflow.listing import commas
from avaflow.templates import render

ORIGIN = "slowfast_kinetics400-pretrained-r50_8xb6-8x8x1-cosine-10e_ava22-rgb"
"""mmaction2's config (`configs/detection/slowfast/`, 1.2.0) whose network, optimiser and
augmentation ours has, value by value."""

WEIGHTS = (
    "https://download.openmmlab.com/mmaction/recognition/slowfast/"
    "slowfast_r50_8x8x1_256e_kinetics400_rgb/"
    "slowfast_r50_8x8x1_256e_kinetics400_rgb_20200716-73547d2b.pth"
)
"""The backbone's weights, trained on Kinetics-400: what :data:`ORIGIN` starts from."""

GPUS = 8
"""GPUs that :data:`RATE` is for, as in :data:`ORIGIN`."""

BATCH = 6
"""Keyframes a GPU and step, as in :data:`ORIGIN`."""

RATE = 0.075
"""Learning rate of :data:`ORIGIN`, for :data:`GPUS` x :data:`BATCH` keyframes a step."""

START_INDEX = {"frames": 1, "video": 0}
"""`SampleAVAFrames` adds start_index twice: to the centre and to every index.

Frames mode counts files from 1: 1 centres on `img_<fps*s + 2>`, one frame after the keyframe,
which the sampler's jitter of -1 or 0 frames takes back half of the time in training; 0 centres
one frame before it and at a clip's start asks for `img_00000`. Video mode counts frames from 0:
with 0 the centre is the keyframe exactly, with the class default 1 it is two frames late.
"""

MAX_EPOCHS = 20
"""Epochs; the 10 of :data:`ORIGIN` are for AVA's 200,000 or so keyframes, smaller sets need
more."""

WARMUP_EPOCHS = 2
"""Epochs of linear warm-up, as in :data:`ORIGIN`."""


@dataclass(frozen=True)
class Export:
    """What the configs depend on.

    `splits` are the splits with labels, `actions` the number of actions, `longest_frames` the
    number of frames of the longest clip. `again` says how many keyframes are read a second,
    third, ... time an epoch; those of the n-th time stand in :func:`again_csv` of n.
    """

    splits: Sequence[str]
    offset: int
    fps: int
    actions: int
    longest_frames: int
    focal_gamma: float = 0.0
    focal_alpha: float = 1.0
    again: Sequence[int] = ()

    def __post_init__(self) -> None:
        if not self.splits:
            raise UserError("export mmaction2: no split has labels yet: finish a project first")

    @property
    def judged(self) -> str | None:
        """The split that a finished model is tested on: test, else val, else none. It is
        `predict` for clips without labels, which are told of and not judged."""
        return next((each for each in ("test", "val", "predict") if each in self.splits), None)


def again_csv(times: int | str) -> str:
    """The name of the csv, beside the configs, of keyframes that are read so many times, or a
    pattern of all such names."""
    return f"train_again_{times}.csv"


def timestamp_end(longest_frames: int, fps: int, offset: int) -> int:
    """The end of the longest clip as a timestamp.

    Frames mode only clamps with it: smaller, and the last frames of longer clips would be
    read as repetitions; larger would do no harm here, since an annotatable second has its
    whole window inside its clip.
    """
    return offset + math.ceil(longest_frames / fps)


def topk(actions: int) -> tuple[int, ...]:
    """The k of the accuracies that are logged: mmaction2's 3 and 5, below the number of
    actions, since its head asserts that and a larger k says nothing."""
    return tuple(k for k in (3, 5) if k < actions) or (1,)


def rate_on(gpus: int) -> float:
    """The learning rate on so many GPUs, as mmengine scales it: in proportion to the batch."""
    return RATE * gpus / GPUS


def config_text(export: Export, mode: str) -> str:
    """The Python text of the config; `mode` is `frames` or `video`."""
    return render(
        __file__,
        "slowfast.py",
        export=export,
        mode=mode,
        again=[again_csv(times) for times, count in enumerate(export.again, 2) if count],
        origin=ORIGIN,
        weights=WEIGHTS,
        gpus=GPUS,
        batch=BATCH,
        rate=RATE,
        timestamp_end=timestamp_end(export.longest_frames, export.fps, export.offset),
        start_index=START_INDEX[mode],
        reader_score=READER_SCORE,
        topk=topk(export.actions),
        max_epochs=MAX_EPOCHS,
        warmup_epochs=WARMUP_EPOCHS,
    )


def demo_text(stride: int) -> str:
    """A script that runs mmaction2's own demo with our detections instead of mmdet's.

    `stride` says which frames were looked at: a frame between them takes the nearest one's
    boxes. mmaction2's demo asks for boxes on frames of its own choice, one in eight.
    """
    return render(__file__, "demo_with_boxes.py", stride=stride, reach=stride // 2)


def readme_text(
    export: Export,
    modes: Sequence[str],
    dataset: str,
    unproposed: dict[str, list[str]],
    rarities: Sequence[Rarity] = (),
) -> str:
    """The folder's README. `dataset` is the dataset folder as the workflow names it;
    `unproposed` lists, by split, labelled keyframes without any proposal; `rarities` how
    often actions occur in train, where keyframes are repeated."""
    return render(
        __file__,
        "README.md",
        export=export,
        modes=modes,
        best=f"slowfast_{modes[0]}",
        dataset=dataset,
        results=Path(dataset).parent.as_posix(),
        unproposed=_unproposed(unproposed),
        rarities=rarities,
        origin=ORIGIN,
        rates={gpus: f"{rate_on(gpus):.4g}" for gpus in (1, 4, GPUS)},
        batch=BATCH,
        timestamp_end=timestamp_end(export.longest_frames, export.fps, export.offset),
        reader_score=READER_SCORE,
        max_epochs=MAX_EPOCHS,
    )


def _unproposed(unproposed: dict[str, list[str]]) -> list[str]:
    return [f"{split}: {commas(keys)}" for split, keys in unproposed.items() if keys]
