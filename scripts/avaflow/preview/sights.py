"""Who is where on a clip's frames, and what is said of them, from tracks and labels.

Labels say it on keyframes; what is said at second s is shown from s - 0.5 to s + 0.5. Between
keyframes a person's box moves as the track does that it lies on.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from avaflow.boxes import Corners, iou_matrix
from avaflow.tables import BOX, Keyframe, Label, Unticked, rows_of
from avaflow.times import Frame, Second, frame_of_second

ACTS, IDLE, UNJUDGED, FOLLOWED = "acts", "idle", "unjudged", "followed"
"""What is known of a person: actions are ticked; judged, and none of the actions; kept, and
nobody said what they do; only a track, because the clip awaits its annotation."""

UNKNOWN = 0
"""The number of a person of whom no table says who it is."""

SAME_PERSON_IOU = 0.5
"""From this overlap on a keyframe a box is taken to lie on a track: annotators mend edges of
boxes, and persons side by side overlap less."""

LONGEST_GAP_SECONDS = 1.0
"""Of a track without a box for longer it is not known where the person was: nothing is drawn."""


class Sight(NamedTuple):
    """A person on a frame. `score` is the detector's, None for a box drawn by hand."""

    person: int
    box: Corners
    state: str
    action_ids: tuple[int, ...] = ()
    score: float | None = None


class Figure(NamedTuple):
    """A sight on a keyframe, and the track that its box lies on, 0 for none."""

    second: Second
    sight: Sight
    track: int


@dataclass(frozen=True)
class Judgements:
    """What annotators said of a finished clip: labels, and persons without a label."""

    labels: pd.DataFrame
    idle: pd.DataFrame
    unticked: pd.DataFrame


class Course(NamedTuple):
    """A track as arrays: frames in order, a box and a score on each."""

    frames: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray

    def at(self, frame: int) -> np.ndarray:
        """The box on a frame, on the line between its neighbours, still beyond the ends."""
        columns = [np.interp(frame, self.frames, self.boxes[:, side]) for side in range(4)]
        return np.array(columns)

    def knows(self, frame: int, longest_gap: float) -> bool:
        """Whether the frame is within the track, and not in a gap longer than so many frames."""
        place = int(np.searchsorted(self.frames, frame))
        if place == len(self.frames):
            return False
        if self.frames[place] == frame:
            return True
        return place > 0 and self.frames[place] - self.frames[place - 1] <= longest_gap


class Sights:
    """All persons of a clip.

    `judgements` are None while a clip awaits its annotation: then tracks are all that is known.
    """

    def __init__(
        self,
        tracks: pd.DataFrame,
        keyframes: pd.DataFrame,
        judgements: Judgements | None,
        fps: int,
    ):
        self.fps = fps
        self.courses = _courses(tracks)
        self.seconds = sorted(row.second for row in rows_of(keyframes, Keyframe))
        self.judged = judgements is not None
        self.figures: dict[Second, list[Figure]] = {}
        rows = _said(judgements) if judgements else {}
        found = {second: self._placed(second, rows.get(second, [])) for second in self.seconds}
        self._owners = _owners(found)
        self._owned = {person for owners in self._owners.values() for _, person in owners}
        for second, figures in found.items():
            self.figures[second] = self._named(figures) if judgements else self._followed(second)
        self._by_person = {
            (second, figure.sight.person): figure
            for second, figures in self.figures.items()
            for figure in figures
            if figure.sight.person != UNKNOWN
        }

        self._amounts = {
            second: sum(max(len(one.sight.action_ids), not self.judged) for one in figures)
            for second, figures in self.figures.items()
        }

    def on_keyframe(self, second: Second) -> list[Sight]:
        """The persons on a keyframe, exactly as the tables have them, by number."""
        return [figure.sight for figure in self.figures.get(second, [])]

    def at(self, frame: Frame) -> list[Sight]:
        """The persons on any frame of the clip, by number."""
        second = nearest_second(frame, self.fps)
        if not self.judged or second not in self.figures:
            return self._on_tracks(frame, second)
        figures = self.figures[second]
        sights = [figure.sight._replace(box=self._moved(figure, frame)) for figure in figures]
        known = {sight.person for sight in sights}
        # Somebody hidden on the keyframe itself, of whom it says nothing, may be in view here.
        return sights + [one for one in self._on_tracks(frame, second) if one.person not in known]

    def count(self, first: float, last: float) -> int:
        """How much there is to see between two seconds: ticks, or sights of a clip without any."""
        return sum(amount for second, amount in self._amounts.items() if first <= second <= last)

    # ---------------------------------------------------------------- on keyframes

    def _placed(self, second: Second, sights: Sequence[Sight]) -> list[Figure]:
        """Sights of a keyframe with the tracks that they lie on, each track once."""
        here = self._tracks_on(frame_of_second(second, self.fps))
        found = dict.fromkeys(range(len(sights)), 0)
        if sights and here:
            overlap = iou_matrix(
                np.array([sight.box for sight in sights]), np.array([box for _, box, _ in here])
            )
            for place in np.argsort(-overlap, axis=None, kind="stable").tolist():
                row, column = divmod(place, len(here))
                if overlap[row, column] < SAME_PERSON_IOU:
                    break
                number = here[column][0]
                if not found[row] and number not in found.values():
                    found[row] = number
        scores = {number: score for number, _, score in here}
        return [
            Figure(second, sight._replace(score=scores.get(found[row])), found[row])
            for row, sight in enumerate(sights)
        ]

    def _tracks_on(self, frame: Frame) -> list[tuple[int, Corners, float]]:
        """Number, box and score of the tracks that were seen on a frame itself."""
        found = []
        for number, course in self.courses.items():
            place = int(np.searchsorted(course.frames, frame))
            if place < len(course.frames) and course.frames[place] == frame:
                box = _corners(course.boxes[place])
                found.append((number, box, float(course.scores[place])))
        return found

    def _followed(self, second: Second) -> list[Figure]:
        here = self._tracks_on(frame_of_second(second, self.fps))
        return [
            Figure(second, Sight(number, box, FOLLOWED, (), score), number)
            for number, box, score in here
        ]

    def _named(self, figures: Sequence[Figure]) -> list[Figure]:
        """Figures with numbers: tables of persons without a label do not say who they are.

        The track that such a box lies on tells, by whom it shows on other keyframes. Where that
        would be somebody who is labelled here too, nobody knows.
        """
        taken = {figure.sight.person for figure in figures} - {UNKNOWN}
        named = []
        for figure in figures:
            person = figure.sight.person
            if person == UNKNOWN and figure.track:
                person = self._owner(figure.track, figure.second)
                person = UNKNOWN if person in taken else person
                taken.add(person)
            named.append(figure._replace(sight=figure.sight._replace(person=person)))
        return sorted(named, key=lambda one: (one.sight.person or math.inf, one.sight.box))

    def _owner(self, track: int, second: float) -> int:
        """Whom a track shows: the labelled person on the nearest keyframe, else its own number,
        if no person on other tracks has that."""
        known = self._owners.get(track)
        if known:
            return min(known, key=lambda one: (abs(one[0] - second), one[0]))[1]
        return UNKNOWN if track in self._owned else track

    # ---------------------------------------------------------------- between them

    def _moved(self, figure: Figure, frame: Frame) -> Corners:
        """A figure's box on a frame half a second around its keyframe.

        How far the annotator moved it from its track changes evenly up to the next keyframe.
        """
        own = frame_of_second(figure.second, self.fps)
        box = np.array(figure.sight.box)
        if frame == own:
            return figure.sight.box
        share = abs(frame - own) / self.fps
        other = self._by_person.get(
            (Second(figure.second + (1 if frame > own else -1)), figure.sight.person)
        )
        if not figure.track:
            if other is None:
                return figure.sight.box
            return _corners(box + (np.array(other.sight.box) - box) * share)
        course = self.courses[figure.track]
        moved = box - course.at(own)
        if other is not None and other.track == figure.track:
            there = np.array(other.sight.box) - course.at(frame_of_second(other.second, self.fps))
            moved = moved + (there - moved) * share
        return _corners(course.at(frame) + moved)

    def _on_tracks(self, frame: Frame, second: Second) -> list[Sight]:
        """Tracks as they are, but those that the nearest keyframe tells of or has taken away."""
        told = self._on_nearest_keyframe(second) if self.judged else set()
        gap = LONGEST_GAP_SECONDS * self.fps
        sights = []
        for number, course in self.courses.items():
            if number not in told and course.knows(frame, gap):
                person = self._owner(number, second) if self.judged else number
                sights.append(Sight(person, _corners(course.at(frame)), FOLLOWED))
        return sorted(sights, key=lambda sight: (sight.person or math.inf, sight.box))

    def _on_nearest_keyframe(self, second: Second) -> set[int]:
        """The tracks that were there to be judged on the nearest keyframe.

        Where that is half a second away at most, all of them: figures stand for those that
        annotators kept. Farther away, before the first and after the last, those they removed.
        """
        if not self.seconds:
            return set()
        nearest = min(max(second, self.seconds[0]), self.seconds[-1])
        here = {number for number, _, _ in self._tracks_on(frame_of_second(nearest, self.fps))}
        kept = {figure.track for figure in self.figures.get(nearest, [])}
        return here | kept if nearest == second else here - kept


def nearest_second(frame: Frame, fps: int) -> Second:
    """The second whose keyframe is nearest, of two the later: s from s - 0.5 to before s + 0.5.

    >>> [nearest_second(Frame(frame), 30) for frame in (15, 16, 31, 45, 46)]
    [0, 1, 1, 1, 2]
    """
    return Second((2 * (frame - 1) + fps) // (2 * fps))


def _courses(tracks: pd.DataFrame) -> dict[int, Course]:
    """Tracks by number, their boxes cut to the image."""
    courses: dict[int, Course] = {}
    for number, rows in tracks.groupby("person_id"):
        ordered = rows.sort_values("frame", kind="stable")
        courses[int(str(number))] = Course(
            ordered["frame"].to_numpy(int),
            ordered[BOX].to_numpy(float).clip(0, 1),
            ordered["score"].to_numpy(float),
        )
    return courses


def _said(judgements: Judgements) -> dict[Second, list[Sight]]:
    """What was said by second; of persons without a label nobody says who they are."""
    ids: dict[tuple[Second, int, Corners], list[int]] = defaultdict(list)
    for row in rows_of(judgements.labels, Label):
        ids[row.second, row.person_id, (row.x1, row.y1, row.x2, row.y2)].append(row.action_id)
    said: dict[Second, list[Sight]] = defaultdict(list)
    for (second, person, box), actions in ids.items():
        said[second].append(Sight(person, box, ACTS, tuple(sorted(actions))))
    for table, state in ((judgements.idle, IDLE), (judgements.unticked, UNJUDGED)):
        for other in rows_of(table, Unticked):
            box = (other.x1, other.y1, other.x2, other.y2)
            said[other.second].append(Sight(UNKNOWN, box, state))
    return said


def _owners(found: Mapping[Second, Iterable[Figure]]) -> dict[int, list[tuple[Second, int]]]:
    """By track: on which keyframes it shows which labelled person."""
    owners: dict[int, list[tuple[Second, int]]] = defaultdict(list)
    for second, figures in found.items():
        for figure in figures:
            if figure.track and figure.sight.person != UNKNOWN:
                owners[figure.track].append((second, figure.sight.person))
    return owners


def _corners(box: np.ndarray) -> Corners:
    x1, y1, x2, y2 = np.clip(box, 0, 1).tolist()
    return x1, y1, x2, y2
