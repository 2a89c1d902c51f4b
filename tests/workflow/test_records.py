"""What is stale, what is damaged: told by content alone, whatever the dates."""

import itertools
import os
import shutil
from pathlib import Path

import pytest

from avaflow.errors import UserError
from avaflow.workflow.records import (
    RECORDS,
    Job,
    Member,
    Records,
    Sources,
    batch_members,
    find_stale,
    members_to_make,
    settings_digest,
)

FUTURE = 4e9  # the year 2096
PAST = 1e6


class Chain:
    """A small workflow on the disk: a -> batch of b-x, b-y -> c-x, c-y -> d."""

    def __init__(self, folder: Path):
        self.results = str(folder / "results")
        self.settings = dict.fromkeys("abcd", "1")
        self.made: list[str] = []

    def path(self, name: str) -> str:
        return f"{self.results}/{name}"

    def jobs(self) -> list[Job]:
        path = self.path
        members = [Member(m, path(f"b/{m}.csv"), (path(f"a/{m}.mp4"),)) for m in "xy"]
        firsts = [Job("a", self.settings["a"], [], [path(f"a/{m}.mp4")]) for m in "xy"]
        batch = Job("b", self.settings["b"], [], [path("b/0.batch.json")], members=members)
        thirds = [
            Job(
                "c",
                self.settings["c"],
                [path("b/0.batch.json")],
                [path(f"c/{m}.csv"), path(f"c/{m}.notes.csv")],
                reads=[path(f"b/{m}.csv")],
            )
            for m in "xy"
        ]
        last = Job("d", self.settings["d"], [path(f"c/{m}.csv") for m in "xy"], [path("d.txt")])
        return [*firsts, batch, *thirds, last]

    def state(self, repair=False, look=None):
        return find_stale(self.jobs(), Records(self.results), repair, look)

    def stale(self) -> list[str]:
        """First letters and members of what has to be made."""
        found = self.state()
        assert not found.damaged
        jobs = self.jobs()
        return [Path(jobs[n].outputs[0]).stem.split(".")[0] or n for n in found.reasons]

    def write(self, rule, settings, output, inputs):
        """What a job does for one output: its content follows from settings and inputs."""
        records = Records(self.results)
        read = [Path(path).read_text() for path in inputs]
        Path(output).parent.mkdir(parents=True, exist_ok=True)
        Path(output).write_text(f"{rule} {settings} of [{' '.join(read)}]")
        records.write(output, rule, settings, records.inputs_of(inputs))
        self.made.append(Path(output).relative_to(self.results).as_posix())

    def run(self, kill_after: int | None = None) -> list[str]:
        """Run all stale jobs in order; with `kill_after`, only so many steps of work."""
        self.made = []
        steps = itertools.count(1)

        def step() -> None:
            if kill_after is not None and next(steps) > kill_after:
                raise InterruptedError

        try:
            state = self.state()
            for number, job in enumerate(self.jobs()):
                if number not in state.reasons:
                    continue
                for output in job.outputs:  # as Snakemake does before a job
                    Path(output).unlink(missing_ok=True)
                step()
                todo = members_to_make(job, Records(self.results))
                for member in todo:
                    Records(self.results).forget([f"b/{member.name}.csv"])
                    step()
                    self.write(job.rule, job.settings, member.output, member.inputs)
                    step()
                if job.members:
                    Path(job.outputs[0]).parent.mkdir(parents=True, exist_ok=True)
                    Path(job.outputs[0]).write_text("{}")
                    continue
                inputs = [p for p in [*job.inputs, *job.reads] if not p.endswith(".batch.json")]
                for output in job.outputs:
                    self.write(job.rule, job.settings, output, inputs)
                    step()
        except InterruptedError:
            pass
        return self.made

    def contents(self) -> dict[str, str]:
        folder = Path(self.results)
        return {
            path.relative_to(folder).as_posix(): path.read_text()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and RECORDS not in path.parts
        }


@pytest.fixture
def chain(tmp_path):
    chain = Chain(tmp_path)
    assert len(chain.run()) == 9
    assert chain.run() == []
    return chain


def test_a_copy_a_touch_and_any_date_make_nothing_stale(chain, tmp_path):
    for date in (FUTURE, PAST):
        for path in Path(chain.results).rglob("*"):
            os.utime(path, (date, date))
        assert chain.state().reasons == {}
    shutil.copytree(chain.results, tmp_path / "other" / "results", copy_function=shutil.copyfile)
    chain.results = str(tmp_path / "other" / "results")
    assert chain.state().reasons == {} and not chain.state().damaged


def test_settings_reach_what_is_made_from_them_and_nothing_else(chain):
    chain.settings["c"] = "2"
    assert chain.run() == ["c/x.csv", "c/x.notes.csv", "c/y.csv", "c/y.notes.csv", "d.txt"]
    chain.settings["d"] = "2"
    assert chain.run() == ["d.txt"]


def test_one_member_of_a_batch_is_made_and_what_follows_of_it(chain):
    Path(chain.path("b/y.csv")).unlink()
    assert chain.run() == ["b/y.csv", "c/y.csv", "c/y.notes.csv", "d.txt"]


def test_a_missing_second_output_is_made(chain):
    Path(chain.path("c/x.notes.csv")).unlink()
    assert chain.run() == ["c/x.csv", "c/x.notes.csv", "d.txt"]


@pytest.mark.parametrize("rule", "abcd")
@pytest.mark.parametrize("date", [None, PAST, FUTURE])
def test_any_change_killed_at_any_time_ends_as_a_fresh_run(tmp_path, rule, date):
    fresh = Chain(tmp_path / "fresh")
    fresh.settings[rule] = "2"
    fresh.run()
    for steps in range(20):
        chain = Chain(tmp_path / f"killed{steps}")
        chain.run()
        chain.settings[rule] = "2"
        whole = len(chain.run(kill_after=steps)) and chain.state().reasons == {}
        if date is not None:
            for path in Path(chain.results).rglob("*"):
                os.utime(path, (date, date))
        chain.run()
        assert chain.contents() == fresh.contents(), steps
        assert chain.run() == []
        if whole:
            return  # killed after all was done
    raise AssertionError("never ran to its end")


def test_a_change_taken_back_after_a_kill_ends_as_before(tmp_path):
    for steps in range(12):
        chain = Chain(tmp_path / str(steps))
        chain.run()
        before = chain.contents()
        chain.settings["b"] = "2"
        chain.run(kill_after=steps)
        chain.settings["b"] = "1"
        chain.run()
        assert chain.contents() == before and chain.run() == []


DAMAGES = {
    "emptied": lambda content: b"",
    "cut short": lambda content: content[:-1],
    "longer": lambda content: content + b"\n",
    "a flipped bit": lambda content: content[:3] + bytes([content[3] ^ 1]) + content[4:],
}
FILES = ["a/x.mp4", "b/y.csv", "c/x.csv", "c/x.notes.csv", "d.txt"]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("keep_date", [True, False])
def test_damage_is_told_and_repaired(chain, name, damage, keep_date):
    before = chain.contents()
    path = Path(chain.path(name))
    stat = path.stat()
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    if keep_date:
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (sentence,) = chain.state(look=lambda path: "").damaged
    assert str(path) in sentence
    if not (keep_date and damage == "a flipped bit"):  # which only a full look can see
        assert chain.state().damaged == [sentence]
    with pytest.raises(UserError, match="repair=true") as caught:
        Records(chain.results).check_whole([path])
    assert str(path) in str(caught.value)
    state = chain.state(repair=True, look=lambda path: "")
    assert state.repaired == [sentence] and not state.damaged
    for number in state.reasons:  # what such a run makes anew
        job = chain.jobs()[number]
        for output in [*job.outputs, *(m.output for m in job.members if m.output == str(path))]:
            Path(output).unlink(missing_ok=True)
    chain.run()
    assert chain.contents() == before and chain.run() == []


def test_what_a_manifest_stands_for_is_asked_about(chain):
    asked = []
    look = lambda path: asked.append(path) or ("its images" if "c/x.csv" in path else "")  # noqa: E731
    assert chain.state(look=look).damaged == [f"{chain.path('c/x.csv')}: its images"]
    assert chain.path("a/x.mp4") in asked


def test_an_output_without_a_record_was_not_finished(chain):
    Records(chain.results).forget(["c/y.csv"])
    assert chain.state().reasons == {4: "not finished", 5: "inputs are made anew"}


def test_what_was_fetched_may_be_gone_or_put_there_by_hand(tmp_path):
    results = tmp_path / "results"
    model, found = str(results / "models/m.pt"), str(results / "found.csv")
    jobs = [
        Job("fetch", "1", [], [model], fetched=True),
        Job("find", "1", [model], [found]),
    ]
    (results / "models").mkdir(parents=True)
    Path(model).write_text("weights")
    records = Records(results)
    assert find_stale(jobs, records).reasons == {1: "missing"}
    Path(found).write_text("boxes")
    records.write(found, "find", "1", records.inputs_of([model]))
    assert find_stale(jobs, Records(results)).reasons == {}
    Path(model).write_text("others!")
    assert find_stale(jobs, Records(results)).reasons == {1: "inputs changed"}
    Path(model).unlink()
    assert find_stale(jobs, Records(results)).reasons == {}


def test_the_settings_digest_knows_content_from_places():
    params = {"clips": ["a"], "folder": "r/features", "weights": "/w.pt", "actions": {"b": 1}}
    digest = settings_digest(params, "r")
    moved = {**params, "folder": "/s/features", "weights": "/v.pt"}
    assert settings_digest(moved, "/s") == digest
    named, elsewhere = {**params, "name": "r/x"}, {**moved, "name": "/s/x"}
    assert settings_digest(named, "r") == settings_digest(elsewhere, "/s") != digest
    assert settings_digest(params, "r", ["checksum"]) != digest  # of an input outside
    assert settings_digest({**params, "members": ["a", "b"]}, "r") == digest
    assert settings_digest({**params, "actions": {"b": 2}}, "r") != digest
    assert settings_digest({**params, "clips": ["a", "b"]}, "r") != digest


def test_members_have_their_own_inputs_and_everybodys():
    members = batch_members(
        ["a", "b"],
        "r/detections/0.batch.json",
        ".csv",
        ["r/clips/a.mp4", "r/clips/b.mp4", "r/clips/b.json", "w/yolo.pt"],
        ["w/yolo.pt"],
    )
    assert members == [
        Member("a", "r/detections/a.csv", ("r/clips/a.mp4", "w/yolo.pt")),
        Member("b", "r/detections/b.csv", ("r/clips/b.mp4", "r/clips/b.json", "w/yolo.pt")),
    ]


def test_sources_are_told_apart_by_content(tmp_path):
    video = tmp_path / "v.mp4"
    video.write_bytes(b"a" * 5_000_000)
    sources = Sources(tmp_path / "results")
    first = sources.content(video)
    sources.save()
    os.utime(video, (PAST, PAST))
    again = Sources(tmp_path / "results")
    assert again.content(video) == first
    middle = b"a" * 2_500_000 + b"b" + b"a" * 2_499_999
    video.write_bytes(middle)
    assert again.content(video) != first
    assert again.content(tmp_path / "none") == "missing"
    folder = tmp_path / "frames"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(b"1")
    before = again.content(folder)
    (folder / "1.jpg").write_bytes(b"2")
    os.utime(folder / "1.jpg", (FUTURE, FUTURE))
    assert again.content(folder) != before
