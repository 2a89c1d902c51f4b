"""The figures of the report page, counted from tables of clips.

Tables have the columns `clip` and `split` before their own. What is counted group by group of
clips is added up in :class:`Sums`, so that only short tables of a large project stay in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from avaflow.boxes import areas, iou_of_pairs
from avaflow.evaluation.ava import SAME_PERSON_IOU
from avaflow.project.actions import Action
from avaflow.project.clips import SPLITS
from avaflow.report.reading import Group
from avaflow.tables import BOX, empty_table

BINS = 20
"""Bars of a histogram over 0..1: a twentieth each, which is fine enough to see two humps."""

SMALL_PX, LARGE_PX = 32, 96
"""Sides in pixels of the squares below which a box is small, and above which large, as COCO has
it, so that the shares compare with papers."""

MANY_BOXES = 10
"""Keyframes with so many boxes and more are counted together: crowds have no end."""

SHOWN = ["clip", "second", "person_id"]
"""What tells one person on one keyframe from all others."""


EMPTY_LABELS = empty_table(
    {"clip": str, "split": str, "second": int, "person_id": int, "action_id": int}
)
EMPTY_IDENTITIES = empty_table(
    {"clip": str, "person_id": int, "seconds": float, "gaps": int, "longest_gap_s": float}
)

# ------------------------------------------------------------- counted group by group


@dataclass
class Sums:
    """What is counted over all clips."""

    boxes_per_keyframe: Counter[int] = field(default_factory=Counter)
    """Keyframes by the number of persons followed on them; :data:`MANY_BOXES` and more as one."""
    heights: Counter[int] = field(default_factory=Counter)
    """Boxes on keyframes by their height as a share of the picture, in :data:`BINS` bins."""
    sizes: Counter[str] = field(default_factory=Counter)
    """Boxes on keyframes by :func:`size_classes`."""
    scores: Counter[int] = field(default_factory=Counter)
    """Detections on all frames looked at by score, in :data:`BINS` bins."""
    notes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Boxes that were noted instead of labelled, by split and kind of note."""
    unticked: Counter[str] = field(default_factory=Counter)
    """Persons kept without a tick, by split."""
    unmatched: dict[str, Unmatched] = field(default_factory=dict)
    """By split."""
    labels: list[pd.DataFrame] = field(default_factory=list)
    identities: list[pd.DataFrame] = field(default_factory=list)

    def add(self, group: Group, stride: int, fps: int) -> None:
        """Count a group of clips."""
        self.boxes_per_keyframe += boxes_per_keyframe(group.on_keyframes, group.keyframes)
        boxes = group.on_keyframes
        self.heights += binned(boxes["y2"] - boxes["y1"])
        self.sizes += size_classes(boxes, group.keyframes)
        self.scores += binned(group.detections["score"])
        self.notes += note_kinds(group.notes)
        self.unticked += Counter(group.unticked["split"].tolist())
        for split, found in unmatched(group.labels, group.on_keyframes).items():
            before = self.unmatched.get(split, Unmatched(0, 0, 0))
            self.unmatched[split] = Unmatched(*map(sum, zip(before, found, strict=True)))
        self.labels.append(group.labels[list(EMPTY_LABELS)])
        self.identities.append(identities(group.tracks, stride, fps))

    @property
    def all_labels(self) -> pd.DataFrame:
        """The ticks of all clips."""
        return pd.concat([EMPTY_LABELS, *self.labels], ignore_index=True)

    @property
    def all_identities(self) -> pd.DataFrame:
        """The persons of all clips, as :func:`identities`."""
        return pd.concat([EMPTY_IDENTITIES, *self.identities], ignore_index=True)


class Unmatched(NamedTuple):
    """Persons of finished clips on keyframes: labelled in all, labelled where no box was found,
    and boxes found where nobody was labelled."""

    labelled: int
    not_found: int
    not_labelled: int


def binned(values: pd.Series) -> Counter[int]:
    """Numbers of values in each of :data:`BINS` bins over 0..1.

    >>> binned(pd.Series([0.0, 0.049, 0.05, 1.0]))
    Counter({0: 2, 1: 1, 19: 1})
    """
    # Six decimals are written, so a little is added for what halves a bin's edge by rounding.
    bins = np.clip(((values.to_numpy(float) + 1e-9) * BINS).astype(int), 0, BINS - 1)
    return Counter(bins.tolist())


def boxes_per_keyframe(on_keyframes: pd.DataFrame, keyframes: pd.DataFrame) -> Counter[int]:
    """Keyframes by the number of boxes on them."""
    counts = on_keyframes.groupby(["clip", "second"]).size()
    found = Counter(counts.clip(upper=MANY_BOXES).tolist())
    empty = len(keyframes) - len(counts)
    return found + Counter({0: empty})


def size_classes(boxes: pd.DataFrame, keyframes: pd.DataFrame) -> Counter[str]:
    """Boxes by area in pixels of the clip: small, medium and large."""
    pictures = keyframes.drop_duplicates("clip").set_index("clip")
    pixels = pictures["width"] * pictures["height"]
    area = areas(boxes[BOX].to_numpy()) * boxes["clip"].map(pixels).to_numpy(float)
    small, large = area < SMALL_PX**2, area > LARGE_PX**2
    counts = {"small": small.sum(), "medium": (~small & ~large).sum(), "large": large.sum()}
    return Counter({name: int(count) for name, count in counts.items()})


def note_kinds(notes: pd.DataFrame) -> Counter[tuple[str, str]]:
    """Boxes noted instead of labelled, by split and kind; a kind ends at the note's first colon."""
    of_boxes = notes[notes["box"] != ""]
    kinds = of_boxes["note"].str.split(":", n=1).str[0]
    return Counter(zip(of_boxes["split"].tolist(), kinds.tolist(), strict=True))


def unmatched(labels: pd.DataFrame, on_keyframes: pd.DataFrame) -> dict[str, Unmatched]:
    """By split, the persons of finished clips that only one of annotator and tracker has.

    Boxes are of one person where they overlap by :data:`SAME_PERSON_IOU`.
    """
    labelled = labels.drop_duplicates(SHOWN)[["clip", "split", "second", *BOX]].reset_index()
    found = on_keyframes[on_keyframes["clip"].isin(set(labels["clip"]))]
    found = found[["clip", "split", "second", *BOX]].reset_index()
    pairs = labelled.merge(found, on=["clip", "second"], suffixes=("", "_found"))
    overlap = iou_of_pairs(
        pairs[BOX].to_numpy(), pairs[[f"{name}_found" for name in BOX]].to_numpy()
    )
    same = pairs[overlap >= SAME_PERSON_IOU]
    lost = labelled[~labelled["index"].isin(same["index"])]
    extra = found[~found["index"].isin(same["index_found"])]
    return {
        split: Unmatched(
            int((labelled["split"] == split).sum()),
            int((lost["split"] == split).sum()),
            int((extra["split"] == split).sum()),
        )
        for split in SPLITS
        if split in set(labelled["split"])
    }


def identities(tracks: pd.DataFrame, stride: int, fps: int) -> pd.DataFrame:
    """A row per person of a clip: `seconds` from its first box to its last, `gaps`, and
    `longest_gap_s`.

    A clip is looked at every `stride` frames; 0 says that its tracks tell, by the closest two
    of their frames. A gap is a stretch of looks, between two that have the person, without it.
    """
    if tracks.empty:
        return EMPTY_IDENTITIES
    ordered = tracks[["clip", "person_id", "frame"]].sort_values(["clip", "person_id", "frame"])
    steps = ordered.groupby(["clip", "person_id"])["frame"].diff()
    apart = stride if stride else ordered["clip"].map(looks_apart(tracks))
    missed = (steps - apart).clip(lower=0).fillna(0)
    ordered = ordered.assign(gap=missed > 0, missed_s=missed / fps)
    found = ordered.groupby(["clip", "person_id"], as_index=False).agg(
        first=("frame", "min"),
        last=("frame", "max"),
        gaps=("gap", "sum"),
        longest_gap_s=("missed_s", "max"),
    )
    found["seconds"] = (found["last"] - found["first"]) / fps
    return found[list(EMPTY_IDENTITIES)]


def looks_apart(tracks: pd.DataFrame) -> pd.Series:
    """By clip, the fewest frames between two that have persons; 1 where there are no two."""
    frames = tracks[["clip", "frame"]].drop_duplicates().sort_values(["clip", "frame"])
    return (
        frames.assign(apart=frames.groupby("clip")["frame"].diff())
        .groupby("clip")["apart"]
        .min()
        .fillna(1)
    )


# ------------------------------------------------------------- actions


def ticks_by_split(labels: pd.DataFrame, actions: Sequence[Action]) -> pd.DataFrame:
    """Ticks of every action, one row each in the order of their ids, a column per split."""
    counts = labels.groupby(["action_id", "split"]).size()
    return pd.DataFrame(
        {split: [int(counts.get((action.id, split), 0)) for action in actions] for split in SPLITS},
        index=pd.Index([action.id for action in actions], name="action_id"),
    )


class Balance(NamedTuple):
    """How evenly the actions of a split are ticked; ids of actions, the first of equals.

    `ratio` is ticks of the commonest for one of the rarest that occurs at all.
    """

    split: str
    ticks: int
    commonest: int
    rarest: int
    ratio: float
    never: list[int]
    few: dict[int, int]


def balances(ticks: pd.DataFrame, few: int) -> list[Balance]:
    """The balance of every split that has ticks; `few` are actions with fewer ticks than that,
    and at least one, the rarest first."""
    found = []
    for split in ticks.columns:
        counts = ticks[split]
        seen = counts[counts > 0]
        if seen.empty:
            continue
        ids = seen.index.to_numpy(int)
        commonest, rarest = int(ids[seen.argmax()]), int(ids[seen.argmin()])
        ratio = float(seen.max() / seen.min())
        never = [int(action) for action in counts.index[counts == 0]]
        scarce = seen[seen < few].sort_values(kind="stable")
        below = dict(zip(scarce.index.tolist(), scarce.tolist(), strict=True))
        found.append(Balance(str(split), int(counts.sum()), commonest, rarest, ratio, never, below))
    return found


def together(labels: pd.DataFrame, actions: Sequence[Action]) -> pd.DataFrame:
    """How many persons on keyframes have each two actions; on the diagonal each action alone."""
    ids = [action.id for action in actions]
    if labels.empty:
        return pd.DataFrame(0, index=ids, columns=ids)
    persons = labels.groupby(SHOWN, sort=False).ngroup().to_numpy()
    places = {action: place for place, action in enumerate(ids)}
    # Floats of four bytes are multiplied a hundred times as quickly as whole numbers, and are
    # exact up to 16 million persons.
    ticked = np.zeros((persons.max() + 1, len(ids)), dtype=np.float32)
    ticked[persons, labels["action_id"].map(places).to_numpy(int)] = 1
    return pd.DataFrame((ticked.T @ ticked).astype(int), index=ids, columns=ids)


class Pair(NamedTuple):
    """Two actions of one person: how often, and as a share of the rarer one's persons."""

    left: int
    right: int
    persons: int
    share: float


def pairs_together(matrix: pd.DataFrame) -> list[Pair]:
    """Actions that occur together, the most frequent first."""
    found = []
    for left, right in combinations(matrix.index, 2):
        both = int(matrix.loc[left, right])
        if both:
            rarer = min(int(matrix.loc[left, left]), int(matrix.loc[right, right]))
            found.append(Pair(int(left), int(right), both, both / rarer))
    return sorted(found, key=lambda pair: (-pair.persons, pair.left, pair.right))


# ------------------------------------------------------------- splits


class Range(NamedTuple):
    """Where a clip comes from: `source` tells videos apart, `video` is what users call it. `end`
    is infinite where the video's end is meant."""

    clip: str
    split: str
    source: str
    video: str
    start: float
    end: float


class Leak(NamedTuple):
    """A video with clips in several splits; `overlaps` are pairs of clips that show the same."""

    video: str
    clips: list[Range]
    overlaps: list[tuple[str, str, float]]


def leaks(ranges: Iterable[Range]) -> list[Leak]:
    """Videos of several splits, those first whose clips overlap across splits."""
    by_source: dict[str, list[Range]] = {}
    for one in ranges:
        by_source.setdefault(one.source, []).append(one)
    found = []
    for members in by_source.values():
        if len({one.split for one in members}) < 2:
            continue
        members.sort(key=lambda one: (one.start, one.clip))
        overlaps = [
            (left.clip, right.clip, shared)
            for left, right in combinations(members, 2)
            if left.split != right.split
            and (shared := min(left.end, right.end) - max(left.start, right.start)) > 0
        ]
        found.append(Leak(members[0].video, members, overlaps))
    return sorted(found, key=lambda leak: (not leak.overlaps, leak.video))


def split_sums(clips: pd.DataFrame) -> list[dict[str, object]]:
    """A row per split that has clips, and one of all: sums over the table of clips.

    `clips` is what :func:`avaflow.workflow.account.project_account` gives.
    """
    rows = []
    summed = ["keyframes", "persons", "keyframe_boxes", "labelled_boxes", "ticks"]
    for split in [*SPLITS, "all"]:
        of_split = clips if split == "all" else clips[clips["split"] == split]
        if of_split.empty:
            continue
        row: dict[str, object] = {
            "split": split,
            "clips": len(of_split),
            "finished": int((of_split["state"] == "finished").sum()),
            "seconds": float(of_split["seconds"].sum()),
        }
        rows.append(row | {name: int(of_split[name].sum()) for name in summed})
    return rows
