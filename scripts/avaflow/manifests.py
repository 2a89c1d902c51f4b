"""The JSON manifests of clips and of folders of frames, as far as exports need them."""

import json
from collections.abc import Iterable
from pathlib import Path

from avaflow.errors import UserError


def frame_counts(paths: Iterable[str | Path]) -> dict[str, int]:
    """Number of frames by clip, from manifests of clips or of folders of frames."""
    counts = {}
    for path in paths:
        try:
            entry = json.loads(Path(path).read_text(encoding="utf-8"))
            counts[str(entry["clip"])] = int(entry["frames"])
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(
                f"{path}: expected a manifest with clip and frames ({error!r}). "
                "Delete it and run again."
            ) from None
    return counts
