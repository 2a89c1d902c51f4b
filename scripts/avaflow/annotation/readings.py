"""One finished annotation read, whichever kind of file it is: the page's, or a VIA project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from avaflow.annotation.json_files import load_json
from avaflow.annotation.labels import Reading, early_problems, labels_of_project, unticked_boxes
from avaflow.annotation.page import labels as page_labels
from avaflow.annotation.page.model import is_annotation, parse_annotation
from avaflow.annotation.via import (
    MAX_PROJECT_MB,
    Project,
    adopted,
    checked_content,
    parse_project,
)
from avaflow.manifests import ClipManifest
from avaflow.project.actions import Attribute
from avaflow.tables import Label, rows_of, table_of
from avaflow.times import Second


@dataclass(frozen=True)
class ClipFacts:
    """What an annotation of a clip is held against.

    `known_as` maps what another tool called the clip to the clip.
    """

    manifest: ClipManifest
    keyframes: pd.DataFrame
    tracks: pd.DataFrame
    attributes: Sequence[Attribute]
    known_as: Mapping[str, str] = field(default_factory=dict)


def load_any(path: str | Path, max_mb: float = MAX_PROJECT_MB) -> object:
    """The content of a finished annotation, of either kind."""
    what = "an annotation, or a project saved by VIA 3"
    return load_json(path, max_mb, what, "Save it again where it was made and put that file here.")


def read_finished(path: str | Path, facts: ClipFacts, max_mb: float = MAX_PROJECT_MB) -> Reading:
    """What a finished annotation says of its clip. UserError where it cannot be used."""
    content = load_any(path, max_mb)
    if is_annotation(content):
        return page_labels.labels_of_annotation(
            parse_annotation(content, path),
            facts.manifest.clip,
            facts.keyframes,
            facts.tracks,
            facts.attributes,
            facts.manifest,
        )
    project = parse_project(checked_content(content, Path(path)), Path(path))
    return reading_of_project(adopted(project, facts.known_as), facts)


def reading_of_project(
    project: Project, facts: ClipFacts, nobody: Sequence[Second] = ()
) -> Reading:
    """What a VIA project says of its clip; `nobody` are keyframes that it says show no person."""
    labels, notes, warnings = labels_of_project(
        project,
        facts.manifest.clip,
        facts.keyframes,
        facts.tracks,
        facts.attributes,
        facts.manifest.fps,
        facts.manifest.start,
    )
    judged = {row._replace(action_id=0) for row in rows_of(labels, Label)}
    return Reading(
        labels,
        notes,
        unticked_boxes(project, facts.keyframes),
        list(nobody),
        warnings,
        table_of(sorted(judged), Label),
    )


def problems_of_file(
    path: str | Path,
    clip: str,
    attributes: Sequence[Attribute],
    max_mb: float = MAX_PROJECT_MB,
    known_as: Mapping[str, str] | None = None,
) -> list[str]:
    """Why a file cannot be used, as far as it can be told before its clip is cut.

    UserError where it cannot even be read.
    """
    content = load_any(path, max_mb)
    if is_annotation(content):
        return page_labels.early_problems(parse_annotation(content, path), clip, attributes)
    project = parse_project(checked_content(content, Path(path)), Path(path))
    return early_problems(adopted(project, known_as or {}), clip, attributes)
