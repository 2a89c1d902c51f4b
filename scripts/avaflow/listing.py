"""Lists in messages and pages, cut where they are long: what is left out is always counted."""

from collections.abc import Iterable, Sequence

MOST_SHOWN = 20
"""Problems listed in one message; more would hide the first ones."""


def first_lines(lines: Sequence[str], most: int = MOST_SHOWN, where: str = "") -> list[str]:
    """At most `most` lines, and `and 3 more` where some are left out.

    `where` is put behind it, such as ``: see the log``.
    """
    if len(lines) <= most:
        return list(lines)
    return [*lines[:most], f"and {_rest(lines, most)}{where}"]


def commas(items: Sequence[object], most: int = MOST_SHOWN) -> str:
    """`a, b, c`; of more than `most` the first and how many are left out: `a, b and 3 more`."""
    shown = ", ".join(map(str, items[:most]))
    return f"{shown} and {_rest(items, most)}" if len(items) > most else shown


def sentence(items: Iterable[object], most: int = 6) -> str:
    """`a, b and c`, with at most `most` places; the last counts what is left: `a, b and 3 more`."""
    listed = [str(item) for item in items]
    if len(listed) > most:
        listed = [*listed[: most - 1], _rest(listed, most - 1)]
    return " and ".join(filter(None, [", ".join(listed[:-1]), *listed[-1:]]))


def _rest(items: Sequence[object], shown: int) -> str:
    return f"{len(items) - shown} more"


def counted(number: int, word: str) -> str:
    """A number with its word: 1 frame, 2 frames."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
