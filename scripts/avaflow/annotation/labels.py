"""From a finished VIA project to labels: who did what, where, at which second.

Whatever an annotator ticked becomes a row or an error that says why not. What was not
ticked is never labelled, only noted.
"""

import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from avaflow.annotation.identities import PERSON_ID, Person, identify, normalise, trusted_tracks
from avaflow.annotation.via import Box, Project
from avaflow.errors import UserError
from avaflow.formats.ava import DECIMALS, rounds_to_nothing
from avaflow.listing import counted, sentence
from avaflow.project.actions import PERSON_ATTRIBUTE, Attribute
from avaflow.tables import (
    KEYFRAMES,
    UNTICKED,
    Keyframe,
    Label,
    Note,
    Tracked,
    Unticked,
    empty_table,
    rows_of,
    table_of,
)
from avaflow.times import Frame, Second

MIN_SIDE_PX = 2.0
"""Least width and height of a labelled box, in pixels: less is a slip of the mouse."""


class Reading(NamedTuple):
    """What one finished annotation says of a clip, whichever kind of file it is.

    Tables of `tables.Label`, `Note` and `Unticked`; `nobody` are keyframes that are judged and
    give no label; `judged` has a row of action 0 for each person on a keyframe of whom somebody
    said what they do, be it nothing. Warnings are sentences that name the file.
    """

    labels: pd.DataFrame
    notes: pd.DataFrame
    unticked: pd.DataFrame
    nobody: list[Second]
    warnings: list[str]
    judged: pd.DataFrame

    @property
    def idle(self) -> pd.DataFrame:
        """The judged persons who do nothing that has a name (`tables.UNTICKED`)."""
        ticked = {(row.second, row.person_id) for row in rows_of(self.labels, Label)}
        rows = [
            Unticked(row.second, row.x1, row.y1, row.x2, row.y2)
            for row in rows_of(self.judged, Label)
            if (row.second, row.person_id) not in ticked
        ]
        return table_of(sorted(rows), Unticked)


_IMAGE_OF_CLIP = re.compile(r"^(?P<clip>.+)_\d{6}\.\w+$")


def labels_of_project(
    project: Project,
    clip: str,
    keyframes: pd.DataFrame,
    tracks: pd.DataFrame,
    attributes: Sequence[Attribute],
    fps: int,
    start: float | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Labels, notes and warnings of a clip's finished project.

    `keyframes` and `tracks` have the columns of `tables.KEYFRAMES` and `tables.TRACKS`.
    `start` is where the clip begins in its video, in seconds.

    The labels (`tables.LABELS`) are sorted by second, person and action, their boxes
    normalised and inside the image; the notes (`tables.NOTES`) tell what was left out,
    their boxes as ``x y width height`` in pixels. Warnings are sentences for the user.
    Raises UserError as :func:`persons_of_project`.
    """
    found = persons_of_project(project, clip, keyframes, tracks, attributes, fps, start)
    notes = found.notes
    if not found.stale:
        keyframe_of = {row.file: row for row in rows_of(keyframes, Keyframe)}
        notes += _deleted(project, keyframe_of, tracks)
    notes += [_remark(remark) for remark in project.remarks]
    warnings = [f"{project.path}: {warning}" for warning in found.warnings]
    return _label_table(found.persons), table_of(sorted(notes), Note), warnings


class Found(NamedTuple):
    """The ticked persons of a project; whether its tracks are others now; what is told."""

    persons: list[Person]
    stale: bool
    notes: list[Note]
    warnings: list[str]


def persons_of_project(
    project: Project,
    clip: str,
    keyframes: pd.DataFrame,
    tracks: pd.DataFrame,
    attributes: Sequence[Attribute],
    fps: int,
    start: float | None = None,
) -> Found:
    """The ticked persons of a clip's finished project, each with an id.

    A box without a person id is joined to a track whose box it overlaps by at least
    :data:`JOIN_IOU`, and gets the number that the annotator gave that track; else to a
    labelled person of a neighbouring keyframe who has no box on this one; else it gets an id
    of its own, which follows it over the keyframes.

    Raises UserError, with all problems of the file, where a tick cannot be honoured.
    """
    action_of, ticks_problems, warnings = _action_ids(project, attributes)
    problems = _other_clip(project, clip, keyframes) or [
        *_other_images(project, clip, keyframes),
        *ticks_problems,
        *project.problems,
    ]
    problems += _nothing_ticked(project)
    keyframe_of = {row.file: row for row in rows_of(keyframes, Keyframe)}
    known = [box for box in project.boxes if box.image in keyframe_of]
    persons, notes, box_problems = _persons(
        known, keyframe_of, action_of, attributes, project.image_size
    )
    problems += box_problems
    problems += _clashes(persons) + _other_start(project, start, fps)
    if problems:
        raise UserError.listing(f"{project.path}: this project cannot be used:", problems)

    trusted, stale = trusted_tracks(known, keyframe_of, tracks)
    warnings += stale
    warnings += _changed_images(known, keyframe_of, project.image_size)
    absent = [k.second for k in keyframe_of.values() if k.file not in set(project.images)]
    if absent and not project.sparse:
        warnings.append(
            f"{len(absent)} of the clip's {len(keyframe_of)} images are not in "
            f"the project (second {sentence(absent)}): nothing is labelled there"
        )
    if project.sparse and not persons:
        warnings.append(
            f"of clip {clip!r} it names {counted(len(project.images), 'keyframe')} and nobody who "
            "does anything: nothing is labelled there"
        )
    if project.name != clip:
        warnings.append(
            f"the project is called {project.name!r}, but its images are those of {clip!r}: "
            f"it is read as {clip!r}"
        )
    identify(persons, known, keyframe_of, trusted, tracks, fps)
    clash = _equal_boxes(persons)
    if clash:
        raise UserError.listing(f"{project.path}: this project cannot be used:", clash)
    return Found(persons, bool(stale), notes, warnings)


def early_problems(project: Project, clip: str, attributes: Sequence[Attribute]) -> list[str]:
    """Why a finished project cannot be used, as far as it can be told before its clip is cut."""
    named = _other_clip(project, clip, empty_table(KEYFRAMES))
    _, problems, _ = _action_ids(project, attributes)
    return (named or [*problems, *project.problems]) + _nothing_ticked(project)


# ------------------------------------------------------------- is this the right file


def _nothing_ticked(project: Project) -> list[str]:
    if project.sparse or any(box.ticks for box in project.boxes):
        return []
    return [
        f"none of its {len(project.boxes)} boxes has a tick: is this the project before "
        "annotation? Tick the actions and save it again"
    ]


def _other_clip(project: Project, clip: str, keyframes: pd.DataFrame) -> list[str]:
    """A problem if no image is this clip's and another clip's name can be told."""
    if set(project.images) & set(keyframes["file"]):
        return []
    names = {m["clip"] for m in map(_IMAGE_OF_CLIP.match, project.images) if m}
    if clip in names:
        return []
    if not project.images and project.name == clip:
        return []
    found = sentence(sorted(names)) if names else repr(project.name)
    return [
        f"expected the project of clip {clip!r}, found that of {found} "
        f"(project name {project.name!r}, images {sentence(project.images[:3]) or 'none'}): "
        "give the file the name of its own clip"
    ]


def _other_images(project: Project, clip: str, keyframes: pd.DataFrame) -> list[str]:
    unknown_images = sorted(set(project.images) - set(keyframes["file"]))
    if not unknown_images:
        return []
    return [
        f"image {sentence(unknown_images)}: not among the {len(keyframes)} keyframes of clip "
        f"{clip!r}. "
        "If the clip's times, frame rate or keyframe margin were changed after the annotation, "
        "change them back; an image that somebody added has to be removed in VIA"
    ]


def _action_ids(
    project: Project, attributes: Sequence[Attribute]
) -> tuple[dict[tuple[str, str], int], list[str], list[str]]:
    """Action id of each (attribute, option) that the file may tick; problems; warnings."""
    uses = Counter(tick for box in project.boxes for tick in box.ticks)
    options = {name: each for name, each in project.options.items() if name != PERSON_ATTRIBUTE}
    action_of, problems, warnings = action_ids(options, uses, attributes, "the project")
    if PERSON_ATTRIBUTE not in project.options:
        warnings.append(
            f"the attribute {PERSON_ATTRIBUTE!r} is gone: all persons are identified by position"
        )
    return action_of, problems, warnings


def action_ids(
    options: Mapping[str, Sequence[str]],
    uses: Mapping[tuple[str, str], int],
    attributes: Sequence[Attribute],
    what: str,
) -> tuple[dict[tuple[str, str], int], list[str], list[str]]:
    """Action id of each (attribute, option) that a file may tick; problems; warnings.

    `options` are the file's by attribute, `uses` says how often each is ticked, `what` names the
    file. Options are matched by name, as the finished file itself spells them, so that options
    may be reordered in the config at any time.
    """
    action_of: dict[tuple[str, str], int] = {}
    problems: list[str] = []
    warnings: list[str] = []
    by_name = {attribute.name: attribute for attribute in attributes}
    missing = [name for name in by_name if name not in options]
    unknown = [name for name in options if name not in by_name]
    if missing or unknown:
        problems.append(
            f"expected the attributes {sentence(by_name)} of the config, found {sentence(options)}"
            + (f"; {sentence(missing)} is missing" if missing else "")
            + (f"; {sentence(unknown)} is unknown" if unknown else "")
            + ": put `actions` in the config back to what was annotated, or annotate again"
        )
    for name, listed in options.items():
        if name not in by_name:
            continue
        attribute = by_name[name]
        present = {action.name: action.id for action in attribute.actions}
        reached = set()
        for option in listed:
            now = option if option in present else attribute.renamed.get(option)
            if now is not None:
                action_of[name, option] = present[now]
                reached.add(now)
            elif uses.get((name, option)):
                problems.append(_gone(name, option, uses[name, option], present))
        unseen = [option for option in present if option not in reached]
        if unseen:
            warnings.append(
                f"{what} was made before {sentence(unseen)} was added to "
                f"attribute {name!r}: nobody could tick it, so its absence says nothing"
            )
    return action_of, problems, warnings


def _gone(attribute: str, option: str, count: int, present: Iterable[str]) -> str:
    near = difflib.get_close_matches(option, list(present), n=1, cutoff=0.5)
    example = near[0] if near else "PRESENT NAME"
    return (
        f"option {option!r} of attribute {attribute!r} is ticked {count} time(s), but the config "
        f"has only {sentence(present)}: put it back, or say what it is called now by "
        f"`renamed: {{{option}: {example}}}` under the attribute"
    )


# ------------------------------------------------------------- boxes


def _persons(
    boxes: Sequence[Box],
    keyframe_of: Mapping[str, Keyframe],
    action_of: Mapping[tuple[str, str], int],
    attributes: Sequence[Attribute],
    annotated_size: tuple[int, int] | None,
) -> tuple[list[Person], list[Note], list[str]]:
    """Every ticked box as a person; notes on the others; problems of ticked boxes."""
    persons: list[Person] = []
    notes: list[Note] = []
    problems: list[str] = []
    single = {attribute.name for attribute in attributes if not attribute.multiple}
    usual_size = _usual_size(boxes, annotated_size)
    for box in boxes:
        keyframe = keyframe_of[box.image]
        width, height = _annotated_size(box, usual_size, keyframe)
        normalised, cut = normalise(box.box_px, width, height)
        x1, y1, x2, y2 = normalised
        sides_px = (x2 - x1) * width, (y2 - y1) * height
        where = f"second {keyframe.second}, {_name_of(box)}"
        if not box.ticks:
            note = "no action ticked"
            if min(abs(box.box_px[2]), abs(box.box_px[3])) < MIN_SIDE_PX:
                note += ", and too small to be a person: a slip of the mouse"
            notes.append(_note(keyframe.second, box, note))
            continue
        if min(sides_px) < MIN_SIDE_PX:
            problems.append(
                f"{where}: ticked, but {sides_px[0]:.1f} x {sides_px[1]:.1f} px of it are inside "
                f"the {width} x {height} px image: draw it around the person, or delete it"
            )
        elif rounds_to_nothing(normalised):
            # Only in an image of a size that no camera has, such as an edited file may claim.
            problems.append(
                f"{where}: ticked, but an image of {width} x {height} px makes nothing of its "
                f"{sides_px[0]:.1f} x {sides_px[1]:.1f} px: draw it larger, or delete it"
            )
        for attribute in single:
            chosen = {action_of.get(tick, tick) for tick in box.ticks if tick[0] == attribute}
            if len(chosen) > 1:
                names = [option for name, option in box.ticks if name == attribute]
                problems.append(
                    f"{where}: {sentence(names)} are ticked, but {attribute!r} takes one: "
                    "leave one, or set `choose: multiple` in the config"
                )
        if box.person and not (PERSON_ID.match(box.person) and int(box.person) > 0):
            problems.append(
                f"{where}: the person is {box.person!r}, expected a whole number from 1 "
                "(or nothing, for a person drawn by hand)"
            )
            continue
        if cut:
            notes.append(_note(keyframe.second, box, "reached out of the image: cut to it"))
        action_ids = tuple(sorted({action_of[tick] for tick in box.ticks if tick in action_of}))
        person_id = int(box.person) if box.person else 0
        persons.append(Person(box, keyframe.second, normalised, action_ids, person_id))
    # The key of a drawn box is random: its place orders it, so that ids do not depend on it.
    persons.sort(key=lambda person: (person.second, person.box, person.source.key))
    return persons, notes, problems


def unticked_boxes(project: Project, keyframes: pd.DataFrame) -> pd.DataFrame:
    """The boxes of a finished project that have no tick (`tables.UNTICKED`), normalised.

    The annotator kept them, so persons are there, and did not say what they do. Slips of the
    mouse are none.
    """
    rows = sorted((one.second, *one.box) for one in unticked_persons(project, keyframes))
    return pd.DataFrame(rows, columns=list(UNTICKED)) if rows else empty_table(UNTICKED)


def unticked_persons(project: Project, keyframes: pd.DataFrame) -> list[Person]:
    """The boxes of :func:`unticked_boxes` with where they are from; nobody has said who it is."""
    keyframe_of = {row.file: row for row in rows_of(keyframes, Keyframe)}
    known = [box for box in project.boxes if box.image in keyframe_of]
    usual_size = _usual_size(known, project.image_size)
    persons = []
    for box in known:
        if box.ticks or min(abs(box.box_px[2]), abs(box.box_px[3])) < MIN_SIDE_PX:
            continue
        keyframe = keyframe_of[box.image]
        normalised, _ = normalise(box.box_px, *_annotated_size(box, usual_size, keyframe))
        persons.append(Person(box, keyframe.second, normalised, (), 0))
    return persons


def _usual_size(
    boxes: Sequence[Box], annotated_size: tuple[int, int] | None
) -> tuple[int, int] | None:
    """Width and height of the images that most boxes were drawn on, where that is known."""
    sizes = Counter(b.origin.image_size for b in boxes if b.origin and b.origin.image_size)
    return sizes.most_common(1)[0][0] if sizes else annotated_size


def _annotated_size(box: Box, usual: tuple[int, int] | None, keyframe) -> tuple[int, int]:
    """Width and height of the image that a box was drawn on: a clip may since be scaled."""
    recorded = box.origin.image_size if box.origin else None
    return recorded or usual or (keyframe.width, keyframe.height)


def _clashes(persons: Sequence[Person]) -> list[str]:
    problems = []
    for (second, person_id), count in Counter((p.second, p.person_id) for p in persons).items():
        if person_id and count > 1:
            problems.append(
                f"second {second}: {count} ticked boxes are person {person_id}: a person has one "
                "box an image. Correct the number of one of them, or delete one"
            )
    return problems + _equal_boxes(persons)


def _equal_boxes(persons: Sequence[Person]) -> list[str]:
    places = defaultdict(list)
    for person in persons:
        text = " ".join(f"{value:.{DECIMALS}f}" for value in person.box)
        places[person.second, text].append(person)
    return [
        f"second {second}: {sentence(_name_of(p.source) for p in same)} have the same box {text}: "
        "readers would take them for one person. Delete one of them, or move it"
        for (second, text), same in places.items()
        if len(same) > 1
    ]


# ------------------------------------------------------------- who is it


def _other_start(project: Project, start: float | None, fps: int) -> list[str]:
    """A problem if the clip began elsewhere when it was annotated: all seconds are others."""
    told = [project.start, *(box.origin.start for box in project.boxes if box.origin)]
    began = {then for then in told if then is not None}
    moved = [then for then in sorted(began) if start is not None and abs(then - start) > 0.5 / fps]
    if not moved:
        return []
    return [
        f"it was annotated when the clip began at {moved[0]:g} s of its video; the clips table now "
        f"says {start:g} s, so its boxes belong to other images. Set the start back, or annotate "
        "the clip again"
    ]


def _changed_images(
    boxes: Sequence[Box],
    keyframe_of: Mapping[str, Keyframe],
    annotated_size: tuple[int, int] | None,
) -> list[str]:
    resized, redone = set(), set()
    for keyframe in keyframe_of.values():
        if annotated_size not in (None, (keyframe.width, keyframe.height)):
            resized.add(keyframe.second)
    for box in boxes:
        if box.origin is None:
            continue
        keyframe = keyframe_of[box.image]
        if box.origin.image_size not in (None, (keyframe.width, keyframe.height)):
            resized.add(keyframe.second)
        elif box.origin.image_sha256 not in ("", keyframe.sha256):
            redone.add(keyframe.second)
    warnings = []
    if resized:
        warnings.append(
            f"the images of second {sentence(sorted(resized))} have another size than when they "
            "were annotated: the boxes are scaled along"
        )
    if redone:
        warnings.append(
            f"the images of second {sentence(sorted(redone))} are not those that were annotated: "
            "make sure that the clip still shows the same part of the video"
        )
    return warnings


# ------------------------------------------------------------- what comes out


def _deleted(
    project: Project, keyframe_of: Mapping[str, Keyframe], tracks: pd.DataFrame
) -> list[Note]:
    """A note for every tracked box that the annotator took away.

    A project without our own entries was not made from these tracks and says nothing.
    """
    kept = {(b.image, b.origin.track) for b in project.boxes if b.origin}
    if not kept:
        return []
    notes = []
    rows_of_frame: dict[Frame, list[Tracked]] = defaultdict(list)
    for row in rows_of(tracks, Tracked):
        rows_of_frame[row.frame].append(row)
    for image in project.images:
        keyframe = keyframe_of[image]
        for row in rows_of_frame[keyframe.frame]:
            if (image, row.person_id) not in kept:
                width, height = keyframe.width, keyframe.height
                box_px = (
                    row.x1 * width,
                    row.y1 * height,
                    (row.x2 - row.x1) * width,
                    (row.y2 - row.y1) * height,
                )
                text = _box_text(box_px)
                notes.append(Note(keyframe.second, text, str(row.person_id), "deleted in VIA"))
    return notes


def with_warnings(notes: pd.DataFrame, warnings: Sequence[str]) -> pd.DataFrame:
    """Notes with a row per warning, of no box, so that the report shows them."""
    if not warnings:
        return notes
    rows = table_of([_remark(text) for text in warnings], Note)
    return pd.concat([rows, notes], ignore_index=True)


def _label_table(persons: Sequence[Person]) -> pd.DataFrame:
    rows = [
        Label(person.second, person.person_id, *person.box, action_id)
        for person in persons
        for action_id in person.action_ids
    ]
    return table_of(rows, Label).sort_values(
        ["second", "person_id", "action_id"], ignore_index=True
    )


def _note(second: Second, box: Box, text: str) -> Note:
    return Note(second, _box_text(box.box_px), box.person, text)


def _remark(text: str) -> Note:
    """A note of no box."""
    return Note(Second(0), "", "", text)


def _box_text(box_px: Sequence[float]) -> str:
    return " ".join(f"{value:.1f}" for value in box_px)


def _name_of(box: Box) -> str:
    who = f"person {box.person}" if box.person else "a box without person number"
    place = f" ({box.where})" if box.where else ""
    return f"{who} at {_box_text(box.box_px)} px{place}"
