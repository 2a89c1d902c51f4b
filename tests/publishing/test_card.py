"""The card, its tables and its manifest, from clips worked out by hand."""

import csv
import hashlib
import json
from dataclasses import replace

import pytest
import yaml

from avaflow.errors import UserError
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.project.config import load_configs
from avaflow.project.settings import load_settings
from avaflow.publishing.card import card_text, citation_text
from avaflow.publishing.copies import rename_clips
from avaflow.publishing.croissant import croissant_text
from avaflow.publishing.manifest import (
    ClipFacts,
    FileEntry,
    manifest_of,
    manifest_text,
    read_manifest,
    runs,
    seconds_of_runs,
    settings_told,
    weights_told,
)
from avaflow.publishing.tables import idle_text, table_text
from avaflow.tables import Label, Unticked
from workflow_runs import ROOT

HOSTILE = "<img src=x onerror=alert(1)> | `x` *b*\n# no heading"
ATTRIBUTES = attributes_from_config(
    [
        {
            "attribute": "head",
            "choose": "multiple",
            "options": ["talk", HOSTILE.replace("\n", " ")],
        },
        {"attribute": "body", "choose": "single", "options": ["stand", "sit"]},
    ]
)
BOX = (0.1, 0.2, 0.3, 0.9)
CLIPS = [
    ClipFacts(
        *("b", "train", 11.0, [2, 3, 4, 7]),
        [Label(2, 1, *BOX, 1), Label(2, 1, *BOX, 3), Label(3, 2, *BOX, 4)],
        [Unticked(4, *BOX)],
        *("page", 1800.0),
    ),
    ClipFacts("a", "train", 10.5, [2, 3], [Label(2, 1, *BOX, 3)], [], "via", 0.0),
    ClipFacts("c", "val", 10.0, [2, 3], [Label(3, 9, *BOX, 3)], [], "existing", 0.0),
]
SAID = {
    "title": HOSTILE,
    "description": "Words <b>of</b> mine.",
    "version": "2.0",
    "published": "2026-11-21",
    "license": "CC-BY-4.0",
    "authors": ["Ann: O'Neill", "B | C"],
    "url": "https://example.org",
    "citation": "```\n@misc{d, title={D}}",
    "collection": "Filmed.",
    "consent": "",
    "uses": "",
    "limits": "",
}
MADE = {
    "settings": {"trim": {"fps": 30}},
    "versions": {"python": "3.11"},
    "persons": {"boxes": "found", "tracks": "found"},
    "weights": {"detector": {"file": "yolo11n.pt", "sha256": "ab" * 32}},
}


@pytest.fixture
def manifest():
    return manifest_of(SAID, CLIPS, ATTRIBUTES, MADE, 900)


def test_counts_are_those_of_the_labels(manifest):
    train, val = manifest["splits"]
    assert train == {
        **{"split": "train", "clips": 2, "seconds": 21.5, "keyframes": 6, "persons": 3},
        **{"boxes": 3, "labels": 4, "idle": 1},
    }
    assert val["labels"] == val["boxes"] == val["persons"] == 1
    assert [entry["labels"] for entry in manifest["actions"]] == [
        {"train": 1, "val": 0},
        {"train": 0, "val": 0},
        {"train": 2, "val": 1},
        {"train": 1, "val": 0},
    ]
    assert manifest["clips"] == {"train": {"a": "2-3", "b": "2-4 7"}, "val": {"c": "2-3"}}
    assert manifest["annotation"] == {
        "clips": {"existing": 1, "page": 1, "via": 1},
        "seconds_worked": 1800,
    }


@pytest.mark.parametrize("seconds", [[], [3], [2, 3, 4], [0, 2, 4], [902, 903, 1000]])
def test_seconds_as_runs_and_back(seconds):
    assert seconds_of_runs(runs(seconds)) == seconds


def test_the_manifest_is_read_back(manifest, tmp_path):
    files = [FileEntry("annotations/train.csv", 12, "00" * 32)]
    path = tmp_path / "manifest.json"
    for listed in (files, []):
        path.write_text(manifest_text(manifest, listed), encoding="utf-8")
        assert read_manifest(path) == (manifest, listed)
    for text in ("{}", "[1]", "nothing", json.dumps({"format": "other", "version": 1})):
        path.write_text(text)
        with pytest.raises(UserError, match="expected the manifest of a dataset"):
            read_manifest(path)


def test_the_head_of_the_card_is_what_the_hub_reads(manifest):
    text = card_text(manifest)
    assert text.startswith("---\n")
    head = yaml.safe_load(text.split("---\n")[1])
    assert head["license"] == "cc-by-4.0" and head["pretty_name"] == HOSTILE
    assert head["size_categories"] == ["n<1K"]
    assert head["configs"][0]["data_files"] == [
        {"split": "train", "path": "tables/train.csv"},
        {"split": "validation", "path": "tables/val.csv"},
    ]


def test_nothing_in_a_name_is_markup(manifest):
    body = card_text(manifest).split("---\n", 2)[2]
    assert "<img" not in body.replace("\\<img", "") and "<b>" not in body
    assert "\n# no heading" not in body
    # The fence of the citation is the card's own.
    assert body.count("```") % 2 == 0
    (row,) = [line for line in body.splitlines() if line.startswith("| 2 | head")]
    assert row.count(" | ") == 5  # between six cells


def test_what_nobody_said_is_said(manifest):
    text = card_text(manifest)
    assert text.count("Its makers have not said.") == 3 and "Filmed." in text
    silent = card_text(
        manifest_of(
            dict.fromkeys(SAID, "") | {"authors": [], "version": "1"}, CLIPS, ATTRIBUTES, MADE, 900
        )
    )
    assert "its makers have not stated one" in silent
    assert "talk: never in val" in text


def test_the_citation_is_cff(manifest):
    read = yaml.safe_load(citation_text(manifest))
    assert read["cff-version"] == "1.2.0" and read["type"] == "dataset"
    assert read["authors"] == [{"name": "Ann: O'Neill"}, {"name": "B | C"}]
    assert read["date-released"] == "2026-11-21" and read["license"] == "CC-BY-4.0"


def test_the_tables_have_a_header_and_a_row_a_label():
    actions = {action.id: action for action in all_actions(ATTRIBUTES)}
    lines = table_text(CLIPS[:2], actions, 900, "clips/{clip}.mp4").splitlines()
    assert lines[0] == (
        "clip,file,second,timestamp,x1,y1,x2,y2,person_id,action_id,attribute,action"
    )
    assert lines[1] == ("a,clips/a.mp4,2,902,0.100000,0.200000,0.300000,0.900000,1,3,body,stand")
    assert len(lines) == 5
    assert idle_text(CLIPS[:2], 900, "{clip}.mp4").splitlines() == [
        "clip,file,second,timestamp,x1,y1,x2,y2",
        "b,b.mp4,4,904,0.100000,0.200000,0.300000,0.900000",
    ]


def test_settings_that_say_where_things_lie_are_not_told():
    config = load_configs([ROOT / "config.yaml"])
    told = settings_told(config, load_settings(ROOT / "schemas" / "config.schema.yaml"))
    assert told["trim"]["fps"] == config["trim"]["fps"]
    assert told["tracker"] == config["tracker"]
    for name in ("clips", "results", "annotations", "card", "publish", "batches", "downloads"):
        assert name not in told
    assert "weights" not in told["detector"]


@pytest.mark.parametrize(
    ("boxes", "tracks", "tools"),
    [("found", "found", ["YOLO (yolo11n.pt)", "DeepSORT"]), ("own", "found", ["DeepSORT"])]
    + [("own", "own", None)],
)
def test_tools_that_were_not_used_are_not_named(boxes, tracks, tools):
    weights = MADE["weights"] if boxes == "found" else {}
    made = MADE | {"persons": {"boxes": boxes, "tracks": tracks}, "weights": weights}
    told = manifest_of(SAID, CLIPS, ATTRIBUTES, made, 900)
    assert json.loads(croissant_text(told, [])).get("rai:machineAnnotationTools") == tools
    card = card_text(told)
    assert ("yolo11n.pt" in card) == (boxes == "found")
    assert ("DeepSORT" in card) == (tracks == "found")


def test_agreement_is_on_the_card_and_in_croissant(manifest):
    manifest["annotation"]["agreement"] = ["talk: kappa 0.8 over 40"]
    assert "- annotators agree on talk: kappa 0.8 over 40\n" in card_text(manifest)
    found = json.loads(croissant_text(manifest, []))["rai:dataAnnotationAnalysis"]
    assert found == ["Agreement: talk: kappa 0.8 over 40"]


def test_weights_in_a_folder_have_a_checksum_too(tmp_path):
    folder = tmp_path / "yolo11n_openvino_model"
    (folder / "b").mkdir(parents=True)
    (folder / "a.xml").write_text("xml")
    (folder / "b" / "c.bin").write_text("bin")
    lines = "".join(
        f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n"
        for name, text in (("a.xml", "xml"), ("b/c.bin", "bin"))
    )
    found = weights_told({"detector": str(folder), "none": str(tmp_path / "gone")})
    assert found["detector"] == {
        "file": folder.name,
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
    }
    assert found["none"]["sha256"] == ""


def test_in_shards_only_the_column_of_videos_loses_its_folder(manifest, tmp_path):
    actions = {action.id: action for action in all_actions(ATTRIBUTES)}
    actions[3] = replace(actions[3], name="talk,clips/cuts")
    for name, text in (
        ("train.csv", table_text(CLIPS[:2], actions, 900, "clips/{clip}.mp4")),
        ("train_idle.csv", idle_text(CLIPS[:2], 900, "clips/{clip}.mp4")),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    rename_clips(tmp_path)
    rows = list(csv.DictReader((tmp_path / "train.csv").read_text().splitlines()))
    assert {row["file"] for row in rows} == {"a.mp4", "b.mp4"}
    assert "talk,clips/cuts" in {row["action"] for row in rows}
    (idle,) = csv.DictReader((tmp_path / "train_idle.csv").read_text().splitlines())
    assert idle["file"] == "b.mp4"
