"""Projects of the custom AVA tutorial: clips are numbers, images `1_000061.jpg`, no person ids."""

import csv
import json
import random
import shutil

import pytest

from avaflow.errors import UserError
from avaflow.project.clips import read_clips_table
from avaflow.project.config import load_schema
from workflow_runs import DEMO, ROOT, Workspace

OPTIONS = {
    "1": ("head", ["talk", "bow"]),
    "2": ("body", ["stand", "sit", "walk"]),
    "3": ("limbs", ["hand up", "catch"]),
}
PERSONS, SECONDS = 9, range(2, 11)


def tutorials_project(clip: int) -> tuple[dict, dict[tuple, int]]:
    """A finished project in the tutorial's own layout, and its ticks.

    Nine persons on each of nine images, all ticked once: 81 rows. Attributes are numbered, types
    are texts, images are to be picked by hand (no address), and nobody has a number.
    """
    chance = random.Random(clip)
    files, views, metadata, ticks = {}, {}, {}, {}
    for number, second in enumerate(SECONDS, start=1):
        vid, name = str(number), f"{clip}_{30 * second + 1:06d}.jpg"
        files[vid] = {"fid": vid, "fname": name, "type": 2, "loc": 1, "src": ""}
        views[vid] = {"fid_list": [vid]}
        for person in range(PERSONS):
            aid = chance.choice(list(OPTIONS))
            option = chance.randrange(len(OPTIONS[aid][1]))
            box = [70.0 * person + 5, 100.0 + person, 60.0, 150.0]
            metadata[f"image{number}_{person}"] = {
                "vid": vid,
                "flg": 0,
                "z": [],
                "xy": [2, *box],
                "av": {aid: str(option)},
            }
            first = sum(len(names) for _, names in list(OPTIONS.values())[: int(aid) - 1])
            ticks[second, person] = first + option + 1
    attributes = {
        aid: {
            "aname": name,
            "type": "2",
            "options": {str(n): option for n, option in enumerate(options)},
            "default_option_id": "",
            "anchor_id": "FILE1_Z0_XY1",
        }
        for aid, (name, options) in OPTIONS.items()
    }
    return {
        "project": {
            "pid": "__VIA_PROJECT_ID__",
            "rev": "__VIA_PROJECT_REV_ID__",
            "rev_timestamp": "__VIA_PROJECT_REV_TIMESTAMP__",
            "pname": "tutorial",
            "creator": "VGG Image Annotator",
            "created": 1,
            "vid_list": list(views),
        },
        "config": {"file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}}, "ui": {}},
        "attribute": attributes,
        "file": files,
        "metadata": metadata,
        "view": views,
    }, ticks


@pytest.fixture(scope="module")
def adopted(tmp_path_factory):
    """Two clips of a video, annotated as 1 and 2: one in `annotations/`, one named as a file."""
    workspace = Workspace(
        tmp_path_factory.mktemp("adopted") / "w",
        exports=["mmaction2"],
        rawframes={"enabled": False},
        existing={"files": "old/2.json"},
    )
    video = DEMO / "videos" / "corridor.mp4"
    workspace.write_clips(
        f"v1\t{video}\t0\t12.9\ttrain\t1",
        f"v2\t{DEMO / 'videos' / 'yard.mp4'}\t0\t12.9\tval\t2",
        header="clip\tvideo\tstart\tend\tsplit\tknown_as",
    )
    workspace.ticks = {}
    for number, path in ((1, "annotations/1_finish.json"), (2, "old/2.json")):
        project, workspace.ticks[f"v{number}"] = tutorials_project(number)
        (workspace.folder / path).parent.mkdir()
        (workspace.folder / path).write_text(json.dumps(project))
    run = workspace.run()
    assert run.status == 0, run.output
    return workspace


@pytest.mark.slow
@pytest.mark.parametrize(("split", "clip"), [("train", "v1"), ("val", "v2")])
def test_all_of_its_rows_arrive(adopted, split, clip):
    path = adopted.folder / "results" / "dataset" / "annotations" / f"{split}.csv"
    with open(path, newline="") as stream:
        rows = list(csv.reader(stream))
    assert len(rows) == 81
    found = {}
    for name, timestamp, x1, _, _, _, action, _ in rows:
        assert name == clip
        found[int(timestamp) - 900, round((float(x1) * 640 - 5) / 70)] = int(action)
    assert found == adopted.ticks[clip]
    # Nobody moves: whoever has no number is one person through the whole clip.
    assert len({row[7] for row in rows}) == PERSONS


@pytest.mark.slow
def test_the_project_is_nobody_elses(adopted):
    """Without the file v2 awaits a person; a second project of v1 is an error."""
    run = adopted.run(existing={"files": ""})
    assert run.status == 0 and "awaiting a person: v2" in run.output
    shutil.copy(
        adopted.folder / "annotations" / "1_finish.json",
        adopted.folder / "annotations" / "v1.json",
    )
    try:
        run = adopted.run("-n")
    finally:
        (adopted.folder / "annotations" / "v1.json").unlink()
    assert run.status == 1 and "clip v1: both" in run.output


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["v1\tv.mp4\t0\t9\ttrain\t1", "v2\tv.mp4\t0\t9\ttrain\t1"], "a name stands for one clip"),
        (["v1\tv.mp4\t0\t9\ttrain\tv2", "v2\tv.mp4\t0\t9\ttrain\t"], "another clip of this table"),
        (["v1\tv.mp4\t0\t9\ttrain\ta/b"], "known_as"),
    ],
)
def test_names_from_elsewhere_that_cannot_be(tmp_path, rows, message):
    header = "clip\tvideo\tstart\tend\tsplit\tknown_as"
    (tmp_path / "clips.tsv").write_text("\n".join([header, *rows]) + "\n")
    schema = load_schema(ROOT / "schemas" / "clips.schema.yaml")
    with pytest.raises(UserError, match=message):
        read_clips_table(tmp_path / "clips.tsv", schema, tmp_path)
