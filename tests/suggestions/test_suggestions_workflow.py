"""The target `suggestions` through the real Snakemake: the demo, and a clip nobody annotated."""

import csv
import json

import pytest

from workflow_runs import DEMO, Workspace

pytestmark = pytest.mark.slow

OFF = {"exports": [], "rawframes": {"enabled": False}}
CLIPS = (
    "corridor\texamples/demo/videos/corridor.mp4\t0.5\t11.5\ttrain",
    "classroom\texamples/demo/videos/classroom.mp4\t1\t12\ttrain",
    "yard\texamples/demo/videos/yard.mp4\t2\t13\tval",
    "later\texamples/demo/videos/classroom.mp4\t1\t6\ttrain",
    "begun\texamples/demo/videos/yard.mp4\t2\t7\tval",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The demo's clips finished, two of train and one of val, one of val that is judged in part,
    and one that awaits somebody."""
    folder = tmp_path_factory.mktemp("suggestions")
    features = {"weights": "examples/demo/features/figures.onnx"}
    # Of two clips little can be told for sure.
    workspace = Workspace(folder / "w", features=features, suggestions={"precision": 0.5}, **OFF)
    workspace.write_clips(*CLIPS)
    (workspace.folder / "annotations").mkdir()
    for name in ("corridor", "classroom", "yard"):
        text = (DEMO / "annotations" / f"{name}_finish.json").read_text()
        (workspace.folder / "annotations" / f"{name}_finish.json").write_text(text)
    workspace.results = workspace.folder / "results"
    run = workspace.run("annotate")
    assert run.status == 0, run.output
    write_page_file(workspace)
    run = workspace.run("suggestions")
    assert run.status == 0, run.output
    return workspace


def write_page_file(workspace):
    """What somebody has judged of `begun` so far: its first person, who does nothing."""
    data = (workspace.results / "annotate/begun.js").read_text()
    clip = json.loads(data.split(" = ", 1)[1].rstrip(";\n"))
    persons = []
    for track in clip["tracks"]:
        boxes = dict(zip(track["frames"], track["boxes"], strict=True))
        frames = [one["frame"] for one in clip["keyframes"]]
        here = {"track": track["id"], "from": track["frames"][0], "to": track["frames"][-1]}
        here["anchors"] = [[frame, *boxes[frame]] for frame in frames if frame in boxes]
        persons.append(
            {
                "id": track["id"],
                "kind": "person",
                "tracks": [here],
                "boxes": [],
                "removed": [],
                "spans": [],
                "judged": [] if persons else [[0.0, 5.0]],
            }
        )
    content = {
        "format": "avaflow annotation",
        "version": 1,
        "clip": "begun",
        "annotator": "",
        "saved": "",
        "seconds_worked": 0,
        "video": {name: clip[name] for name in ("start", "fps", "frames", "width", "height")},
        "attributes": [
            {name: one[name] for name in ("name", "choose", "options")}
            for one in clip["attributes"]
        ],
        "persons": persons,
    }
    (workspace.folder / "annotations/begun.json").write_text(json.dumps(content))


def told(workspace, clip):
    return json.loads((workspace.results / "suggestions" / f"{clip}.json").read_text())


def everything(workspace):
    files = sorted((workspace.results / "suggestions").iterdir())
    return {path.name: path.read_bytes() for path in files}


def test_what_awaits_somebody_has_suggestions(made):
    later = told(made, "later")
    assert (later["format"], later["version"], later["clip"]) == (
        "avaflow suggestions",
        1,
        "later",
    )
    assert later["fps"] == 30 and later["precision"] == 0.5 and len(later["head"]) == 16
    spans = [span for person in later["persons"] for span in person["spans"]]
    assert spans and {span["attribute"] for span in spans} <= {"head", "body", "limbs"}
    assert all(0 < span["probability"] <= 1 and span["from"] < span["to"] for span in spans)
    # Finished by VIA: nothing is left to say.
    assert told(made, "classroom")["persons"] == told(made, "yard")["persons"] == []
    script = (made.results / "suggestions/later.js").read_text()
    assert json.loads(script.removeprefix("window.AVAFLOW_SUGGESTIONS = ").rstrip(";\n")) == later
    with open(made.results / "suggestions/queue.csv", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["rank"], row["clip"], row["split"]) == ("1", "later", "train") and row["reason"]
    assert made.run("suggestions").nothing_to_do


def test_of_a_clip_judged_in_part_only_the_others_are_suggested_anything(made):
    content = json.loads((made.folder / "annotations/begun.json").read_text())
    first, *others = [person["id"] for person in content["persons"]]
    tracks = {person["track"] for person in told(made, "begun")["persons"]}
    assert tracks and tracks <= set(others)


def test_the_ordinary_run_does_without(made):
    assert "suggest" not in made.plan()
    before = (made.results / "annotate/later.html").read_bytes()
    assert b'src="../suggestions/later.js"' in before
    run = made.run("verify")
    assert run.status == 0, run.output


def all_bow(path):
    """Make a finished project say of everybody who was ticked that they bow."""
    content = json.loads(path.read_text())
    person = next(i for i, a in content["attribute"].items() if a["aname"] == "person")
    for entry in content["metadata"].values():
        if any(value for key, value in entry["av"].items() if key != person):
            entry["av"] = {key: entry["av"][key] for key in entry["av"] if key == person}
            entry["av"]["1"] = "1"
    path.write_text(json.dumps(content))


def test_a_label_of_val_changes_nothing_and_one_of_train_does(made):
    files = everything(made)
    for name, jobs in (("yard", {}), ("classroom", {"suggest": 1})):
        path = made.folder / f"annotations/{name}_finish.json"
        before = path.read_text()
        try:
            all_bow(path)
            assert {k: v for k, v in made.plan("suggestions").items() if k == "suggest"} == jobs
            run = made.run("-R", "suggest", "--", "suggestions")
            assert run.status == 0 and run.jobs["suggest"] == 1, run.output
            assert (everything(made) == files) == (not jobs)
        finally:
            path.write_text(before)
    run = made.run("suggestions")
    assert run.status == 0 and everything(made) == files, run.output


def test_another_precision_suggests_anew_and_other_settings_do_not(made):
    assert made.plan("suggestions", suggestions={"precision": 0.9})["suggest"] == 1
    assert made.plan("suggestions", baseline={"seed": 5}) == {}


def test_without_features_it_says_what_is_missing(tmp_path):
    workspace = Workspace(tmp_path / "w", **OFF)
    workspace.write_clips(CLIPS[0])
    run = workspace.run("suggestions")
    assert run.status == 1 and "Traceback" not in run.output
    message = run.output.split("avaflow error: ")[1]
    assert message.startswith("suggestions: they come from features of persons: name trained")
