"""How AlphAction is trained on the dataset: catalog entries, a finetuning config, a README.

Readers: AlphAction's `alphaction/config/paths_catalog.py` and its yacs config. What the
figures come from: `config_files/resnet50_4x16f_baseline.yaml` and GETTING_STARTED.md there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from avaflow.formats.alphaction import HALF_SPAN_FRAMES, Split
from avaflow.formats.ava import MOST_SHOWN
from avaflow.project.actions import MAX_ACTIONS
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

LONGEST_WARMUP = 2000
"""Steps of warm-up in AlphAction's configs; a tenth of all steps where that is less."""


def dataset_name(name: str, split: str) -> str:
    """A split's name in the catalog; al's catalog only knows names with `ava_video` in them."""
    return f"ava_video_{name}_{split}"


def catalog_text(name: str, splits: Sequence[str]) -> str:
    """The entries for `DATASETS` in `alphaction/config/paths_catalog.py`, indented for it.

    Paths are relative to AlphAction's `data/`, where a link `name` stands for this folder.
    """
    entries = []
    for split in splits:
        box_file = "" if split == "train" else f"{name}/boxes/{split}_person_bbox.json"
        entries.append(
            f'        "{dataset_name(name, split)}": {{\n'
            f'            "video_root": "{name}/clips/{split}",\n'
            f'            "ann_file": "{name}/annotations/{split}_min.json",\n'
            f'            "box_file": "{box_file}",\n'
            '            "eval_file_paths": {\n'
            f'                "csv_gt_file": "{name}/annotations/{split}.csv",\n'
            f'                "labelmap_file": "{name}/annotations/action_list.pbtxt",\n'
            '                "exclusion_file": '
            f'"{name}/annotations/{split}_excluded_timestamps.csv",\n'
            "            },\n"
            '            "object_file": "",\n'
            "        },\n"
        )
    return "".join(entries)


@dataclass(frozen=True)
class Schedule:
    """Steps of training on one GPU.

    `groups` are the numbers of labelled keyframes in landscape and in portrait: AlphAction puts
    only pictures of one kind into a step, and drops what does not fill one.
    """

    groups: tuple[int, ...]

    @property
    def batch(self) -> int:
        """Clips a step: never more than a group has, for it would not be trained on at all."""
        return min([BATCH, *(group for group in self.groups if group)])

    @property
    def epoch(self) -> int:
        """Steps of one pass."""
        return max(1, sum(group // self.batch for group in self.groups))

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return EPOCHS * self.epoch

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
        return RATE_PER_CLIP * self.batch


def schedule_of(train: Split | None, manifests: Mapping[str, SegmentsManifest]) -> Schedule:
    """The schedule for the labelled keyframes of the train split."""
    groups = [0, 0]
    for clip, _ in {(row.clip, row.timestamp) for row in (train.rows if train else ())}:
        manifest = manifests[clip]
        groups[manifest.height >= manifest.width] += 1
    return Schedule(tuple(groups))


def judged_split(splits: Sequence[Split]) -> str | None:
    """The split that a model is validated on: val, else test, else none.

    One without any person box has nothing that AlphAction could judge, and stops it.
    """
    usable = {split.name for split in splits if split.boxes}
    return next((name for name in ("val", "test") if name in usable), None)


def config_text(
    name: str,
    splits: Sequence[Split],
    actions: int,
    threshold: float,
    manifests: Mapping[str, SegmentsManifest],
) -> str:
    """A finetuning config for SlowFast R50 4x16 on one GPU.

    yacs refuses a whole number where its defaults have a float, so floats keep their point.
    """
    judged = judged_split(splits)
    train = next((split for split in splits if split.name == "train"), None)
    schedule = schedule_of(train, manifests)
    trained = f'("{dataset_name(name, "train")}",)' if train else "()"
    tested = f'("{dataset_name(name, judged)}",)' if judged else "()"
    period = max(1, 2 * schedule.epoch)
    return f"""\
# AlphAction: SlowFast R50 4x16 from Kinetics-700 on {actions} actions.
# {sum(schedule.groups)} keyframes to train on, one GPU.
# On N GPUs: N times VIDEOS_PER_BATCH and BASE_LR, an Nth of all steps.
MODEL:
  WEIGHT: "data/models/pretrained_models/SlowFast-ResNet50-4x16.pth"
  BACKBONE:
    CONV_BODY: "Slowfast-Resnet50"
    FROZEN_BN: True
    SLOWFAST:
      BETA: 0.125
      LATERAL: "tconv"
      SLOW:
        ACTIVE: True
        CONV3_NONLOCAL: False
        CONV4_NONLOCAL: False
      FAST:
        ACTIVE: True
        CONV3_NONLOCAL: False
        CONV4_NONLOCAL: False
  NONLOCAL:
    USE_ZERO_INIT_CONV: False
    BN_INIT_GAMMA: 0.0
    FROZEN_BN: True
  ROI_ACTION_HEAD:
    FEATURE_EXTRACTOR: "2MLPFeatureExtractor"
    POOLER_TYPE: "align3d"
    MEAN_BEFORE_POOLER: True
    POOLER_RESOLUTION: 7
    POOLER_SCALE: 0.0625
    POOLER_SAMPLING_RATIO: 0
    # The loader packs labels into {MAX_ACTIONS} columns and the loss asserts as many classes,
    # however many actions there are: ids above {actions} are never set, and learnt as never there.
    NUM_CLASSES: {MAX_ACTIONS}
    # Movements would be judged by softmax: exactly one of them for everybody, the first where
    # nothing is ticked. Interactions are judged one by one, as they are ticked.
    NUM_PERSON_MOVEMENT_CLASSES: 0
    NUM_OBJECT_MANIPULATION_CLASSES: 0
    NUM_PERSON_INTERACTION_CLASSES: {MAX_ACTIONS}
    # The loss is a mean over the classes: this weight makes it their sum, as in AlphAction's own.
    PERSON_LOSS_WEIGHT: {MAX_ACTIONS}.0
    PROPOSAL_PER_CLIP: 10
    DROPOUT_RATE: 0.2
  IA_STRUCTURE:
    ACTIVE: False
INPUT:
  FRAME_NUM: {2 * HALF_SPAN_FRAMES}
  FRAME_SAMPLE_RATE: 1
  TAU: 16
  ALPHA: 8
  SLOW_JITTER: True
  COLOR_JITTER: True
DATASETS:
  TRAIN: {trained}
  TEST: {tested}
DATALOADER:
  NUM_WORKERS: 4
  SIZE_DIVISIBILITY: 16
SOLVER:
  # {EPOCHS} passes over the keyframes; 0.0004 for 16 clips a step, in proportion.
  BASE_LR: {schedule.rate:.6f}
  WARMUP_FACTOR: 0.25
  BIAS_LR_FACTOR: 2
  WEIGHT_DECAY: 0.0000001
  STEPS: {schedule.falls}
  WARMUP_ITERS: {schedule.warmup}
  MAX_ITER: {schedule.steps}
  CHECKPOINT_PERIOD: {period}
  EVAL_PERIOD: {period}
  VIDEOS_PER_BATCH: {schedule.batch}
TEST:
  BOX_THRESH: {float(threshold)!r}
  ACTION_THRESH: 0.0
  VIDEOS_PER_BATCH: 2
OUTPUT_DIR: "data/output/{name}_resnet50_4x16f"
"""


def readme_text(
    name: str,
    splits: Sequence[Split],
    actions: int,
    threshold: float,
    settings: Mapping,
    manifests: Mapping[str, SegmentsManifest],
    dataset: str,
    notes: Sequence[str] = (),
) -> str:
    """The folder's README. `dataset` is the dataset folder as the workflow names it; `notes`
    are remarks on annotations by hand."""
    names = [split.name for split in splits]
    judged = judged_split(splits)
    some = next(iter(manifests.values()))
    example = some.name(2)
    parts = [
        f"""\
# Finetuning AlphAction

In the project's folder, then in a checkout of AlphAction:

```
export DATASET=$(realpath {dataset}/alphaction)
cd ALPHACTION
mkdir -p data/models/pretrained_models
ln -s $DATASET data/{name}
cp $DATASET/finetune_resnet50_4x16f.yaml config_files/
```

Paste `paths_catalog_entry.txt` between the braces of `DATASETS` in
`alphaction/config/paths_catalog.py`, put `SlowFast-ResNet50-4x16.pth`, trained on
Kinetics-700, from AlphAction's model zoo into `data/models/pretrained_models/`, and

```
{_command(names, judged)}
```

`--transfer` takes the weights and not the state of another training, `--no-head` leaves out the
last layers, which belong to other actions. `{name}` comes from `alphaction.name` in the config; a
copy made by `cp -rL` works anywhere.
""",
        f"""\
## What lies here

- `clips/{{split}}/{{clip}}/{example}.mp4`: {some.frames} frames at {some.fps} a second, from
  second 2 of the clip on; `keyframes/` holds the first picture of each.
- `annotations/{{split}}.json`, and `{{split}}_min.json` without spaces: one annotation per person
  with its `action_ids`, which is what AlphAction loads, in the form of COCO.
- `annotations/{{split}}_coco.json`: one annotation per person and action, with actions as
  categories, for tools that know only COCO.
- `boxes/{{split}}_person_bbox.json`: a list of `image_id`, `bbox`, `score`. To train: the annotated
  people; to validate and test: detected ones with a score of {threshold:g} or more
  (`alphaction.person_score`).
- `annotations/{{split}}.csv`, `{{split}}_excluded_timestamps.csv`, `action_list.pbtxt`: for the
  evaluation.

## What was chosen, and why

- `NUM_CLASSES: {MAX_ACTIONS}` for {actions} actions: the loader packs labels into {MAX_ACTIONS} \
columns and the loss asserts
  as many classes. All are declared as person interactions, because AlphAction takes movements for
  a choice of exactly one.
- The schedule is for one GPU with {BATCH} clips a step, {EPOCHS} passes; the config says how to \
scale it.
- The loader uses `np.bool`: numpy below 1.24, or 2.0 and later.
""",
    ]
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
    remarks += notes
    if remarks:
        parts.append("## Noticed\n\n" + "\n".join(f"- {remark}" for remark in remarks) + "\n")
    return "\n".join(parts)


def _command(splits: Sequence[str], judged: str | None) -> str:
    if "train" not in splits:
        return (
            "python test_net.py --config-file config_files/finetune_resnet50_4x16f.yaml "
            "MODEL.WEIGHT MODEL.pth"
        )
    without = "" if judged else " --skip-val-in-train --skip-final-test"
    return (
        "python train_net.py --config-file config_files/finetune_resnet50_4x16f.yaml \\\n"
        f"  --transfer --no-head --use-tfboard{without}"
    )


def _remarks(split: Split, threshold: float) -> list[str]:
    remarks = []
    if split.unproposed:
        shown = ", ".join(split.unproposed[:MOST_SHOWN])
        more = len(split.unproposed) - MOST_SHOWN
        remarks.append(
            f"{split.name}: labelled, but no person was detected with {threshold:g} or more, so "
            f"AlphAction leaves these out and what is on them counts as missed: {shown}"
            + (f" and {more} more" if more > 0 else "")
        )
    if split.dropped:
        remarks.append(
            f"{split.name}: boxes too small for AlphAction, which drops them: "
            + ", ".join(split.dropped[:MOST_SHOWN])
        )
    return remarks
