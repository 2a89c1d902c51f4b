"""The target `agreement` through the real Snakemake."""

import csv
import json

import pytest

from page_files import page_file, person, span
from workflow_runs import Workspace

pytestmark = pytest.mark.slow

ACTIONS = [
    {"attribute": "head", "choose": "multiple", "options": ["talk", "bow"]},
    {"attribute": "body", "choose": "single", "options": ["stand", "sit", "walk"]},
]
BOX = [0.2, 0.2, 0.4, 0.8]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Two clips whose persons were followed elsewhere: no model has to be loaded."""
    workspace = Workspace(tmp_path_factory.mktemp("agreement") / "w")
    workspace.config |= {"own": {"tracks": "mine"}, "actions": ACTIONS, "exports": []}
    workspace.config["rawframes"] = {"enabled": False}
    (workspace.folder / "mine").mkdir()
    (workspace.folder / "annotations").mkdir()
    rows = []
    for clip, start in (("near", 0), ("far", 2)):
        rows.append(f"{clip}\texamples/demo/videos/yard.mp4\t{start}\t{start + 7}\ttrain")
        boxes = [f"{frame},3,40,20,40,90,0.9,-1,-1,-1" for frame in range(1, 211, 5)]
        (workspace.folder / "mine" / f"{clip}.txt").write_text("\n".join(boxes) + "\n")
    workspace.write_clips(*rows)
    return workspace


def write_annotation(workspace, clip: str, annotator: str, option: str, until: float) -> None:
    """A person by hand on seconds 2 to 4, who does something until a second, then walks."""
    manifest = json.loads((workspace.folder / f"results/clips/{clip}.json").read_text())
    video = {name: manifest[name] for name in ("start", "fps", "frames", "width", "height")}
    boxes = [{"second": second, "box": BOX} for second in (2, 3, 4)]
    spans = [span(option, 0.0, until), span("walk", until, 7.0)]
    one = person(1, tracks=[], boxes=boxes, spans=spans, judged=[[0.0, 7.0]])
    content = page_file([one], clip, annotator=annotator, video=video)
    path = workspace.folder / "annotations" / f"{clip}.{annotator}.json"
    path.write_text(json.dumps(content))


def table(workspace) -> dict[tuple, list[str]]:
    with open(workspace.folder / "results" / "annotate" / "agreement.csv", newline="") as stream:
        return {
            (row["clip"], row["measure"], row["action"]): [
                row["value"],
                row["units"],
                row["agreed"],
            ]
            for row in csv.DictReader(stream)
        }


def test_agreement_of_the_clips_that_several_annotated(workspace):
    run = workspace.run("agreement")
    assert run.status == 1 and "Traceback" not in run.output
    assert "agreement: no clip has files of two annotators in annotations" in run.output
    run = workspace.run("clips")
    assert run.status == 0, run.output

    write_annotation(workspace, "near", "anna", "sit", 4.0)
    write_annotation(workspace, "far", "anna", "sit", 4.0)
    write_annotation(workspace, "near", "ben", "sit", 3.0)
    run = workspace.run("agreement")
    assert run.status == 0, run.output
    assert run.jobs["write_agreement"] == 1 and not {"detect", "read_labels"} & set(run.jobs)
    # Anna: sit sit walk, Ben: sit walk walk. 2/3 agree, by chance 2/3 * 1/3 + 1/3 * 2/3 = 4/9.
    found = table(workspace)
    assert found["near", "kappa", "sit"] == ["0.4000", "3", "2"]
    assert found["near", "kappa", "stand"] == ["", "3", "3"]
    assert found["near", "boxes", ""] == ["1.0000", "3", "3"]
    assert {clip for clip, _, _ in found} == {"near"}
    page = workspace.folder / "results" / "annotate" / "agreement.html"
    assert '<script src="agreement.js"></script>' in page.read_text()
    script = page.with_suffix(".js").read_text().splitlines()[0]
    (clip,) = json.loads(script.removeprefix("window.AVAFLOW_AGREEMENT = ").rstrip(";"))["clips"]
    assert [(each["second"], each["option"]) for each in clip["questions"]] == [
        (3, "sit"), (3, "walk"),
    ]  # fmt: skip
    assert (page.parent / clip["video"]).is_file()

    # Content decides: the same files again make nothing, others all.
    assert workspace.run("agreement").nothing_to_do
    write_annotation(workspace, "far", "ben", "sit", 4.0)
    write_annotation(workspace, "near", "ben", "stand", 3.0)
    run = workspace.run("agreement")
    assert run.status == 0, run.output
    found = table(workspace)
    assert found["near", "kappa", "stand"] == ["0.0000", "3", "2"]
    assert found["far", "kappa", "sit"] == ["1.0000", "3", "3"]
    assert found["*", "boxes", ""] == ["1.0000", "6", "6"]
    run = workspace.run("verify")
    assert run.status == 0, run.output
    (page.parent / "agreement.csv").write_text("clip\n")
    run = workspace.run("verify")
    assert run.status == 1 and "annotate/agreement.csv" in run.output


def test_a_file_that_cannot_be_compared_is_told_by_its_name(workspace):
    path = workspace.folder / "annotations" / "near.ben.json"
    before = path.read_text()
    path.write_text('{"format": "avaflow annotation", "version": 7, "persons": []}')
    run = workspace.run("agreement")
    assert run.status == 1 and "Traceback" not in run.output
    assert "annotations/near.ben.json: expected version 1" in run.output
    path.write_text(before)


def test_a_clip_cannot_have_the_name_of_the_page(workspace):
    clips = workspace.folder / "clips.tsv"
    before = clips.read_text()
    clips.write_text(before.replace("near", "Agreement"))
    run = workspace.run("-n")
    clips.write_text(before)
    assert run.status == 1 and "taken by the agreement of annotators" in run.output
