"""Whom suggestions are learnt from, and whom they are made for."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from avaflow.baseline.examples import NOWHERE, Judged, join
from avaflow.suggestions.learning import Examples
from avaflow.tables import LABELS, NOBODY, UNTICKED, empty_table


def examples_of(
    featured: pd.DataFrame,
    vectors: np.ndarray,
    judged: Mapping[str, Judged],
    groups: Mapping[str, str],
    actions: int,
) -> Examples:
    """The judged persons who have a feature, of the clips in `judged`, which are train's.

    `featured` and `vectors` are of all clips (`baseline.examples.featured_persons`), `groups` say
    which clips stay together: those of one video.
    """
    persons = join(featured, vectors, judged, {clip: [] for clip in judged}, actions)
    feature = persons.judged["feature"].to_numpy(int)
    own = np.flatnonzero(feature != NOWHERE)
    places = featured.iloc[feature[own]][["clip", "second", "person_id"]].reset_index(drop=True)
    return Examples(
        places,
        vectors[feature[own]],
        persons.targets[own],
        [groups[clip] for clip in places["clip"].tolist()],
    )


def open_rows(
    featured: pd.DataFrame, awaiting: Collection[str], unticked: Mapping[str, pd.DataFrame]
) -> np.ndarray:
    """The rows of `featured` that nobody has judged: all of the clips that await annotation, and
    of those judged in part the persons in their tables `unticked`."""
    waits = featured["clip"].isin(list(awaiting)).to_numpy(bool)
    said = {
        clip: Judged(empty_table(LABELS), empty_table(UNTICKED), table, empty_table(NOBODY))
        for clip, table in unticked.items()
    }
    nothing = np.zeros((len(featured), 0), np.float32)
    left = join(featured, nothing, said, {clip: [] for clip in said}, 1).featured["unknown"]
    return np.flatnonzero(waits | left.to_numpy(bool))
