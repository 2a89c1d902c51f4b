"""Finished annotations as files: which clip each belongs to, and which cannot be used."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from avaflow.annotation.via import MAX_PROJECT_MB
from avaflow.errors import UserError
from avaflow.project.actions import Attribute

FINISHED_NAME = re.compile(r"^(?P<clip>[A-Za-z0-9_.-]+?)(?:_finish)?\.json$")
"""How the file of a finished annotation may be called."""

SECOND_SAVE = re.compile(
    r"^(?P<clip>[A-Za-z0-9_.-]+?)(?:_finish)?(?: ?\(\d+\)| copy(?: \d+)?|_finish-\d+)\.json$"
)
"""What browsers and file managers make of that name where the file is there already:
`a_finish (1).json` (Chrome, Edge), `a_finish(1).json` (Firefox), `a_finish-1.json` (Safari),
`a_finish copy.json` (macOS)."""


def find_finished(
    folder: str | Path, clips: set[str], known_as: Mapping[str, str] | None = None
) -> tuple[dict[str, str], list[str]]:
    """Finished projects, clip id -> path, sorted by clip, and a warning per stray file.

    `known_as` maps what a clip was called elsewhere to its id: a file may have either name.
    Raises UserError where two files stand for one clip.
    """
    folder = Path(folder)
    if not folder.exists():
        return {}, []
    if not folder.is_dir():
        raise UserError(f"{folder}: expected the folder of finished annotations, found a file.")
    finished: dict[str, str] = {}
    problems, warnings = [], []
    ids = {**(known_as or {}), **{clip: clip for clip in clips}}
    again: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.json")):
        named = FINISHED_NAME.match(path.name)
        clip = ids.get(named["clip"]) if named else None
        saved = SECOND_SAVE.match(path.name)
        saved_again = ids.get(saved["clip"]) if saved else None
        if saved_again:
            again.setdefault(saved_again, []).append(path)
        elif clip is None:
            warnings.append(
                f"{path}: no clip of this name is in the clips table, so the file is not used. "
                "Expected {clip}.json or {clip}_finish.json"
            )
        elif clip in finished:
            problems.append(
                f"clip {clip}: both {finished[clip]} and {path} are there: keep the one that counts"
            )
        else:
            finished[clip] = str(path)
    for clip, paths in again.items():
        instead = Path(finished.get(clip, folder / f"{clip}_finish.json"))
        warnings += [_second_save(clip, path, instead, clip in finished) for path in paths]
    if problems:
        raise UserError.listing(f"{folder}: two annotations for one clip:", problems)
    return dict(sorted(finished.items())), warnings


def _second_save(clip: str, path: Path, instead: Path, there: bool) -> str:
    """Which of two saves counts, only a person can say: neither name nor date tells."""
    if not there:
        return (
            f"{path}: named as browsers name a second save of clip {clip}, so it is not used. "
            f"Rename it {instead.name}"
        )
    return (
        f"{path}: a second save of clip {clip}, as browsers name it, and not used: "
        f"{instead.name} is. Rename it over {instead.name} if it is the one that counts, else "
        "delete it"
    )


def unusable_annotations(
    finished: Mapping[str, str],
    results: Path,
    attributes: Sequence[Attribute],
    max_mb: float = MAX_PROJECT_MB,
    known_as: Mapping[str, str] | None = None,
) -> list[str]:
    """A warning for each finished project, not read back yet, that its clip's labels will refuse.

    Only files that this run has to read are looked into. The refusal itself is left to
    the clip's own job, so that one annotator's slip holds up nobody else.
    """
    warnings = []
    for clip, path in finished.items():
        labels = results / "labels" / f"{clip}.csv"
        if labels.exists() and labels.stat().st_mtime >= Path(path).stat().st_mtime:
            continue
        # Imported where a file has to be read: most starts of a run do without.
        from avaflow.annotation.labels import early_problems
        from avaflow.annotation.via import adopted, read_project

        try:
            project = adopted(read_project(path, max_mb), known_as or {})
            problems = early_problems(project, clip, attributes)
        except UserError as error:
            warnings.append(str(error))
            continue
        if problems:
            warnings.append(
                str(UserError.listing(f"{path}: this project cannot be used:", problems))
            )
    return warnings
