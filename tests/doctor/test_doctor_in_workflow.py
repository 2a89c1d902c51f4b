"""The target `doctor` through the real Snakemake, on one clip of the demo."""

import json
import shutil

import pytest

from workflow_runs import DEMO, Workspace

pytestmark = pytest.mark.slow


def test_the_doctor_looks_at_the_dataset_and_is_kept_up_to_date(tmp_path):
    workspace = Workspace(tmp_path / "w", exports=["mmaction2"])
    header, *clips = (DEMO / "clips.tsv").read_text().splitlines()
    workspace.write_clips(*(row for row in clips if row.startswith("yard\t")), header=header)
    (workspace.folder / "annotations").mkdir()
    early = workspace.run("doctor")
    assert early.status == 1 and "doctor: no clip has labels yet" in early.output
    assert "Traceback" not in early.output
    shutil.copy(DEMO / "annotations/yard_finish.json", workspace.folder / "annotations")
    run = workspace.run("doctor")
    assert run.status == 0, run.output
    content = json.loads((workspace.folder / "results/doctor.json").read_text())
    assert content["serious"] == 0 and content["figures"]["annotations"]["val"]["truth_map"] == 1
    assert "clean" in run.output or "findings: 0 that break" in run.output
    assert (workspace.folder / "results/doctor.md").read_text().startswith("# What the doctor")
    assert workspace.run("doctor").nothing_to_do
    # What was asked for once is kept up to date by a plain run, and nothing else is in its plan.
    plan = workspace.plan("dataset", "doctor", actions=[
        {"attribute": "head", "choose": "multiple", "options": ["talks", "bow"],
         "renamed": {"talk": "talks"}},
        {"attribute": "body", "choose": "single", "options": ["stand", "sit", "walk"]},
        {"attribute": "limbs", "choose": "multiple", "options": ["hand up", "catch"]},
    ])  # fmt: skip
    assert plan["examine_dataset"] == 1 and plan["write_ava"] == 1
