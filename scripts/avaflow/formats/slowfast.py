"""The dataset as PySlowFast's AVA loader takes it: frame lists, predicted boxes, a config.

Reader: `slowfast/datasets/ava_helper.py` and `ava_dataset.py`. It has AVA built in: 30 fps,
timestamps 902 to 1798, frame `(timestamp - 900) * 30` of a clip's list (counted from 0, so
exactly our keyframe), and it asserts that the clips with boxes are those of the frame list.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from avaflow.errors import UserError
from avaflow.formats.ava import DECIMALS, Row, box_text
from avaflow.formats.proposals import READER_SCORE, split_key
from avaflow.project.actions import Action
from avaflow.templates import render
from avaflow.times import Timestamp

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


LABEL_MAP = "label_map.json"
"""The names of classes for PySlowFast's demo: `{name: class}`, class 0 being action 1."""

GPUS = 4
"""GPUs of the README's second command: those that one machine often has."""


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


class PredictedBox(NamedTuple):
    """A box that PySlowFast is given on a keyframe; `box` is its text in the csv."""

    clip: str
    timestamp: Timestamp
    box: str
    score: float


def box_rows(proposals: Mapping[str, np.ndarray], clips: Iterable[str]) -> list[PredictedBox]:
    """The proposals of `clips` as predicted boxes, one a box text.

    PySlowFast groups by the text, so of two proposals with one text the better is kept; they
    come best first.
    """
    wanted = set(clips)
    rows: list[PredictedBox] = []
    for key in sorted(proposals, key=split_key):
        clip, timestamp = split_key(key)
        if clip not in wanted or timestamp not in TIMESTAMPS:
            continue
        best: dict[str, float] = {}
        for box in proposals[key]:
            best.setdefault(box_text(box[:4]), float(box[4]))
        rows += [PredictedBox(clip, timestamp, text, score) for text, score in best.items()]
    return rows


def boxes_text(rows: Iterable[PredictedBox]) -> str:
    """The predicted boxes csv: `id,timestamp,x1,y1,x2,y2,,score`, the action left empty."""
    return "".join(
        f"{clip},{timestamp},{text},,{score:.{DECIMALS}f}\n"
        for clip, timestamp, text, score in rows
    )


def clips_with_boxes(rows: Iterable[PredictedBox], threshold: float) -> set[str]:
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
    boxes: tuple[PredictedBox, ...]


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
    kept = tuple(row for row in boxes if row.clip in found)
    return Split(name, keyframes, listed, left_out, Evaluation(name, truth=False), kept)


def choose_evaluation(splits: Mapping[str, Split]) -> Evaluation:
    """val if it has labels, else test, else train: PySlowFast builds a validation set always.

    `predict` is that of clips without labels, which stand alone.
    """
    for name in ("val", "test", "train", "predict"):
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


def batch_on(splits: Mapping[str, Split], gpus: int) -> int:
    """Samples a step on so many GPUs, which PySlowFast asks to divide evenly: up to
    :data:`BATCH` on each, and none where the train split has fewer keyframes than GPUs."""
    keyframes = splits["train"].keyframes if "train" in splits else 0
    return min(BATCH * gpus, keyframes // gpus * gpus)


def label_map_text(actions: Iterable[Action]) -> str:
    """The names of classes as PySlowFast's demo takes them, by `DEMO.LABEL_FILE_PATH`."""
    return json.dumps({action.name: action.id - 1 for action in actions}, indent=1) + "\n"


def config_text(splits: Mapping[str, Split], actions: int) -> str:
    """The complete config, to be used from the dataset folder."""
    judged = choose_evaluation(splits)
    batch = batch_size(splits)
    return render(
        __file__,
        "SLOWFAST.yaml",
        splits=splits,
        actions=actions,
        judged=judged,
        train="train" if "train" in splits else judged.split,
        batch=batch,
        rate=learning_rate(batch),
        reader_score=READER_SCORE,
    )


def readme_text(splits: Mapping[str, Split], actions: int, dataset: str) -> str:
    """The folder's README. `dataset` is the dataset folder as the workflow names it."""
    batch = batch_size(splits)
    return render(
        __file__,
        "README.md",
        splits=splits,
        actions=actions,
        dataset=dataset,
        judged=choose_evaluation(splits),
        batch=batch,
        rate=learning_rate(batch),
        gpus=GPUS,
        batch_on_gpus=batch_on(splits, GPUS),
        rate_on_gpus=learning_rate(batch_on(splits, GPUS)),
        reader_score=READER_SCORE,
        offset=OFFSET,
        fps=FPS,
        label_map=LABEL_MAP,
    )
