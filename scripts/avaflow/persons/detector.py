"""Persons on images, by any detection model that ultralytics loads.

ultralytics would by itself fetch weights, install packages, ask for updates and keep a
settings file in the home folder; OpenVINO would report its import to its makers. Here
they do none of that: it is switched off before they are imported, and ultralytics'
settings live in a folder that ends with the process.
"""

import atexit
import os
import pickle
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from avaflow.errors import UserError
from avaflow.tables import DETECTIONS, empty_table
from avaflow.times import detection_frames
from avaflow.torch_files import unpacking_problem
from avaflow.torch_threads import let_threads_sleep
from avaflow.videos.frames import PREFETCH, ClipVideo, frames_at, prefetched

if TYPE_CHECKING:
    from ultralytics import YOLO
    from ultralytics.engine.predictor import BasePredictor
    from ultralytics.engine.results import Results

LEAST_SIDE_PX = 1.0
"""Boxes narrower or lower than this are accidents of the detector; trackers choke on them."""

WARM_UP_PX = 64
"""Side of the black image on which a model is tried when it is loaded."""


SAFE_LOAD = "ULTRALYTICS_SAFE_LOAD"
"""By this variable ultralytics (8.4.190 and later) makes known classes only from a .pt file."""


def quiet_ultralytics(online: bool = False) -> None:
    """Make ultralytics, and OpenVINO below it, do nothing beside their work.

    Must run before ultralytics is first imported. `online` allows the network, for the
    one step that downloads weights because the config asks for it.
    """
    # OpenVINO does without this package if it cannot be imported; it has no other switch.
    if "openvino_telemetry" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    if "ultralytics" in sys.modules:
        return
    let_threads_sleep()
    os.environ["YOLO_AUTOINSTALL"] = "false"
    os.environ["YOLO_OFFLINE"] = "false" if online else "true"
    os.environ.setdefault("YOLO_VERBOSE", "false")
    # A .pt file holds a program that makes the model. Only known classes are made from it; who
    # trusts a file with others sets this to false.
    os.environ.setdefault(SAFE_LOAD, "true")
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

    model: "YOLO"
    settings: dict[str, Any]
    batch_limit: int | None
    names: dict[int, str] = field(default_factory=dict)
    with_class: bool = False

    def detect(self, frames: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The persons on each image of a batch.

        `frames` are BGR uint8 arrays of shape (height, width, 3) of any sizes. The result
        holds one float array of shape (N, 5) per image: ``x1, y1, x2, y2`` normalised
        and clamped to the image, and the score; best score first. Boxes under
        :data:`LEAST_SIDE_PX` wide or high are dropped. `with_class` adds a sixth column, the
        number of the class in :attr:`names`.
        """
        found: list[np.ndarray] = []
        for group in self._groups(frames):
            results = self.model.predict(group, batch=len(group), **self.settings)
            read = _objects if self.with_class else _persons
            found.extend(read(cast("Results", result)) for result in results)
        return found

    def _groups(self, frames: Sequence[np.ndarray]) -> Iterator[list[np.ndarray]]:
        """Runs of one image size that the model takes at once.

        Images of different sizes in one call would be padded to one shape, so that what
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
    objects: Sequence[str] = (),
) -> Detector:
    """Load a model: .pt, .onnx, .engine, an OpenVINO folder or whatever ultralytics reads.

    `image_size` is the longer side in pixels that the model sees; an export with a fixed
    size keeps its own. `half` works on a GPU only and is ignored on a processor. `threads`
    bounds what torch or OpenVINO use. Of boxes that overlap by more than `nms_iou` the
    best remains; models that end without such a step (YOLOv10, YOLO26) do not look at it.
    `objects` are names of classes to find instead of persons, each with its class.

    Raises UserError for missing or unreadable weights, a model without `person_class`,
    one that finds no boxes, or a device that is not there. Nothing is downloaded.
    """
    weights = Path(weights)
    if not weights.exists():
        raise UserError(
            f"detector.weights: {weights} does not exist. Put the model there (a .pt, .onnx or "
            ".engine file, or an OpenVINO folder), or give its path in the config."
        )
    if weights.is_file() and (problem := unpacking_problem(weights)):
        raise UserError(f"detector.weights: {weights} is {problem}. Name other weights.")
    quiet_ultralytics()
    import torch
    from ultralytics.utils.torch_utils import select_device

    try:
        select_device(str(device), verbose=False)
    except Exception as error:
        raise UserError(
            f"detector.device: {device!r} cannot be used here. Expected cpu, or the number of a "
            f"GPU that torch sees ({torch.cuda.device_count()} found)."
        ) from error
    settings: dict[str, Any] = {
        "conf": confidence,
        "iou": nms_iou,
        "device": str(device),
        "half": bool(half) and str(device) != "cpu",
        "imgsz": image_size,
        "verbose": False,
        "save": False,
    }
    model, backend = _tried_model(weights, settings, threads)
    names = {int(number): str(name) for number, name in dict(backend.names).items()}
    wanted = objects or [person_class]
    key = "alphaction.objects" if objects else "detector.person_class"
    settings["classes"] = [_class_number(name, names, key, weights) for name in wanted]
    native = getattr(backend, "format", "pt") in ("pt", "torchscript")
    # Only now: setting a model up sets torch's threads to all processors but one. Beside
    # another engine torch only converts images, which gains nothing from more threads.
    torch.set_num_threads(threads if native else 1)
    # A static export splits a larger batch itself, after copying it about; some do not.
    static = not native and not getattr(backend, "dynamic", False)
    limit = max(1, int(getattr(backend, "batch", 1))) if static else None
    return Detector(model, settings, limit, names, bool(objects))


def _class_number(wanted: str, names: Mapping[int, str], key: str, weights: Path) -> int:
    """The first class of this name; UserError, naming the key of the config, if there is none."""
    for number, name in names.items():
        if name == wanted:
            return number
    raise UserError(
        f"{key}: expected a class of {weights}, found {wanted!r}. "
        f"The model knows: {', '.join(names.values())}."
    )


def _tried_model(weights: Path, settings: dict[str, Any], threads: int) -> tuple["YOLO", Any]:
    """A model that has found the boxes of a black image, and what runs it inside.

    Raises UserError for a file that is no model, or one that finds no boxes.
    """
    from ultralytics import YOLO

    try:
        with _openvino_threads(threads) if weights.is_dir() else nullcontext():
            model = YOLO(str(weights), task="detect" if weights.suffix != ".pt" else None)
            black = np.zeros((WARM_UP_PX, WARM_UP_PX, 3), np.uint8)
            trial = cast("Results", list(model.predict(black, **settings))[0])
        # The predictor is there once it was used; its model is of another class for each kind.
        backend = cast("BasePredictor", model.predictor).model
    except Exception as error:
        if foreign := foreign_classes(error):
            raise UserError(f"detector.weights: {weights} {foreign}") from None
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
    return model, backend


def foreign_classes(error: BaseException | None) -> str:
    """What to say of weights that were refused for what else they hold; empty otherwise."""
    while error is not None:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        if isinstance(error, pickle.UnpicklingError) and named:
            return (
                f"holds more than a model of ultralytics ({named[1]}), which could run any "
                "program when it is read, so it was not read. Name other weights, or export these "
                f"to ONNX or OpenVINO; if you trust who made them, set {SAFE_LOAD}=false for this "
                "run."
            )
        error = error.__cause__ or error.__context__
    return ""


def detect_clips(
    videos: Iterable[ClipVideo],
    detector: Detector,
    stride: int,
    batch: int,
    decoder_threads: int = 1,
    frames_of: Callable[[ClipVideo], Sequence[int]] | None = None,
    columns: Mapping[str, type] = DETECTIONS,
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each clip with its detections, as tables.DETECTIONS, as soon as it is done.

    Clips come sorted; `frames_of` gives the frames of a clip to look at instead of every
    `stride`-th, `columns` those of a detector that tells more than boxes and scores. Rows are
    sorted by frame and score (best first). Images stream through the model, decoded ahead by a
    thread of their own, so memory does not grow with the clips' length or number. A forward pass
    never mixes clips: what is found on one does not depend on which others are looked at, to the
    last decimal.

    A clip that cannot be read holds up no other: once all are done, UserError names it.
    """
    ordered = sorted(videos, key=lambda video: video.clip)
    problems: dict[str, str] = {}

    def images() -> Iterator[tuple[str, int, np.ndarray]]:
        for video in ordered:
            if frames_of:
                frames = frames_of(video)
            else:
                frames = detection_frames(video.frames, video.fps, stride)
            try:
                for frame, image in frames_at(video.path, frames, decoder_threads):
                    yield video.clip, frame, image
            except UserError as error:
                problems[video.clip] = str(error)

    rows: dict[str, list[tuple]] = {video.clip: [] for video in ordered}
    waiting = [video.clip for video in ordered]
    # Small groups where the model takes no larger ones: memory is then used again sooner.
    size = min(batch, detector.batch_limit or batch)
    for clip, group in _batches(prefetched(images(), max(PREFETCH, 2 * size)), size):
        while waiting[0] != clip:
            yield from _done(waiting.pop(0), rows, problems, columns)
        found = detector.detect([image for _, image in group])
        for (frame, _), persons in zip(group, found, strict=True):
            rows[clip] += [(clip, frame, *person) for person in persons.tolist()]
    while waiting:
        yield from _done(waiting.pop(0), rows, problems, columns)
    if problems:
        raise UserError("\n".join(problems[clip] for clip in sorted(problems)))


def _done(
    clip: str,
    rows: dict[str, list[tuple]],
    problems: Mapping[str, str],
    columns: Mapping[str, type],
) -> Iterator[tuple[str, pd.DataFrame]]:
    found = rows.pop(clip)
    if clip not in problems:
        table = pd.DataFrame(found, columns=list(columns))
        yield clip, table if found else empty_table(dict(columns))


def _batches(
    images: Iterable[tuple[str, int, np.ndarray]], size: int
) -> Iterator[tuple[str, list[tuple[int, np.ndarray]]]]:
    """Up to `size` images of one clip at a time, as pairs (frame, image)."""
    for clip, own in groupby(images, key=itemgetter(0)):
        while group := [(frame, image) for _, frame, image in islice(own, size)]:
            yield clip, group


def _persons(result: "Results") -> np.ndarray:
    """Boxes and scores of one ultralytics result, of shape (N, 5), as `detect` returns them."""
    return _boxes(result, with_class=False)


def _objects(result: "Results") -> np.ndarray:
    """Boxes, scores and classes of one ultralytics result, of shape (N, 6)."""
    return _boxes(result, with_class=True)


def _boxes(result: "Results", with_class: bool) -> np.ndarray:
    height, width = result.orig_shape
    size = np.array([width, height, width, height], float)
    boxes: Any = result.boxes  # of torch or of numpy; that there are some was tried at loading
    boxes_px = np.clip(boxes.xyxy.cpu().numpy().astype(float), 0, size)
    scores = boxes.conf.cpu().numpy().astype(float)
    kept = (boxes_px[:, 2:] - boxes_px[:, :2] >= LEAST_SIDE_PX).all(axis=1)
    classes = [boxes.cls.cpu().numpy().astype(float)] if with_class else []
    found = np.column_stack([boxes_px / size, scores, *classes])[kept]
    # Equal scores fall back on the coordinates, so that the order never depends on the model.
    ties = (found[:, 5], *found[:, 3::-1].T) if with_class else (*found[:, 3::-1].T,)
    return found[np.lexsort((*ties, -found[:, 4]))]


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

    class BoundedCore(openvino.Core):
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
