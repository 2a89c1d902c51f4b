"""What a run has yet to do, in a person's words, and about how long that takes."""

import csv
import math
import statistics
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from avaflow.listing import sentence

TO_DO = {
    "download": ("video to download", "videos to download"),
    "fetch_archive": ("archive to download", "archives to download"),
    "trim": ("clip to cut", "clips to cut"),
    "extract_rawframes": ("clip to take frames of", "clips to take frames of"),
    "extract_flow": ("clip to find optical flow in", "clips to find optical flow in"),
    "cut_segments": ("clip to cut into segments", "clips to cut into segments"),
    "detect": ("clip to detect persons in", "clips to detect persons in"),
    "detect_objects": ("batch to detect objects in", "batches to detect objects in"),
    "embed": ("clip to describe persons of", "clips to describe persons of"),
    "train_detector": ("detector to train", "detectors to train"),
    "track": ("clip to follow persons in", "clips to follow persons in"),
    "make_via_project": ("clip to make ready to annotate", "clips to make ready to annotate"),
    "read_labels": ("annotation to read back", "annotations to read back"),
    "preview_clip": ("clip to preview", "clips to preview"),
    "extract_features": ("batch to extract features of", "batches to extract features of"),
    "extract_person_features": (
        "batch to extract persons' features of",
        "batches to extract persons' features of",
    ),
    "train_baseline": ("baseline to train", "baselines to train"),
    "check_labels": ("set of labels to check", "sets of labels to check"),
    "cut_new_video": ("video to copy", "videos to copy"),
    "detect_new_persons": ("video to detect persons in", "videos to detect persons in"),
    "track_new_persons": ("video to follow persons in", "videos to follow persons in"),
    "extract_new_features": (
        "video to extract persons' features of",
        "videos to extract persons' features of",
    ),
    "draw_predictions": ("video to draw", "videos to draw"),
    "suggest": ("set of suggestions to make", "sets of suggestions to make"),
    "resize_kinetics": ("batch of Kinetics to resize", "batches of Kinetics to resize"),
    "cut_ava_kinetics": ("batch of AVA-Kinetics to cut", "batches of AVA-Kinetics to cut"),
    "detect_ava_kinetics": (
        "batch of AVA-Kinetics to detect persons in",
        "batches of AVA-Kinetics to detect persons in",
    ),
}
"""What is said of jobs by their rule, in the order of work: of one, and of several.

Rules that are not named write tables, lists and pages in seconds: they are only counted.
"""


LIGHT_SECONDS = 2.0
"""Seconds that a job without a timing of its own is taken to need: hardly more than Python's
start and the import of pandas."""


CLOCK_FROM_SECONDS = 50
"""From so many seconds on the time of day at which a run ends is said: before it, nobody looks."""


CLOCK_DAY_SECONDS = 12 * 3600
"""From so many seconds on the day is said too: half a day on, a time of day alone is taken for
today's."""


TIMINGS_READ = 100
"""So many timings of a rule are read at most: a median needs no more, and a project of
thousands of clips should not wait for it."""


def to_do(counts: Mapping[str, int]) -> str:
    """Numbers of jobs by rule in words.

    >>> to_do({"track": 3, "trim": 1, "write_ava": 1})
    '1 clip to cut, 3 clips to follow persons in, 1 small job on tables and pages'
    """
    parts = [
        f"{counts[rule]:,} {one if counts[rule] == 1 else several}"
        for rule, (one, several) in TO_DO.items()
        if counts.get(rule)
    ]
    small = sum(count for rule, count in counts.items() if rule not in TO_DO)
    if small:
        parts.append(f"{small:,} small job{'' if small == 1 else 's'} on tables and pages")
    return ", ".join(parts)


def earlier_seconds(results: str | Path, rules: Iterable[str]) -> dict[str, float]:
    """The median seconds of a job by rule, from the `benchmarks` of earlier runs.

    A rule that never ran, or whose timings cannot be read, is left out.
    """
    medians = {}
    for rule in rules:
        paths = timing_files(results, rule)
        step = math.ceil(len(paths) / TIMINGS_READ) or 1
        seconds = [second for path in paths[::step] for second in _seconds(path)]
        if seconds:
            medians[rule] = statistics.median(seconds)
    return medians


def timing_files(results: str | Path, rule: str) -> list[Path]:
    """What Snakemake's `benchmark:` wrote of a rule's jobs: one file, or one a wildcard."""
    folder = Path(results, "benchmarks")
    single = folder / f"{rule}.tsv"
    return sorted((folder / rule).rglob("*.tsv")) + ([single] if single.is_file() else [])


def _seconds(path: Path) -> list[float]:
    """The column `s` of a file that Snakemake's `benchmark:` wrote."""
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return [float(row["s"]) for row in csv.DictReader(stream, delimiter="\t")]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # another job is writing it, or someone changed it: only a guess is lost


def wall_seconds(
    counts: Mapping[str, float], seconds: Mapping[str, float], shares: Mapping[str, float]
) -> float:
    """How long these jobs take together.

    `counts` may have parts of jobs, of those that are at work. `seconds` are of one job, `shares`
    the part of the machine (0..1) that it occupies. Jobs fill the machine at best, and the stages
    of a clip follow one another at worst.
    """
    filled = sum(count * seconds[rule] * shares[rule] for rule, count in counts.items())
    chain = sum(min(count, 1) * seconds[rule] for rule, count in counts.items())
    return max(filled, chain)


def about(seconds: float) -> str:
    """A length of time as precisely as an estimate deserves.

    >>> about(20), about(95), about(1234), about(9000), about(400_000)
    ('under a minute', 'about 2 min', 'about 20 min', 'about 2.5 h', 'about 5 days')
    """
    if seconds < 50:
        return "under a minute"
    minutes = seconds / 60
    if minutes < 9.5:
        return f"about {max(1, round(minutes))} min"
    if minutes < 90:
        return f"about {5 * round(minutes / 5)} min"
    hours = minutes / 60
    if hours < 36:
        return f"about {round(2 * hours) / 2:g} h"
    return f"about {round(hours / 24)} days"


def time_to_come(
    counts: Mapping[str, int],
    timed: Iterable[str],
    seconds: Mapping[str, float],
    shares: Mapping[str, float],
    machine: str = "",
) -> str:
    """About how long the jobs will take, as far as earlier runs tell.

    `timed` are the rules whose jobs are timed at all; `seconds` and `shares` as for
    :func:`wall_seconds`; `machine` says where, such as "on 2 cores".
    """
    asked = [rule for rule, count in counts.items() if count]
    unknown = sorted(rule for rule in asked if rule in set(timed) and rule not in seconds)
    known = {rule: counts[rule] for rule in asked if rule not in unknown}
    if unknown and not any(rule in seconds for rule in known):
        return "no timings yet"
    of_one = {rule: seconds.get(rule, LIGHT_SECONDS) for rule in known}
    guess = f"{about(wall_seconds(known, of_one, shares))} {machine}".rstrip()
    return f"{guess}, and no timings yet of {', '.join(unknown)}" if unknown else guess


@dataclass
class Pace:
    """How long the jobs of a run take: by those that ended in it, and before these by earlier runs.

    `earlier` are seconds of a job by rule, `shares` as for :func:`wall_seconds`; `timed` are the
    rules of which a guess would mislead where nothing is known yet.
    """

    earlier: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    timed: Collection[str] = ()
    here: dict[str, list[float]] = field(default_factory=dict)
    guesses: dict[str, float] = field(default_factory=dict)

    def took(self, rule: str, seconds: float) -> None:
        """A job of this run ended well."""
        self.here.setdefault(rule, []).append(seconds)

    def part_took(self, rule: str, seconds: float, part: float) -> None:
        """A job has done a part of its work, 0..1: it tells where nothing else does."""
        if part > 0:
            self.guesses[rule] = seconds / part

    def of_one(self, rule: str) -> float | None:
        """Seconds of a job; None where nobody knows."""
        if rule in self.here:
            return statistics.median(self.here[rule])
        unknown = None if rule in self.timed else LIGHT_SECONDS
        return self.earlier.get(rule, self.guesses.get(rule, unknown))

    def left(self, jobs: Mapping[str, float]) -> tuple[float | None, list[str]]:
        """Seconds that these jobs, or parts of jobs, still take, and rules of unknown length, which
        are left out; None where nothing but small jobs is known."""
        asked = [rule for rule, count in jobs.items() if count > 0]
        seconds = {rule: one for rule in asked if (one := self.of_one(rule)) is not None}
        unknown = sorted(set(asked) - set(seconds))
        if unknown and not set(seconds) & set(self.timed):
            return None, unknown
        known = {rule: jobs[rule] for rule in seconds}
        shares = {rule: self.shares.get(rule, 1.0) for rule in seconds}
        return wall_seconds(known, seconds, shares), unknown


def time_left(seconds: float | None, unknown: Sequence[str], now: float) -> str:
    """About how long a run still takes, and when it ends; `now` is in seconds since the epoch.

    >>> time_left(None, ["detect"], 0), time_left(20, ["detect"], 0)
    ('no timings yet', 'under a minute left without detect (no timings yet)')
    """
    if seconds is None:
        return "no timings yet"
    if unknown:
        return f"{about(seconds)} left without {sentence(unknown, 3)} (no timings yet)"
    if seconds < CLOCK_FROM_SECONDS:
        return f"{about(seconds)} left"
    day = "%a " if seconds > CLOCK_DAY_SECONDS else ""
    end = time.strftime(f"{day}%H:%M", time.localtime(now + seconds))
    return f"{about(seconds)} left, until {end}"
