"""What is drawn of a video or clip, from the files of a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from avaflow.manifests import ClipManifest
from avaflow.prediction.scene import Scene, keyframe_rows
from avaflow.prediction.table import read_predictions
from avaflow.preview.sights import Judgements
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.tables import LABELS, TRACKS, UNTICKED, read_table
from avaflow.times import annotatable_seconds


def scene_of(
    given: Mapping[str, Any], facts: ClipManifest, margin: int, offset: int, least: float
) -> tuple[Scene, pd.DataFrame | None]:
    """Who is where and what is said of them, and the predictions from `least` on.

    `given` names the files: tracks, and as far as they are wanted csv (predictions), or labels,
    idle and unticked (truth).
    """
    predictions = read_predictions(given["csv"], least) if given.get("csv") else None
    truth = None
    if given.get("labels"):
        truth = Judgements(
            read_table(given["labels"], LABELS),
            read_table(given["idle"], UNTICKED),
            read_table(given["unticked"], UNTICKED),
        )
    seconds = annotatable_seconds(facts.frames, facts.fps, margin)
    scene = Scene(
        read_table(given["tracks"], TRACKS),
        keyframe_rows(seconds, facts.fps),
        facts.fps,
        offset,
        predictions,
        truth,
    )
    return scene, predictions


def names_of(actions: Sequence[Mapping], predictions: pd.DataFrame | None) -> dict[int, str]:
    """Names of actions by id: those of the project, and over them those that a table tells: a
    head may be of another project."""
    names = {one.id: one.name for one in all_actions(attributes_from_config(actions))}
    if predictions is not None:
        told = predictions[predictions["action_id"] > 0].drop_duplicates("action_id")
        names |= dict(zip(told["action_id"].tolist(), told["action"].tolist(), strict=True))
    return names
