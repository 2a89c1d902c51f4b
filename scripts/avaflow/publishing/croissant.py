"""The dataset as Croissant 1.0, `dataset/croissant.json`, with its fields of responsible AI.

Looked at: the specification of Croissant 1.0 and of its RAI vocabulary, mlcroissant 1.1.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from avaflow.publishing.card import KINDS, TOLD, title_of
from avaflow.publishing.manifest import FileEntry
from avaflow.publishing.tables import COLUMNS

CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    **{
        name: f"cr:{name}"
        for name in (
            *("citeAs", "column", "extract", "field", "fileProperty", "fileObject", "fileSet"),
            *("format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField"),
            *("path", "recordSet", "references", "regex", "repeated", "replace", "separator"),
            *("source", "subField", "transform", "equivalentProperty", "samplingRate"),
        )
    },
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}
"""Which names of the file mean what, as the specification lists them."""

MEDIA = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".mp4": "video/mp4",
    ".tar": "application/x-tar",
    ".txt": "text/plain",
    ".pbtxt": "text/plain",
}
"""Media types by suffix; anything else is bytes."""

INTEGERS = {"second", "timestamp", "person_id", "action_id"}
NUMBERS = {"x1", "y1", "x2", "y2"}

PERSONS = {
    ("found", "found"): "persons were detected and followed",
    ("own", "found"): "persons' boxes came from files of the makers, and persons were followed",
    ("own", "own"): "persons' boxes and numbers came from files of the makers",
}
"""How persons came in, by where boxes and tracks are from."""

RAI = {"consent": "personalSensitiveInformation", "uses": "dataUseCases"} | {
    "collection": "dataCollection",
    "limits": "dataLimitations",
}
"""What the RAI vocabulary calls the makers' own words."""


def croissant_text(manifest: Mapping[str, Any], files: Iterable[FileEntry]) -> str:
    """The text of `croissant.json`. Files have paths relative to it."""
    card = manifest["card"]
    content: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": title_of(manifest),
        "description": card["description"]
        or "Persons in video, each with a box, a number and what they do, once a second.",
        "conformsTo": [
            "http://mlcommons.org/croissant/1.0",
            "http://mlcommons.org/croissant/RAI/1.0",
        ],
        "version": card["version"],
    }
    if card["license"]:
        content["license"] = card["license"]
    if card["url"]:
        content["url"] = card["url"]
    if card["published"]:
        content["datePublished"] = card["published"]
    if card["authors"]:
        content["creator"] = [{"@type": "sc:Organization", "name": n} for n in card["authors"]]
    if card["citation"]:
        content["citeAs"] = card["citation"]
    content |= _responsible(manifest)
    content["distribution"] = [
        {
            "@type": "cr:FileObject",
            "@id": entry.path,
            "name": entry.path,
            "contentUrl": entry.path,
            "contentSize": f"{entry.bytes} B",
            "encodingFormat": MEDIA.get(
                PurePosixPath(entry.path).suffix, "application/octet-stream"
            ),
            "sha256": entry.sha256,
        }
        for entry in files
    ]
    content["recordSet"] = [_records(split["split"]) for split in manifest["splits"]]
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _responsible(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of how it was made, and what the makers say."""
    told = manifest["annotation"]
    persons = manifest["made"]["persons"]
    tools = ["DeepSORT"] if persons["tracks"] == "found" else []
    if persons["boxes"] == "found":
        tools.insert(0, f"YOLO ({manifest['made']['weights']['detector']['file']})")
    said = {f"rai:{RAI[name]}": manifest["card"][name] for name in TOLD if manifest["card"][name]}
    kinds = [f"{count} clips {KINDS[kind]}" for kind, count in told["clips"].items()]
    return said | {
        "rai:dataPreprocessingProtocol": (
            "Videos were cut into clips of a constant frame rate, a keyframe was taken each "
            f"second, {PERSONS[persons['boxes'], persons['tracks']]}; sizes and rates are in "
            "manifest.json."
        ),
        "rai:dataAnnotationProtocol": (
            "Of each person on each judged keyframe people said which of the listed actions they "
            f"do; {'; '.join(kinds)}. Keyframes that nobody judged are listed and excluded."
        ),
        **({"rai:machineAnnotationTools": tools} if tools else {}),
        **(
            {"rai:dataAnnotationAnalysis": [f"Agreement: {each}" for each in told["agreement"]]}
            if told.get("agreement")
            else {}
        ),
    }


def _records(split: str) -> dict[str, Any]:
    """The rows of a split's table."""
    table = f"tables/{split}.csv"

    def kind(column: str) -> str:
        return (
            "sc:Integer" if column in INTEGERS else "sc:Float" if column in NUMBERS else "sc:Text"
        )

    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "description": f"What persons do on the keyframes of split {split}.",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{split}/{column}",
                "name": column,
                "description": text,
                "dataType": kind(column),
                "source": {"fileObject": {"@id": table}, "extract": {"column": column}},
            }
            for column, text in COLUMNS.items()
        ],
    }
