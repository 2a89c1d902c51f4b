"""Where the persons of an annotation are on keyframes.

The one rule by which labels are read and pages are filled; `tracks.js` has the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from avaflow.annotation.identities import SAME_BOX_PX
from avaflow.annotation.page.model import Anchor, AnnotatedPerson, Stretch
from avaflow.boxes import Corners
from avaflow.tables import BOX, Keyframe
from avaflow.times import Frame, Second

LINE_SECONDS = 3
"""Two mended boxes that are less apart are joined by a line where no track is between them: a
person who was boxed by hand on both sides was there, and has hardly turned meanwhile."""


class Track(NamedTuple):
    """The detections of one track: their frames in order, and a box on each."""

    frames: np.ndarray
    boxes: np.ndarray

    def at(self, frame: int) -> Corners | None:
        """Its box on a frame; None where it has none."""
        place = int(np.searchsorted(self.frames, frame))
        if place == len(self.frames) or self.frames[place] != frame:
            return None
        x1, y1, x2, y2 = self.boxes[place].tolist()
        return x1, y1, x2, y2

    def within(self, first: int, last: int) -> np.ndarray:
        """Its frames from `first` to `last`, both included."""
        return self.frames[(self.frames >= first) & (self.frames <= last)]


def tracks_by_id(tracks: pd.DataFrame) -> dict[int, Track]:
    """A clip's tracks (`tables.TRACKS`) by id, their boxes cut to the image."""
    ordered = tracks.sort_values(["person_id", "frame"], kind="stable")
    ids = ordered["person_id"].to_numpy(int)
    frames = ordered["frame"].to_numpy(int)
    boxes = ordered[BOX].to_numpy(float).clip(0, 1)
    numbers, starts = np.unique(ids, return_index=True)
    parts = zip(np.split(frames, starts[1:]), np.split(boxes, starts[1:]), strict=True)
    return {number: Track(*part) for number, part in zip(numbers.tolist(), parts, strict=False)}


def is_as_then(
    stretch: Stretch,
    person: AnnotatedPerson,
    track: Track | None,
    keyframes: Sequence[Keyframe],
) -> bool:
    """Whether a stretch of a track shows what it showed to the annotator.

    Its boxes on keyframes have to be the anchors; where the annotator mended or removed the
    person, no anchor need tell.
    """
    if track is None:
        return False
    anchors = {anchor.frame: anchor.box for anchor in stretch.anchors}
    silent = {*person.removed, *(box.second for box in person.boxes)}
    for keyframe in keyframes:
        if not stretch.first <= keyframe.frame <= stretch.last:
            continue
        then, now = anchors.get(keyframe.frame), track.at(keyframe.frame)
        if then is None or now is None:
            if then is not now and keyframe.second not in silent:
                return False
            continue
        scale = np.array([keyframe.width, keyframe.height] * 2)
        if np.abs((np.array(then) - now) * scale).max() > SAME_BOX_PX:
            return False
    return True


def seen_frames(
    person: AnnotatedPerson, tracks: Mapping[int, Track], keyframes: Sequence[Keyframe]
) -> list[Frame]:
    """Frames on which the tracks of a person have a box, also between keyframes.

    Of a track that is another than then only the anchors are known.
    """
    frames: set[Frame] = set()
    for stretch in person.tracks:
        frames |= {anchor.frame for anchor in stretch.anchors}
        track = tracks.get(stretch.track)
        if track and is_as_then(stretch, person, track, keyframes):
            frames |= {Frame(int(each)) for each in track.within(stretch.first, stretch.last)}
    return sorted(frames)


def boxes_on_keyframes(
    person: AnnotatedPerson, keyframes: Iterable[Keyframe], seen: Sequence[Frame]
) -> dict[Second, Corners]:
    """The box of a person on each keyframe where the person is present.

    A mended box counts first, then the track's as the annotator saw it, then the line between
    two mended boxes less than :data:`LINE_SECONDS` apart without a track between them. `seen`
    are the frames of :func:`seen_frames`.
    """
    ordered = sorted(keyframes)
    mended = dict(person.boxes)
    anchors: dict[Frame, Corners] = {}
    for stretch in sorted(person.tracks, key=lambda each: (each.first, each.track)):
        for anchor in stretch.anchors:
            anchors.setdefault(anchor.frame, anchor.box)
    hands = [Anchor(k.frame, mended[k.second]) for k in ordered if k.second in mended]
    seconds = {k.frame: k.second for k in ordered}
    places: dict[Second, Corners] = {}
    for keyframe in ordered:
        if keyframe.second in person.removed:
            continue
        box = mended.get(keyframe.second) or anchors.get(keyframe.frame)
        box = box or _on_line(keyframe.frame, hands, seconds, seen)
        if box:
            places[keyframe.second] = box
    return places


def _on_line(
    frame: Frame, hands: Sequence[Anchor], seconds: Mapping[Frame, Second], seen: Sequence[Frame]
) -> Corners | None:
    before = [hand for hand in hands if hand.frame < frame]
    after = [hand for hand in hands if hand.frame > frame]
    if not before or not after:
        return None
    one, other = before[-1], after[0]
    if seconds[other.frame] - seconds[one.frame] >= LINE_SECONDS:
        return None
    if any(one.frame < each < other.frame for each in seen):
        return None
    share = (frame - one.frame) / (other.frame - one.frame)
    x1, y1, x2, y2 = (a + (b - a) * share for a, b in zip(one.box, other.box, strict=True))
    return x1, y1, x2, y2
