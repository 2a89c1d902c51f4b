"""The account of a project: counted by hand on small tables."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from avaflow.features.files import MANIFEST
from avaflow.formats.proposals import write_proposals
from avaflow.manifests import ClipManifest, write_clip_manifest
from avaflow.project.actions import attributes_from_config
from avaflow.tables import KEYFRAMES, LABELS, NOTES, TRACKS, write_table
from avaflow.workflow.account import project_account
from avaflow.workflow.closing import failure_summary, failures, features_summary, run_summary
from avaflow.workflow.job import ERROR_MARK

ACTIONS = [
    {"attribute": "head", "options": ["talk", "a|b"]},
    {"attribute": "body", "options": ["sit"]},
]


@pytest.fixture
def results(tmp_path):
    """Two clips of 6 s, `a` finished and `b` awaiting; nobody is on second 3 of `b`."""
    for clip, damages in (("a", 0), ("b", 2)):
        manifest = ClipManifest(clip, "v.mp4", 0.0, 30, 180, 64, 48, "0" * 64, damages)
        write_clip_manifest(tmp_path / "clips" / f"{clip}.json", manifest)
        rows = [
            (s, 30 * s + 1, f"{clip}_{30 * s + 1:06d}.jpg", 64, 48, "0" * 64) for s in (2, 3, 4)
        ]
        keyframes = pd.DataFrame(rows, columns=list(KEYFRAMES))
        write_table(tmp_path / "keyframes" / f"{clip}.csv", keyframes, KEYFRAMES)
        seen = [(61, 1), (61, 2), (66, 3), (91, 1), (121, 2)]
        if clip == "b":
            seen.remove((91, 1))
        rows = [(frame, person, 0.1, 0.1, 0.2, 0.2, 0.9) for frame, person in seen]
        tracks = pd.DataFrame(rows, columns=list(TRACKS))
        write_table(tmp_path / "tracks" / f"{clip}.csv", tracks, TRACKS)
    labels = [(2, 1, 1), (2, 1, 3), (2, 2, 3), (4, 2, 2)]
    rows = [(second, person, 0.1, 0.1, 0.2, 0.2, action) for second, person, action in labels]
    write_table(tmp_path / "labels" / "a.csv", pd.DataFrame(rows, columns=list(LABELS)), LABELS)
    notes = pd.DataFrame(
        [(0, "", "", "the tracks have changed"), (3, "1 2 3 4", "1", "no action ticked")],
        columns=list(NOTES),
    )
    write_table(tmp_path / "labels" / "a.notes.csv", notes, NOTES)
    return tmp_path


def account(results, warnings=(), split="train"):
    return project_account(
        clips=["a", "b"],
        splits={"a": split, "b": "val"},
        finished={"a": "annotations/a.json"},
        attributes=attributes_from_config(ACTIONS),
        annotations="annotations",
        results=results,
        fps=30,
        offset=900,
        warnings=warnings,
    )


def test_the_report_names_what_a_model_can_reach(results):
    """Of three labelled boxes of `a` two are proposed: of action 1 one of 1, of 2 none of 1, of 3
    two of 2."""
    assert "What a model can reach" not in account(results)[1]
    person = np.array([[0.1, 0.1, 0.2, 0.2, 0.9]])
    path = results / "dataset" / "annotations" / "dense_proposals_val.pkl"
    write_proposals(path, {"a,0902": person, "a,0903": person})
    labels = pd.read_csv(results / "labels" / "a.csv")
    labels.loc[labels["person_id"] == 2, "x2"] = 0.21
    labels.loc[labels["second"] == 4, "x2"] = 0.2
    write_table(results / "labels" / "a.csv", labels, LABELS)
    _, text = account(results, split="val")
    assert "- val: mAP 0.500. Of 3 labelled boxes 2 have no proposal." in text


def test_clip_by_clip(results):
    table, _ = account(results)
    a, b = table.to_dict("records")
    assert a == {
        "clip": "a",
        "split": "train",
        "state": "finished",
        "seconds": "6.000",
        "keyframes": 3,
        "persons": 3,
        "keyframe_boxes": 4,
        "labelled_boxes": 3,
        "ticks": 4,
        "noted_boxes": 1,
        "keyframes_without_person": 0,
        "source_damages": 0,
    }
    assert b["state"] == "awaiting" and b["ticks"] == 0
    assert b["keyframes_without_person"] == 1 and b["source_damages"] == 2


def test_words(results):
    _, text = account(results, ["clips of one video are in different splits"])
    assert "2 clips, 1 finished by an annotator, 1 awaiting one." in text
    assert "6 keyframes with 7 person boxes, 4 ticked actions" in text
    assert "| 1 | head | talk | 1 | 0 | 0 |" in text
    assert "| 2 | head | a\\|b | 1 | 0 | 0 |" in text
    assert "| 3 | body | sit | 2 | 0 | 0 |" in text
    assert "- b\n" in text
    assert "- clips of one video are in different splits" in text
    assert "- no action ticked: 1 box (see" in text
    assert "- a: the tracks have changed\n" in text
    assert "- b: no person was found on 1 of 3 keyframes" in text
    assert "- b: the source video is damaged in 2 places" in text
    assert "no finished clip in val: the dataset has no `val.csv` yet" in text


def test_persons_that_have_no_features_are_told(tmp_path):
    """Also the clips whose persons alone were passed over, and what is no longer listed."""
    made = ("a", "made", "a_32.npy", 1, 9344, "s", 0, "")
    skipped = ("b", "skipped", "", 0, 0, "", 0, "clips/b.mp4: no image of it could be decoded")
    for path, rows in (
        ("features/index.csv", [made, ("b", *made[1:2], "b_32.npy", *made[3:])]),
        ("person_feature_batches/0.csv", [made, skipped]),
    ):
        write_table(tmp_path / path, pd.DataFrame(rows, columns=list(MANIFEST)), MANIFEST)
    (tmp_path / "person_features").mkdir()
    (tmp_path / "person_features" / "c_32.npy").write_text("")
    first, *others = features_summary(tmp_path, ["0"])
    assert first.split()[:4] == ["features", "2", "of", "2"]
    assert others == [
        "  no features of the persons in b: clips/b.mp4: no image of it could be decoded",
        "  no longer listed, and kept: person_features/c_32.npy",
    ]


def test_last_words_of_a_run(results):
    project = SimpleNamespace(
        clips=[SimpleNamespace(id="a"), SimpleNamespace(id="b")],
        finished={"a": "annotations/a.json"},
        awaiting=["b"],
        annotated_splits=["train"],
        existing=None,
        features=None,
        unused=["annotations/a_finish (1).json: a second save of clip a"],
        unsettled={"b": ["anna", "ben"]},
    )
    config = {"results": str(results), "annotations": "annotations", "exports": ["mmaction2"]}
    config |= {"kinetics": {"annotations": []}, "ava_kinetics": {"annotations": ""}}
    text = run_summary(project, config)
    assert "avaflow: 2 clips" in text
    assert "persons followed       2 of 2" in text
    assert "labels read back       1 of 2" in text
    assert "awaiting a person: b" in text
    assert "index.html" not in text and "train.csv" not in text
    assert "look at this: the tracks have changed" in text
    assert "look at this: annotations/a_finish (1).json: a second save of clip a" in text
    assert "look at this: annotations/a_finish (1).json" in failure_summary(project, config, 0)
    (results / "annotate").mkdir()
    (results / "annotate" / "index.html").touch()
    (results / "dataset" / "annotations").mkdir(parents=True)
    (results / "dataset" / "annotations" / "train.csv").touch()
    text = run_summary(project, config)
    assert f"open {results}/annotate/index.html, annotate, save each clip as annotations/" in text
    assert "train.csv" in text
    assert "annotated by anna and ben, and not settled: clip b. `annotate.counts`" in text


def test_failures_are_told_once_and_only_of_this_run(tmp_path):
    def log(name: str, text: str) -> Path:
        path = tmp_path / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    log("trim/a.log", f"INFO x\nERROR {ERROR_MARK}clip a: broken\n  - twice\n")
    log("trim/b.log", f"ERROR {ERROR_MARK}clip a: broken\n  - twice\n")
    log("trim/c.log", "INFO fine\n")
    assert failures(tmp_path, since=0).splitlines()[1:] == ["* clip a: broken", "  - twice"]
    assert failures(tmp_path, since=4e9) == ""
