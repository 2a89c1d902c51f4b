"""The target `baseline` through the real Snakemake: the demo's labels on made-up weights."""

import csv
import json
import re

import numpy as np
import pytest

from avaflow.baseline.head import load_head, scores
from workflow_runs import DEFAULT_FEATURES, DEMO, Workspace

pytestmark = pytest.mark.slow

FEATURES = DEFAULT_FEATURES | {"persons": True, "in_fps": 30, "out_fps": 15}
FEATURES |= {"windows": "keyframes", "stride": 1, "size": 64}
OFF = {"exports": [], "rawframes": {"enabled": False}}


@pytest.fixture(scope="module")
def made(tmp_path_factory, slowfast, followed_demo):
    """The demo with features of its persons, and the baseline made of it."""
    folder = tmp_path_factory.mktemp("baseline")
    workspace = Workspace(
        folder / "w",
        clips="clips.tsv",
        annotations="annotations",
        features=FEATURES | {"weights": str(slowfast.pyslowfast)},
        **OFF,
    )
    followed_demo(workspace)
    (workspace.folder / "annotations").mkdir()
    for path in (DEMO / "annotations").glob("*.json"):
        (workspace.folder / "annotations" / path.name).write_text(path.read_text())
    run = workspace.run("baseline")
    assert run.status == 0, run.output
    workspace.first_run = run
    workspace.results = workspace.folder / "results"
    return workspace


def rows_of(path):
    with open(path, newline="") as stream:
        return list(csv.reader(stream))


def test_everything_is_made_of_the_demo(made):
    folder = made.results / "baseline"
    found = json.loads((folder / "metrics.json").read_text())
    assert set(found["evaluations"]) == {"val", "cross-validation"}
    # Two clips of train, each held out once.
    assert found["trained_on"]["clips"] == 2
    val = found["evaluations"]["val"]
    assert 0 < val["mAP_annotated_boxes"] <= 1 and 0 < val["mAP_detected_boxes"] <= 1
    # One clip of val is no answer, and two of train are none.
    assert {each["word"] for each in found["verdicts"].values()} == {"too few to know"}
    assert made.run("baseline").nothing_to_do


def test_predictions_are_the_heads_scores_in_avas_form(made):
    head = load_head(made.results / "baseline/head.npz")
    assert head.names == ("talk", "bow", "stand", "sit", "walk", "hand up", "catch")
    index = [row for row in rows_of(made.results / "person_features/index.csv") if "yard" in row]
    vectors = np.load(made.results / "person_features" / index[0][0])
    expected = scores(head, vectors)
    rows = rows_of(made.results / "baseline/predictions/val.csv")
    assert len(rows) == len(vectors) * 7 and {len(row) for row in rows} == {8}
    # Features are sorted by second and person, and so are the rows.
    assert [row[6] for row in rows[:8]] == ["1", "2", "3", "4", "5", "6", "7", "1"]
    np.testing.assert_allclose([float(row[7]) for row in rows], expected.ravel(), atol=1e-6)
    assert {int(row[1]) for row in rows} == {900 + int(row[2]) for row in index}


def test_the_page_stands_alone(made):
    page = (made.results / "baseline/index.html").read_text()
    assert page.count("data:image/jpeg;base64,") > 20
    assert not re.findall(r'(?:src|href)="(?!#|data:|\.\./annotate/)[^"]*"', page)
    assert "<script" not in page and "too few to know" in page
    # Attributes of which one is chosen have a table of confusions, the others none.
    assert "<h3>body</h3>" in page and "<h3>head</h3>" not in page


def test_the_same_inputs_give_the_same_bytes(made):
    files = sorted(path for path in (made.results / "baseline").rglob("*") if path.is_file())
    before = [path.read_bytes() for path in files]
    for path in files:
        path.unlink()
    run = made.run("baseline")
    assert run.status == 0 and run.jobs.get("train_baseline") == 1, run.output
    assert [path.read_bytes() for path in files] == before and len(files) == 5


def test_every_run_makes_it_where_the_config_says_so(made):
    path = made.results / "baseline/head.npz"
    kept = path.read_bytes()
    path.unlink()
    assert "train_baseline" not in made.plan()
    assert made.plan(baseline={"enabled": True})["train_baseline"] == 1
    path.write_bytes(kept)


def test_it_is_not_left_out_in_silence(made):
    run = made.run("--dry-run", baseline={"enabled": True}, features={"weights": ""})
    assert run.status and "config: baseline.enabled: a baseline learns from features" in run.output


def test_another_label_trains_again_and_another_preview_setting_does_not(made):
    assert made.plan("baseline", preview={"width": 320}) == {}
    assert made.plan("baseline", baseline={"seed": 1})["train_baseline"] == 1
    run = made.run("verify")
    assert run.status == 0, run.output
    path = made.folder / "annotations/yard_finish.json"
    before = path.read_text()
    try:
        path.unlink()
        run = made.run("baseline")
        assert run.status == 0, run.output
        found = json.loads((made.results / "baseline/metrics.json").read_text())
        assert set(found["evaluations"]) == {"cross-validation"}
        assert found["notes"][0].startswith("No clip of val is annotated")
        left = [path.name for path in (made.results / "baseline/predictions").iterdir()]
        assert left == ["train.csv"]
        run = made.run("verify")
        assert run.status == 0, run.output
    finally:
        path.write_text(before)


def refused(run) -> str:
    assert run.status == 1 and "Traceback" not in run.output, run.output
    assert run.output.count("avaflow error: ") == 1, run.output
    return run.output.split("avaflow error: ")[1]


def test_without_features_or_labels_it_says_what_is_missing(tmp_path):
    workspace = Workspace(tmp_path / "w", **OFF)
    workspace.write_clips("corridor\texamples/demo/videos/corridor.mp4\t0.5\t5.5\ttrain")
    message = refused(workspace.run("baseline"))
    assert message.startswith("baseline: it learns from features of persons: name trained weights")
    assert "features.persons to true" in message
    assert "finish the annotation of clips of train" in message
