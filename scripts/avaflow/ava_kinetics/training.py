"""The training config of AVA-Kinetics for mmaction2 1.x.

Reader: `AVAKineticsDataset`, which hands `SampleAVAFrames` a clip's own times. It knows no video
mode, so a small transform of ours decodes clips by decord where a video lies, and frames of
AVA movies from their folders.
"""

from dataclasses import dataclass

from avaflow.templates import render

ORIGIN = "configs/detection/slowonly/slowonly_k700-pre-r50_8xb8-8x8x1-10e_ava-kinetics-rgb.py"
"""mmaction2's own config, whose figures ours has."""

WEIGHTS = (
    "https://download.openmmlab.com/mmaction/v1.0/recognition/slowonly/"
    "slowonly_imagenet-pretrained-r50_16xb16-8x8x1-steplr-150e_kinetics700-rgb/"
    "slowonly_imagenet-pretrained-r50_16xb16-8x8x1-steplr-150e_kinetics700-rgb_"
    "20221013-15b93b10.pth"
)
"""Its weights, trained on Kinetics-700."""

BATCH = 8
"""Samples a GPU, of eight, that its learning rate is made for."""

AVA_SCORE = 0.9
"""mmaction2's own least score of a proposal, made for the Faster R-CNN of AVA's proposals."""

READING = "ava_kinetics_reading"
"""Name of the module with our transform, beside the config."""


@dataclass(frozen=True)
class AvaKineticsExport:
    """What the config depends on.

    `train` and `judged` are the prefixes of the annotation files to train and to evaluate on (such
    as `ava_kinetics_train`), empty for none; `read` is `frames` or `video`.
    """

    train: str
    judged: str
    read: str
    min_score: float

    def score(self, prefix: str) -> float:
        """Least score of a proposal: AVA's files hold every box, ours only certain ones."""
        return AVA_SCORE if prefix == "ava_kinetics_val" else self.min_score


def config_text(export: AvaKineticsExport) -> str:
    """The Python text of the config."""
    return render(
        __file__,
        "ava_kinetics.py",
        export=export,
        origin=ORIGIN,
        weights=WEIGHTS,
        batch=BATCH,
        reading=READING,
    )


def reading_text() -> str:
    """The module that the config imports in video mode. decord counts frames from 0, and with
    start_index 0 a window's middle is the keyframe exactly."""
    return render(__file__, "ava_kinetics_reading.py")


def readme_text(export: AvaKineticsExport) -> str:
    """The README beside the config."""
    return render(__file__, "README.md", export=export)
