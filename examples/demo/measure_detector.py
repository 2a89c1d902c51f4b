"""Compare the demo's detector with the truth of the demo's videos.

    python examples/demo/measure_detector.py [WEIGHTS]

prints recall, precision and time per image, at the seconds that become keyframes and on every
fifth frame. A person of whom less than half is seen is neither asked for nor held against it.
"""

import argparse
import csv
import time
from pathlib import Path

import av
import numpy as np

from scenes import FPS, FRAMES

HERE = Path(__file__).resolve().parent

CONFIDENCE, IMGSZ = 0.3, 320
SAME_PERSON_IOU = 0.5
LEAST_VISIBLE = 0.5

KEYFRAME_SECONDS = {
    "corridor": tuple(0.5 + second for second in range(2, 10)),
    "classroom": tuple(1.0 + second for second in range(2, 10)),
    "yard": tuple(2.0 + second for second in range(2, 10)),
}
"""Seconds of each video that become keyframes: clips start at 0.5, 1 and 2 s and last 11 s."""


def read_frames(video: Path) -> list[np.ndarray]:
    """All frames of a video, BGR uint8 (height, width, 3)."""
    with av.open(str(video)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def read_truth(table: Path) -> dict[int, list[tuple[np.ndarray, float]]]:
    """Boxes (4,) in 0..1 and visible shares of the persons in each frame."""
    truth: dict[int, list[tuple[np.ndarray, float]]] = {}
    with table.open(newline="") as lines:
        for row in csv.DictReader(lines):
            box = np.array([float(row[name]) for name in ("x1", "y1", "x2", "y2")])
            truth.setdefault(int(row["frame"]), []).append((box, float(row["visible"])))
    return truth


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two boxes (4,)."""
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    shared = np.prod(np.clip(high - low, 0, None))
    areas = np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2])
    return float(shared / (areas - shared))


def matches(detections: np.ndarray, truth: list[tuple[np.ndarray, float]]) -> tuple[int, int, int]:
    """Persons asked for and found, persons missed, detections that are nobody.

    `detections` (N, 4) come best first; each takes the free person that it covers best. One that
    lies on a person who is not asked for counts nowhere.
    """
    free = list(range(len(truth)))
    found = nobody = 0
    for detection in detections:
        best = max(free, key=lambda index: iou(detection, truth[index][0]), default=None)
        if best is None or iou(detection, truth[best][0]) < SAME_PERSON_IOU:
            nobody += 1
            continue
        free.remove(best)
        found += truth[best][1] >= LEAST_VISIBLE
    missed = sum(truth[index][1] >= LEAST_VISIBLE for index in free)
    return found, missed, nobody


def main() -> None:
    """Print one line per video and choice of frames, and one for all videos."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = HERE / "detector" / "figures.pt"
    parser.add_argument("weights", type=Path, nargs="?", default=default)
    weights = parser.parse_args().weights
    from ultralytics import YOLO

    model = YOLO(str(weights), task="detect")
    settings = {"conf": CONFIDENCE, "imgsz": IMGSZ, "classes": [0], "verbose": False}
    totals: dict[str, np.ndarray] = {}
    seconds, images = 0.0, 0
    for name, keyframes in KEYFRAME_SECONDS.items():
        frames = read_frames(HERE / "videos" / f"{name}.mp4")
        truth = read_truth(HERE / "truth" / f"{name}.csv")
        choices = {
            "keyframes": [round(second * FPS) for second in keyframes],
            "every 5th frame": list(range(0, FRAMES, 5)),
        }
        model.predict(frames[0], **settings)
        for choice, numbers in choices.items():
            counts = np.zeros(3, int)
            for number in numbers:
                start = time.perf_counter()
                boxes = model.predict(frames[number], **settings)[0].boxes.xyxyn.numpy()
                seconds, images = seconds + time.perf_counter() - start, images + 1
                counts += matches(boxes, truth.get(number, []))
            totals[choice] = totals.get(choice, 0) + counts
            report(f"{name}, {choice}", counts)
    for choice, counts in totals.items():
        report(f"all videos, {choice}", counts)
    print(f"{1000 * seconds / images:.1f} ms an image")


def report(what: str, counts: np.ndarray) -> None:
    """Print recall and precision of found, missed and nobody."""
    found, missed, nobody = (int(count) for count in counts)
    recall = found / max(found + missed, 1)
    precision = found / max(found + nobody, 1)
    print(
        f"{what}: recall {recall:.3f}, precision {precision:.3f}"
        f" (found {found}, missed {missed}, nobody {nobody})"
    )


if __name__ == "__main__":
    main()
