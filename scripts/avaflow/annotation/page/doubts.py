"""Where the tracker was least sure, for an annotator to say yes or no."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from avaflow.annotation.page.places import tracks_by_id
from avaflow.tables import BOX
from avaflow.times import Frame

NEAR_THRESHOLD = 0.05
"""Cosine distance above the tracker's thresholds up to which two tracks may be one after all."""

SHORT_DETECTIONS = 2
"""A track of so few detections is doubted: it may be no person, or somebody's lost moment."""

MOST_DOUBTS = 100
"""Doubts of one kind that are asked at most: more would be work of its own."""

DISTANCE_DECIMALS = 3


class Doubt(NamedTuple):
    """A question on one or two tracks, and a frame to look at."""

    kind: str
    tracks: tuple[int, ...]
    frame: Frame
    distance: float | None = None

    def content(self) -> dict:
        """As the page gets it."""
        entry = self._asdict() | {"tracks": list(self.tracks)}
        return {name: value for name, value in entry.items() if value is not None}


def on_keyframes(tracks: pd.DataFrame, keyframes: pd.DataFrame) -> pd.DataFrame:
    """Those tracks that are seen on a keyframe: of others nothing is labelled, so that whatever
    somebody answers about them changes nothing."""
    seen = tracks.loc[tracks["frame"].isin(keyframes["frame"]), "person_id"]
    return tracks[tracks["person_id"].isin(seen)]


def short_tracks(tracks: pd.DataFrame) -> list[Doubt]:
    """A doubt for each track that was seen hardly."""
    doubts = [
        Doubt("short", (number,), Frame(int(track.frames[0])))
        for number, track in tracks_by_id(tracks).items()
        if len(track.frames) <= SHORT_DETECTIONS
    ]
    return doubts[:MOST_DOUBTS]


def near_joins(
    tracks: pd.DataFrame,
    detections: pd.DataFrame,
    vectors: np.ndarray,
    settings: Mapping[str, float],
) -> list[Doubt]:
    """Pairs of tracks that the tracker nearly joined, the nearest first.

    Their distance is the tracker's, the mean cosine distance of their detections; it lies above
    the threshold by :data:`NEAR_THRESHOLD` at most. Tracks seen together are two persons. The
    rows of `vectors` are those of `detections`; `settings` are the config's `tracker`.
    """
    people = _owners(tracks, detections)
    by_id = tracks_by_id(tracks)
    numbers = sorted(by_id)
    if len(numbers) < 2:
        return []
    means = np.stack([_mean(vectors, people == number) for number in numbers])
    distance = 1 - means @ means.T
    limit = max(settings["link_distance"], settings["link_near_distance"]) + NEAR_THRESHOLD
    doubts = []
    for one, other in zip(*np.nonzero(np.triu(distance <= limit, k=1)), strict=True):
        first, second = numbers[one], numbers[other]
        a, b = by_id[first].frames, by_id[second].frames
        if a[0] > b[0]:
            a, b = b, a
        if np.intersect1d(a, b).size:
            continue
        # Only near ones could join at the greater distance; of others it is far above.
        gap_s = (b[0] - a[-1]) / settings["fps"]
        near = 0 < gap_s <= settings["link_near_seconds"]
        bound = settings["link_near_distance"] if near else settings["link_distance"]
        if distance[one, other] > max(bound, settings["link_distance"]) + NEAR_THRESHOLD:
            continue
        value = round(float(distance[one, other]), DISTANCE_DECIMALS)
        doubts.append(Doubt("join", (first, second), Frame(int(b[0])), value))
    doubts.sort(key=lambda doubt: (doubt.distance, doubt.tracks))
    return doubts[:MOST_DOUBTS]


def _mean(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The mean of a track's unit vectors; one that is like nobody where it has none.

    Track by track: those of a long clip are gigabytes in double precision.
    """
    if not rows.any():
        return np.zeros(vectors.shape[1])
    own = vectors[rows].astype(np.float64)
    norm = np.linalg.norm(own, axis=1, keepdims=True)
    return np.divide(own, norm, out=np.zeros_like(own), where=norm > 0).mean(axis=0)


def _owners(tracks: pd.DataFrame, detections: pd.DataFrame) -> np.ndarray:
    """The track of each detection, 0 for none: a track's rows are the detections' own."""
    places = ["frame", *BOX]
    known = {tuple(row): number for *row, number in tracks[[*places, "person_id"]].to_numpy()}
    return np.array([int(known.get(tuple(row), 0)) for row in detections[places].to_numpy()], int)
