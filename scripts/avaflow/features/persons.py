"""Features of persons: what the network saw in each person's box on a keyframe."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from avaflow.features.files import (
    MANIFEST,
    PERSON_ROWS,
    array_path,
    array_writer,
    digest,
    finished,
    manifest_row,
    remove_array,
    skipped,
    write_record,
)
from avaflow.features.makers import FeatureMaker
from avaflow.features.videos import (
    Source,
    check_finite,
    deciding,
    stacked,
    window_groups,
    windows_of,
)
from avaflow.features.windows import Windows
from avaflow.tables import BOX, write_table
from avaflow.times import Second, frame_of_second
from avaflow.videos.frames import ClipVideo
from avaflow.videos.instants import UnreadableVideo
from avaflow.videos.resizing import resizing

OF_WHOLE_VIDEOS = ("windows", "stride", "offset", "pool")
"""Settings that mean nothing to persons, who are seen on keyframes, each in their own box."""


def whole_image(resize: str) -> str:
    """How images are resized for persons: a crop would lose those at the sides."""
    return "whole" if resize == "crop" else resize


def keyframe_boxes(tracks: pd.DataFrame, seconds: Sequence[Second], fps: int) -> pd.DataFrame:
    """The boxes of tracks.TRACKS on keyframes: columns second, person_id and tables.BOX, sorted."""
    second_of = {frame_of_second(second, fps): second for second in seconds}
    found = tracks[tracks["frame"].isin(second_of)]
    boxes = found.assign(second=found["frame"].map(second_of))[["second", "person_id", *BOX]]
    return boxes.sort_values(["second", "person_id", *BOX]).reset_index(drop=True)


def write_person_features(
    video: ClipVideo,
    boxes: pd.DataFrame,
    windows: Windows,
    settings: Mapping,
    model: FeatureMaker,
    array: Path,
    threads: int = 1,
) -> None:
    """Write the feature of each box, row by row in the order of `boxes` (:func:`keyframe_boxes`).

    Raises UnreadableVideo for a clip that cannot be used, UserError for features that are
    no numbers.
    """
    if model.whole_images:
        # Of full size, so one window at a time; `batch` counts the boxes cut out of them.
        settings = {**settings, "resize": "own", "batch": 1}
    else:
        settings = {**settings, "resize": whole_image(settings["resize"])}
    geometry = resizing(video.width, video.height, settings["resize"], settings["size"])
    by_second = {
        second: boxes.loc[boxes["second"] == second, BOX].to_numpy(float)
        for second in sorted(set(boxes["second"].tolist()))
    }
    on_keyframes = replace(windows, centred_on="keyframes", stride=1, offset=0)
    source = Source(video.clip, video.path, seconds=tuple(by_second))
    second_of = {round(second * windows.in_fps): second for second in by_second}
    with array_writer(array, model.dimensions) as writer:
        if not by_second:
            return
        instants = source.instants(windows.in_fps, threads)
        for group in window_groups(source, instants, on_keyframes, settings):
            seconds = [second_of[window.centre] for window in group]
            parts = [by_second[second] for second in seconds]
            features = model.roi_features(
                *stacked(group), [geometry.boxes_px(part) for part in parts]
            )
            check_finite(features, video.clip, np.repeat(seconds, [len(part) for part in parts]))
            writer.write(features)


def person_features_of_batch(
    videos: Sequence[ClipVideo],
    tracks: Mapping[str, pd.DataFrame],
    seconds: Mapping[str, Sequence[Second]],
    sha256s: Mapping[str, str],
    folder: str | Path,
    settings: Mapping,
    made_with: Mapping,
    model: Callable[[], FeatureMaker],
    threads: int = 1,
) -> pd.DataFrame:
    """Features of the persons of all clips of a batch, under `folder`; returns its manifest.

    By clip, `tracks` are tables of tables.TRACKS, `seconds` the keyframes and `sha256s` the
    clips' checksums. Beside each array lies a csv, feature_files.PERSON_ROWS, that says
    whose row is which. As for whole videos, what was made in the same way is kept.
    """
    log = logging.getLogger("avaflow")
    loaded = cache(model)
    windows = windows_of(settings)
    rows = []
    for video in videos:
        array = array_path(folder, video.clip, windows.num_frames)
        boxes = keyframe_boxes(tracks[video.clip], seconds[video.clip], video.fps)
        made_of = {
            "name": video.clip,
            **made_with,
            **deciding(settings, OF_WHOLE_VIDEOS),
            "source_sha256": sha256s[video.clip],
            "boxes_sha256": digest(boxes.to_csv(index=False, float_format="%.6f")),
        }
        try:
            row = finished(array, made_of)
            if row is None:
                remove_array(array)
                write_person_features(video, boxes, windows, settings, loaded(), array, threads)
                row = write_record(array, made_of, len(boxes), boxes["second"].tolist())
                log.info("%s: %s", video.clip, _boxes(len(boxes)))
            else:
                log.info("%s: kept, %s", video.clip, _boxes(len(boxes)))
            # Costs nothing, and fixes a table that was changed by hand.
            table = boxes.assign(clip=video.clip, row=range(len(boxes)))
            write_table(array.with_suffix(".csv"), table, PERSON_ROWS)
        except UnreadableVideo as error:
            remove_array(array)
            row = skipped(str(error))
            log.warning("%s: skipped: %s", video.clip, error)
        rows.append(manifest_row(video.clip, windows.num_frames, row))
    return pd.DataFrame(rows, columns=list(MANIFEST))


def _boxes(number: int) -> str:
    return "1 box" if number == 1 else f"{number} boxes"
