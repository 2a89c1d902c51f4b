"""Write config.yaml, with a comment beside every setting, from schemas/config.schema.yaml.

    python tools/write_config.py

Run it after a change of the schema. A test holds the file against what this writes.
"""

import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from avaflow.files import write_text  # noqa: E402
from avaflow.project.settings import is_section, load_settings  # noqa: E402

WIDTH = 100
"""Characters of a line, as everywhere in this project."""

LATEST_COLUMN = 29
"""Characters before the comments of a part at most; a longer entry has its comment behind it."""

LONGEST_ENTRY = 50
"""Characters of an entry with a comment behind it; above a longer one it has room."""


RULE = 64
"""Characters of the line before a heading."""


class Line(NamedTuple):
    """An entry, such as `  fps: 30`, and the comment that stands behind it."""

    entry: str
    comment: str


def config_text(schema: Mapping) -> str:
    """The whole config.yaml."""
    parts: list[list[str | Line]] = [[f"# {line}" for line in schema["description"].splitlines()]]
    for name, part in schema["properties"].items():
        if "heading" in part:
            parts.append([_heading(part["heading"])])
        parts[-1] += _lines(name, part, "")
    return "\n\n".join("\n".join(_written(part)) for part in parts) + "\n"


def _heading(text: str) -> str:
    return f"# {'-' * RULE} {text}"


def _lines(name: str, part: Mapping, indent: str) -> Iterator[str | Line]:
    """The lines of a setting, or of a section with all its settings."""
    if is_section(part):
        yield f"{indent}{name}:"
        for inner, setting in part["properties"].items():
            yield from _lines(inner, setting, indent + "  ")
        return
    yield from (f"{indent}# {line}" for line in part.get("note", "").splitlines())
    comment, entry = part["description"], f"{indent}{name}: {shown(part['default'])}"
    if isinstance(part["default"], list) and any(isinstance(one, dict) for one in part["default"]):
        yield from (f"{indent}# {line}" for line in comment.splitlines())
        yield f"{indent}{name}:"
        yield from (f"{indent}  {line}" for one in part["default"] for line in _item(one))
    elif len(entry) > LONGEST_ENTRY:
        yield from wrapped(comment, f"{indent}# ", f"{indent}# ")
        yield entry
    else:
        yield Line(entry, comment)


def _item(mapping: Mapping) -> Iterator[str]:
    """The lines of a mapping in a list."""
    for number, (name, value) in enumerate(mapping.items()):
        yield f"{' ' if number else '-'} {name}: {shown(value)}"


def _written(lines: list[str | Line]) -> Iterator[str]:
    """The lines of a part, their comments below each other where the entries are not too long."""
    lengths = [len(line.entry) for line in lines if isinstance(line, Line)]
    column = max((n for n in lengths if n <= LATEST_COLUMN - 2), default=0) + 2
    for line in lines:
        if isinstance(line, Line):
            first = f"{line.entry.ljust(column - 2)}  # "
            yield from wrapped(line.comment, first, f"{' ' * column}# ")
        else:
            yield line


def wrapped(text: str, first: str, further: str) -> list[str]:
    """A text in lines, after what stands before it in the first and in further ones."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def shown(value: Any) -> str:
    """A value as a person would write it into YAML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {shown(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    # Braces and brackets would be read as such in a list or mapping.
    plain = value and not set(value) & set("{}[],#&*!|>'\"%@`") and yaml.safe_load(value) == value
    return value if plain else json.dumps(value)


if __name__ == "__main__":
    text = config_text(load_settings(ROOT / "schemas" / "config.schema.yaml"))
    write_text(ROOT / "config.yaml", text)
