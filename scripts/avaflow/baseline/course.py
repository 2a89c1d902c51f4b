"""From persons to a head, its figures, and what is said of each action: the whole course.

The head is trained on the train split alone. Persons of val and test are scored by it and enter
nothing: not what is chosen, not the scaling, not the thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from avaflow.baseline.examples import NOWHERE, Persons, twins
from avaflow.baseline.head import Head, scores
from avaflow.baseline.judging import Evaluation, Verdict, evaluate, verdict
from avaflow.baseline.training import CrossValidation, cross_validated, mean_and_spread, train
from avaflow.errors import UserError
from avaflow.listing import counted, sentence
from avaflow.project.actions import Attribute, all_actions

CROSS_VALIDATION = "cross-validation"
"""Name of the evaluation of the train split's own persons, each by a head that has not seen it."""

DECIMALS = 6
"""Of figures in files: their last digits are not the same on every machine."""


@dataclass(frozen=True)
class Course:
    """What came out. `scored` of shape (len(persons.featured), actions) has nan for those whom no
    head may score: persons of the train split where nothing could be held out."""

    head: Head
    chosen: CrossValidation | None
    evaluations: list[Evaluation]
    verdicts: list[Verdict]
    scored: np.ndarray
    notes: list[str]
    made_from: dict[str, Any]


def run_course(
    persons: Persons,
    clip_splits: Mapping[str, str],
    groups: Mapping[str, str],
    attributes: Sequence[Attribute],
    folds: int,
    seed: int,
) -> Course:
    """Train, cross-validate, judge. `groups` say which clips stay together: those of one video.

    UserError where nobody of the train split has both a feature and a judgement.
    """
    clips_of = {
        split: sorted(clip for clip, own in clip_splits.items() if own == split)
        for split in ("train", "val", "test")
    }
    feature = persons.judged["feature"].to_numpy()
    clips = persons.judged["clip"].to_numpy()
    in_train = np.isin(clips, clips_of["train"])
    rows = np.flatnonzero(in_train & (feature != NOWHERE))
    if not len(rows):
        raise UserError(
            "baseline: nobody in the train split was both judged by an annotator and has a "
            f"feature ({counted(int(in_train.sum()), 'annotated person')} in "
            f"{counted(len(clips_of['train']), 'finished clip')} of it): finish annotations of "
            "train clips, or draw boxes where tracks are"
        )
    vectors, targets = persons.vectors[feature[rows]], persons.targets[rows]
    own_groups = [groups[clip] for clip in clips[rows]]
    chosen = cross_validated(vectors, targets, own_groups, attributes, folds)
    head = train(vectors, targets, attributes, chosen)
    scored = _scored(persons, clips_of, groups, head, chosen)
    evaluations = [
        evaluate(name, persons, clips_of[split], scored, seed)
        for name, split in (("val", "val"), (CROSS_VALIDATION, "train"), ("test", "test"))
        if _judged_in(persons, clips_of[split]) and (split != "train" or chosen)
    ]
    verdicts = [
        verdict(
            int(targets[:, column].sum()),
            # Test is looked at last, by people; nothing is decided by it.
            [(one.name, one.figures[column]) for one in evaluations if one.name != "test"],
        )
        for column in range(targets.shape[1])
    ]
    return Course(
        head,
        chosen,
        evaluations,
        verdicts,
        scored,
        notes_on(persons, clips_of, chosen, evaluations, vectors, rows),
        {
            "persons": len(rows),
            "clips": len(set(clips[rows].tolist())),
            "examples": [int(each) for each in targets.sum(axis=0)],
        },
    )


def _scored(
    persons: Persons,
    clips_of: Mapping[str, Sequence[str]],
    groups: Mapping[str, str],
    head: Head,
    chosen: CrossValidation | None,
) -> np.ndarray:
    clips = persons.featured["clip"]
    found = np.full((len(clips), len(head.names)), np.nan)
    held_out = clips.isin([*clips_of["val"], *clips_of["test"]]).to_numpy()
    found[held_out] = scores(head, persons.vectors[held_out])
    if chosen:
        # Clips of which nobody was learnt from are in no fold: no head has seen them.
        group = clips.map(groups)
        seen = clips.isin(clips_of["train"]).to_numpy() & group.isin(chosen.fold_of).to_numpy()
        found[seen] = chosen.scores_of(persons.vectors[seen], group[seen].tolist())
        unseen = clips.isin(clips_of["train"]).to_numpy() & ~seen
        found[unseen] = scores(head, persons.vectors[unseen])
    return np.round(found, DECIMALS)


def _judged_in(persons: Persons, clips: Sequence[str]) -> bool:
    """Whether there is anything to judge by: an action in these clips."""
    own = persons.judged["clip"].isin(list(clips)).to_numpy()
    return bool(persons.targets[own].any())


def notes_on(
    persons: Persons,
    clips_of: Mapping[str, Sequence[str]],
    chosen: CrossValidation | None,
    evaluations: Sequence[Evaluation],
    vectors: np.ndarray,
    rows: np.ndarray,
) -> list[str]:
    """What a reader of the figures has to know, as sentences."""
    notes = []
    names = {each.name for each in evaluations}
    if not names:
        notes.append(
            "Nothing can be judged: no clip could be held out. A head was trained on one clip "
            "or video, and nobody knows how it does on others; annotate at least two, better some "
            "of them in val."
        )
    elif "val" not in names:
        notes.append(
            "No clip of val is annotated: figures are of cross-validation over the train split's "
            "clips alone."
            if CROSS_VALIDATION in names
            else "No clip of val is annotated."
        )
    if names and not chosen:
        notes.append(
            "All persons of training are of one clip or video, so nothing could be held out to "
            "choose by: the head was trained with the settings in the middle."
        )
    feature = persons.judged["feature"].to_numpy()
    for split, clips in clips_of.items():
        own = persons.judged["clip"].isin(list(clips)).to_numpy()
        without = own & (feature == NOWHERE)
        if without.any():
            where = persons.judged[without]
            places = [f"{clip} at {second} s" for clip, second in _moments(where)]
            notes.append(
                f"{split}: without a feature, because no track is where the box is: "
                f"{int(without.sum())} of {counted(int(own.sum()), 'annotated person')} "
                f"({sentence(places)}). In training they are left out, in judging missed."
            )
    notes += _twins_told(persons, clips_of, vectors, rows)
    return notes


def _moments(table) -> list[tuple]:
    return sorted(set(zip(table["clip"].tolist(), table["second"].tolist(), strict=True)))


def _twins_told(
    persons: Persons,
    clips_of: Mapping[str, Sequence[str]],
    vectors: np.ndarray,
    rows: np.ndarray,
) -> list[str]:
    """A sentence for each split with persons who are in training too."""
    mean, spread = mean_and_spread(vectors)
    notes = []
    for split in ("val", "test"):
        own = persons.judged["clip"].isin(list(clips_of[split])).to_numpy()
        judged = np.flatnonzero(own & (persons.judged["feature"].to_numpy() != NOWHERE))
        features = persons.judged["feature"].to_numpy()[judged]
        pairs = twins(persons.vectors[features], vectors, mean, spread)
        if pairs:
            told = [
                f"{_place(persons, int(judged[one]))} is {_place(persons, int(rows[other]))}"
                for one, other in pairs
            ]
            notes.append(
                f"{split}: just like a person in training, so that its figures are too good: "
                f"{counted(len(pairs), 'person')} ({sentence(told, 4)}). Keep clips of one video "
                "in one split."
            )
    return notes


def _place(persons: Persons, row: int) -> str:
    found = persons.judged.iloc[row]
    return f"{found['clip']} at {found['second']} s"


def metrics(course: Course, attributes: Sequence[Attribute]) -> dict[str, Any]:
    """Everything of `metrics.json`; no value is nan, what is not known is null."""
    actions = all_actions(attributes)
    return {
        "trained_on": course.made_from,
        "chosen": [
            {
                "attribute": block.attribute,
                "kind": block.kind,
                "scaling": block.scaling,
                "C": block.strength,
                "tried": _tried(course, block.attribute),
            }
            for block in course.head.blocks
        ],
        "evaluations": {
            one.name: {
                "mAP_annotated_boxes": number(one.annotated.mean),
                "mAP_detected_boxes": number(one.detected.mean),
                "actions": {
                    action.name: {
                        name: number(value) if isinstance(value, float) else value
                        for name, value in one.figures[action.id - 1]._asdict().items()
                        if name != "curve"
                    }
                    for action in actions
                },
            }
            for one in course.evaluations
        },
        "verdicts": {action.name: course.verdicts[action.id - 1]._asdict() for action in actions},
        "notes": course.notes,
    }


def _tried(course: Course, attribute: str) -> list[dict[str, Any]]:
    if not course.chosen:
        return []
    figures = course.chosen.figures[attribute]
    return [
        {"kind": r.kind, "scaling": r.scaling, "C": r.strength, "mean_AP": number(value)}
        for r, value in figures.items()
    ]


def number(value: float) -> float | None:
    """A figure as files have it: rounded, None for nan."""
    return None if np.isnan(value) else round(value, DECIMALS)
