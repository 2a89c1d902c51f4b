"""The values of a Python config, read from its text: nothing of it is ever run.

Literals, names, f-strings, `dict(...)`, sums of texts and lists, and mmengine's `{{ fileDirname }}`
are understood; whatever else stands there is :data:`UNKNOWN`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from avaflow.doctor.texts import MOST_CONFIG_BYTES, Unreadable, text_of

MOST_PARTS = 10_000
"""Letters of a text, or items of a list, that a config may add up to: no bomb by doubling."""

HERE = "\0here"
"""Stands for the config's own folder."""

_FOLDER = re.compile(r"\{\{\s*fileDirname\s*\}\}")
_NAMED = re.compile(r"\{\{[^}]*\}\}")


class _Unknown:
    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = _Unknown()
"""A value that only running the config would tell."""


def read_config(path: Path) -> dict[str, object]:
    """The variables of a config; Unreadable where it is no Python."""
    text = text_of(path, MOST_CONFIG_BYTES)
    text = _NAMED.sub("unknown", _FOLDER.sub("\\\\0here", text))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        raise Unreadable("M01", f"line {line}: {getattr(error, 'msg', error)}") from None
    known: dict[str, object] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if isinstance(target, ast.Name):
                try:
                    known[target.id] = value_of(statement.value, known)
                except RecursionError:
                    known[target.id] = UNKNOWN
    return known


def value_of(node: ast.expr, known: dict[str, object]) -> object:
    """The value of an expression, with the variables known so far."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return known.get(node.id, UNKNOWN)
    if isinstance(node, ast.List | ast.Tuple):
        return [value_of(each, known) for each in node.elts][:MOST_PARTS]
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return _mapping([(key and value_of(key, known), value_of(v, known)) for key, v in pairs])
    if isinstance(node, ast.Call):
        return _call(node, known)
    if isinstance(node, ast.JoinedStr):
        return _text(node, known)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = value_of(node.operand, known)
        return -value if isinstance(value, int | float) else UNKNOWN
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _sum(value_of(node.left, known), value_of(node.right, known))
    return UNKNOWN


def _mapping(pairs: list[tuple[object, object]]) -> dict[str, object]:
    """A dict; a pair without a key is `**value`."""
    found: dict[str, object] = {}
    for key, value in pairs:
        if key is None:
            found.update(value if isinstance(value, dict) else {})
        else:
            found[str(key)] = value
    return found


def _call(node: ast.Call, known: dict[str, object]) -> object:
    if not isinstance(node.func, ast.Name) or node.func.id != "dict" or node.args:
        return UNKNOWN
    return _mapping([(word.arg, value_of(word.value, known)) for word in node.keywords])


def _text(node: ast.JoinedStr, known: dict[str, object]) -> object:
    parts = []
    for each in node.values:
        part = value_of(each.value if isinstance(each, ast.FormattedValue) else each, known)
        if not isinstance(part, str | int | float):
            return UNKNOWN
        parts.append(str(part))
    text = "".join(parts)
    return text if len(text) <= MOST_PARTS else UNKNOWN


def _sum(left: object, right: object) -> object:
    if isinstance(left, str) and isinstance(right, str) and len(left) + len(right) <= MOST_PARTS:
        return left + right
    if isinstance(left, list) and isinstance(right, list) and len(left) + len(right) <= MOST_PARTS:
        return left + right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left + right
    return UNKNOWN


def dicts_in(value: object) -> Iterator[dict]:
    """All dicts inside a value, each once, in however many places it is named."""
    pending, seen = [value], set()
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, dict):
            yield each
            pending += list(each.values())[::-1]
        elif isinstance(each, list):
            pending += each[::-1]
