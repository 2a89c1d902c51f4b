"""The papers of a dataset's folder: card, citation, Croissant and manifest, which say one thing."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from avaflow.files import write_text
from avaflow.publishing.card import card_text, citation_text
from avaflow.publishing.croissant import croissant_text
from avaflow.publishing.manifest import FileEntry, file_entries, manifest_text

README, CITATION = "README.md", "CITATION.cff"
CROISSANT, MANIFEST = "croissant.json", "manifest.json"
PAPERS = (README, CITATION, CROISSANT, MANIFEST)
"""Their names in the dataset's folder."""


def write_papers(
    folder: str | Path,
    manifest: Mapping[str, Any],
    files: Iterable[FileEntry],
    form: str = "folder",
) -> list[FileEntry]:
    """Write the four of them; the files that the manifest lists, which are all but itself."""
    folder = Path(folder)
    files = sorted(files)
    write_text(folder / README, card_text(manifest, form))
    write_text(folder / CITATION, citation_text(manifest))
    write_text(folder / CROISSANT, croissant_text(manifest, files))
    papers = file_entries(folder, [folder / name for name in (README, CITATION, CROISSANT)])
    listed = sorted([*files, *papers])
    write_text(folder / MANIFEST, manifest_text(manifest, listed))
    return listed
