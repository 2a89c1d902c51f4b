"""Ids of Kinetics' labels, counted from the annotation files or given, and doubts about both.

The official ids count all classes of a release in alphabetical order. Weights and other lists
know no other, so ids that are counted from some of the files, or from a part of one, fit
neither.
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from avaflow.errors import UserError
from avaflow.kinetics.annotations import Annotated
from avaflow.listing import commas, counted

CLASSES = (400, 600, 700)
"""How many classes the releases have: Kinetics-400, -600, and -700 with its edition of 2020."""

SHOWN = 5
"""So many labels are named in a message; the rest is counted."""


def label_ids(labels: Iterable[str]) -> dict[str, int]:
    """Ids from 0 in the sorted order of the labels."""
    return {label: number for number, label in enumerate(sorted(set(labels) - {""}))}


def label_ids_text(ids: Mapping[str, int]) -> str:
    """The text of `label2id.json`."""
    return json.dumps(ids, ensure_ascii=False, indent=1) + "\n"


def read_label_ids(path: str | Path) -> dict[str, int]:
    """The ids of a `label2id.json`, sorted by label.

    PyTorchVideo's `kinetics_classnames.json` is of the same form, with quotes around labels.
    Raises UserError for a file of another form, and for an id that is given twice.
    """
    expected = 'expected {"label": id, ...} with whole numbers from 0, as label2id.json has them'
    try:
        pairs = json.loads(Path(path).read_text(encoding="utf-8-sig"), object_pairs_hook=_Pairs)
    except FileNotFoundError:
        raise UserError(f"{path}: this file is missing: correct kinetics.label_ids") from None
    except IsADirectoryError:
        raise UserError(f"{path}: {expected}, found a folder") from None
    except ValueError as error:
        raise UserError(f"{path}: {expected}, found no json ({error})") from None
    if not isinstance(pairs, _Pairs) or not pairs:
        raise UserError(f"{path}: {expected}, found {'nothing' if not pairs else 'a list'}")
    ids: dict[str, int] = {}
    taken: set[int] = set()
    for key, number in pairs:
        label = unicodedata.normalize("NFC", key.strip().strip('"').strip())
        if type(number) is not int or number < 0 or not label:
            raise UserError(f"{path}: {expected}, found {key!r}: {number!r}")
        if label in ids or number in taken:
            what = f"the label {label!r}" if label in ids else f"the id {number}"
            raise UserError(f"{path}: {expected}, each once; found {what} twice")
        ids[label] = number
        taken.add(number)
    return dict(sorted(ids.items()))


class _Pairs(list):
    """A json object as the list of its entries."""


def check_known(annotated: Iterable[str], ids: Mapping[str, int], path: str) -> None:
    """UserError for annotated labels that a file of ids does not have."""
    unknown = sorted(set(annotated) - {""} - set(ids))
    if unknown:
        raise UserError(
            f"config: kinetics.label_ids: {path} has no id for {counted(len(unknown), 'label')} of "
            f"kinetics.annotations: {commas([repr(label) for label in unknown], SHOWN)}. It has "
            f"{counted(len(ids), 'label')}, such as {min(ids)!r}: is it of another release?"
        )


def doubts(ids: Mapping[str, int], given: str) -> list[str]:
    """A warning where ids are not those of an official list; `given` is their file, or empty."""
    official = " or ".join(map(str, CLASSES))
    fits = "weights and lists that were made with all classes count otherwise"
    if not given:
        if len(ids) in CLASSES:
            return []
        return [
            f"kinetics.annotations: the files name {counted(len(ids), 'label')}, and Kinetics has "
            f"{official}. Ids count these labels, so they change when a file is added, and {fits}. "
            "Name all files of the release, or give its ids as kinetics.label_ids"
        ]
    found = []
    if len(ids) not in CLASSES:
        found.append(f"{counted(len(ids), 'label')}, and Kinetics has {official}")
    if list(ids.values()) != list(range(len(ids))):
        found.append("ids that do not count its labels from 0 in alphabetical order")
    return [f"kinetics.label_ids: {given} has {one}: {fits}" for one in found]


def disagreements(files: Sequence[tuple[str, Sequence[Annotated]]]) -> list[str]:
    """A warning for each two annotation files that give a video different labels.

    Labels that one file gives together are not told: some videos have several.
    """
    labels_of = []
    for path, rows in files:
        labels: dict[str, set[str]] = {}
        for row in rows:
            if row.label:
                labels.setdefault(row.name, set()).add(row.label)
        labels_of.append((path, labels))
    found = []
    for number, (path, labels) in enumerate(labels_of):
        for other, others in labels_of[:number]:
            names = sorted(
                name for name, own in labels.items() if others.get(name, own).isdisjoint(own)
            )
            if names:
                first = names[0]
                found.append(
                    f"kinetics.annotations: {other} and {path} disagree on the label of "
                    f"{counted(len(names), 'video')}, such as {first}: "
                    f"{commas(sorted(others[first]), SHOWN)} there, "
                    f"{commas(sorted(labels[first]), SHOWN)} here. It is listed with each; leave "
                    "one of the files out, or correct it"
                )
    return found
