"""What an earlier state of a project left in the dataset folder, and must not be trained on.

A clip changes its split, annotations are taken away, an export is switched off: nothing
rebuilds the files of before, so they would lie there with old rows and old action ids.
"""

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from avaflow.formats.links import link_dataset
from avaflow.formats.mmaction2 import again_csv
from avaflow.project.clips import SPLITS
from avaflow.publishing.papers import PAPERS

EXPORTED = {
    "mmaction2": [
        "README.md",
        "slowfast_frames.py",
        "slowfast_video.py",
        "demo_with_boxes.py",
        *(again_csv(times) for times in range(2, 21)),
    ],
    "slowfast": [
        "README.md",
        "SLOWFAST.yaml",
        "label_map.json",
        "frame_lists/{split}.csv",
        "ava_{split}_predicted_boxes.csv",
    ],
    "datumaro": ["README.md", "annotations", "frames"],
    "cvat": ["README.md", "*.xml"],
    "coco": ["README.md", "images", "{split}.json"],
    "mot": ["README.md", "actions.csv", "*/gt/gt.txt", "*/seqinfo.ini"],
    "yolo": ["README.md", "data.yaml", "images", "labels"],
    "alphaction": [
        "README.md",
        "paths_catalog_entry.txt",
        "finetune_resnet50_4x16f.yaml",
        "annotations",
        "boxes",
        "clips",
        "keyframes",
    ],
    "predict": [
        "README.md",
        "links.tsv",
        "annotations",
        "clips",
        "rawframes",
        "mmaction2",
        "slowfast",
        "alphaction",
    ],
}
"""What each export writes, `*` for a clip. Other files beside these are a user's own."""

OF_A_SPLIT = [
    "annotations/{split}.csv",
    "annotations/{split}_excluded_timestamps.csv",
    "tables/{split}.csv",
    "tables/{split}_idle.csv",
]

OF_ANY_SPLIT = [
    *PAPERS,
    "annotations/included_timestamps.txt",
    "annotations/action_list.pbtxt",
    "annotations/label_map.txt",
    "links.tsv",
]


def drop_leftovers(
    results: str | Path, splits: Collection[str], exports: Collection[str], rawframes: bool
) -> list[str]:
    """Remove what is not of the present dataset; returns the removed paths.

    `splits` are those with a finished clip: without any there is no dataset. `exports` are
    those that are made now, `rawframes` whether frames are kept.
    """
    dataset = Path(results) / "dataset"
    kept = set(_files(splits, exports))
    if not rawframes:
        kept.discard("mmaction2/slowfast_frames.py")
    removed = []
    found = (
        path
        for name in _files(SPLITS, EXPORTED)
        if name not in kept
        for path in _there(dataset, name)
    )
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        removed.append(str(path))
    if not splits and dataset.exists():
        link_dataset(results, [], False, dataset / "links.tsv")
        (dataset / "links.tsv").unlink()
    return removed


def _there(dataset: Path, name: str) -> list[Path]:
    """The paths that a name, or a pattern, stands for and that are there."""
    if "*" in name:
        return sorted(dataset.glob(name))
    path = dataset / name
    return [path] if path.exists() or path.is_symlink() else []


def _files(splits: Collection[str], exports: Collection[str]) -> Iterator[str]:
    patterns = [*OF_A_SPLIT, *(OF_ANY_SPLIT if splits else [])]
    patterns += [f"{export}/{name}" for export in exports for name in EXPORTED[export]]
    for pattern in patterns:
        if "{split}" in pattern:
            yield from (pattern.format(split=split) for split in splits)
        else:
            yield pattern
