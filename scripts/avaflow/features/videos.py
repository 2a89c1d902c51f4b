"""Features of whole videos: windows stream through the network, rows into a file."""

import hashlib
import logging
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from avaflow.errors import UserError
from avaflow.features.files import (
    MANIFEST,
    array_path,
    array_writer,
    counted,
    finished,
    manifest_row,
    remove_array,
    skipped,
    write_record,
)
from avaflow.features.makers import FeatureMaker, meaningless
from avaflow.features.windows import Window, Windows, stream_windows
from avaflow.files import sha256
from avaflow.videos.frames import prefetched
from avaflow.videos.instants import FolderInstants, UnreadableVideo, VideoInstants, frame_files
from avaflow.videos.resizing import resizing

OF_CONTENT = (
    "architecture",
    "layer",
    "num_frames",
    "in_fps",
    "out_fps",
    "windows",
    "stride",
    "offset",
    "padding",
    "size",
    "resize",
    "channels",
    "pool",
    "precision",
    "layout",
    "mean",
    "std",
    "box_margin",
    "box_shape",
)
"""The settings of the config's section `features` that decide what is in an array."""

OF_PERSONS = frozenset(["box_margin", "box_shape"])
"""Of these, what means nothing to whole videos."""


class Source(NamedTuple):
    """A video to extract features of.

    `pattern` is that of a folder of frames, empty for a video file. `seconds` are the
    keyframes; None lets every whole second be one.
    """

    name: str
    path: str
    pattern: str = ""
    seconds: tuple[int, ...] | None = None

    def instants(self, fps: float, threads: int = 1) -> VideoInstants | FolderInstants:
        """Its images at regular instants; a folder's images are taken as they are."""
        if self.pattern:
            return FolderInstants(self.path, self.pattern)
        return VideoInstants(self.path, fps, threads)

    def sha256(self) -> str:
        """Of the file, or of the names and contents of a folder's images.

        Raises UnreadableVideo where there is nothing to read.
        """
        try:
            if not self.pattern:
                return sha256(self.path)
            whole = hashlib.sha256()
            for path in frame_files(Path(self.path), self.pattern):
                whole.update(f"{path.name} {sha256(path)}\n".encode())
            return whole.hexdigest()
        except FileNotFoundError:
            raise UnreadableVideo(f"{self.path} is missing") from None
        except OSError as error:
            raise UnreadableVideo(f"{self.path}: cannot be read: {error.strerror}") from error


def deciding(settings: Mapping, without: Container[str]) -> dict:
    """The settings that decide what is in an array by the network that is asked for.

    `without` are those that mean nothing to arrays of this kind, whatever the network.
    """
    nothing = meaningless(settings["architecture"])
    return {
        name: settings[name] for name in OF_CONTENT if name not in nothing and name not in without
    }


def windows_of(settings: Mapping) -> Windows:
    """The windows that the config's section `features` asks for."""
    return Windows(
        num_frames=settings["num_frames"],
        in_fps=settings["in_fps"],
        out_fps=settings["out_fps"],
        centred_on=settings["windows"],
        stride=settings["stride"],
        padding=settings["padding"],
        offset=settings["offset"],
    )


def window_groups(
    source: Source,
    instants: VideoInstants | FolderInstants,
    windows: Windows,
    settings: Mapping,
) -> Iterator[list[Window]]:
    """The windows of a video in groups of `batch`, their images resized.

    `settings` is the config's section `features`. A thread of its own decodes, so that the
    next group is ready when the network is.
    """
    resize, size, batch = settings["resize"], settings["size"], settings["batch"]
    reverse = settings["channels"] == "bgr"

    def resized(image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        made = resizing(width, height, resize, size).image(image)
        return np.ascontiguousarray(made[..., ::-1]) if reverse else made

    stream = prefetched(
        stream_windows(instants, windows, source.seconds, resized), depth=max(2, batch)
    )
    try:
        while group := list(islice(stream, batch)):
            yield group
    finally:
        stream.close()


def stacked(group: Sequence[Window]) -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 (windows, frames, height, width, 3), and where there is one, bool."""
    shown = np.array([[image is not None for image in one.images] for one in group])
    some = next(image for image in group[0].images if image is not None)
    images = np.zeros((*shown.shape, *some.shape), np.uint8)
    for row, window in enumerate(group):
        for column, image in enumerate(window.images):
            if image is not None:
                images[row, column] = image
    return images, shown


def check_finite(features: np.ndarray, name: str, seconds: Sequence[float] | np.ndarray) -> None:
    """UserError, naming video and window, where a feature is not a number.

    `seconds` are the centres of the windows, one per row.
    """
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(bad):
        raise UserError(
            f"{name}: the feature of the window centred on {seconds[bad[0]]:.3f} s holds values "
            "that are no numbers (NaN or infinite). In `precision: float16` the network may run "
            "over: use bfloat16 or full. Otherwise the weights are damaged or of another network."
        )


def write_features(
    source: Source,
    windows: Windows,
    settings: Mapping,
    model: FeatureMaker,
    array: Path,
    threads: int = 1,
) -> tuple[list[float], int, str]:
    """Write the features of one video; returns the windows' centres in seconds, the number of
    damages met, and a note.

    Raises UnreadableVideo for a video that cannot be used, UserError for features that are
    no numbers. Nothing is left of an array that did not come to its end.
    """
    instants = source.instants(windows.in_fps, threads)
    centres: list[float] = []
    with array_writer(array, model.dimensions) as writer:
        for group in window_groups(source, instants, windows, settings):
            seconds = [window.centre / windows.in_fps for window in group]
            features = model.features(*stacked(group))
            check_finite(features, source.name, seconds)
            writer.write(features)
            centres += seconds
    return centres, instants.damages, noticed(instants, windows, len(centres))


def noticed(instants: VideoInstants | FolderInstants, windows: Windows, made: int) -> str:
    """What a user should know of a video that was read as far as windows are wanted.

    `made` is how many windows it gave.
    """
    notes = []
    span = windows.step * windows.num_frames
    if windows.offset and not made:
        notes.append(
            f"no window: it has {counted(instants.frames, 'frame')}, and ends before the first "
            "that features.offset asks for"
        )
    elif instants.ended and instants.frames < span:
        notes.append(
            f"{counted(instants.frames, 'frame')} {'is' if instants.frames == 1 else 'are'} fewer "
            f"than a window of {span}, so every window is padded"
        )
    if instants.damages:
        places = counted(instants.damages, "place")
        notes.append(f"damaged in {places}; the image before was shown on")
    return "; ".join(notes)


def features_of_batch(
    sources: Sequence[Source],
    folder: str | Path,
    settings: Mapping,
    made_with: Mapping,
    model: Callable[[], FeatureMaker],
    threads: int = 1,
) -> pd.DataFrame:
    """Features of all videos of a batch, as files under `folder`; returns its manifest.

    `settings` is the config's section `features`, `made_with` tells weights and code. An
    array that was made of the same video in the same way is kept, so that one new video
    costs its own work only. A video that cannot be read is recorded and passed over.
    """
    log = logging.getLogger("avaflow")
    loaded = cache(model)
    windows = windows_of(settings)
    on_keyframes = windows.centred_on == "keyframes"
    rows = []
    for source in sorted(sources):
        array = array_path(folder, source.name, windows.num_frames)
        try:
            made_of = {
                "name": source.name,
                **made_with,
                **deciding(settings, OF_PERSONS),
                "keyframes": list(source.seconds) if on_keyframes and source.seconds else None,
                "source_sha256": source.sha256(),
            }
            row = finished(array, made_of)
            if row is None:
                remove_array(array)
                centres, damages, note = write_features(
                    source, windows, settings, loaded(), array, threads
                )
                row = write_record(array, made_of, len(centres), centres, damages, note)
                log.info(
                    "%s: %s%s", source.name, counted(len(centres), "window"), note and f"; {note}"
                )
            else:
                log.info("%s: kept, %s", source.name, counted(row["rows"], "window"))
        except UnreadableVideo as error:
            remove_array(array)
            row = skipped(str(error))
            log.warning("%s: skipped: %s", source.name, error)
        rows.append(manifest_row(source.name, windows.num_frames, row))
    return pd.DataFrame(rows, columns=list(MANIFEST))
