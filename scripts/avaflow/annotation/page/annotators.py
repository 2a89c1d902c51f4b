"""Several annotators of one project: how they may be called, and which files are theirs."""

import re
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

from avaflow.errors import UserError

ANNOTATOR = re.compile(r"[A-Za-z0-9_-]{1,40}")
"""A name that can stand in a file's name between two dots, on every system."""

ANNOTATORS_FILE = re.compile(rf"(?P<clip>[A-Za-z0-9-]+)\.(?P<annotator>{ANNOTATOR.pattern})\.json")
"""How the file of one of several annotators is called."""


def annotators_of(text: str) -> list[str]:
    """The names in `NAME,NAME`; UserError where one cannot be part of a file's name."""
    names = [name.strip() for name in text.split(",")] if text else []
    for name in names:
        if not ANNOTATOR.fullmatch(name):
            raise UserError(
                f"--annotators: {name!r} cannot be part of a file's name: expected 1 to 40 "
                "letters (a to z), digits, hyphens or underscores, with commas between names"
            )
    # On macOS and Windows two such files would be one.
    if len({name.lower() for name in names}) < len(names):
        raise UserError(f"--annotators: a name stands twice in {text!r}; each needs one of its own")
    return names


def annotators_files(folder: str | Path, clips: Collection[str]) -> dict[str, dict[str, str]]:
    """Files by annotator, of each clip that several annotated: `{clip}.{annotator}.json`."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for path in sorted(Path(folder).glob("*.*.json")):
        named = ANNOTATORS_FILE.fullmatch(path.name)
        if named and named["clip"] in clips:
            found[named["clip"]][named["annotator"]] = str(path)
    return {clip: files for clip, files in sorted(found.items()) if len(files) > 1}
