"""What a run shows on the screen: a line a job, how far it is, and what it came to.

Snakemake logs each job with all its inputs, which fills screens at a few hundred clips.
:class:`Terminal` stands in for Snakemake's handler of the screen. It knows Snakemake's records
by the names of their events, so nothing of Snakemake is imported here. Snakemake's log file
has a handler of its own and keeps every detail.
"""

import logging
import math
import os
import re
import signal
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from avaflow.workflow.closing import log_message
from avaflow.workflow.estimate import TO_DO, Pace, time_left

PROGRESS_SECONDS = 60
"""Seconds after which a run whose output goes to a file says again how far it is: often enough for
a person who looks."""


JOB_LINE_SECONDS = 5
"""Such a run names a finished job at most so often, and counts those between: a project of
thousands of clips would fill the file otherwise. Snakemake's log has each."""


MADE_SECONDS = 5
"""Seconds after which the files of a batch at work are counted again; on a network's disk each
costs a question."""


REDRAW_SECONDS = 1
"""Seconds between two drawings of the progress line of a terminal."""


AT_WORK_SHOWN = 3
"""So many jobs at work are named in the progress line, which has the width of a terminal."""


MESSAGE_SHOWN = 110
"""Characters of a failed job's message in its line; the end of the run has the whole."""


DRY_RUN_SHOWN = 5
"""So many jobs of a rule are named by a dry run: enough to see what they are, and why."""


COLUMNS = 80
"""Columns that a terminal is taken to have where it does not say, or says none."""


BAR = 16
"""Signs of a bar that shows how far a stage is."""


ROWS = 24
"""Lines that a terminal is taken to have where it does not say, or says none."""


LEAST_LEFT = 0.05
"""Part of a job that is always taken to be left of one that is at work longer than expected."""


SMALL_JOBS = "small jobs on tables and pages"
"""What rules without words of their own do."""


WHAT_LETTERS = max(
    map(len, [SMALL_JOBS, *(TO_DO[rule][1] for rule in ("detect", "track", "make_via_project"))])
)
"""Room for the words of a stage, of those that every project has."""


RED, PLAIN, CLEAR_BELOW = "\033[31m", "\033[0m", "\r\033[J"


NOTHING = "Nothing to be done"
"""How Snakemake's message begins where all is up to date."""


STOPPING = (
    "Terminating processes on user request",
    "Will exit after finishing currently running jobs",
)
"""How Snakemake's messages begin when somebody ends the run."""


DISK_FULL = "the disk is full. Make room, or point `results` in the config at a larger disk"
"""What is said of a job whose end Snakemake could not write down, such as how long it took."""


DISK_FULL_MARK = re.compile(r"\[Errno (28|122)\]")
"""How Python calls a full disk, and a quota that is used up, on Linux."""


SHARED_DISK = "Assuming unrestricted shared filesystem usage"
"""How Snakemake's message begins that comes before every run on one machine."""


UNSAID = (
    "Using shell:",
    "Conda environments: ignored",
    "Singularity containers: ignored",
    "Group jobs: inactive",
    "Select jobs to execute",
    "Shutting down, this might take some time",
    "Elapsed time:",
    "Exiting because a job execution failed",
    "Reasons:",
    "Some jobs were triggered by provenance information",
    "Rules with provenance triggered jobs",
    "At least one job did not complete successfully",
    "WorkflowError:\nAt least one job did not complete successfully",
)
"""How messages of Snakemake begin that tell a user nothing, or what is said in other words."""


REASONS = {
    "Forced execution": "forced",
    "are always executed": "asked for",
    "Incomplete output files": "left unfinished",
    "Missing output files": "not made yet",
    "Set of input files has changed": "made of other files now",
    "Code has changed": "its code makes it differently now",
    "Params have changed": "its settings or sources changed",
    "Software environment definition has changed": "its software changed",
    "Updated input files": "{} is newer",
    "Input files updated by another job": "what it is made of is made anew",
}
"""Marks in Snakemake's reason for a job, and what is said for them: the first that is found.

Braces stand for the first file that the reason names."""


class Job(NamedTuple):
    """A job that was begun.

    `logs` holds its logs with their dates before it began (None: there was none), by which a
    message of this job is told from one of an earlier run, also where the disk's clock differs.
    """

    name: str
    began: float
    logs: Mapping[Path, int | None]
    rule: str = ""
    clips: int = 1
    """What it makes, as its stage counts: the clips of a batch, else the job itself."""


class Stage(NamedTuple):
    """How far the jobs of a rule are, in what it makes; `at_work` are jobs."""

    rule: str
    done: int
    total: int
    at_work: int


@dataclass
class Jobs:
    """The jobs of a run: which are at work, how many are done, and which failed.

    Target rules, which make nothing themselves, are left out.
    """

    is_target: Callable[[str], bool] = lambda rule: False
    counts: Counter = field(default_factory=Counter)
    """Numbers of jobs by rule, from the plan."""
    left: Counter = field(default_factory=Counter)
    """Those that have not ended well, by rule."""
    at_work: dict[int, Job] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    """Names of the jobs that failed, by their numbers."""
    unlogged: dict[int, str] = field(default_factory=dict)
    """A sentence for each of these whose log has no message."""
    rules: dict[int, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    """What the jobs of a rule make in all, where that is not one thing each."""
    made: Counter = field(default_factory=Counter)
    """What those that ended well have made, by rule."""
    interrupted: int = 0
    stopped: bool = False

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        return self.total - sum(self.left.values())

    def plan(self, stats: Mapping[str, int]) -> None:
        """Take the numbers of jobs from Snakemake's table."""
        rules = {rule: count for rule, count in stats.items() if rule != "total"}
        self.counts = Counter({r: n for r, n in rules.items() if not self.is_target(r)})
        self.left = self.counts.copy()

    def begin(
        self, number: int, rule: str, wildcards: Mapping, logs: list, now: float, clips: int = 1
    ) -> None:
        """A job begins, or is submitted."""
        if self.is_target(rule):
            return
        self.rules[number] = rule
        dates = {Path(log): _date(Path(log)) for log in logs}
        self.at_work[number] = Job(job_name(rule, wildcards), now, dates, rule, clips)

    def finish(self, number: int) -> Job | None:
        """A job ended well."""
        job = self.at_work.pop(number, None)
        if job:
            self.left[self.rules.pop(number)] -= 1
            self.made[job.rule] += job.clips
            # It may have failed before and been tried again.
            self.failed.pop(number, None)
            self.unlogged.pop(number, None)
        return job

    def fail(self, number: int, cause: str) -> tuple[Job, str] | None:
        """A job failed: the job, and why, from its log or else from `cause`."""
        job = self.at_work.pop(number, None)
        if not job:
            return None
        message = next(filter(None, map(_new_message, job.logs.items())), "")
        self.failed[number] = job.name
        if not message:
            message = cause or "it ended without a message"
            log = f" Its log: {next(iter(job.logs))}." if job.logs else ""
            self.unlogged[number] = f"{job.name}: {message}.{log}"
        return job, message

    def stages(self, made_at_work: Mapping[int, int]) -> list[Stage]:
        """The stages of the run in the order of work, and last all that is small, as one.

        `made_at_work` is what jobs at work have made already, by their numbers.
        """
        made, busy = self.made.copy(), Counter[str]()
        for number, job in self.at_work.items():
            made[job.rule] += made_at_work.get(number, 0)
            busy[job.rule] += 1
        totals = {rule: self.sizes.get(rule, count) for rule, count in self.counts.items() if count}
        small = [rule for rule in totals if rule not in TO_DO]
        found = [
            Stage(rule, min(made[rule], totals[rule]), totals[rule], busy[rule])
            for rule in TO_DO
            if rule in totals
        ]
        if small:
            found.append(
                Stage("", *(sum(one[rule] for rule in small) for one in (made, totals, busy)))
            )
        return found

    def left_of(self, pace: Pace, made_at_work: Mapping[int, int], now: float) -> dict[str, float]:
        """Jobs that are left by rule; of those at work the part that is left."""
        left: dict[str, float] = dict(self.left)
        for number, job in self.at_work.items():
            passed, part = now - job.began, 0.0
            if job.clips > 1:
                part = made_at_work.get(number, 0) / job.clips
                pace.part_took(job.rule, passed, part)
            expected = pace.of_one(job.rule)
            if expected and not part:
                part = passed / expected
            left[job.rule] -= min(part, 1 - LEAST_LEFT)
        return left

    def interrupt(self, number: int) -> Job | None:
        """A job was ended because the user ended the run."""
        self.interrupted += 1
        return self.at_work.pop(number, None)


def _date(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def changed_since(path: Path, since: float) -> bool:
    """Whether a file was written since a time of day, in seconds."""
    return (_date(path) or 0) >= since * 1e9


def _new_message(log: tuple[Path, int | None]) -> str:
    path, before = log
    try:
        return "" if _date(path) == before else log_message(path)
    except OSError:
        return ""


def job_name(rule: str, wildcards: Mapping[str, str]) -> str:
    """What a job is called on the screen.

    >>> job_name("trim", {"clip": "classroom"})
    'trim classroom'
    """
    return " ".join([rule, *map(str, wildcards.values())])


def cause_of_end(text: str) -> str:
    """How a job's program ended, from Python's message on it; empty where it does not say.

    >>> cause_of_end("Command 'python x.py' returned non-zero exit status 139.")
    'it crashed (SIGSEGV)'
    """
    if DISK_FULL_MARK.search(text):
        return DISK_FULL
    by_name = re.search(r"died with <Signals\.(\w+)", text)
    by_status = re.search(r"non-zero exit status (\d+)", text)
    if by_name:
        name = by_name[1]
    elif by_status and int(by_status[1]) > 128:  # what shells make of a signal
        try:
            name = signal.Signals(int(by_status[1]) - 128).name
        except ValueError:
            return f"it ended with status {by_status[1]} and without a message"
    elif by_status:
        return f"it ended with status {by_status[1]} and without a message"
    else:
        return ""
    if name == "SIGKILL":
        return "it was killed (SIGKILL), as systems do where memory runs out"
    if name in ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE"):
        return f"it crashed ({name})"
    return f"it was ended from outside ({name})"


def was_interrupted(cause: str) -> bool:
    """Whether :func:`cause_of_end` tells of Control-C."""
    return "(SIGINT)" in cause


def reason_in_short(reason: str) -> str:
    """Why a job is to run, without the lists of files that Snakemake gives.

    >>> reason_in_short("Missing output files: a.csv; Input files updated by another job: b.csv")
    'not made yet'
    """
    for mark, words in REASONS.items():
        if mark in reason:
            named = reason.split(mark, 1)[1].removeprefix(": ")
            return words.format(re.split("[,;]", named, maxsplit=1)[0])
    return reason.split(":", 1)[0]


def duration(seconds: float) -> str:
    """A length of time that has passed.

    >>> duration(4.12), duration(125), duration(7265)
    ('4.1 s', '2 min 05 s', '2 h 01 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


class Terminal(logging.Handler):
    """Shows a run on the screen in short.

    Until a run begins, and for all that it does not know, Snakemake's own handler speaks.

    Parameters
    ----------
    fallback
        Snakemake's handler of the screen; None where another plugin writes there.
    short
        Whether to show the run in short; otherwise `fallback` shows it, and this only
        remembers what failed.
    dry_run
        Whether nothing is to be made.
    is_target
        Whether the rule of this name makes nothing itself.
    foretell
        Numbers of jobs by rule to words on what they do, and on how long they will take.
    account
        The closing account of a run that ended well.
    clock
        The time in seconds.
    why
        Why a job runs, by its number.
    pace_of
        Numbers of jobs by rule to how long such jobs took.
    sizes
        Numbers of jobs by rule to what they make: the clips of batches.
    clips_of
        How many clips a job makes, by its number.
    made_of
        How many of these are made, by its number and the time of day at which it began.
    """

    def __init__(
        self,
        fallback: logging.Handler | None,
        short: bool,
        dry_run: bool,
        is_target: Callable[[str], bool],
        foretell: Callable[[Mapping[str, int]], tuple[str, str]],
        account: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
        why: Callable[[int], str] = lambda jobid: "",
        pace_of: Callable[[Mapping[str, int]], Pace] = lambda counts: Pace(),
        sizes: Callable[[Mapping[str, int]], Mapping[str, int]] = lambda counts: counts,
        clips_of: Callable[[int], int] = lambda jobid: 1,
        made_of: Callable[[int, float], int] = lambda jobid, since: 0,
    ):
        super().__init__()
        self.fallback = fallback
        self.stream: Any = getattr(fallback, "stream", None)
        self.short = short and self.stream is not None
        self.dry_run = dry_run
        self.foretell = foretell
        self.account = account
        self.clock = clock
        self.why = why
        self.pace_of, self.sizes, self.clips_of, self.made_of = pace_of, sizes, clips_of, made_of
        self.pace = Pace()
        self.jobs = Jobs(is_target)
        self.made_at_work: dict[int, int] = {}
        self.counted_at = -math.inf
        self.named_at = -math.inf
        self.unnamed = 0
        self.began: float | None = None
        self.log_file = ""
        self.planned: dict[str, list[str]] = {}
        self.causes: dict[int, str] = {}
        self.drawn = False
        self.told_at = clock()
        self.closed = threading.Event()
        isatty = getattr(self.stream, "isatty", None)
        self.in_place = bool(isatty and isatty()) and os.environ.get("TERM") != "dumb"
        self.colour = not getattr(fallback, "nocolor", True)

    # ------------------------------------------------------------------ from Snakemake

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record of Snakemake's log, or let Snakemake's handler show it."""
        try:
            known = self._take(record)
        except BrokenPipeError:
            raise  # the reader of a pipe is gone: Snakemake knows what to do
        except Exception as error:
            # A run is worth more than its display, which a full disk can end as well.
            self.short = known = False
            with suppress(OSError, ValueError):
                self.stream.write(f"(the short display ends here: {error!r})\n")
        if not known and self.fallback:
            with suppress(OSError, ValueError):
                self._erase()
            self.fallback.handle(record)
        if self.began is not None and not self.dry_run and str(record.msg).startswith(NOTHING):
            self._tell_account()

    def _tell_account(self) -> None:
        """What the workflow's own hook tells at the end of other runs."""
        try:
            print(self.account(), flush=True)
        except BrokenPipeError:
            raise
        except Exception as error:
            with suppress(OSError, ValueError):
                print(f"(no account: {error})", flush=True)

    def _take(self, record: Any) -> bool:
        """Remember what a record says; whether it needs no other display than ours."""
        event = str(getattr(record, "event", None) or "")
        if event == "workflow_started":
            self._begin()
            return self.short
        if self.began is None:
            # Before a run only this is known to be idle; a `--summary` or `--lint` speaks here too.
            return self.short and str(record.msg).startswith(SHARED_DISK)
        method = getattr(self, f"_on_{event}", None)
        if method:
            return bool(method(record)) and self.short
        message = str(record.msg or "")
        if message.startswith(STOPPING):
            self.jobs.stopped = True
        return self.short and self._message(message, record)

    def _begin(self) -> None:
        self.began = self.clock()
        if self.short and not self.dry_run:
            threading.Thread(target=self._keep_drawing, daemon=True).start()

    def _on_run_info(self, record: Any) -> bool:
        if self.dry_run:
            # Snakemake's table, which comes a second time at the end.
            first = not self.jobs.counts
            self.jobs.plan(record.stats)
            return not first
        self.jobs.plan(record.stats)
        if self.short:
            work, length = self.foretell(self.jobs.counts)
            self.jobs.sizes = self.sizes(self.jobs.counts)
            self.pace = self.pace_of(self.jobs.counts)
            self._say(f"{_jobs(self.jobs.total)}: {work or 'nothing to make'}; {length}")
        return True

    def _on_job_info(self, record: Any) -> bool:
        clips = self.clips_of(record.jobid) if self.short and not self.dry_run else 1
        now = self.clock()
        self.jobs.begin(record.jobid, record.rule_name, record.wildcards, record.log, now, clips)
        if self.dry_run and not self.jobs.is_target(record.rule_name):
            name = job_name(record.rule_name, record.wildcards)
            line = f"{name}: {self.why(record.jobid) or reason_in_short(record.reason)}"
            self.planned.setdefault(record.rule_name, []).append(line)
        elif self.short:
            self._draw()
        return True

    def _on_job_finished(self, record: Any) -> bool:
        if self.dry_run:
            return True
        job = self.jobs.finish(record.job_id)
        self.made_at_work.pop(record.job_id, None)
        if job:
            self.pace.took(job.rule, self.clock() - job.began)
        if job and self.short:
            self._name_job(job)
        return True

    def _name_job(self, job: Job) -> None:
        """Name a job that is done: each on a terminal, where the lines below stay; elsewhere now
        and then, and the last."""
        now = self.clock()
        if (
            self.in_place
            or now - self.named_at >= JOB_LINE_SECONDS
            or self.jobs.done == self.jobs.total
        ):
            others = f", and {_jobs(self.unnamed)} before it" if self.unnamed else ""
            self._say(f"{self._numbered()} {job.name}  {duration(now - job.began)}{others}")
            self.named_at, self.unnamed = now, 0
        else:
            self.unnamed += 1

    def _on_error(self, record: Any) -> bool:
        """A message on an exception; that of a job comes from a thread, before its failure."""
        message = record.getMessage()
        cause = cause_of_end(message)
        if cause == DISK_FULL or (cause and "CalledProcessError" in message):
            self.causes[record.thread] = cause
            # Snakemake's own thread may be told of a job that failed at once.
            return record.thread != threading.main_thread().ident
        return self._is_said(message)

    def _on_job_error(self, record: Any) -> bool:
        cause = record.rule_msg or self.causes.pop(record.thread, "")
        if self.jobs.stopped or was_interrupted(cause):
            job = self.jobs.interrupt(record.jobid)
            if job and self.short:
                self._say(f"[stopped] {job.name}")
            return True
        failed = self.jobs.fail(record.jobid, cause)
        if failed and self.short:
            job, message = failed
            first = textwrap.shorten(message, MESSAGE_SHOWN, placeholder=" ...")
            passed = duration(self.clock() - job.began)
            self._say(f"[failed] {job.name}  {passed}: {first}", RED)
        # With --show-failed-logs Snakemake adds the logs.
        return not getattr(getattr(self.fallback, "formatter", None), "show_failed_logs", False)

    def _on_progress(self, record: Any) -> bool:
        if self.short:
            self._draw()
        return True

    def _unsaid(self, record: logging.LogRecord) -> bool:
        return True

    _on_job_started = _on_resources_info = _on_rulegraph = _on_shellcmd = _unsaid
    _on_group_info = _on_group_error = _unsaid  # their jobs come one by one as well

    def _message(self, message: str, record: logging.LogRecord) -> bool:
        """A message in words; whether it is dealt with."""
        if message.startswith(NOTHING):
            self._say(message)
            return True
        if message.startswith(STOPPING):
            self._say("Stopping: the jobs at work are put away.")
            return True
        if message.startswith("Complete log(s): "):
            self.log_file = message.removeprefix("Complete log(s): ")
            return True
        if message.startswith("Elapsed time:"):
            self._say(self._closing_line())
            return True
        if message.startswith("Trying to restart job "):
            self._say("It is tried again.")
            return True
        if message.startswith("This was a dry-run"):
            self._say_plan()
            return True
        return self._is_said(message)

    def _is_said(self, message: str) -> bool:
        return message.startswith(UNSAID)

    # ------------------------------------------------------------------ on the screen

    def _numbered(self) -> str:
        total = str(self.jobs.total)
        return f"[{str(self.jobs.done).rjust(len(total))}/{total}]"

    def _say_plan(self) -> None:
        """The end of a dry run."""
        for lines in self.planned.values():
            for line in sorted(lines)[:DRY_RUN_SHOWN]:
                self._say(f"  {line}")
            more = len(lines) - DRY_RUN_SHOWN
            if more > 0:
                self._say(f"  and {more:,} more of {lines[0].split()[0].rstrip(':')}")
        counts = {rule: len(lines) for rule, lines in self.planned.items()}
        work, length = self.foretell(counts)
        self._say(f"\nTo do: {work or 'nothing to make'}; {length}.")
        self._say("This was a dry run: nothing was made.")

    def _closing_line(self) -> str:
        jobs = self.jobs
        parts = [f"{jobs.done} of {_jobs(jobs.total)} done"]
        if jobs.failed:
            parts.append(f"{len(jobs.failed)} failed")
        stopped = jobs.interrupted + len(jobs.at_work)
        if stopped:
            parts.append(f"{stopped} stopped")
        waiting = jobs.total - jobs.done - len(jobs.failed) - stopped
        if waiting:
            parts.append(f"{waiting} not begun")
        log = f". Every detail: {_short_path(self.log_file)}" if self.log_file else ""
        return f"{', '.join(parts)} in {duration(self.clock() - (self.began or 0))}{log}"

    def progress(self) -> list[str]:
        """How far the run is: a line a stage, then all jobs and their end, then those at work."""
        jobs, now = self.jobs, self.clock()
        self._count_made(now)
        stages = jobs.stages(self.made_at_work)
        left = jobs.left_of(self.pace, self.made_at_work, now)
        whole = f"{jobs.done:,} of {_jobs(jobs.total)} done"
        if jobs.failed:
            whole += f", {len(jobs.failed)} failed"
        whole += f"; {time_left(*self.pace.left(left), time.time())}"
        at_work = [
            f"{job.name} ({duration(now - job.began)})"
            for job in list(jobs.at_work.values())[:AT_WORK_SHOWN]
        ]
        more = len(jobs.at_work) - AT_WORK_SHOWN
        last = f"at work: {', '.join(at_work)}{f' and {more:,} more' if more > 0 else ''}"
        return [*map(_stage_line, stages), whole, last]

    def _count_made(self, now: float) -> None:
        """Look how far batches at work are, now and then."""
        if now - self.counted_at < MADE_SECONDS:
            return
        self.counted_at = now
        for number, job in self.jobs.at_work.items():
            if job.clips > 1:
                began = time.time() - (now - job.began)
                self.made_at_work[number] = min(self.made_of(number, began), job.clips)

    def _say(self, line: str, colour: str = "") -> None:
        """Write a line, in place of the progress line, which follows again."""
        self._erase()
        coloured = f"{colour}{line}{PLAIN}" if colour and self.colour else line
        self.stream.write(f"{coloured}\n")
        self.stream.flush()
        self._draw()

    def _draw(self) -> None:
        """Draw the progress of a terminal below its last line, if a job is at work."""
        if not self.in_place or self.dry_run or self.jobs.stopped:
            return
        self._erase()
        if self.jobs.at_work:
            columns, rows = self._size()
            # The last lines say most, and half of the screen stays for what was said before.
            lines = [line[: columns - 1] for line in self.progress()[-max(2, rows // 2) :]]
            # Back to the first column of the first line: what a job writes in between covers it.
            back = f"\033[{len(lines) - 1}A\r"
            self.stream.write("\n".join(lines) + back)
            self.stream.flush()
            self.drawn = True

    def _erase(self) -> None:
        if self.drawn:
            self.stream.write(CLEAR_BELOW)
            self.stream.flush()
            self.drawn = False

    def _size(self) -> tuple[int, int]:
        """Columns and rows of the terminal."""
        try:
            columns, rows = os.get_terminal_size(self.stream.fileno())
        except (OSError, ValueError):
            columns = rows = 0
        return columns or COLUMNS, rows or ROWS

    def _keep_drawing(self) -> None:
        """Between Snakemake's messages: seconds go on, and a file hears of a run at times."""
        while not self.closed.wait(REDRAW_SECONDS):
            try:
                with self.lock or nullcontext():
                    self.tick()
            except Exception:
                return  # the screen is gone; what goes through `emit` finds out by itself

    def tick(self) -> None:
        """Some time has passed."""
        if not self.short or not self.jobs.at_work or self.jobs.stopped:
            return
        if self.in_place:
            self._draw()
        elif self.clock() - self.told_at >= PROGRESS_SECONDS:
            self.told_at = self.clock()
            whole, at_work = self.progress()[-2:]
            begun = [_in_words(stage) for stage in self.jobs.stages(self.made_at_work)]
            self._say("; ".join([whole, *filter(None, begun), at_work]))

    def close(self) -> None:
        """Take away the progress line."""
        self.closed.set()
        if self.drawn:
            self._erase()
        if self.fallback:
            self.fallback.close()
        super().close()


def _stage_line(stage: Stage) -> str:
    """A line of a terminal: what is to do, how far it is, as numbers and as a bar."""
    filled = BAR * stage.done // stage.total
    bar = f"[{'=' * filled}{' ' * (BAR - filled)}]"
    busy = f"  {stage.at_work:,} at work" if stage.at_work else ""
    counts = f"{stage.done:>6,} of {stage.total:<6,}"
    return f"{_what(stage):<{WHAT_LETTERS}}  {counts} {bar}{busy}"


def _in_words(stage: Stage) -> str:
    """A stage that is begun and not done, for a line of a file; nothing of others."""
    if not stage.rule or stage.done == stage.total or not (stage.done or stage.at_work):
        return ""
    return f"{_what(stage)}: {stage.done:,} of {stage.total:,}"


def _what(stage: Stage) -> str:
    return TO_DO[stage.rule][1] if stage.rule else SMALL_JOBS


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count:,} jobs"


def _short_path(path: str) -> str:
    """A path as a user in the working folder may type it."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path
