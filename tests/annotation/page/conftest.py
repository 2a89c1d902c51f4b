"""Chromium, a folder of results, and somebody before a clip's page."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from numbered_videos import make_video
from page_clips import ASSETS, FPS, FRAMES, HEIGHT, SECONDS, WIDTH, Annotator


@pytest.fixture(scope="module")
def rules(browser):
    """A page that holds the rules of the model and nothing to look at."""
    page = browser.new_page()
    for name in ("times", "tracks", "model", "ticks", "suggestions"):
        page.add_script_tag(path=str(ASSETS / f"{name}.js"))
    yield page
    page.close()


@pytest.fixture(scope="session")
def results(tmp_path_factory) -> Path:
    """A folder of results: the clip's video, whose frames say their numbers, and keyframes."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "clips").mkdir()
    (folder / "keyframes").mkdir()
    (folder / "annotate").mkdir()
    shutil.copytree(ASSETS, folder / "annotate" / "assets")
    make_video(folder / "clips/c-1.mp4", frames=FRAMES, size=(WIDTH, HEIGHT), first=1)
    for second in SECONDS:
        grey = np.full((HEIGHT, WIDTH, 3), 40 * second, np.uint8)
        cv2.imwrite(str(folder / f"keyframes/{FPS * second + 1}.jpg"), grey)
    return folder


@pytest.fixture
def annotator(browser, results):
    person = Annotator(browser, results)
    yield person
    person.context.close()
    assert person.errors == []
