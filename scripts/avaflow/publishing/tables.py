"""A split's labels as one table with a header, for whoever reads csv by column names.

AVA's own csv has no header, so that pandas, Hugging Face's `datasets` (looked at: 5.2) and
Croissant would take its first row for one.
"""

import csv
import io
from collections.abc import Mapping, Sequence

from avaflow.project.actions import Action
from avaflow.publishing.manifest import ClipFacts
from avaflow.tables import DECIMALS
from avaflow.times import timestamp_of_second

COLUMNS = {
    "clip": "id of the clip",
    "file": "the clip's video, or what it is called in its shard",
    "second": "second of the clip whose frame is the keyframe",
    "timestamp": "the second as AVA's csv counts it",
    "x1": "left side of the person's box, in parts of the image's width",
    "y1": "upper side, in parts of the height",
    "x2": "right side",
    "y2": "lower side",
    "person_id": "number of the person, the same through a clip",
    "action_id": "number of the action, from 1",
    "attribute": "the group of actions",
    "action": "what the person does",
}
"""Columns and what is in them. Times are in seconds."""


IDLE_COLUMNS = tuple(COLUMNS)[:8]
"""Of the table of persons who were judged and do nothing that has a name."""


def idle_text(clips: Sequence[ClipFacts], offset: int, video: str) -> str:
    """The boxes of a split's persons who do none of the actions; `video` as in the other table."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(IDLE_COLUMNS)
    for clip in sorted(clips):
        for person in clip.idle:
            box = (f"{side:.{DECIMALS}f}" for side in person[1:5])
            stamp = timestamp_of_second(person.second, offset)
            rows.writerow([clip.clip, video.format(clip=clip.clip), person.second, stamp, *box])
    return out.getvalue()


def table_text(
    clips: Sequence[ClipFacts], actions: Mapping[int, Action], offset: int, video: str
) -> str:
    """The table of a split. `video` is the pattern of a clip's file, with `{clip}`."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for clip in sorted(clips):
        for label in clip.labels:
            action = actions[label.action_id]
            box = (f"{side:.{DECIMALS}f}" for side in (label.x1, label.y1, label.x2, label.y2))
            stamp = timestamp_of_second(label.second, offset)
            rows.writerow(
                [
                    *(clip.clip, video.format(clip=clip.clip), label.second, stamp, *box),
                    *(label.person_id, action.id, action.attribute, action.name),
                ]
            )
    return out.getvalue()
