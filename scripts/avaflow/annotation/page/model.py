"""The annotation file of a clip, as the page saves it: persons, and when they do what.

Times are seconds of the clip as floats, stretches of time half-open; boxes are x1, y1, x2, y2 in
0..1; frames count from 1. docs/annotating.md describes the format, schemas/annotation.schema.yaml
its shape. A file that is read has passed every check, so what follows need not check again.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from avaflow.annotation.json_files import load_json
from avaflow.annotation.via import MAX_PROJECT_MB
from avaflow.boxes import Corners
from avaflow.errors import UserError
from avaflow.files import write_text
from avaflow.listing import MOST_SHOWN
from avaflow.tables import DECIMALS
from avaflow.times import Frame, Second

FORMAT = "avaflow annotation"
"""What the file says of itself, by which it is told from a VIA project."""

VERSION = 1
"""The one version of the format so far."""

SCHEMA = Path(__file__).parents[4] / "schemas" / "annotation.schema.yaml"

SAVE_AGAIN = "Save the clip again on its page and put that file here."
"""What to do about a file that is damaged."""

SECOND_DECIMALS = 3
"""Decimals of a second: a thirtieth of a frame at 30 frames a second."""

SLACK_SECONDS = 0.001
"""A span may end so much after its clip: the end itself is rounded to a millisecond."""

ACCEPTED, REJECTED = "accepted", "rejected"
"""How suggestions were answered, as the file names its lists."""

PERSON, NOT_A_PERSON, IGNORED = "person", "not a person", "ignored"


class Anchor(NamedTuple):
    """A track's box on a keyframe, as the annotator saw it."""

    frame: Frame
    box: Corners


class Stretch(NamedTuple):
    """Frames of a track that show one person, the first and the last included."""

    track: int
    first: Frame
    last: Frame
    anchors: tuple[Anchor, ...]


class MendedBox(NamedTuple):
    """A box that the annotator drew or mended on a keyframe."""

    second: Second
    box: Corners


class Span(NamedTuple):
    """A person does something from a second on, until before another."""

    attribute: str
    option: str
    start: float
    end: float

    def covers(self, second: float) -> bool:
        """Whether it holds at this second."""
        return self.start <= second < self.end


class Times(NamedTuple):
    """A stretch of time, half-open."""

    start: float
    end: float


@dataclass(frozen=True)
class AnnotatedPerson:
    """One person of a clip: where seen, and what said of them."""

    id: int
    kind: str = PERSON
    tracks: tuple[Stretch, ...] = ()
    boxes: tuple[MendedBox, ...] = ()
    removed: tuple[Second, ...] = ()
    spans: tuple[Span, ...] = ()
    judged: tuple[Times, ...] = ()

    def is_judged(self, second: float) -> bool:
        """Whether the annotator has judged what this person does at a second."""
        return any(times.start <= second < times.end for times in self.judged)


class VideoFacts(NamedTuple):
    """The clip as it was annotated; `start` in seconds of its video, sides in pixels."""

    start: float
    fps: int
    frames: int
    width: int
    height: int


class Choice(NamedTuple):
    """An attribute as it was offered, `choose` being single or multiple."""

    name: str
    choose: str
    options: tuple[str, ...]


class Answered(NamedTuple):
    """A doubt of the page that somebody answered, so that it is not asked again."""

    frame: Frame
    kind: str
    tracks: tuple[int, ...]


class Suggestion(NamedTuple):
    """A span that was suggested of a track, as it was answered: whose it was then, with which
    probability, and the digest of what suggested it. What counts are the spans alone."""

    person: int
    start: float
    attribute: str
    option: str
    end: float
    track: int
    head: str
    probability: float


@dataclass(frozen=True)
class Annotation:
    """What one annotator says of a clip."""

    clip: str
    video: VideoFacts
    attributes: tuple[Choice, ...]
    persons: tuple[AnnotatedPerson, ...]
    answered: tuple[Answered, ...] = ()
    accepted: tuple[Suggestion, ...] = ()
    rejected: tuple[Suggestion, ...] = ()
    annotator: str = ""
    saved: str = ""
    seconds_worked: float = 0
    path: Path = Path()

    @cached_property
    def options(self) -> dict[str, tuple[str, ...]]:
        """Names of options by attribute."""
        return {choice.name: choice.options for choice in self.attributes}


# ------------------------------------------------------------- writing


def annotation_content(annotation: Annotation) -> dict:
    """What stands in the file, in its order: written, read and written again it is the same."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "clip": annotation.clip,
        "annotator": annotation.annotator,
        "saved": annotation.saved,
        "seconds_worked": _number(annotation.seconds_worked),
        "video": annotation.video._asdict() | {"start": _second(annotation.video.start)},
        "attributes": [
            {"name": choice.name, "choose": choice.choose, "options": list(choice.options)}
            for choice in annotation.attributes
        ],
        "persons": [
            _person_content(person)
            for person in sorted(annotation.persons, key=lambda person: person.id)
        ],
    }
    if annotation.answered:
        content["answered"] = [
            {"kind": kind, "tracks": list(tracks), "frame": frame}
            for frame, kind, tracks in sorted(annotation.answered)
        ]
    for name in (ACCEPTED, REJECTED):
        if answers := getattr(annotation, name):
            content[name] = [_suggestion_content(one) for one in sorted(answers)]
    return content


def annotation_text(annotation: Annotation) -> str:
    """The file's text. The page writes the same bytes for the same content."""
    content = annotation_content(annotation)
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_annotation(path: str | Path, annotation: Annotation) -> None:
    """Write the file of an annotation, whole or not at all."""
    write_text(path, annotation_text(annotation))


def _person_content(person: AnnotatedPerson) -> dict:
    return {
        "id": person.id,
        "kind": person.kind,
        "tracks": [
            {
                "track": stretch.track,
                "from": stretch.first,
                "to": stretch.last,
                "anchors": [[frame, *_box(box)] for frame, box in sorted(stretch.anchors)],
            }
            for stretch in sorted(person.tracks, key=lambda each: (each.first, each.track))
        ],
        "boxes": [
            {"second": second, "box": list(_box(box))} for second, box in sorted(person.boxes)
        ],
        "removed": sorted(person.removed),
        "spans": [
            {"attribute": s.attribute, "option": s.option} | _from_to(s.start, s.end)
            for s in sorted(person.spans, key=lambda s: (s.start, s.attribute, s.option, s.end))
        ],
        "judged": [[_second(start), _second(end)] for start, end in sorted(person.judged)],
    }


def _suggestion_content(one: Suggestion) -> dict:
    return {
        "person": one.person,
        "track": one.track,
        "attribute": one.attribute,
        "option": one.option,
        **_from_to(one.start, one.end),
        "probability": _second(one.probability),
        "head": one.head,
    }


def _suggestion(entry: Mapping) -> Suggestion:
    return Suggestion(
        person=int(entry["person"]),
        start=_second(entry["from"]),
        attribute=entry["attribute"],
        option=entry["option"],
        end=_second(entry["to"]),
        track=int(entry["track"]),
        head=entry["head"],
        probability=_second(entry["probability"]),
    )


def _from_to(start: float, end: float) -> dict[str, float]:
    return {"from": _second(start), "to": _second(end)}


def _second(value: float) -> float:
    # Adding 0.0 makes a zero of a minus zero.
    return round(float(value), SECOND_DECIMALS) + 0.0


def _number(value: float) -> float:
    return int(value) if value == int(value) else value


# ------------------------------------------------------------- reading


def is_annotation(content: object) -> bool:
    """Whether the content of a JSON file is the page's, whatever is wrong with it."""
    return isinstance(content, Mapping) and "format" in content and "persons" in content


def read_annotation(path: str | Path, max_mb: float = MAX_PROJECT_MB) -> Annotation:
    """Read a file that the page saved, or that :func:`write_annotation` wrote.

    UserError, listing all problems, if it is larger than `max_mb` megabytes, or none.
    """
    path = Path(path)
    return parse_annotation(load_json(path, max_mb, "an annotation", SAVE_AGAIN), path)


def parse_annotation(content: object, path: str | Path) -> Annotation:
    """The annotation in a file's content, as :func:`load_json` gives it. UserError as there."""
    path = Path(path)
    heading = f"{path}: this annotation cannot be used:"
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise UserError(
            f"{path}: expected a file of format {FORMAT!r}, as the page of a clip saves "
            f"it. {SAVE_AGAIN}"
        )
    if content.get("version") != VERSION:
        raise UserError(
            f"{path}: expected version {VERSION} of the format, found "
            f"{_shown(content.get('version'))}: it is of another version of avaflow. Use that "
            "one, or annotate the clip again."
        )
    problems = _shape_problems(content)
    if problems:
        raise UserError.listing(heading, problems, MOST_SHOWN)
    annotation = _annotation(content, path)
    problems = list(_problems(annotation))
    if problems:
        raise UserError.listing(heading, problems, MOST_SHOWN)
    return annotation


def _shown(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:60] + "..."


def _shape_problems(content: Mapping) -> list[str]:
    # Imported where a file is read: most starts of a run do without.
    from avaflow.project.config import load_schema, schema_problems

    without, problems = _without_anchors(content)
    return [*schema_problems(without, load_schema(SCHEMA)), *problems]


def _without_anchors(content: Mapping) -> tuple[Mapping, list[str]]:
    """The content with its anchors taken out, and what of their shape is wrong.

    They are nine tenths of a file. The validator takes seconds for those of a long clip.
    """
    problems = []
    persons = content.get("persons")
    if not isinstance(persons, list):
        return content, []
    bare_persons = []
    for number, person in enumerate(persons):
        tracks = person.get("tracks") if isinstance(person, dict) else None
        if not isinstance(tracks, list):
            bare_persons.append(person)
            continue
        bare = []
        for place, stretch in enumerate(tracks):
            anchors = stretch.get("anchors") if isinstance(stretch, dict) else None
            if isinstance(anchors, list):
                where = f"persons.{number}.tracks.{place}.anchors"
                problems += [
                    f"{where}.{each}: expected a frame and a box in 0..1, found {_shown(anchor)}"
                    for each, anchor in enumerate(anchors)
                    if not _is_anchor(anchor)
                ]
                stretch = stretch | {"anchors": []}
            bare.append(stretch)
        bare_persons.append(person | {"tracks": bare})
    return {**content, "persons": bare_persons}, problems


def _is_anchor(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 5:
        return False
    frame, *box = value
    if type(frame) is not int or not 1 <= frame <= 100_000_000:
        return False
    return all(type(side) in (int, float) and 0 <= side <= 1 for side in box)


def _annotation(content: Mapping, path: Path) -> Annotation:
    """The content, its shape known to be right, as values."""
    video = content["video"]
    return Annotation(
        clip=content["clip"],
        video=VideoFacts(
            _second(video["start"]), *(int(video[n]) for n in ("fps", "frames", "width", "height"))
        ),
        attributes=tuple(
            Choice(each["name"], each["choose"], tuple(each["options"]))
            for each in content["attributes"]
        ),
        persons=tuple(_person(entry) for entry in content["persons"]),
        answered=tuple(
            Answered(
                Frame(int(one["frame"])), one["kind"], tuple(int(track) for track in one["tracks"])
            )
            for one in content.get("answered", [])
        ),
        accepted=tuple(_suggestion(one) for one in content.get(ACCEPTED, [])),
        rejected=tuple(_suggestion(one) for one in content.get(REJECTED, [])),
        annotator=content["annotator"],
        saved=content["saved"],
        seconds_worked=content["seconds_worked"],
        path=path,
    )


def _person(entry: Mapping) -> AnnotatedPerson:
    return AnnotatedPerson(
        # JSON knows one kind of number: 3.0 is a whole one to the schema, too.
        id=int(entry["id"]),
        kind=entry["kind"],
        tracks=tuple(
            Stretch(
                int(stretch["track"]),
                Frame(int(stretch["from"])),
                Frame(int(stretch["to"])),
                tuple(Anchor(Frame(frame), _box(box)) for frame, *box in stretch["anchors"]),
            )
            for stretch in entry["tracks"]
        ),
        boxes=tuple(
            MendedBox(Second(int(one["second"])), _box(one["box"])) for one in entry["boxes"]
        ),
        removed=tuple(Second(int(second)) for second in entry["removed"]),
        spans=tuple(
            Span(one["attribute"], one["option"], _second(one["from"]), _second(one["to"]))
            for one in entry["spans"]
        ),
        judged=tuple(Times(_second(start), _second(end)) for start, end in entry["judged"]),
    )


def _box(values: Sequence[float]) -> Corners:
    # Rounded as they are written, so that a file and its copy give the same labels.
    x1, y1, x2, y2 = (round(float(value), DECIMALS) + 0.0 for value in values)
    return x1, y1, x2, y2


# ------------------------------------------------------------- what a schema cannot say


def _problems(annotation: Annotation) -> Iterator[str]:
    """Everything that contradicts itself, or the clip as it was annotated."""
    yield from _text_problems(annotation)
    yield from _twice("attribute", (choice.name for choice in annotation.attributes))
    for choice in annotation.attributes:
        yield from _twice(f"attribute {choice.name!r}: option", choice.options)
    yield from _twice("person", (person.id for person in annotation.persons))
    for person in annotation.persons:
        who = f"person {person.id}"
        yield from _place_problems(who, person, annotation.video)
        yield from _time_problems(who, person, annotation)
    yield from _shared_tracks(annotation.persons)
    for doubt in annotation.answered:
        if doubt.frame > annotation.video.frames:
            yield (
                f"the answered doubt at frame {doubt.frame}: expected a frame of 1 to "
                f"{annotation.video.frames}"
            )


def _text_problems(annotation: Annotation) -> Iterator[str]:
    names = [annotation.clip, annotation.annotator, *annotation.options]
    names += [option for options in annotation.options.values() for option in options]
    for name in names:
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            yield f"the name {name!a} holds half a character, which no file can hold: correct it"


def _twice(what: str, values: Iterable[object]) -> Iterator[str]:
    for value, count in Counter(values).items():
        if count > 1:
            yield f"{what} {_shown(value)} is there {count} times: expected each once"


def _place_problems(who: str, person: AnnotatedPerson, video: VideoFacts) -> Iterator[str]:
    yield from _twice(f"{who}: the mended box of second", (box.second for box in person.boxes))
    for box in person.boxes:
        yield from _box_problems(f"{who}: the mended box of second {box.second}", box.box)
    for stretch in person.tracks:
        where = f"{who}: track {stretch.track}, frames {stretch.first} to {stretch.last}"
        if not stretch.first <= stretch.last <= video.frames:
            yield f"{where}: expected frames in their order, of 1 to {video.frames}"
        frames = (anchor.frame for anchor in stretch.anchors)
        yield from _twice(f"{where}: the anchor of frame", frames)
        for anchor in stretch.anchors:
            if not stretch.first <= anchor.frame <= stretch.last:
                yield f"{where}: the anchor of frame {anchor.frame} lies outside of them"
            yield from _box_problems(f"{where}: the anchor of frame {anchor.frame}", anchor.box)
    longest = video.frames / video.fps
    for second in [*person.removed, *(box.second for box in person.boxes)]:
        if second > longest:
            yield f"{who}: second {second} lies after the clip's end at {longest:g} s"


def _box_problems(where: str, box: Corners) -> Iterator[str]:
    x1, y1, x2, y2 = box
    if x1 > x2 or y1 > y2:
        yield f"{where}: expected x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, found {list(box)}"


def _time_problems(who: str, person: AnnotatedPerson, annotation: Annotation) -> Iterator[str]:
    longest = annotation.video.frames / annotation.video.fps
    choose = {choice.name: choice.choose for choice in annotation.attributes}
    stretches = [(f"judged {start:g} to {end:g}", start, end) for start, end in person.judged]
    stretches += [(f"{s.option!r} from {s.start:g} to {s.end:g}", *s[2:]) for s in person.spans]
    for what, start, end in stretches:
        if start >= end:
            yield f"{who}: {what}: expected a beginning before its end"
        if end > longest + SLACK_SECONDS:
            yield f"{who}: {what}: the clip ends at {longest:g} s"
    for span in person.spans:
        if span.attribute not in annotation.options:
            yield f"{who}: attribute {span.attribute!r} is not among the file's attributes"
        elif span.option not in annotation.options[span.attribute]:
            yield f"{who}: {span.option!r} is not among the options of {span.attribute!r}"
    of_single = defaultdict(list)
    for span in person.spans:
        if choose.get(span.attribute) == "single":
            of_single[span.attribute].append(span)
    for spans in of_single.values():
        yield from overlap_problems(who, spans)


def overlap_problems(who: str, spans: Iterable[Span]) -> Iterator[str]:
    """A problem for each two spans, of an attribute that takes one option, that overlap."""
    former = None
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if former and span.start < former.end:
            yield (
                f"{who}: {former.option!r} until {former.end:g} s and {span.option!r} from "
                f"{span.start:g} s overlap, but {span.attribute!r} takes one at a time"
            )
        if former is None or span.end > former.end:
            former = span


def _shared_tracks(persons: Sequence[AnnotatedPerson]) -> Iterator[str]:
    """A frame of a track shows one person."""
    held = defaultdict(list)
    for person in persons:
        for stretch in person.tracks:
            held[stretch.track].append((stretch.first, stretch.last, person.id))
    for track, stretches in sorted(held.items()):
        reach, owner = 0, 0
        for first, last, number in sorted(stretches):
            if first <= reach:
                whose = f"persons {owner} and {number}" if owner != number else f"{owner} twice"
                yield f"frame {first} of track {track} is that of {whose}: expected one of them"
            if last > reach:
                reach, owner = last, number
