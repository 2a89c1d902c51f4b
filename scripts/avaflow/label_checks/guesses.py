"""What a head that has not seen a person's video says of the person, as shares of the answers.

All finished clips of all splits are dealt into folds, those of one video together; a head of the
baseline's kind is trained without each fold and scores its persons. How it is trained, and how its
scores become shares, is decided by persons outside the fold alone. These heads are thrown away:
nothing of val or test comes into the baseline, or any other training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from avaflow.baseline.examples import NOWHERE, Persons
from avaflow.baseline.judging import LEAST_CLIPS, LEAST_EXAMPLES
from avaflow.baseline.training import CrossValidation, cross_validated
from avaflow.label_checks.questions import (
    Question,
    answers_of,
    calibration_of,
    questions_of,
    shares_of,
)
from avaflow.listing import counted, sentence
from avaflow.project.actions import Attribute


@dataclass(frozen=True)
class Guess:
    """One question: the answers given and the shares of all answers, for each row of `Guesses`.

    `enough` says of each answer whether there are enough examples to say anything of it.
    """

    question: Question
    answers: np.ndarray
    shares: np.ndarray
    enough: np.ndarray

    def judged(self) -> np.ndarray:
        """Rows whose answer can be checked, (N,) of bool."""
        return self.enough[self.answers]


@dataclass(frozen=True)
class Guesses:
    """Judged persons with a feature: `rows` of `Persons.judged`, and where and who they are.

    `tracks` are numbers of tracks, `people` those by which labels call the persons, which stay the
    same where a tracker changed its mind; `groups` what stayed together. `questions` are those
    that can be checked; `notes` say what cannot.
    """

    rows: np.ndarray
    clips: np.ndarray
    seconds: np.ndarray
    tracks: np.ndarray
    people: np.ndarray
    groups: np.ndarray
    questions: list[Guess]
    notes: list[str]

    def entries(self) -> int:
        """How many answers are checked."""
        return sum(int(guess.judged().sum()) for guess in self.questions)


def guesses(
    persons: Persons,
    groups: Mapping[str, str],
    attributes: Sequence[Attribute],
    folds: int,
    people: np.ndarray | None = None,
) -> Guesses:
    """Shares of all answers, each by a head that has not seen the person's group of clips.

    `people` are the numbers of `persons.judged`; without them tracks stand for persons.
    """
    feature = persons.judged["feature"].to_numpy()
    rows = np.flatnonzero(feature != NOWHERE)
    at = feature[rows]
    clips = persons.judged["clip"].to_numpy()[rows].astype(str)
    targets = persons.targets[rows]
    own = np.array([groups[clip] for clip in clips], dtype=object)
    limits, notes = _limits(questions_of(attributes), targets, clips)
    found: list[Guess] = []
    if any(enough.any() for _, enough in limits):
        validated = cross_validated(persons.vectors[at], targets, own.tolist(), attributes, folds)
        if validated is None:
            notes = [
                "Nothing can be checked: all persons are of one clip or video, and no head has not "
                "seen it. Finish clips of at least two videos, better of ten."
            ]
        else:
            found = [
                Guess(
                    question,
                    answers_of(question, targets),
                    _shares(question, targets, validated, own),
                    enough,
                )
                for question, enough in limits
                if enough.any()
            ]
    missing = int((feature == NOWHERE).sum())
    if missing:
        notes.append(
            f"Not checked, because no track is where the box is: {missing} of "
            f"{counted(len(feature), 'annotated person')}."
        )
    tracks = persons.featured["person_id"].to_numpy(int)[at]
    return Guesses(
        rows,
        clips,
        persons.judged["second"].to_numpy(int)[rows],
        tracks,
        tracks if people is None else people[rows],
        own,
        found,
        notes,
    )


def _limits(
    questions: Sequence[Question], targets: np.ndarray, clips: np.ndarray
) -> tuple[list[tuple[Question, np.ndarray]], list[str]]:
    """Of each question, which answers have examples enough; and a note on those that have not."""
    limits, few = [], []
    for question in questions:
        answers = answers_of(question, targets)
        counts = np.bincount(answers, minlength=len(question.action_ids))
        spread = [len(set(clips[answers == one])) for one in range(len(counts))]
        enough = (counts >= LEAST_EXAMPLES) & (np.array(spread) >= LEAST_CLIPS)
        # An answer is checked against another that is known as well.
        if enough.sum() < 2:
            enough[:] = False
        few += [
            f"{name} ({count} in {counted(places, 'clip')})"
            for name, count, places, fine in zip(
                question.names[1:], counts[1:], spread[1:], enough[1:], strict=True
            )
            if not fine
        ]
        limits.append((question, enough))
    notes = []
    if few:
        notes.append(
            f"Too few to check, fewer than {LEAST_EXAMPLES} examples, fewer than {LEAST_EXAMPLES} "
            f"persons without it, or fewer than {LEAST_CLIPS} clips: {sentence(few, 12)}."
        )
    return limits, notes


def _shares(
    question: Question, targets: np.ndarray, validated: CrossValidation, groups: np.ndarray
) -> np.ndarray:
    answers = answers_of(question, targets)
    raw = shares_of(question, validated.scores)
    if validated.beside is None:
        return raw
    found = np.zeros_like(raw)
    fold = np.array([validated.fold_of[group] for group in groups])
    for held_out in range(len(validated.heads)):
        own = fold == held_out
        others = shares_of(question, validated.beside[held_out][~own])
        found[own] = calibration_of(others, answers[~own])(raw[own])
    return found
