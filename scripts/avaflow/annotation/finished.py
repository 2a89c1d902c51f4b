"""Finished annotations as files: which clip each belongs to, and which cannot be used."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from avaflow.annotation.via import MAX_PROJECT_MB
from avaflow.errors import UserError
from avaflow.project.actions import Attribute

FINISHED_NAME = re.compile(r"^(?P<clip>[A-Za-z0-9_.-]+?)(?:_finish)?\.json$")
"""How the file of a finished annotation may be called."""

ANNOTATORS_NAME = re.compile(r"^(?P<clip>[A-Za-z0-9_.-]+?)\.(?P<annotator>[A-Za-z0-9_-]+)\.json$")
"""How the file of one annotator of several may be called: `{clip}.{annotator}.json`."""

FORMAT_TEXT = b'"avaflow annotation"'
"""What the page's file says of itself, in its first entry."""

LONGEST_HEAD = 200
"""Bytes in which a file says what it is."""

SETTLED, MAJORITY = "settled", "majority"
"""Which of several annotations of a clip counts, beside the name of an annotator."""

SOURCES_SAID = {"page": "saved by its page", "via": "a VIA project"}
"""The kinds of files, as messages name them."""

SECOND_SAVE = re.compile(
    r"^(?P<clip>[A-Za-z0-9_.-]+?)(?:_finish)?(?: ?\(\d+\)| copy(?: \d+)?|_finish-\d+)\.json$"
)
"""What browsers and file managers make of that name where the file is there already:
`a_finish (1).json` (Chrome, Edge), `a_finish(1).json` (Firefox), `a_finish-1.json` (Safari),
`a_finish copy.json` (macOS)."""


_JUDGED = re.compile(rb'"judged"\s*:\s*\[\s*\[')
_TO_JUDGE = re.compile(rb'"kind"\s*:\s*"person"')


class Counted(NamedTuple):
    """The files that count for each finished clip, more than one where most decide; the names
    of the annotators of each clip whose files await somebody who settles what they say; and the
    file of each clip that is begun, and of which nothing is judged yet."""

    files: dict[str, list[str]]
    unsettled: dict[str, list[str]]
    begun: dict[str, str]


def find_finished(
    folder: str | Path,
    clips: set[str],
    known_as: Mapping[str, str] | None = None,
    source: str = "",
) -> tuple[dict[str, str], list[str]]:
    """Finished annotations, clip id -> path, sorted by clip, and a warning per stray file.

    `known_as` maps what a clip was called elsewhere to its id: a file may have either name.
    `source` says which counts where a clip has a VIA project and a file of its page: `via` or
    `page`. Raises UserError where two files stand for one clip and nothing says which counts.
    Files of one annotator of several are left to :func:`find_annotators`.
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
        elif clip is None and _of_annotator(path, ids):
            continue
        elif clip is None:
            warnings.append(
                f"{path}: no clip of this name is in the clips table, so the file is not used. "
                "Expected {clip}.json or {clip}_finish.json"
            )
        elif clip in finished:
            chosen = _of_source([Path(finished[clip]), path], source)
            if isinstance(chosen, Path):
                finished[clip] = str(chosen)
            else:
                problems.append(f"clip {clip}: {chosen}")
        else:
            finished[clip] = str(path)
    for clip, paths in again.items():
        instead = Path(finished.get(clip, folder / f"{clip}_finish.json"))
        warnings += [_second_save(clip, path, instead, clip in finished) for path in paths]
    if problems:
        raise UserError.listing(f"{folder}: two annotations for one clip:", problems)
    return dict(sorted(finished.items())), warnings


def _of_source(paths: Sequence[Path], source: str) -> Path | str:
    """The one of two files that counts, or a sentence on why neither can be told to."""
    # Imported where two files are there: most starts of a run do without.
    from avaflow.annotation.page.model import is_annotation
    from avaflow.annotation.readings import load_any

    kinds: dict[str, Path] = {}
    for path in paths:
        with suppress(UserError):  # of no kind; the job that reads the other need not mind
            kinds.setdefault("page" if is_annotation(load_any(path)) else "via", path)
    if len(kinds) < 2:
        return f"both {paths[0]} and {paths[1]} are there: keep the one that counts"
    if source:
        return kinds[source]
    said = " and ".join(f"{path} ({SOURCES_SAID[kind]})" for kind, path in sorted(kinds.items()))
    return (
        f"both {said} are there: keep the one that counts, or say for all clips which does, by "
        "`annotate: {source: page}` or `annotate: {source: via}` in the config"
    )


def _of_annotator(path: Path, ids: Mapping[str, str]) -> tuple[str, str] | None:
    """The clip and the annotator of a file of one annotator of several."""
    named = ANNOTATORS_NAME.match(path.name)
    if not named or named["clip"] not in ids:
        return None
    return ids[named["clip"]], named["annotator"]


def annotator_of(path: str | Path) -> str:
    """The annotator in the name of a file; empty in that of a clip's own."""
    named = ANNOTATORS_NAME.match(Path(path).name)
    return named["annotator"] if named else ""


def find_annotators(
    folder: str | Path, clips: set[str], known_as: Mapping[str, str] | None = None
) -> dict[str, dict[str, str]]:
    """Files of several annotators: clip id -> name -> path, sorted."""
    ids = {**(known_as or {}), **{clip: clip for clip in clips}}
    found: dict[str, dict[str, str]] = {}
    for path in sorted(Path(folder).glob("*.json")):
        # A clip's own file may look like one: what a clip is called elsewhere may have a dot.
        whole = FINISHED_NAME.match(path.name)
        of_annotator = _of_annotator(path, ids)
        if of_annotator and not (whole and whole["clip"] in ids):
            clip, name = of_annotator
            found.setdefault(clip, {})[name] = str(path)
    return {clip: dict(sorted(found[clip].items())) for clip in sorted(found)}


def which_count(
    finished: Mapping[str, str], annotators: Mapping[str, Mapping[str, str]], counts: str
) -> Counted:
    """The files that count, where several annotators may have one each.

    `counts` is :data:`SETTLED`, by which a clip's own file alone counts; the name of an
    annotator, whose file counts where there is one, else the clip's own; or :data:`MAJORITY`,
    by which all annotators' files count where nobody has settled the clip.
    """
    files: dict[str, list[str]] = {clip: [path] for clip, path in finished.items()}
    unsettled: dict[str, list[str]] = {}
    for clip, named in annotators.items():
        if counts not in (SETTLED, MAJORITY) and counts in named:
            files[clip] = [named[counts]]
        elif counts == MAJORITY and clip not in files:
            files[clip] = list(named.values())
        elif clip not in files:
            unsettled[clip] = list(named)
    begun = {
        clip: paths[0] for clip, paths in files.items() if len(paths) == 1 and only_begun(paths[0])
    }
    files = {clip: paths for clip, paths in sorted(files.items()) if clip not in begun}
    return Counted(files, unsettled, begun)


def only_begun(path: str | Path) -> bool:
    """Whether a file of the page holds persons to judge, and nothing that is judged.

    The server saves every change, so such a file is somebody's work of this minute. It is looked
    into as text: this is asked at each start of a run, of every file.
    """
    try:
        text = Path(path).read_bytes()
    except OSError:
        return False  # its own job says why
    told = FORMAT_TEXT in text[:LONGEST_HEAD] and _TO_JUDGE.search(text)
    return bool(told) and not _JUDGED.search(text)


def saved_by_page(path: str | Path) -> bool:
    """Whether a finished annotation is of the page's own kind, by how it begins."""
    try:
        with open(path, "rb") as stream:
            return FORMAT_TEXT in stream.read(LONGEST_HEAD)
    except OSError:
        return False  # its own job says why


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
    finished: Mapping[str, Sequence[str]],
    results: Path,
    attributes: Sequence[Attribute],
    max_mb: float = MAX_PROJECT_MB,
    known_as: Mapping[str, str] | None = None,
) -> list[str]:
    """A warning for each finished file, not read back yet, that its clip's labels will refuse.

    `finished` gives the files that count for each clip. Only those that this run has to read are
    looked into. The refusal itself is left to the clip's own job, so that one annotator's slip
    holds up nobody else.
    """
    warnings = []
    for clip, path in ((clip, path) for clip, paths in finished.items() for path in paths):
        labels = results / "labels" / f"{clip}.csv"
        if labels.exists() and labels.stat().st_mtime >= Path(path).stat().st_mtime:
            continue
        # Imported where a file has to be read: most starts of a run do without.
        from avaflow.annotation.readings import problems_of_file

        try:
            problems = problems_of_file(path, clip, attributes, max_mb, known_as)
        except UserError as error:
            warnings.append(str(error))
            continue
        if problems:
            warnings.append(
                str(UserError.listing(f"{path}: this project cannot be used:", problems))
            )
    return warnings
