"""Who is learnt from: persons on keyframes who have a feature, and what annotators said of them.

A feature is what a network saw in the box of a track. Annotators mend boxes and draw others, so
each annotated person is looked for among the tracks of the same keyframe. Persons of whom nobody
said what they do (`.unticked.csv`) are neither examples nor mistakes; those judged to do nothing
of the list (`.idle.csv`) are examples of every "no".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from avaflow.boxes import iou_matrix
from avaflow.errors import UserError
from avaflow.evaluation.ava import SAME_PERSON_IOU
from avaflow.features.files import MADE, MANIFEST
from avaflow.files import sha256
from avaflow.tables import BOX, Label, Unticked, read_table, rows_of
from avaflow.times import Second, frame_of_second

NOWHERE = -1
"""The row of an annotated person who has no feature."""

TWINS = 0.999
"""From this cosine on, of standardised features, two persons are the same picture: frames of one
person a second apart stay below it."""

AT_ONCE = 512
"""Persons compared with all others at a time: 200 MB of float32 for 100,000."""


class Judged(NamedTuple):
    """What annotators said of a clip: `tables.LABELS`, `UNTICKED` twice, and `NOBODY`."""

    labels: pd.DataFrame
    idle: pd.DataFrame
    unticked: pd.DataFrame
    nobody: pd.DataFrame


@dataclass(frozen=True)
class Persons:
    """All persons of the finished clips.

    `featured` has a row a feature: clip, second, person_id (of the track), x1 to y2, score (of
    the detector) and `unknown`, whether nobody said what this person does; `vectors` are the
    features in that order. `judged` has a row an annotated person: clip, second, x1 to y2, and
    `feature`, the row in `featured`, or :data:`NOWHERE`; `targets` (N, actions) say what each
    does, a column an action by its id from 1. On the keyframes `excluded`, (clip, second), nobody
    was judged.
    """

    featured: pd.DataFrame
    vectors: np.ndarray
    judged: pd.DataFrame
    targets: np.ndarray
    excluded: set[tuple[str, int]]


def featured_persons(
    index: pd.DataFrame, tracks: Mapping[str, pd.DataFrame], fps: int
) -> pd.DataFrame:
    """The rows of the index of features that are of these clips, with boxes from their tracks.

    `index` is `features.files.PERSON_INDEX`, `tracks` are tables of `tables.TRACKS` by clip.
    Columns clip, second, person_id, x1 to y2, score, and the file and row of each feature.
    """
    parts = []
    own = index[index["clip"].isin(list(tracks))]
    for clip, rows in own.groupby("clip", sort=True):
        table = tracks[str(clip)]
        rows = rows.assign(frame=[frame_of_second(second, fps) for second in rows["second"]])
        # As `features.persons.keyframe_boxes` has sorted them, also should two share a number.
        order = ["frame", "person_id", *BOX]
        boxes = table[table["frame"].isin(rows["frame"])].sort_values(order, kind="stable")
        rows = rows.sort_values("row", kind="stable")
        keys = ["frame", "person_id"]
        if not np.array_equal(rows[keys].to_numpy(), boxes[keys].to_numpy()):
            raise UserError(
                f"clip {clip}: its features are of {_boxes(len(rows))}, and its tracks have "
                f"{_boxes(len(boxes))} on these keyframes, or others: they were made from other "
                "tracks. Delete person_feature_batches in the results folder and run again"
            )
        parts.append(rows.assign(**{name: boxes[name].to_numpy() for name in [*BOX, "score"]}))
    columns = ["clip", "second", "person_id", *BOX, "score", "file", "row"]
    if not parts:
        return pd.DataFrame({name: [] for name in columns})
    return pd.concat(parts, ignore_index=True)[columns]


def _boxes(number: int) -> str:
    return "1 box" if number == 1 else f"{number} boxes"


def read_vectors(
    featured: pd.DataFrame, manifests: Sequence[str | Path], folder: str | Path
) -> np.ndarray:
    """The features of these rows, float32 (N, dimensions).

    `manifests` are those of the batches (`features.files.MANIFEST`), whose checksums the arrays
    under `folder` must have. UserError for an array that is missing or another, or of another
    length than the rest.
    """
    tables = [read_table(path, MANIFEST) for path in manifests]
    made = pd.concat(tables) if tables else pd.DataFrame({name: [] for name in MANIFEST})
    made = made[made["status"] == MADE]
    checksums = dict(zip(made["file"].tolist(), made["sha256"].tolist(), strict=True))
    vectors = np.zeros((len(featured), 0), np.float32)
    for file, rows in featured.groupby("file", sort=True):
        path = Path(folder, str(file))
        if not path.is_file() or sha256(path) != checksums.get(str(file)):
            raise UserError(
                f"{path}: this array of features is missing, or not as it was made. Delete "
                f"{file} and what is called like it, and person_feature_batches in the results "
                "folder, and run again: what is whole stays"
            )
        found = np.load(path, allow_pickle=False, mmap_mode="r")
        if not vectors.shape[1]:
            vectors = np.zeros((len(featured), found.shape[1]), np.float32)
        if found.shape[1] != vectors.shape[1]:
            raise UserError(
                f"{path}: its features have {found.shape[1]} numbers, those of other clips "
                f"{vectors.shape[1]}: they were made with different networks. Delete "
                "person_feature_batches in the results folder and run again"
            )
        vectors[rows.index.to_numpy()] = found[rows["row"].to_numpy()]
    return vectors


def join(
    featured: pd.DataFrame,
    vectors: np.ndarray,
    judged: Mapping[str, Judged],
    seconds: Mapping[str, Sequence[Second]],
    actions: int,
) -> Persons:
    """Features and what annotators said, joined. `seconds` are each clip's keyframes."""
    places = _by_keyframe(featured)
    boxes = featured[BOX].to_numpy(float)
    tracks = featured["person_id"].to_numpy(int)
    unknown = np.zeros(len(featured), bool)
    rows: list[tuple] = []
    targets: list[list[int]] = []
    excluded: set[tuple[str, int]] = set()
    for clip in sorted(judged):
        said = judged[clip]
        persons = _annotated(said)
        for second, here in sorted(persons.items()):
            own = places.get((clip, second), NO_PLACES)
            matched = match(
                np.array([person.box for person in here]),
                [person.person_id for person in here],
                boxes[own],
                tracks[own],
            )
            for person, at in zip(here, matched, strict=True):
                feature = NOWHERE if at == NOWHERE else int(own[at])
                if person.action_ids is None:
                    if feature != NOWHERE:
                        unknown[feature] = True
                    continue
                rows.append((clip, second, *person.box, feature))
                targets.append(person.action_ids)
        known = set(said.labels["second"].tolist()) | set(said.nobody["second"].tolist())
        excluded |= {(clip, second) for second in seconds[clip] if second not in known}
    table = pd.DataFrame(rows, columns=["clip", "second", *BOX, "feature"])
    truth = np.zeros((len(rows), actions), bool)
    for number, ids in enumerate(targets):
        truth[number, np.array(ids, int) - 1] = True
    return Persons(featured.assign(unknown=unknown), vectors, table, truth, excluded)


NO_PLACES = np.zeros(0, int)


class Annotated(NamedTuple):
    """A person on a keyframe; `action_ids` are None where nobody said what this person does, and
    `person_id` is 0 where the table does not know it."""

    box: tuple[float, ...]
    person_id: int
    action_ids: list[int] | None


def _annotated(said: Judged) -> dict[Second, list[Annotated]]:
    """The persons of a clip by second, each once."""
    ticked: dict[tuple, list[int]] = defaultdict(list)
    for row in rows_of(said.labels, Label):
        ticked[row.second, row.person_id, (row.x1, row.y1, row.x2, row.y2)].append(row.action_id)
    found: dict[Second, list[Annotated]] = defaultdict(list)
    for (second, person, box), ids in sorted(ticked.items()):
        found[second].append(Annotated(box, person, ids))
    for table, ids_of_all in ((said.idle, []), (said.unticked, None)):
        for one in rows_of(table, Unticked):
            box = (one.x1, one.y1, one.x2, one.y2)
            found[one.second].append(Annotated(box, 0, ids_of_all))
    return found


def match(
    boxes: np.ndarray, person_ids: Sequence[int], tracked: np.ndarray, track_ids: Sequence[int]
) -> list[int]:
    """For each annotated box of a keyframe the track on it, :data:`NOWHERE` for none.

    The pairs of the largest overlap first, each track once, from :data:`SAME_PERSON_IOU` on, as
    AVA's evaluation takes boxes for the same person. Of what is left, a box that touches the
    track of its own number was mended far, and is still that person's.

    >>> left, low = [0.0, 0.0, 0.4, 1.0], [0.0, 0.7, 0.4, 1.0]
    >>> match(np.array([low, [0.8, 0, 1, 1]]), [1, 2], np.array([left, [0.5, 0, 0.7, 1]]), [1, 2])
    [0, -1]
    """
    found = [NOWHERE] * len(boxes)
    if not len(boxes) or not len(tracked):
        return found
    overlap = iou_matrix(boxes, tracked)
    taken: set[int] = set()
    for place in np.argsort(-overlap, axis=None, kind="stable").tolist():
        row, column = divmod(place, len(tracked))
        if overlap[row, column] <= 0:
            break
        same = person_ids[row] > 0 and person_ids[row] == track_ids[column]
        near = overlap[row, column] >= SAME_PERSON_IOU
        if (near or same) and found[row] == NOWHERE and column not in taken:
            found[row] = column
            taken.add(column)
    return found


def _by_keyframe(featured: pd.DataFrame) -> dict[tuple[str, int], np.ndarray]:
    keys = zip(featured["clip"].tolist(), featured["second"].tolist(), strict=True)
    places: dict[tuple[str, int], list[int]] = defaultdict(list)
    for number, key in enumerate(keys):
        places[key].append(number)
    return {key: np.array(each) for key, each in places.items()}


def twins(
    vectors: np.ndarray, others: np.ndarray, mean: np.ndarray, spread: np.ndarray
) -> list[tuple[int, int]]:
    """Rows of `vectors` that are the same picture as a row of `others`, with the nearest such.

    `mean` and `spread` of shape (dimensions,) standardise them: those of training.
    """
    if not len(vectors) or not len(others):
        return []
    ours, theirs = (_directions(each, mean, spread) for each in (vectors, others))
    found = []
    for begin in range(0, len(ours), AT_ONCE):
        alike = ours[begin : begin + AT_ONCE] @ theirs.T
        nearest = alike.argmax(axis=1)
        near = np.flatnonzero(alike[np.arange(len(alike)), nearest] >= TWINS)
        found += [(begin + int(at), int(nearest[at])) for at in near]
    return found


def _directions(vectors: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    values = (vectors - mean.astype(np.float32)) / spread.astype(np.float32)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.where(lengths > 0, lengths, 1)
