"""The files that annotators open: a page per clip with its data, the list of clips, assets.

They work from the disk, by a double click: classic scripts beside the page, no network.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from avaflow.annotation.page.data import BEGUN, FINISHED, Counts
from avaflow.annotation.page_files import PAGE_ASSETS, SHARED
from avaflow.errors import UserError
from avaflow.files import write_text
from avaflow.templates import render_from

OPEN = "open"
"""Of a clip that nobody has begun, as the list of clips says it."""


def script(name: str, value: object) -> str:
    """A script that hands a value to a page as `window.NAME`.

    A browser ends a script at the first ``</script``, wherever it stands, so no text may contain
    ``<``; everything outside ASCII is escaped by JSON.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f"window.{name} = {text};\n"


def write_clip_page(html: str | Path, js: str | Path, data: Mapping) -> None:
    """Write a clip's page and the script beside it that holds its data."""
    clip = str(data["clip"])
    write_text(js, script("AVAFLOW_CLIP", data))
    page = render_from(PAGE_ASSETS, "clip.html", clip=clip, script=quote(Path(js).name))
    write_text(html, page)


def write_counts(path: str | Path, counts: Counts) -> None:
    """Write what the list of clips says of one."""
    write_text(path, json.dumps(counts._asdict(), indent=1) + "\n")


def read_counts(path: str | Path) -> Counts:
    """What :func:`write_counts` wrote; UserError if it is not that."""
    try:
        return Counts(**json.loads(Path(path).read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{path}: not the counts of a clip ({error}). Delete it, run again."
        ) from error


def index_entry(counts: Counts, split: str, state: str) -> dict[str, Any]:
    """A clip in the list of clips."""
    # What is finished in a way that the page cannot count leaves nothing to do.
    judged = counts.to_judge if state == FINISHED else counts.judged
    return counts._asdict() | {
        "judged": judged,
        "page": f"{quote(counts.clip)}.html",
        "split": split,
        "state": state,
        "priority": 0,
    }


def state_of(counts: Counts, saved: bool, begun: bool) -> str:
    """How far a clip is. `saved` says that a file of it counts, `begun` that somebody has one."""
    if saved:
        return counts.state or FINISHED
    return BEGUN if begun else OPEN


def write_index(html: str | Path, js: str | Path, entries: Iterable[Mapping]) -> None:
    """Write the page that lists all clips, and its data."""
    write_text(js, script("AVAFLOW_INDEX", {"clips": list(entries)}))
    write_text(html, render_from(PAGE_ASSETS, "index.html"))


def copy_assets(paths: Iterable[str | Path], sources: Iterable[Path]) -> None:
    """Copy what pages share, each of `paths` from the source of its name.

    What an earlier version put beside them is taken away.
    """
    wanted = [Path(path) for path in paths]
    source_of = {source.name: source for source in sources}
    for path in wanted:
        write_text(path, source_of[path.name].read_text(encoding="utf-8"))
    for folder in {path.parent for path in wanted}:
        for path in folder.iterdir():
            if path.suffix in SHARED and path not in wanted:
                path.unlink()
