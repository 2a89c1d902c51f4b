"""A detector fine-tuned on corrected boxes, by ultralytics' own training, and what it gained.

Before and after are measured alike on clips that the training never saw. So that this stays so,
the weights of the last epoch are taken: choosing the best epoch by the held-out clips would fit
them, if only a little.
"""

import io
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avaflow.boxes import Corners, iou_matrix
from avaflow.errors import UserError
from avaflow.files import write_bytes
from avaflow.lines import lines_of
from avaflow.persons.detector import Detector, foreign_classes, quiet_ultralytics
from avaflow.persons.detector_dataset import (
    HELD_OUT,
    TRAINED,
    TrainingImage,
    image_of,
    labels_of,
    read_labels,
    read_manifest,
)
from avaflow.persons.training_figures import Figures
from avaflow.templates import render
from avaflow.torch_files import unpacking_problem

SAME_PERSON_IOU = 0.5
"""A detection that overlaps a person's box by so much has found that person."""

IMAGES_AT_ONCE = 8
"""Images of a forward pass when a detector is measured."""

FINAL_RATE = 0.02
"""Part of the learning rate that is left at the end: small steps settle."""

WARM_UP_EPOCHS = 1.0
"""Epochs over which the learning rate rises; ultralytics' three are most of a short training."""


@dataclass(frozen=True)
class TrainingSettings:
    """The config's `detector_training` without the weights, and where it runs."""

    epochs: int
    image_size: int
    batch: int
    learning_rate: float
    seed: int
    device: str


def check_base(weights: str | Path) -> None:
    """UserError, in words for the config, for weights that cannot be trained on."""
    path = Path(weights)
    if path.suffix != ".pt" or path.is_dir():
        raise UserError(
            f"detector_training.weights: {weights} is an exported model, which cannot be trained: "
            "expected .pt weights. Name those that it was exported from, or a name that "
            "ultralytics downloads, such as yolo11n.pt."
        )
    if not path.is_file():
        raise UserError(f"detector_training.weights: {weights} is missing. Put the file there.")
    if problem := unpacking_problem(path):
        raise UserError(f"detector_training.weights: {weights} is {problem}. Name other weights.")


def trained_weights(
    base: str | Path, person_class: str, folder: Path, settings: TrainingSettings
) -> bytes:
    """The content of the weights after training from `base` on the dataset in `folder`.

    The classes of `base` stay, so that its knowledge of persons does. UserError for a model that
    has no class `person_class`, is none for boxes, or whose training fails.
    """
    check_base(base)
    quiet_ultralytics()
    from ultralytics import YOLO

    with tempfile.TemporaryDirectory(prefix="avaflow-training-") as name:
        workplace = Path(name)
        # A copy: ultralytics looks for resumable runs beside weights.
        start = workplace / "start.pt"
        shutil.copyfile(base, start)
        try:
            model = YOLO(str(start))
        except Exception as error:
            foreign = foreign_classes(error)
            reason = foreign or f"cannot be read as a model: {_one_line(error)}. Name other weights"
            raise UserError(f"detector_training.weights: {base} {reason}") from None
        if model.task != "detect":
            raise UserError(
                f"detector_training.weights: {base} is a model for {model.task!r}. Expected one "
                "that detects."
            )
        names = {int(number): str(one) for number, one in dict(model.names).items()}
        data = _prepared(workplace / "data", folder, names, _class_of(names, person_class, base))
        try:
            model.train(
                data=str(data),
                epochs=settings.epochs,
                imgsz=settings.image_size,
                batch=settings.batch,
                lr0=settings.learning_rate,
                seed=settings.seed,
                device=settings.device,
                project=str(workplace / "runs"),
                name="run",
                **_FIXED,
            )
        except Exception as error:
            raise UserError(
                f"detector_training: the training failed: {_one_line(error)}. If memory was short, "
                "lower detector_training.batch or image_size."
            ) from error
        return _tidied(workplace / "runs" / "run" / "weights" / "last.pt")


_FIXED: dict[str, Any] = {
    "optimizer": "AdamW",
    "lrf": FINAL_RATE,
    "cos_lr": True,
    "warmup_epochs": WARM_UP_EPOCHS,
    "close_mosaic": 0,
    "mosaic": 0.0,  # keyframes are whole scenes, and so are the images to come
    "erasing": 0.0,
    "amp": False,  # its check would download another model
    "val": False,  # nothing is chosen by the held-out clips
    "plots": False,
    "workers": 0,  # the order of random numbers then depends on the seed alone
    "deterministic": True,
    "exist_ok": True,
    "verbose": False,
}


def _class_of(names: Mapping[int, str], person_class: str, base: str | Path) -> int:
    for number, name in names.items():
        if name == person_class:
            return number
    raise UserError(
        f"detector.person_class: expected a class of {base}, found {person_class!r}. The model "
        f"knows: {', '.join(names.values())}."
    )


def _prepared(workplace: Path, folder: Path, names: Mapping[int, str], person: int) -> Path:
    """The dataset for ultralytics, with the model's own classes; its caches stay in here."""
    import yaml

    workplace.mkdir(parents=True)
    try:
        (workplace / "images").symlink_to((folder / "images").resolve())
    except OSError:  # where the system allows no links
        shutil.copytree(folder / "images", workplace / "images")
    for split in (TRAINED, HELD_OUT):
        target = workplace / "labels" / split
        target.mkdir(parents=True)
        for source in sorted((folder / "labels" / split).iterdir()):
            lines = lines_of(source.read_text(encoding="utf-8"))
            own = [f"{person} {line.split(' ', 1)[1]}\n" for line in lines]
            (target / source.name).write_text("".join(own), encoding="utf-8")
    data = workplace / "data.yaml"
    content = {
        "path": str(workplace),
        "train": f"images/{TRAINED}",
        "val": f"images/{HELD_OUT}",
        "names": dict(names),
    }
    data.write_text(yaml.safe_dump(content), encoding="utf-8")
    return data


def _tidied(path: Path) -> bytes:
    """A checkpoint without dates and paths, so that the same training gives the same bytes."""
    import torch

    # Written by the training itself a moment ago, so it holds what it should.
    checkpoint = torch.load(path, map_location="cpu", weights_only=False)
    kept = {
        name: checkpoint[name] for name in ("model", "version", "license") if name in checkpoint
    }
    arguments = checkpoint.get("train_args", {})
    told = ("task", "epochs", "imgsz", "batch", "lr0", "seed", "optimizer")
    kept["train_args"] = {name: arguments[name] for name in told if name in arguments}
    model = kept["model"]
    if hasattr(model, "args"):
        model.args = {name: one for name, one in dict(model.args).items() if name in told}
    if hasattr(model, "pt_path"):
        model.pt_path = ""
    content = io.BytesIO()
    torch.save(kept, content)
    return content.getvalue()


def measured(
    stage: str,
    detector: Detector,
    weights: Path,
    sha256: str,
    folder: Path,
    rows: Sequence[TrainingImage],
    map50: float,
) -> Figures:
    """What a detector, with its own least score, finds on images of the dataset."""
    import cv2

    found = missed = nobody = 0
    for first in range(0, len(rows), IMAGES_AT_ONCE):
        group = rows[first : first + IMAGES_AT_ONCE]
        images = []
        for row in group:
            image = cv2.imread(str(image_of(folder, row)))
            if image is None:
                raise UserError(f"{image_of(folder, row)}: this image cannot be read. Run again.")
            images.append(image)
        for row, persons in zip(group, detector.detect(images), strict=True):
            here = matches(persons[:, :4], read_labels(labels_of(folder, row)))
            found, missed, nobody = found + here[0], missed + here[1], nobody + here[2]
    recall = found / max(found + missed, 1)
    precision = found / max(found + nobody, 1)
    counts = (len(rows), found + missed, found, missed, nobody)
    return Figures(stage, weights.name, sha256, *counts, recall, precision, map50)


def matches(detections: np.ndarray, truth: Sequence[Corners]) -> tuple[int, int, int]:
    """Persons found, persons missed, and detections that are nobody.

    `detections`, of shape (N, 4), come best first; each takes the free person whom it overlaps
    most.

    >>> whole, left = (0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 0.2, 1.0)
    >>> matches(np.array([whole, whole]), [whole, left])
    (1, 1, 1)
    """
    overlaps = iou_matrix(detections, np.array(truth, float).reshape(-1, 4))
    free = list(range(len(truth)))
    found = 0
    for row in overlaps:
        best = max(free, key=lambda index: row[index], default=None)
        if best is not None and row[best] >= SAME_PERSON_IOU:
            free.remove(best)
            found += 1
    return found, len(free), len(detections) - found


def map50_of(
    weights: str | Path, person_class: str, folder: Path, settings: TrainingSettings
) -> float:
    """Mean average precision at IoU 0.5 of class person on the held-out images, by ultralytics."""
    quiet_ultralytics()
    from ultralytics import YOLO

    with tempfile.TemporaryDirectory(prefix="avaflow-measuring-") as name:
        workplace = Path(name)
        model = YOLO(str(weights), task="detect")
        names = {int(number): str(one) for number, one in dict(model.names).items()}
        person = _class_of(names, person_class, weights)
        results = model.val(
            data=str(_prepared(workplace / "data", folder, names, person)),
            split="val",
            imgsz=settings.image_size,
            batch=settings.batch,
            device=settings.device,
            workers=0,
            plots=False,
            verbose=False,
            project=str(workplace / "runs"),
        )
        # Of the classes only that of persons has boxes.
        return float(results.box.map50)


def keep_weights(content: bytes, sha256: str, folder: Path) -> Path:
    """Write weights under a name by their content: those in use are never written over."""
    path = folder / f"finetuned-{sha256[:8]}.pt"
    if not path.is_file() or path.stat().st_size != len(content):
        write_bytes(path, content)
    return path


def report_text(
    figures: Sequence[Figures],
    rows: Sequence[TrainingImage],
    weights: Path,
    base: str,
    settings: TrainingSettings,
    confidence: float,
) -> str:
    """The report as Markdown."""
    counts = {
        split: (
            sum(row.split == split for row in rows),
            sum(row.persons for row in rows if row.split == split),
            sorted({row.clip for row in rows if row.split == split}),
        )
        for split in (TRAINED, HELD_OUT)
    }
    return render(
        __file__,
        "report.md",
        figures=figures,
        trained=counts[TRAINED],
        held_out=counts[HELD_OUT],
        weights=weights.as_posix(),
        base=base,
        settings=settings,
        confidence=confidence,
    )


def held_out(manifest: str | Path) -> list[TrainingImage]:
    """The images on which detectors are measured."""
    return [row for row in read_manifest(manifest) if row.split == HELD_OUT]


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:297] + "..."
