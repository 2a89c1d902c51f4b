"""Who is seen on a frame and what is said of them: predicted, true, or one beside the other.

What is said at second s is shown from s - 0.5 to s + 0.5, as in previews. Truth and prediction are
held against each other on keyframes: boxes that overlap by half are one person.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from avaflow.boxes import iou_matrix
from avaflow.evaluation.ava import SAME_PERSON_IOU
from avaflow.preview.sights import (
    ACTS,
    FOLLOWED,
    IDLE,
    UNJUDGED,
    UNKNOWN,
    Figure,
    Judgements,
    Sight,
    Sights,
    nearest_second,
)
from avaflow.tables import BOX, Keyframe, Label, Unticked, table_of
from avaflow.times import Frame, Second, frame_of_second

PREDICTION, TRUTH, BOTH = "prediction", "truth", "both"
"""What is drawn: values of prediction.draw."""

PREDICTED, TRUE, RIGHT, FALSE, MISSED = "predicted", "true", "right", "false", "missed"
"""What an action of a person is: said by the model, with nothing to hold it against; true;
said and true; said and not true; true and not said."""


class Said(NamedTuple):
    """An action of a person on a keyframe; the score is None where no model gave one."""

    action_id: int
    score: float | None
    mark: str


class Shown(NamedTuple):
    """A person on a frame. `missed` says that the truth has this person and the model has not."""

    sight: Sight
    said: tuple[Said, ...] = ()
    missed: bool = False

    @property
    def who(self) -> tuple[bool, int]:
        """What stays the same while a person is followed."""
        return self.missed, self.sight.person


def keyframe_rows(seconds: Sequence[Second], fps: int) -> pd.DataFrame:
    """A table of keyframes of a video of which none is kept as an image."""
    rows = [Keyframe(second, frame_of_second(second, fps), "", 0, 0, "") for second in seconds]
    return table_of(rows, Keyframe)


def predicted_judgements(
    predictions: pd.DataFrame, offset: int
) -> tuple[Judgements, dict[tuple[int, tuple], list[Said]]]:
    """What is predicted as if it had been judged, and what is said of each box of a second.

    `predictions` is what :func:`avaflow.prediction.table.read_predictions` gives: rows above the
    threshold, and one without an action for everybody else.
    """
    labels, idle = [], []
    said: dict[tuple[int, tuple], list[Said]] = defaultdict(list)
    columns = ["timestamp", *BOX, "action_id", "score", "person_id"]
    for timestamp, x1, y1, x2, y2, action, score, person in zip(
        *(predictions[name].tolist() for name in columns), strict=True
    ):
        second, box = Second(timestamp - offset), (x1, y1, x2, y2)
        if math.isnan(score):
            idle.append(Unticked(second, *box))
            continue
        labels.append(Label(second, person, *box, action))
        said[second, box].append(Said(action, score, PREDICTED))
    for found in said.values():
        found.sort(key=lambda one: (-(one.score or 0), one.action_id))
    empty = table_of([], Unticked)
    return Judgements(table_of(labels, Label), table_of(idle, Unticked), empty), dict(said)


class Scene:
    """All persons of a video or clip with what is said of them.

    `predictions` are None where only the truth is drawn, `truth` where only predictions are.
    """

    def __init__(
        self,
        tracks: pd.DataFrame,
        keyframes: pd.DataFrame,
        fps: int,
        offset: int,
        predictions: pd.DataFrame | None = None,
        truth: Judgements | None = None,
    ):
        self.fps = fps
        self._predicted = self._true = None
        scores: Mapping[tuple[int, tuple], Sequence[Said]] = {}
        if predictions is not None:
            judgements, scores = predicted_judgements(predictions, offset)
            self._predicted = Sights(tracks, keyframes, judgements, fps)
        if truth is not None:
            self._true = Sights(tracks, keyframes, truth, fps)
        either = self._predicted or self._true
        if either is None:
            raise ValueError("a scene of neither predictions nor truth")
        self.seconds: list[Second] = either.seconds
        self._said: dict[tuple[Second, bool, int, tuple], tuple[Said, ...]] = {}
        self._unseen: dict[Second, set[tuple[int, tuple]]] = defaultdict(set)
        for second in self.seconds:
            self._judge(second, scores)

    def on_keyframe(self, second: Second) -> list[Shown]:
        """Who is on a keyframe, with the boxes of the tables."""
        return self._with_words(
            second,
            self._predicted.on_keyframe(second) if self._predicted else [],
            self._true.on_keyframe(second) if self._true else [],
            frame_of_second(second, self.fps),
        )

    def at(self, frame: Frame) -> list[Shown]:
        """Who is on a frame, by number; those whom the model misses last."""
        second = nearest_second(frame, self.fps)
        return self._with_words(
            second,
            self._predicted.at(frame) if self._predicted else [],
            self._true.at(frame) if self._true else [],
            frame,
        )

    def _with_words(
        self, second: Second, predicted: Sequence[Sight], true: Sequence[Sight], frame: Frame
    ) -> list[Shown]:
        if self._predicted is None:
            return [Shown(one, self._words(second, True, one)) for one in true]
        found = [Shown(one, self._words(second, False, one)) for one in predicted]
        for one in true:
            if self._is_unseen(second, one):
                found.append(Shown(one, self._words(second, True, one), missed=True))
        return found

    def _is_unseen(self, second: Second, sight: Sight) -> bool:
        unseen = self._unseen.get(second, set())
        if sight.state == FOLLOWED:
            return False
        if sight.person != UNKNOWN:
            return any(person == sight.person for person, _ in unseen)
        return (UNKNOWN, sight.box) in unseen

    def _words(self, second: Second, true: bool, sight: Sight) -> tuple[Said, ...]:
        if sight.state == FOLLOWED:
            return ()
        key = () if sight.person != UNKNOWN else sight.box
        return self._said.get((second, true, sight.person, key), ())

    def _judge(self, second: Second, scores: Mapping[tuple[int, tuple], Sequence[Said]]) -> None:
        """What is said of everybody on a keyframe."""
        predicted = self._predicted.figures.get(second, []) if self._predicted else []
        true = self._true.figures.get(second, []) if self._true else []
        partner = _partners(predicted, true)
        seen = set()
        for at, figure in enumerate(predicted):
            said = list(scores.get((second, figure.sight.box), ()))
            if at in partner:
                seen.add(partner[at])
                said = compared(said, true[partner[at]].sight)
            elif self._true is not None and self._judged(second):
                said = [one._replace(mark=FALSE) for one in said]
            self._keep(second, False, figure, said)
        for at, figure in enumerate(true):
            mark = TRUE if self._predicted is None else MISSED
            ids = figure.sight.action_ids
            self._keep(second, True, figure, [Said(action, None, mark) for action in ids])
            if self._predicted is not None and at not in seen and figure.sight.state == ACTS:
                self._unseen[second].add((figure.sight.person, figure.sight.box))

    def _judged(self, second: Second) -> bool:
        """Whether annotators looked at a keyframe: nobody there is somebody's word, too."""
        return self._true is not None and second in self._true.figures

    def _keep(self, second: Second, true: bool, figure: Figure, said: Sequence[Said]) -> None:
        person, box = figure.sight.person, figure.sight.box
        self._said[second, true, person, () if person != UNKNOWN else box] = tuple(said)


def compared(said: Sequence[Said], true: Sight) -> list[Said]:
    """What is said of a person, held against what is true: right, false, and what is missed."""
    if true.state == UNJUDGED:
        return list(said)
    wanted = true.action_ids if true.state != IDLE else ()
    found = [one._replace(mark=RIGHT if one.action_id in wanted else FALSE) for one in said]
    told = {one.action_id for one in said}
    return found + [Said(action, None, MISSED) for action in wanted if action not in told]


def _partners(predicted: Sequence[Figure], true: Sequence[Figure]) -> dict[int, int]:
    """Which true person each predicted one is, the largest overlaps first."""
    if not predicted or not true:
        return {}
    overlap = iou_matrix(
        np.array([one.sight.box for one in predicted]), np.array([one.sight.box for one in true])
    )
    found: dict[int, int] = {}
    for place in np.argsort(-overlap, axis=None, kind="stable").tolist():
        row, column = divmod(place, len(true))
        if overlap[row, column] < SAME_PERSON_IOU:
            break
        if row not in found and column not in found.values():
            found[row] = column
    return found
