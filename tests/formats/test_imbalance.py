"""Rare actions: how often they occur, and how often their keyframes are read."""

import json
import shutil
from collections import Counter

import pytest
import yaml

import readers
from avaflow.formats.ava import Row, read_csv
from avaflow.formats.imbalance import rarities, repeats_of_keyframes, rows_to_repeat
from avaflow.project.actions import Action, all_actions, attributes_from_config
from workflow_runs import DEMO, Workspace

DEMO_ACTIONS = yaml.safe_load((DEMO / "config.yaml").read_text())["actions"]
BOX = (0.1, 0.2, 0.3, 0.9)
ACTIONS = [Action(n, name, "a", "PERSON_MOVEMENT") for n, name in enumerate("xyzv", start=1)]


@pytest.fixture
def rows():
    """100 keyframes: x on all, on each by two persons; y on 25, z on 1, v on none."""
    found = [Row("c", 902 + at, BOX, 1, person) for at in range(100) for person in (1, 2)]
    found += [Row("c", 902 + at, BOX, 2, 1) for at in range(25)]
    return [*found, Row("c", 902, BOX, 3, 1)]


def test_shares_are_of_keyframes_and_roots_are_rounded(rows):
    found = rarities(rows, ACTIONS, below=0.5, most=20)
    assert [(each.keyframes, each.persons, each.share) for each in found] == [
        (100, 200, 1.0),
        (25, 25, 0.25),
        (1, 1, 0.01),
        (0, 0, 0.0),
    ]
    # sqrt(0.5 / 0.25) = 1.41, sqrt(0.5 / 0.01) = 7.07; never seen: nothing to repeat
    assert [each.repeats for each in found] == [1, 1, 7, 1]


@pytest.mark.parametrize(
    ("below", "most", "repeats"),
    [
        (0.0, 20, [1, 1, 1, 1]),
        (1.0, 20, [1, 2, 10, 1]),
        (1.0, 4, [1, 2, 4, 1]),
        # 0.0625 / 0.01 has the root 2.5, a half, which goes up
        (0.0625, 20, [1, 1, 3, 1]),
    ],
)
def test_repeats_are_bounded(rows, below, most, repeats):
    assert [each.repeats for each in rarities(rows, ACTIONS, below, most)] == repeats


def test_a_keyframe_is_read_as_often_as_its_rarest_action(rows):
    repeats = repeats_of_keyframes(rows, rarities(rows, ACTIONS, 1.0, 4))
    assert len(repeats) == 100
    assert [repeats["c", 902 + at] for at in (0, 1, 24, 25)] == [4, 2, 2, 1]
    assert len({row.timestamp for row in rows_to_repeat(rows, repeats, 2)}) == 25
    # all that is on it comes along: two persons who do x, one of them y and z
    assert len(rows_to_repeat(rows, repeats, 4)) == 4
    assert rows_to_repeat(rows, repeats, 5) == []


def test_nothing_labelled_is_nothing_to_repeat():
    assert [each.repeats for each in rarities([], ACTIONS, 1.0, 4)] == [1, 1, 1, 1]
    assert repeats_of_keyframes([], []) == {}


@pytest.fixture
def workspace(tmp_path, followed_demo):
    workspace = Workspace(tmp_path / "w", imbalance={"repeat_below": 0.9})
    followed_demo(workspace)
    shutil.copytree(DEMO / "annotations", workspace.folder / "annotations")
    return workspace


@pytest.mark.slow
def test_the_setting_reaches_both_toolboxes_through_the_workflow(workspace):
    run = workspace.run("exports")
    assert run.status == 0, run.output
    dataset = workspace.folder / "results/dataset"
    labels = read_csv(dataset / "annotations/train.csv")
    shown = {(row.clip, row.timestamp) for row in labels}
    wanted = repeats_of_keyframes(
        labels, rarities(labels, all_actions(attributes_from_config(DEMO_ACTIONS)), 0.9, 4)
    )
    assert set(wanted.values()) > {1}, "the demo has rare actions"
    # mmaction2: all of them once, and the files of the second time and so on
    config = readers.mmaction2_config(dataset / "mmaction2/slowfast_frames.py")
    read = Counter()
    for each in config["train_dataloader"]["dataset"]["datasets"]:
        read.update({(row.clip, row.timestamp) for row in read_csv(each["ann_file"])})
    assert read == Counter(wanted)
    # AlphAction: its loader, on the annotations that its catalog names
    samples = readers.alphaction_samples(dataset / "alphaction", "train", decode=False)
    assert Counter((each.movie, each.timestamp) for each in samples) == Counter(wanted)
    single = json.loads((dataset / "alphaction/annotations/train_min.json").read_text())
    assert len(single["images"]) == len(shown)
    solver = readers.alphaction_catalog(dataset / "alphaction")[1]["SOLVER"]
    assert solver["MAX_ITER"] == 20 * (sum(wanted.values()) // 2)
    # Another setting makes anew what it decides on, and nothing else.
    plan = workspace.plan("exports", imbalance={"repeat_below": 0})
    assert set(plan) - {"exports"} == {"export_mmaction2", "export_alphaction"}
    plan = workspace.plan("exports", imbalance={"focal_gamma": 1})
    assert set(plan) - {"exports"} == {"export_mmaction2"}
