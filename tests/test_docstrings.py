"""Examples in docstrings of the modules that everything else counts on are true."""

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize(
    ("name", "examples"),
    [
        ("avaflow.times", 8),
        ("avaflow.boxes", 4),
        ("avaflow.videos.segments", 4),
        ("avaflow.formats.ava", 5),
    ],
)
def test_examples_run_as_they_stand(name, examples):
    done = doctest.testmod(import_module(name))
    assert done.failed == 0
    assert done.attempted >= examples  # each of these modules keeps its examples
