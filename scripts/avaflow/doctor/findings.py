"""What is found wrong with a dataset: where, how much, and by which rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

LINES_KEPT = 5
"""Lines named of one finding; the rest is counted."""


class Harm(IntEnum):
    """How bad it is, the worst first: what is wrong without a word is worse than what stops."""

    MISREADS = 0
    BREAKS = 1
    TRAINING = 2
    NOTE = 3

    @property
    def word(self) -> str:
        """As reports have it."""
        return self.name.lower()


SERIOUS = (Harm.MISREADS, Harm.BREAKS)
"""What no one should train on."""


class Rule(NamedTuple):
    """A rule of a format: what breaks it, who suffers, how it is mended.

    `mended` says that a corrected copy can be written without asking anybody.
    """

    code: str
    harm: Harm
    what: str
    readers: str
    fix: str
    mended: bool = False


@dataclass(frozen=True)
class Finding:
    """One rule broken in one file; `lines` are the first of the `count` places, from 1.

    `path` is relative to the folder that was looked at, `what` says what was found there.
    """

    rule: Rule
    path: str
    what: str
    lines: tuple[int, ...] = ()
    count: int = 1

    @property
    def code(self) -> str:
        """The rule's code."""
        return self.rule.code


@dataclass
class Findings:
    """Collects findings: one a rule and file, however many lines break it."""

    rules: dict[str, Rule]
    _found: dict[tuple[str, str], Finding] = field(default_factory=dict)

    def add(
        self,
        code: str,
        path: str,
        what: str,
        lines: Sequence[int] | np.ndarray = (),
        count: int | None = None,
    ) -> None:
        """A rule broken in a file; a second time it only counts on."""
        count = max(len(lines), 1) if count is None else count
        before = self._found.get((code, path))
        if before is None:
            first = tuple(int(line) for line in lines[:LINES_KEPT])
            self._found[code, path] = Finding(self.rules[code], path, what, first, int(count))
            return
        kept = (*before.lines, *(int(line) for line in lines))[:LINES_KEPT]
        self._found[code, path] = Finding(
            before.rule, path, before.what, kept, before.count + int(count)
        )

    def has(self, path: str, codes: Iterable[str]) -> bool:
        """Whether one of these rules is broken in a file."""
        return any((code, path) in self._found for code in codes)

    def ordered(self) -> list[Finding]:
        """All findings, the worst first."""
        return sorted(self._found.values(), key=lambda each: (each.rule.harm, each.code, each.path))
