"""The config and the rows of tables, held against their schemas."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from avaflow.errors import UserError


def load_schema(path: str | Path) -> dict:
    """A JSON schema from a YAML file."""
    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))


def schema_problems(instance: Any, schema: Mapping) -> list[str]:
    """Everything in which `instance` differs from `schema`, one sentence each, in order."""
    validator = jsonschema.Draft202012Validator(schema)
    errors = sorted(validator.iter_errors(instance), key=lambda error: list(map(str, error.path)))
    return [sentence for error in errors for sentence in _sentences(error)]


def check_config(config: Mapping, schema: Mapping) -> None:
    """Raise UserError, listing all problems, unless the config meets its schema."""
    problems = schema_problems(dict(config), schema)
    if (
        not problems
        and config["tracker"]["link_near_distance"] < config["tracker"]["link_distance"]
    ):
        problems.append(
            "tracker.link_near_distance: expected at least tracker.link_distance, because near "
            "tracklets are linked more readily than far ones"
        )
    if problems:
        raise UserError.listing("config: these settings cannot be used:", problems)


def _sentences(error: jsonschema.ValidationError) -> list[str]:
    where = ".".join(str(part) for part in error.absolute_path)
    prefix = f"{where}." if where else ""
    if error.validator == "additionalProperties" and error.validator_value is False:
        known = list(error.schema.get("properties", {}))
        unknown = [name for name in error.instance if name not in known]
        return [f"{prefix}{name}: unknown key{_nearest(str(name), known)}" for name in unknown]
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return [f"{prefix}{name}: missing" for name in missing]
    expected = {
        "enum": lambda: "one of " + ", ".join(map(str, error.validator_value)),
        "type": lambda: _type_names(error.validator_value),
        "minimum": lambda: f"at least {error.validator_value}",
        "maximum": lambda: f"at most {error.validator_value}",
        "exclusiveMinimum": lambda: f"more than {error.validator_value}",
        "multipleOf": lambda: f"a multiple of {error.validator_value}",
        "minLength": lambda: "a text that is not empty",
        "minItems": lambda: f"a list of at least {error.validator_value}",
        "pattern": lambda: error.schema.get("description", error.validator_value),
        "anyOf": lambda: " or ".join(map(_short_schema, error.validator_value)),
        "uniqueItems": lambda: "no entry twice",
    }.get(error.validator, lambda: error.message)()
    return [f"{where or 'here'}: expected {expected}, found {error.instance!r}"]


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean `{near[0]}`?"
    return f"; known are {', '.join(known)}"


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
    text = _type_names(schema["type"])
    if "minimum" in schema:
        text += f" from {schema['minimum']}"
    if "multipleOf" in schema:
        text += f", a multiple of {schema['multipleOf']}"
    return text
