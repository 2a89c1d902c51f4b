"""Which clips were held against each other for duplicates, so that only new ones are the next time.

All pairs of 10,000 clips take an hour; one clip more takes less than a second.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from avaflow.files import write_text
from avaflow.tables import Duplicate


class Compared(NamedTuple):
    """Clips of which all pairs of different splits were compared, and what was found.

    `clips` has the split of each and the checksum of its images.
    """

    clips: dict[str, tuple[str, str]]
    found: list[Duplicate]


NOTHING = Compared({}, [])


def read_compared(path: str | Path, code: str) -> Compared:
    """What :func:`write_compared` wrote by the same `code`; nothing where that is not there.

    It saves time alone: whatever is wrong with it, everything is compared anew.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["code"] != code:
            return NOTHING
        clips = {str(clip): (str(s), str(digest)) for clip, (s, digest) in content["clips"].items()}
        return Compared(clips, [Duplicate(*row) for row in content["found"]])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return NOTHING


def write_compared(path: str | Path, code: str, compared: Compared) -> None:
    """Write it, in order, whole or not at all."""
    content = {"code": code, "clips": compared.clips, "found": compared.found}
    write_text(path, json.dumps(content, sort_keys=True) + "\n")


def unchanged(before: Compared, clips: Mapping[str, tuple[str, str]]) -> list[str]:
    """The clips that were compared as they are now."""
    return [clip for clip, state in clips.items() if before.clips.get(clip) == state]


def still_true(before: Compared, clips: Iterable[str]) -> list[Duplicate]:
    """What was found among clips that have not changed."""
    known = set(clips)
    return [pair for pair in before.found if pair.clip in known and pair.other in known]
