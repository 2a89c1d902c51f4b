"""What a run shows on the screen, record by record, and through the real Snakemake."""

import io
import logging
import re
import subprocess
import sys
import threading

import imageio_ffmpeg
import pytest

from avaflow.workflow.closing import FAILED
from avaflow.workflow.estimate import Pace
from avaflow.workflow.job import ERROR_MARK
from avaflow.workflow.terminal import (
    DRY_RUN_SHOWN,
    JOB_LINE_SECONDS,
    MADE_SECONDS,
    PROGRESS_SECONDS,
    RED,
    Terminal,
    cause_of_end,
    duration,
    job_name,
    reason_in_short,
    was_interrupted,
)
from numbered_videos import make_video
from workflow_runs import ROOT, Workspace

pytestmark = pytest.mark.slow

KILLED = "CalledProcessError in file x.smk, line 3:\nCommand 'y' returned non-zero exit status 137."
FAILED_RUN = "WorkflowError:\nAt least one job did not complete successfully."


class Screen(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, tty: bool):
        super().__init__()
        self.tty = tty

    def isatty(self):
        return self.tty


class Scene:
    """A terminal before a made-up Snakemake, with a clock that is set by hand."""

    def __init__(self, tty=False, short=True, dry_run=False):
        self.now = 100.0
        self.screen = Screen(tty)
        fallback = logging.StreamHandler(self.screen)
        fallback.nocolor = not tty
        self.accounts = 0
        self.pace = Pace()
        self.sizes, self.made = {}, {}
        self.terminal = Terminal(
            fallback,
            short,
            dry_run,
            is_target=lambda rule: rule == "all",
            foretell=lambda counts: (f"to do {sorted(counts.items())}", "about 20 min"),
            account=self.account,
            clock=lambda: self.now,
            pace_of=lambda counts: self.pace,
            sizes=lambda counts: counts | self.sizes,
            clips_of=lambda number: 10 if number in self.made else 1,
            made_of=lambda number, since: self.made[number],
        )

    def account(self):
        self.accounts += 1
        return "the account"

    def log(self, message=None, event=None, level=logging.INFO, thread=7, **extra):
        record = logging.makeLogRecord(
            {"msg": message, "event": event, "levelno": level, "thread": thread} | extra
        )
        self.terminal.handle(record)

    def start(self, **stats):
        self.log("Assuming unrestricted shared filesystem usage.")
        self.log("Workflow has started!", "workflow_started", host="vm")
        self.log("Building DAG of jobs...")
        self.log("Provided cores: 2", "resources_info", cores=2)
        self.log("Job stats:\ntable\n", "run_info", stats={**stats, "total": sum(stats.values())})

    def job(self, number, rule, log=(), reason="Missing output files: a.csv", **wildcards):
        self.log(
            f" Rule: {rule}",
            "job_info",
            jobid=number,
            rule_name=rule,
            wildcards=wildcards,
            log=[str(path) for path in log],
            reason=reason,
            input=["a very long list"],
        )
        self.log("Shell command: None", "shellcmd")

    def finish(self, number):
        self.log(f"Finished jobid: {number}", "job_finished", job_id=number)
        self.log(None, "progress", done=1, total=9)

    def fail(self, number, text=KILLED, message=None, thread=7):
        self.log(text, "error", logging.ERROR, thread, exception="CalledProcessError")
        self.log(
            "Error in rule", "job_error", logging.ERROR, thread, jobid=number, rule_msg=message
        )

    def end(self):
        self.log("Complete log(s): /elsewhere/.snakemake/log/1.log")
        self.log("Elapsed time: 0:01:00")

    @property
    def lines(self):
        return self.screen.getvalue().splitlines()


def test_a_run_in_lines():
    scene = Scene()
    scene.start(trim=2, track=1, all=1)
    scene.log("Select jobs to execute...")
    scene.log("Execute 2 jobs...", "job_started", jobs=[3, 4])
    scene.job(3, "trim", clip="yard")
    scene.job(4, "trim", clip="corridor")
    scene.now += 4.14
    scene.finish(4)
    scene.now += 60
    scene.finish(3)
    scene.log("Something that a plugin says.")
    scene.job(2, "track", clip="yard")
    scene.finish(2)
    scene.job(0, "all")
    scene.finish(0)
    scene.end()
    assert scene.lines == [
        "Building DAG of jobs...",
        "3 jobs: to do [('track', 1), ('trim', 2)]; about 20 min",
        "[1/3] trim corridor  4.1 s",
        "[2/3] trim yard  1 min 04 s",
        "Something that a plugin says.",
        "[3/3] track yard  0.0 s",
        "3 of 3 jobs done in 1 min 04 s. Every detail: /elsewhere/.snakemake/log/1.log",
    ]
    assert scene.accounts == 0  # the workflow's own hook tells it


def test_nothing_to_do_ends_in_the_account_too(capsys):
    for short in (True, False):
        scene = Scene(short=short)
        scene.log("Workflow has started!", "workflow_started")
        scene.log("Nothing to be done (all requested files are present and up to date).")
        assert "Nothing to be done" in scene.lines[-1] and scene.accounts == 1
        assert capsys.readouterr().out == "the account\n"
    # A dry run makes nothing, so it has nothing to account for.
    scene = Scene(dry_run=True)
    scene.log("Workflow has started!", "workflow_started")
    scene.log("Nothing to be done (all requested files are present and up to date).")
    assert scene.accounts == 0 and "Nothing to be done" in scene.lines[-1]


def test_before_a_run_and_where_asked_snakemake_speaks():
    scene = Scene()
    scene.log("Congratulations, your workflow is in a good condition!")
    scene.log("error in a table", "error", logging.ERROR)
    assert len(scene.lines) == 2
    scene = Scene(short=False)
    scene.start(trim=1)
    scene.job(3, "trim", clip="yard")
    scene.fail(3)
    assert scene.lines[1:] == [
        "Workflow has started!",
        "Building DAG of jobs...",
        "Provided cores: 2",
        *("Job stats:", "table", ""),
        *(" Rule: trim", "Shell command: None"),
        *(*KILLED.splitlines(), "Error in rule"),
    ]
    assert list(scene.terminal.jobs.unlogged) == [3]


def test_a_failure_is_told_from_its_log(tmp_path):
    log, old = tmp_path / "trim.log", tmp_path / "old.log"
    old.write_text(f"ERROR {ERROR_MARK}of yesterday\n")
    scene = Scene(tty=True)
    scene.start(trim=2)
    scene.job(1, "trim", [log], clip="a")
    scene.job(2, "trim", [old], clip="b")
    log.write_text(f"INFO x\nERROR {ERROR_MARK}a.mp4: cut short.\n{' more' * 50}\n")
    scene.now += 2
    scene.fail(1, KILLED.replace("137", "1"))
    scene.fail(2)
    scene.log("Exiting because a job execution failed. Look above for error messages")
    scene.end()
    scene.log(FAILED_RUN, "error", logging.ERROR)
    text = scene.screen.getvalue()
    assert f"{RED}[failed] trim a  2.0 s: a.mp4: cut short. more more" in text
    assert "more ...\033[0m\n" in text and max(map(len, text.splitlines())) < 160
    assert f"{RED}[failed] trim b  2.0 s: it was killed (SIGKILL)" in text
    assert "0 of 2 jobs done, 2 failed in 2.0 s" in text
    assert "CalledProcessError" not in text and "yesterday" not in text
    assert "Exiting" not in text and "At least one" not in text
    # The end of the run names what no log tells.
    assert list(scene.terminal.jobs.unlogged.values()) == [
        f"trim b: it was killed (SIGKILL), as systems do where memory runs out. Its log: {old}."
    ]


def test_a_job_that_is_tried_again_has_not_failed():
    scene = Scene()
    scene.start(detect=1)
    scene.job(5, "detect", batch="0")
    scene.fail(5, "no word", "SLURM status is: OUT_OF_MEMORY")
    assert scene.lines[-1] == "[failed] detect 0  0.0 s: SLURM status is: OUT_OF_MEMORY"
    assert scene.terminal.jobs.unlogged
    scene.log("Trying to restart job 5.")
    scene.job(5, "detect", batch="0")
    scene.finish(5)
    scene.end()
    assert scene.lines[-2] == "[1/1] detect 0  0.0 s"
    assert scene.lines[-1].startswith("1 of 1 job done in")
    assert not scene.terminal.jobs.unlogged


def test_errors_of_no_job_are_shown_whole():
    scene = Scene()
    scene.start(trim=1)
    scene.log("MissingOutputException: no file", "error", logging.ERROR)
    scene.log(KILLED, "error", logging.ERROR, thread=threading.main_thread().ident)
    scene.log("a warning", level=logging.WARNING)
    assert scene.lines[2:] == ["MissingOutputException: no file", *KILLED.splitlines(), "a warning"]


def test_a_disk_that_is_full_when_snakemake_writes_of_a_job(tmp_path):
    """The job itself ended well, and its log holds no message."""
    full = "WorkflowError:\nOSError: [Errno 28] No space left on device"
    log = tmp_path / "trim.log"
    log.write_text("INFO a: 150 frames\n")
    scene = Scene()
    scene.start(trim=1)
    scene.job(1, "trim", [log], clip="a")
    scene.fail(1, full)
    assert scene.lines[2].startswith("[failed] trim a  0.0 s: the disk is full. Make room, or")
    assert len(scene.lines) == 3
    (told,) = scene.terminal.jobs.unlogged.values()
    assert told.startswith("trim a: the disk is full. Make room,") and str(log) in told
    # What befalls the run as a whole is shown as Snakemake has it.
    scene.log(full, "error", logging.ERROR, thread=threading.main_thread().ident)
    assert scene.lines[3:] == full.splitlines()


def test_stopped_by_the_user():
    scene = Scene()
    scene.start(trim=4)
    for number in range(3):
        scene.job(number, "trim", clip=f"c{number}")
    scene.fail(0, KILLED.replace("137", "130"))
    scene.log("Terminating processes on user request, this might take some time.")
    scene.fail(1, KILLED.replace("137", "1"))
    scene.end()
    assert scene.lines[2:] == [
        "[stopped] trim c0",
        "Stopping: the jobs at work are put away.",
        "[stopped] trim c1",
        "0 of 4 jobs done, 3 stopped, 1 not begun in 0.0 s. "
        "Every detail: /elsewhere/.snakemake/log/1.log",
    ]
    jobs = scene.terminal.jobs
    assert jobs.stopped and not jobs.failed and not jobs.unlogged


class Glass:
    """What a terminal of 24 rows shows of a stream, as far as this display moves in it."""

    def __init__(self, text):
        self.rows, self.row, self.column = [""], 0, 0
        for part in re.split(r"(\033\[\d*[A-Z]|[\r\n])", text):
            self.take(part)

    def take(self, part):
        if part == "\n":
            self.row, self.column = self.row + 1, 0
            self.rows += [""] * (self.row + 1 - len(self.rows))
        elif part == "\r":
            self.column = 0
        elif part == "\033[J":
            self.rows[self.row :] = [self.rows[self.row][: self.column]]
        elif part.startswith("\033["):
            assert part.endswith("A"), part
            self.row -= int(part[2:-1])
        else:
            row = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = row[: self.column] + part + row[self.column + len(part) :]
            self.column += len(part)


def shown(scene):
    return [row for row in Glass(scene.screen.getvalue()).rows if row]


def test_a_terminal_shows_how_far_each_stage_is(monkeypatch):
    """Of five cuts two are done, at ten seconds each on the whole machine: 30 s are left, of which
    two have passed; what writes in between stays above."""
    scene = Scene(tty=True)
    scene.pace = Pace(shares={"trim": 1.0, "write_ava": 1.0}, timed=["trim"])
    scene.start(trim=5, write_ava=1)
    for number in range(2):
        scene.job(number, "trim", clip=f"c{number}")
        scene.now += 10
        scene.finish(number)
    scene.job(2, "trim", clip="c2")
    scene.now += 2
    scene.terminal.tick()
    assert shown(scene)[-6:] == [
        "[1/6] trim c0  10.0 s",
        "[2/6] trim c1  10.0 s",
        "clips to cut                          2 of 5      [======          ]  1 at work",
        "small jobs on tables and pages        0 of 1      [                ]",
        "2 of 6 jobs done; under a minute left",
        "at work: trim c2 (2.0 s)",
    ]
    assert max(map(len, shown(scene))) < 80
    scene.log("a word of a plugin")
    scene.finish(2)
    assert shown(scene)[-2:] == ["a word of a plugin", "[3/6] trim c2  2.0 s"]
    scene.job(3, "trim", clip="c3")
    scene.terminal.close()
    assert shown(scene)[-1] == "[3/6] trim c2  2.0 s"
    scene.terminal.tick()


def test_a_terminal_has_room_for_what_was_said_before(monkeypatch):
    monkeypatch.setattr("avaflow.workflow.terminal.ROWS", 8)
    scene = Scene(tty=True)
    scene.start(download=1, trim=2, detect=1, embed=1, track=1)
    scene.job(1, "trim", clip="a")
    scene.now += 400
    scene.terminal.tick()
    assert shown(scene)[-5:] == [
        "6 jobs: to do [('detect', 1), ('download', 1), ('embed', 1), ('track', 1), ('trim', 2)]; "
        "about 20 min",
        "clips to describe persons of          0 of 1      [                ]",
        "clips to follow persons in            0 of 1      [                ]",
        "0 of 6 jobs done; under a minute left",
        "at work: trim a (6 min 40 s)",
    ]


def test_a_batch_at_work_is_counted_by_its_clips():
    """Two batches of ten clips: of the one at work four are made in 400 s, so that a batch takes
    1000 s; with 0.6 and 1 of them left, 1600 s."""
    scene = Scene(tty=True)
    scene.pace = Pace(shares={"detect": 1.0}, timed=["detect"])
    scene.sizes, scene.made = {"detect": 20}, {1: 4}
    scene.start(detect=2)
    scene.job(1, "detect", batch="0")
    scene.now += 400
    scene.terminal.tick()
    assert "  4 of 20 " in shown(scene)[-3]
    assert "0 of 2 jobs done; about 25 min left, until " in shown(scene)[-2]
    scene.made = {1: 9}
    scene.now += MADE_SECONDS + 1
    scene.terminal.tick()
    assert "9 of 20" in shown(scene)[-3]
    scene.finish(1)
    scene.job(2, "detect", batch="1")
    assert "10 of 20" in shown(scene)[-3]


def test_a_file_hears_of_jobs_now_and_then():
    """A job a second: the first, one every five seconds, and the last are named."""
    scene = Scene()
    scene.start(trim=13)
    before = len(scene.lines)
    for number in range(13):
        scene.job(number, "trim", clip=f"c{number}")
        scene.now += 1
        scene.finish(number)
    assert JOB_LINE_SECONDS == 5
    assert scene.lines[before:] == [
        "[ 1/13] trim c0  1.0 s",
        "[ 6/13] trim c5  1.0 s, and 4 jobs before it",
        "[11/13] trim c10  1.0 s, and 4 jobs before it",
        "[13/13] trim c12  1.0 s, and 1 job before it",
    ]


def test_a_file_hears_of_a_long_job_at_times():
    scene = Scene()
    scene.sizes, scene.made = {"detect": 20}, {1: 4}
    scene.start(trim=1, detect=2, write_ava=1)
    scene.job(1, "detect", batch="0")
    before = len(scene.lines)
    for _ in range(2 * PROGRESS_SECONDS + 1):
        scene.now += 1
        scene.terminal.tick()
    clips = "clips to detect persons in: 4 of 20"
    # 4 of 10 clips in 60 s make 150 s a batch, of which 1.6 are left; in 120 s twice as much.
    assert [re.sub(r"\d\d:\d\d", "HH:MM", line) for line in scene.lines[before:]] == [
        f"0 of 4 jobs done; about 4 min left, until HH:MM; {clips}; at work: detect 0 (1 min 00 s)",
        f"0 of 4 jobs done; about 8 min left, until HH:MM; {clips}; at work: detect 0 (2 min 00 s)",
    ]
    assert "\033" not in scene.screen.getvalue() and "\r" not in scene.screen.getvalue()


def test_a_dry_run_names_jobs_and_ends_in_words():
    scene = Scene(dry_run=True)
    many = DRY_RUN_SHOWN + 2
    scene.start(trim=many, write_ava=1, all=1)
    for number in reversed(range(many)):
        scene.job(number, "trim", clip=f"c{number}")
        scene.finish(number)
    scene.job(90, "write_ava", reason="Params have changed since last execution: ('<a>', '<b>')")
    scene.job(91, "all")
    scene.log("Job stats:\ntable\n", "run_info", stats={"trim": many, "total": many})
    scene.log("Reasons:\n    (check individual jobs above for details)")
    scene.log("This was a dry-run (flag -n). The order of jobs does not reflect")
    assert scene.lines == [
        "Building DAG of jobs...",
        "Job stats:",
        "table",
        "",
        *(f"  trim c{number}: not made yet" for number in range(DRY_RUN_SHOWN)),
        "  and 2 more of trim",
        "  write_ava: its settings or sources changed",
        "",
        f"To do: to do [('trim', {many}), ('write_ava', 1)]; about 20 min.",
        "This was a dry run: nothing was made.",
    ]


def test_a_fault_of_the_display_does_not_stop_the_run():
    scene = Scene()
    scene.terminal.foretell = lambda counts: 1 / 0
    scene.start(trim=1)
    scene.job(3, "trim", clip="yard")
    assert scene.lines[1].startswith("(the short display ends here: ZeroDivisionError")
    assert scene.lines[2:] == ["Job stats:", "table", "", " Rule: trim", "Shell command: None"]


def test_a_full_disk_under_the_screen_does_not_stop_the_run(monkeypatch):
    scene = Scene()
    monkeypatch.setattr(logging, "raiseExceptions", False)

    def full(text):
        raise OSError(28, "No space left on device")

    scene.screen.write = full
    scene.start(trim=1)
    scene.job(3, "trim", clip="yard")
    scene.fail(3)
    scene.terminal.account = lambda: 1 / 0
    scene.log("Nothing to be done (all requested files are present and up to date).")
    # What failed is remembered for the end of the run all the same.
    assert list(scene.terminal.jobs.unlogged) == [3]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Command 'x' returned non-zero exit status 137.", "killed (SIGKILL)"),
        ("Command 'x' died with <Signals.SIGKILL: 9>.", "killed (SIGKILL)"),
        ("Command 'x' died with <Signals.SIGSEGV: 11>.", "crashed (SIGSEGV)"),
        ("Command 'x' returned non-zero exit status 143.", "from outside (SIGTERM)"),
        ("Command 'x' returned non-zero exit status 3.", "status 3"),
        ("Command 'x' returned non-zero exit status 255.", "status 255"),
    ],
)
def test_how_a_program_ended(text, expected):
    assert expected in cause_of_end(text) and not was_interrupted(cause_of_end(text))


def test_interruption_is_known():
    assert was_interrupted(cause_of_end("returned non-zero exit status 130."))
    assert cause_of_end("no such file") == ""


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("Forced execution", "forced"),
        ("Missing output files: a; Updated input files: b", "not made yet"),
        ("Updated input files: v/a b.mp4, c", "v/a b.mp4 is newer"),
        ("Updated input files: a; Input files updated by another job: b", "a is newer"),
        ("Input files updated by another job: b", "what it is made of is made anew"),
        ("Code has changed since last execution", "its code makes it differently now"),
        ("Unheard of: a, b", "Unheard of"),
    ],
)
def test_reasons(reason, expected):
    assert reason_in_short(reason) == expected


def test_names_and_lengths():
    assert job_name("trim", {"clip": "a"}) == "trim a" and job_name("all", {}) == "all"
    assert [duration(s) for s in (0, 59.96, 119.7, 3599.6)] == [
        "0.0 s",
        "1 min 00 s",
        "2 min 00 s",
        "1 h 00 min",
    ]


# ------------------------------------------------------------------ the real Snakemake


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    """A project of one short clip, after its first run."""
    # Frames are numbered in black and white bits, which turn all at once at some numbers.
    settings = {"rawframes": {"enabled": False}, "cuts": {"find": False}, "exports": []}
    workspace = Workspace(tmp_path_factory.mktemp("cut") / "w", **settings)
    make_video(workspace.folder / "good.mp4", frames=180)
    workspace.write_clips("a\tgood.mp4\t0\t5\ttrain")
    workspace.first = workspace.run("clips")
    return workspace


def test_a_real_run(cut):
    assert cut.first.status == 0, cut.first.output
    assert re.search(r"^1 job: 1 clip to cut; no timings yet$", cut.first.output, re.MULTILINE)
    assert re.search(r"^\[1/1\] trim a  \d+\.\d s$", cut.first.output, re.MULTILINE)
    assert "jobid" not in cut.first.output and "input:" not in cut.first.output
    assert max(map(len, cut.first.output.splitlines())) < 160
    # The account comes before the very last line, and the log has what the screen has not.
    *_, account, awaiting, last = cut.first.output.strip().splitlines()
    assert "1 of 1   results/clips/" in account and awaiting == "  awaiting a person: a"
    assert re.match(r"1 of 1 job done in .* Every detail: \.snakemake/log/.*\.log$", last)
    assert "rule trim:" in cut.first.log and "input: good.mp4" in cut.first.log


def test_a_real_run_with_nothing_to_do(cut):
    run = cut.run("clips")
    assert run.nothing_to_do and "cut                    1 of 1   results/clips/" in run.output


def test_a_real_dry_run(cut):
    run = cut.run("-n", "--forceall", "clips")
    assert run.jobs == {"trim": 1, "clips": 1}
    assert run.output.strip().splitlines()[-4:] == [
        "  trim a: forced",
        "",
        "To do: 1 clip to cut; under a minute on 2 cores.",
        "This was a dry run: nothing was made.",
    ]


def test_what_snakemake_shows_when_asked(cut):
    verbose = cut.run("-n", "--forceall", "--verbose", "clips")
    assert "reason: Forced execution" in verbose.output
    quiet = cut.run("-n", "--forceall", "--quiet", "--", "clips")
    assert quiet.status == 0 and "Building DAG" in quiet.output
    assert "trim a" not in quiet.output and "To do" not in quiet.output
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--configfile"]
    command += ["examples/demo/config.yaml", "overlay.yaml"]
    for asked, begin in (("--dag", "digraph"), ("--summary", "output_file\t")):
        done = subprocess.run(
            [*command, asked, "--", "clips"], cwd=cut.folder, capture_output=True, text=True
        )
        assert done.returncode == 0 and done.stdout.startswith(begin), done


def test_a_real_job_that_is_killed_is_named_with_its_cause(cut):
    deadly = cut.folder / "deadly-ffmpeg"
    deadly.write_text(
        '#!/bin/sh\ncase "$*" in *good.mp4*) kill -9 $PPID;; esac\n'
        f'exec "{imageio_ffmpeg.get_ffmpeg_exe()}" "$@"\n'
    )
    deadly.chmod(0o755)
    # Of the same version it makes the same: only other settings call for it.
    run = cut.run("clips", trim={"ffmpeg": "./deadly-ffmpeg", "crf": 25})
    assert run.status == 1 and "Traceback" not in run.output
    cause = "it was killed (SIGKILL), as systems do where memory runs out"
    assert re.search(rf"^\[failed\] trim a  \S+ s: {re.escape(cause)}$", run.output, re.MULTILINE)
    told = run.output.split(FAILED)[1]
    assert told.startswith(f"\n* trim a: {cause}. Its log: results/logs/trim/a.log.\n")
    assert "CalledProcessError" not in run.output and "CalledProcessError" in run.log
