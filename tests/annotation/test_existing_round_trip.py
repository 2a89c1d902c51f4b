"""The demo's labels out in every form, in again, and the same rows come back."""

import csv
import json
import os
import shutil
import subprocess

import numpy as np
import pytest

from avaflow.formats.proposals import read_proposals
from workflow_runs import DEMO, Workspace

pytestmark = pytest.mark.slow

EXPORTS = ["mmaction2", "datumaro", "alphaction", "cvat", "coco", "mot", "yolo"]
SPLITS = ("train", "val")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, followed_demo):
    """The demo, finished in VIA, with all forms written."""
    workspace = Workspace(
        tmp_path_factory.mktemp("out") / "w",
        exports=EXPORTS,
        alphaction={"preset": "ultrafast"},
        rawframes={"enabled": False},
    )
    followed_demo(workspace)
    shutil.copytree(DEMO / "annotations", workspace.folder / "annotations")
    run = workspace.run()
    assert run.status == 0, run.output
    workspace.made = workspace.folder / "results" / "dataset"
    return workspace


@pytest.fixture
def again(finished, tmp_path):
    """The same project without its annotations: clips, detections and tracks are there."""
    workspace = Workspace(tmp_path / "again", exports=["mmaction2"], rawframes={"enabled": False})
    shutil.copy(finished.folder / "clips.tsv", workspace.folder / "clips.tsv")
    shutil.copytree(finished.folder / "results", workspace.folder / "results", symlinks=True)
    shutil.rmtree(workspace.folder / "results" / "dataset")
    shutil.rmtree(workspace.folder / "results" / "labels")
    return workspace


def rows(workspace, split):
    """The rows of a split's csv."""
    path = workspace.folder / "results" / "dataset" / "annotations" / f"{split}.csv"
    with open(path, newline="") as stream:
        return list(csv.reader(stream))


def forms(made, kind):
    """What `existing.files` names for a kind."""
    if kind == "ava":
        return [made / "annotations" / f"{split}.csv" for split in SPLITS]
    if kind == "alphaction":
        return [made / "alphaction" / "annotations" / f"{split}_coco.json" for split in SPLITS]
    if kind == "coco":
        return [made / "coco" / f"{split}.json" for split in SPLITS]
    return [made / kind]


def near(ours, theirs, who=True):
    """Whether rows are the same but for boxes' sides rounded to a 100th of a pixel, twice."""

    def said(row):
        return (row[0], int(row[1]), int(row[6]), int(row[7]) if who else 0)

    def sides(row):
        return np.array(row[2:6], float) * [640, 360, 640, 360]

    def ordered(each):
        return sorted(each, key=lambda row: (*said(row), *map(float, row[2:6])))

    pairs = list(zip(ordered(ours), ordered(theirs), strict=True))
    return all(
        said(one) == said(other) and np.abs(sides(one) - sides(other)).max() < 0.0151
        for one, other in pairs
    )


@pytest.mark.parametrize("kind", ["ava", "coco", "cvat", "mot", "alphaction"])
def test_the_same_rows_come_back(finished, again, kind):
    files = [str(path) for path in forms(finished.made, kind)]
    run = again.run(existing={"files": files})
    assert run.status == 0, run.output
    for split in SPLITS:
        if kind == "alphaction":  # guides have two decimals of a pixel
            assert near(rows(again, split), rows(finished, split))
        else:
            assert rows(again, split) == rows(finished, split)
    assert again.run(existing={"files": files}).nothing_to_do


def test_proposals_of_others_copies_and_clips_that_are_not_ours(finished, again):
    """All of AVA's form from elsewhere, with a row of a film that is missing here."""
    annotations = finished.made / "annotations"
    files = [str(annotations / f"{split}.csv") for split in SPLITS]
    other = again.folder / "other.csv"
    other.write_text("a-film,0902,0.1,0.1,0.2,0.2,1,1\n")
    proposals = [str(annotations / f"dense_proposals_{split}.pkl") for split in SPLITS]
    changed = {
        "existing": {"files": [*files, str(other)], "other_clips": "skip"},
        "proposals": proposals,
        "links": "copy",
        "exports": ["mmaction2", "datumaro", "coco", "yolo"],
    }
    run = again.run(**changed)
    assert run.status == 0, run.output
    assert "a-film are no clips of the clips table" in run.output
    made = again.folder / "results" / "dataset"
    for split in SPLITS:
        assert rows(again, split) == rows(finished, split)
        ours, theirs = (
            read_proposals(folder / "annotations" / f"dense_proposals_{split}.pkl")
            for folder in (made, finished.made)
        )
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
    assert not [path for path in made.rglob("*") if path.is_symlink()]
    assert (made / "clips" / "yard.mp4").stat().st_size > 0
    assert list((made / "yolo" / "images").rglob("*.jpg")) and list(made.rglob("coco/images/*.jpg"))
    assert again.run(**changed).nothing_to_do


def test_existing_annotations_are_gone_on_with_on_the_page(finished, again):
    """Every clip's page opens with them; what was saved there takes their place when asked to."""
    existing = {"files": [str(path) for path in forms(finished.made, "ava")]}
    run = again.run("annotate", existing=existing)
    assert run.status == 0, run.output
    pages = again.folder / "results" / "annotate"
    script = (pages / "yard.js").read_text(encoding="utf-8")
    opened = json.loads(script[script.index("{") : script.rindex("}") + 1])["finished"]
    counts = json.loads((pages / "yard.counts.json").read_text())
    assert counts["ticks"] == len(
        (finished.folder / "results/labels/yard.csv").read_text().splitlines()[1:]
    )
    assert counts["state"] == "finished" and opened["persons"]

    (again.folder / "annotations").mkdir(exist_ok=True)
    saved = again.folder / "annotations" / "yard.json"
    saved.write_text(json.dumps(opened), encoding="utf-8")
    run = again.run(existing=existing)
    assert run.status != 0 and "`existing: {annotated_clips: replace}`" in run.output
    assert run.output.count("yard.json") == 1 and "Traceback" not in run.output
    existing["annotated_clips"] = "replace"
    run = again.run(existing=existing)
    assert run.status == 0, run.output
    for split in SPLITS:
        assert rows(again, split) == rows(finished, split)
    # Somebody who is nobody after all: the page's file counts, and the other clips stay.
    gone = opened["persons"][0]
    gone |= {"kind": "not a person", "spans": [], "judged": []}
    saved.write_text(json.dumps(opened), encoding="utf-8")
    run = again.run(existing=existing)
    assert run.status == 0, run.output
    kept = [rows(again, split) for split in SPLITS]
    before = [rows(finished, split) for split in SPLITS]
    assert sum(map(len, kept)) < sum(map(len, before))
    for ours, theirs in zip(kept, before, strict=True):
        assert [row for row in ours if row[0] != "yard"] == [r for r in theirs if r[0] != "yard"]


def test_yolo_has_no_ids_and_all_else(finished, again):
    run = again.run(existing={"files": str(finished.made / "yolo")})
    assert run.status == 0, run.output
    for split in SPLITS:
        theirs, ours = rows(finished, split), rows(again, split)
        assert sorted(row[:7] for row in ours) == sorted(row[:7] for row in theirs)
        # Boxes that lie on a track have its number.
        same = sum(row in theirs for row in ours)
        assert same > 0.8 * len(ours), f"{same} of {len(ours)} ids are the same"


def test_datumaro_reads_and_writes_them(finished, again, tmp_path):
    """Through the formats' own library: COCO in, CVAT, Datumaro and COCO out, and in again.

    Datumaro rounds to two decimals of a pixel.
    """
    if not shutil.which("uv"):
        pytest.skip("no uv to run Datumaro with")
    out = tmp_path / "datumaro"
    code = f"""
import sys, shutil
from pathlib import Path
import datumaro as dm
made, out = Path({str(finished.made)!r}), Path({str(out)!r})
for split in ("train", "val"):
    folder = out / "in" / split
    (folder / "annotations").mkdir(parents=True)
    named = folder / "annotations" / f"instances_{{split}}.json"
    shutil.copy(made / "coco" / f"{{split}}.json", named)
    shutil.copytree(made / "coco" / "images", folder / "images" / split)
    read = dm.Dataset.import_from(str(folder), "coco_instances")
    # CVAT's files hold the attributes that are declared.
    declared = {{"track_id", "talk", "bow", "body", "hand up", "catch"}}
    read.categories()[dm.AnnotationType.label].attributes |= declared
    for kind in ("cvat", "datumaro", "coco_instances"):
        read.export(str(out / kind / split), kind, save_media=False)
"""
    python = ["uv", "run", "--no-project", "--python", "3.11", "--with", "datumaro==1.13.12"]
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    done = subprocess.run(
        [*python, "python", "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    for kind in ("datumaro", "coco_instances", "cvat"):
        files = [str(p) for p in sorted((out / kind).rglob("*")) if p.suffix in (".json", ".xml")]
        assert len(files) == len(SPLITS)
        run = again.run(existing={"files": files})
        assert run.status == 0, run.output
        for split in SPLITS:
            theirs, ours = rows(finished, split), rows(again, split)
            assert near(ours, theirs), kind


def test_cvat_files_say_what_cvat_needs(finished):
    readme = (finished.made / "cvat" / "README.md").read_text()
    labels = json.loads(readme.split("```json")[1].split("```")[0])
    names = [attribute["name"] for attribute in labels[0]["attributes"]]
    assert names == ["person_id", "talk", "bow", "body", "hand up", "catch"]
