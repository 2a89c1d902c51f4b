"""Which kind a file is, told by its content; and what all files of a project hold."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from avaflow.annotation.existing import coco, guide
from avaflow.annotation.existing.ava_csv import COLUMNS as AVA_COLUMNS
from avaflow.annotation.existing.ava_csv import read_ava_csv
from avaflow.annotation.existing.boxes import Found, Problems, Sighting
from avaflow.annotation.existing.cvat import read_cvat
from avaflow.annotation.existing.datumaro_json import read_datumaro
from avaflow.annotation.existing.mot import ACTION_COLUMNS, Span, read_mot, read_spans
from avaflow.annotation.existing.names import Names
from avaflow.annotation.existing.text import text_lines
from avaflow.annotation.existing.via3 import read_via3
from avaflow.annotation.existing.yolo import label_files, names_file, read_yolo
from avaflow.annotation.via import load_content, parse_project
from avaflow.errors import UserError
from avaflow.listing import commas

SUFFIXES = (".json", ".csv", ".xml", ".txt")
"""Files of a folder that are read."""

HOW = (
    "VIA 3 projects, AVA csv, COCO and Datumaro JSON, a guide's JSON or csv, CVAT's XML 1.1, MOT "
    "with a csv of actions, and folders of YOLO are read"
)


class Source(NamedTuple):
    """A file, or a folder of YOLO's, and its kind."""

    path: Path
    kind: str


def files_of(named: Iterable[str | Path]) -> list[Path]:
    """The files that the config's list names; of a folder those in it, sorted.

    A folder of YOLO's stays one. UserError for what is not there, and for a folder with nothing
    to read.
    """
    found: list[Path] = []
    for each in named:
        path = Path(each)
        if path.is_file():
            found.append(path)
        elif path.is_dir():
            found += _in_folder(path)
        else:
            raise UserError(
                f"config: existing.files: {path} is missing. Put the file there, or leave the key "
                "empty to use finished VIA projects alone. (`snakemake keyframes` makes the images "
                "to annotate, `snakemake clips` the videos.)"
            )
    return list(dict.fromkeys(found))


def _in_folder(folder: Path) -> list[Path]:
    if names_file(folder):
        return [folder]
    inside = sorted(path for path in folder.rglob("*") if path.is_dir() and names_file(path))
    sequences = sorted(folder.rglob("gt/gt.txt"))
    own = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not (found := [*inside, *sequences, *own]):
        raise UserError(
            f"config: existing.files: {folder}: there is nothing to read in this folder. {HOW}"
        )
    return found


def contents_of(files: Sequence[Path]) -> list[Path]:
    """All files whose content counts: those of folders one by one, and MOT's notes."""
    found: list[Path] = []
    for path in files:
        if path.is_dir():
            named = names_file(path)
            found += [*([named] if named else []), *label_files(path)]
        else:
            notes = [path.parent / "seqinfo.ini", path.parent.parent / "seqinfo.ini"]
            found += [path, *(note for note in notes if path.suffix == ".txt" and note.is_file())]
    return found


def kind_of(path: Path) -> str:
    """The kind of a file by its content. UserError, with what is read, for any other."""
    if path.is_dir():
        return "yolo"
    first = next((line.strip() for line in text_lines(path) if line.strip()), "")
    if not first:
        raise UserError(f"{path}: the file is empty. Expected annotations: {HOW}")
    if first[0] in "{[":
        return "json"
    if first[0] == "<":
        return "cvat"
    if first.count(";") >= len(ACTION_COLUMNS) - 1 and "," not in first:
        raise UserError(
            f"{path}: semicolons stand between its cells, expected commas. Save it again as csv "
            "with commas (spreadsheets ask for the separator)"
        )
    cells = next(csv.reader([first]))
    if {"file", "x"} <= set(cells):
        return "guide csv"
    if set(cells) >= {"start", "end", "action"}:
        return "actions"
    if path.suffix == ".txt" or (len(cells) in (9, 10) and _all_numbers(cells)):
        return "mot"
    if len(cells) in AVA_COLUMNS and _all_numbers(cells[1:]):
        return "ava"
    raise UserError(f"{path}: its first line is {first[:80]!r}, which is of no kind known. {HOW}")


def _all_numbers(cells: Iterable[str]) -> bool:
    try:
        return all(float(cell) == float(cell) for cell in cells)
    except ValueError:
        return False


def read_existing(paths: Sequence[Path], names: Names, max_mb: float) -> Found:
    """What files hold, of whatever kinds. UserError, one per file, that lists its problems."""
    sources = [Source(path, kind_of(path)) for path in paths]
    spans: dict[tuple[str, int], list[Span]] = {}
    for path, kind in sources:
        if kind == "actions":
            problems = Problems()
            for key, own in read_spans(path, names, problems).items():
                spans.setdefault(key, []).extend(own)
            problems.raise_if_any(path)
    found = Found()
    for source in sources:
        if source.kind == "actions":
            continue
        problems, unused = Problems(), set[str]()
        sightings = _sightings(source, names, problems, unused, spans, max_mb)
        found.add(source.path, sightings, problems, names.attributes)
        problems.raise_if_any(source.path)
        if unused:
            told = f"{source.path}: attributes that are no actions: {commas(sorted(unused))}"
            for clip, images in found.images.items():
                if str(source.path) in images.values():
                    found.remarks[clip].append(told)
    _check_spans(spans, found)
    if not found.images:
        raise UserError(
            f"{commas(paths)}: not one image is named. Add annotations, or leave existing.files "
            "empty to use finished VIA projects"
        )
    return found


def _check_spans(spans: dict[tuple[str, int], list[Span]], found: Found) -> None:
    """UserError if actions are of persons whom no MOT file has: they would be lost."""
    there = {(clip, box.person) for clip, boxes in found.boxes.items() for box in boxes}
    lost = sorted(set(spans) - there)
    if lost:
        raise UserError.listing(
            "existing.files: actions of persons who have no box on any whole second:",
            [f"person {person} of clip {clip}" for clip, person in lost],
        )


def _sightings(
    source: Source,
    names: Names,
    problems: Problems,
    unused: set[str],
    spans: dict[tuple[str, int], list[Span]],
    max_mb: float,
) -> Iterator[Sighting]:
    path = source.path
    if source.kind == "yolo":
        return read_yolo(path, names, problems)
    if source.kind == "cvat":
        return read_cvat(path, names, problems, unused)
    if source.kind == "guide csv":
        return guide.read_csv(path, names, problems)
    if source.kind == "mot":
        return read_mot(path, spans, names, problems)
    if source.kind == "ava":
        return read_ava_csv(path, names, problems)
    content = _load_json(path)
    if "categories" in content and "items" in content:
        return read_datumaro(path, content, names, problems, unused)
    if "images" in content or "annotations" in content:
        return coco.read_coco(path, content, names, problems, unused)
    if "metadata" in content or "_via_settings" in content:
        project = parse_project(load_content(path, max_mb), path)
        return read_via3(path, project, names, problems)
    return guide.read_json(path, content, names, problems)


class _Double(ValueError):
    """A JSON object says two things under one name."""


def _load_json(path: Path) -> dict[str, Any]:
    """A JSON object, in which COCO's annotations are slim already."""

    def taken(pairs: list[tuple[str, Any]]) -> Any:
        entry = dict(pairs)
        if len(entry) < len(pairs):
            keys = [key for key, _ in pairs]
            raise _Double(next(key for key in keys if keys.count(key) > 1))
        return coco.slim(entry) or entry

    try:
        content = json.loads("".join(text_lines(path)), object_pairs_hook=taken)
    except _Double as error:
        raise UserError(
            f"{path}: the entry {str(error)!r} is there twice in one object, so one of the two "
            "would be lost: put them into one"
        ) from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: this is not JSON ({error}). Fix or export it again.") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a JSON object, found a list or a single value. {HOW}")
    return content
