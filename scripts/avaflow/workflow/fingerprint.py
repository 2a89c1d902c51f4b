"""Which version of the code an output is made by, so that changed code makes it anew.

Snakemake compares the date of a script with its outputs', which a clone or a `touch` changes
and an edit of an imported module does not. Here the content decides: a fingerprint over a
script and all modules of avaflow that it imports, without what cannot change an output.

A fingerprint still changes with every rewritten line. So the makers keep, in
:data:`VERSIONS_FILE`, for each script a version that they raise when its outputs change, and
the fingerprint at which they last looked. Where the code is as it was then, the version
alone counts, and an upgrade that changes no output rebuilds nothing; where somebody changed
the code since, the fingerprint counts too. A test holds the file against the code.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from avaflow.files import write_text

NO_CONTENT = {
    "errors.py",
    "files.py",
    "workflow/fingerprint.py",
    "workflow/job.py",
    "workflow/records.py",
}
"""Modules that decide how work is reported and stored, never what is in an output."""

VERSIONS_FILE = "versions.json"
"""Beside the scripts: ``{script: {"version": number, "code": fingerprint}}``."""

LOGGING = {"debug", "info", "warning", "error", "exception"}
"""Methods of a logger, whose texts go to a log."""


class CodePart(NamedTuple):
    """What one file of code adds to a fingerprint: a digest of its text that counts, and what it
    imports."""

    digest: str
    imports: tuple[str, ...]


_ALGORITHM = Path(__file__).read_bytes() + sys.version.encode()
"""What decides how code is looked at: this module, and the Python that parses it."""

_PARTS: dict[str, CodePart] = {}
"""Parts by the checksum of the file's bytes, so that code is parsed once and not at each start."""


def load_parts(path: str | Path) -> None:
    """Take over the parts that :func:`save_parts` kept; nothing where there is no such file."""
    with suppress(OSError, ValueError, TypeError):
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
        _PARTS.update({key: CodePart(part[0], tuple(part[1])) for key, part in entries.items()})


def save_parts(path: str | Path) -> None:
    """Keep the parts of all code looked at so far, for the next start."""
    text = json.dumps(_PARTS, indent=0, sort_keys=True) + "\n"
    # A full or read-only disk costs the next start some time, and is no error here.
    with suppress(OSError):
        if not Path(path).exists() or Path(path).read_text(encoding="utf-8") != text:
            write_text(path, text)


def code_version(script: str | Path, recorded: Mapping[str, Mapping]) -> str:
    """The version of a script's outputs: `3`, or `3+0a1b...` where the code was changed since.

    `recorded` is the content of :data:`VERSIONS_FILE`. A script that it does not know has
    its fingerprint alone.
    """
    script = Path(script)
    known = recorded.get(script.stem)
    found = fingerprint(script)
    if known is None:
        return found
    return str(known["version"]) if known["code"] == found else f"{known['version']}+{found}"


def read_versions(scripts: str | Path) -> dict[str, dict]:
    """The recorded versions of a folder of scripts; none where there is no such file."""
    path = Path(scripts) / VERSIONS_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def fingerprint(script: str | Path) -> str:
    """12 hexadecimal digits over a script and the `avaflow` modules it imports, at any depth.

    Comments, docstrings, layout, texts of errors and of logs do not count: rewording them
    rebuilds nothing. Of a module `m` the files in a folder `m_assets` or `m_templates` count
    too, to the letter.
    """
    script = Path(script)
    folder = script.parent
    pending, seen = [script], {}
    while pending:
        path = pending.pop()
        name = path.relative_to(folder).as_posix()
        if name in seen:
            continue
        part = code_part(path)
        seen[name] = part.digest
        for asset, text in asset_texts(path):
            seen[asset.relative_to(folder).as_posix()] = text
        for imported in part.imports:
            if imported.removeprefix("avaflow/") not in NO_CONTENT:
                module = folder / imported
                if module.is_file():
                    pending.append(module)
    digest = hashlib.sha1()
    for name in sorted(seen):
        digest.update(f"{name}\n{seen[name]}\n".encode())
    return digest.hexdigest()[:12]


@cache
def code_part(path: Path) -> CodePart:
    """What a file of code adds to a fingerprint; each content is parsed once."""
    content = path.read_bytes()
    key = hashlib.sha1(_ALGORITHM + content).hexdigest()
    if key not in _PARTS:
        tree = ast.parse(content)
        imports = tuple(sorted(_imported_files(tree)))
        _drop_docstrings(tree)
        # Text, not the tree itself, whose form changes from one Python to the next.
        text = ast.unparse(_DropMessages().visit(tree))
        _PARTS[key] = CodePart(hashlib.sha1(text.encode()).hexdigest(), imports)
    return _PARTS[key]


@cache
def asset_texts(path: Path) -> tuple[tuple[Path, str], ...]:
    """The files beside a module that are named after it, such as templates, with their texts."""
    folders = [path.with_name(f"{path.stem}_{kind}") for kind in ("assets", "templates")]
    found = [asset for folder in folders if folder.is_dir() for asset in sorted(folder.glob("*"))]
    # Editors leave hidden files and copies with a ~ beside what they edit.
    kept = [asset for asset in found if asset.name[0] != "." and asset.name[-1] != "~"]
    return tuple((asset, asset.read_text(encoding="utf-8", errors="replace")) for asset in kept)


def _imported_files(tree: ast.AST) -> set[str]:
    """Paths, relative to the scripts, of the modules that a file may import, packages included."""
    dotted = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            dotted.add(node.module)
            # `from avaflow.room import module` names a module as it would a function.
            dotted |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            dotted |= {alias.name for alias in node.names}
    files = set()
    for name in dotted:
        parts = name.split(".")
        if parts[0] == "avaflow":
            files.add("/".join(parts) + ".py")
            files |= {"/".join([*parts[:n], "__init__.py"]) for n in range(1, len(parts) + 1)}
    return files


def _drop_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        body: Any = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [
                part
                for part in body
                if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
            ]
            vars(node)["body"] = kept or [ast.Pass()]


class _DropMessages(ast.NodeTransformer):
    """Empties the texts of errors that are raised and of what is logged."""

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return _EmptyTexts().visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        logged = (
            isinstance(node.func, ast.Attribute)
            and node.func.attr in LOGGING
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in ("log", "logger")
        )
        return _EmptyTexts().visit(node) if logged else self.generic_visit(node)


class _EmptyTexts(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return ast.Constant("")
