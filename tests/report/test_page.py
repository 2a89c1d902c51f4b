"""The report page of made-up projects, as text and in Chromium."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from avaflow.annotation.page.agreement_table import MEASURES
from avaflow.errors import UserError
from avaflow.project.actions import attributes_from_config
from avaflow.report import findings, page, reading
from avaflow.report.numbers import Range
from avaflow.report.page import Asked, report_page
from avaflow.report.reading import groups, read_tables
from avaflow.tables import DETECTIONS, KEYFRAMES, LABELS, NOTES, TRACKS, UNTICKED, write_table
from avaflow.workflow.account import CLIP_COLUMNS
from workflow_runs import DEMO, Workspace

HOSTILE = "<img src=x onerror=alert(1)>"
SPLITS = ("train", "val")
ACTIONS = [{"attribute": "$a_{b", "options": ["sit", HOSTILE, "$x^2$ & <b>"]}]
SECONDS = (2, 3)


def write(path: Path, rows: list, columns: dict) -> None:
    write_table(path, pd.DataFrame(rows, columns=list(columns)), columns)


def make_results(folder: Path, clips: dict[str, str], finished: list[str], boxes: bool = True):
    """Clips by split with two keyframes and one person each, who sits and does the hostile."""
    box, account = (0.1, 0.1, 0.3, 0.6), []
    for clip, split in clips.items():
        done = clip in finished
        named = [(s, 30 * s + 1, f"{clip}_{s}.jpg", 320, 240, "0" * 64) for s in SECONDS]
        write(folder / "keyframes" / f"{clip}.csv", named, KEYFRAMES)
        frames = range(1, 122, 5) if boxes else ()
        write(folder / "tracks" / f"{clip}.csv", [(f, 1, *box, 0.9) for f in frames], TRACKS)
        found = [(clip, f, *box, 0.9) for f in frames]
        write(folder / "detections" / f"{clip}.csv", found, DETECTIONS)
        if done:
            ticks = [(s, 1, *box, action) for s in SECONDS for action in (1, 2)]
            write(folder / "labels" / f"{clip}.csv", ticks if boxes else [], LABELS)
            note = (2, "1 2 3 4", "1", f'{HOSTILE}\nof "two" lines: more')
            write(folder / "labels" / f"{clip}.notes.csv", [note], NOTES)
            write(folder / "labels" / f"{clip}.unticked.csv", [(2, *box)], UNTICKED)
        state, persons = "finished" if done else "awaiting", 2 * boxes
        counts = (2, 1 * boxes, persons, persons * done, 2 * persons * done, 1 * done, 2 - persons)
        account.append((clip, split, state, 5.0, *counts, 0))
    table = pd.DataFrame(account, columns=CLIP_COLUMNS)
    table.to_csv(folder / "report.tsv", sep="\t", index=False)


def asked(clips: dict[str, str], finished: list[str], **other) -> Asked:
    """What the page is asked, every clip of a video of its own unless `other` says so."""
    values = {
        "ranges": [Range(c, s, f"{c}.mp4", f"{c}.mp4", 0.0, 5.0) for c, s in clips.items()],
        "finished": finished,
        "attributes": attributes_from_config(ACTIONS),
        "annotations": "annotations",
        "fps": 30,
        "stride": 5,
        "warnings": [],
        "unsettled": {},
        "agreement": "",
        "annotated_twice": 0,
        "settings": [],
    }
    return Asked(**(values | other))


def text_of(html: str) -> str:
    """A page without its tags and drawings."""
    html = re.sub(r"(?s)<svg.*?</svg>|<style.*?</style>", "", html)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def made(folder: Path, clips: dict[str, str], finished: list[str], boxes=True, **other) -> str:
    make_results(folder, clips, finished, boxes)
    return report_page(asked(clips, finished, **other), folder)


def drawings(html: str) -> list[str]:
    return re.findall(r'<svg [^>]*aria-label="([^"]*)"', html)


def test_the_page_says_what_there_is_and_what_to_do(tmp_path):
    clips = {"a": "train", "b": "val", "c": "val"}
    text = text_of(made(tmp_path, clips, ["a", "b"]))
    assert "3 clips, 2 finished 6 keyframes 6 persons found on them 4 labelled 8 ticks of 3" in text
    assert "to do 1 clip of 3 awaits an annotator." in text
    assert "look Fewer than 10 ticks in train: sit (2), &lt;img src=x onerror=alert(1)&gt;" in text
    assert "look Never ticked: $x^2$ &amp; &lt;b&gt;." in text
    assert "train : 4 ticks. What occurs is ticked 2 times each." in text
    assert "persons labelled 2 2 labelled, and not found by the detector 0 0" in text
    assert "kept without a tick 1 1" in text
    # 121 frames at 30 a second, the first at 1.
    assert "3 persons are followed for 4 s in the middle (median). 0 for less" in text
    assert "No video has clips in two splits." in text and "No timing was kept." in text


@pytest.mark.parametrize("clips", [{"a": "train"}, {"a": "train", "b": "val"}])
def test_nothing_annotated_yet(tmp_path, clips):
    html = made(tmp_path, clips, [])
    text = text_of(html)
    assert "Nothing is ticked yet." in text and "No clip with a label is finished yet." in text
    assert "await" in text and "never" not in text.lower()
    count = 2 * len(clips)
    assert drawings(html)[0] == f"Keyframes by the number of persons on them. 1: {count}."


def test_nobody_was_found(tmp_path):
    html = made(tmp_path, {"a": "train", "b": "val"}, ["a", "b"], boxes=False)
    text = text_of(html)
    assert "Nobody is followed." in text and "On 4 keyframes nobody was found." in text
    assert "No person was found on 4 keyframes of a, b." in text


def test_no_clip_at_all(tmp_path):
    text = text_of(made(tmp_path, {}, []))
    assert "There is no keyframe yet." in text and "Nobody is followed." in text


def test_leakage_comes_first(tmp_path):
    clips = {"a": "train", "b": "val"}
    ranges = [
        Range("a", "train", "v.mp4", "v.mp4", 0.0, 5.0),
        Range("b", "val", "v.mp4", "v.mp4", 3.5, float("inf")),
    ]
    html = made(tmp_path, clips, ["a"], ranges=ranges, warnings=["something else"])
    found = re.findall(r'class="kind (\w+)"', html)
    assert found[0] == "fix" and found == sorted(found, key=["fix", "do", "look"].index)
    text = text_of(html)
    assert "put right a and b show 1.5 s of the same stretch of v.mp4 in two splits" in text
    assert "b (val, 3.5 to its end)" in text and "a and b by 1.5 s" in text
    assert "look something else" in text


def test_copies_in_two_splits_are_named_once(tmp_path):
    clips = {"a": "train", "b": "val", "c": "val"}
    ranges = [Range(c, split, f"{c}.mp4", f"{c}.mp4", 0.0, 5.0) for c, split in clips.items()]
    ranges[2] = Range("c", "val", "a.mp4", "a.mp4", 1.0, 5.0)
    (tmp_path / "duplicates.csv").write_text(
        "clip,split,other,other_split,kind,later,distance\n"
        "a,train,b,val,mirrored,2.500000,0.100000\n"
        "a,train,c,val,copy,1.000000,0.000000\n"
        "a,train,gone,val,copy,0.000000,0.000000\n"
    )
    text = text_of(made(tmp_path, clips, [], ranges=ranges))
    assert "put right a (train) and b (val) show the same (mirrored)" in text
    assert "a train b val mirrored 2.5 s" in text
    # c overlaps in the video itself, which is told already; gone is no clip any more.
    assert "and c (val) show" not in text and "gone" not in text


def test_of_many_leaks_and_warnings_some_are_told(tmp_path):
    clips = {f"{split}-{number}": split for number in range(60) for split in SPLITS}
    ranges = [
        Range(clip, split, clip[-2:], f"{clip[-2:]}.mp4", 0.0, 5.0) for clip, split in clips.items()
    ]
    warnings = [f"warning {number}" for number in range(12)]
    html = made(tmp_path, clips, [], ranges=ranges, warnings=warnings)
    found = re.findall(r'class="kind (\w+)"', html)
    assert found.count("fix") == findings.LINES + 1 and found.count("look") == findings.LINES + 1
    text = text_of(html)
    assert "and 7 more, which report.md names" in text
    assert "more videos of which clips overlap across splits" in text


def test_annotators_who_differ_are_told(tmp_path):
    clips = {"a": "train"}
    assert "1 clip finished by several annotators: `snakemake agreement`" in text_of(
        made(tmp_path, clips, ["a"], annotated_twice=1)
    )
    rows = [
        ("a", "anna ben", "body", "sit", "kappa", "0.9000", 20, 19),
        ("a", "anna ben", "body", "stand", "kappa", "0.2500", 20, 12),
        ("a", "anna ben", "", "", "boxes", "", 0, 0),
    ]
    write(tmp_path / "agreement.csv", rows, MEASURES)
    table = str(tmp_path / "agreement.csv")
    text = text_of(report_page(asked(clips, ["a"], agreement=table, annotated_twice=1), tmp_path))
    assert "Annotators differ on stand (0.25)" in text
    assert text.index("stand kappa 0.2500") < text.index("sit kappa 0.9000")
    assert "who is there boxes – 0 0" in text and "snakemake agreement" not in text


def test_long_tables_are_cut_and_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "ROWS_SHOWN", 3)
    monkeypatch.setattr(reading, "CLIPS_AT_ONCE", 2)
    clips = {f"clip-{number}": "train" for number in range(8)}
    text = text_of(made(tmp_path, clips, ["clip-7"]))
    assert "and 4 more; report.tsv names them all." in text
    assert "and 5 more; report.tsv has them all." in text
    assert "clip-2" in text and "clip-3" not in text


def test_groups_of_clips_are_added_up(tmp_path):
    clips = {"a": "train", "b": "val", "c": "val"}
    make_results(tmp_path, clips, ["a", "c"])
    one, two = groups(tmp_path, clips, ["a", "c"], 30, size=2)
    assert one.labels["clip"].unique().tolist() == ["a"] and len(one.keyframes) == 4
    assert two.on_keyframes[["clip", "split", "second"]].to_numpy().tolist() == [
        ["c", "val", 2],
        ["c", "val", 3],
    ]


def test_a_table_that_was_changed_is_named(tmp_path):
    path = tmp_path / "a.csv"
    write(path, [(61, 1, 0.1, 0.1, 0.2, 0.2, 0.9)], TRACKS)
    assert read_tables({"a": path}, TRACKS)["frame"].tolist() == [61]
    path.write_text(path.read_text().replace("person_id", "who"))
    with pytest.raises(UserError, match=r"a\.csv: expected the columns frame, person_id"):
        read_tables({"a": path}, TRACKS)


def test_names_stay_text_and_drawings_speak(tmp_path):
    html = made(tmp_path, {"a": "train", "b": "val"}, ["a", "b"])
    assert "<img" not in html and "<b> " not in html
    assert "currentColor" in html and "#010203" not in html
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert f"Ticks per action in train. sit 2; {HOSTILE}" in drawings(html)[0].replace(
        "&lt;", "<"
    ).replace("&gt;", ">")
    assert len(drawings(html)) == 9  # 2 splits, together, 3 of boxes, 2 of identities, room
    # Letters are letters, also a dollar, which means mathematics to matplotlib.
    assert re.search(r"<text[^>]*>\$x\^2\$ &amp; &lt;b&gt;</text>", html)
    assert re.search(r"<text[^>]*>&lt;img src=x onerror=alert\(…</text>", html)


def test_the_same_figures_give_the_same_page(tmp_path):
    clips = {"a": "train", "b": "val"}
    html = made(tmp_path, clips, ["a"])
    assert report_page(asked(clips, ["a"]), tmp_path) == html


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
def test_the_page_in_a_browser(browser, tmp_path, size, scheme):
    html = made(tmp_path, {"a": "train", "b": "val", "c": "val"}, ["a", "b"])
    (tmp_path / "report.html").write_text(html)
    tab = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    told, asked_for, dialogs = [], [], []
    tab.on("console", lambda message: told.append(message.text))
    tab.on("pageerror", lambda error: told.append(str(error)))
    tab.on("request", lambda request: asked_for.append(request.url))
    tab.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    tab.goto((tmp_path / "report.html").as_uri())
    assert asked_for == [(tmp_path / "report.html").as_uri()]
    assert told == [] and dialogs == []
    assert tab.locator("img").count() == 0
    assert tab.get_by_text(HOSTILE, exact=False).first.is_visible()
    # Nothing but tables, in boxes of their own, is wider than the screen.
    assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
    ground, ink = tab.evaluate(
        """() => {
            const text = document.querySelector("svg text");
            const card = getComputedStyle(document.querySelector("section")).backgroundColor;
            return [card, getComputedStyle(text).fill];
        }"""
    )
    brightness = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ground, ink)]
    assert (brightness[0] > brightness[1] + 400) == (scheme == "light")
    assert (brightness[1] > brightness[0] + 400) == (scheme == "dark")
    for link in tab.locator("nav a").all():
        assert tab.locator(link.get_attribute("href")).count() == 1
    small = tab.evaluate(
        """() => Math.min(...[...document.querySelectorAll("svg text")].map((text) =>
            parseFloat(getComputedStyle(text).fontSize)
            * text.ownerSVGElement.getBoundingClientRect().width
            / text.ownerSVGElement.viewBox.baseVal.width))"""
    )
    assert small > 6.5
    tab.close()


@pytest.mark.slow
def test_the_page_of_a_real_run_is_kept_up_to_date(tmp_path):
    """One clip of the demo: made with the rest, shown in Snakemake's own report, made anew when a
    setting that it shows is another, and never without a reason."""
    workspace = Workspace(tmp_path / "w", batches=1, exports=[], rawframes={"enabled": False})
    row = (DEMO / "clips.tsv").read_text().splitlines()[1]
    workspace.write_clips(row)
    run = workspace.run()
    assert run.status == 0 and run.jobs["write_report_page"] == 1, run.output
    results = workspace.folder / "results"
    assert "1 clip, 0 finished" in text_of((results / "report.html").read_text())
    (results / "benchmarks" / "trim" / "corridor.tsv").unlink()
    assert workspace.run("report").nothing_to_do
    (workspace.folder / "annotations").mkdir()
    shutil.copy(DEMO / "annotations" / "corridor_finish.json", workspace.folder / "annotations")
    run = workspace.run("report")
    assert run.status == 0 and run.jobs["write_report_page"] == 1, run.output
    assert "1 clip, 1 finished" in text_of((results / "report.html").read_text())
    assert workspace.run("report").nothing_to_do
    run = workspace.run("--report", "snakemake.html")
    assert run.status == 0, run.output
    assert "report.html" in (workspace.folder / "snakemake.html").read_text()
    # What the target `agreement` has measured is kept up to date, and nothing without it.
    saved = workspace.folder / "annotations" / "corridor_finish.json"
    for annotator in ("anna", "ben"):
        shutil.copy(saved, saved.with_name(f"corridor.{annotator}.json"))
    saved.unlink()
    assert "write_agreement" not in workspace.plan("report")
    (results / "annotate" / "agreement.csv").touch()
    plan = workspace.plan("report")
    assert plan["write_agreement"] == 1 and plan["write_report_page"] == 1
