"""The dataset as PySlowFast's AVA loader takes it: frame lists, predicted boxes, a config.

Reader: `slowfast/datasets/ava_helper.py` and `ava_dataset.py`. It has AVA built in: 30 fps,
timestamps 902 to 1798, frame `(timestamp - 900) * 30` of a clip's list (counted from 0, so
exactly our keyframe), and it asserts that the clips with boxes are those of the frame list.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from avaflow.errors import UserError
from avaflow.formats.ava import DECIMALS, Row, box_text
from avaflow.formats.proposals import READER_SCORE, split_key

FPS = 30
OFFSET = 900
"""`FPS` and the offset in `sec_to_frame` of PySlowFast's ava_helper."""

TIMESTAMPS = range(902, 1799)
"""`AVA_VALID_FRAMES` of ava_helper: any other timestamp is a KeyError there."""

LONGEST_SECONDS = TIMESTAMPS[-1] - OFFSET + 2
"""The longest clip, in seconds, of which these timestamps hold every second that has 2 s of
context behind it: 900, as AVA's own."""

HEADER = "original_vido_id video_id frame_id path labels"
"""First line of a frame list, spelt as in PySlowFast; it is dropped unread, so a list without
it would be shifted by one frame."""

BATCH = 8
"""Samples a step on one GPU, as many as PySlowFast's AVA config gives each of its 8."""

RATE_PER_SAMPLE = 0.1 / 64
"""The learning rate of PySlowFast's AVA config per sample of a step."""


def check_settings(rawframes: bool, fps: int, offset: int) -> None:
    """UserError for settings that PySlowFast cannot read the dataset with."""
    if not rawframes:
        raise UserError(
            "export slowfast: PySlowFast reads frames as JPEG only, and none are kept. Set "
            "rawframes.enabled: true, or take slowfast out of exports"
        )
    if fps != FPS:
        raise UserError(
            f"export slowfast: PySlowFast counts {FPS} frames a second, trim.fps is {fps}. Set "
            f"trim.fps: {FPS}, or take slowfast out of exports"
        )
    if offset != OFFSET:
        raise UserError(
            f"export slowfast: PySlowFast knows timestamps {TIMESTAMPS[0]} to {TIMESTAMPS[-1]} "
            f"only, timestamp_offset is {offset}. Set timestamp_offset: {OFFSET}, or take slowfast "
            "out of exports"
        )


def check_lengths(frames: Mapping[str, int]) -> None:
    """UserError naming the clips that are longer than PySlowFast's timestamps."""
    long = {clip: count for clip, count in frames.items() if count > LONGEST_SECONDS * FPS}
    if long:
        raise UserError.listing(
            f"export slowfast: PySlowFast reads clips up to {LONGEST_SECONDS} s; divide these by "
            "the `cut` column of the clips table:",
            [f"clip {clip}: {count / FPS:.0f} s" for clip, count in sorted(long.items())],
        )


def check_timestamps(rows: Iterable[Row]) -> None:
    """UserError for labels at timestamps that PySlowFast does not know."""
    beyond = sorted({(row.clip, row.timestamp) for row in rows if row.timestamp not in TIMESTAMPS})
    if beyond:
        raise UserError.listing(
            f"export slowfast: PySlowFast knows timestamps {TIMESTAMPS[0]} to {TIMESTAMPS[-1]} "
            "only; set keyframes.margin: 2 or more:",
            [f"clip {clip}, timestamp {timestamp}" for clip, timestamp in beyond[:20]],
        )


def box_rows(
    proposals: Mapping[str, np.ndarray], clips: Iterable[str]
) -> list[tuple[str, int, str, float]]:
    """The proposals of `clips` as (clip, timestamp, box text, score), one a box text.

    PySlowFast groups by the text, so of two proposals with one text the better is kept; they
    come best first.
    """
    wanted = set(clips)
    rows = []
    for key in sorted(proposals, key=split_key):
        clip, timestamp = split_key(key)
        if clip not in wanted or timestamp not in TIMESTAMPS:
            continue
        best: dict[str, float] = {}
        for box in proposals[key]:
            best.setdefault(box_text(box[:4]), float(box[4]))
        rows += [(clip, timestamp, text, score) for text, score in best.items()]
    return rows


def boxes_text(rows: Iterable[tuple[str, int, str, float]]) -> str:
    """The predicted boxes csv: `id,timestamp,x1,y1,x2,y2,,score`, the action left empty."""
    return "".join(
        f"{clip},{timestamp},{text},,{score:.{DECIMALS}f}\n"
        for clip, timestamp, text, score in rows
    )


def clips_with_boxes(rows: Iterable[tuple[str, int, str, float]], threshold: float) -> set[str]:
    """The clips that keep a box at this score, as it is rounded in the csv."""
    return {clip for clip, _, _, score in rows if round(score, DECIMALS) >= threshold}


def frame_list_text(clips: Iterable[str], frames: Mapping[str, int]) -> str:
    """A frame list: header, then every frame of every clip in order, counted from 1."""
    lines = [HEADER]
    for clip in sorted(clips):
        lines += [
            f'{clip} 0 0 {clip}/img_{frame:05d}.jpg ""' for frame in range(1, frames[clip] + 1)
        ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Evaluation:
    """What a model is judged on: a split, and where its boxes come from.

    With `truth` the annotated boxes stand in for predicted ones: the reader takes a row of
    `train.csv` as a box whose score is its 8th column, the person id, which is at least 1.
    """

    split: str
    truth: bool

    @property
    def boxes(self) -> str:
        """The box file, as seen from the annotations folder."""
        return f"{self.split}.csv" if self.truth else predicted_boxes(self.split)


def predicted_boxes(split: str) -> str:
    """A split's predicted boxes, as seen from the annotations folder."""
    return f"../slowfast/ava_{split}_predicted_boxes.csv"


@dataclass(frozen=True)
class Split:
    """What one split comes to: clips that its list holds, and how it can be judged.

    `keyframes` counts the labelled keyframes.
    """

    name: str
    keyframes: int
    listed: tuple[str, ...]
    left_out: tuple[str, ...]
    evaluation: Evaluation
    boxes: tuple[tuple[str, int, str, float], ...]


def plan_split(
    name: str, rows: Sequence[Row], proposals: Mapping[str, np.ndarray], threshold: float
) -> Split:
    """Choose the clips of a split's frame list, so that they are those with boxes.

    train is read with its annotated boxes: every labelled clip is listed. val and test are
    read with predicted boxes: a labelled clip without one at `threshold` is left out, unless
    that leaves none, and then the annotated boxes are used. Clips that nobody annotated are
    never listed: every detection in them would count as wrong.
    """
    check_timestamps(rows)
    labelled = sorted({row.clip for row in rows})
    keyframes = len({(row.clip, row.timestamp) for row in rows})
    boxes = tuple(box_rows(proposals, labelled))
    found = clips_with_boxes(boxes, threshold)
    if name == "train" or not found:
        truth = Evaluation(name, truth=True)
        return Split(name, keyframes, tuple(labelled), (), truth, boxes)
    listed = tuple(clip for clip in labelled if clip in found)
    left_out = tuple(clip for clip in labelled if clip not in found)
    kept = tuple(row for row in boxes if row[0] in found)
    return Split(name, keyframes, listed, left_out, Evaluation(name, truth=False), kept)


def choose_evaluation(splits: Mapping[str, Split]) -> Evaluation:
    """val if it has labels, else test, else train: PySlowFast builds a validation set always."""
    for name in ("val", "test", "train"):
        if name in splits:
            return splits[name].evaluation
    raise UserError("export slowfast: no split has labels yet: finish a project first")


def batch_size(splits: Mapping[str, Split]) -> int:
    """Samples a step: PySlowFast drops the last, incomplete batch of an epoch, so a batch that
    is larger than the set would train on nothing, without a word."""
    return min(BATCH, splits["train"].keyframes) if "train" in splits else BATCH


def learning_rate(batch: int) -> float:
    """The base learning rate for this batch."""
    return round(RATE_PER_SAMPLE * batch, 6)


def config_text(splits: Mapping[str, Split], actions: int) -> str:
    """The complete config, to be used from the dataset folder."""
    judged = choose_evaluation(splits)
    train = "train" if "train" in splits else judged.split
    batch = batch_size(splits)
    return f"""\
# SlowFast 32x2 R50 on this dataset, after PySlowFast's configs/AVA/SLOWFAST_32x2_R50_SHORT.yaml.
# Paths are relative to the dataset folder: start the training there.
TRAIN:
  ENABLE: {"train" in splits}
  DATASET: ava
  BATCH_SIZE: {batch}
  EVAL_PERIOD: 1
  CHECKPOINT_PERIOD: 1
  AUTO_RESUME: True
  CHECKPOINT_FILE_PATH: ""  # a Kinetics SlowFast 8x8 R50 from PySlowFast's model zoo
  CHECKPOINT_TYPE: pytorch  # caffe2 for a .pkl of the model zoo
  CHECKPOINT_EPOCH_RESET: True  # a Kinetics checkpoint ends at a later epoch than MAX_EPOCH
DATA:
  NUM_FRAMES: 32
  SAMPLING_RATE: 2
  TRAIN_JITTER_SCALES: [256, 320]
  TRAIN_CROP_SIZE: 224
  TEST_CROP_SIZE: 224
  INPUT_CHANNEL_NUM: [3, 3]
DETECTION:
  ENABLE: True
  ALIGNED: True
AVA:
  FRAME_DIR: rawframes
  FRAME_LIST_DIR: slowfast/frame_lists
  ANNOTATION_DIR: annotations
  TRAIN_LISTS: ["{train}.csv"]
  TEST_LISTS: ["{judged.split}.csv"]
  TRAIN_GT_BOX_LISTS: ["{train}.csv"]
  TRAIN_PREDICT_BOX_LISTS: []
  TEST_PREDICT_BOX_LISTS: ["{judged.boxes}"]
  GROUNDTRUTH_FILE: {judged.split}.csv
  EXCLUSION_FILE: {judged.split}_excluded_timestamps.csv
  LABEL_MAP_FILE: action_list.pbtxt
  DETECTION_SCORE_THRESH: {READER_SCORE}
  FULL_TEST_ON_VAL: True  # else only seconds that 4 divides are judged
  BGR: False
SLOWFAST:
  ALPHA: 4
  BETA_INV: 8
  FUSION_CONV_CHANNEL_RATIO: 2
  FUSION_KERNEL_SZ: 7
RESNET:
  ZERO_INIT_FINAL_BN: True
  WIDTH_PER_GROUP: 64
  NUM_GROUPS: 1
  DEPTH: 50
  TRANS_FUNC: bottleneck_transform
  STRIDE_1X1: False
  NUM_BLOCK_TEMP_KERNEL: [[3, 3], [4, 4], [6, 6], [3, 3]]
  SPATIAL_DILATIONS: [[1, 1], [1, 1], [1, 1], [2, 2]]
  SPATIAL_STRIDES: [[1, 1], [2, 2], [2, 2], [1, 1]]
NONLOCAL:
  LOCATION: [[[], []], [[], []], [[], []], [[], []]]
  GROUP: [[1, 1], [1, 1], [1, 1], [1, 1]]
  INSTANTIATION: dot_product
  POOL: [{", ".join(["[[1, 2, 2], [1, 2, 2]]"] * 4)}]
BN:
  USE_PRECISE_STATS: False
  NUM_BATCHES_PRECISE: 200
  WEIGHT_DECAY: 0.0
SOLVER:
  BASE_LR: {learning_rate(batch)}
  LR_POLICY: steps_with_relative_lrs
  STEPS: [0, 10, 15]
  LRS: [1, 0.1, 0.01]
  MAX_EPOCH: 20
  MOMENTUM: 0.9
  WEIGHT_DECAY: 1.0e-7
  WARMUP_EPOCHS: 2.0
  WARMUP_START_LR: 0.000125
  OPTIMIZING_METHOD: sgd
MODEL:
  NUM_CLASSES: {actions}
  ARCH: slowfast
  MODEL_NAME: SlowFast
  LOSS_FUNC: bce
  DROPOUT_RATE: 0.5
  HEAD_ACT: sigmoid
TEST:
  ENABLE: True
  DATASET: ava
  BATCH_SIZE: 1  # clips of other shapes do not fit into one batch
DATA_LOADER:
  NUM_WORKERS: 2
  PIN_MEMORY: True
NUM_GPUS: 1
NUM_SHARDS: 1
RNG_SEED: 0
OUTPUT_DIR: work_dirs/slowfast
"""


def readme_text(splits: Mapping[str, Split], actions: int, dataset: str) -> str:
    """The folder's README. `dataset` is the dataset folder as the workflow names it."""
    batch = batch_size(splits)
    return f"""\
# Training in PySlowFast

With PySlowFast installed and `SLOWFAST` the path of its checkout, from the dataset folder,
because the config's paths start there:

```
cd {dataset}
{_command(splits)}
```

`KINETICS.pyth` is a Kinetics checkpoint of SlowFast 8x8 R50 from PySlowFast's model zoo; without
`TRAIN.CHECKPOINT_FILE_PATH` training starts from nothing. For a `.pkl` of the model zoo add
`TRAIN.CHECKPOINT_TYPE caffe2`. Checkpoints go to `work_dirs/slowfast`.

{_splits_text(splits)}

## What was chosen, and why

- `FRAME_DIR`, `FRAME_LIST_DIR` and `ANNOTATION_DIR` are the dataset's own folders; PySlowFast runs
  unmodified, since the timestamps are the second of the clip + {OFFSET} and the clips {FPS} fps.
- `MODEL.NUM_CLASSES: {actions}`: the number of actions; class 0 is action 1.
- `AVA.FULL_TEST_ON_VAL: True`: without it only every fourth second is judged.
- `AVA.DETECTION_SCORE_THRESH: {READER_SCORE}`: for YOLO's scores; AVA's 0.8 is for a Faster R-CNN.
  PySlowFast asserts that the clips of a frame list are those with a box above it: if you raise
  it and a clip loses its last box, take that clip out of the frame list.
- `AVA.TRAIN_PREDICT_BOX_LISTS: []`: training uses the annotated boxes. A predicted box would be
  a person who does nothing, also where it lies on an annotated one.
- `TEST.BATCH_SIZE: 1`: in testing pictures keep their shape, and clips may differ in it.
- `SOLVER.BASE_LR: {learning_rate(batch)}` for {batch} samples a step; keep the ratio when you \
change
  `TRAIN.BATCH_SIZE`. An epoch's last, incomplete batch is dropped: never set it above the number
  of labelled keyframes in train.
- PySlowFast's evaluator uses names that numpy dropped: with `module 'numpy' has no attribute
  'bool'`, install `numpy<1.24`.
- `detections_latest.csv` and `groundtruth_latest.csv` are PySlowFast's own, written where it runs.
"""


_RUN = "PYTHONPATH=$SLOWFAST python $SLOWFAST/tools/run_net.py --cfg slowfast/SLOWFAST.yaml"


def _command(splits: Mapping[str, Split]) -> str:
    if "train" in splits:
        return f"{_RUN} \\\n  TRAIN.CHECKPOINT_FILE_PATH KINETICS.pyth"
    return f"{_RUN} \\\n  TEST.CHECKPOINT_FILE_PATH CHECKPOINT.pyth"


def _splits_text(splits: Mapping[str, Split]) -> str:
    judged = choose_evaluation(splits)
    lines = ["## Splits", ""]
    for name, split in splits.items():
        lines.append(
            f"- {name}: clips in `frame_lists/{name}.csv`: {len(split.listed)}; "
            f"labelled keyframes: {split.keyframes}."
        )
        if split.left_out:
            lines.append(
                f"  Left out, no box at {READER_SCORE} or above: {', '.join(split.left_out)}."
            )
    if "train" not in splits:
        lines.append("- **No clip of the train split has labels yet**: the config only tests.")
    if judged.split != "val":
        lines.append(
            "- **No clip of the val split has labels yet**: PySlowFast always validates, so the "
            "config judges on train; such a figure says little."
            if judged.split == "train"
            else "- **No clip of the val split has labels yet**: the config judges on test."
        )
    if judged.truth:
        lines.append(
            f"- The boxes judged are the annotated ones of `{judged.split}.csv`, not a detector's: "
            "PySlowFast reads the person id as their score."
        )
    if "test" in splits and judged.split != "test":
        test = splits["test"].evaluation
        lines += [
            "- To judge on the test split:",
            "",
            "```",
            f"{_RUN} \\",
            "  TRAIN.ENABLE False TEST.CHECKPOINT_FILE_PATH CHECKPOINT.pyth \\",
            f"  AVA.TEST_LISTS '[\"test.csv\"]' AVA.TEST_PREDICT_BOX_LISTS '[\"{test.boxes}\"]' \\",
            "  AVA.GROUNDTRUTH_FILE test.csv AVA.EXCLUSION_FILE test_excluded_timestamps.csv",
            "```",
        ]
    return "\n".join(lines)
