"""The table of how far annotators agree, `annotate/agreement.csv`, and what others read of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from avaflow.tables import columns_of, read_table

ALL_CLIPS = "*"
"""Stands in the table for all clips together; no clip can be called so."""


class Measure(NamedTuple):
    """A row of the table: how far some annotators agree on something.

    `measure` is kappa (of two), alpha (of three and more) or boxes (of two: the share of persons
    that both have). `value` is empty where it is not defined, because nobody ever differs from
    one answer. `units` were compared, and on `agreed` of them all say the same.
    """

    clip: str
    annotators: str
    attribute: str
    action: str
    measure: str
    value: str
    units: int
    agreed: int


MEASURES = columns_of(Measure)


def read_agreement(path: str | Path) -> pd.DataFrame:
    """The rows of the table as :func:`agreement_rows`. UserError where it is damaged."""
    return agreement_rows(read_table(path, MEASURES))


def agreement_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows on actions and boxes that stand for all clips, the least agreement first.

    Each has its value as a `number` too, nan where it is not defined. A table of one clip alone
    has no rows of all: these are that clip's.
    """
    whole = table[table["clip"] == ALL_CLIPS]
    rows = whole if len(whole) else table
    values = pd.to_numeric(rows["value"], errors="coerce")
    return rows.assign(number=values).sort_values("number", kind="stable", na_position="last")
