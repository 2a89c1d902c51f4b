"""What people looked at and found right: a file beside the annotations, which a run leaves out.

It is JSON, version 1: `{"format": "avaflow kept checks", "version": 1, "kept": [{"key": ...,
"clip": ..., "told": ...}]}`, sorted by key. A key is made of what is labelled, so that a label that
is changed later is checked again.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from avaflow.errors import UserError
from avaflow.files import write_text

FORMAT, VERSION = "avaflow kept checks", 1

KEPT_NAME = "label_checks.kept"
"""Of the file, in the folder of annotations; it does not end in .json, as those of clips do."""

KEY_LENGTH = 16
"""Hexadecimal digits of a key: 64 bits, which no two of a project's checks share."""

PARTS = ("key", "clip", "told")
"""Of an entry; `told` is for people who read the file."""

Kept = dict[str, dict[str, str]]
"""Entries by key."""


def key_of(*parts: object) -> str:
    """A key of what a check is about."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:KEY_LENGTH]


def kept_path(annotations: str | Path) -> Path:
    """Where the file lies."""
    return Path(annotations, KEPT_NAME)


def kept_text(kept: Mapping[str, Mapping[str, str]]) -> str:
    """The file's text."""
    entries = [{part: str(kept[key][part]) for part in PARTS} for key in sorted(kept)]
    content = {"format": FORMAT, "version": VERSION, "kept": entries}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def parse_kept(text: str, path: str | Path) -> Kept:
    """The entries of the file's text; UserError if it is not such a file."""
    try:
        content = json.loads(text)
        if content["format"] != FORMAT or content["version"] != VERSION:
            raise ValueError(f"format {content['format']!r}, version {content['version']!r}")
        return _by_key(content["kept"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError(
            f"{path}: expected the checks that were kept, as the page of label checks saves them, "
            f"found {error!r}. Save the file there again, or delete it: then all checks come again"
        ) from error


def _by_key(entries: Iterable[Mapping]) -> Kept:
    found = {}
    for entry in entries:
        if not all(isinstance(entry[part], str) for part in PARTS):
            raise ValueError(f"an entry {entry!r:.80}")
        found[entry["key"]] = {part: entry[part] for part in PARTS}
    return found


def read_kept(path: str | Path) -> Kept:
    """The entries of a file that is there."""
    return parse_kept(Path(path).read_text(encoding="utf-8"), path)


class KeptFile:
    """The file as the server changes it, one change at a time."""

    def __init__(self, annotations: str | Path):
        self.path = kept_path(annotations)
        self._lock = threading.Lock()

    def read(self) -> Kept:
        """The entries; none where the file is not there."""
        return read_kept(self.path) if self.path.is_file() else {}

    def change(self, content: bytes) -> Kept:
        """Take up what a page says, `{"keep": [entries], "drop": [keys]}`; what is kept then."""
        try:
            asked = json.loads(content)
            keep, drop = _by_key(asked["keep"]), {str(key) for key in asked["drop"]}
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise UserError(
                f"Expected entries to keep and keys to drop, found {error!r:.80}."
            ) from None
        with self._lock:
            kept = {key: one for key, one in (self.read() | keep).items() if key not in drop}
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_text(self.path, kept_text(kept))
        return kept
