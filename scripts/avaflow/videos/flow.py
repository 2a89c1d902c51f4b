"""Optical flow between the frames of a clip, as images that two-stream networks read."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from avaflow.errors import UserError
from avaflow.files import atomic_folder, link
from avaflow.videos.flow_files import AXES, BOUND_PX, FLOW_IMAGE
from avaflow.videos.trim import RAWFRAME

QUALITY = 95
"""OpenCV's own quality of a JPEG, 0 to 100: what the usual tools write flow with."""

NO_CONTRIB = (
    "rawframes.flow: tvl1 needs OpenCV with its contrib modules, and this one has none. Run with "
    "`uv run --with opencv-contrib-python-headless snakemake ...`; in other environments "
    "`pip uninstall opencv-python-headless` and `pip install opencv-contrib-python-headless`, "
    "which holds the same and more. Or set rawframes.flow: none"
)


def tvl1(threads: int = 1):
    """OpenCV's TV-L1 with its own settings; UserError where its contrib modules are missing."""
    import cv2

    make = getattr(getattr(cv2, "optflow", None), "DualTVL1OpticalFlow_create", None)
    if make is None:
        raise UserError(NO_CONTRIB)
    cv2.setNumThreads(threads)
    return make()


def flow_image(flow: np.ndarray) -> np.ndarray:
    """One axis of a flow in pixels, float of shape (height, width), as a grey image, uint8.

    >>> flow_image(np.array([[-30.0, -20.0, 0.0, 10.0, 20.0, 30.0]])).tolist()
    [[0, 0, 128, 191, 255, 255]]
    """
    scaled = (flow + BOUND_PX) * (255 / (2 * BOUND_PX))
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)


def write_flow(frames_folder: Path, frames: int, folder: Path, threads: int = 1) -> None:
    """Write the flow between the frames of a clip, with links to these frames beside it.

    Readers of both find them in one folder, which appears whole or not at all; the links are of
    the kind that :func:`avaflow.files.use_links` was told. Raises
    UserError where a frame cannot be read or contrib is missing.
    """
    import cv2

    method = tvl1(threads)
    with atomic_folder(folder) as temporary:
        before = None
        for number, path in enumerate(_frame_paths(frames_folder, frames)):
            image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if image is None:
                raise UserError(
                    f"{path}: expected a frame of the clip, found no image that can be read. "
                    "Delete the clip's files and run again."
                )
            link(path, temporary / path.name)
            if before is not None:
                flow = method.calc(before, image, None)
                for axis, motion in zip(AXES, (flow[..., 0], flow[..., 1]), strict=True):
                    target = temporary / FLOW_IMAGE.format(axis=axis, number=number)
                    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
                    if not cv2.imwrite(str(target), flow_image(motion), options):
                        raise UserError(f"{target}: the image could not be written")
            before = image


def _frame_paths(folder: Path, frames: int) -> Iterator[Path]:
    return (folder / RAWFRAME.format(frame=frame) for frame in range(1, frames + 1))
