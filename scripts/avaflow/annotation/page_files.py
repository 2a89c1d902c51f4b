"""Where the page's own files lie: scripts, styles and templates, which no program computes."""

from pathlib import Path

PAGE_ASSETS = Path(__file__).with_name("page_assets")
"""Scripts and styles, which are copied, and templates (`.j2`) of the pages."""

SHARED = (".js", ".css")
"""Suffixes of the files that all pages share."""


def asset_sources() -> list[Path]:
    """The files that all pages share, sorted."""
    return sorted(path for path in PAGE_ASSETS.iterdir() if path.suffix in SHARED)


def asset_names() -> list[str]:
    """Their names, sorted."""
    return [path.name for path in asset_sources()]
