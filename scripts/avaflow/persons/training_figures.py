"""The figures of a detector before and after its training, as a table holds them."""

from typing import NamedTuple

from avaflow.tables import columns_of


class Figures(NamedTuple):
    """What a detector finds: persons found and missed, and detections that are nobody.

    `stage` is `before` or `after` the training; `map50` the mean average precision at IoU 0.5 as
    ultralytics reckons it, over all scores. `weights` is a file's name, `sha256` its content.
    """

    stage: str
    weights: str
    sha256: str
    images: int
    persons: int
    found: int
    missed: int
    nobody: int
    recall: float
    precision: float
    map50: float


FIGURES = columns_of(Figures)
