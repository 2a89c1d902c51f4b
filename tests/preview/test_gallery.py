"""The gallery in Chromium: by real clicks and keys, from the disk, without a network."""

import io

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from avaflow.annotation.page.pages import copy_assets
from avaflow.preview.clip import write_keyframes
from avaflow.preview.colours import colour_of
from avaflow.preview.crop_lists import read_crops
from avaflow.preview.drawing import Painter
from avaflow.preview.gallery import gallery_data, write_gallery
from avaflow.preview.gallery_files import gallery_names, gallery_sources
from avaflow.preview.sights import Sights
from avaflow.preview.video import Part, write_video
from avaflow.project.actions import Action
from avaflow.tables import Keyframe, rows_of
from avaflow.videos.ffmpeg import ffmpeg_exe
from avaflow.videos.frames import ClipVideo
from page_clips import LAPTOP, until
from preview_clips import (
    BLUE,
    FPS,
    FRAMES,
    HEIGHT,
    NAMES,
    RED,
    WIDTH,
    keyframes,
    tracks,
    usual,
    walking,
    write_clip,
)

PHONE = {"width": 390, "height": 844}
HOSTILE = "</script><img src=x onerror=alert(1)>"
ACTIONS = [Action(number, name, "body", "PERSON_MOVEMENT") for number, name in NAMES.items()]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Clip a (train) is annotated, clip b (val) awaits it; b's video begins at 2.5 s."""
    folder = tmp_path_factory.mktemp("gallery")
    preview = folder / "preview"
    painter = Painter(NAMES)
    settings = {"width": WIDTH, "ffmpeg": ffmpeg_exe(), "threads": 1}
    for clip, said, part in (("a", usual(), Part(1, FRAMES)), ("b", None, Part(76, FRAMES))):
        manifest = write_clip(folder, clip)
        table = keyframes(clip)
        sights = Sights(tracks(), table, said, FPS)
        video = ClipVideo(clip, str(folder / f"clips/{clip}.mp4"), FRAMES, FPS, WIDTH, HEIGHT)
        write_video(preview / f"{clip}.mp4", video, sights, painter, part, settings, folder / "log")
        write_keyframes(
            preview / f"{clip}.jpg",
            preview / f"crops/{clip}.json",
            folder / "keyframes" / clip,
            rows_of(table, Keyframe),
            sights,
            manifest,
            painter,
            part,
        )
    clips = [read_crops(preview / f"crops/{clip}.json") for clip in "ab"]
    write_data(preview, gallery_data(clips, {"a": "train", "b": "val"}, ACTIONS))
    return folder


def write_data(preview, data):
    copy_assets([preview / "assets" / name for name in gallery_names()], gallery_sources())
    write_gallery(preview / "index.html", preview / "index.js", data)


class Visitor:
    """Somebody before the gallery; everything that the page asks for or complains of is kept."""

    def __init__(self, browser, **options):
        self.context = browser.new_context(viewport=LAPTOP, **options)
        self.context.set_default_timeout(5000)
        self.page = self.context.new_page()
        self.asked, self.said = [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append("dialog"), dialog.dismiss()))

    def open(self, results, hash_=""):
        self.page.goto((results / "preview/index.html").as_uri() + hash_)
        until(self.page, "Boolean(window.avaflow && avaflow.gallery)")
        return self

    def names(self):
        found = self.page.locator("#groups .crop")
        return [one.get_attribute("aria-label") for one in found.all()]

    def groups(self):
        return [text.split("\n")[0] for text in self.page.locator("#groups h2").all_inner_texts()]

    def summary(self):
        return self.page.locator("#summary").inner_text()

    def pixels(self, locator):
        return np.array(Image.open(io.BytesIO(locator.screenshot())).convert("RGB"))[:, :, ::-1]


@pytest.fixture
def visitor(browser):
    person = Visitor(browser)
    yield person
    person.context.close()
    assert person.said == []
    assert [url for url in person.asked if not url.startswith(("file:", "data:"))] == []
    assert person.asked


def off(one, other):
    return float(np.abs(np.asarray(one, float) - other).mean())


def test_persons_are_side_by_side_by_action(visitor, results):
    visitor.open(results)
    assert visitor.summary() == "12 crops of 2 clips"
    assert visitor.groups() == [
        "walk",
        "raise hand",
        "stand",
        "judged, no action",
        "not judged",
        "not annotated yet",
    ]
    first = visitor.names()
    assert first[:4] == [
        "Person 1 in a, second 2: walk",
        "Person 1 in a, second 3: walk",
        "Person 1 in a, second 4: walk, raise hand",
        "Person 1 in a, second 4: walk, raise hand",
    ]
    assert first[5:7] == [
        "Person 2 in a, second 2: judged, no action",
        "Person 2 in a, second 3: not judged",
    ]


def test_crops_show_their_person_in_the_persons_colour(visitor, results):
    visitor.open(results)
    for number, colour in ((1, RED), (2, BLUE)):
        crop = visitor.page.locator(f'.crop[aria-label^="Person {number} in a"]').first
        picture = visitor.pixels(crop.locator(".picture"))
        height, width = picture.shape[:2]
        inner = picture[height // 4 : -height // 4, width // 4 : -width // 4]
        assert off(inner.mean(axis=(0, 1)), colour) < 10
        line = crop.locator(".under").evaluate("one => getComputedStyle(one).borderTopColor")
        hexes = colour_of(number)
        assert line == "rgb({}, {}, {})".format(*(int(hexes[at : at + 2], 16) for at in (1, 3, 5)))


def test_filters_choose(visitor, results):
    page = visitor.open(results).page
    page.locator("#action").select_option(label="raise hand (1)")
    assert visitor.names() == ["Person 1 in a, second 4: walk, raise hand"]
    assert visitor.summary() == "1 crop of 1 clip, of 12"
    page.get_by_role("button", name="Clear").click()
    until(page, "document.querySelectorAll('.crop').length === 13")
    page.locator("#state").select_option("idle")
    assert visitor.names() == ["Person 2 in a, second 2: judged, no action"]
    page.locator("#state").select_option("unjudged")
    assert visitor.names() == ["Person 2 in a, second 3: not judged"]
    page.locator("#state").select_option("")
    page.locator("#split").select_option("val")
    page.locator("#person").fill("2")
    assert visitor.names() == [f"Person 2 in b, second {s}: not annotated yet" for s in (2, 3, 4)]
    page.locator("#split").select_option("")
    page.locator("#clip").fill("A")
    assert len(visitor.names()) == 3
    page.locator("#clip").fill("nowhere")
    assert visitor.names() == [] and page.locator("#none").is_visible()
    page.get_by_role("button", name="Clear").click()
    # Both persons are 90 px high, and the detector gave all 0.9.
    page.locator("#height-least").fill("91")
    assert visitor.names() == []
    page.locator("#height-least").fill("90")
    page.locator("#score-most").fill("0.85")
    assert visitor.names() == []
    page.locator("#score-most").fill("0.95")
    assert len(visitor.names()) == 13


def test_groups_and_orders(visitor, results):
    page = visitor.open(results).page
    page.locator("#group").select_option("person")
    assert visitor.groups() == ["Person 1 of a", "Person 2 of a", "Person 1 of b", "Person 2 of b"]
    page.locator("#group").select_option("clip")
    assert visitor.groups() == ["a", "b"]
    # What is chosen stands in the address, and comes back from there.
    address = page.url
    assert address.endswith("#group=clip")
    page.goto("about:blank")
    page.goto(address)
    assert visitor.groups() == ["a", "b"]


def test_a_crop_opens_its_keyframe_and_the_video_at_its_second(visitor, results):
    page = visitor.open(results).page
    page.locator('.crop[aria-label="Person 1 in a, second 3: walk"]').first.click()
    assert page.locator("#look-title").inner_text() == "Person 1: walk"
    until(page, "document.querySelector('#keyframe').naturalWidth === 320")
    still, mark = page.locator("#still").bounding_box(), page.locator(".mark.chosen").bounding_box()
    x1, y1, x2, y2 = walking(91)
    assert (mark["x"] - still["x"]) / still["width"] == pytest.approx(x1, abs=0.01)
    assert (mark["y"] - still["y"]) / still["height"] == pytest.approx(y1, abs=0.01)
    assert mark["width"] / still["width"] == pytest.approx(x2 - x1, abs=0.01)
    assert page.locator(".mark").count() == 2
    # It plays from half a second before.
    until(page, "document.querySelector('#video').currentTime > 2.5")
    assert page.evaluate("document.querySelector('#video').currentTime") < 4
    assert page.locator("#video").evaluate("one => one.src").endswith("/preview/a.mp4")
    href = page.locator("#annotate").get_attribute("href")
    assert href == "../annotate/a.html#second=3&person=1"
    assert (results / "preview" / page.locator("#sheet").get_attribute("href")).is_file()
    facts = page.locator("#facts").inner_text().replace("\n", " ")
    assert "Second 3" in facts and "Box 48 × 90 px" in facts and "Score 0.90" in facts


def test_keys_go_from_crop_to_crop_and_back(visitor, results):
    page = visitor.open(results).page
    page.locator(".crop").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert "2 of 3" in page.locator("#look-place").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("#look-title").inner_text() == "Person 1: walk, raise hand"
    assert page.locator("#next").is_disabled()
    page.keyboard.press("Escape")
    # Back on the crop that was looked at last, not on the one that was opened.
    until(page, "document.activeElement.ariaLabel === 'Person 1 in a, second 4: walk, raise hand'")
    assert page.evaluate("document.activeElement.at") == 2
    page.keyboard.press("ArrowDown")
    focused = page.evaluate("document.activeElement.at + document.activeElement.group.name")
    assert focused == "0raise hand"
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.group.name") == "walk"


def test_beyond_the_short_video_the_clip_itself_plays_and_says_so(visitor, results):
    page = visitor.open(results, "#clip=b&person=1").page
    page.locator('.crop[aria-label^="Person 1 in b, second 2"]').click()
    until(page, "document.querySelector('#video').currentTime > 1.5")
    assert page.locator("#video").evaluate("one => one.src").endswith("/clips/b.mp4")
    assert "The clip itself" in page.locator("#video-told").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    until(page, "document.querySelector('#video').src.endsWith('/preview/b.mp4')")
    # It begins at 2.5 s of the clip, so that half a second before second 4 is its second 1.
    until(page, "document.querySelector('#video').currentTime >= 1")
    assert page.evaluate("document.querySelector('#video').currentTime") < 3


def test_a_keyframe_keeps_its_shape_on_a_low_screen(visitor, results):
    visitor.page.set_viewport_size({"width": 1366, "height": 400})
    page = visitor.open(results).page
    page.locator(".crop").first.click()
    until(page, "document.querySelector('#keyframe').naturalWidth === 320")
    still = page.locator("#still").bounding_box()
    assert still["width"] / still["height"] == pytest.approx(16 / 9, abs=0.02)
    assert still["height"] <= 0.63 * 400


def test_pictures_that_are_gone_are_told(browser, results, tmp_path):
    import shutil

    folder = tmp_path / "results"
    shutil.copytree(results / "preview", folder / "preview")
    visitor = Visitor(browser)
    page = visitor.open(folder, "#clip=a").page
    page.locator(".crop").first.click()
    until(page, "document.querySelector('#still').hidden")
    assert "../keyframes/a/a_000061.jpg" in page.locator("#keyframe-told").inner_text()
    until(page, "document.querySelector('#video').readyState > 1")
    visitor.context.close()
    # Chromium says itself that a file is missing.
    assert all("ERR_FILE_NOT_FOUND" in said for said in visitor.said)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_nothing_leaves_the_screen_and_texts_are_read(browser, results, size, scheme):
    visitor = Visitor(browser, color_scheme=scheme)
    page = visitor.page
    page.set_viewport_size(size)
    visitor.open(results)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.locator("#filters form").is_visible() == (size == LAPTOP)
    page.locator(".crop").first.click()
    assert page.evaluate("document.querySelector('#look').scrollWidth") <= size["width"]
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 40 and min(contrasts) >= 4.5
    visitor.context.close()
    assert visitor.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_gallery_keeps_what_wcag_asks(browser, results, scheme):
    """By axe, which holds pages against WCAG: the crops, and a person looked at."""
    axe = Axe()
    visitor = Visitor(browser, color_scheme=scheme)
    page = visitor.open(results).page
    for opened in (False, True):
        if opened:
            page.locator(".crop").first.click()
        violations = axe.run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == []
    visitor.context.close()


CONTRASTS = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) =>
      v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parts(getComputedStyle(at).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('body *')].filter((one) =>
    !one.disabled && !one.closest(':disabled') && one.getClientRects().length &&
    [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  return texts.map((one) => {
    const both = [light(parts(getComputedStyle(one).color).slice(0, 3)), light(ground(one))];
    both.sort((a, b) => a - b);
    return (both[1] + 0.05) / (both[0] + 0.05);
  });
}"""


def made_up(clips=1, crops=10, name="c"):
    """Data of many crops that lie in images that are not there."""
    return {
        "actions": [{"id": n, "name": f"action {n}", "attribute": "body"} for n in range(1, 11)],
        "colours": ["#56b4e9"],
        "nobody": "#c8ccd2",
        "clips": [
            {
                "clip": f"{name}{clip}",
                "fps": 30,
                "seconds": 60,
                "width": 640,
                "height": 360,
                "judged": True,
                "split": "train",
                "sheet": "a.jpg",
                "video": "a.mp4",
                "begin": 0,
                "end": 20,
                "whole": "../clips/a.mp4",
                "page": "../annotate/a.html",
                "images": ["data:,"],
                "keyframes": {},
                "crops": [
                    [n, n % 7 + 1, "acts", [n % 10 + 1], [0.1, 0.1, 0.2, (n % 80 + 20) / 100]]
                    + [n % 100 / 100, 0, 0, 0, 60, 144]
                    for n in range(crops)
                ],
            }
            for clip in range(clips)
        ],
    }


def test_hostile_names_are_text(visitor, tmp_path):
    data = made_up(name=HOSTILE)
    data["actions"][0]["name"] = HOSTILE
    write_data(tmp_path / "preview", data)
    visitor.open(tmp_path)
    assert visitor.groups()[0] == HOSTILE
    assert visitor.page.locator(".crop .place").first.text_content() == HOSTILE + "0"
    visitor.page.locator(".crop").first.click()
    assert visitor.page.locator("#look-title").inner_text() == "Person 1: " + HOSTILE
    assert visitor.page.locator("#facts dd").first.inner_text() == HOSTILE + "0"
    assert visitor.page.locator("img[src=x]").count() == 0
    visitor.page.keyboard.press("Escape")
    visitor.said = [said for said in visitor.said if "ERR_FILE_NOT_FOUND" not in said]


def test_a_hundred_thousand_crops_are_shown_as_they_are_wanted(visitor, tmp_path):
    write_data(tmp_path / "preview", made_up(clips=100, crops=1000))
    page = visitor.open(tmp_path).page
    assert visitor.summary() == "100,000 crops of 100 clips"
    # Groups show their first; all of one come as somebody scrolls.
    assert page.locator(".crop").count() <= 240
    took = page.evaluate("""() => {
      const began = performance.now();
      document.querySelector('#sort').value = 'small';
      avaflow.gallery.show();
      return performance.now() - began;
    }""")
    assert took < 2000
    page.get_by_role("button", name="Show all 10,000 of action 2", exact=True).click()
    assert visitor.groups() == ["action 2"]
    tall = page.evaluate("[...document.querySelectorAll('.crop')].map((one) => one.item.tall)")
    assert tall == sorted(tall) and len(tall) < 500
    page.keyboard.press("End")
    until(page, f"document.querySelectorAll('.crop').length > {len(tall)}")


def test_missing_data_is_told(visitor, tmp_path):
    write_data(tmp_path / "preview", made_up())
    (tmp_path / "preview/index.js").write_text("")
    visitor.page.goto((tmp_path / "preview/index.html").as_uri())
    assert "Run the workflow again" in visitor.summary()


def test_what_an_earlier_version_left_is_taken_away(tmp_path):
    old = tmp_path / "assets" / "old.js"
    old.parent.mkdir()
    old.write_text("")
    copy_assets([tmp_path / "assets" / name for name in gallery_names()], gallery_sources())
    assert sorted(path.name for path in old.parent.iterdir()) == gallery_names()
