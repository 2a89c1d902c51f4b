"""A sound dataset passes clean; one with a planted fault gives that one finding and no other."""

import shutil

import pytest

from avaflow.doctor.codes import RULES
from avaflow.doctor.examine import examine
from planted_faults import (
    ACTION_LIST,
    FAULTS,
    TRAIN,
    VAL,
    Fault,
    cell,
    edit,
    manifest_of_files,
    relines,
    with_a_gap,
)
from sound_datasets import OPENED, SOUND

TOGETHER = {4: {"A26", "L12"}, 81: {"L11", "L12"}}
"""Rules that are broken together only, by the id of an action."""


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


def test_a_manifest_that_is_true_is_no_finding(sound, tmp_path):
    root = tmp_path / "dataset"
    shutil.copytree(sound("ava"), root, symlinks=True)
    manifest_of_files(root)
    assert examine(root, media=False).findings == []


def test_faults_are_many_and_of_most_rules():
    assert len(FAULTS) >= 60
    untried = set(RULES) - {fault.code for fault in FAULTS}
    assert untried == {code for codes in TOGETHER.values() for code in codes} - {"L12"}


@pytest.mark.parametrize("number", TOGETHER)
def test_rules_that_never_come_alone(sound, tmp_path, number):
    """An action of a gap, and one above 80, whose list has a gap for that reason."""
    root = tmp_path / "dataset"
    shutil.copytree(sound("ava"), root, symlinks=True)
    with_a_gap(root)
    if number == 81:
        edit(root / ACTION_LIST, "label_id: 5", "label_id: 81")
        edit(root / "annotations/label_map.txt", "5: walk", "81: walk")
        for path in (root / TRAIN, root / VAL):
            path.write_text(path.read_text().replace(",5,", ",2,"))
            relines(path, lambda lines: [each for each in lines if each.count(",2,") < 2])
    else:
        cell(root / TRAIN, 3, 7, "4")
    found = {each.code for each in examine(root).findings} - {"A15", "G04"}
    assert found == TOGETHER[number]
