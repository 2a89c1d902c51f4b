"""The files of suggestions: JSON for programs, the same as scripts for pages, and the queue.

Pages open from the disk, where a script cannot read a JSON file: each file has a script beside it
that hands the same to the page. docs/suggestions.md describes the form.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from avaflow.annotation.page.pages import script
from avaflow.files import write_text
from avaflow.suggestions.queue import Queued
from avaflow.suggestions.spans import Suggested
from avaflow.tables import columns_of, write_table

FORMAT, VERSION = "avaflow suggestions", 1
"""What the file says of itself."""

QUEUE = columns_of(Queued)


def clip_content(
    clip: str, spans: Sequence[Suggested], precision: float, head: str, fps: int
) -> dict[str, Any]:
    """What stands in the file of a clip; `head` is the digest of what scored.

    `fps` tells the second of a keyframe, whose image is named by its frame.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "clip": clip,
        "fps": fps,
        "precision": precision,
        "head": head,
        "persons": [
            {
                "track": track,
                "spans": [
                    {
                        "attribute": span.attribute,
                        "option": span.option,
                        "from": span.start,
                        "to": span.end,
                        "probability": span.probability,
                        "by": span.by,
                        "sure": span.sure,
                    }
                    for span in sorted(own, key=lambda span: (span.start, span[1:]))
                ],
            }
            for track, own in groupby(sorted(spans), key=lambda span: span.track)
        ],
    }


def write_clip(path: str | Path, js: str | Path, content: Mapping) -> None:
    """Write a clip's suggestions, and the script beside them."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    write_text(js, script("AVAFLOW_SUGGESTIONS", content))


def write_queue(path: str | Path, js: str | Path, queue: Iterable[Queued]) -> None:
    """Write the queue as a table, and the script that hands it to the list of clips."""
    rows = list(queue)
    write_table(path, pd.DataFrame(rows, columns=list(QUEUE)), QUEUE)
    told = {row.clip: {"priority": len(rows) + 1 - row.rank, "reason": row.reason} for row in rows}
    write_text(js, script("AVAFLOW_QUEUE", {"version": VERSION, "clips": told}))
