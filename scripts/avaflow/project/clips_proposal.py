"""A first clips table for a folder of videos: ranges in which persons are in view, with splits.

It is a proposal, for its user to edit: what was left out stands at its end as comments, which the
table's reader passes over, with the reason.
"""

import os
import random
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from avaflow.bulk.video_folders import SUFFIXES
from avaflow.errors import UserError
from avaflow.files import path_problem, quick_checksum, write_text
from avaflow.listing import commas, counted
from avaflow.project.clips import COLUMNS, LAST_TIMESTAMP, SPLITS, TAKEN_IDS, shortest_seconds
from avaflow.videos.probe import probe

LONGEST_ID = 120
"""Letters of an id made of a file's name: room is left for numbers, and for names of files."""

WHOLE_SLACK_SECONDS = 0.01
"""So much short of a whole second a video may end, as its container rounds."""


class Range(NamedTuple):
    """A part of a video in whole seconds, from `start` to before `end`."""

    start: int
    end: int


@dataclass(frozen=True)
class ProposalSettings:
    """How ranges and splits are chosen; the config's section `clips_table`, and what binds clips.

    `groups` is `video`, `folder`, or a regular expression with a group in brackets; `shares` gives
    each split its part. `margin` seconds are kept before and after a person is in view.
    """

    every_seconds: float
    gap_seconds: float
    min_seconds: int
    max_seconds: int
    groups: str
    shares: Mapping[str, float]
    seed: int
    margin: int
    fps: int
    offset: int


class Seen(NamedTuple):
    """What was seen of a video: at each look whether somebody is there, and damaged places."""

    seen: Sequence[bool]
    every: float
    damages: int


@dataclass
class Proposal:
    """The rows of a table, as (clip, video, start, end, split), and sentences about the rest."""

    rows: list[tuple[str, str, int, int, str]]
    notes: list[str]

    def text(self) -> str:
        """The table as its reader takes it."""
        lines = ["\t".join(COLUMNS)]
        lines += ["\t".join(map(str, row)) for row in self.rows]
        lines += [f"# {' '.join(note.split())}" for note in self.notes]
        return "\n".join(lines) + "\n"


def check_settings(settings: ProposalSettings) -> None:
    """UserError for settings of which no table can come."""
    shortest = shortest_seconds(settings.fps, settings.margin)
    longest = LAST_TIMESTAMP - settings.offset + settings.margin if settings.offset else None
    problems = []
    if settings.min_seconds < shortest:
        problems.append(
            f"min_seconds: {settings.min_seconds} is less than a clip needs, {shortest:.2f} s"
        )
    if settings.max_seconds < 2 * settings.min_seconds:
        problems.append(
            f"max_seconds: expected at least twice min_seconds, {2 * settings.min_seconds}, so "
            f"that long ranges can be divided, found {settings.max_seconds}"
        )
    if longest is not None and settings.max_seconds > longest:
        problems.append(
            f"max_seconds: {settings.max_seconds} is more than readers' timestamps hold, {longest}"
        )
    if set(settings.shares) - set(SPLITS) or sum(settings.shares.values()) <= 0:
        problems.append(
            f"shares: expected parts of {', '.join(SPLITS)}, not all of them 0, found "
            f"{dict(settings.shares)}"
        )
    if settings.groups not in ("video", "folder"):
        try:
            if not re.compile(settings.groups).groups:
                problems.append(
                    f"groups: expected `video`, `folder`, or a regular expression with a part in "
                    f"brackets, such as '^(cam[0-9]+)_', found {settings.groups!r}"
                )
        except re.error as error:
            problems.append(f"groups: {settings.groups!r} is no regular expression ({error})")
    if problems:
        raise UserError.listing("config: clips_table: these settings cannot be used:", problems)


def write_clips_table(
    folder: str | Path,
    output: str | Path,
    settings: ProposalSettings,
    look: Callable[[str], Seen],
    say: Callable[[str], None] = lambda text: None,
) -> Proposal:
    """Propose clips of all videos below `folder` and write the table to `output`.

    `look` looks through one video; `say` is told how far the work is. A table that is there is
    never overwritten: UserError names it, before any work. UserError too where nothing can be
    proposed, with the reasons.
    """
    check_settings(settings)
    if not str(output):
        raise UserError("config: clips is empty: give the name of the table that is to be made.")
    if os.path.lexists(output):
        raise UserError(
            f"{output}: this table is there already, and is never overwritten. Give another name "
            "(--output NAME, or `clips` in the config), or move it away."
        )
    proposal = propose_clips(folder, settings, look, say)
    if not proposal.rows:
        raise UserError.listing(f"{folder}: there is nothing to make clips of:", proposal.notes)
    if os.path.lexists(output):
        raise UserError(f"{output}: somebody wrote this table meanwhile; it was left as it is.")
    write_text(output, proposal.text())
    return proposal


def propose_clips(
    folder: str | Path,
    settings: ProposalSettings,
    look: Callable[[str], Seen],
    say: Callable[[str], None] = lambda text: None,
) -> Proposal:
    """The proposal for all videos below a folder; what cannot be read is noted, and holds up
    nobody."""
    videos, notes = find_videos(folder)
    ranges: dict[str, list[Range]] = {}
    for number, video in enumerate(videos, start=1):
        say(f"{number} of {len(videos)}: {video}")
        try:
            duration = probe(video).duration
            found = look(video)
        except UserError as error:
            notes.append(f"cannot be read: {error}")
            continue
        if found.damages:
            notes.append(f"{video}: damaged in {counted(found.damages, 'place')}")
        own, left_out = ranges_of(found, duration, settings)
        notes += [f"{video}: {reason}" for reason in left_out]
        if own:
            ranges[video] = own
    splits, remarks = choose_splits(ranges, settings)
    ids = clip_ids({video: len(own) for video, own in ranges.items()})
    rows = [
        (name, video, part.start, part.end, splits[video])
        for video, own in ranges.items()
        for name, part in zip(ids[video], own, strict=True)
    ]
    return Proposal(rows, [*remarks, *notes])


def find_videos(folder: str | Path) -> tuple[list[str], list[str]]:
    """All videos below a folder, sorted, each content once, and sentences about other files."""
    if not os.path.isdir(folder):
        found = "a file" if os.path.exists(folder) else "nothing"
        raise UserError(f"{folder}: expected a folder of videos, found {found}.")
    notes: list[str] = []
    others: list[str] = []
    videos: list[str] = []

    def unreadable(error: OSError) -> None:
        notes.append(f"{error.filename}: the folder cannot be read ({error.strerror})")

    for top, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = os.path.join(top, name)
            if name.startswith("."):
                continue
            if os.path.splitext(name)[1].lower() not in SUFFIXES:
                others.append(os.path.relpath(path, folder))
            elif problem := _unfit(path):
                notes.append(f"{path!r}: no row can name it: {problem}")
            else:
                videos.append(path)
    if others:
        notes.append(f"no videos by their names: {commas(others)}")
    kept: list[str] = []
    first: dict[str, str] = {}
    for video in sorted(videos):
        try:
            content = quick_checksum(video)
        except OSError:
            kept.append(video)  # why it cannot be read is told where it is looked into
            continue
        # A copy in another split would be tested on what was trained on.
        if (other := first.setdefault(content, video)) != video and os.path.getsize(video):
            notes.append(f"{video}: the same content as {other}, left out")
        else:
            kept.append(video)
    return kept, notes


def _unfit(path: str) -> str:
    """Why a row of the clips table cannot name a path; empty if it can."""
    if re.search(r"[{}]", path):
        return "it holds { or }"
    if path != path.strip():
        return "its name begins or ends with a space"
    try:
        path.encode()
    except UnicodeEncodeError:
        return "its name is no UTF-8"
    return path_problem(path)


def ranges_of(
    found: Seen, duration: float, settings: ProposalSettings
) -> tuple[list[Range], list[str]]:
    """The ranges of a video in which somebody is in view, and why nothing, or a part, is left out.

    Looks with persons are joined over gaps and given `margin` seconds before and after; a range
    that is too short gets more around it, where the video has it; a long one is divided evenly.
    """
    last = int(duration + WHOLE_SLACK_SECONDS)
    if not any(found.seen):
        return [], ["nobody was seen"]
    if last < settings.min_seconds:
        return [], [f"its {duration:.2f} s are less than min_seconds, {settings.min_seconds}"]
    joined: list[list[float]] = []
    for number, seen in enumerate(found.seen):
        begin, end = number * found.every, (number + 1) * found.every
        if seen and joined and begin - joined[-1][1] <= settings.gap_seconds:
            joined[-1][1] = end
        elif seen:
            joined.append([begin, end])
    wide: list[Range] = []
    for begin, end in joined:
        start, stop = int(begin) - settings.margin, -int(-end // 1) + settings.margin
        missing = settings.min_seconds - (min(stop, last) - max(start, 0))
        if missing > 0:
            start, stop = start - missing // 2, stop + (missing + 1) // 2
        # What sticks out at one end of the video is taken at the other.
        if start < 0:
            stop = max(stop, min(settings.min_seconds, last))
        if stop > last:
            start = min(start, last - settings.min_seconds)
        part = Range(max(start, 0), min(stop, last))
        if wide and part.start <= wide[-1].end:
            wide[-1] = Range(wide[-1].start, max(wide[-1].end, part.end))
        else:
            wide.append(part)
    return [piece for part in wide for piece in _divided(part, settings.max_seconds)], []


def _divided(part: Range, longest: int) -> list[Range]:
    """A range in as few pieces of at most `longest` seconds as it takes, equal to a second."""
    length = part.end - part.start
    pieces = -(-length // longest)
    cuts = [part.start + length * number // pieces for number in range(pieces + 1)]
    return [Range(begin, end) for begin, end in zip(cuts, cuts[1:], strict=False)]


def choose_splits(
    ranges: Mapping[str, Sequence[Range]], settings: ProposalSettings
) -> tuple[dict[str, str], list[str]]:
    """The split of every video, and remarks. Videos of one group are never parted.

    Groups are taken in an order by the seed; each goes where most seconds are still missing.
    """
    groups: dict[str, list[str]] = {}
    remarks: list[str] = []
    unmatched: list[str] = []
    for video in sorted(ranges):
        name, matched = group_of(video, settings.groups)
        groups.setdefault(name, []).append(video)
        if not matched:
            unmatched.append(video)
    if unmatched:
        remarks.append(
            f"the names of {counted(len(unmatched), 'video')} do not match groups, so each is a "
            f"group of its own: {commas(unmatched)}"
        )
    shares = {split: settings.shares.get(split, 0) for split in SPLITS}
    wanted = [split for split in SPLITS if shares[split] > 0]
    if len(groups) < len(wanted):
        remarks.append(
            f"{counted(len(groups), 'group')} for {len(wanted)} splits ({', '.join(wanted)}): some "
            "stay empty"
        )
    seconds = {
        name: sum(part.end - part.start for video in own for part in ranges[video])
        for name, own in groups.items()
    }
    whole, total = sum(seconds.values()), sum(shares.values())
    missing = {split: whole * shares[split] / total for split in wanted}
    order = sorted(groups)
    random.Random(settings.seed).shuffle(order)
    splits: dict[str, str] = {}
    empty = set(wanted)
    for number, name in enumerate(order):
        # The last groups go where nothing is yet: an empty split is worse than uneven shares.
        last = empty and len(order) - number <= len(empty)
        split = max((s for s in wanted if s in empty or not last), key=lambda s: missing[s])
        empty.discard(split)
        missing[split] -= seconds[name]
        splits |= dict.fromkeys(groups[name], split)
    return splits, remarks


def group_of(video: str, groups: str) -> tuple[str, bool]:
    """The group of a video, and whether its name said so.

    >>> group_of("day1/cam3_0001.mp4", r"^(cam[0-9]+)_")
    ('cam3', True)
    """
    if groups == "folder":
        return os.path.dirname(video), True
    if groups == "video":
        return video, True
    found = re.search(groups, os.path.basename(video))
    if found and found[1]:
        return found[1], True
    return f"/{video}", False


def clip_ids(counts: Mapping[str, int]) -> dict[str, list[str]]:
    """Ids for so many clips of each video, made of the files' names, no two alike.

    Names that several videos have get the name of their folder before them.
    """
    stems = {video: _id_of(Path(video).stem) for video in counts}
    often = [stem.lower() for stem in stems.values()]
    taken = set(TAKEN_IDS)
    ids: dict[str, list[str]] = {}
    for video, count in counts.items():
        stem = stems[video]
        folder = Path(video).parent.name
        if often.count(stem.lower()) > 1 and folder:
            stem = _id_of(f"{folder}-{stem}")
        names = [stem] if count == 1 else [f"{stem}-{number:02d}" for number in range(1, count + 1)]
        ids[video] = [_free(name, taken) for name in names]
    return ids


def _id_of(name: str) -> str:
    """A name as the clips table takes it: letters without accents, digits and -, one letter."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:LONGEST_ID].strip("-")
    if not plain:
        return "video"
    return plain if re.search("[A-Za-z]", plain) else f"video-{plain}"


def _free(name: str, taken: set[str]) -> str:
    """The name, or with a letter behind it if it is taken; now it is."""
    free, number = name, 1
    while free.lower() in taken:
        number += 1
        free = f"{name}-v{number}"
    taken.add(free.lower())
    return free


def unlisted(notes: Iterable[str]) -> str:
    """A sentence for the end of the work: how much the table's end tells of."""
    count = len(list(notes))
    return f"{counted(count, 'remark')} at the table's end" if count else "nothing was left out"
