"""The card of a dataset, `dataset/README.md`, and how it is cited, `dataset/CITATION.cff`.

The card's head is what Hugging Face's hub and `datasets.load_dataset` read of a folder: the tables
are named there, so that the folder loads offline. CITATION.cff follows version 1.2.0.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from avaflow.listing import counted
from avaflow.templates import render

TITLE = "A dataset of persons' actions in video"
"""Where the config names none."""

HUB_SPLITS = {"train": "train", "val": "validation", "test": "test"}
"""What Hugging Face calls the splits."""

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
"""Size categories of the hub, by rows."""

LARGEST = "1M<n<10M"

KINDS = {
    "page": "annotated on avaflow's page, as spans of time",
    "via": "annotated in VIA 3, keyframe by keyframe",
    "existing": "from annotations that existed before",
}

TOLD = ("collection", "consent", "uses", "limits")
"""What nobody but the makers knows: the config's words, or that they are missing."""


def title_of(manifest: Mapping[str, Any]) -> str:
    """The dataset's title."""
    return manifest["card"]["title"] or TITLE


def card_text(manifest: Mapping[str, Any], form: str = "folder") -> str:
    """The card. `form` says how the clips lie beside it: in a `folder`, or in `shards`."""
    rows = sum(split["labels"] for split in manifest["splits"])
    head: dict[str, Any] = {
        "pretty_name": title_of(manifest),
        "license": (manifest["card"]["license"] or "other").lower(),
        "task_categories": ["object-detection", "video-classification"],
        "tags": ["spatio-temporal action detection", "ava", "croissant"],
        "size_categories": [next((name for most, name in SIZES if rows < most), LARGEST)],
        "configs": [
            {
                "config_name": "labels",
                "default": True,
                "data_files": [
                    {
                        "split": HUB_SPLITS[split["split"]],
                        "path": f"tables/{split['split']}.csv",
                    }
                    for split in manifest["splits"]
                ],
            }
        ],
    }
    names = [split["split"] for split in manifest["splits"]]
    return render(
        __file__,
        "README.md",
        head=yaml.safe_dump(head, allow_unicode=True, sort_keys=False, width=100),
        title=_inline(title_of(manifest)),
        card={name: _paragraphs(manifest["card"][name]) for name in ("description", *TOLD)},
        authors=", ".join(map(_inline, manifest["card"]["authors"])),
        license=_inline(manifest["card"]["license"]),
        url=_inline(manifest["card"]["url"]),
        citation=manifest["card"]["citation"].strip().replace("```", "'''"),
        splits=manifest["splits"],
        names=names,
        hub_split=HUB_SPLITS[names[0]] if names else "train",
        actions=[
            entry
            | {
                "action": _cell(entry["action"]),
                "attribute": _cell(entry["attribute"]),
                "counts": [entry["labels"][name] for name in names],
            }
            for entry in manifest["actions"]
        ],
        rare=_rare(manifest),
        annotation=_annotation(manifest["annotation"]),
        agreement=manifest["annotation"].get("agreement", []),
        made=manifest["made"],
        persons=_persons(manifest["made"]),
        settings=yaml.safe_dump(
            manifest["made"]["settings"], allow_unicode=True, sort_keys=False, width=90
        ).replace("```", "'''"),
        offset=manifest["timestamp_offset"],
        form=form,
    )


def _rare(manifest: Mapping[str, Any]) -> list[str]:
    """Actions that a split has never, of those that another has: no model is judged on them."""
    lines = []
    for entry in manifest["actions"]:
        none = [split for split, count in entry["labels"].items() if not count]
        if none:
            lines.append(f"{_inline(entry['action'])}: never in {' and '.join(none)}")
    return lines


def _persons(made: Mapping[str, Any]) -> str:
    """How persons came to have boxes and numbers."""
    if made["persons"]["tracks"] == "own":
        return "persons' boxes and who is who taken from files of the makers"
    if made["persons"]["boxes"] == "own":
        return "persons' boxes taken from files of the makers, persons followed (DeepSORT)"
    detector = made["weights"]["detector"]
    known = f", SHA-256 `{detector['sha256'][:16]}`" if detector["sha256"] else ""
    return f"persons detected ({_inline(detector['file'])}{known}) and followed (DeepSORT)"


def _annotation(told: Mapping[str, Any]) -> list[str]:
    lines = [f"{counted(count, 'clip')} {KINDS[kind]}" for kind, count in told["clips"].items()]
    if told["seconds_worked"]:
        lines.append(f"{told['seconds_worked'] / 3600:.1f} hours of work on the page")
    return lines


def _inline(text: str) -> str:
    """A text of the config on one line of Markdown, in which nothing is markup."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", " ".join(str(text).split()))


def _cell(text: str) -> str:
    return _inline(text)


def _paragraphs(text: str) -> str:
    """The config's own Markdown, without what would be HTML."""
    return text.strip().replace("<", "&lt;")


def citation_text(manifest: Mapping[str, Any]) -> str:
    """`CITATION.cff`: whom to name. Authors are persons or teams as the config has them."""
    card = manifest["card"]
    entry: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, please cite it.",
        "type": "dataset",
        "title": title_of(manifest),
        "version": card["version"],
        "authors": [{"name": name} for name in _authors(card["authors"])],
    }
    if card["license"]:
        entry["license"] = card["license"]
    if card["url"]:
        entry["url"] = card["url"]
    if card["published"]:
        entry["date-released"] = card["published"]
    return yaml.safe_dump(entry, allow_unicode=True, sort_keys=False, width=100)


def _authors(names: Sequence[str]) -> list[str]:
    """CITATION.cff wants at least one."""
    return list(names) or ["The makers of this dataset"]
