"""The config and the rows of tables, held against their schemas."""

import difflib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from avaflow.errors import UserError

LARGEST_CONFIG = 100_000
"""Values in a config, aliases written out; thousands of files in a list stay far below. In YAML
nine lines of aliases stand for 400 million values, which nobody can check or print."""

LONGEST_SHOWN = 200
"""Characters of a wrong value that a message repeats."""


@cache
def load_schema(path: str | Path) -> dict:
    """A JSON schema from a YAML file; each file is read once."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(Path(path).read_text(encoding="utf-8"), Loader=loader)


def load_configs(paths: Iterable[str | Path]) -> dict[str, Any]:
    """Configs laid over each other, mappings key by key, as Snakemake does with `--configfile`."""
    config: dict[str, Any] = {}
    for path in paths:
        try:
            own = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(f"{path}: this config is missing. Correct its path.") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            text = " ".join(str(error).split())
            raise UserError(f"{path}: this config cannot be read as YAML ({text}).") from None
        if own is not None and not isinstance(own, dict):
            raise UserError(f"{path}: expected a config of `key: value`, found {own!r:.60}.")
        config = _laid_over(config, own or {})
    return config


def _laid_over(base: Mapping, over: Mapping) -> dict[str, Any]:
    laid = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(laid.get(key), Mapping)
        laid[key] = _laid_over(laid[key], value) if both else value
    return laid


def schema_problems(instance: Any, schema: Mapping) -> list[str]:
    """Everything in which `instance` differs from `schema`, one sentence each, in order."""
    validator = jsonschema.Draft202012Validator(schema)
    errors = sorted(validator.iter_errors(instance), key=lambda error: list(map(str, error.path)))
    return [sentence for error in errors for sentence in _sentences(error, schema)]


def check_config(config: Mapping, schema: Mapping) -> None:
    """Raise UserError, listing all problems, unless the config meets its schema."""
    check_size(config)
    problems = schema_problems(dict(config), schema)
    if not problems:
        problems = [*_tracker_problems(config["tracker"]), *_results_problems(config["results"])]
    if problems:
        raise UserError.listing("config: these settings cannot be used:", problems)


def check_size(config: Mapping) -> None:
    """UserError for a config whose aliases stand for more values than anybody means, or for
    themselves.

    It is small on the disk and small in memory, but everything that goes through it once, a
    validator or a message, would never end.
    """
    if _size(config, {}) > LARGEST_CONFIG:
        raise UserError(
            f"config: it holds more than {LARGEST_CONFIG} values, once YAML's aliases (`*name`) "
            "are written out, or an alias that holds itself. Write the values themselves."
        )


def _size(value: Any, known: dict[int, float]) -> float:
    """Values in `value`, each alias counted as often as it stands; infinite where it is its own
    part. `known` are sizes by identity, so that none is counted twice."""
    if not isinstance(value, Mapping | list | tuple):
        return 1
    if id(value) not in known:
        known[id(value)] = math.inf  # while its parts are counted: met again, it holds itself
        parts = value.values() if isinstance(value, Mapping) else value
        known[id(value)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(value)]


def _tracker_problems(tracker: Mapping) -> Iterator[str]:
    if tracker["link_near_distance"] < tracker["link_distance"]:
        yield (
            "tracker.link_near_distance: expected at least tracker.link_distance, because near "
            "tracklets are linked more readily than far ones"
        )


def _results_problems(results: str) -> Iterator[str]:
    """What is made is replaced and removed by name: never in a folder that holds other things."""
    folder, project = Path(results).resolve(), Path.cwd().resolve()
    held = {
        project: "the folder in which snakemake runs, or one that holds it",
        Path(os.path.expanduser("~")).resolve(): "your home folder, or one that holds it",
    }
    for place, name in held.items():
        if folder == place or folder in place.parents:
            yield f"results: expected a folder of its own, found {results!r}: {name}"
            return


def _sentences(error: jsonschema.ValidationError, schema: Mapping) -> list[str]:
    where = ".".join(str(part) for part in error.absolute_path)
    prefix = f"{where}." if where else ""
    # The types of jsonschema allow for a schema that is `true`; such a one has no errors.
    part: Any = error.schema
    value: Any = error.validator_value
    instance: Any = error.instance
    if error.validator == "additionalProperties" and value is False:
        known = part.get("properties", {})
        unknown = [name for name in instance if name not in known]
        return [f"{prefix}{name}: {_unknown(str(name), known, schema)}" for name in unknown]
    if error.validator == "required":
        return [f"{prefix}{name}: missing" for name in value if name not in instance]
    expected: Callable[[], str] = {
        "enum": lambda: "one of " + ", ".join(map(str, value)),
        "type": lambda: part.get("expected") or _type_names(value),
        "minimum": lambda: f"at least {value}",
        "maximum": lambda: f"at most {value}",
        "exclusiveMinimum": lambda: f"more than {value}",
        "exclusiveMaximum": lambda: f"less than {value}",
        "multipleOf": lambda: f"a multiple of {value}",
        "minLength": lambda: "a text that is not empty",
        "maxLength": lambda: f"at most {value} letters",
        "minItems": lambda: f"a list of at least {value}",
        # Tables of other kinds say what a pattern stands for as a description.
        "pattern": lambda: part.get("expected") or part.get("description") or value,
        "anyOf": lambda: " or ".join(map(_short_schema, value)),
        "uniqueItems": lambda: "no entry twice",
    }.get(str(error.validator), lambda: _shortened(error.message))
    unit = _unit(error.absolute_path, schema) if error.validator in BOUNDS else ""
    return [f"{where or 'here'}: expected {expected()}{unit}, found {_shown(instance)}"]


BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
"""Keywords of JSON schema whose sentence is clearer with the setting's unit."""


def _unit(path: Iterable, schema: Mapping) -> str:
    """The unit of the setting at a path, in brackets; nothing where none is said."""
    for name in path:
        schema = schema.get("properties", {}).get(name, {})
    return f" ({schema['unit']})" if "unit" in schema else ""


def _shown(value: Any) -> str:
    """A value as a message repeats it."""
    return "nothing" if value is None else _shortened(repr(value))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def _unknown(name: str, known: Mapping, schema: Mapping) -> str:
    """What to say of a key that is not known: its present name, or one that is near."""
    for present, setting in known.items():
        if setting.get("former") == name:
            return f"this key is now called `{present}`"
    for section, part in schema.get("properties", {}).items():
        for present, setting in part.get("properties", {}).items():
            if str(setting.get("former", "")).endswith(f".{name}"):
                return f"this key is now called `{section}.{present}`"
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"unknown key; did you mean `{near[0]}`?"
    elsewhere = [
        f"{section}.{name}"
        for section, part in schema.get("properties", {}).items()
        if name in part.get("properties", {})
    ]
    if elsewhere:
        return f"unknown key; did you mean `{'` or `'.join(elsewhere)}`?"
    return f"unknown key; known are {', '.join(known)}"


def _type_names(kind: str | list[str]) -> str:
    names = {
        "object": "a mapping",
        "array": "a list",
        "string": "a text",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
    }
    kinds = [kind] if isinstance(kind, str) else kind
    return " or ".join(names.get(one, one) for one in kinds)


def _short_schema(schema: Mapping) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "expected" in schema:
        return schema["expected"]
    text = _type_names(schema["type"])
    if "minimum" in schema:
        text += f" from {schema['minimum']}"
    if "multipleOf" in schema:
        text += f", a multiple of {schema['multipleOf']}"
    return text
