"""Who is on a keyframe, for formats of boxes: also those who are said to do nothing."""

import pandas as pd

from avaflow.formats.keyframe_boxes import PersonBox, read_clip_boxes
from avaflow.manifests import ClipManifest, write_clip_manifest
from avaflow.tables import (
    KEYFRAMES,
    LABELS,
    NOBODY,
    UNTICKED,
    Label,
    Nobody,
    Unticked,
    empty_table,
    table_of,
    write_table,
)

LEFT, RIGHT = (0.1, 0.2, 0.3, 0.9), (0.6, 0.2, 0.8, 0.95)


def test_who_does_nothing_is_no_background(tmp_path):
    keyframes = pd.DataFrame(
        [(s, 30 * s + 1, f"a_{s}.jpg", 64, 48, "0" * 64) for s in range(2, 7)],
        columns=list(KEYFRAMES),
    )
    labels = tmp_path / "a.csv"
    write_table(tmp_path / "k.csv", keyframes, KEYFRAMES)
    write_table(labels, table_of([Label(2, 1, *LEFT, 4)], Label), LABELS)
    write_table(tmp_path / "a.unticked.csv", empty_table(UNTICKED), UNTICKED)
    idle = table_of([Unticked(2, *RIGHT), Unticked(3, *LEFT)], Unticked)
    write_table(tmp_path / "a.idle.csv", idle, UNTICKED)
    write_table(tmp_path / "a.nobody.csv", table_of([Nobody(3), Nobody(4)], Nobody), NOBODY)
    write_clip_manifest(tmp_path / "a.json", ClipManifest("a", "v", 0, 30, 300, 64, 48, "", 0))
    clip = read_clip_boxes("a", "val", tmp_path / "a.json", tmp_path / "k.csv", labels)
    assert clip.persons == {
        2: [PersonBox(1, LEFT, (4,)), PersonBox(0, RIGHT, ())],
        3: [PersonBox(0, LEFT, ())],
        4: [],
    }
