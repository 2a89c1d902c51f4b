"""A sound dataset passes clean; one with a planted fault gives that one finding and no other."""

import shutil

import pytest

from avaflow.doctor.codes import RULES
from avaflow.doctor.examine import examine
from planted_faults import FAULTS, Fault
from sound_datasets import OPENED, SOUND


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Each sound dataset, made once."""
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = SOUND[kind](tmp_path_factory.mktemp("sound") / "dataset")
        return made[kind]

    return get


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_dataset_is_clean(sound, kind):
    found = examine(sound(kind))
    # Kinetics' videos are empty files.
    left = [f for f in found.findings if (kind, f.code) != ("kinetics", "X05")]
    assert left == []
    assert found.files and (kind not in OPENED or found.files["video"])


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found_where_it_is(sound, tmp_path, fault: Fault):
    root = tmp_path / "dataset"
    shutil.copytree(sound(fault.dataset), root, symlinks=True)
    fault.plant(root)
    found = examine(root, media=fault.dataset in OPENED).findings
    assert [(each.code, each.path) for each in found] == [(fault.code, fault.file)]
    assert not fault.line or found[0].lines[0] == fault.line
    assert not (root / "run").exists()


def test_faults_are_many_and_of_most_rules():
    assert len(FAULTS) >= 60
    untried = set(RULES) - {fault.code for fault in FAULTS}
    assert untried == {"L11"}
