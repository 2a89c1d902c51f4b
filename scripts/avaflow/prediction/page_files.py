"""Where the files of the pages of predictions lie: scripts, styles, templates."""

from pathlib import Path

from avaflow.annotation.page_files import PAGE_ASSETS, SHARED

PREDICTION_ASSETS = Path(__file__).with_name("page_assets")
"""Scripts and styles, which are copied, and templates (`.j2`) of the pages."""

BORROWED = ("page.css", "times.js")
"""What they share with the pages to annotate on: colours of both themes, clock times."""


def asset_sources() -> list[Path]:
    """All files that the pages are made of, their templates among them."""
    own = (path for path in PREDICTION_ASSETS.iterdir() if path.suffix in (*SHARED, ".j2"))
    return [*sorted(own), *(PAGE_ASSETS / name for name in BORROWED)]


def asset_names() -> list[str]:
    """Names of the files that are copied, sorted."""
    return sorted(path.name for path in asset_sources() if path.suffix in SHARED)
