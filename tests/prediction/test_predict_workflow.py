"""The target `predict` through the real Snakemake: a drawn video, a head, files of toolboxes."""

import csv
import json
import re

import av
import numpy as np
import pytest

from avaflow.baseline.head import EACH, STANDARD, Block, Head, write_head
from avaflow.tables import TRACKS, read_table
from workflow_runs import DEMO, Workspace

pytestmark = pytest.mark.slow

OFF = {"exports": [], "rawframes": {"enabled": False}}
NAMES = ("talk", "bow", "stand", "sit", "walk", "hand up", "catch")


def a_head(path, dimensions=96):
    """A head of chance: each person's scores are by their features."""
    chance = np.random.default_rng(1)
    weights = chance.normal(size=(dimensions, 7)).astype(np.float32) / 10
    ids = tuple(range(1, 8))
    block = Block("all", ids, EACH, STANDARD, 1.0, weights, np.zeros(7, np.float32))
    write_head(path, Head(NAMES, dimensions, (block,), (0.5,) * 7), {})
    return str(path)


def demo_features(workspace):
    """The demo's own network, which other tests do without."""
    import yaml

    features = yaml.safe_load((DEMO / "config.yaml").read_text())["features"]
    workspace.config["features"] = features


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project without clips that predicts on 5 s of a video with an odd name."""
    folder = tmp_path_factory.mktemp("predict")
    workspace = Workspace(folder / "w", clips="", **OFF)
    demo_features(workspace)
    videos = workspace.folder / "my films"
    videos.mkdir()
    cut_short(DEMO / "videos/yard.mp4", videos / "Yärd (1).mp4", 5)
    workspace.config["prediction"] = {
        "videos": "my films",
        "head": a_head(workspace.folder / "head.npz"),
        "shown": 0.6,
    }
    workspace.first = workspace.run("predict")
    assert workspace.first.status == 0, workspace.first.output
    workspace.predictions = workspace.folder / "results/predictions"
    return workspace


def cut_short(source, target, seconds):
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = read.streams.video[0]
        copy = written.add_stream_from_template(stream)
        for packet in read.demux(stream):
            if packet.pts is None or packet.pts * stream.time_base >= seconds:
                continue
            packet.stream = copy
            written.mux(packet)


def rows_of(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_video_without_annotations_is_predicted_and_drawn(made):
    folder = made.predictions / "Yard-1"
    rows = rows_of(folder / "predictions.csv")
    assert {row["video"] for row in rows} == {"Yard-1"}
    assert {int(row["timestamp"]) for row in rows} == {902, 903}
    assert [row["action"] for row in rows[:7]] == list(NAMES)
    tracks = read_table(folder / "tracks.csv", TRACKS)
    on_keyframes = tracks[tracks["frame"].isin([61, 91])]
    people = {(int(row["timestamp"]), int(row["person_id"])) for row in rows}
    assert people == {
        (900 + (frame - 1) // 30, person)
        for frame, person in zip(on_keyframes["frame"], on_keyframes["person_id"], strict=True)
    }
    assert len(people) >= 4
    with av.open(str(folder / "Yard-1.mp4")) as drawn:
        size = drawn.streams.video[0].codec_context
        assert drawn.streams.video[0].frames == 150 and size.width == 640 and size.height > 360


def test_the_page_holds_what_reaches_the_threshold(made):
    folder = made.predictions / "Yard-1"
    text = (folder / "data.js").read_text()
    data = json.loads(re.fullmatch(r"window\.AVAFLOW_PREDICTION = (.*);\n", text)[1])
    assert data["video"] == "cut/copy.mp4" and (folder / data["video"]).is_file()
    shown = {
        (person["person"], second, action)
        for person in data["people"]
        for second, _, said in person["said"]
        for action, _, _ in said
    }
    assert shown == {
        (int(row["person_id"]), int(row["timestamp"]) - 900, int(row["action_id"]))
        for row in rows_of(folder / "predictions.csv")
        if float(row["score"]) >= 0.6
    }
    assert 'href="Yard-1/index.html"' in (made.predictions / "index.html").read_text()


def test_only_what_changed_is_made_anew(made):
    assert made.run("predict").nothing_to_do
    # Drawn anew, and nothing is computed.
    plan = made.plan("predict", prediction={"shown": 0.7})
    assert set(plan) - {"predict"} == {
        "draw_predictions",
        "make_prediction_page",
        "list_predictions",
    }
    verified = made.run("verify")
    assert verified.status == 0, verified.output


def refused(run) -> str:
    assert run.status == 1 and "Traceback" not in run.output, run.output
    # The end of a run that had begun repeats it.
    return run.output.split("avaflow error: ")[1].split("\n")[0]


def test_a_head_of_other_features_is_told(made):
    head = a_head(made.folder / "other.npz", dimensions=12)
    message = refused(made.run("predict", prediction={"head": head}))
    assert (
        "other.npz, of which Yard-1 should be scored: the head was trained on features of 12 "
        "numbers, and these are" in message
    )


def test_a_file_that_is_no_video_is_told(made):
    (made.folder / "letter.mp4").write_text("Dear reader,\n" * 200)
    message = refused(made.run("predict", prediction={"videos": "letter.mp4"}))
    assert message.startswith("letter.mp4: ")


def test_what_is_missing_is_told_in_one_error(tmp_path):
    workspace = Workspace(tmp_path / "w", **OFF)
    workspace.write_clips("yard\texamples/demo/videos/yard.mp4\t0.5\t8.5\ttrain")
    message = refused(workspace.run("predict"))
    assert "prediction.videos" in message and "the target `prediction_files`" in message
    message = refused(workspace.run("predict", prediction={"videos": "gone.mp4"}))
    assert message.startswith("config: prediction.videos: expected a video, a folder")
    video = {"videos": "examples/demo/videos/yard.mp4"}
    assert "name trained weights as features.weights" in refused(
        workspace.run("predict", prediction=video)
    )
    demo_features(workspace)
    message = refused(workspace.run("predict", prediction=video))
    assert "there is no head yet: expected results/baseline/head.npz" in message
    message = refused(workspace.run("predict", prediction={"draw": "both"}))
    assert "no clip's annotation is finished" in message and "no head yet" in message
    (workspace.folder / "d.csv").write_text("street,902,0.1,0.1,0.2,0.2,1,0.5\n")
    message = refused(workspace.run("predict", prediction={"detections": "d.csv"}))
    assert "d.csv: expected the names of this project's clips" in message and "street" in message


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The demo's yard, finished, and what PySlowFast would say of it: the truth, but for one."""
    folder = tmp_path_factory.mktemp("finished")
    workspace = Workspace(folder / "w", **OFF)
    (workspace.folder / "clips.tsv").write_text(
        "".join(
            line
            for line in (DEMO / "clips.tsv").read_text().splitlines(keepends=True)
            if line.startswith(("clip", "yard"))
        )
    )
    (workspace.folder / "annotations").mkdir()
    project = (DEMO / "annotations/yard_finish.json").read_text()
    (workspace.folder / "annotations/yard_finish.json").write_text(project)
    run = workspace.run("labels")
    assert run.status == 0, run.output
    return workspace


def test_the_truth_and_a_toolboxs_file_are_drawn_on_clips(finished):
    labels = rows_of(finished.folder / "results/labels/yard.csv")
    first = labels[0]
    with open(finished.folder / "detections_latest.csv", "w") as stream:
        for row in labels:
            said = 5 if row is first else int(row["action_id"])
            box = ",".join(f"{float(row[side]):.3f}" for side in ("x1", "y1", "x2", "y2"))
            stream.write(f"yard,{int(row['second']) + 900:04d},{box},{said},0.9000\n")
    run = finished.run("predict", prediction={"draw": "truth"})
    assert run.status == 0, run.output
    page = finished.folder / "results/predictions/yard"
    assert not (page / "predictions.csv").exists() and "the truth" in (page / "data.js").read_text()
    compared = {"detections": "detections_latest.csv", "draw": "both"}
    run = finished.run("predict", prediction=compared)
    assert run.status == 0, run.output
    data = json.loads((page / "data.js").read_text().split(" = ")[1].rstrip(";\n"))
    marks = [
        mark for person in data["people"] for _, _, said in person["said"] for _, _, mark in said
    ]
    assert marks.count("false") == 1 and marks.count("missed") == 1
    assert marks.count("right") == len(labels) - 1
    with av.open(str(page / "yard.mp4")) as drawn:
        assert drawn.streams.video[0].frames == data["frames"]
