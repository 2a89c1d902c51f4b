"""The page of predictions in Chromium: by real keys, from the disk, without a network."""

import numpy as np
import pytest

from avaflow.manifests import read_clip_manifest
from avaflow.prediction.page import (
    copy_assets,
    page_data,
    summary,
    write_list,
    write_page,
)
from avaflow.prediction.page_files import asset_names
from avaflow.prediction.scene import Scene
from avaflow.prediction.table import read_predictions, write_predictions
from avaflow.tables import BOX
from page_clips import LAPTOP, until
from preview_clips import FPS, STANDING, judgements, keyframes, tracks, walking, write_clip

HOSTILE = "</script><img src=x onerror=alert(1)>"
NAMES = {1: "walk", 2: HOSTILE, 3: "stand"}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Truth beside prediction of a clip: person 1 walks, person 2 is not found on second 4."""
    import pandas as pd

    folder = tmp_path_factory.mktemp("prediction")
    write_clip(folder)
    facts = read_clip_manifest(folder / "clips/c-1.json")
    at = {s: walking(FPS * s + 1) for s in (2, 3, 4)}
    boxes = [(s, 1, *at[s]) for s in at] + [(s, 2, *STANDING) for s in (2, 3)]
    scores = np.array([(0.9, 0.7, 0.1)] * 3 + [(0.1, 0.1, 0.8)] * 2)
    table = pd.DataFrame(boxes, columns=["second", "person_id", *BOX])
    out = folder / "predictions"
    write_predictions(out / "c-1/p.csv", "c-1", table, scores, list(NAMES.values()), 900)
    truth = judgements(
        [(s, 1, at[s], 1) for s in at]
        + [(s, 2, STANDING, 3) for s in (2, 3, 4)]
        + [(3, 1, at[3], 3)]
    )
    scene = Scene(tracks(), keyframes(), FPS, 900, read_predictions(out / "c-1/p.csv", 0.5), truth)
    data = page_data(scene, facts, "../../clips/c-1.mp4", NAMES, 0.5, True, True)
    write_page(out / "c-1/index.html", out / "c-1/data.js", data)
    write_list(out / "index.html", [summary(data, 0.5, True)])
    copy_assets([out / "assets" / name for name in asset_names()])
    return out


class Visitor:
    """Somebody before the page; all that it asks for or complains of is kept."""

    def __init__(self, browser, path, **options):
        self.context = browser.new_context(viewport=LAPTOP, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(5000)
        self.asked, self.said = [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append("dialog"), dialog.dismiss()))
        self.page.goto(path.as_uri())

    def hear(self, message):
        # Of the tests' own looks at pixels.
        if "willReadFrequently" not in message.text:
            self.said.append(message.text)

    def ready(self):
        until(self.page, "avaflow.prediction && avaflow.prediction.video.readyState >= 2")
        return self.page

    def close(self):
        self.context.close()
        assert self.said == []
        assert self.asked and not [
            url for url in self.asked if not url.startswith(("file:", "data:"))
        ]


@pytest.fixture
def visitor(browser, results):
    person = Visitor(browser, results / "c-1/index.html")
    yield person
    person.close()


def at(page, frame):
    page.evaluate(f"avaflow.prediction.goTo({frame})")
    until(page, f"avaflow.prediction.frame() === {frame} && !avaflow.prediction.video.seeking")
    page.wait_for_timeout(60)


def now(page):
    return [" ".join(text.split()) for text in page.locator("#now li").all_inner_texts()]


def test_who_does_what_is_told_beside_the_image(visitor):
    page = visitor.ready()
    at(page, 61)
    assert now(page) == [
        f"Person 1 walk 0.90 right {HOSTILE} 0.70 false",
        "Person 2 stand 0.80 right",
    ]
    at(page, 121)
    assert now(page)[-1] == "Person 2, not found stand missed"
    at(page, 91)
    assert now(page)[0].endswith("stand missed")


COLOUR = """([x, y]) => {
  const canvas = document.querySelector('#overlay');
  const pen = canvas.getContext('2d');
  return [...pen.getImageData(Math.round(x * canvas.width), Math.round(y * canvas.height), 1, 1)
    .data];
}"""


def test_boxes_move_with_the_persons(visitor):
    page = visitor.ready()
    for frame in (61, 74):  # a keyframe, and a frame between two looks
        at(page, frame)
        x1, y1, _, y2 = walking(frame)
        on_line = page.evaluate(COLOUR, [x1, (y1 + 3 * y2) / 4])
        assert np.abs(np.array(on_line[:3]) - (0x56, 0xB4, 0xE9)).sum() < 90, (frame, on_line)
        inside = page.evaluate(COLOUR, [x1 + 0.04, (y1 + 3 * y2) / 4])
        assert inside[3] == 0
    page.keyboard.press("b")
    assert page.evaluate(COLOUR, [x1, (y1 + 3 * y2) / 4])[3] == 0


def test_keys_and_the_timeline_lead_to_seconds(visitor):
    page = visitor.ready()
    at(page, 61)
    page.keyboard.press("ArrowRight")
    until(page, "avaflow.prediction.frame() === 91")
    page.keyboard.press("k")
    until(page, "avaflow.prediction.frame() === 121")
    page.keyboard.press("j")
    until(page, "avaflow.prediction.frame() === 91")
    lane = page.locator('.lane[aria-label^="Person 1, walk: seconds 2 to 4, right"]')
    place = lane.bounding_box()
    lane.click(position={"x": place["width"] * 0.75, "y": 5})
    until(page, "Math.abs(avaflow.prediction.frame() - 136) <= 2")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    page.locator("#mark").select_option("missed")
    rows = page.locator(".person > button").all_inner_texts()
    assert sorted(rows) == ["Person 1", "Person 2, not found"]
    page.locator("#action").select_option(label=HOSTILE)
    assert page.locator("#nobody").is_visible()
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_somebody_out(browser, results, scheme):
    """By axe, which holds pages against WCAG: the list, a page, and its keys."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe here").Axe()
    for path in (results / "index.html", results / "c-1/index.html"):
        visitor = Visitor(browser, path, color_scheme=scheme)
        if path.parent.name == "c-1":
            at(visitor.ready(), 61)
        violations = axe.run(visitor.page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == []
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= LAPTOP["width"]
        # axe asks for styles, which a page from the disk may not: it is heard, and not counted.
        visitor.context.close()
