"""The training config of AVA-Kinetics for mmaction2 1.x.

Reader: `AVAKineticsDataset`, which hands `SampleAVAFrames` a clip's own times. It knows no video
mode, so a small transform of ours decodes clips by decord where a video lies, and frames of
AVA movies from their folders.
"""

from dataclasses import dataclass

BASE = "mmaction::detection/slowonly/slowonly_k700-pre-r50_8xb8-8x8x1-10e_ava-kinetics-rgb.py"
"""In the wheel of mmaction2 1.2.0 as well as in its repository."""

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
    parts = [_head(export)]
    parts.append(_VIDEO_PIPELINES if export.read == "video" else "")
    if export.train:
        parts.append(_loader("train", export.train, export))
    else:
        parts.append("train_dataloader = None\ntrain_cfg = None\noptim_wrapper = None\n")
        parts.append("param_scheduler = None\n")
    if export.judged:
        parts.append(_loader("val", export.judged, export))
        parts.append(_evaluator(export.judged))
    else:
        parts.append("".join(f"{a}_{b} = None\n" for a in ("val", "test") for b in _EVALUATION))
    return "\n".join(part for part in parts if part)


_EVALUATION = ("dataloader", "evaluator", "cfg")


def _head(export: AvaKineticsExport) -> str:
    folder = "videos" if export.read == "video" else "rawframes"
    text = f"""\
# SlowOnly R50 8x8, pretrained on Kinetics-700, on AVA-Kinetics.
# All paths start at this file. Frames are counted from a clip's own start, which the reader
# takes from its id; AVA movies start at 900 s.
_base_ = '{BASE}'

dataset_root = '{{{{ fileDirname }}}}/..'
anno_root = f'{{dataset_root}}/annotations'
data_root = f'{{dataset_root}}/{folder}'
label_file = f'{{anno_root}}/action_list.pbtxt'
"""
    if export.read == "video":
        text += f"""
# Decodes clips by decord, AVA movies from frames. Its folder has to be in PYTHONPATH.
custom_imports = dict(imports=['{READING}'], allow_failed_imports=False)
"""
    else:
        text += """
# start_index=0 reads around the frame before the keyframe (33 ms), as mmaction2 does on AVA; with
# 1 the last index of a window could be one past a clip's last frame.
"""
    return text


_VIDEO_PIPELINES = """\
train_pipeline = [
    dict(type='SampleClipOrFrames', clip_len=8, frame_interval=8),
    dict(type='RandomRescale', scale_range=(256, 320)),
    dict(type='RandomCrop', size=256),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCTHW', collapse=True),
    dict(type='PackActionInputs')
]
val_pipeline = [
    dict(type='SampleClipOrFrames', clip_len=8, frame_interval=8, test_mode=True),
    dict(type='Resize', scale=(-1, 256)),
    dict(type='FormatShape', input_format='NCTHW', collapse=True),
    dict(type='PackActionInputs')
]
"""


def _loader(name: str, prefix: str, export: AvaKineticsExport) -> str:
    pipeline = f"        pipeline={name}_pipeline,\n" if export.read == "video" else ""
    text = f"""\
{name}_dataloader = dict(
    dataset=dict(
        type='AVAKineticsDataset',
        ann_file=f'{{anno_root}}/{prefix}.csv',
        exclude_file=f'{{anno_root}}/{prefix}_excluded_timestamps.csv',
        proposal_file=f'{{anno_root}}/{prefix}_proposals.pkl',
        label_file=label_file,
{pipeline}        start_index=0,
        person_det_score_thr={export.score(prefix)},
        data_prefix=dict(img=data_root)))
"""
    return text + ("test_dataloader = val_dataloader\n" if name == "val" else "")


def _evaluator(prefix: str) -> str:
    return f"""\
val_evaluator = dict(
    ann_file=f'{{anno_root}}/{prefix}.csv',
    label_file=label_file,
    exclude_file=f'{{anno_root}}/{prefix}_excluded_timestamps.csv')
test_evaluator = val_evaluator
"""


READING_TEXT = '''\
"""A transform for mmaction2: clips decoded by decord, AVA movies read from their frames."""

import os

from mmaction.datasets.transforms import (DecordDecode, DecordInit,
                                          RawFrameDecode, SampleAVAFrames)
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform


@TRANSFORMS.register_module(force=True)
class SampleClipOrFrames(BaseTransform):
    """SampleAVAFrames, then decord where `{frame_dir}.mp4` lies, else the folder of frames."""

    def __init__(self, clip_len, frame_interval, test_mode=False):
        self.sample = SampleAVAFrames(clip_len, frame_interval, test_mode)
        self.open, self.decode = DecordInit(), DecordDecode()
        self.frames = RawFrameDecode()

    def transform(self, results):
        video = results['frame_dir'] + '.mp4'
        if not os.path.exists(video):
            return self.frames(self.sample(results))
        results['filename'] = video
        return self.decode(self.sample(self.open(results)))
'''
"""The module that the config imports in video mode. decord counts frames from 0, and with
start_index 0 a window's middle is the keyframe exactly."""


def readme_text(export: AvaKineticsExport) -> str:
    """The README beside the config."""
    path = "PYTHONPATH=$DATASET/mmaction2:$PYTHONPATH " if export.read == "video" else ""
    what = {
        "video": "clips by decord (`pip install decord`), AVA movies from their frames",
        "frames": "`rawframes/`",
    }[export.read]
    train = f"{path}python tools/train.py $DATASET/mmaction2/ava_kinetics.py\n"
    test = f"{path}python tools/test.py $DATASET/mmaction2/ava_kinetics.py CHECKPOINT.pth\n"
    commands = (train if export.train else "") + (test if export.judged else "")
    judged = f"`{export.judged}`" if export.judged else "nothing: no validation boxes are there"
    return f"""\
# AVA-Kinetics for mmaction2

Reads {what}. Run in a checkout of mmaction2 1.2, with `DATASET` the path of the folder above:

```
{commands}```

Trains on `{export.train or "nothing"}`, evaluates on {judged}. Kinetics rows have ids like
`o3lCwWyyc_s_000012_000022`, whose numbers are the clip's first and last second; timestamps are
seconds of the YouTube video, and proposals are looked up without those numbers.

The base config's learning rate is for 8 GPUs x 8 samples: add `--auto-scale-lr` on others.
"""
