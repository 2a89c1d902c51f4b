"""What README, CONTRIBUTING and docs say of the project, held against the project."""

import re
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

from workflow_runs import ROOT

README = ROOT / "README.md"
PAPERS = [
    *sorted(path for path in ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
COMMANDS = [
    "uv run snakemake --cores all --configfile examples/demo/config.yaml",
    "uv run pytest",
]
"""What a first user types; they stay as they are."""

FOLDERS = ["docs", "envs", "schemas", "benchmarks", "tools", "profiles", "examples/demo"]
"""Folders that CONTRIBUTING's tree names without their content."""


def code_lines(text: str) -> list[str]:
    """The lines inside fences."""
    return [
        line for block in re.findall(r"(?ms)^```\w*\n(.*?)^```", text) for line in block.split("\n")
    ]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"(?m)^#+ (.+)$", re.sub(r"(?ms)^```.*?^```", "", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(paper: Path) -> list[str]:
    """Targets of all links and images of a page, addresses apart."""
    text = re.sub(r"(?ms)^```.*?^```", "", paper.read_text(encoding="utf-8"))
    found = re.findall(r"\]\(\s*([^)\s]+)\s*\)", text)
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def tree_paths(text: str) -> set[str]:
    """Every path of the indented tree in a page, folders with `/` at their ends."""
    (tree,) = re.findall(r"(?ms)^```\n(Snakefile .*?)^```", text)
    paths, parents = set(), []
    for line in tree.splitlines():
        entry = re.fullmatch(r"((?:  )*)(\S+)\s{2,}\S.*", line) or re.fullmatch(
            r"((?:  )*)(\S+/)", line
        )
        assert entry, f"CONTRIBUTING's tree: a name and its line, two spaces apart: {line!r}"
        parents = parents[: len(entry[1]) // 2]
        paths.add("".join(parents) + entry[2])
        parents.append(entry[2])
    return paths


def project_version() -> str:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]


def named_rules(folder_text: str) -> set[str]:
    return set(re.findall(r"(?m)^ *rule (\w+):", folder_text))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_has_the_command_on_a_line_of_its_own(command):
    assert command in code_lines(README.read_text(encoding="utf-8"))


def test_the_readme_shows_the_loop_and_the_annotation_page_before_the_commands():
    text = README.read_text(encoding="utf-8")
    places = [text.index(part) for part in ("(docs/loop.svg)", "(docs/annotation_page.png)")]
    assert [*places, text.index(COMMANDS[0])] == sorted([*places, text.index(COMMANDS[0])])


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(paper):
    for target in links(paper):
        name, _, anchor = target.partition("#")
        page = (paper.parent / name).resolve() if name else paper
        assert page.exists(), f"{paper.name}: {target}"
        assert page.is_relative_to(ROOT), f"{paper.name}: {target} leads out of the project"
        if anchor:
            assert anchor in anchors(page.read_text(encoding="utf-8")), f"{paper.name}: {target}"


def test_every_chapter_is_linked_from_the_readme():
    chapters = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
    assert chapters and chapters <= set(links(README))


def test_the_version_is_the_same_everywhere():
    version = project_version()
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    entries = re.findall(
        r"(?m)^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    )
    assert citation["version"] == version
    assert entries[0] == version and entries[1:] == sorted(set(entries[1:]), reverse=True)


def test_the_licence_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert f"SPDX-License-Identifier: {project['license']}\n" in licence
    assert citation["license"] == project["license"]


def test_the_tree_names_every_folder_and_nothing_else():
    named = tree_paths((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    there = {f"{folder}/" for folder in FOLDERS}
    there |= {f"rules/{path.name}" for path in (ROOT / "rules").glob("*.smk")}
    for parent in ("scripts/avaflow", "tests"):
        # A folder without code is what an older state left there: caches.
        folders = [path for path in (ROOT / parent).rglob("*/") if any(path.glob("*.py"))]
        there |= {f"{path.relative_to(ROOT).as_posix()}/" for path in folders}
    assert there - named == set(), "add a line to the tree in CONTRIBUTING.md"
    gone = {path for path in named if not (ROOT / path).exists()}
    assert gone == set(), "take the line out of the tree in CONTRIBUTING.md"


def test_the_table_of_rules_names_them_all_and_where_they_stand():
    text = (ROOT / "docs" / "workflow.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| `(rules/\w+\.smk)` \| (.+) \|$", text)
    told = {file: set(re.findall(r"`(\w+)`", rules)) for file, rules in rows}
    there = {
        f"rules/{path.name}": named_rules(path.read_text(encoding="utf-8"))
        for path in (ROOT / "rules").glob("*.smk")
    }
    assert told == {file: rules for file, rules in there.items() if rules}


def test_the_image_of_the_rules_is_of_the_rules_as_they_are():
    """Fails after a rule was renamed: docs/workflow.md says how the image is made."""
    shown = {
        element.text
        for element in ElementTree.parse(ROOT / "docs" / "rulegraph.svg").iter(
            "{http://www.w3.org/2000/svg}text"
        )
    }
    files = [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")]
    known = set().union(*(named_rules(path.read_text(encoding="utf-8")) for path in files))
    assert len(shown) > 10 and shown <= known


@pytest.mark.parametrize(
    "image", ["loop.svg", "annotation_page.png", "gallery.png", "prediction.png"]
)
def test_images_are_small(image):
    assert 1_000 < (ROOT / "docs" / image).stat().st_size < 300_000


def test_the_changelog_names_rules_that_are_there():
    """Whoever renames a rule again says so where users look for the new name."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    renamed = re.findall(r"(?m)^  \| `(\w+)` \| `(\w+)` \|$", text)
    files = (ROOT / "rules").glob("*.smk")
    known = set().union(*(named_rules(path.read_text(encoding="utf-8")) for path in files))
    assert len(renamed) > 20 and {new for _, new in renamed} <= known


def test_ci_on_github_runs_what_a_change_has_to_pass():
    steps = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["check"][
        "steps"
    ]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]


def test_hooks_are_the_projects_own_commands():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    assert {hook["language"] for hook in hooks[0]["hooks"]} == {"system"}


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_targets_stand_before_the_config(paper):
    """Behind `--configfile FILE` Snakemake takes every word for one more file."""
    text = paper.read_text(encoding="utf-8")
    assert re.findall(r"--configfile +[^\s`]+ +[^-\s`\\].*", text) == []
