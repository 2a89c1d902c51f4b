"""What was found as a page to read, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping

from avaflow.doctor.examine import Examination
from avaflow.doctor.findings import Finding, Harm
from avaflow.errors import UserError
from avaflow.listing import MOST_SHOWN, counted
from avaflow.templates import render

HARMS = {
    Harm.MISREADS: "Misread without a word",
    Harm.BREAKS: "Stops a reader",
    Harm.TRAINING: "Harms training",
    Harm.NOTE: "To know",
}
"""Headings, the worst first."""


def place_of(finding: Finding) -> str:
    """File and line of a finding.

    >>> from avaflow.doctor.codes import RULES
    >>> place_of(Finding(RULES["A10"], "train.csv", "", (3, 9), 12))
    'train.csv, lines 3, 9 ... (12 in all)'
    """
    lines = finding.lines
    word = "line" if len(lines) == 1 else "lines"
    told = f", {word} {', '.join(map(str, lines))}" if lines else ""
    rest = finding.count > max(1, len(lines))
    return (
        finding.path
        + told
        + (f"{' ...' if lines else ''} ({finding.count} in all)" if rest else "")
    )


def report_text(found: Examination) -> str:
    """The page, in Markdown."""
    parts = {
        heading: [(each, place_of(each)) for each in found.findings if each.rule.harm == harm]
        for harm, heading in HARMS.items()
    }
    return render(
        __file__,
        "doctor.md",
        summary=summary(found),
        parts={heading: own for heading, own in parts.items() if own},
        figures=found.figures,
        files=found.files,
    )


def summary(found: Examination) -> str:
    """What was found, in a sentence."""
    counts = [
        counted(sum(each.rule.harm == harm for each in found.findings), "finding") + f" ({word})"
        for harm, word in (
            (Harm.MISREADS, "misread"),
            (Harm.BREAKS, "stops a reader"),
            (Harm.TRAINING, "harms training"),
            (Harm.NOTE, "to know"),
        )
        if any(each.rule.harm == harm for each in found.findings)
    ]
    return ", ".join(counts) + "." if counts else "Clean: no rule is broken."


def check_strict(found: Examination) -> None:
    """UserError naming what breaks a reader or is misread, if anything does."""
    if found.serious:
        raise UserError.listing(
            "`strict` is set, so what training code would stop at or misread stops the run "
            "(docs/doctor.md says what each code means):",
            [f"{each.code} {place_of(each)}: {each.rule.what}" for each in found.serious],
            MOST_SHOWN,
        )


def report_json(found: Examination) -> str:
    """The same for programs."""
    content = {
        "findings": [entry_of(each) for each in found.findings],
        "files": found.files,
        "figures": found.figures,
        "serious": len(found.serious),
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def entry_of(finding: Finding) -> Mapping[str, object]:
    """A finding as JSON has it."""
    return {
        "code": finding.code,
        "harm": finding.rule.harm.word,
        "file": finding.path,
        "lines": list(finding.lines),
        "count": finding.count,
        "rule": finding.rule.what,
        "found": finding.what,
        "readers": finding.rule.readers,
        "fix": finding.rule.fix,
    }
