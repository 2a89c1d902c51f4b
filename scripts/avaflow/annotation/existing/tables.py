"""A clip's existing annotations as a table, and as the project that labels are read from."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avaflow.annotation.existing.boxes import NORMALISED, OF_KEYFRAME, Found, FoundBox
from avaflow.annotation.via import Box, Project
from avaflow.errors import UserError
from avaflow.files import write_text
from avaflow.listing import MOST_SHOWN, sentence
from avaflow.project.actions import PERSON_ATTRIBUTE, Attribute
from avaflow.tables import Keyframe
from avaflow.times import Second

COLUMNS = (
    *("second", "x1", "y1", "x2", "y2", "width", "height", "person_id", "action_ids", "where"),
)
"""A row per box; a row with a second alone is an image, and without a second a remark."""

SAME_SHAPE = 0.02
"""How far the shape of a given size may be from the image's: rounding of sides to even pixels."""


class ClipTable(NamedTuple):
    """What is known of one clip: its boxes, its images (and who names them), and remarks."""

    boxes: list[FoundBox]
    images: dict[Second, str]
    remarks: list[str]


def table_text(found: Found, clip: str) -> str:
    """The table of one clip, sorted, the same for the same content."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for remark in found.remarks.get(clip, ()):
        rows.writerow(["", *[""] * 8, remark])
    for second, file in sorted(found.images[clip].items()):
        rows.writerow([second, *[""] * 8, file])
    for box in sorted(found.boxes.get(clip, ()), key=lambda b: (b.second, b.corners, b.person)):
        sides = map(repr, (*box.corners, *box.size))
        actions = " ".join(map(str, box.actions))
        rows.writerow([box.second, *sides, box.person, actions, box.where])
    return out.getvalue()


def write_tables(found: Found, paths: Mapping[str, str | Path]) -> None:
    """Write the table of each clip; `paths` says where."""
    for clip, path in paths.items():
        write_text(path, table_text(found, clip))


def read_clip_table(path: str | Path) -> ClipTable:
    """A table written by :func:`write_tables`. UserError if it is none."""
    table = ClipTable([], {}, [])
    with open(path, encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        try:
            if tuple(next(rows, ())) != COLUMNS:
                raise ValueError("another header")
            for cells in rows:
                if not cells[0]:
                    table.remarks.append(cells[9])
                elif not cells[1]:
                    table.images[Second(int(cells[0]))] = cells[9]
                else:
                    x1, y1, x2, y2, width, height = map(float, cells[1:7])
                    actions = tuple(int(each) for each in cells[8].split())
                    table.boxes.append(
                        FoundBox(
                            Second(int(cells[0])),
                            cells[9],
                            (x1, y1, x2, y2),
                            (width, height),
                            actions,
                            int(cells[7]),
                        )
                    )
        except (ValueError, IndexError, csv.Error) as error:
            raise UserError(
                f"{path}, line {rows.line_num}: this is no table of existing annotations "
                f"({error}). Delete it and run again."
            ) from None
    return table


def project_of_table(
    path: str | Path,
    clip: str,
    keyframes: Sequence[Keyframe],
    attributes: Sequence[Attribute],
    length_s: float,
) -> tuple[Project, list[Second], list[str]]:
    """The annotations of a clip as a project; the seconds that show nobody; and warnings.

    `length_s` is the clip's length in seconds. What lies nearer to an end of the clip than a
    keyframe may is left out, with a warning. Raises UserError for seconds behind the clip's end,
    and for boxes drawn on an image of another shape.
    """
    table = read_clip_table(path)
    file_of = {keyframe.second: keyframe for keyframe in keyframes}
    problems = [
        f"{where}: second {second} is behind the end of clip {clip}, {length_s:g} s"
        for second, where in sorted(table.images.items())
        if not 0 <= second <= length_s
    ]
    edge = [second for second in sorted(table.images) if second not in file_of]
    warnings = []
    if edge:
        among = f"{min(file_of)} to {max(file_of)}" if file_of else "none"
        warnings.append(
            f"second {sentence(edge)}: too near to the clip's edge for readers, left out. The "
            f"keyframes are the seconds {among} (keyframes.margin)"
        )
    options = {a.name: tuple(action.name for action in a.actions) for a in attributes}
    tick_of = {
        action.id: (attribute.name, action.name)
        for attribute in attributes
        for action in attribute.actions
    }
    boxes = []
    for number, found in enumerate(table.boxes):
        keyframe = file_of.get(found.second)
        if keyframe is None:
            continue
        width, height = _scale(found, keyframe, problems)
        x1, y1, x2, y2 = found.corners
        centre = (x1 + x2) / 2 * width, (y1 + y2) / 2 * height
        if not (0 <= centre[0] <= keyframe.width and 0 <= centre[1] <= keyframe.height):
            # Cut to the image it would pass, and be half of somebody else's box.
            problems.append(
                f"{found.where}: its centre, {centre[0]:.0f}, {centre[1]:.0f}, is not on the "
                f"keyframe of {keyframe.width} x {keyframe.height} px"
            )
            continue
        sides = (x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height)
        ticks = tuple(tick_of[action] for action in found.actions)
        person = str(found.person) if found.person else ""
        boxes.append(Box(f"{number:09d}", keyframe.file, sides, ticks, person, None, found.where))
    if problems:
        raise UserError.listing(
            "existing annotations: these boxes cannot be used. A box is in pixels of the keyframe "
            "that avaflow made, or of an image whose width and height its file tells (a guide's "
            'JSON by "size": [1920, 1080], its csv by columns width and height), and a guide\'s '
            "box is x, y, width and height, not the second corner:",
            problems,
            MOST_SHOWN,
        )
    shown = [second for second in sorted(table.images) if second in file_of]
    with_box = {found.second for found in table.boxes}
    project = Project(
        path=Path(_named(table)),
        name=clip,
        options=options | {PERSON_ATTRIBUTE: ()},
        images=tuple(file_of[second].file for second in shown),
        boxes=tuple(boxes),
        problems=(),
        remarks=tuple(table.remarks),
        sparse=True,
    )
    return project, [second for second in shown if second not in with_box], warnings


def _named(table: ClipTable) -> str:
    """The file that messages about a clip name; where there are several, the first."""
    files = sorted(set(table.images.values()))
    return files[0] if files else "existing annotations"


def _scale(found: FoundBox, keyframe: Keyframe, problems: list[str]) -> tuple[float, float]:
    """Pixels of the keyframe to one of the box's own units, across and down."""
    if found.size == NORMALISED:
        return float(keyframe.width), float(keyframe.height)
    if found.size == OF_KEYFRAME:
        return 1.0, 1.0
    across, down = keyframe.width / found.size[0], keyframe.height / found.size[1]
    if abs(across / down - 1) > SAME_SHAPE:
        problems.append(
            f"{found.where}: drawn on an image of {found.size[0]:g} x {found.size[1]:g} px, which "
            f"has another shape than the keyframe of {keyframe.width} x {keyframe.height} px"
        )
    return across, down
