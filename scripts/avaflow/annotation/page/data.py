"""What a clip's page gets: the clip, its tracks, and what is annotated already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from avaflow.annotation.existing.tables import project_of_table
from avaflow.annotation.page.carry import carried_over
from avaflow.annotation.page.doubts import Doubt
from avaflow.annotation.page.labels import clip_problems, option_ids, places_of
from avaflow.annotation.page.model import (
    PERSON,
    SECOND_DECIMALS,
    AnnotatedPerson,
    Annotation,
    Span,
    annotation_content,
    is_annotation,
    parse_annotation,
)
from avaflow.annotation.page.places import tracks_by_id
from avaflow.annotation.page.via_exchange import annotation_of_project
from avaflow.annotation.readings import ClipFacts, load_any
from avaflow.annotation.via import Project, adopted, checked_content, parse_project
from avaflow.errors import UserError
from avaflow.project.actions import Attribute
from avaflow.tables import DECIMALS, Keyframe, rows_of

DATA_VERSION = 1
"""Of what a page gets; page and data are made by one run, so it never differs."""

FINISHED, BEGUN = "finished", "begun"
"""How far a clip is whose file is opened."""

OPTION_KEYS = "1234567890"
"""Keys of the first options, through all attributes; for others the page chooses."""


@dataclass(frozen=True)
class Begun:
    """What a page begins with: an annotation, in terms of the present tracks and options, or
    none, and why a file that is there is not opened. `whole` is a file of another kind than the
    page's, in which whoever is not labelled was left out on purpose."""

    annotation: Annotation | None = None
    trouble: str = ""
    whole: bool = False


class Counts(NamedTuple):
    """What the list of clips says of one: persons on keyframes, to judge and judged; ticks; and,
    where a file of it is opened, how far that is."""

    clip: str
    keyframes: int
    persons: int
    judged: int
    to_judge: int
    ticks: int
    seconds_worked: float
    state: str


def begun(path: str | Path | None, facts: ClipFacts, max_mb: float) -> Begun:
    """What a page begins with, from a finished file of either kind, if there is one."""
    if not path:
        return Begun()
    try:
        content = load_any(path, max_mb)
        keyframes = sorted(rows_of(facts.keyframes, Keyframe))
        if is_annotation(content):
            annotation = parse_annotation(content, path)
            _, problems, _ = option_ids(annotation, facts.attributes)
            problems = clip_problems(annotation, facts.manifest.clip, facts.manifest) or problems
            if problems:
                raise UserError.listing(f"{path}: this annotation cannot be used:", problems)
            carried = carried_over(annotation, keyframes, facts.tracks).annotation
            return Begun(_renamed(carried, facts.attributes))
        project = parse_project(checked_content(content, Path(path)), Path(path))
        return _of_project(adopted(project, facts.known_as), facts)
    except UserError as error:
        return Begun(trouble=str(error))


def begun_elsewhere(path: str | Path, facts: ClipFacts) -> Begun:
    """What a page begins with, from the table of a clip's existing annotations.

    Images that they say show nobody are the page's to judge where somebody was found.
    """
    try:
        project, _, _ = project_of_table(
            path,
            facts.manifest.clip,
            rows_of(facts.keyframes, Keyframe),
            facts.attributes,
            facts.manifest.frames / facts.manifest.fps,
        )
        return _of_project(project, facts)
    except UserError as error:
        return Begun(trouble=str(error))


def _of_project(project: Project, facts: ClipFacts) -> Begun:
    keyframes = sorted(rows_of(facts.keyframes, Keyframe))
    annotation = annotation_of_project(
        project, facts.keyframes, facts.tracks, facts.attributes, facts.manifest
    )
    return Begun(carried_over(annotation, keyframes, facts.tracks).annotation, whole=True)


def _renamed(annotation: Annotation, attributes: Sequence[Attribute]) -> Annotation:
    """An annotation with the options as they are called now."""
    names = {
        (attribute.name, former): now
        for attribute in attributes
        for former, now in attribute.renamed.items()
    }

    def now(span: Span) -> Span:
        return span._replace(option=names.get((span.attribute, span.option), span.option))

    def of(person: AnnotatedPerson) -> AnnotatedPerson:
        return replace(person, spans=tuple(now(span) for span in person.spans))

    return replace(annotation, persons=tuple(of(person) for person in annotation.persons))


def page_data(
    facts: ClipFacts,
    start: Begun,
    doubts: Iterable[Doubt],
    reaction_ms: int,
    folders: Mapping[str, str],
) -> dict:
    """The value of `window.AVAFLOW_CLIP`.

    `folders` are those of `clips` and `keyframes` as seen from the page.
    """
    manifest = facts.manifest
    keys = iter(OPTION_KEYS)
    content = annotation_content(start.annotation) if start.annotation else None
    return {
        "version": DATA_VERSION,
        "clip": manifest.clip,
        "video": f"{folders['clips']}/{manifest.clip}.mp4",
        "fps": manifest.fps,
        "frames": manifest.frames,
        "width": manifest.width,
        "height": manifest.height,
        "start": round(manifest.start, SECOND_DECIMALS),
        "keyframes": [
            {
                "second": keyframe.second,
                "frame": keyframe.frame,
                "image": f"{folders['keyframes']}/{manifest.clip}/{keyframe.file}",
            }
            for keyframe in sorted(rows_of(facts.keyframes, Keyframe))
        ],
        "attributes": [
            {
                "name": attribute.name,
                "choose": "multiple" if attribute.multiple else "single",
                "options": [action.name for action in attribute.actions],
                "keys": [next(keys, "") for _ in attribute.actions],
            }
            for attribute in facts.attributes
        ],
        "tracks": [
            {
                "id": number,
                "frames": track.frames.tolist(),
                "boxes": [[round(side, DECIMALS) for side in box] for box in track.boxes.tolist()],
            }
            for number, track in sorted(tracks_by_id(facts.tracks).items())
        ],
        "doubts": [doubt.content() for doubt in doubts],
        "finished": content,
        "trouble": start.trouble,
        "annotator": "",
        "settings": {"reaction_ms": reaction_ms},
    }


def counts_of(facts: ClipFacts, start: Begun) -> Counts:
    """What the list of clips says of one."""
    keyframes = sorted(rows_of(facts.keyframes, Keyframe))
    annotation, clip = start.annotation, facts.manifest.clip
    if annotation is None:
        seen = _seen(facts.tracks, keyframes)
        to_judge = sum(seen.values())
        state = BEGUN if start.trouble else ""
        return Counts(clip, len(keyframes), len(seen), 0, to_judge, 0, 0, state)
    action_of, _, _ = option_ids(annotation, facts.attributes)
    places = places_of(annotation, keyframes, facts.tracks, action_of)
    own = [place for place in places if place.kind == PERSON]
    judged = sum(place.judged for place in own)
    finished = start.whole or judged == len(own)
    return Counts(
        clip,
        len(keyframes),
        len({place.person for place in own}),
        judged,
        judged if start.whole else len(own),
        sum(len(place.action_ids) for place in own),
        annotation.seconds_worked,
        FINISHED if finished else BEGUN,
    )


def _seen(tracks: pd.DataFrame, keyframes: Sequence[Keyframe]) -> dict[int, int]:
    """On how many keyframes each track is seen; those that are seen on none are left out."""
    frames = [keyframe.frame for keyframe in keyframes]
    on_keyframes = tracks[tracks["frame"].isin(frames)]["person_id"].tolist()
    return {number: on_keyframes.count(number) for number in sorted(set(on_keyframes))}
