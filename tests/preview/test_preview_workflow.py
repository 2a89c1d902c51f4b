"""The target `preview` through the real Snakemake: made once, kept up to date, verified."""

import json
import shutil

import pytest

from page_files import page_file, person, span
from preview_clips import FPS, HEIGHT, SECONDS, STANDING, STRIDE, WIDTH, walking, write_clip
from workflow_runs import Workspace

pytestmark = pytest.mark.slow

CLIP = {"start": 0, "fps": FPS, "frames": 180, "width": WIDTH, "height": HEIGHT}
BODY = {"attribute": "body", "choose": "single", "options": ["walk", "stand", "bow"]}
ATTRIBUTES = [{"name": "body", "choose": "single", "options": BODY["options"]}]
OFF = {
    "exports": ["mmaction2"],
    "rawframes": {"enabled": False},
    "own": {"tracks": "mine"},
    "actions": [BODY],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Clip a, annotated, and clip b, which awaits it: two persons each."""
    folder = tmp_path_factory.mktemp("preview")
    workspace = Workspace(folder / "w", **OFF)
    workspace.write_clips("a\tv.mp4\t0\t6\ttrain", "b\tv.mp4\t0\t5\ttrain")
    write_clip(folder / "source")
    shutil.copy(folder / "source/clips/c-1.mp4", workspace.folder / "v.mp4")
    (workspace.folder / "mine").mkdir()
    for clip, frames in (("a", 180), ("b", 150)):
        rows = []
        for frame in range(1, frames + 1, STRIDE):
            for number, (x1, y1, x2, y2) in ((1, walking(frame)), (2, STANDING)):
                box = f"{x1 * WIDTH:.4f},{y1 * HEIGHT},{(x2 - x1) * WIDTH:.4f}"
                rows.append(f"{frame},{number},{box},{(y2 - y1) * HEIGHT},0.9,-1,-1,-1")
        (workspace.folder / f"mine/{clip}.txt").write_text("\n".join(rows) + "\n")
    (workspace.folder / "annotations").mkdir()
    annotate(workspace, "walk")
    run = workspace.run("preview", demo=False)
    assert run.status == 0, run.output
    workspace.first_run = run
    workspace.results = workspace.folder / "results"
    return workspace


def annotate(workspace, option):
    """Person 1 does this up to second 3, and stands then; person 2 is judged at second 2 alone."""
    one = person(1, seconds=SECONDS, spans=[span(option, 0, 3.5), span("stand", 3.5, 6)])
    one["tracks"][0]["anchors"] = [[FPS * s + 1, *walking(FPS * s + 1)] for s in SECONDS]
    other = person(2, box=list(STANDING), seconds=SECONDS, judged=[[0.0, 2.5]])
    persons = [one | {"judged": [[0.0, 6.0]]}, other]
    content = page_file(persons, clip="a", video=CLIP, attributes=ATTRIBUTES)
    (workspace.folder / "annotations/a.json").write_text(json.dumps(content))


def gallery(workspace):
    text = (workspace.results / "preview/index.js").read_text()
    return json.loads(text.removeprefix("window.AVAFLOW_PREVIEW = ")[:-2])


def test_previews_of_annotated_and_awaiting_clips(made):
    run = made.first_run
    assert (run.jobs["preview_clip"], run.jobs["make_preview_index"]) == (2, 1)
    assert "previewed" in run.output and "2 of 2   results/preview/index.html" in run.output
    data = gallery(made)
    one, other = data["clips"]
    assert [(clip["clip"], clip["judged"], clip["split"]) for clip in data["clips"]] == [
        ("a", True, "train"),
        ("b", False, "train"),
    ]
    assert [(crop[0], crop[1], crop[2], crop[3]) for crop in one["crops"]] == [
        (2, 1, "acts", [1]),
        (2, 2, "idle", []),
        (3, 1, "acts", [1]),
        (3, 2, "unjudged", []),
        (4, 1, "acts", [2]),
        (4, 2, "unjudged", []),
    ]
    assert {crop[2] for crop in other["crops"]} == {"followed"} and len(other["crops"]) == 4
    folder = made.results / "preview"
    for clip in data["clips"]:
        told = [clip["sheet"], clip["video"], clip["whole"], *clip["images"]]
        told += clip["keyframes"].values()
        assert all((folder / path).is_file() for path in told)
        # The page is a target of its own, made beside by every whole run.
        assert clip["page"] == f"../annotate/{clip['clip']}.html"
    html = (folder / "index.html").read_text()
    shared = [part.split('"')[0] for part in html.split('="assets/')[1:]]
    assert len(shared) == 6 and all((folder / "assets" / name).is_file() for name in shared)


def test_a_second_run_has_nothing_to_do_and_a_label_makes_its_clip_anew(made):
    assert made.run("preview", demo=False).nothing_to_do
    before = {clip: (made.results / f"preview/{clip}.mp4").read_bytes() for clip in "ab"}
    annotate(made, "bow")
    run = made.run("preview", demo=False)
    assert run.status == 0, run.output
    assert {rule: run.jobs.get(rule) for rule in ("read_labels", "preview_clip")} == {
        "read_labels": 1,
        "preview_clip": 1,
    }
    assert run.jobs["make_preview_index"] == 1
    assert gallery(made)["clips"][0]["crops"][0][3] == [3]
    after = {clip: (made.results / f"preview/{clip}.mp4").read_bytes() for clip in "ab"}
    assert after["a"] != before["a"] and after["b"] == before["b"]
    # The same label again gives the same bytes.
    annotate(made, "walk")
    assert made.run("preview", demo=False).status == 0
    assert (made.results / "preview/a.mp4").read_bytes() == before["a"]


def test_damaged_crops_are_found_and_repaired(made):
    assert made.run("verify", demo=False).status == 0
    image = made.results / "preview/crops/a/0000.webp"
    whole = image.read_bytes()
    image.write_bytes(whole[:-10])
    run = made.run("verify", demo=False)
    assert run.status == 1
    assert "results/preview/crops/a.json: its image 0000.webp is another" in run.output
    run = made.run("preview", demo=False, repair=True)
    assert run.status == 0 and run.jobs["preview_clip"] == 1, run.output
    assert image.read_bytes() == whole


def test_settings_that_decide_make_previews_anew_and_a_missing_font_is_told(made):
    plan = made.plan("preview", demo=False, preview={"width": 160, "seconds": 3})
    assert plan["preview_clip"] == 2
    run = made.run("-n", "preview", demo=False, preview={"font": "no.ttf"})
    assert run.status == 1 and "config: preview.font: no.ttf is missing" in run.output


def test_names_that_the_font_lacks_are_told_in_the_log(made):
    actions = [BODY | {"options": [*BODY["options"], "跑步"]}]
    run = made.run("preview", demo=False, actions=actions)
    assert run.status == 0, run.output
    log = (made.results / "logs/preview_clip/a.log").read_text()
    assert "跑步 cannot be written in the font DejaVuSans.ttf" in log
    assert gallery(made)["actions"][3]["name"] == "跑步"
