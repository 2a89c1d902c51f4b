"""mmaction2's configs against the dataset that they name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avaflow.doctor.findings import Findings
from avaflow.doctor.groups import Group
from avaflow.doctor.media import Video
from avaflow.doctor.proposals import TIMED, Proposals
from avaflow.doctor.python_config import HERE, dicts_in, read_config

DEFAULTS = {
    "num_classes": 81, "timestamp_start": 900, "timestamp_end": 1800, "start_index": 1,
    "person_det_score_thr": 0.9, "fps": 30, "use_frames": True,
}  # fmt: skip
"""What `AVADataset` takes where a config says nothing."""

PATHS = ("ann_file", "exclude_file", "label_file", "proposal_file")

DATASETS = ("AVADataset", "AVAKineticsDataset")


@dataclass(frozen=True)
class Config:
    """A config: its file, the datasets that it makes, and the dicts in all of it."""

    path: Path
    name: str
    datasets: tuple[dict, ...]
    dicts: tuple[dict, ...]

    @property
    def says_times(self) -> bool:
        """Whether it says from where timestamps count."""
        return any("timestamp_start" in each for each in self.datasets)


def load(path: Path, name: str) -> Config:
    """A config as its text says."""
    dicts = tuple(dicts_in(read_config(path)))
    datasets = tuple(each for each in dicts if each.get("type") in DATASETS and "ann_file" in each)
    return Config(path, name, datasets, dicts)


def check_config(
    config: Config, groups: Sequence[Group], videos: Mapping[str, Video], findings: Findings
) -> None:
    """A config's numbers and paths against what the files hold."""
    _check_paths(config, findings)
    classes = set()
    for dataset in config.datasets:
        classes.add(_number(dataset, "num_classes"))
        group, split = _labels_of(config, dataset, groups)
        if group is not None:
            _check_dataset(config, dataset, group, split, findings)
        if dataset["type"] == DATASETS[1]:
            gone = [key for key in ("exclude_file", "label_file") if not dataset.get(key)]
            if gone:
                findings.add("M09", config.name, f"without {gone[0]}")
        _check_video_mode(config, dataset, videos, findings)
    _check_head(config, classes, findings)


def _number(dataset: Mapping, key: str) -> float:
    value = dataset.get(key, DEFAULTS[key])
    return value if isinstance(value, int | float) else DEFAULTS[key]


def _check_paths(config: Config, findings: Findings) -> None:
    """Paths that start at the config itself; others start where mmaction2 is run."""
    told = set()
    for each in config.dicts:
        prefix = each.get("data_prefix")
        named = [each.get(key) for key in PATHS]
        named.append(prefix.get("img") if isinstance(prefix, dict) else None)
        for value in named:
            if isinstance(value, str) and value.startswith(HERE):
                path = os.path.normpath(value.replace(HERE, str(config.path.parent)))
                if not os.path.exists(path) and path not in told:
                    told.add(path)
                    findings.add("M08", config.name, value.removeprefix(f"{HERE}/"))


def _labels_of(
    config: Config, dataset: Mapping, groups: Sequence[Group]
) -> tuple[Group | None, str]:
    """The group and the split that a dataset reads, by its csv's place or else its name."""
    named = str(dataset.get("ann_file"))
    own = named.startswith(HERE)
    path = os.path.normpath(named.replace(HERE, str(config.path.parent)))
    for group in groups:
        for split, rows in group.rows.items():
            place = os.path.normpath(rows.path)
            if place == path if own else os.path.basename(place) == os.path.basename(path):
                return group, split
    return None, ""


def _check_dataset(
    config: Config, dataset: Mapping, group: Group, split: str, findings: Findings
) -> None:
    rows, name = group.rows[split], config.name
    classes = _number(dataset, "num_classes")
    ids = group.actions.ids if group.actions else frozenset()
    if ids and classes != max(ids) + 1 and not _odd_list(group, findings):
        findings.add("M02", name, f"num_classes {classes:g}, the highest action id is {max(ids)}")
    stamps = rows.table["timestamp"].to_numpy()
    start, end = _number(dataset, "timestamp_start"), _number(dataset, "timestamp_end")
    kinetics = dataset["type"] == DATASETS[1]
    if not kinetics and (stamps.min() < start or (start == 0 and stamps.min() >= 900)):
        findings.add("M04", name, f"timestamp_start {start:g}, {rows.name} has {stamps.min()}")
    elif not kinetics and _number(dataset, "use_frames") and stamps.max() >= end:
        findings.add("M05", name, f"timestamp_end {end:g}, {rows.name} has {stamps.max()}")
    if not kinetics and not dataset.get("exclude_file") and group.excluded.get(split):
        findings.add("M10", name, f"{split} has {len(group.excluded[split])} excluded keyframes")
    if kinetics:
        timed = [key for each in group.proposals.get(split, []) for key in each.keys["clip"]
                 if re.search(TIMED, key)]  # fmt: skip
        if timed:
            findings.add("M13", name, f"{split} has {timed[0]!r}", count=len(timed))
    best = best_score(group.proposals.get(split, []) + group.proposals.get("", []))
    least = _number(dataset, "person_det_score_thr")
    if best is not None and best < least:
        findings.add("M06", name, f"{least:g}, the best proposal of {split} has {best:g}")


def _odd_list(group: Group, findings: Findings) -> bool:
    """Whether the action list's ids are wrong themselves, so that nothing can be held to them."""
    return group.actions is not None and findings.has(group.actions.name, ["L04", "L05", "L11"])


def best_score(proposals: Sequence[Proposals]) -> float | None:
    """The highest score of some proposals; None where none has a score."""
    scores = [each.boxes[:, 4] for each in proposals if len(each.boxes)]
    if not scores or np.isnan(np.concatenate(scores)).all():
        return None
    return float(np.nanmax(np.concatenate(scores)))


def _check_video_mode(
    config: Config, dataset: Mapping, videos: Mapping[str, Video], findings: Findings
) -> None:
    if not _number(dataset, "use_frames") and _number(dataset, "start_index") != 0:
        what = f"start_index {_number(dataset, 'start_index'):g}"
        findings.add("M07", config.name, what)
    fps = _number(dataset, "fps")
    others = [video for video in videos.values() if abs(video.fps - fps) > 0.01]
    if others and fps != DEFAULTS["fps"]:
        what = f"fps {fps:g}, {others[0].path.name} has {others[0].fps:g}"
        findings.add("M12", config.name, what)


def _check_head(config: Config, classes: set[float], findings: Findings) -> None:
    for each in config.dicts:
        head = each.get("bbox_head")
        if not isinstance(head, dict) or not isinstance(head.get("num_classes"), int):
            continue
        number = head["num_classes"]
        if classes and number not in classes:
            told = ", ".join(f"{each:g}" for each in sorted(classes))
            findings.add("M03", config.name, f"the head has {number}, the dataset {told}")
        topk = head.get("topk", (3, 5))
        most = [k for k in (topk if isinstance(topk, list | tuple) else [topk])
                if isinstance(k, int) and k >= number]  # fmt: skip
        if most:
            findings.add("M11", config.name, f"topk {most[0]}, num_classes {number}")
