"""The clips table: time ranges of videos, each the unit of detection and annotation."""

import csv
import hashlib
import math
import os
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from avaflow.errors import UserError
from avaflow.files import path_problem
from avaflow.lines import lines_of
from avaflow.project.config import schema_problems
from avaflow.times import READER_REACH_FRAMES, annotatable_seconds, parse_time
from avaflow.videos.addresses import address_problem, is_url, shown_address, without_secrets
from avaflow.videos.probe import END_TOLERANCE_SECONDS, ProbeCache

COLUMNS = ("clip", "video", "start", "end", "split")
OPTIONAL_COLUMNS = ("cut", "sha256", "known_as")
SPLITS = ("train", "val", "test")

LAST_TIMESTAMP = 1798
"""The last second that PySlowFast's AVA reader knows."""

LONGEST_SHOWN = 100
"""So many letters of a path that cannot be one are repeated in its message."""

SHOTS = "shots"
"""In the column `cut`: the range is divided where another shot begins."""

TAKEN_IDS = {"index": "the index of all clips", "agreement": "the agreement of annotators"}
"""Ids whose pages would fall on the name of another page, and what that page is."""


@dataclass(frozen=True)
class Clip:
    """A row of the clips table, or one of the pieces that its `cut` column makes of it.

    `video` is as the user wrote it, `source` the local file that is read. `start` and
    `end` are seconds of the video; `end` is None while the video's end is meant and not
    known yet, `end_given` also afterwards. `line` is the table's line, for messages.
    `known_as` is what annotations made elsewhere call the clip, where that is another name.
    With `at_cuts` the range is divided where another shot begins.
    """

    id: str
    video: str
    source: str
    start: float
    end: float | None
    split: str
    line: int
    cut: float | None = None
    sha256: str = ""
    end_given: float | None = None
    known_as: str = ""
    at_cuts: bool = False

    @property
    def is_url(self) -> bool:
        """Whether the video is fetched from an http(s) address first."""
        return is_url(self.video)

    @property
    def shown_video(self) -> str:
        """The video as records and messages name it: an address without what may be secret."""
        return _shown(self.video)


def _shown(video: str) -> str:
    return shown_address(video) if is_url(video) else video


def download_name(url: str) -> str:
    """The file name under which a download is kept: readable, safe and unique by address.

    Secrets of a query string do not get into it, but a change of them gives another name.
    """
    base = posixpath.basename(unquote(urlsplit(url).path))
    stem, suffix = posixpath.splitext(base)
    stem = re.sub(r"[^A-Za-z0-9-]+", "-", stem).strip("-")[:60] or "video"
    suffix = suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,5}", suffix) else ".mp4"
    return f"{stem}-{hashlib.sha1(url.encode()).hexdigest()[:8]}{suffix}"


def read_clips_table(path: str | Path, schema: Mapping, downloads: str | Path) -> list[Clip]:
    """The rows of a clips table, checked cell by cell; `cut` is not applied yet.

    `downloads` is the folder where videos given by an address are kept. Raises one
    UserError that lists every problem of the table.
    """
    path = Path(path)
    rows = _read_rows(path)
    problems: list[str] = []
    clips: list[Clip] = []
    sums: dict[str, tuple[str, int]] = {}
    for line, row in rows:
        found = schema_problems(row, schema)
        if found:
            problems += [f"line {line}: {without_secrets(problem)}" for problem in found]
            continue
        if row["clip"].lower() in TAKEN_IDS:
            problems.append(
                f"line {line}: clip {row['clip']!r}: this id is taken by "
                f"{TAKEN_IDS[row['clip'].lower()]}, give another"
            )
            continue
        try:
            start = parse_time(row["start"])
            end = parse_time(row["end"]) if row["end"] else None
            at_cuts = row.get("cut") == SHOTS
            cut = parse_time(row["cut"]) if row.get("cut") and not at_cuts else None
        except ValueError as error:
            problems.append(f"line {line}, clip {row['clip']}: {error}")
            continue
        if end is not None and end <= start:
            problems.append(
                f"line {line}, clip {row['clip']}: the end ({row['end']}) is not after the start "
                f"({row['start']})"
            )
            continue
        if cut is not None and cut <= 0:
            problems.append(f"line {line}, clip {row['clip']}: cut has to be more than 0 s")
            continue
        video = row["video"]
        unfit = address_problem(video) if is_url(video) else path_problem(video)
        if unfit:
            shown = _shown(video)
            shown = repr(shown if len(shown) <= LONGEST_SHOWN else shown[:LONGEST_SHOWN] + "...")
            problems.append(
                f"line {line}, clip {row['clip']}: video {shown} cannot be had: {unfit}"
            )
            continue
        source = str(Path(downloads) / download_name(video)) if is_url(video) else video
        checksum = (row.get("sha256") or "").lower()
        known, first_line = sums.setdefault(video, (checksum, line))
        if checksum != known:
            problems.append(
                f"line {line}: sha256 of {_shown(video)} differs from the one in line "
                f"{first_line}: give the same in every row of a video"
            )
        known_as = row.get("known_as") or ""
        if known_as and (at_cuts or cut is not None):
            problems.append(
                f"line {line}, clip {row['clip']}: known_as names one clip, and `cut` makes "
                "several of this row: give a row to each"
            )
        clips.append(
            Clip(
                row["clip"],
                video,
                source,
                start,
                end,
                row["split"],
                line,
                cut,
                checksum,
                end,
                known_as,
                at_cuts,
            )
        )
    problems += _double_ids(clips) + _double_names(clips)
    if problems:
        raise UserError.listing(f"{path}: this clips table cannot be used:", problems)
    if not clips:
        raise UserError(
            f"{path}: there is no clip in the table. Add a line per clip under the header "
            f"{' '.join(COLUMNS)}, separated by tabs."
        )
    return clips


def address_of(table: str | Path, name: str) -> str:
    """The address in a clips table whose download is called `name`.

    A job looks it up, because what a rule is given is shown and kept, and an address may hold
    a secret.
    """
    for _, row in _read_rows(Path(table)):
        video = row["video"]
        if is_url(video) and not address_problem(video) and download_name(video) == name:
            return video
    raise UserError(
        f"{table}: no row has the address of {name} any more. The table was changed during the "
        "run: run again."
    )


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    if not path.is_file():
        raise UserError(
            f"{path}: the clips table is missing. Make a tab-separated file with the columns "
            f"{', '.join(COLUMNS)} (README, 'Your own videos'), or set `clips` in the config."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: expected UTF-8 text, found other bytes at position {error.start}. "
            "Save the table as UTF-8, tab-separated."
        ) from error
    rows_of_text = csv.reader(lines_of(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    try:
        lines = list(rows_of_text)
    except csv.Error as error:
        raise UserError(
            f"{path}, line {rows_of_text.line_num}: not a line of a tab-separated table ({error})."
        ) from None
    numbered = [
        (number, [cell.strip() for cell in cells])
        for number, cells in enumerate(lines, start=1)
        if any(cell.strip() for cell in cells) and not cells[0].lstrip().startswith("#")
    ]
    if not numbered:
        raise UserError(
            f"{path}: the clips table is empty. Its first line has to be the header "
            f"{' '.join(COLUMNS)}, separated by tabs."
        )
    _, header = numbered[0]
    _check_header(path, header)
    rows = []
    for number, cells in numbered[1:]:
        if len(cells) > len(header):
            raise UserError(
                f"{path}, line {number}: expected {len(header)} cells as in the header, found "
                f"{len(cells)}. A tab too many?"
            )
        # Editors drop trailing tabs: missing cells at the end are empty cells.
        cells = cells + [""] * (len(header) - len(cells))
        rows.append((number, dict(zip(header, cells, strict=True))))
    return rows


def _check_header(path: Path, header: list[str]) -> None:
    known = [*COLUMNS, *OPTIONAL_COLUMNS]
    if len(header) == 1 and ("," in header[0] or ";" in header[0]):
        raise UserError(
            f"{path}: expected columns separated by tabs, found {header[0]!r}. Save the table "
            "as tab-separated text."
        )
    problems = [f"unknown column {name!r}" for name in header if name not in known]
    problems += [f"missing column {name!r}" for name in COLUMNS if name not in header]
    problems += [f"column {name!r} twice" for name in sorted(set(header)) if header.count(name) > 1]
    if problems:
        raise UserError.listing(
            f"{path}: the header is not that of a clips table (expected {', '.join(COLUMNS)}, "
            f"and optionally {', '.join(OPTIONAL_COLUMNS)}):",
            problems,
        )


def _double_ids(clips: Iterable[Clip]) -> list[str]:
    """Ids are compared without case: some file systems take `A.mp4` and `a.mp4` for one."""
    problems = []
    first: dict[str, Clip] = {}
    for clip in clips:
        other = first.setdefault(clip.id.lower(), clip)
        if other is not clip:
            problems.append(
                f"line {clip.line}: clip {clip.id!r} is already in line {other.line}: "
                "every clip needs an id of its own"
            )
    return problems


def _double_names(clips: Sequence[Clip]) -> list[str]:
    """A name from elsewhere stands for one clip, and for none that is called so here."""
    ids = {clip.id for clip in clips}
    first: dict[str, Clip] = {}
    problems = []
    for clip in clips:
        if not clip.known_as:
            continue
        other = first.setdefault(clip.known_as, clip)
        if other is not clip:
            problems.append(
                f"line {clip.line}: clip {clip.id} is known as {clip.known_as!r}, as clip "
                f"{other.id} in line {other.line} is: a name stands for one clip"
            )
        elif clip.known_as in ids - {clip.id}:
            problems.append(
                f"line {clip.line}: clip {clip.id} is known as {clip.known_as!r}, which is "
                "another clip of this table"
            )
    return problems


Divide = Callable[[Clip], tuple[list[Clip], list[str]]]


def resolve_clips(
    clips: Sequence[Clip],
    cache: ProbeCache,
    fps: int,
    margin: int,
    offset: int,
    table: str,
    divide: Divide | None = None,
) -> tuple[list[Clip], list[str]]:
    """Clips with their ends checked against the videos and `cut` applied, and warnings.

    `divide` gives the pieces of a row that is divided at its cuts, and what of it is left out.

    Videos that are yet to be downloaded are not looked at: their job does it. Raises one
    UserError that lists the problems of all rows.
    """
    problems: list[str] = []
    warnings: list[str] = []
    resolved: list[Clip] = []
    durations: dict[str, float | None] = {}
    for clip in clips:
        if clip.source not in durations:
            durations[clip.source] = None
            if not clip.is_url or Path(clip.source).exists():
                try:
                    durations[clip.source] = cache.probe(clip.source).duration
                except UserError as error:
                    problems.append(f"line {clip.line}, clip {clip.id}: {error}")
        duration = durations[clip.source]
        if duration is None and clip.at_cuts and not clip.is_url:
            continue  # what is wrong with its video is said already
        try:
            checked = with_known_end(clip, duration) if duration is not None else clip
            if checked.at_cuts and divide:
                pieces, left_out = divide(checked)
            else:
                pieces, left_over = cut_into_pieces(checked, fps, margin)
                left_out = [left_over] if left_over else []
            warnings += left_out
            for piece in pieces:
                check_length(piece, fps, margin, offset)
            resolved += pieces
        except UserError as error:
            problems.append(f"line {clip.line}, {error}")
    problems += _double_ids(resolved)
    # A row whose video cannot be read is named once, whatever else follows from it.
    if problems:
        raise UserError.listing(f"{table}: these clips cannot be made:", problems)
    return resolved, warnings


def with_known_end(clip: Clip, duration: float) -> Clip:
    """The clip with its end within a video of `duration` seconds; UserError if it is not."""
    if clip.start >= duration:
        raise UserError(
            f"clip {clip.id}: it starts at {clip.start:g} s, but {clip.shown_video} ends at "
            f"{duration:.3f} s"
        )
    if clip.end is None:
        return replace(clip, end=duration)
    if clip.end > duration + END_TOLERANCE_SECONDS:
        raise UserError(
            f"clip {clip.id}: its end, {clip.end:g} s, lies past the end of {clip.shown_video}, "
            f"{duration:.3f} s. Give an earlier end, or leave it empty for the video's end."
        )
    return clip


def frame_count(start: float, end: float, fps: int) -> int:
    """Frames of a clip from `start` to `end` seconds at a constant rate.

    A part of a frame at the end counts from one half, as the rate filter rounds.
    """
    return math.floor((end - start) * fps + 0.5)


def shortest_seconds(fps: int, margin: int) -> float:
    """The shortest clip, in seconds, with one annotatable second in it."""
    first = max(margin, math.ceil(READER_REACH_FRAMES / fps))
    return max(first + margin, first + READER_REACH_FRAMES / fps)


def check_length(clip: Clip, fps: int, margin: int, offset: int) -> None:
    """UserError if a clip has no annotatable second, or more than readers' timestamps hold.

    A clip whose end is not known yet passes.
    """
    if clip.end is None:
        return
    frames = frame_count(clip.start, clip.end, fps)
    seconds = annotatable_seconds(frames, fps, margin)
    length = clip.end - clip.start
    if not seconds:
        raise UserError(
            f"clip {clip.id}: {length:.3f} s is too short: with {margin} s kept free at both "
            f"ends (keyframes.margin) a clip needs at least {shortest_seconds(fps, margin):.2f} s"
        )
    longest = LAST_TIMESTAMP - offset + margin
    # The last second that is annotated counts, not the seconds kept free behind it: AVA's own
    # clips, from 900 to 1800 s, end with timestamp 1798.
    if offset and seconds[-1] + offset > LAST_TIMESTAMP:
        raise UserError(
            f"clip {clip.id}: {length:.0f} s is too long: readers know timestamps up to "
            f"{LAST_TIMESTAMP}, so with timestamp_offset {offset} a clip has at most {longest} s. "
            "Divide it by the `cut` column."
        )


def cut_into_pieces(clip: Clip, fps: int, margin: int) -> tuple[list[Clip], str]:
    """Consecutive clips of `clip.cut` seconds, named `<clip>-001`, ..., and what is left over.

    A clip without `cut` stays as it is. A last piece shorter than `cut` is kept when it has an
    annotatable second; otherwise the second value says what was left out. UserError if the
    end is not known yet.
    """
    if clip.cut is None:
        return [clip], ""
    if clip.end is None:
        raise UserError(
            f"clip {clip.id}: `cut` without an end needs the video's length, and "
            f"{clip.shown_video} is not downloaded yet. Give an end, or run `snakemake videos` "
            "first."
        )
    pieces = []
    number = 0
    left_over = ""
    while True:
        start = clip.start + number * clip.cut
        end = min(start + clip.cut, clip.end)
        # Half a frame and less is rounding of the ends, not a piece.
        if frame_count(start, end, fps) < 1:
            break
        number += 1
        whole = end - start > clip.cut - 0.5 / fps
        if not whole and not annotatable_seconds(frame_count(start, end, fps), fps, margin):
            left_over = (
                f"clip {clip.id}: the last {end - start:.2f} s of the range are left out, because "
                f"a piece needs at least {shortest_seconds(fps, margin):.2f} s"
            )
            break
        name = f"{clip.id}-{number:03d}"
        pieces.append(replace(clip, id=name, start=start, end=end, cut=None, end_given=end))
    if not pieces:
        raise UserError(f"clip {clip.id}: no piece of {clip.cut:g} s fits into its range")
    return pieces, left_over


def leaks(clips: Iterable[Clip]) -> list[str]:
    """Videos with clips in more than one split: what is learnt on one is tested on itself."""
    by_video: dict[str, list[Clip]] = {}
    for clip in clips:
        # One file may be written in several ways, or be reached by a link.
        by_video.setdefault(os.path.realpath(clip.source), []).append(clip)
    sentences = []
    for members in by_video.values():
        if len({clip.split for clip in members}) > 1:
            listed = ", ".join(f"{clip.id} ({clip.split})" for clip in members)
            sentences.append(
                f"clips of one video are in different splits, so scores will be too good: {listed} "
                f"are all of {members[0].shown_video}"
            )
    return sentences
