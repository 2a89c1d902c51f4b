"""Clips that nobody labelled, as each toolbox takes them to say what a trained model sees there.

The folder is a dataset like the one to train on, with the one split :data:`SPLIT`. The test loops
of mmaction2 (`AVADataset`) and PySlowFast (`AVAMeter`) look only at keyframes that an annotation
file names, so this one holds a row a keyframe that nobody said: see :func:`placeholder_rows`.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from avaflow.errors import UserError
from avaflow.formats.alphaction import Split, annotatable, detected_boxes, images
from avaflow.formats.ava import Row, rounds_to_nothing
from avaflow.formats.proposals import READER_SCORE, split_key
from avaflow.listing import commas
from avaflow.templates import render
from avaflow.times import second_of_timestamp
from avaflow.videos.segments import SegmentsManifest

SPLIT = "predict"
"""The split of clips without labels, in the names of files and as the configs' test split."""

PLACEHOLDER = 1
"""Action and person of a row that stands for a keyframe: an id of 0 would be the background to
mmaction2, and PySlowFast takes the person for a score where no box is certain enough."""


def placeholder_rows(proposals: Mapping[str, np.ndarray]) -> list[Row]:
    """A row for each keyframe on which somebody is proposed: the best box, action 1, person 1.

    Without anybody on a keyframe there is nothing to say, and mmaction2 would judge the whole
    image as one person. UserError where that leaves no keyframe: an empty csv crashes readers.
    """
    rows = []
    for key in sorted(proposals, key=split_key):
        clip, timestamp = split_key(key)
        boxes = (tuple(map(float, box[:4])) for box in proposals[key])
        best = next((box for box in boxes if not rounds_to_nothing(box)), None)
        if best is not None:
            x1, y1, x2, y2 = best
            rows.append(Row(clip, timestamp, (x1, y1, x2, y2), PLACEHOLDER, PLACEHOLDER))
    if not rows:
        raise UserError(
            "prediction_files: nobody was detected on a keyframe of the clips without labels, so "
            "there is nothing to predict. Lower detector.confidence, or take another detector"
        )
    return rows


def dataset_name(name: str) -> str:
    """The folder's name for AlphAction, beside that of the dataset to train on."""
    return f"{name}_{SPLIT}"


def catalog_text(name: str) -> str:
    """The entry for AlphAction's `DATASETS`; `name` is that of the dataset to train on.

    Without `eval_file_paths` its evaluation only writes what the model says (`ava_eval.py`).
    """
    return render(__file__, "paths_catalog_entry.txt", name=dataset_name(name), split=SPLIT)


def alphaction_split(
    proposals: Mapping[str, np.ndarray],
    manifests: Mapping[str, SegmentsManifest],
    settings: Mapping,
    margin: int,
    offset: int,
) -> tuple[Split, list[dict]]:
    """The split for AlphAction, and its images: keyframes whose window lies inside the clip."""
    readable = {
        clip: set(annotatable(manifest.segments, settings, margin))
        for clip, manifest in manifests.items()
    }
    instants = [
        (clip, timestamp)
        for clip, timestamp in map(split_key, sorted(proposals, key=split_key))
        if second_of_timestamp(timestamp, offset) in readable[clip]
    ]
    listed = images(instants, manifests)
    boxes = detected_boxes(listed, proposals, settings["person_score"])
    if not boxes:
        raise UserError(
            "prediction_files: on no keyframe of the clips without labels a person was detected "
            f"with {settings['person_score']:g} or more, so AlphAction has nothing to judge. Lower "
            "alphaction.person_score, or take alphaction out of `exports`"
        )
    return Split(SPLIT, [], sorted(instants), boxes), listed


def readme_text(
    clips: Sequence[str],
    rows: Iterable[Row],
    toolboxes: Sequence[str],
    modes: Sequence[str],
    folder: str,
    name: str,
    left_out: Sequence[str],
) -> str:
    """The folder's README. `folder` is it as the workflow names it, `name` that of AlphAction's
    dataset to train on, `left_out` are clips without a box that PySlowFast would take."""
    shown = {row.clip for row in rows}
    return render(
        __file__,
        "README.md",
        clips=len(clips),
        nobody=commas([clip for clip in clips if clip not in shown]),
        toolboxes=toolboxes,
        best=f"slowfast_{modes[0]}",
        folder=folder,
        name=dataset_name(name),
        split=SPLIT,
        left_out=commas(left_out),
        reader_score=READER_SCORE,
    )
