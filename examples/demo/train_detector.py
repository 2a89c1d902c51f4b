"""Train the demo's person detector, from nothing, on random images of drawn persons.

    python examples/demo/train_detector.py WORK_FOLDER

writes examples/demo/detector/figures.pt, a YOLO11 of an eighth of the usual width with one class,
person. Images and the training's own output stay in WORK_FOLDER. It needs no network.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from compositing import Sighting
from random_images import random_image, random_room

HERE = Path(__file__).resolve().parent
WEIGHTS = HERE / "detector" / "figures.pt"

BATCH = 16
"""Images per step."""

IMGSZ = 320
"""Longer side in pixels of what the network sees; use the same to detect."""

LEAST_VISIBLE = 0.25
"""Share of a person that must be seen for a box to be taught."""

WIDTH, DEPTH, MOST_CHANNELS = 0.125, 0.5, 1024
"""Scale of the network: YOLO11n has a width of 0.25."""

VALIDATION_IMAGES = 100
"""On which ultralytics prints its own figures at the end of a round."""


@dataclass(frozen=True)
class Round:
    """A round of training; each goes on from the weights of the one before.

    `image` draws an image of a seed; each further image adds 1 to `seed`. `turbulence` is 1
    to shift and scale images by chance, 0 to take them as they are.
    """

    name: str
    image: Callable[[int], tuple[np.ndarray, list[Sighting]]]
    seed: int
    images: int
    epochs: int
    learning_rate: float
    turbulence: int


ROUNDS = (
    Round("anything", random_image, 20_000, 1400, 42, 0.002, 1),
    Round("rooms", random_room, 40_000, 1200, 24, 0.0012, 0),
    Round("more-rooms", random_room, 60_000, 1400, 12, 0.001, 0),
)
"""First what a person is, anywhere; then where persons are in rooms and yards."""


def label_lines(sightings) -> list[str]:
    """The lines of a YOLO label file: class, middle and size of each box, in 0..1."""
    lines = []
    for sighting in sightings:
        if sighting.visible >= LEAST_VISIBLE:
            x1, y1, x2, y2 = sighting.box
            lines.append(f"0 {(x1 + x2) / 2:.6f} {(y1 + y2) / 2:.6f} {x2 - x1:.6f} {y2 - y1:.6f}")
    return lines


def write_images(folder: Path, this: Round, first_seed: int, count: int) -> None:
    """Write images and labels in the layout that ultralytics reads.

    The quality of the JPEGs varies, as that of video frames does.
    """
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for seed in range(first_seed, first_seed + count):
        image, sightings = this.image(seed)
        quality = int(np.random.default_rng(seed).integers(60, 97))
        name = f"{seed:06d}"
        jpeg = [cv2.IMWRITE_JPEG_QUALITY, quality]
        cv2.imwrite(str(folder / "images" / f"{name}.jpg"), image, jpeg)
        (folder / "labels" / f"{name}.txt").write_text("\n".join(label_lines(sightings)))


def write_data_file(folder: Path, this: Round) -> Path:
    """Write images for training and validation, and the file that tells ultralytics of them."""
    write_images(folder / "train", this, this.seed, this.images)
    write_images(folder / "val", this, this.seed + this.images, VALIDATION_IMAGES)
    data = folder / "data.yaml"
    data.write_text(
        f"path: {folder.resolve()}\ntrain: train/images\nval: val/images\nnames:\n  0: person\n"
    )
    return data


def write_model_file(path: Path) -> Path:
    """Write a YOLO11 of one class and our width, from the layers that ultralytics ships."""
    import yaml
    from ultralytics.utils import ROOT

    model = yaml.safe_load((ROOT / "cfg" / "models" / "11" / "yolo11.yaml").read_text())
    model["nc"] = 1
    model["scales"] = {"figures": [DEPTH, WIDTH, MOST_CHANNELS]}
    path.write_text(yaml.safe_dump(model))
    return path


def train(folder: Path, this: Round, start: Path) -> Path:
    """Train a round on the CPU, from a model file or a checkpoint; returns the last checkpoint."""
    from ultralytics import YOLO

    model = YOLO(str(start), task="detect")
    model.train(
        data=str(write_data_file(folder / this.name, this)),
        imgsz=IMGSZ,
        epochs=this.epochs,
        batch=BATCH,
        optimizer="AdamW",
        lr0=this.learning_rate,
        lrf=0.02,
        cos_lr=True,
        warmup_epochs=1.5,
        rect=True,
        mosaic=0.0,
        scale=0.35 * this.turbulence,
        translate=0.1 * this.turbulence,
        hsv_h=0.03,
        hsv_v=0.3,
        erasing=0.0,
        close_mosaic=0,
        cache="ram",
        workers=0,
        device="cpu",
        amp=False,
        val=False,
        plots=False,
        seed=0,
        deterministic=True,
        project=str(folder.resolve() / "runs"),
        name=this.name,
        exist_ok=True,
    )
    return folder.resolve() / "runs" / this.name / "weights" / "last.pt"


def ship(checkpoint: Path, weights: Path) -> None:
    """Keep of a checkpoint only what detecting needs, in half precision, without local paths."""
    import torch
    import ultralytics

    # our own file, written a moment ago
    trained = torch.load(checkpoint, map_location="cpu", weights_only=False)
    model = trained.get("ema") or trained["model"]
    model = model.half().eval()
    model.criterion = None
    model.args = {"task": "detect", "imgsz": IMGSZ}
    model.yaml["yaml_file"] = "figures.yaml"
    model.pt_path = None
    for parameter in model.parameters():
        parameter.requires_grad = False
    weights.parent.mkdir(parents=True, exist_ok=True)
    beside = weights.with_suffix(".part")
    torch.save(
        {
            "model": model,
            "train_args": {"task": "detect", "imgsz": IMGSZ},
            "version": ultralytics.__version__,
            "license": "AGPL-3.0",
        },
        beside,
    )
    beside.rename(weights)


def main() -> None:
    """Make the images, train and ship the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder for the images and the training")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="file to write")
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    # read by ultralytics when it is imported: no downloads, no installs, settings kept apart
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_AUTOINSTALL"] = "false"
    os.environ["YOLO_CONFIG_DIR"] = str(folder.resolve() / "settings")
    (folder / "settings").mkdir(exist_ok=True)
    from ultralytics import settings

    settings.update({"sync": False})
    weights = write_model_file(folder / "figures.yaml")
    for this in ROUNDS:
        weights = train(folder, this, weights)
    ship(weights, arguments.weights)
    print(arguments.weights)


if __name__ == "__main__":
    main()
