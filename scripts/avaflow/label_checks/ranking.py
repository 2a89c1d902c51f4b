"""All checks of a project in one list, the likeliest faults first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from avaflow.label_checks.check import LEAST_SCORE, Check
from avaflow.label_checks.guesses import Guesses
from avaflow.label_checks.ticks import ticks
from avaflow.label_checks.whole_clips import Alternative, counts, shifts, swaps

EXPLAINS = 0.5
"""From this chance on, a shift or a change of persons is taken for the reason why answers are
contradicted, and these are not listed one by one."""

DECIMALS = 4
"""Of scores: their last digits are not the same on every machine, and decide no order."""


def ranked(found: Guesses, looks: Iterable[Check] = ()) -> list[Check]:
    """The checks of all kinds; `looks` are those by the looks of tracks."""
    told: list[Check] = list(looks)
    readings: dict[str, list[Alternative]] = defaultdict(list)
    for check, reading in [*shifts(found), *swaps(found)]:
        told.append(check)
        if check.score >= EXPLAINS:
            readings[check.clip].append(reading)
    told += ticks(found, readings)
    told += counts(found)
    rounded = [replace(one, score=round(one.score, DECIMALS)) for one in told]
    return sorted((one for one in rounded if one.score >= LEAST_SCORE), key=_place)


def _place(check: Check) -> tuple:
    return (
        -check.score,
        check.kind,
        check.clip,
        check.first,
        check.last,
        check.tracks,
        check.attribute,
        check.action,
    )
