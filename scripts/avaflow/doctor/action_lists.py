"""Action lists: what each reader makes of one, held against what it means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from avaflow.doctor.findings import Findings
from avaflow.doctor.texts import MOST_CONFIG_BYTES, text_of
from avaflow.lines import lines_of
from avaflow.listing import commas
from avaflow.project.actions import LABEL_TYPES, MAX_ACTIONS

MOST_IDS = 10_000
"""An id above is no number of a class, and its gaps are not counted."""

_ENTRY = re.compile(r"(label|item)\s*\{(.*?)\}", re.DOTALL)
_FIELD = re.compile(r"\b(name|label_id|id|label_type)\s*:\s*(\"[^\"]*\"|'[^']*'|[^\s}]+)")


@dataclass(frozen=True)
class Entry:
    """An action of a list: its id, name and type as meant, the line, and the form of the entry."""

    id: int
    name: str
    label_type: str
    line: int
    form: str


@dataclass(frozen=True)
class ActionList:
    """A list as it is meant."""

    path: Path
    name: str
    entries: tuple[Entry, ...]

    @property
    def ids(self) -> frozenset[int]:
        """The ids."""
        return frozenset(entry.id for entry in self.entries)


def meant(text: str) -> list[Entry]:
    """The entries of a list, however they are spelt."""
    found = []
    for match in _ENTRY.finditer(text):
        fields = dict(_FIELD.findall(match[2]))
        number = fields.get("label_id") or fields.get("id") or ""
        line = text.count("\n", 0, match.start()) + 1
        name = fields.get("name", "").strip("\"'")
        if re.fullmatch(r"-?\d{1,9}", number):
            found.append(Entry(int(number), name, fields.get("label_type", ""), line, match[1]))
    return found


def as_evaluators_read(text: str) -> dict[int, str]:
    """{id: name} by the line beginnings that the official evaluator looks at."""
    names: dict[int, str] = {}
    name = ""
    for line in text.split("\n"):
        if line.startswith("  name:"):
            parts = line.split('"')
            name = parts[1] if len(parts) > 1 else ""
        elif line.startswith(("  id:", "  label_id:")):
            number = line.strip().split(" ")[-1]
            if re.fullmatch(r"-?\d{1,9}", number):
                names[int(number)] = name
    return names


def check_action_list(path: Path, name: str, findings: Findings) -> ActionList | None:
    """An action list and what is wrong with it."""
    raw = text_of(path, MOST_CONFIG_BYTES)
    if path.read_bytes()[:3] == b"\xef\xbb\xbf":
        findings.add("F02", name, "a byte order mark", [1])
    if "\r" in raw:
        findings.add("F03", name, "CR LF", [1], raw.count("\r"))
    text = "\n".join(lines_of(raw))
    entries = meant(text)
    if not entries:
        findings.add("L01", name, "no entry with a name and an id")
        return None
    read = as_evaluators_read(text)
    if not read:
        findings.add("L01", name, f"{len(entries)} entries are meant", [entries[0].line])
    elif wrong := [entry for entry in entries if read.get(entry.id) != entry.name]:
        what = f"{wrong[0].name!r} with id {wrong[0].id} is read as {read.get(wrong[0].id)!r}"
        findings.add("L02", name, what, [entry.line for entry in wrong])
    found = ActionList(path, name, tuple(entries))
    _check_entries(found, findings)
    return found


def _check_entries(found: ActionList, findings: Findings) -> None:
    entries, name = found.entries, found.name
    older = [entry.line for entry in entries if entry.form == "item"]
    if older:
        findings.add("L03", name, f"{len(older)} entries of the form item", older)
    ids = [entry.id for entry in entries]
    twice = [entry for at, entry in enumerate(entries) if entry.id in ids[:at]]
    if twice:
        findings.add("L05", name, f"id {twice[0].id} again", [entry.line for entry in twice])
    low = [entry for entry in entries if entry.id < 1]
    if low:
        findings.add("L04", name, f"id {low[0].id}", [entry.line for entry in low])
    gap = sorted(set(range(1, max(ids) + 1)) - set(ids)) if 0 < max(ids) < MOST_IDS else []
    if gap:
        findings.add("L12", name, f"without {commas(gap)}", count=len(gap))
    if ids != sorted(ids) and not twice:
        back = [entry for at, entry in enumerate(entries) if at and entry.id < ids[at - 1]]
        findings.add("L09", name, f"id {back[0].id} after a higher one", [back[0].line])
    above = [entry for entry in entries if entry.id > MAX_ACTIONS]
    if above:
        findings.add("L11", name, f"id {above[0].id}", [entry.line for entry in above])
    untyped = [e for e in entries if e.form == "label" and e.label_type not in LABEL_TYPES]
    if untyped:
        what = f"{untyped[0].name!r} has {untyped[0].label_type or 'none'}"
        findings.add("L06", name, what, [entry.line for entry in untyped])
    names = [entry.name for entry in entries]
    again = [
        entry for at, entry in enumerate(entries) if entry.name in names[:at] and entry not in twice
    ]
    if again:
        findings.add("L10", name, repr(again[0].name), [entry.line for entry in again])


def check_label_map(path: Path, name: str, actions: ActionList, findings: Findings) -> None:
    """A label_map.txt against the action list beside it."""
    expected = {entry.id: entry.name for entry in actions.entries}
    for number, line in enumerate(lines_of(text_of(path, MOST_CONFIG_BYTES)), start=1):
        text, _, label = line.partition(":")
        found = expected.pop(int(text), None) if re.fullmatch(r"\s*\d{1,9}\s*", text) else None
        if found != label.strip():
            findings.add("L07", name, f"{line!r}, the list has {found!r}", [number])
    if expected:
        findings.add("L07", name, f"the action {next(iter(expected.values()))!r} is missing")
