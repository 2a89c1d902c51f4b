"""Persons on pictures, by any detection model that ultralytics loads.

ultralytics would by itself fetch weights, install packages, ask for updates and keep a
settings file in the home folder; OpenVINO would report its import to its makers. Here
they do none of that: it is switched off before they are imported, and ultralytics'
settings live in a folder that ends with the process.
"""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from avaflow.errors import UserError
from avaflow.tables import DETECTIONS, empty_table
from avaflow.times import detection_frames
from avaflow.torch_threads import let_threads_sleep
from avaflow.videos.frames import PREFETCH, ClipVideo, frames_at, prefetched

LEAST_SIDE_PX = 1.0
"""Boxes narrower or lower than this are accidents of the detector; trackers choke on them."""

WARM_UP_PX = 64
"""Side of the black picture on which a model is tried when it is loaded."""


def quiet_ultralytics(online: bool = False) -> None:
    """Make ultralytics, and OpenVINO below it, do nothing beside their work.

    Must run before ultralytics is first imported. `online` allows the network, for the
    one step that downloads weights because the config asks for it.
    """
    # OpenVINO does without this package if it cannot be imported; it has no other switch.
    sys.modules.setdefault("openvino_telemetry", None)
    if "ultralytics" in sys.modules:
        return
    let_threads_sleep()
    os.environ["YOLO_AUTOINSTALL"] = "false"
    os.environ["YOLO_OFFLINE"] = "false" if online else "true"
    os.environ.setdefault("YOLO_VERBOSE", "false")
    # Its settings, and those of matplotlib, which it imports, else land in the home folder.
    unset = [name for name in ("YOLO_CONFIG_DIR", "MPLCONFIGDIR") if name not in os.environ]
    if unset:
        folder = tempfile.mkdtemp(prefix="avaflow-yolo-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ.update(dict.fromkeys(unset, folder))
    import ultralytics

    # What it would report of a run; only matters where the network is allowed.
    ultralytics.settings.update({"sync": False})


@dataclass
class Detector:
    """A loaded model; make one by :func:`load_detector`."""

    model: object
    settings: dict
    batch_limit: int | None

    def detect(self, frames: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The persons on each picture of a batch.

        `frames` are BGR uint8 arrays of shape (height, width, 3) of any sizes. The result
        holds one float array of shape (N, 5) per picture: ``x1, y1, x2, y2`` normalised
        and clamped to the picture, and the score; best score first. Boxes under
        :data:`LEAST_SIDE_PX` wide or high are dropped.
        """
        found: list[np.ndarray] = []
        for group in self._groups(frames):
            results = self.model.predict(group, batch=len(group), **self.settings)
            found.extend(_persons(result) for result in results)
        return found

    def _groups(self, frames: Sequence[np.ndarray]) -> Iterator[list[np.ndarray]]:
        """Runs of one picture size that the model takes at once.

        Pictures of different sizes in one call would be padded to one shape, so that what
        is found on a clip would depend on the clips that share its batch.
        """
        group: list[np.ndarray] = []
        for frame in frames:
            if group and (frame.shape != group[0].shape or len(group) == self.batch_limit):
                yield group
                group = []
            group.append(frame)
        if group:
            yield group


def load_detector(
    weights: str | Path,
    person_class: str = "person",
    confidence: float = 0.3,
    device: str | int = "cpu",
    half: bool = False,
    image_size: int = 640,
    threads: int = 2,
    nms_iou: float = 0.7,
) -> Detector:
    """Load a model: .pt, .onnx, .engine, an OpenVINO folder or whatever ultralytics reads.

    `image_size` is the longer side in pixels that the model sees; an export with a fixed
    size keeps its own. `half` works on a GPU only and is ignored on a processor. `threads`
    bounds what torch or OpenVINO use. Of boxes that overlap by more than `nms_iou` the
    best remains; models that end without such a step (YOLOv10, YOLO26) do not look at it.

    Raises UserError for missing or unreadable weights, a model without `person_class`,
    one that finds no boxes, or a device that is not there. Nothing is downloaded.
    """
    weights = Path(weights)
    if not weights.exists():
        raise UserError(
            f"detector.weights: {weights} does not exist. Put the model there (a .pt, .onnx or "
            ".engine file, or an OpenVINO folder), or give its path in the config."
        )
    quiet_ultralytics()
    import torch
    from ultralytics import YOLO
    from ultralytics.utils.torch_utils import select_device

    try:
        select_device(str(device), verbose=False)
    except Exception as error:
        raise UserError(
            f"detector.device: {device!r} cannot be used here. Expected cpu, or the number of a "
            f"GPU that torch sees ({torch.cuda.device_count()} found)."
        ) from error
    settings = {
        "conf": confidence,
        "iou": nms_iou,
        "device": str(device),
        "half": bool(half) and str(device) != "cpu",
        "imgsz": image_size,
        "verbose": False,
        "save": False,
    }
    try:
        with _openvino_threads(threads) if weights.is_dir() else nullcontext():
            model = YOLO(str(weights), task="detect" if weights.suffix != ".pt" else None)
            black = np.zeros((WARM_UP_PX, WARM_UP_PX, 3), np.uint8)
            trial = model.predict(black, **settings)[0]
        backend = model.predictor.model
    except Exception as error:
        raise UserError(
            f"detector.weights: {weights} cannot be used as a detection model: "
            f"{_one_line(error)}. Expected a model that ultralytics loads (.pt, .onnx, .engine, "
            "or an OpenVINO folder with its .xml, .bin and metadata.yaml)."
        ) from error
    if trial.boxes is None:
        raise UserError(
            f"detector.weights: {weights} is a model for {model.task!r} and gives no boxes. "
            "Expected a detection model."
        )
    names = {int(number): str(name) for number, name in dict(backend.names).items()}
    persons = [number for number, name in names.items() if name == person_class]
    if not persons:
        raise UserError(
            f"detector.person_class: expected a class of {weights}, found {person_class!r}. "
            f"The model knows: {', '.join(names.values())}."
        )
    settings["classes"] = persons[:1]
    native = getattr(backend, "format", "pt") in ("pt", "torchscript")
    # Only now: setting a model up sets torch's threads to all processors but one. Beside
    # another engine torch only converts pictures, which gains nothing from more threads.
    torch.set_num_threads(threads if native else 1)
    # A static export splits a larger batch itself, after copying it about; some do not.
    static = not native and not getattr(backend, "dynamic", False)
    limit = max(1, int(getattr(backend, "batch", 1))) if static else None
    return Detector(model, settings, limit)


def detect_clips(
    videos: Iterable[ClipVideo],
    detector: Detector,
    stride: int,
    batch: int,
    decoder_threads: int = 1,
    frames_of: Callable[[ClipVideo], Sequence[int]] | None = None,
) -> pd.DataFrame:
    """Detections of every `stride`-th frame of each clip, as tables.DETECTIONS.

    `frames_of` gives the frames of a clip to look at instead of every `stride`-th. Rows are
    sorted by clip, frame and score (best first). Pictures stream through the model in
    batches that run on across clips, decoded ahead by a thread of their own, so memory
    does not grow with the clips' length or number.
    """
    rows: dict[str, list] = {name: [] for name in DETECTIONS}

    def pictures() -> Iterator[tuple[str, int, np.ndarray]]:
        for video in sorted(videos, key=lambda video: video.clip):
            if frames_of:
                frames = frames_of(video)
            else:
                frames = detection_frames(video.frames, video.fps, stride)
            for frame, picture in frames_at(video.path, frames, decoder_threads):
                yield video.clip, frame, picture

    # Small groups where the model takes no larger ones: memory is then used again sooner.
    size = min(batch, detector.batch_limit or batch)
    for group in _batches(prefetched(pictures(), max(PREFETCH, 2 * size)), size):
        found = detector.detect([picture for _, _, picture in group])
        for (clip, frame, _), persons in zip(group, found, strict=True):
            rows["clip"] += [clip] * len(persons)
            rows["frame"] += [frame] * len(persons)
            for column, name in enumerate(("x1", "y1", "x2", "y2", "score")):
                rows[name] += persons[:, column].tolist()
    return pd.DataFrame(rows) if rows["clip"] else empty_table(DETECTIONS)


def _batches(items: Iterator, size: int) -> Iterator[list]:
    group = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _persons(result) -> np.ndarray:
    """Boxes and scores of one ultralytics result, of shape (N, 5), as `detect` returns them."""
    height, width = result.orig_shape
    size = np.array([width, height, width, height], float)
    boxes_px = np.clip(result.boxes.xyxy.cpu().numpy().astype(float), 0, size)
    scores = result.boxes.conf.cpu().numpy().astype(float)
    kept = (boxes_px[:, 2:] - boxes_px[:, :2] >= LEAST_SIDE_PX).all(axis=1)
    persons = np.column_stack([boxes_px / size, scores])[kept]
    # Equal scores fall back on the coordinates, so that the order never depends on the model.
    return persons[np.lexsort((*persons[:, 3::-1].T, -persons[:, 4]))]


@contextmanager
def _openvino_threads(threads: int) -> Iterator[None]:
    """Let OpenVINO's processor plugin use `threads` threads in models loaded meanwhile.

    They are not pinned to processors, so that the decoding thread and other jobs find
    room. ultralytics has no setting for either and makes its own core, so the properties
    are set on each core that is made inside this block.
    """
    try:
        import openvino
    except ImportError:
        yield
        return
    whole_core = openvino.Core

    class BoundedCore(whole_core):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            self.set_property(
                "CPU", {"INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False}
            )

    openvino.Core = BoundedCore
    try:
        yield
    finally:
        openvino.Core = whole_core


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:297] + "..."
