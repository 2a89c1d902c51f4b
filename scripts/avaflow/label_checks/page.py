"""The page of label checks: short loops of what looks wrong, and a key for each to keep or to mend.

It works from the disk, by a double click, as well as by the server. Loops are stretches of the
clips' own videos, and boxes are laid over them: nothing is encoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from avaflow.annotation.page.pages import script
from avaflow.annotation.page_files import SHARED
from avaflow.files import write_text
from avaflow.label_checks.check import TICK, WHOLE_CLIPS, Check
from avaflow.label_checks.guesses import Guess, Guesses
from avaflow.label_checks.kept import FORMAT, KEPT_NAME, VERSION, Kept
from avaflow.label_checks.page_files import OWN_ASSETS, page_sources
from avaflow.label_checks.table import CheckRow, People
from avaflow.label_checks.whole_clips import places_of
from avaflow.preview.colours import PERSON_COLOURS
from avaflow.tables import BOX
from avaflow.templates import render_from

MOST_SHOWN = 1000
"""Checks on the page: more nobody looks at before the next run; the table has all."""

LOOP_BEFORE_S, LOOP_AFTER_S = 1.5, 1.5
"""A loop around the second: what was done before and after tells what is done."""

STRIP_SECONDS = 3
"""Seconds before and after of which it is told what is labelled and predicted."""

PLACES = 4
"""Decimals of boxes: a fifth of a pixel of a screen."""


@dataclass(frozen=True)
class Film:
    """A clip's video: frames a second, how many, and the tracks in it (`tables.TRACKS`)."""

    fps: int
    frames: int
    width: int
    height: int
    tracks: pd.DataFrame


def page_data(
    checks: Sequence[Check],
    rows: Sequence[CheckRow],
    found: Guesses,
    films: Mapping[str, Film],
    numbers: People,
    kept: Kept,
) -> dict[str, Any]:
    """The value of `window.AVAFLOW_CHECKS`; `checks` and `rows` without those that were kept."""
    shown = list(zip(checks, rows, strict=True))[:MOST_SHOWN]
    places = places_of(found, found.tracks)
    clips = sorted({check.clip for check, _ in shown})
    boxes = {clip: _by_track(films[clip].tracks) for clip in clips}
    return {
        "format": FORMAT,
        "version": VERSION,
        "file": KEPT_NAME,
        "kept": [kept[key] for key in sorted(kept)],
        "entries": found.entries(),
        "left": len(checks) - len(shown),
        "notes": found.notes,
        "clips": {clip: _film(clip, films[clip]) for clip in clips},
        "checks": [
            _entry(check, row, found, places[check.clip], films[check.clip], boxes, numbers)
            for check, row in shown
        ],
    }


def _film(clip: str, film: Film) -> dict[str, Any]:
    name = quote(clip)
    return {
        "video": f"../clips/{name}.mp4",
        "page": f"../annotate/{name}.html",
        "fps": film.fps,
        "width": film.width,
        "height": film.height,
        "length": round(film.frames / film.fps, 3),
    }


def _by_track(tracks: pd.DataFrame) -> dict[int, np.ndarray]:
    """Frame and box by track, in order."""
    columns = ["frame", *BOX]
    return {
        int(str(number)): rows.sort_values("frame", kind="stable")[columns].to_numpy(float)
        for number, rows in tracks.groupby("person_id")
    }


def _entry(
    check: Check,
    row: CheckRow,
    found: Guesses,
    places: Mapping[tuple[int, int], int],
    film: Film,
    boxes: Mapping[str, Mapping[int, np.ndarray]],
    numbers: People,
) -> dict[str, Any]:
    begin = max(0.0, check.look - LOOP_BEFORE_S)
    end = min(film.frames / film.fps, check.look + LOOP_AFTER_S)
    asked = [guess for guess in found.questions if _is_about(guess, check)]
    return {
        "key": row.key,
        "rank": row.rank,
        "kind": check.kind,
        "clip": check.clip,
        "first": check.first,
        "last": check.last,
        "look": check.look,
        "whole": check.kind in WHOLE_CLIPS,
        "action": check.action,
        "labelled": check.labelled,
        "predicted": check.predicted,
        "score": check.score,
        "reason": check.reason,
        "begin": begin,
        "end": end,
        "persons": [
            {
                "id": (number := numbers.get((check.clip, track), track)),
                "colour": PERSON_COLOURS[(number - 1) % len(PERSON_COLOURS)],
                "boxes": _part(boxes[check.clip].get(track), begin, end, film.fps),
                "strip": _strip(asked, check, track, places),
            }
            for track in check.tracks
        ],
    }


def _is_about(guess: Guess, check: Check) -> bool:
    return check.kind != TICK or {check.labelled, check.predicted} <= set(guess.question.names)


def _part(course: np.ndarray | None, begin: float, end: float, fps: int) -> list[list[float]]:
    """Second and box of a track in a loop, and one beside it on either end."""
    if course is None:
        return []
    seconds = (course[:, 0] - 1) / fps
    low = max(0, int(np.searchsorted(seconds, begin)) - 1)
    high = int(np.searchsorted(seconds, end)) + 1
    return [
        [round(second, 3), *(round(side, PLACES) for side in box)]
        for second, box in zip(
            seconds[low:high].tolist(), course[low:high, 1:].tolist(), strict=True
        )
    ]


def _strip(
    asked: Iterable[Guess], check: Check, track: int, places: Mapping[tuple[int, int], int]
) -> list[list[Any]]:
    """Second, what is labelled, what is predicted, and whether they agree; a row a second."""
    asked = list(asked)
    low, high = check.look - STRIP_SECONDS, check.look + STRIP_SECONDS
    found = []
    for second in range(low, high + 1):
        row = places.get((track, second))
        if row is None:
            continue
        said = [(guess, int(guess.answers[row])) for guess in asked]
        told = [(guess, int(guess.shares[row].argmax())) for guess in asked]
        found.append([second, _names(said), _names(told), said == told])
    return found


def _names(answers: Sequence[tuple[Guess, int]]) -> str:
    done = [guess.question.names[place] for guess, place in answers if place]
    if done or len(answers) != 1:
        return ", ".join(done) or "none"
    return answers[0][0].question.names[0]


def write_page(html: str | Path, js: str | Path, data: Mapping) -> None:
    """Write the page and its data."""
    write_text(js, script("AVAFLOW_CHECKS", data))
    write_text(html, render_from(OWN_ASSETS, "index.html"))


def copy_page_assets(paths: Iterable[str | Path]) -> None:
    """Copy what the page is made of, and take away what an earlier version put there."""
    wanted = {Path(path).name: Path(path) for path in paths}
    for source in page_sources():
        if source.suffix in SHARED:
            write_text(wanted[source.name], source.read_text(encoding="utf-8"))
    for folder in {path.parent for path in wanted.values()}:
        for path in folder.iterdir():
            if path.suffix in SHARED and path.name not in wanted:
                path.unlink()
