"""The dataset folder's way to clips and frames: relative links, or what the config asks for."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from avaflow.files import link, write_text
from avaflow.lines import lines_of

PLACED = ".placed"
"""The list of what lies in the dataset folder by hard links or copies, a name a line: unlike
symbolic links these cannot be told from a user's own files."""


def link_dataset(
    results: str | Path,
    clips: Sequence[str],
    rawframes: bool,
    listing: str | Path,
    dataset: str = "dataset",
) -> None:
    """Link `clips/{clip}.mp4`, and `rawframes/{clip}` if wanted, under `results/{dataset}`.

    Links of clips that are not asked for any more are removed. `listing` gets a line per
    link: its name and its target, both relative to the results folder.
    """
    results = Path(results)
    wanted = {f"clips/{clip}.mp4" for clip in clips}
    if rawframes:
        wanted |= {f"rawframes/{clip}" for clip in clips}
    placed = results / dataset / PLACED
    before = set(lines_of(placed.read_text(encoding="utf-8"))) if placed.exists() else set()
    for kind in ("clips", "rawframes"):
        folder = results / dataset / kind
        for entry in list(folder.iterdir()) if folder.is_dir() else ():
            name = f"{kind}/{entry.name}"
            if name in wanted:
                continue
            if entry.is_symlink() or (name in before and entry.is_file()):
                entry.unlink()
            elif name in before:
                shutil.rmtree(entry)
    for name in sorted(wanted):
        link(results / name, results / dataset / name)
    own = [name for name in sorted(wanted) if not (results / dataset / name).is_symlink()]
    if own or placed.exists():
        write_text(placed, "".join(f"{name}\n" for name in own))
    lines = [f"{dataset}/{name}\t{name}\n" for name in sorted(wanted)]
    write_text(listing, "link\ttarget\n" + "".join(lines))
