"""Where the page's own files lie: script, style and template, which no program computes."""

from pathlib import Path

from avaflow.annotation.page_files import PAGE_ASSETS, SHARED

OWN_ASSETS = Path(__file__).with_name("page_assets")
"""Script and style, which are copied, and the template (`.j2`) of the page."""

BORROWED = ("page.css",)
"""What it shares with the pages to annotate on: colours of both themes."""


def page_sources() -> list[Path]:
    """All files that the page is made of, its template among them."""
    own = (path for path in OWN_ASSETS.iterdir() if path.suffix in (*SHARED, ".j2"))
    return [*sorted(own), *(PAGE_ASSETS / name for name in BORROWED)]


def page_names() -> list[str]:
    """Names of the files that are copied, sorted."""
    return sorted(path.name for path in page_sources() if path.suffix in SHARED)
