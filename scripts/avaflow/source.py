"""A fingerprint of the code that a script runs, its library modules included.

Snakemake re-runs a rule when its script changes, but does not look into the modules that
the script imports. The fingerprint goes into the rule's params and closes that gap.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

NO_CONTENT = {"errors", "job", "files", "source"}
"""Modules that decide how work is reported and stored, never what is in an output."""


@cache
def fingerprint(script: str | Path) -> str:
    """12 hexadecimal digits over a script and the `avaflow` modules it imports, at any depth.

    Comments, docstrings and layout do not count: rewording them rebuilds nothing. Of a
    module `m` the files in a folder `m_assets` count too, to the letter.
    """
    script = Path(script)
    library = script.parent / "avaflow"
    pending, seen = [script], {}
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        _drop_docstrings(tree)
        # Text, not the tree itself, whose form changes from one Python to the next.
        seen[path] = ast.unparse(tree)
        for asset in sorted(path.with_name(f"{path.stem}_assets").glob("*")):
            seen[asset] = asset.read_text(encoding="utf-8")
        for name in _imported_modules(tree):
            module = library / f"{name}.py"
            if name not in NO_CONTENT and module.is_file():
                pending.append(module)
    digest = hashlib.sha1()
    for path in sorted(seen, key=lambda p: p.name):
        digest.update(f"{path.name}\n{seen[path]}\n".encode())
    return digest.hexdigest()[:12]


def _imported_modules(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "avaflow":
                names |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                if parts[0] == "avaflow" and len(parts) > 1:
                    names.add(parts[1])
    return names


def _drop_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [
                part
                for part in body
                if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
            ]
