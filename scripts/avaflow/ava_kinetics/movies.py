"""AVA's own movies as a clips table: the 15th to 30th minute of each.

AVA annotates seconds 902 to 1798 of a movie, and its readers count frames from 900 s. A clip from
900 to 1800 s with the timestamp offset 900 therefore has AVA's own timestamps: its last
annotatable second, 898, is 1798.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avaflow.bulk.video_folders import Found, list_videos
from avaflow.errors import UserError
from avaflow.files import SYMBOLIC, link, unlink_others, write_text
from avaflow.lines import lines_of
from avaflow.videos.probe import probe

FIRST_SECOND, LAST_SECOND = 900, 1800
"""What is cut of each movie, in seconds: what AVA's readers take frames 1 to 27000 for."""

LEAST_SECONDS = 904
"""A movie that ends before has no annotatable second."""

MOVIES = ("youtube_id", "clip", "split", "video", "end", "status", "reason")
"""Columns of the table of all movies. `status` is listed, missing, unreadable, too short or
without split; only listed ones are in the clips table."""

HEADER = ("clip", "video", "start", "end", "split", "known_as")


class Movie(NamedTuple):
    """A line of AVA's file list: the id, the file's name, and whether the list is of the test."""

    youtube_id: str
    name: str
    test: bool


def load_ava(config: Mapping) -> dict[str, Found] | None:
    """The movies on the disk by id; None where no file list is given. UserError for mistakes."""
    settings = config["ava"]
    if not settings["file_lists"]:
        return None
    for path in settings["file_lists"]:
        if not os.path.isfile(path):
            raise UserError(
                f"config: ava.file_lists: {path} is missing; expected AVA's list of files, such as "
                "ava_file_names_trainval_v2.1.txt"
            )
    find_csvs(settings["annotations"])
    videos = list_videos(settings["movies"], "ava.movies").videos
    return {name: found[0] for name, found in sorted(videos.items())}


def find_csvs(folder: str) -> dict[str, str]:
    """AVA's csv by split, which say which movie is of which. UserError where there is none."""
    found = {}
    for split in ("train", "val"):
        names = [f"{folder}/ava_{split}_v{version}.csv" for version in ("2.2", "2.1")]
        present = [name for name in names if os.path.isfile(name)]
        if not present:
            raise UserError(
                f"config: ava.annotations: {names[0]} is missing: AVA's csv say which movies are "
                "for training and which for validation. Give the folder of AVA's annotations."
            )
        found[split] = present[0]
    return found


def read_file_list(path: str | Path) -> list[Movie]:
    """The movies of one of AVA's file lists, a file name a line."""
    test = "test" in Path(path).name.split("_")
    movies = []
    for line in lines_of(Path(path).read_text(encoding="utf-8-sig")):
        name = line.strip().rsplit("/", 1)[-1]
        if name:
            movies.append(Movie(os.path.splitext(name)[0], name, test))
    return movies


def splits_of(csvs: Mapping[str, str]) -> dict[str, str]:
    """The split of every movie in AVA's csv; UserError for one that is in two."""
    splits: dict[str, str] = {}
    for split, path in csvs.items():
        with open(path, encoding="utf-8-sig") as stream:
            for name in {line.split(",", 1)[0].strip() for line in stream} - {""}:
                if splits.setdefault(name, split) != split:
                    raise UserError(f"{path}: {name} is in {splits[name]} too")
    return splits


def clip_ids(youtube_ids: Iterable[str]) -> dict[str, str]:
    """A clip id for every movie: clip ids know no `_`, and are compared without case."""
    ids: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(set(youtube_ids)):
        base = clip = "ava-" + re.sub(r"[^A-Za-z0-9]", "-", name)
        number = 2
        while clip.lower() in taken:
            clip, number = f"{base}-{number}", number + 1
        taken.add(clip.lower())
        ids[name] = clip
    return ids


def movie_rows(
    movies: Sequence[Movie], splits: Mapping[str, str], files: Mapping[str, str]
) -> list[dict]:
    """Rows of :data:`MOVIES`, sorted by id; `files` are the movies on the disk by id."""
    ids = clip_ids(movie.youtube_id for movie in movies)
    rows = {}
    for movie in sorted(movies):
        split = splits.get(movie.youtube_id, "test" if movie.test else "")
        path = files.get(movie.youtube_id, "")
        end: float | str = ""
        status, reason = "listed", ""
        if not split:
            status, reason = "without split", "neither AVA's csv nor a list of test files has it"
        elif not path:
            status, reason = "missing", f"no file {movie.name}"
        else:
            try:
                duration = probe(path).duration
            except UserError as error:
                status, reason = "unreadable", str(error)
            else:
                end = min(LAST_SECOND, duration)
                if duration < LEAST_SECONDS:
                    status, reason = "too short", f"it ends at {duration:.1f} s"
        end = f"{end:g}" if status == "listed" else ""
        cells = (movie.youtube_id, ids[movie.youtube_id], split, path, end, status, reason)
        rows[movie.youtube_id] = dict(zip(MOVIES, cells, strict=True))
    return list(rows.values())


def clips_table(rows: Iterable[Mapping[str, str]]) -> str:
    """The clips table of the movies that can be cut."""
    lines = ["\t".join(HEADER) + "\n"]
    for row in rows:
        if row["status"] == "listed":
            # By its own id AVA's csv and proposals name a movie.
            other = row["youtube_id"] if row["youtube_id"] != row["clip"] else ""
            cells = (row["clip"], row["video"], str(FIRST_SECOND), row["end"], row["split"], other)
            lines.append("\t".join(cells) + "\n")
    if len(lines) == 1:
        raise UserError(
            "ava: none of the movies in AVA's file list can be cut. Put them into ava.movies, "
            "called as in the list."
        )
    return "".join(lines)


def link_ava_folder(
    rows: Iterable[Mapping[str, str]],
    clips: Sequence[str],
    annotations: str,
    results: Path,
    listing: str | Path,
) -> None:
    """Make `ava/` an AVA folder: frames by YouTube id, and AVA's annotations, as links.

    Links of an earlier run to movies that are there no more are removed. `listing` gets a line
    per link: its name and its target.
    """
    folder = results / "ava"
    lines = ["link\ttarget\n"]
    linked = [row for row in rows if row["clip"] in clips]
    unlink_others(folder / "rawframes", {row["youtube_id"] for row in linked})
    for row in linked:
        link(
            results / "rawframes" / row["clip"], folder / "rawframes" / row["youtube_id"], SYMBOLIC
        )
        lines.append(f"rawframes/{row['youtube_id']}\trawframes/{row['clip']}\n")
    link(annotations, folder / "annotations", SYMBOLIC)
    write_text(listing, "".join([*lines, f"annotations\t{annotations}\n"]))
