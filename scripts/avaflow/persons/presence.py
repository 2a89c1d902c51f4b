"""At which seconds of a video of any kind somebody is in view, by looks far apart."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from avaflow.persons.detector import Detector
from avaflow.videos.instants import VideoInstants

IMAGES_AT_ONCE = 4
"""Images of a forward pass: few, because here whole images of any size wait in memory."""


class Looks(NamedTuple):
    """Whether somebody was seen at second 0, `every`, 2 * `every`, ... of a video, and the number
    of places where it is damaged."""

    seen: list[bool]
    every: float
    damages: int = 0


def look_through(video: str | Path, detector: Detector, every: float, threads: int = 1) -> Looks:
    """Look for persons every so many seconds.

    Images between looks on which no other depends are not decoded. Raises UserError for a video
    that cannot be read.
    """
    instants = VideoInstants(video, 1 / every, threads)
    seen: list[bool] = []
    for group in _groups(instants, every):
        seen += [len(persons) > 0 for persons in detector.detect(group)]
    return Looks(seen, every, instants.damages)


def _groups(instants: VideoInstants, every: float) -> Iterator[list[np.ndarray]]:
    group: list[np.ndarray] = []
    for number, load in instants:
        # An image's buffer is used again, and the detector takes BGR.
        group.append(np.ascontiguousarray(load()[:, :, ::-1]))
        instants.idle_until = (number + 1) * every
        if len(group) == IMAGES_AT_ONCE:
            yield group
            group = []
    if group:
        yield group
