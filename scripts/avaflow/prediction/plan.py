"""What is predicted: the videos that the config names, under names that are safe anywhere."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from avaflow.bulk.video_folders import SUFFIXES
from avaflow.errors import UserError

TAKEN = frozenset(["index", "assets"])
"""What lies beside the folders of videos, so that none has its name."""

HOLDS = "a video, a folder with videos, or a list of such"


def listed(setting: str | Sequence[str]) -> list[str]:
    """The paths of a setting that takes one or several.

    >>> listed("a.mp4"), listed(["a.mp4", "b"]), listed("")
    (['a.mp4'], ['a.mp4', 'b'], [])
    """
    return [setting] if isinstance(setting, str) and setting else list(setting)


def find_videos(setting: str | Sequence[str], clips: Collection[str]) -> dict[str, str]:
    """The videos of `prediction.videos` by name, sorted by it.

    Of a folder all videos below it count, by the ends of their names; a file that is named counts
    whatever its name is. Names are of letters, digits and -, made of the files' names, and none is
    that of one of `clips`, beside whose folders theirs lie. UserError where a path is missing, or
    a folder without a video.
    """
    found: dict[str, None] = {}
    problems = []
    for path in listed(setting):
        if Path(path).is_dir():
            below = sorted(_videos_below(path))
            found |= dict.fromkeys(below)
            if not below:
                problems.append(f"{path}: no video in this folder, by the ends of names")
        elif Path(path).is_file():
            found[path] = None
        else:
            problems.append(f"{path}: no such file or folder")
    braced = [path for path in found if set(path) & set("{}")]
    problems += [f"{path}: a path without {{ and }} is needed: rename it" for path in braced]
    if problems:
        raise UserError.listing(f"config: prediction.videos: expected {HOLDS}:", problems, 10)
    if not found:
        return {}
    # Imported where videos are named: most starts of a run do without.
    from avaflow.project.clips_proposal import clip_ids

    taken = {clip.lower() for clip in clips} | TAKEN
    names = {}
    for video, (name,) in clip_ids(dict.fromkeys(found, 1)).items():
        while name.lower() in taken:
            name = f"{name}-video"
        taken.add(name.lower())
        names[name] = video
    return dict(sorted(names.items()))


def _videos_below(folder: str) -> list[str]:
    found = []
    for place, _, files in os.walk(folder):
        names = (name for name in files if not name.startswith("."))
        found += [
            os.path.join(place, name)
            for name in names
            if os.path.splitext(name)[1].lower() in SUFFIXES
        ]
    return found
