"""What a run has yet to do, in words and in minutes: figures worked out by hand."""

import re
import time

import pytest

from avaflow.workflow import estimate
from avaflow.workflow.estimate import (
    LIGHT_SECONDS,
    TIMINGS_READ,
    TO_DO,
    Pace,
    about,
    earlier_seconds,
    time_left,
    time_to_come,
    to_do,
    wall_seconds,
)
from workflow_runs import ROOT

HEAD = "s\th:m:s\tmax_rss\n"


def write_timing(folder, rule, name, *seconds):
    """A file as Snakemake's `benchmark:` writes it."""
    path = folder / "benchmarks" / rule / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "".join(f"{second}\t0:00:00\t1.5\n" for second in seconds))
    return path


def test_words_are_in_the_order_of_work():
    counts = {"detect": 2, "export_slowfast": 1, "trim": 1200, "track": 1, "write_ava": 1}
    assert to_do(counts) == (
        "1,200 clips to cut, 2 clips to detect persons in, 1 clip to follow persons in, "
        "2 small jobs on tables and pages"
    )
    assert to_do({"trim": 0, "merge": 1}) == "1 small job on tables and pages"


@pytest.fixture(scope="module")
def rules() -> dict[str, str]:
    """The text of each rule."""
    text = "".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    bodies = re.split(r"^ *rule (\w+):$", text, flags=re.MULTILINE)
    return dict(zip(bodies[1::2], bodies[2::2], strict=True))


def test_every_rule_that_makes_something_is_timed_under_the_name_of_its_log(rules):
    names = {}
    for rule, body in rules.items():
        log = re.search(r'results\("logs/([^"]+)\.log"\)', body)
        note = re.search(r'benchmark:\n *timing\("([^"]+)"\)', body)
        names[rule] = (log and log[1], note and note[1])
        assert log[1].split("/")[0] == rule
    untimed = {rule for rule, (_, note) in names.items() if note is None}
    assert untimed == {rule for rule, body in rules.items() if "output:" not in body}
    assert all(log == note for rule, (log, note) in names.items() if rule not in untimed)


def test_every_rule_that_takes_long_has_words(rules):
    """And no word is kept for a rule that is gone."""
    threaded = {rule for rule, body in rules.items() if "threads:" in body and "output:" in body}
    assert len(threaded) >= 10
    assert threaded - {"export_detector"} <= TO_DO.keys() <= rules.keys()


def test_timings_of_earlier_runs(tmp_path):
    for name, second in (("a", 4.0), ("b", 5.0), ("c", 90.0)):
        write_timing(tmp_path, "trim", name, second)
    write_timing(tmp_path, "track", "a", 1.0, 2.0)
    write_timing(tmp_path, ".", "write_ava", 3.0)
    write_timing(tmp_path, "download", "deep/a.mp4", 7.0)
    write_timing(tmp_path, "embed", "0").write_text("s\th:m:s\nsoon\t\n")
    write_timing(tmp_path, "detect", "0").write_bytes(b"\xff\xfe\x00")
    rules = ["trim", "track", "embed", "detect", "never", "write_ava", "download"]
    expected = {"trim": 5.0, "track": 1.5, "write_ava": 3.0, "download": 7.0}
    assert earlier_seconds(tmp_path, rules) == expected


def test_of_very_many_timings_some_are_read(tmp_path, monkeypatch):
    for number in range(2 * TIMINGS_READ):
        write_timing(tmp_path, "trim", f"{number:04d}", number)
    read, seconds = [], estimate._seconds
    monkeypatch.setattr(estimate, "_seconds", lambda path: read.append(path) or seconds(path))
    # Every other one of 0..199: 0, 2, .. 198.
    assert earlier_seconds(tmp_path, ["trim"]) == {"trim": 99.0}
    assert len(read) == TIMINGS_READ


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"trim": 10}, 300),  # ten of 60 s, two at once
        ({"trim": 1}, 60),  # no job is faster than itself
        ({"trim": 1, "detect": 1}, 160),  # one waits for the other
        ({"trim": 10, "detect": 3}, 600),
        ({}, 0),
    ],
)
def test_seconds_of_a_run(counts, expected):
    seconds, shares = {"trim": 60, "detect": 100}, {"trim": 0.5, "detect": 1}
    assert wall_seconds(counts, seconds, shares) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "under a minute"),
        (49, "under a minute"),
        (50, "about 1 min"),
        (569, "about 9 min"),
        (570, "about 10 min"),
        (1200, "about 20 min"),
        (5399, "about 90 min"),
        (5400, "about 1.5 h"),
        (7300, "about 2 h"),
        (129_600, "about 2 days"),
    ],
)
def test_about(seconds, expected):
    assert about(seconds) == expected


def test_time_to_come():
    timed, shares = ["trim", "detect"], {"trim": 0.5, "detect": 1, "write_ava": 0.5}
    counts = {"trim": 40, "detect": 1, "write_ava": 1}
    # 40 of 60 s two at a time, one of 60 s, and a small one that hardly counts.
    assert time_to_come(counts, timed, {"trim": 60, "detect": 60}, shares) == "about 20 min"
    one_known = time_to_come(counts, timed, {"trim": 60}, shares)
    assert one_known == "about 20 min, and no timings yet of detect"
    on_two = time_to_come(counts, timed, {"trim": 60, "detect": 60}, shares, "on 2 cores")
    assert on_two == "about 20 min on 2 cores"
    assert time_to_come(counts, timed, {}, shares) == "no timings yet"
    # Small jobs are never timed: their time is known well enough.
    small = round(60 / LIGHT_SECONDS)
    assert time_to_come({"write_ava": 2 * small}, timed, {}, shares) == "about 1 min"


def test_the_pace_of_a_run_is_its_own_as_soon_as_there_is_one():
    pace = Pace({"trim": 100.0}, {"trim": 0.5, "write_ava": 0.5}, ["trim", "detect"])
    assert pace.left({"trim": 4, "write_ava": 1}) == (2 * 100 + LIGHT_SECONDS / 2, [])
    for seconds in (10.0, 20.0, 90.0):
        pace.took("trim", seconds)
    # Half a job and two more, two at once; then half a job alone, which is no chain of a whole one.
    assert pace.left({"trim": 2.5}) == (25.0, [])
    assert pace.left({"trim": 0.5}) == (10.0, [])
    assert pace.left({"trim": 2, "detect": 1}) == (20.0, ["detect"])
    assert pace.left({"detect": 1, "write_ava": 3}) == (None, ["detect"])
    assert pace.left({}) == (0, [])
    pace.part_took("detect", 30.0, 0.0)
    assert pace.of_one("detect") is None
    pace.part_took("detect", 30.0, 0.25)
    assert pace.left({"detect": 0.75}) == (90.0, [])


def test_the_end_of_a_run_in_words(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        noon = 12 * 3600.0  # of a Thursday, 1 January 1970
        assert time_left(1200, [], noon) == "about 20 min left, until 12:20"
        assert time_left(86400, [], noon) == "about 24 h left, until Fri 12:00"
        assert time_left(30, [], noon) == "under a minute left"
        unknown = ["a", "b", "c", "d"]
        expected = "about 20 min left without a, b and 2 more (no timings yet)"
        assert time_left(1200, unknown, noon) == expected
        assert time_left(None, ["detect"], noon) == "no timings yet"
    finally:
        monkeypatch.undo()
        time.tzset()
