"""Which files of a user's folder of detections, or of tracks, belong to which clip.

A clip has one file of its name (`{clip}.txt`, `.csv`, `.json`), or one for each frame: in the
folder itself (`{clip}_{frame}.txt`), or in a folder of the clip's name, where any name that ends
in the frame's number will do (`{clip}/img_00031.txt`, also below `{clip}/labels/`, as YOLO puts
them). An empty folder of its name says that nobody is in the clip.
"""

import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from avaflow.errors import UserError
from avaflow.listing import MOST_SHOWN, commas
from avaflow.times import Frame

SUFFIXES = (".txt", ".csv", ".json")
"""Endings of files that may hold boxes; what they hold, their content tells."""

BELOW = ("labels", "preds")
"""Folders below a clip's own in which YOLO and mmdet put a file for each frame."""

_ENDS_IN_FRAME = re.compile(r"(?P<frame>[0-9]{1,9})$")
_OF_CLIP = re.compile(r"^(?P<clip>.+)_[0-9]{1,9}$")


@dataclass(frozen=True)
class OwnFiles:
    """A user's folder of boxes.

    `places` has of each clip its file, its folder of a file for each frame, or the whole folder
    where such files lie there side by side.
    """

    folder: str
    places: dict[str, str] = field(default_factory=dict)


def frame_of_name(path: str) -> Frame | None:
    """The frame that a file's or an image's name ends with; None without one.

    >>> frame_of_name("labels/yard_000031.txt")
    31
    """
    found = _ENDS_IN_FRAME.search(os.path.splitext(os.path.basename(path))[0])
    return Frame(int(found["frame"])) if found else None


def files_of(place: str, clip: str, named: str) -> list[str]:
    """The files of a clip at its place, sorted. `named` is what the config calls the folder."""
    if not os.path.isdir(place):
        return [place]
    entries = _entries(place, named)
    if os.path.basename(os.path.normpath(place)) != clip:
        return [entry.path for entry in entries if _clip_of_frame(entry.name) == clip]
    files = [entry.path for entry in entries if not entry.is_dir()]
    for entry in entries:
        if entry.is_dir() and entry.name in BELOW:
            files += [one.path for one in _entries(entry.path, named) if not one.is_dir()]
    return sorted(file for file in files if os.path.splitext(file)[1].lower() in SUFFIXES)


def find_own_files(folder: str, named: str, clips: Collection[str]) -> tuple[OwnFiles, list[str]]:
    """The files of every clip, and a sentence about those that belong to none.

    `named` is what the config calls the folder. Raises UserError where it is missing, for clips
    without a file, and for clips with two.
    """
    found = OwnFiles(folder)
    strangers: list[str] = []
    double: dict[str, str] = {}
    for entry in _entries(folder, named):
        name = entry.name
        stem, suffix = os.path.splitext(name)
        if entry.is_dir():
            clip, place = name, entry.path
        elif suffix.lower() in SUFFIXES and stem in clips:
            clip, place = stem, entry.path
        else:
            clip, place = _clip_of_frame(name), folder
        if clip not in clips:
            strangers.append(name)
        elif found.places.setdefault(clip, place) != place:
            double[clip] = f"clip {clip}: both {found.places[clip]} and {entry.path} are there"
    if double:
        problems = [double[clip] for clip in sorted(double)]
        raise UserError.listing(
            f"config: {named}: {folder}: keep one of these:", problems, MOST_SHOWN
        )
    missing = sorted(set(clips) - found.places.keys())
    if missing:
        raise UserError(
            f"config: {named}: {folder}: nothing is there of {len(missing)} of {len(clips)} clips "
            f"({commas(missing)}). Expected {missing[0]}.txt (MOT), {missing[0]}.csv (AVA), "
            f"{missing[0]}.json (COCO results), or a file for each frame, such as "
            f"{missing[0]}_31.txt (YOLO). If nobody is in a clip, make an empty folder of its name."
        )
    if not strangers:
        return found, []
    told = commas(sorted(strangers))
    return found, [f"{named}: {folder}: of no clip in the clips table, and not read: {told}"]


def _clip_of_frame(name: str) -> str:
    """The clip of a file for one frame that lies beside others'; empty for any other name."""
    stem, suffix = os.path.splitext(name)
    found = _OF_CLIP.match(stem)
    return found["clip"] if found and suffix.lower() in SUFFIXES else ""


def _entries(folder: str, named: str) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            shown = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise UserError(
            f"config: {named}: expected a folder at {folder}, and it cannot be read "
            f"({error.strerror}). Correct the path, or leave it empty."
        ) from None
    return sorted(shown, key=lambda entry: entry.name)
