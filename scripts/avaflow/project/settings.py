"""The one source of all settings: what each is, its default, its unit, what it decides on.

`schemas/config.schema.yaml` holds them, as a JSON schema with marks of our own beside its
keywords; its head says which. The types are enough for a validator and for editors, the marks
for the rest: `config.yaml` is written from them, and rules take from them which values make
which outputs anew.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from avaflow.errors import UserError
from avaflow.project.config import load_schema

REQUIRED_MARKS = ("description", "default", "content")
"""What every setting says beside its type; a number has a `unit` too."""

NUMBERS = {"integer", "number"}
"""Types of JSON schema that have a unit."""


@cache
def load_settings(path: str | Path) -> dict:
    """The schema of the config, with every section's keys required; each file is read once.

    The file itself asks for none, since users' own configs leave most out; what is left out
    comes from config.yaml. Raises UserError for a setting that lacks a mark: whether a new one
    changes what is in an output is never left to silence.
    """
    schema = load_schema(path)
    problems = list(_unmarked(schema, schema, ""))
    if problems:
        raise UserError.listing(f"{path}: these settings are not described in full:", problems)
    return _with_keys_required(schema)


def check_own(own: Mapping, schema: Mapping) -> None:
    """UserError for an empty mapping in a user's own config where none belongs.

    `own` is what files and the command line say, before it is laid over config.yaml. Snakemake
    lays a mapping key by key: without any key the default would stand, in silence.
    """
    problems = [
        f"{name}: expected a value as config.yaml shows it, found an empty mapping"
        for name, setting in all_settings(schema)
        if _at(own, name) == {} and "object" not in types_of(setting, schema)
    ]
    if problems:
        raise UserError.listing("config: these settings cannot be used:", problems)


def _at(own: Any, name: str) -> Any:
    """What a user's own config says by a dotted name; None where it says nothing."""
    for part in name.split("."):
        own = own.get(part) if isinstance(own, Mapping) else None
    return own


def content_of(section: Mapping[str, Any], schema: Mapping, output: str) -> dict[str, Any]:
    """The settings of a section that decide what is in an output, in the schema's order.

    `section` is a section of the config and `schema` the same section's schema; `output` is one
    of those that the marks `content` name.
    """
    return {
        name: section[name]
        for name, setting in schema["properties"].items()
        if output in outputs_of(setting)
    }


def outputs_of(setting: Mapping) -> list[str]:
    """The outputs that a setting decides on; none where its mark is `false`."""
    content = setting["content"]
    if content is False:
        return []
    return [content] if isinstance(content, str) else list(content)


def take_types(config: dict, schema: Mapping) -> None:
    """Turn texts in a config into the booleans and numbers that their settings are.

    Snakemake hands over what stands behind `--config` as text, all but `True` and `False`. A
    text that is no such value stays, and is refused as what it is.
    """
    for name, setting in all_settings(schema):
        *sections, key = name.split(".")
        part: Any = config
        for section in sections:
            part = part.get(section) if isinstance(part, dict) else None
        if isinstance(part, dict) and isinstance(part.get(key), str):
            part[key] = _typed(part[key], types_of(setting, schema))


def _typed(text: str, types: set[str]) -> Any:
    if "boolean" in types and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if "string" not in types:
        for kind, number in (("integer", int), ("number", float)):
            if kind in types:
                with suppress(ValueError):
                    return number(text)
    return text


def is_section(part: Mapping) -> bool:
    """Whether a property holds settings, rather than being one: it has no default of its own."""
    return "properties" in part and "default" not in part


def all_settings(schema: Mapping, prefix: str = "") -> Iterator[tuple[str, Mapping]]:
    """Every setting with its dotted name, in the schema's order."""
    for name, part in schema["properties"].items():
        if is_section(part):
            yield from all_settings(part, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", part


def defaults_of(schema: Mapping) -> dict[str, Any]:
    """The config in which nothing was changed."""
    return {
        name: defaults_of(part) if is_section(part) else part["default"]
        for name, part in schema["properties"].items()
    }


def changed_settings(
    config: Mapping[str, Any], schema: Mapping, untold: Iterable[str] = ()
) -> list[list[str]]:
    """Name, value and default, as texts, of settings that decide on outputs and were changed.

    `untold` are names that are left out.
    """
    rows = []
    for name, setting in all_settings(schema):
        value, default = _at(config, name), setting["default"]
        if outputs_of(setting) and value != default and name not in untold:
            rows.append([name, _as_text(value), _as_text(default)])
    return rows


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def types_of(setting: Mapping, schema: Mapping) -> set[str]:
    """The types of JSON schema that a setting may have; of listed values none is known."""
    setting = {**_referred(setting, schema), **setting}
    found = {kind for one in setting.get("anyOf", []) for kind in types_of(one, schema)}
    kinds = setting.get("type", [])
    return found | ({kinds} if isinstance(kinds, str) else set(kinds))


def _referred(setting: Mapping, schema: Mapping) -> Mapping:
    """What a `$ref` to one of the schema's own definitions stands for."""
    name = setting.get("$ref", "").removeprefix("#/$defs/")
    return schema["$defs"][name] if name else {}


def _unmarked(part: Mapping, schema: Mapping, prefix: str) -> Iterator[str]:
    """A sentence for everything that a setting below `part` does not say, or says wrongly."""
    for name, setting in all_settings(part, prefix):
        for mark in REQUIRED_MARKS:
            if mark not in setting:
                yield f"{name}: expected the mark `{mark}`, found none"
        if types_of(setting, schema) & NUMBERS and "unit" not in setting:
            yield f"{name}: a number, expected the mark `unit`, found none"
        content = setting.get("content", False)
        named = [content] if isinstance(content, str) else content
        known = [*schema["outputs"]]
        if content is not False and not (
            isinstance(named, list) and named and all(one in known for one in named)
        ):
            yield (
                f"{name}: expected `content` to be false, or one or more of {', '.join(known)}, "
                f"found {content!r}"
            )


def _with_keys_required(part: Mapping) -> dict:
    """A schema that asks for every key of its sections."""
    properties = {
        name: _with_keys_required(inner) if is_section(inner) else inner
        for name, inner in part["properties"].items()
    }
    return {**part, "properties": properties, "required": list(properties)}
