"""The page in whole runs: pages are made, and its files give the labels of VIA's, to the byte."""

import json
import shutil
import subprocess
import sys

import pytest

from avaflow.annotation.page.model import read_annotation
from workflow_runs import DEMO, ROOT, Workspace

pytestmark = pytest.mark.slow

CLIPS = ("classroom", "corridor", "yard")
OFF = {"batches": 1, "exports": ["mmaction2"], "rawframes": {"enabled": False}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, followed_demo):
    """A run whose clips are finished in VIA, with its pages."""
    workspace = Workspace(tmp_path_factory.mktemp("finished") / "w", **OFF)
    followed_demo(workspace)
    shutil.copytree(DEMO / "annotations", workspace.folder / "annotations")
    run = workspace.run("annotate", "labels", "dataset")
    assert run.status == 0, run.output
    assert "ready to annotate      3 of 3   results/annotate/index.html" in run.output
    workspace.first_run = run
    return workspace


@pytest.fixture
def workspace(finished, tmp_path):
    """A copy of it, and the folder of annotations to do as one likes."""
    made = Workspace(tmp_path / "w", **OFF)
    shutil.copy(DEMO / "clips.tsv", made.folder / "clips.tsv")
    for folder in ("annotations", "results"):
        shutil.copytree(finished.folder / folder, made.folder / folder, symlinks=True)
    return made


def exchange(workspace, source, target, *more):
    command = [sys.executable, str(ROOT / "scripts/exchange_annotation.py")]
    command += [str(source), str(target), *more]
    command += ["--configfile", "examples/demo/config.yaml", "overlay.yaml"]
    folder = workspace.folder
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def converted(workspace, name="{clip}.json"):
    """Put page files in place of the demo's VIA projects."""
    annotations = workspace.folder / "annotations"
    for clip in CLIPS:
        project = annotations / f"{clip}_finish.json"
        run = exchange(workspace, project, annotations / name.format(clip=clip))
        assert run.returncode == 0, run.stderr
        project.unlink()


def labels(workspace):
    """What labels and the dataset's annotations are, by name; notes tell of the file itself."""
    results = workspace.folder / "results"
    kinds = ("", ".unticked", ".idle", ".nobody")
    paths = [results / "labels" / f"{clip}{kind}.csv" for clip in CLIPS for kind in kinds]
    paths += sorted((results / "dataset" / "annotations").glob("*"))
    return {path.name: path.read_bytes() for path in paths}


def read_js(path, name):
    text = path.read_text()
    assert text.startswith(f"window.{name} = ") and text.endswith(";\n")
    return json.loads(text.removeprefix(f"window.{name} = ")[:-2])


def test_the_same_labels_to_the_byte_through_via_and_through_the_page(workspace):
    (workspace.folder / "overlay.yaml").write_text(json.dumps(workspace.config))
    converted(workspace)
    before = labels(workspace)
    assert len(before["corridor.csv"].splitlines()) > 30
    run = workspace.run("labels", "dataset")
    assert run.status == 0, run.output
    assert run.jobs["read_labels"] == 3
    after = labels(workspace)
    assert [name for name in before if before[name] != after[name]] == []
    assert before.keys() == after.keys()
    # A tick that is taken away is one row less: what is compared is read from these files.
    path = workspace.folder / "annotations" / "yard.json"
    content = json.loads(path.read_text())
    content["persons"][0]["spans"].pop(0)
    path.write_text(json.dumps(content))
    run = workspace.run("labels")
    assert run.status == 0 and run.jobs["read_labels"] == 1, run.output
    assert labels(workspace)["yard.csv"] != before["yard.csv"]


def test_pages_open_what_was_finished_and_the_list_says_how_far_all_are(finished, tmp_path):
    folder = finished.folder / "results" / "annotate"
    data = read_js(folder / "corridor.js", "AVAFLOW_CLIP")
    assert (data["video"], data["fps"], data["frames"]) == ("../clips/corridor.mp4", 30, 330)
    assert (folder / data["video"]).is_file()
    assert all((folder / each["image"]).is_file() for each in data["keyframes"])
    assert data["attributes"][1]["options"] == ["stand", "sit", "walk"]
    assert data["attributes"][1]["keys"] == ["3", "4", "5"]
    assert {track["id"] for track in data["tracks"]} >= {1, 2, 3}
    (tmp_path / "a.json").write_text(json.dumps(data["finished"]))
    opened = read_annotation(tmp_path / "a.json")
    assert sum(len(person.spans) for person in opened.persons) > 10
    html = (folder / "corridor.html").read_text()
    assert '<script src="corridor.js"></script>' in html and "<h1" in html
    index = read_js(folder / "index.js", "AVAFLOW_INDEX")["clips"]
    assert [(each["clip"], each["state"], each["page"]) for each in index] == [
        (clip, "finished", f"{clip}.html") for clip in CLIPS
    ]
    assert all(each["judged"] == each["to_judge"] > 0 for each in index)
    for name in ("corridor.html", "index.html"):
        text = (folder / name).read_text()
        shared = [part.split('"')[0] for part in text.split('="assets/')[1:]]
        assert shared and all((folder / "assets" / each).is_file() for each in shared)


def test_both_kinds_for_a_clip_stop_the_run_and_say_how_to_choose(workspace):
    shutil.copy(DEMO / "annotations" / "yard_finish.json", workspace.folder / "keep.json")
    (workspace.folder / "overlay.yaml").write_text(json.dumps(workspace.config))
    converted(workspace)
    shutil.copy(workspace.folder / "keep.json", workspace.folder / "annotations/yard_finish.json")
    run = workspace.run("-n", "labels")
    assert run.status != 0 and "Traceback" not in run.output
    assert "annotations/yard.json (saved by its page)" in run.output
    assert "annotations/yard_finish.json (a VIA project)" in run.output
    run = workspace.run("-n", "labels", annotate={"source": "via"})
    assert run.status == 0 and run.jobs["read_labels"] == 2, run.output


def test_several_annotators_are_settled_or_decide_by_majority(workspace):
    (workspace.folder / "overlay.yaml").write_text(json.dumps(workspace.config))
    converted(workspace)
    annotations = workspace.folder / "annotations"
    own = annotations / "corridor.json"
    for name in ("anna", "ben", "carl"):
        shutil.copy(own, annotations / f"corridor.{name}.json")
    content = json.loads(own.read_text())
    content["persons"][0] |= {"spans": [], "judged": [[0.0, 11.0]]}
    (annotations / "corridor.carl.json").write_text(json.dumps(content))
    own.unlink()
    before = labels(workspace)
    run = workspace.run("labels", "annotate")
    assert run.status == 0, run.output
    assert "annotated by anna, ben and carl, and not settled: clip corridor" in run.output
    index = read_js(workspace.folder / "results/annotate/index.js", "AVAFLOW_INDEX")["clips"]
    assert {each["clip"]: each["state"] for each in index}["corridor"] == "begun"
    for counts in ("majority", "anna"):
        run = workspace.run("labels", annotate={"counts": counts})
        assert run.status == 0, run.output
        assert labels(workspace)["corridor.csv"] == before["corridor.csv"]
    run = workspace.run("labels", annotate={"counts": "carl"})
    assert run.status == 0 and labels(workspace)["corridor.csv"] != before["corridor.csv"]
    assert len(labels(workspace)["corridor.idle.csv"].splitlines()) > 1


def test_a_clip_that_was_only_begun_awaits_its_annotator_and_its_page_opens_it(workspace):
    (workspace.folder / "overlay.yaml").write_text(json.dumps(workspace.config))
    converted(workspace)
    path = workspace.folder / "annotations" / "classroom.json"
    content = json.loads(path.read_text())
    for person in content["persons"]:
        person |= {"spans": [], "judged": []}
    content["persons"][0]["kind"] = "ignored"
    path.write_text(json.dumps(content))
    run = workspace.run("labels", "annotate")
    assert run.status == 0, run.output
    assert "awaiting a person: classroom" in run.output
    data = read_js(workspace.folder / "results/annotate/classroom.js", "AVAFLOW_CLIP")
    assert data["finished"]["persons"][0]["kind"] == "ignored"
    index = read_js(workspace.folder / "results/annotate/index.js", "AVAFLOW_INDEX")["clips"]
    assert {each["clip"]: each["state"] for each in index}["classroom"] == "begun"


def test_a_file_that_cannot_be_used_is_told_and_its_page_begins_anew(workspace):
    (workspace.folder / "overlay.yaml").write_text(json.dumps(workspace.config))
    converted(workspace)
    path = workspace.folder / "annotations" / "yard.json"
    content = json.loads(path.read_text())
    content["video"]["start"] += 1
    path.write_text(json.dumps(content))
    run = workspace.run("-k", "labels", "annotate")
    assert run.status == 1 and "Traceback" not in run.output
    assert "yard.json: this annotation cannot be used:" in run.output
    data = read_js(workspace.folder / "results/annotate/yard.js", "AVAFLOW_CLIP")
    assert data["finished"] is None and "when the clip began at 3 s" in data["trouble"]


def test_the_exchange_by_hand_tells_what_is_wrong(workspace):
    (workspace.folder / "overlay.yaml").write_text(json.dumps(workspace.config))
    project = workspace.folder / "annotations" / "yard_finish.json"
    run = exchange(workspace, project, workspace.folder / "annotations" / "corridor_finish.json")
    assert run.returncode == 1 and "there already. Give another name" in run.stderr
    run = exchange(workspace, project, workspace.folder / "new.json", "--clip", "garden")
    assert "clips/garden.json" in run.stderr and "is missing" in run.stderr
    run = exchange(workspace, workspace.folder / "none.json", workspace.folder / "new.json")
    assert "none.json: no such file" in run.stderr and "Traceback" not in run.stderr
