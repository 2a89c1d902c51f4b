"""The demo's dataset published by the real Snakemake, and loaded by what others load it with."""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections import Counter

import pytest

from workflow_runs import DEMO, Workspace

pytestmark = pytest.mark.slow

CARD = {"title": "Drawn people", "license": "CC-BY-4.0", "citation": "@misc{d, title={D}}"} | {
    "published": "2026-11-21"
}


@pytest.fixture(scope="module")
def published(tmp_path_factory, followed_demo):
    """The demo as a folder, with the export of mmaction2."""
    workspace = Workspace(
        tmp_path_factory.mktemp("out") / "w",
        exports=["mmaction2"],
        rawframes={"enabled": False},
        card=CARD,
    )
    followed_demo(workspace)
    shutil.copytree(DEMO / "annotations", workspace.folder / "annotations")
    run = workspace.run("publish")
    assert run.status == 0, run.output
    return workspace


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_copy_stands_alone_and_every_file_is_as_its_checksum_says(published, tmp_path):
    folder = published.folder / "results" / "publish"
    assert not [path for path in folder.rglob("*") if path.is_symlink()]
    found = digests(folder)
    listed = json.loads((folder / "manifest.json").read_text())
    del found["manifest.json"]
    assert {entry["path"]: entry["sha256"] for entry in listed["files"]} == found
    assert {"clips/yard.mp4", "mmaction2/slowfast_video.py", "tables/val.csv"} <= set(found)
    results = published.folder / "results"
    for name in ("annotations/train.csv", "clips/yard.mp4"):
        assert (folder / name).read_bytes() == (results / "dataset" / name).read_bytes()
    # Nothing tells where it was made.
    for name in found:
        if name.endswith((".md", ".json", ".cff", ".csv", ".py")):
            assert "results/dataset" not in (folder / name).read_text(), name
    assert published.run("publish").nothing_to_do


def test_the_tables_are_the_csv_of_the_dataset(published):
    folder = published.folder / "results" / "publish"
    for split in ("train", "val"):
        with open(folder / "annotations" / f"{split}.csv", newline="") as stream:
            theirs = Counter(tuple(row) for row in csv.reader(stream))
        names = ("clip", "timestamp", "x1", "y1", "x2", "y2", "action_id", "person_id")
        with open(folder / "tables" / f"{split}.csv", newline="") as stream:
            ours = Counter(tuple(r[name] for name in names) for r in csv.DictReader(stream))
        assert ours == theirs


def test_words_on_the_card_make_the_card_alone_anew(published):
    changed = published.run("--dry-run", "card", card=CARD | {"title": "Other people"})
    assert set(changed.jobs) == {"write_card", "card"}


def outside(package, code, *arguments):
    """What a program prints that has a package which the project does not."""
    if not shutil.which("uv"):
        pytest.skip(f"no uv to run {package} with")
    python = ["uv", "run", "--no-project", "--python", "3.11", "--with", package, "python"]
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    environment |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    done = subprocess.run(
        [*python, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done


CROISSANT = """
import sys, mlcroissant
made = mlcroissant.Dataset(jsonld=sys.argv[1])
issues = made.metadata.ctx.issues
assert not issues.errors and not issues.warnings, issues.report()
assert "DeepSORT" in made.metadata.machine_annotation_tools
print(sum(1 for _ in made.records("train")), sum(1 for _ in made.records("val")))
"""


def test_croissant_is_valid_and_gives_the_rows(published):
    folder = published.folder / "results" / "publish"
    done = outside("mlcroissant==1.1.1", CROISSANT, folder / "croissant.json")
    assert done.stdout.split()[-2:] == ["91", "47"]


LOAD = """
import sys
from datasets import load_dataset
labels = load_dataset(sys.argv[1], "labels", cache_dir=sys.argv[2])
clips = load_dataset("webdataset", cache_dir=sys.argv[2],
                     data_files={"train": sys.argv[1] + "/shards/train-*.tar"})["train"]
clips = clips.select_columns(["__key__", "json"])
persons = sum(len(k["persons"]) for clip in clips for k in clip["json"]["keyframes"])
print(len(labels["train"]), len(labels["validation"]), len(clips), persons)
"""


def test_shards_are_loaded_offline_and_the_same_clips_give_the_same_bytes(published, tmp_path):
    changed = {"publish": {"form": "shards", "shard_mb": 1}, "card": CARD}
    run = published.run("publish", **changed)
    assert run.status == 0, run.output
    folder = published.folder / "results" / "publish"
    before = digests(folder)
    shards = sorted(name for name in before if name.startswith("shards/"))
    assert shards == [f"shards/{n}.tar" for n in ("train-00000", "train-00001", "val-00000")]
    with tarfile.open(folder / shards[0]) as tar:
        assert tar.getnames() == ["classroom.mp4", "classroom.json"]
        record = json.load(tar.extractfile("classroom.json"))
    assert record["fps"] == 30 and record["keyframes"][0]["frame"] == 61
    shutil.rmtree(folder)
    assert published.run("publish", **changed).status == 0
    assert digests(folder) == before
    done = outside("datasets==5.2.0", LOAD, folder, tmp_path)
    rows, held, clips, persons = map(int, done.stdout.split()[-4:])
    assert (rows, held, clips) == (91, 47, 2)
    with open(folder / "tables" / "train.csv", newline="") as stream:
        boxes = {(r["clip"], r["second"], r["person_id"]) for r in csv.DictReader(stream)}
    assert persons == len(boxes)
