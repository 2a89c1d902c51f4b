"""What cluster profiles ask for: worked out by hand, and bounded however often a job is tried."""

import pytest
import yaml

from workflow_runs import ROOT

HEAVY = ["detect", "embed", "extract_features", "extract_person_features", "detect_ava_kinetics"]
HEAVY += ["train_detector", "clips_table"]
HEAVY += ["detect_new_persons", "track_new_persons", "extract_new_features"]
LONG = ["resize_kinetics", "cut_ava_kinetics"]


def asked(profile: str, rule: str, what: str) -> list[int]:
    """What the first five tries of a rule's job ask for, as Snakemake evaluates the text."""
    settings = yaml.safe_load((ROOT / "profiles" / profile / "config.yaml").read_text())
    own = settings["set-resources"].get(rule, {})
    text = own.get(what, settings["default-resources"].get(what))
    return [eval(text, {"attempt": attempt, "min": min}) for attempt in range(1, 6)]


@pytest.mark.parametrize("profile", ["slurm", "kubernetes"])
@pytest.mark.parametrize("rule", [*HEAVY, "trim"])
def test_memory_grows_by_addition_to_a_bound(profile, rule):
    """A node of 10.8 GB takes every try: 16 GB, twice the first, could never be submitted."""
    expected = [8000, 10000, 10000] if rule in HEAVY else [4000, 8000, 8000]
    assert asked(profile, rule, "mem_mb")[:3] == expected
    assert asked(profile, rule, "mem_mb")[4] == expected[2]


def test_time_grows_by_addition_to_a_bound():
    assert asked("slurm", "trim", "runtime") == [120, 240, 360, 480, 480]
    for rule in LONG:
        assert asked("slurm", rule, "runtime") == [480, 720, 960, 1200, 1440]


def test_a_lost_node_is_no_reason_to_ask_for_more():
    settings = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())
    assert settings["slurm-requeue"] is True


@pytest.mark.parametrize("profile", ["slurm", "kubernetes"])
def test_profiles_name_rules_that_there_are(profile):
    settings = yaml.safe_load((ROOT / "profiles" / profile / "config.yaml").read_text())
    rules = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    assert [rule for rule in settings["set-resources"] if f"rule {rule}:" not in rules] == []
