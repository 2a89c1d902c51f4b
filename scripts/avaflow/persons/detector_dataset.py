"""Corrected boxes as a YOLO dataset: the keyframes that annotators judged, with their persons.

On an image that an annotator finished, every box that was kept stands for a person, ticked or
not, and what was deleted is no person. So an image without any box is one, too: nobody is there.
Images lie in `images/{split}`, a label file for each in `labels/{split}`, with lines
`0 cx cy w h` in 0..1, and `data.yaml` names both, as ultralytics reads them.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from avaflow.boxes import Corners
from avaflow.errors import UserError
from avaflow.files import atomic_folder, link, sha256, write_text
from avaflow.lines import lines_of
from avaflow.tables import (
    Keyframe,
    Label,
    Unticked,
    columns_of,
    read_table,
    rows_of,
    table_of,
    write_table,
)
from avaflow.times import Second

TRAINED, HELD_OUT = "train", "val"
"""The splits that a detector learns from, and is measured on. Nothing is done with `test`."""

DECIMALS = 6
"""Of a coordinate in a label file, as YOLO writes them."""


class TrainingImage(NamedTuple):
    """An image of the dataset: `file` is its keyframe's name, `persons` its number of boxes."""

    split: str
    clip: str
    second: Second
    file: str
    persons: int
    image_sha256: str
    labels_sha256: str


IMAGES = columns_of(TrainingImage)


class Judged(NamedTuple):
    """A keyframe that an annotator judged: its image, and the boxes of all persons on it."""

    clip: str
    keyframe: Keyframe
    path: Path
    boxes: list[Corners]


def judged_keyframes(
    clip: str,
    keyframes: pd.DataFrame,
    folder: Path,
    named: Collection[Second],
    labels: pd.DataFrame,
    unticked: pd.DataFrame,
) -> list[Judged]:
    """The keyframes of a finished clip with the boxes that were kept on them.

    `named` are seconds that the annotation names, also where it has no box: a keyframe that is
    not in it, nobody looked at. `folder` is where the keyframes lie. A person with several ticks
    has one box.
    """
    boxes: dict[Second, set[Corners]] = {}
    rows: list[Label | Unticked] = [*rows_of(labels, Label), *rows_of(unticked, Unticked)]
    for row in rows:
        boxes.setdefault(row.second, set()).add((row.x1, row.y1, row.x2, row.y2))
    return [
        Judged(clip, keyframe, folder / keyframe.file, sorted(boxes.get(keyframe.second, ())))
        for keyframe in rows_of(keyframes, Keyframe)
        if keyframe.second in named or keyframe.second in boxes
    ]


def check_splits(splits: Mapping[str, str]) -> None:
    """UserError unless there are finished clips to learn from and others to measure on.

    `splits` gives the split of each finished clip.
    """
    for split, use in ((TRAINED, "learn from"), (HELD_OUT, "measure on, which it never saw")):
        if split not in splits.values():
            finished = ", ".join(f"{clip} ({split})" for clip, split in sorted(splits.items()))
            raise UserError(
                f"detector_training: no clip of the split {split} is finished, and a detector "
                f"needs some to {use}; finished are: {finished or 'none'}. Finish one, or change "
                "the splits in the clips table."
            )


def write_dataset(
    folder: str | Path, judged: Mapping[str, Sequence[Judged]], manifest: str | Path
) -> int:
    """Write images (as links), labels, data.yaml and the manifest; returns the number of images.

    `judged` gives the keyframes of each split. UserError for a split without any person.
    """
    folder = Path(folder)
    rows: list[TrainingImage] = []
    for split, images in judged.items():
        if not any(image.boxes for image in images):
            raise UserError(
                f"detector_training: on the {len(images)} finished images of the split {split} is "
                "no person. Finish clips with persons in them."
            )
    with atomic_folder(folder / "labels") as labels:
        for split, images in judged.items():
            for image in images:
                path = labels / split / f"{Path(image.keyframe.file).stem}.txt"
                write_text(path, "".join(map(_line, image.boxes)))
                facts = (split, image.clip, image.keyframe.second, image.keyframe.file)
                sums = (image.keyframe.sha256, sha256(path))
                rows.append(TrainingImage(*facts, len(image.boxes), *sums))
    with atomic_folder(folder / "images") as links:
        for split, images in judged.items():
            for image in images:
                link(image.path, links / split / image.keyframe.file)
    # Without a `path` the folders count from the file itself, wherever it is moved.
    names = "names:\n  0: person\n"
    write_text(folder / "data.yaml", f"train: images/{TRAINED}\nval: images/{HELD_OUT}\n{names}")
    rows.sort(key=lambda row: (row.split, row.clip, row.second))
    write_table(manifest, table_of(rows, TrainingImage), IMAGES)
    return len(rows)


def _line(box: Corners) -> str:
    x1, y1, x2, y2 = box
    numbers = ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
    return " ".join(["0", *(f"{number:.{DECIMALS}f}" for number in numbers)]) + "\n"


def read_labels(path: str | Path) -> list[Corners]:
    """The boxes of a label file that :func:`write_dataset` wrote."""
    boxes: list[Corners] = []
    for line in lines_of(Path(path).read_text(encoding="utf-8")):
        cx, cy, width, height = map(float, line.split()[1:])
        boxes.append((cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2))
    return boxes


def read_manifest(manifest: str | Path) -> list[TrainingImage]:
    """The images of a dataset."""
    return rows_of(read_table(manifest, IMAGES), TrainingImage)


def image_of(folder: str | Path, row: TrainingImage) -> Path:
    """Where an image of the dataset in `folder` lies."""
    return Path(folder, "images", row.split, row.file)


def labels_of(folder: str | Path, row: TrainingImage) -> Path:
    """Where the labels of an image of the dataset in `folder` lie."""
    return Path(folder, "labels", row.split, row.file).with_suffix(".txt")


def dataset_damage(manifest: str | Path) -> str:
    """What is wrong with the files of a dataset, as a short text; empty if nothing."""
    folder = Path(manifest).parent
    for row in read_manifest(manifest):
        if sha256(labels_of(folder, row)) != row.labels_sha256:
            return f"its labels of {row.file} are others"
        if sha256(image_of(folder, row)) != row.image_sha256:
            return f"its image {row.file} is another"
    return ""
