"""YOLO's text of the keyframes: rows `class cx cy width height`, in parts of the image.

Class 0 is a person of whom nothing was said; each action is a class, and a person who does two
things has two rows.
"""

from collections.abc import Sequence

from avaflow.boxes import Corners
from avaflow.formats.keyframe_boxes import PersonBox
from avaflow.project.actions import Action
from avaflow.templates import render

PERSON = "person"

DECIMALS = 7
"""Decimals of a centre and a side: corners come back from them with the six of a csv."""


def labels_text(persons: Sequence[PersonBox]) -> str:
    """The rows of one keyframe."""
    return "".join(
        f"{number} {_centre(person.box)}\n"
        for person in persons
        for number in (person.action_ids or (0,))
    )


def _centre(box: Corners) -> str:
    x1, y1, x2, y2 = box
    parts = ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
    return " ".join(f"{part:.{DECIMALS}f}" for part in parts)


def class_names(actions: Sequence[Action]) -> list[str]:
    """The classes in the order of their numbers, which are the actions' ids."""
    return [PERSON, *(action.name for action in actions)]


def data_text(splits: Sequence[str], actions: Sequence[Action]) -> str:
    """ultralytics' `data.yaml`; it wants a val, for which train stands in where there is none."""
    return render(
        __file__,
        "data.yaml",
        train="train" if "train" in splits else splits[0],
        val=next((split for split in ("val", "test") if split in splits), splits[0]),
        test="test" if "test" in splits else "",
        names=class_names(actions),
    )


def readme_text(splits: Sequence[str], dataset: str) -> str:
    """The folder's README. `dataset` is the dataset folder as the workflow names it."""
    return render(__file__, "README.md", splits=splits, dataset=dataset)
