"""The report page: one HTML file that needs no network, drawn from a project's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from avaflow.annotation.page.agreement_table import read_agreement
from avaflow.project.actions import Attribute, all_actions
from avaflow.report import plots
from avaflow.report.findings import FEW_TICKS, findings
from avaflow.report.machine import Room, Timing, rooms, software, timings
from avaflow.report.numbers import (
    Range,
    Sums,
    balances,
    leaks,
    pairs_together,
    split_sums,
    ticks_by_split,
    together,
)
from avaflow.report.reading import groups
from avaflow.templates import render
from avaflow.workflow.closing import read_duplicates
from avaflow.workflow.terminal import duration

ROWS_SHOWN = 200
"""Rows of a table on the page; the tables that the page names have all. More make a page slow to
open and no easier to read."""

VIDEOS_SHOWN = 50
"""Videos with clips in several splits, in the table of these: its rows are long."""

PAIRS_SHOWN = 20
"""Pairs of actions that occur together, in the table of these."""

BARS_SHOWN = 12
"""Rules and folders in drawings; those that take least are in the tables alone."""

SHORT_JOB_S = 1.0
"""A job that takes less has ended before its memory was looked at; what was noted says nothing."""


@dataclass(frozen=True)
class Asked:
    """What the page is asked to tell of, as far as the results do not say it.

    `agreement` is the table of annotators' agreement, empty where it was not made, and
    `annotated_twice` how many clips several annotators finished. `settings` are names, values and
    defaults of those that were changed.
    """

    ranges: Sequence[Range]
    finished: Sequence[str]
    attributes: Sequence[Attribute]
    annotations: str
    fps: int
    stride: int
    warnings: Sequence[str]
    unsettled: Mapping[str, Sequence[str]]
    agreement: str
    annotated_twice: int
    settings: Sequence[Sequence[object]]


def report_page(asked: Asked, results: str | Path) -> str:
    """The page, from the files of a finished run."""
    results = Path(results)
    actions = all_actions(asked.attributes)
    names = {action.id: action.name for action in actions}
    splits = {one.clip: one.split for one in asked.ranges}
    clips = read_account(results / "report.tsv")
    sums = Sums()
    for group in groups(results, splits, asked.finished, asked.fps):
        sums.add(group, asked.stride, asked.fps)
    labels, identities = sums.all_labels, sums.all_identities
    ticks = ticks_by_split(labels, actions)
    matrix = together(labels, actions)
    found_leaks = leaks(asked.ranges)
    told_already = {frozenset(pair[:2]) for leak in found_leaks for pair in leak.overlaps}
    copies = [
        row
        for row in read_duplicates(results)
        if {row["clip"], row["other"]} <= set(splits)
        and frozenset((row["clip"], row["other"])) not in told_already
    ]
    uneven = balances(ticks, FEW_TICKS)
    agreement = read_agreement(asked.agreement) if asked.agreement else None
    pairs = pairs_together(matrix)
    awaiting = clips.loc[clips["state"] != "finished", "clip"].tolist()
    told = findings(
        clips,
        found_leaks,
        uneven,
        actions,
        sums.unmatched,
        asked.unsettled,
        agreement,
        asked.annotated_twice,
        asked.warnings,
        copies,
    )
    return render(
        __file__,
        "report.html",
        results=str(results),
        annotations=asked.annotations,
        findings=told,
        splits=split_sums(clips),
        actions=actions,
        names=names,
        ticks=ticks,
        balances=uneven,
        pairs=pairs[:PAIRS_SHOWN],
        pairs_left=len(pairs[PAIRS_SHOWN:]),
        sums=sums,
        identities=identity_figures(identities),
        awaiting=awaiting[:ROWS_SHOWN],
        awaiting_left=len(awaiting[ROWS_SHOWN:]),
        leaks=found_leaks[:VIDEOS_SHOWN],
        leaks_left=len(found_leaks[VIDEOS_SHOWN:]),
        copies=copies[:VIDEOS_SHOWN],
        copies_left=len(copies[VIDEOS_SHOWN:]),
        agreement=None if agreement is None else agreement.head(ROWS_SHOWN).to_dict("records"),
        agreement_left=0 if agreement is None else len(agreement[ROWS_SHOWN:]),
        annotated_twice=asked.annotated_twice,
        clips=clips.head(ROWS_SHOWN).to_dict("records"),
        clips_left=len(clips[ROWS_SHOWN:]),
        drawings=_drawings(sums, ticks, matrix, names, identities),
        cost=_cost(timings(results), rooms(results)),
        settings=asked.settings,
        software=software(),
        short_job_s=SHORT_JOB_S,
        duration=duration,
        in_units=in_units,
    )


def read_account(path: str | Path) -> pd.DataFrame:
    """The table of clips as `write_report` writes it."""
    # No name of a clip is a number, or stands for something missing.
    return pd.read_csv(path, sep="\t", dtype={"clip": str}, keep_default_na=False)


def identity_figures(identities: pd.DataFrame) -> dict[str, float]:
    """How long persons are followed, over all clips; empty where nobody is."""
    if identities.empty:
        return {}
    return {
        "persons": len(identities),
        "median_s": float(identities["seconds"].median()),
        "below_a_second": int((identities["seconds"] < 1).sum()),
        "with_gaps": int((identities["gaps"] > 0).sum()),
        "longest_gap_s": float(identities["longest_gap_s"].max()),
    }


def _drawings(
    sums: Sums,
    ticks: pd.DataFrame,
    matrix: pd.DataFrame,
    names: Mapping[int, str],
    identities: pd.DataFrame,
) -> dict[str, list[plots.Drawing]]:
    """The drawings of each section; none of what there is nothing of."""
    drawn: dict[str, list[plots.Drawing]] = {
        "actions": [
            plots.actions_of_split(str(split), ticks[split], names)
            for split in ticks.columns
            if ticks[split].sum()
        ],
        "together": [plots.actions_together(matrix, names)] if matrix.to_numpy().any() else [],
        "boxes": [],
        "identities": [],
    }
    if sums.boxes_per_keyframe:
        drawn["boxes"].append(plots.boxes_per_keyframe(sums.boxes_per_keyframe))
    if sums.heights:
        words = "Boxes on keyframes by their height as a share of the picture's"
        across = "height of a box, picture = 1"
        drawn["boxes"].append(plots.over_one("heights", sums.heights, across, "boxes", words))
    if sums.scores:
        words = "Detections on all frames looked at by their score"
        drawn["boxes"].append(
            plots.over_one("scores", sums.scores, "detector's score", "detections", words)
        )
    if len(identities):
        drawn["identities"] = [
            plots.lengths(identities["seconds"]),
            plots.gaps(identities["gaps"]),
        ]
    return drawn


def _cost(times: Sequence[Timing], places: Sequence[Room]) -> dict:
    """Time and room with their drawings."""
    by_rule = {one.rule: one.total_s for one in times[:BARS_SHOWN]}
    by_folder = {f"{place.folder}/": float(place.size) for place in places[:BARS_SHOWN]}
    lengths = [duration(seconds) for seconds in by_rule.values()]
    sizes = [in_units(size) for size in by_folder.values()]
    time = plots.level_bars("time", by_rule, lengths, "Time of all jobs of a rule")
    room = plots.level_bars("room", by_folder, sizes, "Room on the disk by folder")
    return {
        "times": times,
        "total_s": sum(one.total_s for one in times),
        "rooms": places,
        "total_bytes": sum(place.size for place in places),
        "time_drawing": time if times else None,
        "room_drawing": room if places else None,
    }


def in_units(size: float) -> str:
    """A number of bytes, as file managers say it.

    >>> in_units(950), in_units(12_340), in_units(3_400_000_000)
    ('950 B', '12 kB', '3.4 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            break
        size, unit = size / 1000, {"B": "kB", "kB": "MB", "MB": "GB", "GB": "TB"}[unit]
    return f"{size:.1f} {unit}" if size < 9.95 and unit != "B" else f"{size:.0f} {unit}"
