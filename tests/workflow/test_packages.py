"""What the project asks for stays installed: wheels whose own tags fit this Python."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement
from packaging.tags import parse_tag, sys_tags

from workflow_runs import ROOT

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
NEVER = {Requirement(text).name for text in SETTINGS["tool"]["uv"]["override-dependencies"]}
"""Packages whose place another distribution of the same modules takes."""
NAMES = [Requirement(text).name for text in SETTINGS["project"]["dependencies"]]
SUPPORTED = frozenset(sys_tags())


def wheel_tags(content: str) -> set:
    """The tags that the WHEEL file of an installed package states."""
    lines = re.findall(r"^Tag: *(\S+)", content, re.MULTILINE)
    return {tag for line in lines for tag in parse_tag(line)}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NEVER])
def test_an_installed_package_says_that_it_fits(name):
    """uv installs a package anew at every `uv run` whose WHEEL file names another Python, as
    that of PyPI's decord 0.6.0 does (cp36); two runs at once then pull it from under each other."""
    try:
        content = distribution(name).read_text("WHEEL")
    except PackageNotFoundError:
        pytest.fail(f"{name} is not installed: `uv sync` brings it")
    if content is not None:  # conda's packages have none, and uv has no say in them
        assert wheel_tags(content) & SUPPORTED


def test_the_tag_of_decord_0_6_0_would_not_fit():
    told = "Wheel-Version: 1.0\nTag: cp36-cp36m-manylinux2010_x86_64\n"
    assert wheel_tags(told) and not wheel_tags(told) & SUPPORTED
