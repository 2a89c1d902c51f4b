"""What a script says where it may not write, before any job and within one."""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from avaflow.errors import UserError
from avaflow.files import check_writable
from avaflow.workflow.job import ERROR_MARK, job
from script_runs import snakemake_of
from workflow_runs import ROOT

NOBODY = 65534
"""The user without rights, on every Linux."""


@contextmanager
def without_rights():
    """Files are opened as a user without rights would: root may write everywhere."""
    former = os.geteuid()
    if not former:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(former)


@pytest.fixture
def read_only():
    """A folder that everybody may look into, and nobody but root may write to."""
    folder = Path(tempfile.mkdtemp(prefix="avaflow-read-only-"))
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_results_folder_that_cannot_be_written_is_told_before_any_job(read_only):
    with without_rights():
        for results in (read_only, read_only / "to" / "come"):
            with pytest.raises(
                UserError, match=r"nothing can be written there \(Permission denied"
            ):
                check_writable(results)
    assert list(read_only.iterdir()) == []


def test_a_file_in_the_place_of_the_results(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(UserError, match=r"results: nothing can be written there"):
        check_writable(tmp_path / "results")
    check_writable(tmp_path / "other" / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_job_that_may_not_write_ends_with_one_message(read_only, capsys):
    snakemake = snakemake_of("trim", read_only / "results", read_only / "logs" / "a.log")
    with without_rights(), pytest.raises(SystemExit) as ended, job(snakemake):
        pytest.fail("the job began without its log")
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.count(f"{ERROR_MARK}{read_only / 'logs'}: it cannot be used") == 1
    assert "Traceback" not in said


PROGRAM = """
import os, signal, sys
sys.path[:0] = {paths!r}
# What runs in the background, as tests may, is started deaf to Control-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
import avaflow
{body}
print('went on')
"""


@pytest.mark.parametrize(
    "body",
    [
        "os.kill(os.getpid(), signal.SIGINT)",  # while the rest is imported
        "from avaflow.workflow.job import job\n"
        "from script_runs import snakemake_of\n"
        "with job(snakemake_of('trim', '.', 'a.log')): os.kill(os.getpid(), signal.SIGINT)",
    ],
)
def test_a_script_that_the_user_stops_is_silent(tmp_path, body):
    program = PROGRAM.format(paths=[str(ROOT / "scripts"), str(ROOT / "tests")], body=body)
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert ran.returncode in (130, -2)
    assert ran.stdout == "" and ran.stderr == ""
