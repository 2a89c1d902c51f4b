"""The page of the baseline: one file, without network, that says what can be learnt and shows whom.

Pictures of persons are in the page itself, so that it can be sent to somebody.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from avaflow.baseline.course import CROSS_VALIDATION, Course
from avaflow.baseline.examples import Persons
from avaflow.baseline.judging import (
    CHANCE,
    CHANCE_ONLY,
    LEARNABLE,
    LEAST_CLIPS,
    LEAST_EXAMPLES,
    SHUFFLES,
    Evaluation,
    Figures,
    confusion,
    said_together,
)
from avaflow.preview.crops import cut
from avaflow.project.actions import Attribute, all_actions
from avaflow.tables import BOX
from avaflow.templates import render

SHOWN = 5
"""Pictures of each kind for an action: three rows of five are seen at a glance."""

QUALITY = 80
"""JPEG quality, 0 to 100; a picture takes 3 to 6 kB."""

MOST_PAIRS = 12
"""Pairs of actions that are said together and are not, in a table."""

CURVE_PX = 220
"""Sides of a curve's picture, in pixels."""

RIGHT, WRONG, MISSED = "right", "wrong", "missed"

Images = Callable[[str, int], np.ndarray | None]
"""The picture of a keyframe, (height, width, 3) in OpenCV's order, by clip and second."""


class Shown(NamedTuple):
    """A person on the page: the crop as an address of data, and where it is from."""

    source: str
    clip: str
    second: int
    person: int
    score: float


class ActionPart(NamedTuple):
    """What the page says of one action."""

    id: int
    name: str
    attribute: str
    word: str
    kind: str
    by: str
    reason: str
    trained: int
    figures: Figures | None
    others: list[tuple[str, Figures]]
    curve: str
    pictures: dict[str, list[Shown]]


class Matrix(NamedTuple):
    """The confusions of an attribute of which one is chosen."""

    attribute: str
    names: list[str]
    rows: list[tuple[str, list[tuple[int, float]]]]


def page_html(
    course: Course, persons: Persons, attributes: Sequence[Attribute], images: Images
) -> str:
    """The page. Pictures are taken where `images` has their keyframe."""
    shown = next(iter(course.evaluations), None)
    parts = []
    for action in all_actions(attributes):
        at = action.id - 1
        verdict = course.verdicts[at]
        parts.append(
            ActionPart(
                action.id,
                action.name,
                action.attribute,
                verdict.word,
                {LEARNABLE: "good", CHANCE_ONLY: "bad"}.get(verdict.word, "unknown"),
                verdict.by,
                verdict.reason,
                course.made_from["examples"][at],
                shown.figures[at] if shown else None,
                [(one.name, one.figures[at]) for one in course.evaluations[1:]],
                _path(shown.figures[at].curve) if shown else "",
                pictures(shown, persons, at, course.head.thresholds[at], images) if shown else {},
            )
        )
    return render(
        __file__,
        "index.html",
        course=course,
        shown=shown,
        cross_validation=CROSS_VALIDATION,
        parts=parts,
        matrices=_matrices(course, shown, persons, attributes) if shown else [],
        together=_together(course, shown, persons, attributes) if shown else [],
        counts={
            word: sum(part.word == word for part in parts)
            for word in dict.fromkeys(part.word for part in parts)
        },
        rules={
            "examples": LEAST_EXAMPLES,
            "clips": LEAST_CLIPS,
            "shuffles": SHUFFLES,
            "chance": CHANCE,
        },
        curve_px=CURVE_PX,
    )


def pictures(
    shown: Evaluation, persons: Persons, column: int, threshold: float, images: Images
) -> dict[str, list[Shown]]:
    """Some persons who are found, some of whom it is wrongly said, and some missed.

    The surest first, and the missed ones from the least sure on; of each person first one.
    """
    scores = shown.scores[:, column]
    true = persons.targets[shown.judged, column]
    said = scores >= threshold
    kinds = {
        RIGHT: (true & said, -scores),
        WRONG: (~true & said, -scores),
        MISSED: (true & ~said, scores),
    }
    found = {}
    for kind, (wanted, order) in kinds.items():
        rows = [int(row) for row in np.argsort(order, kind="stable") if wanted[row]]
        found[kind] = [
            _picture(persons, int(shown.judged[row]), float(scores[row]), images)
            for row in _varied(persons, shown.judged, rows)
        ]
    return found


def _varied(persons: Persons, judged: np.ndarray, rows: Sequence[int]) -> list[int]:
    """The first :data:`SHOWN` rows, of each person one before any has two."""
    features = persons.judged["feature"].to_numpy()
    tracks = persons.featured[["clip", "person_id"]].to_numpy()
    times: dict[tuple, int] = {}
    ranked = []
    for rank, row in enumerate(rows):
        who = tuple(tracks[features[judged[row]]])
        times[who] = times.get(who, 0) + 1
        ranked.append((times[who], rank, row))
    return [row for _, _, row in sorted(ranked)[:SHOWN]]


def _picture(persons: Persons, row: int, score: float, images: Images) -> Shown:
    found = persons.judged.iloc[row]
    clip, second = str(found["clip"]), int(found["second"])
    image = images(clip, second)
    x1, y1, x2, y2 = (float(found[side]) for side in BOX)
    source = "" if image is None else _address(cut(image, (x1, y1, x2, y2)))
    person = int(persons.featured["person_id"].iloc[int(found["feature"])])
    return Shown(source, clip, second, person, score)


def _address(image: np.ndarray) -> str:
    import cv2

    _, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(content.tobytes()).decode()


def keyframe_images(folder: str | Path, files: dict[tuple[str, int], str]) -> Images:
    """Pictures of keyframes from `folder/{clip}/`, by the names of their files."""
    import cv2

    def image(clip: str, second: int) -> np.ndarray | None:
        name = files.get((clip, second))
        return cv2.imread(str(Path(folder, clip, name))) if name else None

    return image


def _path(curve: Sequence[tuple[float, float]]) -> str:
    """The line of a curve in a picture of :data:`CURVE_PX`, for SVG."""
    if not curve:
        return ""
    points = [(0.0, curve[0][1]), *curve]
    return "M" + " L".join(
        f"{recall * CURVE_PX:.1f} {(1 - precision) * CURVE_PX:.1f}" for recall, precision in points
    )


def _matrices(
    course: Course, shown: Evaluation, persons: Persons, attributes: Sequence[Attribute]
) -> list[Matrix]:
    found = []
    for attribute in attributes:
        if attribute.multiple:
            continue
        columns = [action.id - 1 for action in attribute.actions]
        counts = confusion(persons.targets[shown.judged][:, columns], shown.scores[:, columns])
        names = [*(action.name for action in attribute.actions), "none of them"]
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        rows = [
            (name, list(zip(map(int, count), map(float, share), strict=True)))
            for name, count, share in zip(names, counts, shares, strict=True)
        ]
        found.append(Matrix(attribute.name, names, rows))
    return found


def _together(
    course: Course, shown: Evaluation, persons: Persons, attributes: Sequence[Attribute]
) -> list[tuple[str, str, int, int]]:
    found = []
    for attribute in attributes:
        if not attribute.multiple:
            continue
        columns = [action.id - 1 for action in attribute.actions]
        thresholds = np.array(course.head.thresholds)[columns]
        pairs = said_together(
            persons.targets[shown.judged][:, columns], shown.scores[:, columns], thresholds
        )
        found += [
            (attribute.actions[done].name, attribute.actions[said].name, wrongly, number)
            for done, said, wrongly, number in pairs
        ]
    return sorted(found, key=lambda each: -each[2] / each[3])[:MOST_PAIRS]
