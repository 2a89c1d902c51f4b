"""From an annotation file of the page to labels: who did what, where, at which keyframe.

A span holds at a keyframe if it covers its second, and counts where that second is judged. What
is not judged is never labelled, only noted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from avaflow.annotation.labels import MIN_SIDE_PX, Reading, action_ids
from avaflow.annotation.page.carry import carried_over
from avaflow.annotation.page.model import (
    IGNORED,
    NOT_A_PERSON,
    PERSON,
    AnnotatedPerson,
    Annotation,
    overlap_problems,
)
from avaflow.annotation.page.places import boxes_on_keyframes, seen_frames, tracks_by_id
from avaflow.boxes import Corners
from avaflow.errors import UserError
from avaflow.formats.ava import rounds_to_nothing
from avaflow.listing import MOST_SHOWN, sentence
from avaflow.manifests import ClipManifest
from avaflow.project.actions import Attribute
from avaflow.tables import DECIMALS, Keyframe, Label, Note, Unticked, rows_of, table_of
from avaflow.times import Second

ActionOf = Mapping[tuple[str, str], int]
"""The action id of an attribute's option, as the file names both."""


class Place(NamedTuple):
    """A person on a keyframe, and what is said of them there; no actions where not judged."""

    second: Second
    person: int
    box: Corners
    judged: bool
    action_ids: tuple[int, ...]
    kind: str


def labels_of_annotation(
    annotation: Annotation,
    clip: str,
    keyframes: pd.DataFrame,
    tracks: pd.DataFrame,
    attributes: Sequence[Attribute],
    manifest: ClipManifest,
) -> Reading:
    """What an annotation says of a clip's keyframes.

    Boxes are those that the annotator saw, whatever became of the tracks since. UserError, with
    all problems of the file, where something that was judged cannot be honoured.
    """
    rows = sorted(rows_of(keyframes, Keyframe))
    action_of, problems, warnings = option_ids(annotation, attributes)
    other = clip_problems(annotation, clip, manifest)
    if other:
        raise _unusable(annotation, other)
    problems += _strange_seconds(annotation, rows)
    problems += _single_problems(annotation, attributes, action_of)
    places = list(places_of(annotation, rows, tracks, action_of))
    problems += _box_problems(places, rows)
    problems += _nothing_judged(annotation, places)
    if problems:
        raise _unusable(annotation, problems)
    carried = carried_over(annotation, rows, tracks)
    warnings += [*carried.warnings, *_changed_size(annotation, manifest)]
    return Reading(
        labels=_labels(places),
        notes=table_of([*_notes(places, rows), *carried.notes], Note),
        unticked=_unticked(places),
        nobody=_nobody(places),
        warnings=[f"{annotation.path}: {warning}" for warning in warnings],
        judged=_judged(places),
    )


def early_problems(annotation: Annotation, clip: str, attributes: Sequence[Attribute]) -> list[str]:
    """Why an annotation cannot be used, as far as it can be told before its clip is cut."""
    if annotation.clip != clip:
        return [_other_clip(annotation, clip)]
    action_of, problems, _ = option_ids(annotation, attributes)
    return problems + _single_problems(annotation, attributes, action_of)


def places_of(
    annotation: Annotation,
    keyframes: Sequence[Keyframe],
    tracks: pd.DataFrame,
    action_of: ActionOf,
) -> Iterator[Place]:
    """Every person on every keyframe where the person is present, by person and second."""
    by_id = tracks_by_id(tracks)
    for person in sorted(annotation.persons, key=lambda person: person.id):
        seen = seen_frames(person, by_id, keyframes)
        for second, box in boxes_on_keyframes(person, keyframes, seen).items():
            judged = person.kind == PERSON and person.is_judged(second)
            ids = _actions_at(person, second, action_of) if judged else ()
            yield Place(second, person.id, box, judged, ids, person.kind)


def _actions_at(person: AnnotatedPerson, second: Second, action_of: ActionOf) -> tuple[int, ...]:
    ticks = {(s.attribute, s.option) for s in person.spans if s.covers(second)}
    return tuple(sorted({action_of[tick] for tick in ticks if tick in action_of}))


# ------------------------------------------------------------- is this the right file


def _unusable(annotation: Annotation, problems: Sequence[str]) -> UserError:
    heading = f"{annotation.path}: this annotation cannot be used:"
    return UserError.listing(heading, problems, MOST_SHOWN)


def _other_clip(annotation: Annotation, clip: str) -> str:
    return (
        f"expected the annotation of clip {clip!r}, found that of {annotation.clip!r}: give the "
        "file the name of its own clip"
    )


def clip_problems(annotation: Annotation, clip: str, manifest: ClipManifest) -> list[str]:
    """Why an annotation is not of this clip as it is cut now: all its seconds would be others."""
    if annotation.clip != clip:
        return [_other_clip(annotation, clip)]
    then = annotation.video
    problems: list[str] = []
    if abs(then.start - manifest.start) > 0.5 / manifest.fps:
        problems.append(
            f"it was annotated when the clip began at {then.start:g} s of its video; the clips "
            f"table now says {manifest.start:g} s, so its boxes belong to other images. Set the "
            "start back, or annotate the clip again"
        )
    if then.fps != manifest.fps:
        problems.append(
            f"it was annotated at {then.fps} frames a second, and the clip now has "
            f"{manifest.fps}: set trim.fps back, or annotate the clip again"
        )
    return problems


def option_ids(
    annotation: Annotation, attributes: Sequence[Attribute]
) -> tuple[dict[tuple[str, str], int], list[str], list[str]]:
    """Action id of each option that the file names; problems; warnings. See `labels.action_ids`."""
    uses = Counter((s.attribute, s.option) for p in annotation.persons for s in p.spans)
    return action_ids(annotation.options, uses, attributes, "the annotation")


def _strange_seconds(annotation: Annotation, keyframes: Sequence[Keyframe]) -> list[str]:
    """Problems if something is judged where the clip has no keyframe now."""
    seconds = {keyframe.second for keyframe in keyframes}
    frames = {keyframe.frame for keyframe in keyframes}
    strange = set()
    for person in annotation.persons:
        strange |= {box.second for box in person.boxes} - seconds
        for stretch in person.tracks:
            others = (a.frame for a in stretch.anchors if a.frame not in frames)
            strange |= {Second((frame - 1) // annotation.video.fps) for frame in others}
    if not strange:
        return []
    return [
        f"second {sentence(sorted(strange))}: not among the {len(keyframes)} keyframes of the "
        "clip. If the clip's times or keyframe margin were changed after the annotation, change "
        "them back"
    ]


def _single_problems(
    annotation: Annotation, attributes: Sequence[Attribute], action_of: ActionOf
) -> list[str]:
    """Overlaps in what takes one option now, of options that are not one and the same now."""
    single = {attribute.name for attribute in attributes if not attribute.multiple}
    chosen_so = {choice.name for choice in annotation.attributes if choice.choose == "single"}
    problems: list[str] = []
    for person in annotation.persons:
        for name in sorted(single - chosen_so):
            spans = [span for span in person.spans if span.attribute == name]
            if len({action_of.get((name, span.option)) for span in spans}) > 1:
                problems += overlap_problems(f"person {person.id}", spans)
    return problems


def _nothing_judged(annotation: Annotation, places: Sequence[Place]) -> list[str]:
    waiting = [place for place in places if place.kind == PERSON]
    if not waiting or any(place.judged for place in waiting):
        return []
    return [
        f"none of its {len(annotation.persons)} persons is judged on a keyframe: is this the "
        "file before annotation? Judge what the persons do and save it again"
    ]


def _box_problems(places: Sequence[Place], keyframes: Sequence[Keyframe]) -> Iterator[str]:
    """Boxes that readers cannot take: without area, or the same for two persons."""
    size_of = {keyframe.second: (keyframe.width, keyframe.height) for keyframe in keyframes}
    same: dict[tuple[Second, str], list[int]] = defaultdict(list)
    for place in places:
        if not place.action_ids:
            continue
        width, height = size_of[place.second]
        x1, y1, x2, y2 = place.box
        sides_px = (x2 - x1) * width, (y2 - y1) * height
        if min(sides_px) < MIN_SIDE_PX or rounds_to_nothing(place.box):
            yield (
                f"second {place.second}, person {place.person}: judged, but the box has "
                f"{sides_px[0]:.1f} x {sides_px[1]:.1f} px: draw it around the person, or remove it"
            )
        text = " ".join(f"{value:.{DECIMALS}f}" for value in place.box)
        same[place.second, text].append(place.person)
    for (second, text), persons in same.items():
        if len(persons) > 1:
            yield (
                f"second {second}: persons {sentence(persons)} have the same box {text}: readers "
                "would take them for one person. Join them, or move one of the boxes"
            )


def _changed_size(annotation: Annotation, manifest: ClipManifest) -> list[str]:
    then = annotation.video
    if (then.width, then.height) == (manifest.width, manifest.height):
        return []
    return [
        f"the clip has another size than when it was annotated ({then.width} x {then.height}, now "
        f"{manifest.width} x {manifest.height}): the boxes are scaled along"
    ]


# ------------------------------------------------------------- what comes out


def _labels(places: Sequence[Place]) -> pd.DataFrame:
    rows = [
        Label(place.second, place.person, *place.box, action)
        for place in places
        for action in place.action_ids
    ]
    # A person has one box on a keyframe, so action ids decide after person and second.
    return table_of(sorted(rows), Label)


def _judged(places: Sequence[Place]) -> pd.DataFrame:
    """A row with action 0 per judged person on a keyframe, also of those who do nothing."""
    rows = [Label(p.second, p.person, *p.box, 0) for p in places if p.judged]
    return table_of(sorted(rows), Label)


def _unticked(places: Sequence[Place]) -> pd.DataFrame:
    rows = [
        Unticked(place.second, *place.box)
        for place in places
        if place.kind == IGNORED or (place.kind == PERSON and not place.judged)
    ]
    return table_of(sorted(rows), Unticked)


def _nobody(places: Sequence[Place]) -> list[Second]:
    judged = {place.second for place in places if place.judged}
    return sorted(judged - {place.second for place in places if place.action_ids})


def _notes(places: Sequence[Place], keyframes: Sequence[Keyframe]) -> list[Note]:
    """A note for every box that gives no label."""
    size_of = {keyframe.second: (keyframe.width, keyframe.height) for keyframe in keyframes}
    notes = []
    for place in places:
        if place.action_ids:
            continue
        width, height = size_of[place.second]
        x1, y1, x2, y2 = place.box
        sides_px = x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height
        said = {NOT_A_PERSON: "no person, it says", IGNORED: "to be ignored, it says"}.get(
            place.kind, "judged, and no action" if place.judged else "not judged"
        )
        text = " ".join(f"{value:.1f}" for value in sides_px)
        notes.append(Note(place.second, text, str(place.person), said))
    return sorted(notes)
