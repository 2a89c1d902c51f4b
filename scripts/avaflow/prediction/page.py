"""The pages of predictions: each video with its boxes drawn from data, and the list of videos.

They work from the disk, by a double click: classic scripts beside the page, no network.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from avaflow.annotation.page.pages import script
from avaflow.annotation.page_files import SHARED
from avaflow.errors import UserError
from avaflow.files import write_text
from avaflow.listing import counted
from avaflow.manifests import ClipManifest
from avaflow.prediction.page_files import PREDICTION_ASSETS, asset_sources
from avaflow.prediction.scene import FALSE, MISSED, RIGHT, Scene
from avaflow.preview.colours import NOBODYS_COLOUR, PERSON_COLOURS
from avaflow.templates import render_from
from avaflow.times import Frame

LOOKS_A_SECOND = 6
"""Boxes of a person in the data, a second; the page draws those between on the line."""

SCALE = 10_000
"""A coordinate in the data is a whole number of so many: 0.4 pixels at 4K."""

MOST_ACTIONS = 4
"""Actions that the list names by video: those of the most person-seconds."""


def page_data(
    scene: Scene,
    facts: ClipManifest,
    video: str,
    names: Mapping[int, str],
    least: float,
    predicted: bool,
    compared: bool,
) -> dict[str, Any]:
    """The value of `window.AVAFLOW_PREDICTION`; `video` is its address as seen from the page."""
    step = max(1, round(facts.fps / LOOKS_A_SECOND))
    boxes: dict[tuple[bool, int], list[list[int]]] = defaultdict(list)
    frames = {*range(1, facts.frames + 1, step), *range(1, facts.frames + 1, facts.fps)}
    for frame in sorted(frames):
        for one in scene.at(Frame(frame)):
            # Of persons without a number there may be several: they have no course.
            if one.sight.person or not any(row[0] == frame for row in boxes[one.who][-1:]):
                boxes[one.who].append([frame, *(round(v * SCALE) for v in one.sight.box)])
    said: dict[tuple[bool, int], list[list[Any]]] = defaultdict(list)
    used: set[int] = set()
    for second in scene.seconds:
        for one in scene.on_keyframe(second):
            words = [[each.action_id, each.score, each.mark] for each in one.said]
            used |= {each.action_id for each in one.said}
            if not any(row[0] == second for row in said[one.who][-1:]):
                said[one.who].append([second, one.sight.state, words])
    people = sorted(boxes, key=lambda who: (-len(boxes[who]), who))
    return {
        "name": facts.clip,
        "video": video,
        "told": summary_sentence(facts, people, least, predicted, compared),
        "fps": facts.fps,
        "frames": facts.frames,
        "width": facts.width,
        "height": facts.height,
        "scale": SCALE,
        "compared": compared,
        "colours": list(PERSON_COLOURS),
        "nobody": NOBODYS_COLOUR,
        "actions": [[number, names.get(number, f"action {number}")] for number in sorted(used)],
        "people": [
            {"person": who[1], "missed": who[0], "boxes": boxes[who], "said": said[who]}
            for who in people
        ],
    }


def summary_sentence(
    facts: ClipManifest,
    people: Sequence[tuple[bool, int]],
    least: float,
    predicted: bool,
    compared: bool,
) -> str:
    """What is seen on the page, in short."""
    found = counted(sum(1 for missed, _ in people if not missed), "person")
    length = f"{facts.frames / facts.fps:.0f} s"
    if not predicted:
        return f"{length}, {found}: the truth"
    kind = "predictions beside the truth" if compared else "predictions"
    return f"{length}, {found}: {kind}, actions from {least:g} on"


def summary(data: Mapping[str, Any], least: float, table: bool) -> dict[str, Any]:
    """What the list says of a video: most frequent actions, and how they compare."""
    names = dict(data["actions"])
    seconds: Counter[int] = Counter()
    marks: dict[int, Counter[str]] = defaultdict(Counter)
    for person in data["people"]:
        for _, _, said in person["said"]:
            for action, _, mark in said:
                seconds[action] += mark != MISSED
                marks[action][mark] += 1
    order = sorted(marks, key=lambda action: (-sum(marks[action].values()), action))
    told = []
    for action in order[:MOST_ACTIONS]:
        words = f"{seconds[action]} person-seconds"
        if data["compared"]:
            words = ", ".join(
                f"{marks[action][mark]} {mark}"
                for mark in (RIGHT, FALSE, MISSED)
                if marks[action][mark]
            )
        told.append({"name": names[action], "told": words})
    return {
        "name": data["name"],
        "address": quote(data["name"]),
        "told": data["told"],
        "actions": told,
        "least": least,
        "table": table,
    }


def write_page(html: str | Path, js: str | Path, data: Mapping[str, Any]) -> None:
    """Write the page of a video, and its data."""
    write_text(js, script("AVAFLOW_PREDICTION", data))
    title = "truth and predictions" if data["compared"] else "predictions"
    write_text(html, render_from(PREDICTION_ASSETS, "video.html", name=data["name"], title=title))


def write_summary(path: str | Path, told: Mapping[str, Any]) -> None:
    """Write what the list says of a video."""
    write_text(path, json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def read_summary(path: str | Path) -> dict[str, Any]:
    """What :func:`write_summary` wrote; UserError if it is not that."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(found, dict) or "address" not in found:
            raise ValueError("no address")
        return found
    except ValueError as error:
        raise UserError(
            f"{path}: not what the list says of a video ({error}). Delete it and run again."
        ) from error


def write_list(html: str | Path, summaries: Iterable[Mapping[str, Any]]) -> None:
    """Write the list of videos."""
    videos = sorted(summaries, key=lambda one: str(one["name"]).lower())
    write_text(html, render_from(PREDICTION_ASSETS, "index.html", videos=videos))


def copy_assets(paths: Iterable[str | Path]) -> None:
    """Copy what the pages are made of, and take away what an earlier version put there."""
    wanted = {Path(path).name: Path(path) for path in paths}
    for source in asset_sources():
        if source.suffix in SHARED:
            write_text(wanted[source.name], source.read_text(encoding="utf-8"))
    for folder in {path.parent for path in wanted.values()}:
        for path in folder.iterdir():
            if path.suffix in SHARED and path.name not in wanted:
                path.unlink()
