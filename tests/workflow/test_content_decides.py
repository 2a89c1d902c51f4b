"""The finished demo, copied, touched, upgraded, damaged, interrupted: only content decides.

Everything runs through the real Snakemake, on a copy of the demo's results whose clips are
finished already, so that a run costs little but its start.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from avaflow.workflow.records import RECORDS
from workflow_runs import DEMO, ROOT, Workspace

pytestmark = pytest.mark.slow

SKIPPED = {RECORDS, "logs", "benchmarks", ".probes.json", "status.json", "report.html"}
"""Notes of runs, which hold dates and timings."""


def contents(results: Path) -> dict[str, bytes]:
    """All files below the results by name, links as what they lead to."""
    found = {}
    for path in sorted(results.rglob("*")):
        name = path.relative_to(results)
        if SKIPPED & set(name.parts) or path.is_dir():
            continue
        found[name.as_posix()] = path.read_bytes()
    return found


def new_workspace(folder: Path) -> Workspace:
    workspace = Workspace(folder, batches=2, exports=["mmaction2"], rawframes={"enabled": False})
    # Two of the demo's three clips: what is shown of two holds for more.
    rows = (DEMO / "clips.tsv").read_text().splitlines(keepends=True)
    kept = [row for row in rows if not row.startswith("classroom")]
    (workspace.folder / "clips.tsv").write_text("".join(kept))
    (workspace.folder / "annotations").mkdir()
    for clip in ("corridor", "yard"):
        shutil.copy(DEMO / "annotations" / f"{clip}_finish.json", workspace.folder / "annotations")
    workspace.results = workspace.folder / "results"
    return workspace


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workspace = new_workspace(tmp_path_factory.mktemp("finished") / "w")
    run = workspace.run()
    assert run.status == 0, run.output
    return workspace


@pytest.fixture
def copied(finished, tmp_path):
    """A copy whose files all have new dates, as `cp -r` gives them."""
    workspace = new_workspace(tmp_path / "copy")
    shutil.copytree(
        finished.results, workspace.results, symlinks=True, copy_function=shutil.copyfile
    )
    return workspace


def nothing_to_do(workspace, *arguments, **options):
    run = workspace.run(*arguments, **options)
    assert run.status == 0 and run.nothing_to_do, run.output


def test_a_copy_without_snakemakes_own_notes_has_nothing_to_do(copied):
    assert not (copied.folder / ".snakemake").exists()
    nothing_to_do(copied)
    shutil.rmtree(copied.folder / ".snakemake")
    moved = copied.folder.with_name("moved elsewhere")
    copied.folder.rename(moved)
    copied.folder = moved
    nothing_to_do(copied)


def test_timings_that_are_gone_make_nothing_stale(copied):
    assert (copied.results / "benchmarks" / "trim" / "yard.tsv").is_file()
    assert (copied.results / "benchmarks" / "write_ava.tsv").is_file()
    shutil.rmtree(copied.results / "benchmarks")
    nothing_to_do(copied)


def test_another_clone_with_touched_and_reworded_code_has_nothing_to_do(finished, tmp_path):
    clone = tmp_path / "clone"
    ignored = shutil.ignore_patterns(".git", ".venv", ".snakemake", "results", "__pycache__")
    shutil.copytree(ROOT, clone, ignore=ignored)
    for script in clone.rglob("*.py"):
        os.utime(script)
    path = clone / "scripts/avaflow/videos/trim.py"
    text = path.read_text()
    assert "ffmpeg wrote {written}" in text
    text = text.replace("ffmpeg wrote {written}", "ffmpeg made {written}")
    path.write_text(text + "\n\n# A comment.\n")
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", "-s", str(clone / "Snakefile"), "--cores", "1"]
        + ["--configfile", "examples/demo/config.yaml", "overlay.yaml"],
        cwd=finished.folder,
        capture_output=True,
        text=True,
    )
    assert "Nothing to be done" in run.stdout + run.stderr, run.stdout + run.stderr
    # Code that may write something else is another matter.
    path.write_text(text + "\n\nCHANGED = 1\n")
    run = subprocess.run([*run.args, "-n"], cwd=finished.folder, capture_output=True, text=True)
    assert "trim" in run.stdout + run.stderr


def test_dates_in_the_future_hold_up_nothing(tmp_path):
    """A camera's clock, or a node's, may be ahead: of a video, and of what was made."""
    workspace = new_workspace(tmp_path / "w")
    videos = workspace.folder / "videos"
    shutil.copytree(DEMO / "videos", videos)
    table = (DEMO / "clips.tsv").read_text().replace("examples/demo/videos/", "videos/")
    (workspace.folder / "clips.tsv").write_text(table)
    ahead = time.time() + 86400 * 400
    for video in videos.iterdir():
        os.utime(video, (ahead, ahead))
    run = workspace.run("clips")
    assert run.status == 0 and "its date is in the future" in run.output, run.output
    for path in workspace.results.rglob("*.json"):
        os.utime(path, (ahead, ahead))
    nothing_to_do(workspace, "clips")
    trim = {"preset": "ultrafast"}
    assert workspace.plan("clips", trim=trim)["trim"] == 3


KINDS = {
    "clips": "clips/yard.mp4",
    "clip manifest": "clips/yard.json",
    "keyframes": "keyframes/yard.csv",
    "detections": "detections/yard.csv",
    "vectors": "embeddings/yard.npz",
    "tracks": "tracks/yard.csv",
    "VIA project": "via/yard.json",
    "VIA zip": "via/yard.zip",
    "index": "via/index.html",
    "page": "annotate/yard.html",
    "page data": "annotate/yard.js",
    "list of pages": "annotate/index.js",
    "page asset": "annotate/assets/page.js",
    "labels": "labels/yard.csv",
    "notes": "labels/yard.notes.csv",
    "judged to do nothing": "labels/yard.idle.csv",
    "dataset": "dataset/annotations/val.csv",
    "action list": "dataset/annotations/action_list.pbtxt",
    "proposals": "dataset/annotations/dense_proposals_val.pkl",
    "export": "dataset/mmaction2/slowfast_video.py",
    "links": "dataset/links.tsv",
    "report": "report.md",
}
IMAGE = "keyframes/yard/yard_000091.jpg"


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def fewer_rows(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join(lines[: len(lines) // 2] + lines[len(lines) // 2 + 1 :])


DAMAGES = {
    "emptied": lambda content: b"",
    "cut short": lambda content: content[: len(content) // 2],
    "rows taken out": fewer_rows,
    "a flipped bit": flipped,
}


def damage(path: Path, how: str, keep_date: bool) -> None:
    stat, content = path.stat(), path.read_bytes()
    path.unlink()  # it may have a second name
    path.write_bytes(DAMAGES[how](content))
    assert path.read_bytes() != content
    if keep_date:
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.slow
@pytest.mark.parametrize("how", DAMAGES)
def test_damage_to_every_kind_of_file_is_found_told_and_repaired(finished, tmp_path, how):
    """All kinds at once: `verify` and a plain run name each, `repair` heals all."""
    workspace = new_workspace(tmp_path / "w")
    shutil.copytree(finished.results, workspace.results, symlinks=True)
    before = contents(workspace.results)
    every = [*KINDS.values(), IMAGE]
    for number, name in enumerate(every):
        damage(workspace.results / name, how, keep_date=number % 2 == 0)
    run = workspace.run("verify")
    assert run.status == 1 and "Traceback" not in run.output
    named = [name for name in every[:-1] if f"results/{name}: " in run.output]
    assert named == every[:-1]
    new_dates = [name for number, name in enumerate(every[:-1]) if number % 2]
    run = workspace.run()
    assert run.status == 1 and "repair=true" in run.output and not run.jobs
    assert [name for name in new_dates if f"results/{name}: " in run.output] == new_dates
    run = workspace.run("--config", "repair=true")
    assert run.status == 0, run.output
    after = contents(workspace.results)
    assert {name for name in before if before[name] != after.get(name)} == set()
    nothing_to_do(workspace)
    assert workspace.run("verify").status == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("clips/yard.mp4", {"detector": {"confidence": 0.6}}),
        ("detections/yard.csv", {"tracker": {"max_age_seconds": 2}}),
        ("tracks/yard.csv", {}),
    ],
)
def test_a_job_reads_nothing_that_is_damaged(copied, name, change):
    """A flipped bit that keeps size and date is seen by no start, but by the job that reads."""
    nothing_to_do(copied)  # which looks at every file once
    damage(copied.results / name, "a flipped bit", keep_date=True)
    nothing_to_do(copied)
    (copied.results / "via" / "yard.json").unlink()  # which is made of the tracks
    run = copied.run(**change)
    assert run.status == 1 and "Traceback" not in run.output, run.output
    assert f"results/{name}: its content is another" in run.output
    run = copied.run("--config", "repair=true", **change)
    assert run.status == 0, run.output
    assert copied.run("verify").status == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "number"),
    [
        ({"detector": {"confidence": 0.6}}, signal.SIGKILL),
        ({"tracker": {"link_distance": 0.05}}, signal.SIGTERM),
    ],
    ids=["detector", "tracker"],
)
def test_any_change_killed_anywhere_ends_as_a_fresh_run(
    finished, copied, tmp_path, settings, number
):
    """After kills at three times, a plain run ends byte for byte as one undisturbed run."""
    fresh = new_workspace(tmp_path / "fresh")
    shutil.copytree(finished.results, fresh.results, symlinks=True)
    run = fresh.run(**settings)
    assert run.status == 0, run.output
    for seconds in (3.0, 5.0, 8.0):
        process = copied.start(own_group=True, **settings)
        time.sleep(seconds)
        os.killpg(process.pid, number)
        process.communicate()
    if (copied.folder / ".snakemake" / "locks").exists():
        shutil.rmtree(copied.folder / ".snakemake" / "locks")
    run = copied.run(**settings)
    assert run.status == 0, run.output
    assert contents(copied.results) == contents(fresh.results)
    nothing_to_do(copied, **settings)
    if "tracker" not in settings:
        return
    # And back again: nothing of the change is left.
    run = copied.run()
    assert run.status == 0, run.output
    assert contents(copied.results) == contents(finished.results)


def test_an_added_clip_costs_one_clip(copied):
    table = (copied.folder / "clips.tsv").read_text()
    row = table.splitlines()[1].split("\t")
    row[0] = "later"
    before = {p.name: p.stat().st_mtime_ns for p in (copied.results / "tracks").iterdir()}
    (copied.folder / "clips.tsv").write_text(table + "\t".join(row) + "\n")
    plan = copied.plan()
    assert plan["trim"] == plan["track"] == plan["detect"] == plan["embed"] == 1
    run = copied.run("tracks")
    assert run.status == 0, run.output
    after = {p.name: p.stat().st_mtime_ns for p in (copied.results / "tracks").iterdir()}
    assert {name: after[name] for name in before} == before and "later.csv" in after
    logs = "".join(p.read_text() for p in (copied.results / "logs" / "detect").iterdir())
    assert "1 of " in logs and "later: " in logs
