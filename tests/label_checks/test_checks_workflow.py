"""The target `label_checks` through the real Snakemake: the demo's labels on made-up weights."""

import json
import re

import pytest

from avaflow.label_checks.kept import kept_text
from avaflow.label_checks.table import CHECKS
from avaflow.tables import read_table
from workflow_runs import DEFAULT_FEATURES, DEMO, Workspace

pytestmark = pytest.mark.slow

FEATURES = DEFAULT_FEATURES | {"persons": True, "in_fps": 30, "out_fps": 15}
FEATURES |= {"windows": "keyframes", "stride": 1, "size": 64}
OFF = {"exports": [], "rawframes": {"enabled": False}}


@pytest.fixture(scope="module")
def made(tmp_path_factory, slowfast, followed_demo):
    """The demo with features of its persons, and its labels checked."""
    folder = tmp_path_factory.mktemp("label_checks")
    workspace = Workspace(
        folder / "w",
        features=FEATURES | {"weights": str(slowfast.pyslowfast)},
        **OFF,
    )
    followed_demo(workspace)
    (workspace.folder / "annotations").mkdir()
    for path in (DEMO / "annotations").glob("*.json"):
        (workspace.folder / "annotations" / path.name).write_text(path.read_text())
    run = workspace.run("label_checks")
    assert run.status == 0, run.output
    workspace.results = workspace.folder / "results"
    workspace.checks = workspace.results / "label_checks"
    return workspace


def data_of(made):
    text = (made.checks / "index.js").read_text()
    return json.loads(text.removeprefix("window.AVAFLOW_CHECKS = ").removesuffix(";\n"))


def test_everything_is_made_of_the_demo(made):
    table = read_table(made.checks / "checks.csv", CHECKS)
    data = data_of(made)
    assert len(table) > 20 and table["rank"].tolist() == list(range(1, len(table) + 1))
    assert table["score"].is_monotonic_decreasing and table["score"].between(0, 1).all()
    # val's labels are checked as those of train are.
    assert set(table["clip"]) == {"corridor", "classroom", "yard"}
    assert data["entries"] > 200 and data["left"] == 0
    assert [one["key"] for one in data["checks"]] == table["key"].tolist()
    # What the page asks for is there.
    for clip in data["clips"].values():
        for name in ("video", "page"):
            assert (made.checks / clip[name]).resolve().is_file()
    for one in data["checks"]:
        assert one["persons"][0]["boxes"] and 0 <= one["begin"] < one["look"] < one["end"]
    page = (made.checks / "index.html").read_text()
    for name in re.findall(r'(?:src|href)="(?!data:)([^"]+)"', page):
        assert (made.checks / name).is_file()
    assert made.run("label_checks").nothing_to_do


def test_the_same_inputs_give_the_same_bytes(made):
    files = sorted(path for path in made.checks.rglob("*") if path.is_file())
    before = [path.read_bytes() for path in files]
    for path in files:
        path.unlink()
    run = made.run("label_checks")
    assert run.status == 0 and run.jobs.get("check_labels") == 1, run.output
    assert [path.read_bytes() for path in files] == before and len(files) == 6


def test_what_is_kept_does_not_come_again(made):
    table = read_table(made.checks / "checks.csv", CHECKS)
    entry = {"key": table["key"][0], "clip": table["clip"][0], "told": "right"}
    path = made.folder / "annotations" / "label_checks.kept"
    path.write_text(kept_text({entry["key"]: entry}))
    try:
        run = made.run("label_checks")
        assert run.status == 0 and "label_checks.kept" not in run.output, run.output
        again = read_table(made.checks / "checks.csv", CHECKS)
        assert again["key"].tolist() == table["key"].tolist()[1:] and again["rank"][0] == 1
        assert data_of(made)["kept"] == [entry]
        path.write_text("{}")
        run = made.run("label_checks")
        assert run.status == 1 and "expected the checks that were kept" in run.output
        assert "Traceback" not in run.output
    finally:
        path.unlink()
        assert made.run("label_checks").status == 0
    assert made.run("verify").status == 0


def test_without_features_or_labels_it_says_what_is_missing(tmp_path):
    workspace = Workspace(tmp_path / "w", **OFF)
    workspace.write_clips("corridor\texamples/demo/videos/corridor.mp4\t0.5\t5.5\ttrain")
    run = workspace.run("label_checks")
    assert run.status == 1 and "Traceback" not in run.output, run.output
    message = run.output.split("avaflow error: ")[1]
    assert message.startswith("label_checks: it compares labels with features of persons: name")
    assert "features.persons to true" in message
    assert "finish the annotation of clips" in message
