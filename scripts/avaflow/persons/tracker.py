"""Who is who: a person id for every detection of a clip.

DeepSORT follows persons from frame to frame; what it breaks, the whole clip fixes, since
nothing here has to happen in real time:

1. DeepSORT runs over the detection frames, each track trusted from its first detection.
2. Every detection it leaves over becomes a tracklet of its own.
3. Tracks are cut at long gaps, and where two neighbours neither overlap nor look alike.
4. The resulting tracklets are joined by appearance, never two that share a frame.

A cut of the clip ends all tracks: each shot is followed as if it were a clip of its own.

Linking is agglomerative with average linkage over detections: the distance of two groups
is the mean cosine distance over all pairs of their detections, so one odd crop cannot
join two persons as single linkage would, nor part one as complete linkage would. The
closest permitted pair is always joined first; ties go to the earlier tracklets.

No torch is needed: appearance vectors come ready-made, so settings are re-tuned in seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from avaflow.boxes import iou_matrix
from avaflow.errors import UserError
from avaflow.tables import BOX, TRACKS, empty_table
from avaflow.times import Frame, detection_frames

CUT_GAP_STRIDES = 1.5
"""A track may always miss one detection frame's half again; else sparse strides cut all."""

MOTION_SECONDS = 0.5
"""The stretch at a tracklet's end over which its velocity is fitted."""

MOTION_SLACK_HEIGHTS = 0.5
"""How far, in heights of the person, a continuation may lie from where motion led."""

MOTION_SLACK_HEIGHTS_PER_SECOND = 1.0
"""And how much more per second of the gap: a walking person turns or stops within it."""

MOTION_SIZE_RATIO = 1.6
"""Most ratio of the heights before and after a short gap."""


@dataclass(frozen=True)
class _Tracklet:
    """Detections of one person without a break: row numbers, in order of their frames."""

    rows: np.ndarray


def track_clip(
    detections: pd.DataFrame,
    vectors: np.ndarray,
    fps: int,
    stride: int,
    settings: Mapping,
    size: tuple[int, int] = (16, 9),
    cuts: Sequence[Frame] = (),
) -> pd.DataFrame:
    """Give every detection of one clip a person id.

    `detections` holds the rows of one clip (`frame`, the box columns, `score`), sorted by
    frame; `vectors` their appearance, of shape (N, 1280), one unit row each. `stride` is
    the distance of detection frames; `settings` the config's `tracker`; `size` width and
    height of the image, of which only the ratio matters (DeepSORT's motion model is
    made for square pixels). `cuts` are the frames at which another shot begins: nobody is
    followed across one.

    Returns tables.TRACKS sorted by frame and person id: every detection exactly once, no
    id twice on a frame, ids counted from 1 by first appearance (on one frame, the better
    score first). The same input always gives the same ids.
    """
    if len(detections) != len(vectors):
        raise UserError(
            f"tracking: {len(detections)} detections but {len(vectors)} appearance vectors. "
            "One of the files is of another run: delete both and run again."
        )
    if not len(detections):
        return empty_table(TRACKS)
    table = detections.reset_index(drop=True)
    frames = table["frame"].to_numpy(int)
    boxes = table[BOX].to_numpy(float)
    appearance = np.asarray(vectors, np.float64)
    appearance_norm = np.linalg.norm(appearance, axis=1, keepdims=True)
    appearance = np.divide(
        appearance, appearance_norm, out=np.zeros_like(appearance), where=appearance_norm > 0
    )
    boxes_px = boxes * np.array([size[0], size[1], size[0], size[1]], float)

    scores = table["score"].to_numpy(float)
    shots = np.searchsorted(np.array(sorted(cuts), int), frames, side="right")
    groups: list[np.ndarray] = []
    for shot in np.unique(shots):
        of_shot = np.flatnonzero(shots == shot)
        seen = frames[of_shot], boxes_px[of_shot], appearance[of_shot]
        found = _persons_of_shot(*seen, scores[of_shot], fps, stride, settings)
        groups += [of_shot[rows] for rows in found]

    person = np.zeros(len(table), int)
    order = sorted(groups, key=lambda rows: (frames[rows].min(), rows.min()))
    for number, rows in enumerate(order, start=1):
        person[rows] = number
    table["person_id"] = person
    tracks = table[list(TRACKS)].sort_values(["frame", "person_id"], kind="stable")
    return tracks.reset_index(drop=True)


def _persons_of_shot(
    frames: np.ndarray,
    boxes_px: np.ndarray,
    appearance: np.ndarray,
    scores: np.ndarray,
    fps: int,
    stride: int,
    settings: Mapping,
) -> list[np.ndarray]:
    """The rows of each person of one shot."""
    followed = _follow(frames, boxes_px, scores, appearance, fps, stride, settings)
    tracklets = [
        _Tracklet(part)
        for rows in followed
        for part in _cut(rows, frames, boxes_px, appearance, fps, stride, settings)
    ]
    tracklets.sort(key=lambda tracklet: tracklet.rows[0])
    return _link(tracklets, frames, boxes_px, appearance, fps, settings)


def _follow(
    frames: np.ndarray,
    boxes_px: np.ndarray,
    scores: np.ndarray,
    appearance: np.ndarray,
    fps: int,
    stride: int,
    settings: Mapping,
) -> list[np.ndarray]:
    """Rows of each DeepSORT track, and alone each row that DeepSORT did not take."""
    sorter = _deep_sort(fps, stride, settings)
    # A box without area would be dropped inside while its vector stays, and shift all
    # after it; a vector of zeros has no cosine distance. Neither may reach DeepSORT.
    usable = (boxes_px[:, 2:] > boxes_px[:, :2]).all(axis=1) & appearance.any(axis=1)
    rows_of_frame: dict[int, list[int]] = {}
    for row in np.flatnonzero(usable):
        rows_of_frame.setdefault(int(frames[row]), []).append(int(row))
    visited = set(detection_frames(int(frames.max()), fps, stride)) | set(rows_of_frame)

    rows_of_track: dict[str, list[int]] = {}
    for frame in sorted(visited):  # empty frames too: tracks age by updates
        rows = rows_of_frame.get(frame, [])
        raw = [
            ([*boxes_px[row, :2], *(boxes_px[row, 2:] - boxes_px[row, :2])], scores[row], "person")
            for row in rows
        ]
        tracks = sorter.update_tracks(raw, embeds=[appearance[row] for row in rows], others=rows)
        for track in tracks:
            row = track.get_det_supplementary()  # None where the track met no detection
            if row is not None:
                rows_of_track.setdefault(track.track_id, []).append(row)
    taken = {row for rows in rows_of_track.values() for row in rows}
    left_over = [[row] for row in range(len(frames)) if row not in taken]
    return [np.array(rows) for rows in (*rows_of_track.values(), *left_over)]


def _deep_sort(fps: int, stride: int, settings: Mapping):
    """A new DeepSORT: one per clip, since clearing an old one keeps its appearances."""
    from deep_sort_realtime.deep_sort.track import Track, TrackState
    from deep_sort_realtime.deepsort_tracker import DeepSort

    class TrustedTrack(Track):
        """Confirmed at birth: `n_init` cannot do that, it counts from the second update."""

        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            self.state = TrackState.Confirmed

    sorter = DeepSort(
        embedder=None,
        max_cosine_distance=settings["max_cosine_distance"],
        max_iou_distance=settings["max_iou_distance"],
        nn_budget=settings["nn_budget"],
        max_age=max(1, round(settings["max_age_seconds"] * fps / stride)),
        override_track_class=TrustedTrack,
    )
    # The Kalman filter takes an update for one frame; between ours lie `stride` of them.
    sorter.tracker.kf._std_weight_velocity *= stride
    return sorter


def _cut(
    rows: np.ndarray,
    frames: np.ndarray,
    boxes_px: np.ndarray,
    appearance: np.ndarray,
    fps: int,
    stride: int,
    settings: Mapping,
) -> list[np.ndarray]:
    """A track's rows, split at long gaps and at jumps to somebody who looks different."""
    before, after = rows[:-1], rows[1:]
    longest_s = max(settings["cut_gap_seconds"], CUT_GAP_STRIDES * stride / fps)
    gap_s = (frames[after] - frames[before]) / fps
    disjoint = np.array(
        [
            iou_matrix(boxes_px[a], boxes_px[b])[0, 0] == 0
            for a, b in zip(before, after, strict=True)
        ],
        bool,
    )
    unlike = 1 - (appearance[before] * appearance[after]).sum(axis=1) > settings["cut_distance"]
    cuts = np.flatnonzero((gap_s > longest_s + 1e-9) | (disjoint & unlike)) + 1
    return np.split(rows, cuts)


def _link(
    tracklets: list[_Tracklet],
    frames: np.ndarray,
    boxes_px: np.ndarray,
    appearance: np.ndarray,
    fps: int,
    settings: Mapping,
) -> list[np.ndarray]:
    """Join tracklets of one person; returns the rows of each person.

    A pair may join up to `link_distance` after any gap, and up to `link_near_distance`
    where one takes up the other within `link_near_seconds` and the motion fits.
    """
    count = len(tracklets)
    sizes = np.array([len(tracklet.rows) for tracklet in tracklets], float)
    means = np.stack([appearance[tracklet.rows].mean(axis=0) for tracklet in tracklets])
    distance = 1 - means @ means.T  # of unit vectors: the mean over all pairs of rows
    near = _near(tracklets, frames, boxes_px, fps, settings["link_near_seconds"])
    conflict = _share_a_frame(tracklets, frames)
    members = [[number] for number in range(count)]
    alive = np.ones(count, bool)

    def costs(number: int) -> np.ndarray:
        """Distances of one group to all others, infinite where they may not join."""
        limit = np.where(
            near[number], settings["link_near_distance"], settings["link_distance"]
        ).clip(min=settings["link_distance"])
        row = np.where(
            alive & ~conflict[number] & (distance[number] <= limit), distance[number], np.inf
        )
        row[number] = np.inf
        return row

    best = np.full(count, np.inf)
    partner = np.zeros(count, int)

    def refresh(number: int) -> None:
        row = costs(number)
        partner[number] = int(row.argmin())
        best[number] = row[partner[number]]

    for number in range(count):
        refresh(number)
    while count and np.isfinite(best.min()):
        chosen = int(best.argmin())
        keep, gone = sorted((chosen, int(partner[chosen])))
        weight = sizes[[keep, gone]] / sizes[[keep, gone]].sum()
        joined = weight @ distance[[keep, gone]]
        distance[keep], distance[:, keep] = joined, joined
        for relation in (near, conflict):
            union = relation[keep] | relation[gone]
            relation[keep], relation[:, keep] = union, union
        sizes[keep] += sizes[gone]
        members[keep] += members[gone]
        alive[gone], best[gone] = False, np.inf
        # Only their pairs have changed; each new one is seen from the side of `keep`.
        for touched in np.flatnonzero(alive & np.isin(partner, (keep, gone))).tolist():
            refresh(touched)
        refresh(keep)
    return [
        np.sort(np.concatenate([tracklets[number].rows for number in members[group]]))
        for group in np.flatnonzero(alive)
    ]


def _share_a_frame(tracklets: list[_Tracklet], frames: np.ndarray) -> np.ndarray:
    """Symmetric bool matrix: which pairs are seen together, hence are two persons."""
    from scipy.sparse import csr_array

    _, frame_index = np.unique(frames, return_inverse=True)
    rows = np.concatenate([tracklet.rows for tracklet in tracklets])
    owner = np.repeat(np.arange(len(tracklets)), [len(tracklet.rows) for tracklet in tracklets])
    seen = csr_array(
        (np.ones(len(rows), np.int32), (owner, frame_index[rows])),
        shape=(len(tracklets), frame_index.max() + 1),
    )
    return (seen @ seen.T).toarray() > 0


def _near(
    tracklets: list[_Tracklet],
    frames: np.ndarray,
    boxes_px: np.ndarray,
    fps: int,
    longest_s: float,
) -> np.ndarray:
    """Symmetric bool matrix: which pairs follow each other shortly, with fitting motion.

    The first is led on to where the second begins and the second back to where the first
    ends, each by its own velocity; a continuation fits where the mean of the two misses
    is within the slack, in heights of the person, and the heights are alike.
    """
    count = len(tracklets)
    near = np.zeros((count, count), bool)
    first_s = np.array([frames[tracklet.rows[0]] for tracklet in tracklets]) / fps
    last_s = np.array([frames[tracklet.rows[-1]] for tracklet in tracklets]) / fps
    ends = [_end(tracklet.rows, frames, boxes_px, fps, at_start=False) for tracklet in tracklets]
    starts = [_end(tracklet.rows, frames, boxes_px, fps, at_start=True) for tracklet in tracklets]
    for one in range(count):
        gap_s = first_s - last_s[one]
        for other in np.flatnonzero((gap_s > 0) & (gap_s <= longest_s + 1e-9)):
            place, velocity, height = ends[one]
            other_place, other_velocity, other_height = starts[other]
            if max(height, other_height) > MOTION_SIZE_RATIO * min(height, other_height):
                continue
            gap = gap_s[other]
            forward = np.linalg.norm(place + velocity * gap - other_place)
            backward = np.linalg.norm(other_place - other_velocity * gap - place)
            miss = (forward + backward) / 2 / ((height + other_height) / 2)
            if miss <= MOTION_SLACK_HEIGHTS + MOTION_SLACK_HEIGHTS_PER_SECOND * gap:
                near[one, other] = near[other, one] = True
    return near


def _end(
    rows: np.ndarray, frames: np.ndarray, boxes_px: np.ndarray, fps: int, at_start: bool
) -> tuple[np.ndarray, np.ndarray, float]:
    """Centre, velocity per second and height at one end of a tracklet, in pixels."""
    seconds = frames[rows] / fps
    edge = 0 if at_start else -1
    close = rows[np.abs(seconds - seconds[edge]) <= MOTION_SECONDS + 1e-9]
    centres = (boxes_px[close, :2] + boxes_px[close, 2:]) / 2
    velocity = np.zeros(2)
    if len(close) > 1:
        times = frames[close] / fps
        offsets = times - times.mean()
        velocity = offsets @ (centres - centres.mean(axis=0)) / (offsets @ offsets)
    heights = boxes_px[close, 3] - boxes_px[close, 1]
    return centres[edge], velocity, float(np.median(heights).clip(min=1e-9))
