"""The gallery: one page on which all persons of all clips are seen, chosen and compared.

It works from the disk, by a double click: classic scripts beside the page, no network.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from avaflow.annotation.page.pages import script
from avaflow.files import write_text
from avaflow.preview.colours import NOBODYS_COLOUR, PERSON_COLOURS
from avaflow.preview.crop_lists import IMAGE
from avaflow.preview.gallery_files import GALLERY_ASSETS
from avaflow.project.actions import Action
from avaflow.templates import render_from


def gallery_data(
    clips: Iterable[Mapping[str, Any]], splits: Mapping[str, str], actions: Sequence[Action]
) -> dict[str, Any]:
    """The value of `window.AVAFLOW_PREVIEW`, from the lists of crops of all clips.

    Paths are as seen from the page, each part quoted as an address.
    """
    return {
        "actions": [
            {"id": action.id, "name": action.name, "attribute": action.attribute}
            for action in actions
        ],
        "colours": list(PERSON_COLOURS),
        "nobody": NOBODYS_COLOUR,
        "clips": [_clip(clip, splits[clip["clip"]]) for clip in clips],
    }


def _clip(clip: Mapping[str, Any], split: str) -> dict[str, Any]:
    name = quote(clip["clip"])
    kept = ("clip", "fps", "seconds", "width", "height", "judged", "crops")
    begin, end = clip["video"]
    return {
        **{key: clip[key] for key in kept},
        "split": split,
        "sheet": f"{name}.jpg",
        "video": f"{name}.mp4",
        "begin": begin,
        "end": end,
        "whole": f"../clips/{name}.mp4",
        "page": f"../annotate/{name}.html",
        "images": [
            f"crops/{name}/{IMAGE.format(number=number)}" for number in range(len(clip["images"]))
        ],
        "keyframes": {
            second: f"../keyframes/{name}/{quote(file)}" for second, file in clip["files"].items()
        },
    }


def write_gallery(html: str | Path, js: str | Path, data: Mapping) -> None:
    """Write the page and its data."""
    write_text(js, script("AVAFLOW_PREVIEW", data))
    write_text(html, render_from(GALLERY_ASSETS, "index.html"))
