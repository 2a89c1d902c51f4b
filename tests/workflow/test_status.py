"""How far clips are, for programs: states worked out by hand."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from avaflow.workflow.job import ERROR_MARK
from avaflow.workflow.status import FAILED_RUN, write_status


@pytest.fixture
def results(tmp_path):
    """Clip `a` finished, `b` detected by a job that then failed, `c` not begun."""
    made = [
        *(f"{name}/a.{suffix}" for name, suffix in (("clips", "json"), ("detections", "csv"))),
        *("embeddings/a.npz", "tracks/a.csv", "annotate/a.html", "labels/a.csv"),
        *("clips/b.json", "detections/b.csv", "embeddings/b.npz"),
    ]
    for name in made:
        for path in (tmp_path / name, tmp_path / "records" / f"{name}.json"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}")
    # Its record was forgotten when the job of the batch began to make it anew.
    (tmp_path / "records" / "embeddings" / "b.npz.json").unlink()
    (tmp_path / "logs" / "embed").mkdir(parents=True)
    (tmp_path / "logs" / "embed" / "0.log").write_text(f"INFO begun\nERROR {ERROR_MARK}b: no.\n")
    (tmp_path / "logs" / "track").mkdir()
    (tmp_path / "logs" / "track" / "b.log").write_text("INFO begun\n")
    return tmp_path


def project(**more):
    rows = [SimpleNamespace(id=clip, split="train") for clip in "abc"]
    return SimpleNamespace(
        clips=rows,
        finished={"a": "annotations/a.json"},
        batch_of={"a": "1", "b": "0", "c": "0"},
        **{"own_detections": None, "own_tracks": None} | more,
    )


def written(results, *arguments, **more):
    config = {"results": str(results), "rawframes": {"enabled": False}}
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    write_status(project(**more), config, *arguments, now=now)
    return json.loads((results / "status.json").read_text())


def states(status, clip):
    return {stage: found["state"] for stage, found in status["clips"][clip]["stages"].items()}


def test_states_of_stages(results):
    status = written(results, FAILED_RUN)
    assert (status["run"], status["written"]) == ("failed", "2026-01-02T03:04:05+00:00")
    assert set(states(status, "a").values()) == {"made"}
    assert states(status, "b") == {
        **{"cut": "made", "detect": "made", "embed": "failed"},
        **{"track": "missing", "annotate": "missing", "labels": "awaiting"},
    }
    assert status["clips"]["b"]["stages"]["embed"] == {
        "state": "failed",
        "why": "b: no.",
        "log": "logs/embed/0.log",
    }
    # The job of its batch failed, and it is not there.
    assert states(status, "c")["embed"] == "failed" and states(status, "c")["cut"] == "missing"
    assert status["counts"]["embed"] == {"made": 1, "failed": 2}
    assert status["counts"]["labels"] == {"made": 1, "awaiting": 2}


def test_what_a_run_had_to_make_anew_and_did_not_is_stale(results):
    status = written(results, FAILED_RUN, {str(results / "tracks/a.csv")})
    assert states(status, "a")["track"] == "stale"
    assert states(status, "a")["annotate"] == "made"


def test_tracks_of_a_users_own_need_no_appearance(results):
    status = written(results, FAILED_RUN, own_tracks=1, own_detections=1)
    assert "embed" not in states(status, "a")


def test_a_disk_that_takes_no_more_ends_no_run(results):
    (results / "status.json").mkdir()
    config = {"results": str(results), "rawframes": {"enabled": True}}
    write_status(project(), config, FAILED_RUN)
    assert (results / "status.json").is_dir()
