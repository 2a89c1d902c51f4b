"""Several annotators of one project, and how they may be called."""

import re

from avaflow.annotation.finished import MAJORITY, SETTLED
from avaflow.errors import UserError

ANNOTATOR = re.compile(r"[A-Za-z0-9_-]{1,40}")
"""A name that can stand in a file's name between two dots, on every system."""


def annotators_of(text: str) -> list[str]:
    """The names in `NAME,NAME`; UserError where one cannot be part of a file's name."""
    names = [name.strip() for name in text.split(",")] if text else []
    for name in names:
        if not ANNOTATOR.fullmatch(name):
            raise UserError(
                f"--annotators: {name!r} cannot be part of a file's name: expected 1 to 40 "
                "letters (a to z), digits, hyphens or underscores, with commas between names"
            )
    for name in names:
        if name.lower() in (SETTLED, MAJORITY):
            raise UserError(f"--annotators: {name!r} has a meaning of its own in annotate.counts")
    # On macOS and Windows two such files would be one.
    if len({name.lower() for name in names}) < len(names):
        raise UserError(f"--annotators: a name stands twice in {text!r}; each needs one of its own")
    return names
