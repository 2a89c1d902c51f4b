"""AVA beside the Kinetics clips: one csv, one file of proposals, links to AVA's frames.

AVA's own files are only read. What is merged depends on them and on the Kinetics part alone, so
merging twice gives the same bytes.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from avaflow.ava_kinetics.annotations import check_ava_rows
from avaflow.errors import UserError
from avaflow.files import SYMBOLIC, link, unlink_others, write_text
from avaflow.formats.proposals import key_of, read_proposals, split_key, tidy, write_proposals
from avaflow.lines import lines_of
from avaflow.times import Timestamp


def merge_csv(
    kinetics: str | Path | None, ava: str | Path, movies: Collection[str], merged: str | Path
) -> dict[str, int]:
    """Write the rows of both, Kinetics' first, and return rows left out by AVA movie.

    Rows of movies without frames are left out: the reader would stop at the first of them.
    """
    text = Path(kinetics).read_text(encoding="utf-8") if kinetics else ""
    lines = [line for line in lines_of(Path(ava).read_text(encoding="utf-8-sig")) if line]
    check_ava_rows(ava, lines)
    left_out: dict[str, int] = {}
    kept = []
    for line in lines:
        movie = line.split(",", 1)[0]
        if movie in movies:
            kept.append(line + "\n")
        else:
            left_out[movie] = left_out.get(movie, 0) + 1
    if not kept:
        raise UserError(
            f"{ava}: none of its movies has a folder of frames. Expected folders called after "
            f"YouTube ids, such as {min(left_out)}."
        )
    write_text(merged, text + "".join(kept))
    return dict(sorted(left_out.items()))


def merge_proposals(
    kinetics: str | Path | None,
    ava: str | Path,
    merged: str | Path,
    csv: str | Path,
    movies: Collection[str],
) -> tuple[int, int, int]:
    """Write the proposals of both; returns how many entries came from each, and for how many
    annotated keyframes of AVA's `movies` in `csv` there are none.

    AVA's are put into the same form: inside the image, best score first; boxes without a
    score get 1. Of a key that both have, AVA's counts: it is of the same second of a movie.
    Raises UserError for proposals of another form, or of no keyframe of `csv`.
    """
    own = read_proposals(kinetics) if kinetics else {}
    theirs = {}
    for key, boxes in read_proposals(ava).items():
        try:
            split_key(key)
        except ValueError:
            raise UserError(
                f"{ava}: expected keys like '0f39OWEqJ24,0902', found {key!r}"
            ) from None
        if boxes.shape[1] == 4:
            boxes = np.column_stack([boxes, np.ones(len(boxes))])
        if not np.isfinite(boxes).all():
            raise UserError(f"{ava}: expected numbers at {key!r}, found NaN or infinite ones")
        found = tidy(boxes)
        if len(found):
            theirs[key] = found
    wanted = keyframes_of(csv, movies)
    without = wanted - set(theirs)
    if wanted and without == wanted:
        raise UserError(
            f"{ava}: it proposes nobody on any keyframe of {csv}. Expected keys such as "
            f"{min(wanted)!r}, found {', '.join(map(repr, list(theirs)[:1])) or 'none'}: give the "
            "proposals of the same split, by YouTube id and second."
        )
    write_proposals(merged, own | theirs)
    return len(own), len(theirs), len(without)


def keyframes_of(csv: str | Path, movies: Collection[str]) -> set[str]:
    """The keyframes of movies in an AVA csv, as keys of proposals."""
    keys = set()
    for line in lines_of(Path(csv).read_text(encoding="utf-8-sig")):
        movie, _, rest = line.partition(",")
        if movie in movies:
            keys.add(key_of(movie, Timestamp(int(rest.split(",", 1)[0]))))
    return keys


def link_movies(rawframes: str, movies: Sequence[str], folder: Path, listing: str | Path) -> None:
    """Link AVA's folders of frames into `folder`, beside the Kinetics clips.

    Links of an earlier run to movies that are there no more are removed; what is not a link
    is left alone. `listing` gets a line per link.
    """
    unlink_others(folder, movies)
    for movie in movies:
        place = folder / movie
        if place.exists() and not place.is_symlink():
            raise UserError(
                f"{place}: expected no folder of this name beside a link to {rawframes}/{movie}. "
                "Frames of AVA's movies and of clips cannot share a name: move one of them away."
            )
        link(Path(rawframes, movie), place, SYMBOLIC)
    lines = [f"{movie}\t{Path(rawframes, movie).as_posix()}\n" for movie in movies]
    write_text(listing, "link\ttarget\n" + "".join(lines))
