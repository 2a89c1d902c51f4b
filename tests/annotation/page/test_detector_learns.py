"""A detector learns from what was judged on the page: everybody there, and no other keyframe."""

import json

import pandas as pd

from avaflow.annotation.page.labels import labels_of_annotation
from avaflow.annotation.page.model import read_annotation
from avaflow.manifests import ClipManifest
from avaflow.project.actions import attributes_from_config
from avaflow.tables import (
    KEYFRAMES,
    LABELS,
    NOBODY,
    TRACKS,
    UNTICKED,
    Nobody,
    empty_table,
    table_of,
    write_table,
)
from page_files import ATTRIBUTES, LEFT, RIGHT, page_file, person, span
from script_runs import run_script

ACTIONS = attributes_from_config([{"attribute": each["name"], **each} for each in ATTRIBUTES])


def prepare(folder, clip):
    """Person 1 sits at second 2 and does nothing at 3; person 2 is ignored; 4 is not judged."""
    one = person(1, seconds=[2, 3, 4], spans=[span("sit", 2, 3)], judged=[[2, 4]])
    two = person(2, box=RIGHT, seconds=[3, 4], kind="ignored")
    path = folder / f"{clip}.json"
    path.write_text(json.dumps(page_file([one, two], clip=clip)))
    names = {s: f"{clip}_{30 * s + 1:06d}.jpg" for s in (2, 3, 4)}
    keyframes = pd.DataFrame(
        [(s, 30 * s + 1, name, 1000, 500, "0" * 64) for s, name in names.items()],
        columns=list(KEYFRAMES),
    )
    (folder / f"keyframes/{clip}").mkdir(parents=True)
    for name in names.values():
        (folder / f"keyframes/{clip}/{name}").touch()
    write_table(folder / f"keyframes/{clip}.csv", keyframes, KEYFRAMES)
    manifest = ClipManifest(clip, "v.mp4", 1.5, 30, 330, 1000, 500, "0" * 64, 0)
    reading = labels_of_annotation(
        read_annotation(path), clip, keyframes, empty_table(TRACKS), ACTIONS, manifest
    )
    nobody = table_of([Nobody(second) for second in reading.nobody], Nobody)
    for kind, table, columns in (
        ("", reading.labels, LABELS),
        (".unticked", reading.unticked, UNTICKED),
        (".idle", reading.idle, UNTICKED),
        (".nobody", nobody, NOBODY),
    ):
        write_table(folder / f"labels/{clip}{kind}.csv", table, columns)
    return str(path)


def test_a_detector_learns_from_what_was_judged(tmp_path):
    clips = ["a", "b"]
    projects = [prepare(tmp_path, clip) for clip in clips]

    def each(pattern):
        return [str(tmp_path / pattern.format(clip)) for clip in clips]

    run_script(
        "write_detector_dataset",
        tmp_path,
        tmp_path / "log",
        input={
            "projects": projects,
            "keyframes": each("keyframes/{}.csv"),
            "labels": each("labels/{}.csv"),
            "unticked": each("labels/{}.unticked.csv"),
            "idle": each("labels/{}.idle.csv"),
            "nobody": each("labels/{}.nobody.csv"),
        },
        output={"manifest": str(tmp_path / "detector_training/images.csv")},
        params={
            "clips": clips,
            "saved": clips,
            "imported": [],
            "known_as": {},
            "splits": {"a": "train", "b": "val"},
            "used": ["train", "val"],
        },
        config={"via": {"max_project_mb": 50}},
    )
    made = tmp_path / "detector_training" / "labels" / "train"
    lines = {path.stem: path.read_text().splitlines() for path in sorted(made.iterdir())}
    left, right = (
        f"0 {(x1 + x2) / 2:.6f} {(y1 + y2) / 2:.6f} {x2 - x1:.6f} {y2 - y1:.6f}"
        for x1, y1, x2, y2 in (LEFT, RIGHT)
    )
    assert lines == {"a_000061": [left], "a_000091": [left, right]}
