"""Clips as the page gets them, and somebody before the page in Chromium."""

import json
import time
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from avaflow.annotation import __file__ as annotation

ASSETS = Path(annotation).parent / "page_assets"
FPS, FRAMES, WIDTH, HEIGHT = 30, 180, 192, 108
SECONDS = (1, 2, 3, 4)
ATTRIBUTES = [
    {"name": "body", "choose": "single", "options": ["stand", "sit", "walk"], "keys": list("123")},
    {"name": "head", "choose": "multiple", "options": ["talk", "bow"], "keys": list("45")},
]
PATIENCE_S = 5
"""Seconds that a test waits for a page."""

LAPTOP, DESK = {"width": 1366, "height": 768}, {"width": 1920, "height": 1080}


def track(number: int, x: float, first: int = 1, last: int = FRAMES, y: float = 0.3) -> dict:
    """Somebody who stands still at `x`, looked at on every tenth frame."""
    frames = list(range(first, last + 1, 10))
    return {"id": number, "frames": frames, "boxes": [[x, y, x + 0.15, y + 0.5]] * len(frames)}


def clip(name: str = "c-1", **changes) -> dict:
    """The data of a clip with three persons: 1 and 2 all the time, 3 from frame 61 to 121."""
    return {
        "version": 1,
        "clip": name,
        "video": "../clips/c-1.mp4",
        "fps": FPS,
        "frames": FRAMES,
        "width": WIDTH,
        "height": HEIGHT,
        "start": 0.5,
        "keyframes": [
            {"second": s, "frame": FPS * s + 1, "image": f"../keyframes/{FPS * s + 1}.jpg"}
            for s in SECONDS
        ],
        "attributes": ATTRIBUTES,
        "tracks": [track(1, 0.1), track(2, 0.4), track(3, 0.7, 61, 121)],
        "doubts": [],
        "finished": None,
        "annotator": "",
        "settings": {"reaction_ms": 0},
        **changes,
    }


def many(persons: int, seconds: int) -> dict:
    """A clip with so many persons, all there all the time, looked at three times a second."""
    frames = list(range(1, 30 * seconds, 10))
    tracks = []
    for n in range(1, persons + 1):
        x, y = 0.8 * (n % 20) / 20, 0.1 + 0.5 * (n // 20) / 10
        boxes = [[round(x + (f % 7) / 1000, 6), y, round(x + 0.05, 6), y + 0.2] for f in frames]
        tracks.append({"id": n, "frames": frames, "boxes": boxes})
    keyframes = [
        {"second": s, "frame": 30 * s + 1, "image": f"../keyframes/{30 * s + 1}.jpg"}
        for s in range(2, seconds - 1)
    ]
    return clip("many", tracks=tracks, keyframes=keyframes, frames=30 * seconds)


def script_text(name: str, value: object) -> str:
    """A data file of a page: `</` would end the script it stands in."""
    text = json.dumps(value, separators=(",", ":")).replace("</", "<\\/")
    return f"window.{name} = {text};\n"


def html(template: str, **values: str) -> str:
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(f"{template}.html.j2").render(**values)


def write_clip(folder: Path, data: dict) -> Path:
    """A clip's page and its data; the path of the page."""
    page = folder / "annotate" / f"{data['clip']}.html"
    page.with_suffix(".js").write_text(script_text("AVAFLOW_CLIP", data))
    page.write_text(html("clip", clip=data["clip"], script=quote(f"{data['clip']}.js")))
    return page


def write_index(folder: Path, clips: list[dict]) -> Path:
    page = folder / "annotate" / "index.html"
    page.with_suffix(".js").write_text(script_text("AVAFLOW_INDEX", {"clips": clips}))
    page.write_text(html("index"))
    return page


def until(page, script: str) -> None:
    """Wait until a script is true; the page's policy keeps Playwright from waiting itself."""
    ends = time.monotonic() + PATIENCE_S
    while not page.evaluate(script):
        assert time.monotonic() < ends, f"never true: {script}"
        page.wait_for_timeout(20)


class Annotator:
    """Somebody before the page of a clip, in a browser of their own."""

    def __init__(self, browser, folder: Path):
        self.context = browser.new_context(viewport=LAPTOP)
        self.context.set_default_timeout(5000)
        self.folder = folder
        self.page = None
        self.dialogs: list[str] = []
        self.errors: list[str] = []

    def open(self, data: dict | None = None, address: str = "", viewport=LAPTOP):
        path = write_clip(self.folder, clip() if data is None else data)
        if self.page:
            self.page.close()
        self.page = self.window(address or path.as_uri())
        self.page.set_viewport_size(viewport)
        return self

    def window(self, address: str):
        page = self.context.new_page()
        page.on("dialog", self._answer)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        until(page, "Boolean(window.avaflow && avaflow.app && avaflow.app.boxes.area)")
        until(page, "avaflow.app.player.stills || avaflow.app.player.video.readyState > 1")
        return page

    def until(self, script: str):
        until(self.page, script)

    def _answer(self, dialog):
        self.dialogs.append(dialog.message)
        dialog.accept()

    def press(self, *keys: str):
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def seek(self, frame: int):
        self.page.evaluate(f"avaflow.app.seekFrame({frame})")
        self.until("!avaflow.app.player.seeking")

    def text(self, part: str) -> str:
        return self.page.locator(part).inner_text()

    def wait_for(self, part: str, text: str):
        self.page.locator(part, has_text=text).first.wait_for()

    def value(self, script: str):
        return self.page.evaluate(f"avaflow.app.{script}")

    def persons(self) -> dict[int, dict]:
        return {one["id"]: one for one in self.value("doc.persons")}

    def spans(self, person: int) -> list[tuple]:
        spans = self.persons()[person]["spans"]
        return [(span["option"], span["from"], span["to"]) for span in spans]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a place of the picture, in 0..1, lies on the screen."""
        box = self.page.locator("#picture").bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def click(self, x: float, y: float):
        self.page.mouse.click(*self.at(x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float]):
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end), steps=4)
        self.page.mouse.up()

    def save(self) -> Path:
        with self.page.expect_download() as download:
            self.page.keyboard.press("Control+s")
        path = self.folder / "saved" / download.value.suggested_filename
        download.value.save_as(path)
        return path
