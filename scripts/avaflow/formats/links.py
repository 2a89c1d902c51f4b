"""The dataset folder's way to clips and frames: relative links, no second copy."""

from collections.abc import Sequence
from pathlib import Path

from avaflow.files import link, write_text


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
    for kind in ("clips", "rawframes"):
        folder = results / dataset / kind
        for entry in folder.iterdir() if folder.is_dir() else ():
            if entry.is_symlink() and f"{kind}/{entry.name}" not in wanted:
                entry.unlink()
    for name in sorted(wanted):
        link(results / name, results / dataset / name)
    lines = [f"{dataset}/{name}\t{name}\n" for name in sorted(wanted)]
    write_text(listing, "link\ttarget\n" + "".join(lines))
