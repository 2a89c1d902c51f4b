"""Training configs for mmaction2 1.x that read the dataset as it stands.

They inherit from mmaction2's own SlowFast config for AVA v2.2 and set only what differs.
Reader: `AVADataset` with `SampleAVAFrames`, whose arithmetic decides the odd values below.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from avaflow.errors import UserError
from avaflow.formats.proposals import READER_SCORE

BASE = (
    "mmaction::detection/slowfast/"
    "slowfast_kinetics400-pretrained-r50_8xb6-8x8x1-cosine-10e_ava22-rgb.py"
)
"""In the wheel of mmaction2 1.2.0 as well as in its repository."""

START_INDEX = {"frames": 1, "video": 0}
"""`SampleAVAFrames` adds start_index twice: to the centre and to every index.

Frames mode counts files from 1: 1 centres on `img_<fps*s + 2>`, one frame after the keyframe,
which the sampler's jitter of -1 or 0 frames takes back half of the time in training; 0 centres
one frame before it and at a clip's start asks for `img_00000`. Video mode counts frames from 0:
with 0 the centre is the keyframe exactly, with the class default 1 it is two frames late.
"""

MAX_EPOCHS = 20
"""Epochs; the base config's 10 are for AVA's 200,000 or so keyframes, smaller sets need more."""

WARMUP_EPOCHS = 2
"""Epochs of linear warm-up, as in the base config."""


@dataclass(frozen=True)
class Export:
    """What the configs depend on.

    `splits` are the splits with labels, `actions` the number of actions, `longest_frames` the
    number of frames of the longest clip.
    """

    splits: Sequence[str]
    offset: int
    fps: int
    actions: int
    longest_frames: int

    def __post_init__(self) -> None:
        if not self.splits:
            raise UserError("export mmaction2: no split has labels yet: finish a project first")

    @property
    def judged(self) -> str | None:
        """The split that a finished model is tested on: test, else val, else none."""
        return next((split for split in ("test", "val") if split in self.splits), None)


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


def config_text(export: Export, mode: str) -> str:
    """The Python text of the config; `mode` is `frames` or `video`."""
    parts = [_head(export, mode)]
    if mode == "video":
        parts.append(_VIDEO_PIPELINES)
    parts.append(_DATASET)
    parts.append(_train(mode) if "train" in export.splits else _NO_TRAIN)
    parts.append(_evaluation("val", "val", mode) if "val" in export.splits else _nothing("val"))
    judged = export.judged
    parts.append(_evaluation("test", judged, mode) if judged else _nothing("test"))
    parts.append(_HOOKS if "val" in export.splits else _HOOKS_WITHOUT_VAL)
    return "\n".join(parts)


def _head(export: Export, mode: str) -> str:
    end = timestamp_end(export.longest_frames, export.fps, export.offset)
    folder = {"frames": "rawframes", "video": "clips"}[mode]
    source = {"frames": "all frames as JPEG", "video": "the clips themselves, through decord"}[mode]
    why = {
        "frames": (
            "# SampleAVAFrames adds start_index to the centre and to every index: 1 reads around\n"
            "# the frame after the keyframe (33 ms at 30 fps), 0 before it and from img_00000.\n"
        ),
        "video": (
            "# SampleAVAFrames adds start_index to the centre and to every index: here 0 is exact\n"
            "# and AVADataset's default 1 would be two frames late.\n"
        ),
    }[mode]
    return f"""\
# SlowFast R50 8x8 on this dataset, from {source}.
# All paths start at this file: a copy of the dataset made by `cp -rL` works anywhere.
_base_ = '{BASE}'

dataset_root = '{{{{ fileDirname }}}}/..'
anno_root = f'{{dataset_root}}/annotations'
data_root = f'{{dataset_root}}/{folder}'
label_file = f'{{anno_root}}/action_list.pbtxt'

# The highest action id + 1: class 0 stands for "none", as background_class=True says.
num_classes = {export.actions + 1}

# timestamp = second of the clip + timestamp_start. timestamp_end is the end of the longest
# clip ({export.longest_frames} frames) and only clamps: smaller, and frames are silently repeated.
{why}times = dict(
    fps={export.fps},
    timestamp_start={export.offset},
    timestamp_end={end},
    start_index={START_INDEX[mode]},
    use_frames={mode == "frames"})

# Least score of a proposal. AVADataset's default 0.9 is for a Faster R-CNN; YOLO's scores are
# lower. Where all are below it, the best one of the keyframe is used.
person_det_score_thr = {READER_SCORE}

model = dict(
    roi_head=dict(
        bbox_head=dict(num_classes=num_classes, topk={topk(export.actions)})))
"""


_VIDEO_PIPELINES = """\
train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleAVAFrames', clip_len=32, frame_interval=2),
    dict(type='DecordDecode'),
    dict(type='RandomRescale', scale_range=(256, 320)),
    dict(type='RandomCrop', size=256),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCTHW', collapse=True),
    dict(type='PackActionInputs')
]
val_pipeline = [
    dict(type='DecordInit'),
    dict(
        type='SampleAVAFrames', clip_len=32, frame_interval=2, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 256)),
    dict(type='FormatShape', input_format='NCTHW', collapse=True),
    dict(type='PackActionInputs')
]
"""

_DATASET = """\
common = dict(
    label_file=label_file,
    data_prefix=dict(img=data_root),
    num_classes=num_classes,
    person_det_score_thr=person_det_score_thr,
    **times)
"""


def _files(split: str, indent: str) -> str:
    return (
        f"{indent}ann_file=f'{{anno_root}}/{split}.csv',\n"
        f"{indent}exclude_file=f'{{anno_root}}/{split}_excluded_timestamps.csv',\n"
    )


def _loader(name: str, split: str, mode: str) -> str:
    pipeline = "train_pipeline" if name == "train" else "val_pipeline"
    own = f"        pipeline={pipeline},\n" if mode == "video" else ""
    return (
        f"{name}_dataloader = dict(\n"
        "    dataset=dict(\n"
        f"{_files(split, '        ')}"
        f"        proposal_file=f'{{anno_root}}/dense_proposals_{split}.pkl',\n"
        f"{own}"
        "        **common))\n"
    )


def _train(mode: str) -> str:
    return f"""\
{_loader("train", "train", mode)}
# The base config's learning rate is for 8 GPUs x 6 samples; this scales it to yours.
auto_scale_lr = dict(enable=True)
max_epochs = {MAX_EPOCHS}
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.1,
        by_epoch=True,
        begin=0,
        end={WARMUP_EPOCHS},
        convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs - {WARMUP_EPOCHS},
        eta_min=0,
        by_epoch=True,
        begin={WARMUP_EPOCHS},
        end=max_epochs,
        convert_to_iter_based=True)
]
"""


_NO_TRAIN = """\
# No clip of the train split has labels: this config only tests.
train_dataloader = None
train_cfg = None
optim_wrapper = None
param_scheduler = None
auto_scale_lr = dict(enable=False)
"""


def _evaluation(name: str, split: str, mode: str) -> str:
    return (
        f"{_loader(name, split, mode)}"
        f"{name}_evaluator = dict(\n"
        f"{_files(split, '    ')}"
        "    label_file=label_file,\n"
        "    num_classes=num_classes)\n"
    )


def _nothing(name: str) -> str:
    return (
        f"# No labelled clip to {'validate' if name == 'val' else 'test'} on.\n"
        f"{name}_dataloader = None\n{name}_evaluator = None\n{name}_cfg = None\n"
    )


_HOOKS = """\
default_hooks = dict(
    checkpoint=dict(save_best='mAP/overall', rule='greater', max_keep_ckpts=3))
"""

_HOOKS_WITHOUT_VAL = """\
default_hooks = dict(checkpoint=dict(save_best=None, max_keep_ckpts=3))
"""


def readme_text(
    export: Export, modes: Sequence[str], dataset: str, unproposed: dict[str, list[str]]
) -> str:
    """The folder's README. `dataset` is the dataset folder as the workflow names it;
    `unproposed` lists, by split, labelled keyframes without any proposal."""
    best = f"slowfast_{modes[0]}"
    end = timestamp_end(export.longest_frames, export.fps, export.offset)
    return f"""\
# Training in mmaction2

In the project's folder, then in a checkout of mmaction2 1.2 with mmcv and mmdet installed:

```
export DATASET=$(realpath {dataset})
cd MMACTION2
{_commands(export, best)}
```

(The wheel of mmaction2 1.2.0 on PyPI lacks `models/localizers/drn` and does not import; a
checkout has it.) On several GPUs: `bash tools/dist_train.sh CONFIG 8`. Checkpoints and logs go
to `work_dirs/{best}`. Every path in the configs starts at the config file: a copy
of the dataset folder made by `cp -rL` (its links followed) works anywhere.
{_missing_splits(export)}
## Configs

{_list(f"`slowfast_{mode}.py`: {_ABOUT[mode]}" for mode in modes)}

## What was chosen, and why

- Base: `{BASE}`.
- `num_classes={export.actions + 1}`: {export.actions} actions, and class 0, which mmaction2 \
keeps for none.
- `timestamp_start={export.offset}`, `timestamp_end={end}`: a timestamp is the second of the \
clip + {export.offset}; the
  longest clip has {export.longest_frames} frames at {export.fps} fps.
- `start_index`: mmaction2 adds it twice. From frames, 1 reads around the frame after the
  keyframe, as mmaction2 does on AVA itself; from clips, 0 is exact.
- `person_det_score_thr={READER_SCORE}`: for YOLO's scores. Lower it if people are missed, raise \
it if things
  are taken for people.
- Learning rate: scaled from the base config's 8 GPUs x 6 samples to yours; on one GPU that is
  0.0094. `max_epochs = {MAX_EPOCHS}` is one number in the config. To change a config, copy it
  beside itself under another name: the next run of the workflow would overwrite this one.
- Weights: the backbone starts from Kinetics-400, downloaded by mmaction2. To start from a model
  trained on AVA: `--cfg-options load_from=FILE`; its last layer does not fit and starts anew.
- mmaction2 prints AVA's groups by id (movement 1 to 14, objects 15 to 63, interaction from 64).
  With other actions only `mAP/overall` has a meaning, and `nan` in a group is normal.
{_unproposed(unproposed)}"""


def _commands(export: Export, config: str) -> str:
    test = f"python tools/test.py $DATASET/mmaction2/{config}.py CHECKPOINT.pth"
    if "train" not in export.splits:
        return test
    train = f"python tools/train.py $DATASET/mmaction2/{config}.py"
    return f"{train}\n{test}   # on the {export.judged} split" if export.judged else train


def _missing_splits(export: Export) -> str:
    text = ""
    if "train" not in export.splits:
        text += "\n**No clip of the train split has labels yet**: the configs can only test.\n"
    if "val" not in export.splits:
        text += (
            "\n**No clip of the val split has labels yet**: the configs have no validation loop, "
            "and no best\ncheckpoint is chosen. Finish a project of the val split and run again.\n"
        )
    return text


def _unproposed(unproposed: dict[str, list[str]]) -> str:
    entries = [
        f"{split}: {', '.join(keys[:_MOST_SHOWN])}"
        + (f" and {len(keys) - _MOST_SHOWN} more" if len(keys) > _MOST_SHOWN else "")
        for split, keys in unproposed.items()
        if keys
    ]
    if not entries:
        return ""
    return f"""
## Labelled keyframes on which the detector found nobody

Without a proposal mmaction2 takes the whole picture as one. In training the annotated boxes
are added to it; in validation these people can hardly be found.

{_list(entries)}
"""


def _list(entries: Iterable[str]) -> str:
    return "\n".join(f"- {entry}" for entry in entries)


_ABOUT = {
    "frames": "reads `rawframes/`; no video decoder is needed.",
    "video": "reads `clips/`, needs `pip install decord`; no folder of frames is needed.",
}

_MOST_SHOWN = 20
