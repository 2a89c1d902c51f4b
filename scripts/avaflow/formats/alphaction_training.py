"""How AlphAction is trained on the dataset: catalog entries, a finetuning config, a README.

Readers: AlphAction's `alphaction/config/paths_catalog.py` and its yacs config. What the
figures come from: `config_files/resnet50_4x16f_baseline.yaml` and GETTING_STARTED.md there.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from avaflow.formats.alphaction import HALF_SPAN_FRAMES, MOST_OBJECTS, PERSON, Split
from avaflow.formats.imbalance import Rarity
from avaflow.listing import commas
from avaflow.project.actions import MAX_ACTIONS, Action
from avaflow.templates import render
from avaflow.times import Instant, Second
from avaflow.videos.segments import LEFT_OUT_SECONDS, SegmentsManifest

BATCH = 2
"""Clips a GPU and step: what AlphAction's configs have on each of their 8 GPUs."""

RATE_PER_CLIP = 0.0004 / 16
"""Learning rate by clips in a step, by AlphAction's linear rule: 0.0004 for 16 clips."""

EPOCHS = 20
"""Passes over the training set. AlphAction's 90,000 steps of 16 clips are 8 passes over AVA's
180,000 or so keyframes; smaller sets need more."""

STEPS = (5 / 9, 7 / 9)
"""Where the learning rate falls tenfold, as parts of all steps: 50,000 and 70,000 of 90,000."""

GPUS = (1, 2, 4, 8)
"""Numbers of GPUs for which the README says the schedule: those of one machine."""

COMMON_GPUS = 4
"""GPUs of the README's command, or fewer where the keyframes are too few for as many."""

LONGEST_WARMUP = 2000
"""Steps of warm-up in AlphAction's configs; a tenth of all steps where that is less."""


def dataset_name(name: str, split: str) -> str:
    """A split's name in the catalog; al's catalog only knows names with `ava_video` in them."""
    return f"ava_video_{name}_{split}"


def catalog_text(
    name: str, splits: Sequence[str], repeated: bool = False, objects: bool = False
) -> str:
    """The entries for `DATASETS` in `alphaction/config/paths_catalog.py`, indented for it.

    Paths are relative to AlphAction's `data/`, where a link `name` stands for this folder.
    `repeated` trains on the annotations with keyframes of rare actions several times, and
    `objects` names the files of objects.
    """
    return render(
        __file__,
        "paths_catalog_entry.txt",
        name=name,
        datasets={split: dataset_name(name, split) for split in splits},
        repeated=repeated,
        objects=objects,
    )


@dataclass(frozen=True)
class Schedule:
    """Steps of training on so many GPUs, by AlphAction's linear rule: N times the clips a step
    and the learning rate, an Nth of the steps.

    `groups` are the numbers of labelled keyframes in landscape and in portrait: AlphAction puts
    only images of one kind into a step, and drops what does not fill one.
    """

    groups: tuple[int, ...]
    gpus: int = 1

    def on(self, gpus: int) -> "Schedule":
        """The same training on another number of GPUs."""
        return replace(self, gpus=gpus)

    @property
    def fills(self) -> bool:
        """Whether each GPU gets as many keyframes of each kind as it takes in a step."""
        return all(group // self.gpus >= self.batch for group in self.groups if group)

    @property
    def batch(self) -> int:
        """Clips a GPU and step: never more than a group has, for it would not be trained on."""
        return min([BATCH, *(group for group in self.groups if group)])

    @property
    def clips(self) -> int:
        """Clips a step, of all GPUs together."""
        return self.batch * self.gpus

    @property
    def epoch(self) -> int:
        """Steps of one pass on one GPU."""
        return max(1, sum(group // self.batch for group in self.groups))

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return math.ceil(EPOCHS * self.epoch / self.gpus)

    @property
    def period(self) -> int:
        """Steps between two checkpoints, and two validations: two passes."""
        return max(1, math.ceil(2 * self.epoch / self.gpus))

    @property
    def falls(self) -> tuple[int, ...]:
        """Steps at which the learning rate falls tenfold."""
        return tuple(round(part * self.steps) for part in STEPS)

    @property
    def warmup(self) -> int:
        """Steps of warm-up."""
        return min(LONGEST_WARMUP, self.steps // 10)

    @property
    def rate(self) -> float:
        """The learning rate."""
        return RATE_PER_CLIP * self.clips


def schedule_of(train: Split | None, manifests: Mapping[str, SegmentsManifest]) -> Schedule:
    """The schedule for the labelled keyframes of the train split."""
    groups = [0, 0]
    if train:
        for instant in {Instant(row.clip, row.timestamp) for row in train.rows}:
            manifest = manifests[instant.clip]
            groups[manifest.height >= manifest.width] += train.repeats.get(instant, 1)
    return Schedule(tuple(groups))


def judged_split(splits: Sequence[Split]) -> str | None:
    """The split that a model is validated on: val, else test, else none; or `predict`, alone.

    One without any person box has nothing that AlphAction could judge, and stops it.
    """
    usable = {split.name for split in splits if split.boxes}
    return next((name for name in ("val", "test", "predict") if name in usable), None)


def config_text(
    name: str,
    splits: Sequence[Split],
    actions: int,
    threshold: float,
    manifests: Mapping[str, SegmentsManifest],
    objects: bool = False,
) -> str:
    """A finetuning config for SlowFast R50 4x16 on one GPU; with `objects`, for AlphAction's
    model of what persons have to do with each other and with those.

    yacs refuses a whole number where its defaults have a float, so floats keep their point.
    """
    judged = judged_split(splits)
    train = next((split for split in splits if split.name == "train"), None)
    schedule = schedule_of(train, manifests)
    return render(
        __file__,
        "finetune_resnet50_4x16f.yaml",
        name=name,
        actions=actions,
        max_actions=MAX_ACTIONS,
        frames=2 * HALF_SPAN_FRAMES,
        trained=dataset_name(name, "train") if train else "",
        tested=dataset_name(name, judged) if judged else "",
        epochs=EPOCHS,
        schedule=schedule,
        threshold=float(threshold),
        objects=objects,
        most_objects=MOST_OBJECTS,
    )


def readme_text(
    name: str,
    splits: Sequence[Split],
    actions: Sequence[Action],
    threshold: float,
    settings: Mapping,
    manifests: Mapping[str, SegmentsManifest],
    dataset: str,
    rarities: Sequence[Rarity] = (),
) -> str:
    """The folder's README. `dataset` is the dataset folder as the workflow names it; `rarities`
    say how often actions occur in train, where keyframes are repeated."""
    names = [split.name for split in splits]
    some = next(iter(manifests.values()))
    train = next((split for split in splits if split.name == "train"), None)
    schedules = [schedule_of(train, manifests).on(gpus) for gpus in GPUS] if train else []
    schedules = [schedule for schedule in schedules if schedule.fills]
    return render(
        __file__,
        "README.md",
        name=name,
        train="train" in names,
        judged=judged_split(splits),
        actions=len(actions),
        names=json.dumps([action.name for action in actions], ensure_ascii=False),
        max_actions=MAX_ACTIONS,
        threshold=f"{threshold:g}",
        some=some,
        example=some.name(Second(2)),
        dataset=dataset,
        batch=BATCH,
        epochs=EPOCHS,
        rarities=rarities,
        objects=list(enumerate(settings["objects"], PERSON + 1)),
        most_objects=MOST_OBJECTS,
        schedules=schedules,
        several=next((each for each in reversed(schedules) if each.gpus <= COMMON_GPUS), None),
        remarks=readme_remarks(splits, threshold, settings, manifests),
    )


def readme_remarks(
    splits: Sequence[Split],
    threshold: float,
    settings: Mapping,
    manifests: Mapping[str, SegmentsManifest],
) -> list[str]:
    """What whoever trains on the dataset has to know of it, a sentence or two each."""
    names = [split.name for split in splits]
    judged = judged_split(splits)
    remarks = [remark for split in splits for remark in _remarks(split, threshold)]
    if "train" not in names:
        remarks.append("No clip of the train split has labels yet: there is nothing to train on.")
    remarks += [
        f"{split.name}: on none of its keyframes a person was detected with {threshold:g} or more, "
        "so there is nothing to judge: lower `alphaction.person_score`, or another detector."
        for split in splits
        if not split.boxes
    ]
    if judged is None:
        remarks.append(
            "No clip of val or test can be judged: the command trains without validation."
        )
    elif judged == "test":
        remarks.append("No clip of val can be judged: the test split stands in for it.")
    schedule = schedule_of(
        next((split for split in splits if split.name == "train"), None), manifests
    )
    if min(schedule.groups) and schedule.batch < BATCH:
        remarks.append(
            f"Landscape and portrait never share a step in AlphAction, and there are only "
            f"{min(schedule.groups)} keyframes of one kind: `VIDEOS_PER_BATCH` is "
            f"{schedule.batch}. On more GPUs label more of them."
        )
    if settings["numbering"] != "timestamp" or settings["segment_seconds"] != 1:
        remarks.append(
            "`alphaction.numbering` or `segment_seconds` differ from what AlphAction's loader "
            "reads: this folder is for loaders written to a guide."
        )
    for clip, manifest in manifests.items():
        if manifest.left_out > LEFT_OUT_SECONDS:
            remarks.append(f"{clip}: the last {manifest.left_out:g} s make no whole segment.")
        if manifest.decode_errors:
            remarks.append(
                f"{clip}: the source is damaged in {manifest.decode_errors} places: look at its "
                "segments."
            )
    return remarks


def _remarks(split: Split, threshold: float) -> list[str]:
    remarks = []
    if split.unproposed:
        remarks.append(
            f"{split.name}: labelled, but no person was detected with {threshold:g} or more, so "
            "AlphAction leaves these out and what is on them counts as missed: "
            + commas(split.unproposed)
        )
    if split.dropped:
        remarks.append(
            f"{split.name}: boxes too small for AlphAction, which drops them: "
            + commas(split.dropped)
        )
    return remarks
