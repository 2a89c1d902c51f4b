"""What changes an output's version, and what does not."""

import os
import subprocess
import sys

import pytest

from avaflow.workflow.fingerprint import (
    asset_texts,
    code_part,
    code_version,
    fingerprint,
    read_versions,
)
from workflow_runs import ROOT

PLAN = "from avaflow.room.lists import LISTS\n\n\ndef plan():\n    return LISTS\n"


@pytest.fixture
def scripts(tmp_path):
    """A script that imports a module of a room, which imports its neighbour and a file's room."""
    room = tmp_path / "avaflow" / "room"
    (room / "plan_templates").mkdir(parents=True)
    (room / "__init__.py").write_text('"""A room."""\n')
    (tmp_path / "s.py").write_text("from avaflow.room import plan\n")
    (room / "plan.py").write_text(PLAN)
    (room / "lists.py").write_text('LISTS = [1]\n"""One list."""\n')
    (tmp_path / "avaflow" / "plan.py").write_text("x = 1\n")
    return tmp_path


def now(scripts):
    code_part.cache_clear()
    asset_texts.cache_clear()
    return fingerprint(scripts / "s.py")


@pytest.mark.parametrize(
    "path, text",
    [
        ("avaflow/plan.py", "x = 2\n"),  # the name of a module in a room, at another place
        ("avaflow/room/lists.py", 'LISTS = [1]  # one\n\n"""A list."""\n'),
        ("avaflow/room/plan.py", PLAN + "    # for ever\n"),
        ("avaflow/room/unused.py", "y = 1\n"),
    ],
)
def test_what_is_no_content_changes_nothing(scripts, path, text):
    before = now(scripts)
    (scripts / path).write_text(text)
    assert now(scripts) == before


@pytest.mark.parametrize(
    "path, text",
    [
        ("avaflow/room/lists.py", "LISTS = [2]\n"),
        ("avaflow/room/__init__.py", "import sys\n"),
        ("avaflow/room/plan_templates/readme.md", "{{ lists }}\n"),
        ("s.py", "from avaflow.room import plan\nplan()\n"),
    ],
)
def test_what_may_be_content_changes_it(scripts, path, text):
    before = now(scripts)
    (scripts / path).write_text(text)
    assert now(scripts) != before


def test_texts_of_errors_and_logs_are_no_content(scripts):
    code = """def f(log, n):
    log.info(f"made {n}")
    if n:
        raise ValueError(f"odd {n}")
"""
    path = scripts / "s.py"
    path.write_text(code)
    before = now(scripts)
    path.write_text(code.replace("made {n}", "wrote {n}").replace("odd {n}", "{n} is odd"))
    assert now(scripts) == before
    path.write_text(code.replace("if n:", "if not n:"))
    assert now(scripts) != before
    path.write_text(code.replace("ValueError", "KeyError"))
    assert now(scripts) != before


def test_the_fingerprint_does_not_depend_on_the_hash_seed(scripts):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from avaflow.workflow.fingerprint import fingerprint; print(fingerprint(sys.argv[2]))"
    )
    script = str(ROOT / "scripts" / "export_alphaction.py")
    found = {
        subprocess.run(
            [sys.executable, "-c", program, str(ROOT / "scripts"), script],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(found) == 1


def test_a_version_counts_alone_where_the_code_is_as_recorded(scripts):
    script = scripts / "s.py"
    recorded = {"s": {"version": 3, "code": now(scripts)}}
    assert code_version(script, recorded) == "3"
    (scripts / "avaflow/room/lists.py").write_text("LISTS = [2]\n")
    changed = now(scripts)
    assert code_version(script, recorded) == f"3+{changed}"
    assert code_version(script, {}) == changed


def test_every_script_has_its_version_recorded_at_the_present_code():
    """Fails after a change of code: decide whether outputs change, as CONTRIBUTING says."""
    scripts = ROOT / "scripts"
    recorded = read_versions(scripts)
    present = {path.stem: fingerprint(path) for path in scripts.glob("*.py")}
    assert {name: entry["code"] for name, entry in recorded.items()} == present
