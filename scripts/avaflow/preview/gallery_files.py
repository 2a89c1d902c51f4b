"""Where the gallery's own files lie: scripts, styles and its page, which no program computes."""

from pathlib import Path

from avaflow.annotation.page_files import PAGE_ASSETS, SHARED

GALLERY_ASSETS = Path(__file__).with_name("gallery_assets")
"""Scripts and styles, which are copied, and the template (`.j2`) of the page."""

BORROWED = ("page.css", "times.js")
"""What the gallery shares with the pages to annotate on: colours of both themes, clock times."""


def gallery_sources() -> list[Path]:
    """All files that the gallery is made of, its template among them."""
    own = (path for path in GALLERY_ASSETS.iterdir() if path.suffix in (*SHARED, ".j2"))
    return [*sorted(own), *(PAGE_ASSETS / name for name in BORROWED)]


def gallery_names() -> list[str]:
    """Names of the files that are copied, sorted."""
    return sorted(path.name for path in gallery_sources() if path.suffix in SHARED)
