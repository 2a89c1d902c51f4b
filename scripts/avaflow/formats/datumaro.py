"""The dataset as Datumaro's `ava` importer takes it.

Reader: Datumaro 1.x. It imports every `annotations/ava_*.csv`, names a subset by what stands
between `ava_` and `_v2.2`, and looks for an image per keyframe,
`frames/{clip}/{clip}_{timestamp as in the csv}.jpg`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from avaflow.errors import UserError
from avaflow.files import atomic_folder, link
from avaflow.formats.ava import read_csv
from avaflow.templates import render

ACTION_LIST = "ava_action_list_v2.2.pbtxt"


def csv_name(split: str) -> str:
    """The file name of a split's csv."""
    return f"ava_{split}_v2.2.csv"


def write_annotations(
    folder: str | Path, csvs: Mapping[str, str | Path], action_list: str | Path
) -> None:
    """Make the annotations folder anew: copies of the csv of each split and the action list.

    A csv of a split that has no labels any more disappears; Datumaro would import it.
    """
    with atomic_folder(folder) as temporary:
        for split, path in csvs.items():
            (temporary / csv_name(split)).write_bytes(Path(path).read_bytes())
        (temporary / ACTION_LIST).write_bytes(Path(action_list).read_bytes())


def write_frames(
    folder: str | Path,
    csvs: Sequence[str | Path],
    keyframes: Mapping[str, Mapping[int, str | Path]],
) -> int:
    """Make the frames folder anew: a relative link per labelled keyframe; returns how many.

    `keyframes` maps a clip to the images of its timestamps. Links of clips that are gone
    disappear with the old folder.
    """
    labelled = sorted({(row.clip, row.timestamp) for path in csvs for row in read_csv(path)})
    with atomic_folder(folder) as temporary:
        for clip, timestamp in labelled:
            image = keyframes.get(clip, {}).get(timestamp)
            if image is None:
                raise UserError(
                    f"clip {clip}, timestamp {timestamp}: labelled, but it has no keyframe. "
                    "Delete the clip's keyframes and run again"
                )
            link(image, temporary / clip / f"{clip}_{timestamp}.jpg")
    return len(labelled)


def readme_text(splits: Sequence[str], images: int, dataset: str) -> str:
    """The folder's README. `dataset` is the dataset folder as the workflow names it."""
    return render(
        __file__,
        "README.md",
        splits=splits,
        csv_names=[csv_name(split) for split in splits],
        images=images,
        dataset=dataset,
    )
