"""What the report page says first: what is wrong, what awaits a person, what deserves a look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from avaflow.listing import commas, counted, first_lines, sentence
from avaflow.project.actions import Action
from avaflow.report.numbers import Balance, Leak, Unmatched

FEW_TICKS = 10
"""An action with fewer ticks in train is named: hardly anything can be learnt of so few."""

UNEVEN_RATIO = 20
"""Where the commonest action has so many times the ticks of the rarest, the split is called
uneven: a model then does well by saying the common one always. A round figure, as a warning."""

LEAST_AGREEMENT = 0.6
"""Kappa or alpha below which an action is named: Landis and Koch (1977) call more substantial."""

MANY_NOT_FOUND = 0.05
"""Share of labelled persons without a box of the tracker that is worth a look: they have no
proposal, and so bound what a model can reach."""

LINES = 5
"""Sentences of one kind: a table below has the others."""

REST = ", which report.md names"

NAMED = 6
"""So many clips or actions are named in a sentence."""


class Finding(NamedTuple):
    """A sentence, the section of the page that says more, and how much it matters.

    `kind` is `fix` (figures would be wrong), `do` (a person is awaited) or `look`.
    """

    kind: str
    text: str
    section: str


def findings(
    clips: pd.DataFrame,
    leaks: Sequence[Leak],
    balances: Sequence[Balance],
    actions: Sequence[Action],
    unmatched: Mapping[str, Unmatched],
    unsettled: Mapping[str, Sequence[str]],
    agreement: pd.DataFrame | None,
    annotated_twice: int,
    warnings: Sequence[str],
    copies: Sequence[Mapping[str, str]] = (),
) -> list[Finding]:
    """All that is worth saying of a project, what matters most first.

    `clips` is the table of clips, `unsettled` the clips of which it is open whose annotation
    counts, `agreement` the table of annotators' agreement with its values in `number`, None
    where it was not made, and `annotated_twice` the number of clips that several finished.
    `copies` are rows of `tables.DUPLICATES`.
    """
    found = [
        *_leaks(leaks),
        *_copies(copies),
        *_splits(clips, balances, actions),
        *_people(clips, unsettled),
        *_agreement(agreement, annotated_twice),
        *_balance(balances, actions),
        *_boxes(clips, unmatched),
        *(Finding("look", line, "splits") for line in first_lines(warnings, LINES, REST)),
    ]
    order = ("fix", "do", "look")
    return sorted(found, key=lambda finding: order.index(finding.kind))


def _leaks(leaks: Sequence[Leak]) -> list[Finding]:
    lines = []
    for leak in leaks:
        if leak.overlaps:
            left, right, shared = leak.overlaps[0]
            length = "" if math.isinf(shared) else f" {shared:g} s of"
            more = len(leak.overlaps) - 1
            also = f", and so do {counted(more, 'other pair')} of its clips" if more else ""
            lines.append(
                f"{left} and {right} show{length} the same stretch of {leak.video} in two "
                f"splits{also}: what is learnt is tested on itself."
            )
    shown = first_lines(lines, LINES, " videos of which clips overlap across splits")
    found = [Finding("fix", line, "leakage") for line in shown]
    mild = [leak.video for leak in leaks if not leak.overlaps]
    if mild:
        text = (
            f"{counted(len(mild), 'video')} with clips in several splits, so scores will be too "
            f"good: {commas(mild, NAMED)}."
        )
        found.append(Finding("look", text, "leakage"))
    return found


def _copies(copies: Sequence[Mapping[str, str]]) -> list[Finding]:
    """Clips of different splits that show the same, though they are of different files."""
    lines = [
        f"{row['clip']} ({row['split']}) and {row['other']} ({row['other_split']}) show the same "
        f"({row['kind']}): what is learnt is tested on itself."
        for row in copies
    ]
    shown = first_lines(lines, LINES, " pairs of clips")
    return [Finding("fix", line, "leakage") for line in shown]


def _splits(
    clips: pd.DataFrame, balances: Sequence[Balance], actions: Sequence[Action]
) -> list[Finding]:
    """Splits that lack clips or actions which another has."""
    found = []
    finished = set(clips.loc[clips["state"] == "finished", "split"])
    if finished:
        missing = [split for split in ("train", "val") if split not in finished]
        if missing:
            text = f"No finished clip in {sentence(missing)}: no model can be trained and judged."
            found.append(Finding("do", text, "splits"))
    names = {action.id: action.name for action in actions}
    never = {balance.split: set(balance.never) for balance in balances}
    if "train" in never:
        unseen = [
            names[action]
            for action in sorted(never["train"])
            if any(action not in others for split, others in never.items() if split != "train")
        ]
        if unseen:
            text = f"Ticked in val or test, and never in train: {commas(unseen, NAMED)}."
            found.append(Finding("fix", text, "actions"))
        nowhere = [names[action] for action in sorted(set.intersection(*never.values()))]
        if nowhere:
            text = f"Never ticked: {commas(nowhere, NAMED)}."
            found.append(Finding("look", text, "actions"))
    return found


def _people(clips: pd.DataFrame, unsettled: Mapping[str, Sequence[str]]) -> list[Finding]:
    """Clips that await somebody."""
    found = []
    awaiting = clips.loc[clips["state"] != "finished", "clip"].tolist()
    if awaiting:
        verb = "awaits" if len(awaiting) == 1 else "await"
        text = f"{counted(len(awaiting), 'clip')} of {len(clips)} {verb} an annotator."
        found.append(Finding("do", text, "awaiting"))
    if unsettled:
        text = (
            f"Annotated by several, and not settled: {commas(list(unsettled), NAMED)}. "
            "`annotate.counts` in the config says what counts."
        )
        found.append(Finding("do", text, "agreement"))
    return found


def _agreement(agreement: pd.DataFrame | None, annotated_twice: int) -> list[Finding]:
    if agreement is None:
        if not annotated_twice:
            return []
        text = (
            f"{counted(annotated_twice, 'clip')} finished by several annotators: `snakemake "
            "agreement` measures how far they agree."
        )
        return [Finding("do", text, "agreement")]
    low = agreement[(agreement["number"] < LEAST_AGREEMENT) & (agreement["action"] != "")]
    if low.empty:
        return []
    values = zip(low["action"].tolist(), low["number"].tolist(), strict=True)
    listed = [f"{name} ({number:.2f})" for name, number in values]
    text = f"Annotators differ on {commas(listed, NAMED)}: say what is meant, and settle these."
    return [Finding("look", text, "agreement")]


def _balance(balances: Sequence[Balance], actions: Sequence[Action]) -> list[Finding]:
    names = {action.id: action.name for action in actions}
    found = []
    for balance in balances:
        if balance.ratio >= UNEVEN_RATIO:
            text = (
                f"{balance.split} is uneven: {names[balance.commonest]} is ticked "
                f"{balance.ratio:.0f} times as often as {names[balance.rarest]}."
            )
            found.append(Finding("look", text, "actions"))
        if balance.split == "train" and balance.few:
            listed = [f"{names[action]} ({count})" for action, count in balance.few.items()]
            text = f"Fewer than {FEW_TICKS} ticks in train: {commas(listed, NAMED)}."
            found.append(Finding("look", text, "actions"))
    return found


def _boxes(clips: pd.DataFrame, unmatched: Mapping[str, Unmatched]) -> list[Finding]:
    found = []
    for split, one in unmatched.items():
        if one.labelled and one.not_found / one.labelled > MANY_NOT_FOUND:
            text = (
                f"{split}: {one.not_found} of {one.labelled} labelled persons were not found by "
                "the detector; a model that gets its proposals cannot see them."
            )
            found.append(Finding("look", text, "unlabelled"))
    empty = clips[clips["keyframes_without_person"] > 0]
    if len(empty):
        text = (
            f"No person was found on {empty['keyframes_without_person'].sum()} keyframes of "
            f"{commas(empty['clip'].tolist(), NAMED)}."
        )
        found.append(Finding("look", text, "boxes"))
    damaged = clips.loc[clips["source_damages"] > 0, "clip"].tolist()
    if damaged:
        text = f"The source video is damaged within {commas(damaged, NAMED)}: look at the frames."
        found.append(Finding("look", text, "splits"))
    return found
