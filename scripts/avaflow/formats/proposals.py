"""Proposals: the person boxes that training code proposes on every keyframe, as a pickle.

The reader is mmaction2's `AVADataset`: a dict from `'{clip},{timestamp:04d}'` to an array of
shape (N, 5), columns `x1, y1, x2, y2, score`. A missing or differently spelt key silently
becomes one proposal over the full image; a list, an empty array or a coordinate beyond 1
crashes it. It keeps the first rows of an array as they stand, so the best score comes first.

On val and test a person whom the annotator kept without a tick is not proposed: nobody wrote
down what such a person does, so each action truly said of one would count as false. What the
annotator deleted stays proposed: it is the detector's own mistake.
"""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avaflow.boxes import areas, clip_to_image, iou_matrix
from avaflow.errors import UserError
from avaflow.evaluation.ava import SAME_PERSON_IOU
from avaflow.files import write_bytes
from avaflow.formats.array_pickles import StoredArray, read_array_pickle
from avaflow.tables import BOX
from avaflow.times import (
    Frame,
    Instant,
    Moment,
    Second,
    Timestamp,
    frame_of_second,
    timestamp_of_second,
)

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and not needed to plan a run

NOTES = {"clip": str, "second": int}
"""Keyframes on which no person is proposed: they have no key in the pickle."""

READER_SCORE = 0.4
"""Least score at which our configs let a reader use a proposal.

The readers' own 0.8 and 0.9 are made for a Faster R-CNN that is sure of itself; a YOLO's scores
are lower, most of all for people partly hidden. Boxes start at the detector's own confidence
(0.3 by default), and 0.4 leaves out the least certain of them.
"""

DTYPE = np.dtype("<f8")
"""float64, byte order fixed: what `float()` makes of the csv, so that truth and proposals meet
in one dtype in a reader's arithmetic. float32 would save 20 bytes a box and store 0.3 as
0.30000001, which shows in every comparison with a csv."""

PROTOCOL = 2
"""Verified to load under numpy 1.23, 1.26 and 2.4, together with :data:`OLD_MODULE`."""

MOST_BEYOND = 1.5
"""A coordinate above is none in parts of the image, wherever a box reaches out of it."""

NEW_MODULE = "numpy._core.multiarray"
OLD_MODULE = "numpy.core.multiarray"
"""numpy's module of arrays before version 2; numpy 2 still knows it, numpy 1 only it."""


def key_of(clip: str, timestamp: Timestamp) -> str:
    """The key of a keyframe, `clip,0902`."""
    return f"{clip},{timestamp:04d}"


def split_key(key: str) -> Instant:
    """Clip and timestamp of a key."""
    clip, _, timestamp = key.rpartition(",")
    return Instant(clip, Timestamp(int(timestamp)))


def tidy(boxes: np.ndarray) -> np.ndarray:
    """Proposals of one keyframe as readers want them: clamped, none empty, best score first.

    Takes and returns shape (N, 5); equal scores are ordered by their coordinates, so that
    the result does not depend on the order of the input.
    """
    boxes = np.array(boxes, DTYPE).reshape(-1, 5)
    boxes[:, :4] = clip_to_image(boxes[:, :4])
    flipped = (boxes[:, 2] < boxes[:, 0]) | (boxes[:, 3] < boxes[:, 1])
    boxes = boxes[(areas(boxes[:, :4]) > 0) & ~flipped]
    x1, y1, x2, y2, score = boxes.T
    return np.ascontiguousarray(boxes[np.lexsort((y2, x2, y1, x1, -score))])


def build(
    clips: Sequence[str],
    keyframes: Sequence[pd.DataFrame],
    detections: Iterable[pd.DataFrame],
    offset: int,
    fps: int,
    annotated: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]] | None = None,
) -> tuple[dict[str, np.ndarray], list[Moment]]:
    """Proposals of every keyframe of `clips`, and the keyframes (clip, second) without any.

    `keyframes` holds one table (`tables.KEYFRAMES`) per clip in the order of `clips`,
    `detections` tables (`tables.DETECTIONS`) that may cover other clips and frames too.
    `annotated` gives, for finished clips, what is ticked (`tables.LABELS`) and which boxes are
    not (`tables.UNTICKED`): the latter are not proposed.
    """
    boxes: dict[str, list[np.ndarray]] = {}
    second_of: dict[tuple[str, Frame], Second] = {}
    for clip, table in zip(clips, keyframes, strict=True):
        for second, frame in zip(table["second"].tolist(), table["frame"].tolist(), strict=True):
            if frame != frame_of_second(second, fps):
                raise UserError(
                    f"clip {clip}: keyframe of second {second} should be frame "
                    f"{frame_of_second(second, fps)} at {fps} fps, the manifest says {frame}. "
                    "It was made with another fps: delete it and run again"
                )
            second_of[clip, frame] = second
            boxes[key_of(clip, timestamp_of_second(second, offset))] = []
    wanted = set(clips)
    for table in detections:
        at_keyframe = (table["frame"] - 1) % fps == 0
        own = table[at_keyframe & table["clip"].isin(wanted)]
        values = own[[*BOX, "score"]].to_numpy(DTYPE)
        if not np.isfinite(values).all():
            bad = own[~np.isfinite(values).all(axis=1)].iloc[0]
            raise UserError(f"clip {bad['clip']}, frame {bad['frame']}: a detection is not finite")
        instants = zip(own["clip"].tolist(), own["frame"].tolist(), strict=True)
        for (clip, frame), value in zip(instants, values, strict=True):
            shown = second_of.get((clip, frame))
            if shown is not None:
                boxes[key_of(clip, timestamp_of_second(shown, offset))].append(value)
    tidied = {key: tidy(np.array(found)) for key, found in sorted(boxes.items()) if found}
    for clip, (ticked, unticked) in (annotated or {}).items():
        known = boxes_by_second(ticked)
        for second, persons in boxes_by_second(unticked).items():
            key = key_of(clip, timestamp_of_second(second, offset))
            if key in tidied:
                tidied[key] = without_persons(tidied[key], persons, known.get(second, NO_BOX))
    proposals = {key: found for key, found in tidied.items() if len(found)}
    empty = sorted(
        Moment(clip, second)
        for (clip, _), second in second_of.items()
        if key_of(clip, timestamp_of_second(second, offset)) not in proposals
    )
    return proposals, empty


NO_BOX = np.empty((0, 4))
NO_PROPOSAL = np.empty((0, 5))


def boxes_by_second(table: pd.DataFrame) -> dict[Second, np.ndarray]:
    """The boxes of a table of persons on keyframes, each once, of shape (N, 4) by second."""
    once = table[["second", *BOX]].drop_duplicates()
    seconds = sorted(set(once["second"].tolist()))
    return {
        Second(second): once.loc[once["second"] == second, BOX].to_numpy(float)
        for second in seconds
    }


def without_persons(boxes: np.ndarray, persons: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The proposals of a keyframe that show none of `persons`.

    One that overlaps somebody of `others` at least as much shows that person and stays.
    """
    overlap = iou_matrix(boxes[:, :4], persons).max(axis=1, initial=0)
    with_others = iou_matrix(boxes[:, :4], others).max(axis=1, initial=0)
    return boxes[(overlap < SAME_PERSON_IOU) | (with_others >= overlap)]


def best_map(
    labels: Mapping[str, pd.DataFrame], proposals: Mapping[str, np.ndarray], offset: int
) -> tuple[float, int, int]:
    """The mAP of a model that is never wrong, and the labelled persons without and with a proposal.

    `labels` maps clips to tables (`tables.LABELS`). Such a model says of each proposal just
    what is ticked for the person on it, so it misses only persons whom no proposal shows with
    an IoU of :data:`SAME_PERSON_IOU`: the average precision of an action is the share of its
    persons that are proposed, and the mAP the mean over the actions that occur. Proposals
    under :data:`READER_SCORE` count where a keyframe has no better one, as readers take them.
    """
    hits: list[bool] = []
    of_action: dict[int, list[bool]] = {}
    for clip, table in labels.items():
        shown: dict[tuple, bool] = {}
        for second, persons in boxes_by_second(table).items():
            found = proposals.get(key_of(clip, timestamp_of_second(second, offset)), NO_PROPOSAL)
            hit = _shown(persons, found)
            shown |= {(second, *box): hit[i] for i, box in enumerate(persons.tolist())}
        hits += shown.values()
        for row in table.to_dict("records"):
            place = (row["second"], *(row[side] for side in BOX))
            of_action.setdefault(row["action_id"], []).append(shown[place])
    shares = [sum(each) / len(each) for each in of_action.values()]
    return (
        sum(shares) / len(shares) if shares else 1.0,
        len(hits) - sum(hits),
        sum(hits),
    )


def _shown(persons: np.ndarray, found: np.ndarray) -> list[bool]:
    """Whether each person of a keyframe is the one that some proposal shows."""
    sure = found[found[:, 4] >= READER_SCORE]
    used = sure if len(sure) else found[:1]
    shown = np.zeros(len(persons), bool)
    if len(used):
        overlaps = iou_matrix(persons, used[:, :4])
        # A proposal shows one person: the one that it overlaps most.
        reached = overlaps.max(axis=0) >= SAME_PERSON_IOU
        shown[overlaps.argmax(axis=0)[reached]] = True
    return shown.tolist()


def dumps(proposals: Mapping[str, np.ndarray]) -> bytes:
    """The pickle of proposals: the same bytes for the same content, under any numpy.

    The module name that numpy 2 writes is replaced by the one numpy 1 knows, opcode by
    opcode: at protocol 2 a GLOBAL opcode carries its name as text, without a length.
    """
    for key, boxes in proposals.items():
        check_entry(key, boxes)
    plain = {key: np.array(proposals[key], DTYPE, order="C") for key in sorted(proposals)}
    raw = pickle.dumps(plain, PROTOCOL)
    pieces: list[bytes] = []
    copied = 0
    for opcode, argument, start in pickletools.genops(raw):
        if opcode.name != "GLOBAL" or start is None:
            continue
        module, name = str(argument).split(" ")
        if module == NEW_MODULE:
            pieces += [raw[copied:start], f"c{OLD_MODULE}\n{name}\n".encode("ascii")]
            copied = start + len(f"c{NEW_MODULE}\n{name}\n")
    pieces.append(raw[copied:])
    return b"".join(pieces)


def check_entry(key: str, boxes: np.ndarray) -> None:
    """UserError for an entry that the reader would crash on or silently pass by."""
    clip, _, timestamp = key.rpartition(",")
    if not clip or "," in clip or not timestamp.isdigit() or len(timestamp) < 4:
        raise UserError(f"proposals: expected a key like 'clip,0902', found {key!r}")
    if boxes.ndim != 2 or boxes.shape[1] != 5 or not len(boxes):
        raise UserError(f"proposals of {key}: expected shape (N, 5), found {boxes.shape}")
    if not np.isfinite(boxes).all() or boxes[:, :4].min() < 0 or boxes[:, :4].max() > 1:
        raise UserError(f"proposals of {key}: expected coordinates in 0..1, found others")
    if (np.diff(boxes[:, 4]) > 0).any():
        raise UserError(f"proposals of {key}: expected the best score first")


def write_proposals(path: str | Path, proposals: Mapping[str, np.ndarray]) -> None:
    """Write the pickle, whole or not at all."""
    write_bytes(path, dumps(proposals))


def read_proposals(path: str | Path) -> dict[str, np.ndarray]:
    """Read a proposals pickle, ours or a stranger's, without running anything in it.

    Takes dicts, strings and plain numeric numpy arrays, from any pickle protocol, numpy
    version and Python (2 included). Everything else raises UserError. Arrays are returned as
    they were stored, shape (N, 4) or (N, 5), native byte order, read-only.
    """
    found = read_array_pickle(path, "proposals pickle")
    if not isinstance(found, dict):
        raise UserError(f"{path}: expected a dict, found {type(found).__name__}")
    proposals = {}
    for key, value in found.items():
        if not isinstance(key, str):
            raise UserError(f"{path}: expected keys like 'clip,0902', found {key!r}")
        if not isinstance(value, StoredArray):
            raise UserError(f"{path}: expected an array at {key!r}, found {type(value).__name__}")
        try:
            array = value.as_numpy()
        except ValueError as error:
            raise UserError(f"{path}: a damaged array at {key!r} ({error})") from None
        if array.ndim != 2 or array.shape[1] not in (4, 5):
            raise UserError(f"{path}: expected shape (N, 5) at {key!r}, found {array.shape}")
        proposals[key] = array
    return proposals


def detections_of(
    paths: Iterable[str | Path], clips: Mapping[str, str], offset: int, fps: int
) -> pd.DataFrame:
    """Proposals of others as detections on keyframes, a table like `tables.DETECTIONS`.

    `clips` maps each clip, and what else a file may call it, to the clip; keys of other videos are
    passed over. Scores are 1 where a file has none. Raises UserError for a keyframe that two files
    have, and where no key is of any of the clips.
    """
    import pandas as pd

    rows: list[tuple] = []
    first: dict[tuple[str, int], str] = {}
    for path in paths:
        for key, boxes in read_proposals(path).items():
            try:
                name, timestamp = split_key(key)
            except ValueError:
                raise UserError(f"{path}: expected keys like 'clip,0902', found {key!r}") from None
            clip = clips.get(name)
            if clip is None or timestamp < offset:
                continue
            other = first.setdefault((clip, timestamp), f"{path}")
            if other != f"{path}":
                raise UserError(f"{path}: {key!r} is also in {other}: name one of the two files")
            if not np.isfinite(boxes).all() or boxes[:, :4].max(initial=0) > MOST_BEYOND:
                raise UserError(f"{path}: expected boxes in parts of the image, 0 to 1, at {key!r}")
            if boxes.shape[1] == 4:
                boxes = np.column_stack([boxes, np.ones(len(boxes))])
            frame = frame_of_second(Second(timestamp - offset), fps)
            rows += [(clip, frame, *map(float, box)) for box in boxes]
    if clips and not first:
        raise UserError(
            f"proposals: no key in {', '.join(map(str, paths))} is of any clip of this split. A "
            "clip is looked up by its id, or by what the clips table's column known_as calls it"
        )
    return pd.DataFrame(rows, columns=["clip", "frame", *BOX, "score"])


def proposals_of_splits(
    paths: Iterable[str | Path], splits: Iterable[str]
) -> dict[str, dict[str, np.ndarray]]:
    """The proposals of each of `splits`, from files named `dense_proposals_{split}.pkl`."""
    named = {Path(path).stem.removeprefix("dense_proposals_"): path for path in paths}
    return {split: read_proposals(named[split]) for split in splits}
