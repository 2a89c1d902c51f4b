"""The actions of a project: attributes with options, as the config lists them.

Every option of every attribute is one action. Action ids run from 1 without gaps, in
the order of the config, because PySlowFast and AlphAction index classes by them and 0
would silently set the background class in mmaction2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from avaflow.errors import UserError

MAX_ACTIONS = 80
"""PySlowFast and AlphAction hold action ids in AVA's fixed range of 1..80."""

PERSON_ATTRIBUTE = "person"
"""Name of the text attribute that carries the person id; no attribute may take it."""

LABEL_TYPES = ("PERSON_MOVEMENT", "OBJECT_MANIPULATION", "PERSON_INTERACTION")
"""The label types that AVA's action list knows."""


@dataclass(frozen=True)
class Action:
    """One option that an annotator can tick. `id` counts from 1."""

    id: int
    name: str
    attribute: str
    label_type: str


@dataclass(frozen=True)
class Attribute:
    """A named group of actions; `multiple` says whether several may be ticked at once.

    `renamed` maps an option's former name to its present one, so that projects finished
    before a renaming are still read.
    """

    name: str
    multiple: bool
    actions: tuple[Action, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)


def attributes_from_config(entries: Sequence[Mapping]) -> list[Attribute]:
    """The attributes of the config's `actions` list, with ids given to their actions.

    Each entry holds `attribute`, `choose` (multiple or single), `options`, and optionally
    `label_type` and `renamed`. Raises UserError for double names or more than
    :data:`MAX_ACTIONS` actions.
    """
    problems: list[str] = []
    attributes: list[Attribute] = []
    seen_attributes: set[str] = set()
    seen_actions: dict[str, str] = {}
    next_id = 1
    for entry in entries:
        name = entry["attribute"]
        if name in seen_attributes:
            problems.append(f"attribute {name!r} is listed twice: give it one entry")
        if name == PERSON_ATTRIBUTE:
            problems.append(f"attribute {name!r} is taken by the person id: choose another name")
        seen_attributes.add(name)
        actions = []
        for option in entry["options"]:
            if option in seen_actions:
                problems.append(
                    f"action {option!r} is in {seen_actions[option]!r} and in {name!r}: action "
                    "names are unique, because datasets list them without their attribute"
                )
            if '"' in option or "\\" in option or option != option.strip():
                problems.append(
                    f"action {option!r}: quotes, backslashes and outer spaces are not readable "
                    "in an action list"
                )
            seen_actions[option] = name
            label_type = entry.get("label_type", LABEL_TYPES[0])
            actions.append(Action(next_id, option, name, label_type))
            next_id += 1
        renamed = dict(entry.get("renamed") or {})
        for former, present in renamed.items():
            if present not in entry["options"]:
                problems.append(
                    f"attribute {name!r}: `renamed` says {former!r} is now {present!r}, "
                    f"which is not among its options {', '.join(entry['options'])}"
                )
            if former in entry["options"]:
                problems.append(
                    f"attribute {name!r}: `renamed` gives {former!r} as a former name, "
                    "but it is still an option"
                )
        attributes.append(
            Attribute(name, entry.get("choose", "multiple") == "multiple", tuple(actions), renamed)
        )
    if next_id - 1 > MAX_ACTIONS:
        problems.append(f"{next_id - 1} actions: PySlowFast and AlphAction read {MAX_ACTIONS}")
    if problems:
        raise UserError.listing("config: `actions` cannot be used:", problems)
    return attributes


def all_actions(attributes: Sequence[Attribute]) -> list[Action]:
    """Every action of the project, in the order of its ids."""
    return [action for attribute in attributes for action in attribute.actions]
