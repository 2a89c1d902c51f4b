"""The clip's own file on which its annotators agree, and the page that asks what they do not.

What all say is in the file from the beginning. Where they differ nothing is judged until somebody
answers: so a file that is settled by half gives only labels that are beyond dispute.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from avaflow.annotation.labels import action_ids
from avaflow.annotation.page.agreement import (
    Compared,
    Question,
    Shown,
    Sight,
    measures,
    persons_shown,
    questions_of,
)
from avaflow.annotation.page.agreement_table import ALL_CLIPS, Measure
from avaflow.annotation.page.labels import clip_problems, places_of
from avaflow.annotation.page.model import (
    NOT_A_PERSON,
    PERSON,
    AnnotatedPerson,
    Annotation,
    Choice,
    MendedBox,
    Span,
    Times,
    annotation_content,
)
from avaflow.errors import UserError
from avaflow.listing import MOST_SHOWN
from avaflow.manifests import ClipManifest
from avaflow.project.actions import Attribute
from avaflow.tables import Keyframe, rows_of
from avaflow.templates import render
from avaflow.times import Second

SECONDS_EACH = 1
"""An answer holds from its keyframe until before the next: keyframes are a second apart."""

LOOP_SECONDS = 1.5
"""So much of the clip on each side of a keyframe is played: enough to tell sitting down from
sitting, and short enough to be seen twice before answering."""

PLAYER = Path(__file__).parent / "settling_assets" / "agreement.js"


class Opinions(NamedTuple):
    """A clip as its annotators have it: their annotations, and the sights in them, by name."""

    annotations: dict[str, Annotation]
    sights: dict[str, list[Sight]]


def opinions_of(
    annotations: Mapping[str, Annotation],
    clip: str,
    keyframes: pd.DataFrame,
    tracks: pd.DataFrame,
    attributes: Sequence[Attribute],
    manifest: ClipManifest,
) -> Opinions:
    """What annotators say of a clip, in the project's present actions.

    UserError where a file is of another clip, or of other actions.
    """
    renamed, sights = {}, {}
    rows = sorted(rows_of(keyframes, Keyframe))
    for name, annotation in sorted(annotations.items()):
        uses = {(s.attribute, s.option): 1 for p in annotation.persons for s in p.spans}
        action_of, problems, _ = action_ids(annotation.options, uses, attributes, "the annotation")
        problems = [*clip_problems(annotation, clip, manifest), *problems]
        if problems:
            heading = f"{annotation.path}: this annotation cannot be compared:"
            raise UserError.listing(heading, problems, MOST_SHOWN)
        sights[name] = [
            Sight(p.second, p.person, p.box, p.judged, frozenset(p.action_ids))
            for p in places_of(annotation, rows, tracks, action_of)
            if p.kind != NOT_A_PERSON
        ]
        renamed[name] = _in_present_names(annotation, attributes, action_of)
    return Opinions(renamed, sights)


def _in_present_names(
    annotation: Annotation,
    attributes: Sequence[Attribute],
    action_of: Mapping[tuple[str, str], int],
) -> Annotation:
    names = {action.id: action.name for each in attributes for action in each.actions}
    persons = [
        replace(
            person,
            spans=tuple(
                span._replace(option=names[action_of[span.attribute, span.option]])
                for span in person.spans
            ),
        )
        for person in annotation.persons
    ]
    return replace(annotation, attributes=choices_of(attributes), persons=tuple(persons))


def choices_of(attributes: Sequence[Attribute]) -> tuple[Choice, ...]:
    """The project's attributes as they stand in an annotation file."""
    return tuple(
        Choice(
            attribute.name,
            "multiple" if attribute.multiple else "single",
            tuple(action.name for action in attribute.actions),
        )
        for attribute in attributes
    )


# ------------------------------------------------------------- what is agreed


@dataclass
class _Person:
    """A person of the clip's own file while it is put together."""

    made: AnnotatedPerson
    added: bool = False
    """Whether the file that all begins with lacks it: then it consists of boxes alone."""
    boxes: dict[Second, MendedBox] = field(default_factory=dict)

    def tick(self, second: Second, attribute: Attribute, option: str, holds: bool) -> None:
        """Let an action hold, or not hold, from a keyframe until before the next."""
        spans = self.made.spans
        covering = {s.option for s in spans if s.attribute == attribute.name and s.covers(second)}
        if (option in covering) == holds:
            return
        end = second + SECONDS_EACH
        cut = {option} if attribute.multiple or not holds else {a.name for a in attribute.actions}
        kept: list[Span] = []
        for span in spans:
            if span.attribute != attribute.name or span.option not in cut:
                kept.append(span)
                continue
            kept += [span._replace(end=min(span.end, second)),
                     span._replace(start=max(span.start, end))]  # fmt: skip
        if holds:
            kept.append(Span(attribute.name, option, float(second), float(end)))
        self.made = replace(
            self.made, spans=tuple(sorted(span for span in kept if span.start < span.end))
        )

    def judge(self, second: Second, judged: bool) -> None:
        """Say that a keyframe is judged, or is not yet."""
        end = second + SECONDS_EACH
        parts = [
            part
            for times in self.made.judged
            for part in (
                times._replace(end=min(times.end, second)),
                times._replace(start=max(times.start, end)),
            )
        ]
        parts += [Times(float(second), float(end))] if judged else []
        self.made = replace(self.made, judged=_joined(parts))

    def remove(self, second: Second) -> None:
        """Say that the person is not on a keyframe."""
        removed = tuple(sorted({*self.made.removed, second}))
        self.made = replace(self.made, removed=removed)

    def whole(self, seconds: Collection[Second]) -> AnnotatedPerson:
        """The person; one that consists of boxes is nowhere between them."""
        if not self.added:
            return self.made
        first, last = min(self.boxes), max(self.boxes)
        between = [s for s in sorted(seconds) if first < s < last and s not in self.boxes]
        boxes = tuple(self.boxes[second] for second in sorted(self.boxes))
        return replace(self.made, boxes=boxes, removed=tuple(between))


def _joined(parts: Sequence[Times]) -> tuple[Times, ...]:
    """Stretches of time in order, those that touch as one."""
    joined: list[Times] = []
    for part in sorted(part for part in parts if part.start < part.end):
        if joined and part.start <= joined[-1].end:
            joined[-1] = Times(joined[-1].start, max(joined[-1].end, part.end))
        else:
            joined.append(part)
    return tuple(joined)


class Draft(NamedTuple):
    """The clip's own file with all that is agreed, the questions that are left, and by question
    the person of the file that it is about."""

    annotation: Annotation
    questions: list[Question]
    persons: list[int]


def draft_of(
    opinions: Opinions, seconds: Collection[Second], attributes: Sequence[Attribute]
) -> Draft:
    """Put together what the annotators of a clip agree on. `seconds` are its keyframes.

    It begins with the file of whoever judged most. Persons that it lacks come from the others,
    as boxes on keyframes.
    """
    names = sorted(opinions.sights)
    judged = {name: sum(sight.judged for sight in opinions.sights[name]) for name in names}
    first = max(names, key=lambda name: judged[name])
    begun = opinions.annotations[first]
    persons = {person.id: _Person(person) for person in begun.persons}
    added: dict[tuple[str, int], int] = {}
    shown = persons_shown(opinions.sights)
    options = {a.id: (each, a.name) for each in attributes for a in each.actions}
    questions = questions_of(shown, options)
    asked: dict[int, list[Question]] = defaultdict(list)
    for question in questions:
        asked[id(question.shown)].append(question)
    owners: dict[int, int] = {}
    for one in shown:
        if not one.judged:
            continue
        owner = _owner(one, first, persons, added)
        owners[id(one)] = owner
        open_ = {question.action for question in asked[id(one)]}
        ticked = frozenset[int]().union(*(sight.actions for sight in one.judged.values()))
        for action, (attribute, option) in options.items():
            holds = action in ticked and action not in open_
            persons[owner].tick(one.second, attribute, option, holds)
        persons[owner].judge(one.second, not open_)
    annotation = replace(
        begun,
        annotator="",
        saved=max(each.saved for each in opinions.annotations.values()),
        seconds_worked=sum(each.seconds_worked for each in opinions.annotations.values()),
        persons=tuple(persons[key].whole(seconds) for key in sorted(persons)),
    )
    about = [(each, owners[id(each.shown)]) for each in questions]
    about.sort(key=lambda pair: (pair[0].second, pair[1], pair[0].action))
    return Draft(annotation, [each for each, _ in about], [person for _, person in about])


def _owner(
    one: Shown, first: str, persons: dict[int, _Person], added: dict[tuple[str, int], int]
) -> int:
    """The person of the file that is shown here, which it gets where it lacks it."""
    own = one.sights.get(first)
    if own and persons[own.person].made.kind == PERSON:
        return own.person
    if own:  # one to be ignored: judged by others, so it is somebody
        persons[own.person].remove(one.second)
    name = min(one.judged)
    sight = one.judged[name]
    key = added.setdefault((name, sight.person), max(persons, default=0) + 1)
    person = persons.setdefault(key, _Person(AnnotatedPerson(key), added=True))
    person.boxes[one.second] = MendedBox(one.second, sight.box)
    return key


# ------------------------------------------------------------- the page


class Settling(NamedTuple):
    """A clip to settle: where it plays, who annotated it, its keyframes, and the draft."""

    clip: str
    video: str
    compared: Compared
    draft: Draft


def settling_of(
    clip: str,
    video: str,
    opinions: Opinions,
    seconds: Collection[Second],
    attributes: Sequence[Attribute],
) -> Settling:
    """A clip to settle. `video` is its address from the page."""
    compared = Compared(sorted(opinions.sights), persons_shown(opinions.sights))
    return Settling(clip, video, compared, draft_of(opinions, seconds, attributes))


def measures_of(clips: Sequence[Settling], attributes: Sequence[Attribute]) -> list[Measure]:
    """The table of how far annotators agree."""
    return measures({each.clip: each.compared for each in clips}, attributes)


def page_script(clips: Sequence[Settling], attributes: Sequence[Attribute]) -> str:
    """The script of the page: what it asks, and how."""
    content = {
        "loop": LOOP_SECONDS,
        "clips": [
            {
                "clip": each.clip,
                "video": each.video,
                "annotators": each.compared.annotators,
                "draft": annotation_content(each.draft.annotation),
                "questions": list(_asked(each.draft, attributes)),
            }
            for each in clips
        ],
    }
    text = json.dumps(content, ensure_ascii=True, sort_keys=True)
    return f"window.AVAFLOW_AGREEMENT = {text};\n{PLAYER.read_text(encoding='utf-8')}"


def _asked(draft: Draft, attributes: Sequence[Attribute]) -> Iterator[dict[str, Any]]:
    options = {a.id: (each, a.name) for each in attributes for a in each.actions}
    for question, person in zip(draft.questions, draft.persons, strict=True):
        entry: dict[str, Any] = {
            "second": question.second,
            "person": person,
            "box": list(question.shown.box),
            "votes": question.votes,
        }
        if question.action:
            attribute, option = options[question.action]
            single = not attribute.multiple
            entry |= {"attribute": attribute.name, "option": option, "single": single}
        yield entry


def page_html(clips: Sequence[Settling], rows: Sequence[Measure]) -> str:
    """The page itself, with the figures of all clips together."""
    shown = ALL_CLIPS if len(clips) > 1 else clips[0].clip
    return render(
        __file__,
        "agreement.html",
        rows=[row for row in rows if row.clip == shown and row.units],
        clips=len(clips),
        questions=sum(len(each.draft.questions) for each in clips),
    )
