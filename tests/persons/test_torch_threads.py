import os
import subprocess
import sys
from pathlib import Path

import pytest

from avaflow.torch_threads import let_threads_sleep

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parents[2] / "scripts"


def test_a_policy_of_the_users_own_stays(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


@pytest.mark.parametrize(
    "load",
    [
        "from avaflow.persons.embedder import load_embedder; load_embedder()",
        "from avaflow.persons.detector import quiet_ultralytics; quiet_ultralytics()",
        "from avaflow.features.checkpoints import load_network; load_network(sys.executable, 'x')",
    ],
)
def test_threads_sleep_before_torch_is_imported(load):
    # torch's OpenMP reads the policy once, while torch is imported.
    check = """
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print(os.environ.get("OMP_WAIT_POLICY"))
            sys.stdout.flush()
            os._exit(0)
sys.meta_path.insert(0, Watch())
"""
    without = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", check + load + "\nimport torch"],
        env={**without, "PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "PASSIVE\n"
