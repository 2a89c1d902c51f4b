"""The list of a clip's crops: whom each shows, and where it is in which image."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from avaflow.errors import UserError
from avaflow.files import sha256, write_text
from avaflow.preview.sights import Sight
from avaflow.tables import DECIMALS
from avaflow.times import Second

IMAGE = "{number:04d}.webp"
"""Of an image of crops, in the folder that is called as the list is."""

VERSION = 1
"""Of the list; lists and the gallery are made by one run, so it never differs."""


class Crop(NamedTuple):
    """A person on a keyframe, and where it is to be seen: image, then x, y, width, height there."""

    second: Second
    sight: Sight
    image: int
    place: tuple[int, int, int, int]


def write_crops(
    path: Path, facts: dict[str, Any], crops: Iterable[Crop], images: Sequence[str]
) -> None:
    """Write a clip's list of crops, which stands for their images too.

    `facts` are what the gallery says of the clip, `images` checksums of its images in order.
    """
    content = {
        "version": VERSION,
        **facts,
        "images": list(images),
        "crops": [_entry(crop) for crop in crops],
    }
    write_text(path, json.dumps(content, separators=(",", ":"), ensure_ascii=False) + "\n")


def _entry(crop: Crop) -> list:
    sight = crop.sight
    return [
        crop.second,
        sight.person,
        sight.state,
        list(sight.action_ids),
        [round(side, DECIMALS) for side in sight.box],
        None if sight.score is None else round(sight.score, 3),
        crop.image,
        *crop.place,
    ]


def read_crops(path: str | Path) -> dict[str, Any]:
    """What :func:`write_crops` wrote; UserError if it is not that."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["version"] != VERSION or not isinstance(content["crops"], list):
            raise ValueError("of another version")
        return content
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{path}: not a list of crops ({error!r}). Delete it, run again."
        ) from error


def crops_damage(path: Path) -> str:
    """What is wrong with the images that a list stands for; empty if nothing."""
    for number, checksum in enumerate(read_crops(path)["images"]):
        name = IMAGE.format(number=number)
        if sha256(path.with_suffix("") / name) != checksum:
            return f"its image {name} is another"
    return ""
