"""To and from VIA 3: an annotation of the page as a project, and a project as an annotation.

A project says who does what on keyframes, and no more. From a project each tick becomes a span
of the second around its keyframe, ticks on neighbouring keyframes one span. To a project go the
ticks on keyframes; times between them, and who was judged to do nothing, VIA cannot say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from avaflow.annotation import via
from avaflow.annotation.identities import PERSON_ID, Person, normalise
from avaflow.annotation.labels import persons_of_project, unticked_persons
from avaflow.annotation.page.labels import Place, clip_problems, option_ids, places_of
from avaflow.annotation.page.model import (
    NOT_A_PERSON,
    PERSON,
    Anchor,
    AnnotatedPerson,
    Annotation,
    Choice,
    MendedBox,
    Span,
    Stretch,
    Times,
    VideoFacts,
)
from avaflow.annotation.page.places import (
    Track,
    boxes_on_keyframes,
    seen_frames,
    tracks_by_id,
)
from avaflow.boxes import Corners, SidesPx
from avaflow.errors import UserError
from avaflow.manifests import ClipManifest
from avaflow.project.actions import Attribute, all_actions
from avaflow.tables import DECIMALS, Keyframe, Tracked, rows_of, table_of
from avaflow.times import Frame, Second

AROUND_SECONDS = 0.5
"""A tick on a keyframe holds so long before and after it: keyframes lie a second apart."""

EXACT_PX_DECIMALS = 6
"""Decimals of a pixel that bring a box of six decimals back to the last of them, at any size."""


class Seen(NamedTuple):
    """A box of a project: whose it is, whose track it was, and where it stands now."""

    second: Second
    person: int
    box: Corners
    track: int
    then: Corners | None
    action_ids: tuple[int, ...]


# ------------------------------------------------------------- from VIA


def annotation_of_project(
    project: via.Project,
    keyframes: pd.DataFrame,
    tracks: pd.DataFrame,
    attributes: Sequence[Attribute],
    manifest: ClipManifest,
) -> Annotation:
    """A finished project as the page's annotation, which gives the same labels to the byte.

    A track whose boxes were all deleted is no person; one without a tick stays to be judged.
    UserError where the project cannot be used.
    """
    found = persons_of_project(
        project, manifest.clip, keyframes, tracks, attributes, manifest.fps, manifest.start
    )
    frames = sorted(rows_of(keyframes, Keyframe))
    seen = _seen(found.persons, unticked_persons(project, keyframes), frames)
    by_id = {} if found.stale else tracks_by_id(tracks)
    stretches = _stretches(seen, frames, by_id)
    names = {action.id: (action.attribute, action.name) for action in all_actions(attributes)}
    frame_of = {keyframe.second: keyframe.frame for keyframe in frames}
    duration = manifest.frames / manifest.fps
    persons = []
    for number in sorted({one.person for one in seen}):
        own = sorted(one for one in seen if one.person == number)
        held = {a.frame: a.box for each in stretches.get(number, ()) for a in each.anchors}
        person = AnnotatedPerson(
            number,
            PERSON,
            tuple(stretches.get(number, ())),
            tuple(
                MendedBox(one.second, one.box)
                for one in own
                if one.box != held.get(frame_of[one.second])
            ),
            (),
            tuple(_spans(own, names, duration)),
            _around([one.second for one in own if one.action_ids], duration),
        )
        persons.append(_without_more(person, own, by_id, frames))
    used = {stretch.track for person in persons for stretch in person.tracks}
    persons += _deleted_tracks(by_id, used, {person.id for person in persons}, frames)
    return Annotation(
        clip=manifest.clip,
        video=VideoFacts(
            manifest.start, manifest.fps, manifest.frames, manifest.width, manifest.height
        ),
        attributes=tuple(
            Choice(
                attribute.name,
                "multiple" if attribute.multiple else "single",
                tuple(action.name for action in attribute.actions),
            )
            for attribute in attributes
        ),
        persons=tuple(sorted(persons, key=lambda person: person.id)),
        path=project.path,
    )


def _seen(
    ticked: Iterable[Person], unticked: Iterable[Person], keyframes: Sequence[Keyframe]
) -> list[Seen]:
    """All boxes with a person each, no person twice on a keyframe."""
    sizes = {keyframe.second: (keyframe.width, keyframe.height) for keyframe in keyframes}
    unticked = sorted(unticked, key=lambda person: (person.second, person.box, person.source.key))
    seen = [_of_person(person, sizes) for person in ticked]
    taken = {(one.second, one.person) for one in seen}
    told = [int(p.source.person) for p in unticked if PERSON_ID.match(p.source.person)]
    tracks = [p.source.origin.track for p in unticked if p.source.origin]
    free = max([*(one.person for one in seen), *told, *tracks], default=0) + 1
    for person in unticked:
        number = int(person.source.person) if PERSON_ID.match(person.source.person) else 0
        if not number and person.source.origin:
            number = person.source.origin.track
        # Who stands for this number already is somebody else, or the same box twice.
        if not number or (person.second, number) in taken:
            number, free = free, free + 1
        taken.add((person.second, number))
        seen.append(_of_person(replace(person, person_id=number), sizes))
    return seen


def _of_person(person: Person, sizes: Mapping[Second, tuple[int, int]]) -> Seen:
    origin = person.source.origin
    box = _rounded(person.box)
    if origin is None or origin.track < 1:
        return Seen(person.second, person.person_id, box, 0, None, person.action_ids)
    then, _ = normalise(origin.box_px, *(origin.image_size or sizes[person.second]))
    return Seen(
        person.second, person.person_id, box, origin.track, _rounded(then), person.action_ids
    )


def _rounded(box: Corners) -> Corners:
    x1, y1, x2, y2 = (round(value, DECIMALS) + 0.0 for value in box)
    return x1, y1, x2, y2


def _stretches(
    seen: Iterable[Seen], keyframes: Sequence[Keyframe], tracks: Mapping[int, Track]
) -> dict[int, list[Stretch]]:
    """Each person's stretches of tracks.

    A track is one person's from where its box has that person's number, until it has another's;
    from its first frame to its last where they are known.
    """
    frame_of = {keyframe.second: keyframe.frame for keyframe in keyframes}
    boxes: dict[int, dict[Frame, Seen]] = defaultdict(dict)
    for one in sorted(
        seen, key=lambda one: (one.second, one.track, not one.action_ids, one.person)
    ):
        if one.track and one.then:
            # Copied and pasted in VIA, two boxes are of one track: the ticked one is.
            boxes[one.track].setdefault(frame_of[one.second], one)
    found: dict[int, list[Stretch]] = defaultdict(list)
    for track, there in sorted(boxes.items()):
        runs: list[list[Frame]] = []
        for frame in sorted(there):
            if runs and there[runs[-1][-1]].person == there[frame].person:
                runs[-1].append(frame)
            else:
                runs.append([frame])
        known = tracks.get(track)
        for number, run in enumerate(runs):
            first, last = run[0], run[-1]
            if known is not None:
                first = min(first, Frame(int(known.frames[0]))) if number == 0 else first
                end = Frame(int(known.frames[-1]))
                last = Frame(runs[number + 1][0] - 1) if number + 1 < len(runs) else max(last, end)
            anchors = tuple(Anchor(frame, there[frame].then or there[frame].box) for frame in run)
            found[there[run[0]].person].append(Stretch(track, first, last, anchors))
    return found


def _spans(
    own: Sequence[Seen], names: Mapping[int, tuple[str, str]], duration: float
) -> list[Span]:
    seconds: dict[int, list[Second]] = defaultdict(list)
    for one in own:
        for action in one.action_ids:
            seconds[action].append(one.second)
    return [
        Span(*names[action], *times)
        for action, ticked in sorted(seconds.items())
        for times in _around(ticked, duration)
    ]


def _around(seconds: Iterable[Second], duration: float) -> tuple[Times, ...]:
    """The time around keyframes, that of neighbouring ones as one."""
    runs: list[list[Second]] = []
    for second in sorted(seconds):
        if runs and second == runs[-1][-1] + 1:
            runs[-1].append(second)
        else:
            runs.append([second])
    return tuple(
        Times(max(0.0, run[0] - AROUND_SECONDS), min(duration, run[-1] + AROUND_SECONDS))
        for run in runs
    )


def _without_more(
    person: AnnotatedPerson,
    own: Sequence[Seen],
    tracks: Mapping[int, Track],
    keyframes: Sequence[Keyframe],
) -> AnnotatedPerson:
    """A person who is nowhere but where the project has a box: the rest was deleted there."""
    kept = {one.second for one in own}
    places = boxes_on_keyframes(person, keyframes, seen_frames(person, tracks, keyframes))
    shown = set(places)
    for stretch in person.tracks:
        track = tracks.get(stretch.track)
        frames = set(track.within(stretch.first, stretch.last).tolist()) if track else set()
        shown |= {keyframe.second for keyframe in keyframes if keyframe.frame in frames}
    return replace(person, removed=tuple(sorted(shown - kept)))


def _deleted_tracks(
    tracks: Mapping[int, Track], used: set[int], ids: set[int], keyframes: Sequence[Keyframe]
) -> list[AnnotatedPerson]:
    """Tracks of which every box on a keyframe was deleted."""
    persons = []
    free = max([*ids, *tracks], default=0) + 1
    for number, track in sorted(tracks.items()):
        there = {keyframe.frame: track.at(keyframe.frame) for keyframe in keyframes}
        anchors = tuple(Anchor(frame, _rounded(box)) for frame, box in there.items() if box)
        if number in used or not anchors:
            continue
        if number in ids:
            person_id, free = free, free + 1
        else:
            person_id = number
        stretch = Stretch(
            number, Frame(int(track.frames[0])), Frame(int(track.frames[-1])), anchors
        )
        persons.append(AnnotatedPerson(person_id, NOT_A_PERSON, (stretch,)))
    return persons


# ------------------------------------------------------------- to VIA


class Exported(NamedTuple):
    """A project, and sentences on what of the annotation it cannot say."""

    project: dict
    lost: list[str]


def project_of_annotation(
    annotation: Annotation,
    keyframes: pd.DataFrame,
    tracks: pd.DataFrame,
    attributes: Sequence[Attribute],
    manifest: ClipManifest,
) -> Exported:
    """An annotation as the project that VIA opens and `read_labels` reads to the same labels.

    UserError where the annotation is of another clip, or of other actions.
    """
    action_of, problems, _ = option_ids(annotation, attributes)
    problems = clip_problems(annotation, manifest.clip, manifest) or problems
    if problems:
        raise UserError.listing(f"{annotation.path}: this annotation cannot be used:", problems)
    frames = sorted(rows_of(keyframes, Keyframe))
    anchors = [
        Tracked(anchor.frame, stretch.track, *anchor.box, 1.0)
        for person in annotation.persons
        for stretch in person.tracks
        for anchor in stretch.anchors
    ]
    prefix = f"../keyframes/{manifest.clip}"
    made = via.project(
        manifest.clip, keyframes, table_of(anchors, Tracked), attributes, prefix, manifest.start
    )
    vids = {keyframe.frame: str(number) for number, keyframe in enumerate(frames, start=1)}
    keyframe_of = {keyframe.second: keyframe for keyframe in frames}
    then = {(row.frame, row.person_id): (row.x1, row.y1, row.x2, row.y2) for row in anchors}
    holders = {p.id: _holder(p) for p in annotation.persons}
    places = [
        place
        for place in places_of(annotation, frames, tracks, action_of)
        if place.kind != NOT_A_PERSON
    ]
    entries = {}
    for place in places:
        keyframe = keyframe_of[place.second]
        vid = vids[keyframe.frame]
        track = holders[place.person].get(keyframe.frame)
        key = f"{vid}_p{track}" if track else f"{vid}_drawn{place.person}"
        entry = made["metadata"].get(key) or {"vid": vid, "flg": 0, "z": []}
        entry["xy"] = [via.RECTANGLE, *_sides_px(place.box, keyframe)]
        entry["av"] = _values(place, attributes)
        if track:
            box_px = _sides_px(then[keyframe.frame, track], keyframe)
            entry[via.OWN_KEY] = entry[via.OWN_KEY] | {"box": list(box_px)}
        entries[key] = entry
    made["metadata"] = entries
    return Exported(made, _lost(annotation, places))


def _holder(person: AnnotatedPerson) -> dict[Frame, int]:
    """The track that shows a person on a frame, of several the first."""
    held: dict[Frame, int] = {}
    for stretch in sorted(person.tracks, key=lambda each: (each.first, each.track)):
        for anchor in stretch.anchors:
            held.setdefault(anchor.frame, stretch.track)
    return held


def _sides_px(box: Corners, keyframe: Keyframe) -> SidesPx:
    x1, y1, x2, y2 = box
    width, height = keyframe.width, keyframe.height
    sides = (x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height)
    x, y, w, h = (round(side, EXACT_PX_DECIMALS) for side in sides)
    return x, y, w, h


def _values(place: Place, attributes: Sequence[Attribute]) -> dict[str, str]:
    """VIA's values of a box: its ticks, and its person under the last attribute."""
    values = {}
    for number, attribute in enumerate(attributes, start=1):
        chosen = [
            str(option)
            for option, action in enumerate(attribute.actions)
            if action.id in place.action_ids
        ]
        if chosen:
            values[str(number)] = ",".join(chosen)
    values[str(len(attributes) + 1)] = str(place.person)
    return values


def _lost(annotation: Annotation, places: Sequence[Place]) -> list[str]:
    """What a project cannot say: nothing but boxes and ticks on keyframes."""
    lost = []
    idle = sum(place.judged and not place.action_ids for place in places)
    if idle:
        lost.append(
            f"{idle} boxes are judged to do nothing: in VIA they have no tick, as those that "
            "nobody judged"
        )
    if any(person.kind != PERSON for person in annotation.persons):
        lost.append("who is no person has no box in VIA, and who is to be ignored has no tick")
    if any(span.start % 1 != AROUND_SECONDS for p in annotation.persons for span in p.spans):
        lost.append("when actions begin and end between keyframes")
    return lost
