"""Clips as the page gets them, and Chromium to open it in."""

import json
import shutil
from pathlib import Path

import pytest

from avaflow.annotation import __file__ as annotation

ASSETS = Path(annotation).parent / "page_assets"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no playwright in this environment"
    )
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as started:
        try:
            chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"chromium does not run here: {error}")
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def rules(browser):
    """A page that holds the rules of the model and nothing to look at."""
    page = browser.new_page()
    for name in ("times", "tracks", "model", "ticks"):
        page.add_script_tag(path=str(ASSETS / f"{name}.js"))
    yield page
    page.close()


def script_text(name: str, value: object) -> str:
    """A data file of a page: `</` would end the script it stands in."""
    text = json.dumps(value, separators=(",", ":")).replace("</", "<\\/")
    return f"window.{name} = {text};\n"
