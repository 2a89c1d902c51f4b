"""The lists of videos and labels that readers of Kinetics take.

PySlowFast's `Kinetics` dataset splits each line at `DATA.PATH_LABEL_SEPARATOR` and asserts two
parts; PyTorchVideo's `LabeledVideoPaths` splits at the last white space."""

from collections.abc import Mapping, Sequence

from avaflow.errors import UserError
from avaflow.kinetics.manifest import GOOD

SEPARATORS = {"space": " ", "comma": ","}
"""PySlowFast's default separator, and the one for paths with spaces in them."""


NO_LABEL = -1
"""The label of a test video whose class is held back, as PyTorchVideo gives it."""


def list_line(path: str, label: int, separator: str) -> str:
    """A line of a list; ValueError where a reader would split it in a wrong place."""
    if separator in path or "\n" in path or (separator == " " and len(path.split()) != 1):
        raise ValueError(f"{path!r} holds the separator")
    return f"{path}{separator}{label}\n"


def paths_refused(paths: Sequence[str], separator: str) -> str:
    """Why a list cannot hold these paths; empty where it can. `separator` is `space` or `comma`."""
    bad = []
    for path in paths:
        try:
            list_line(path, 0, SEPARATORS[separator])
        except ValueError:
            bad.append(path)
    if not bad:
        return ""
    other = (
        "Set kinetics.separator: comma and DATA.PATH_LABEL_SEPARATOR ',' in PySlowFast"
        if separator == "space" and not any("," in path for path in bad)
        else "Rename these files or folders"
    )
    return (
        f"readers split each line of a list at a {separator}, and {len(bad)} "
        f"{'path has' if len(bad) == 1 else 'paths have'} one, such as {bad[0]!r}. {other}."
    )


def list_text(
    rows: Sequence[Mapping[str, str]],
    split: str,
    ids: Mapping[str, int],
    separator: str,
    prefix: str,
    root: str,
) -> str:
    """The list of a split from rows of manifests: a line per video and label, sorted.

    Paths start at `root` (empty: as they are), with `prefix` before them.
    """
    lines = []
    for row in rows:
        if row["split"] == split and row["status"] in GOOD:
            path = row["file"].removeprefix(f"{root}/") if root else row["file"]
            label = ids.get(row["label"], NO_LABEL)
            lines.append(list_line(f"{prefix}{path}", label, SEPARATORS[separator]))
    if not lines:
        raise UserError(
            f"kinetics: no video of the split {split} can be used, as the manifests of the batches "
            "tell one by one. An empty list would stop PySlowFast: fix the videos, or leave "
            f"kinetics.videos.{split} empty."
        )
    return "".join(sorted(lines))
