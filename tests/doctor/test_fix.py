"""A corrected copy is clean where mending asks nobody, and the original stays as it was."""

import hashlib
import os
import pickle
import shutil

import pytest

from avaflow.doctor.codes import RULES
from avaflow.doctor.examine import examine
from avaflow.doctor.fix import write_fixed
from avaflow.errors import UserError
from avaflow.formats.ava import read_csv
from planted_faults import FAULTS, PICKLE, TRAIN, Fault, cell, edit, relines
from sound_datasets import OPENED, SOUND, ava_dataset, media_dataset, rows_of

BY_HAND = {
    "timestamp_in_words",
    "action_by_name",
    "person_by_name",
    "list_of_another_form",
    "a_frame_left_out",
}
"""Faults of a rule that is mended, in a form that only a person can mend."""

SHOWN = {"keyframe_without_boxes": {"P12"}}
"""What is seen only once a fault is mended: a labelled keyframe whose key held no box has none."""

MENDED = [each for each in FAULTS if RULES[each.code].mended]
NOT_COPIED = {"F05", "F06", "F07"}
"""Pipes and links out of the dataset are in no copy."""

LEFT = [
    each
    for each in FAULTS
    if not RULES[each.code].mended
    and each.dataset not in OPENED
    and (each.code not in NOT_COPIED or each.plant.__name__.startswith(("a_frame", "image")))
]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = SOUND[kind](tmp_path_factory.mktemp("sound") / "dataset")
        return made[kind]

    return get


def digest_of(root):
    """All names and contents below a folder."""
    digest = hashlib.sha256()
    for folder, folders, files in sorted(os.walk(root)):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            digest.update(path.encode())
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as stream:
                    digest.update(stream.read())
    return digest.hexdigest()


def planted(fault: Fault, sound, folder):
    root = folder / "dataset"
    shutil.copytree(sound(fault.dataset), root, symlinks=True)
    fault.plant(root)
    return root


@pytest.mark.parametrize("fault", MENDED, ids=lambda fault: fault.name)
def test_what_can_be_mended_is_gone_from_the_copy(sound, tmp_path, fault):
    root = planted(fault, sound, tmp_path)
    before = digest_of(root)
    left = write_fixed(root, tmp_path / "mended", media=False)
    name = fault.plant.__name__
    expected = {fault.code} if name in BY_HAND else SHOWN.get(name, set())
    assert {each.code for each in left} == expected
    assert digest_of(root) == before


@pytest.mark.parametrize("fault", LEFT, ids=lambda fault: fault.name)
def test_what_cannot_be_mended_is_told_of_the_copy(sound, tmp_path, fault):
    root = planted(fault, sound, tmp_path)
    left = write_fixed(root, tmp_path / "mended", media=False)
    assert {each.code for each in left} == {fault.code}


def test_a_sound_dataset_is_copied_to_the_byte_but_for_media(tmp_path):
    root = ava_dataset(tmp_path / "dataset")
    assert write_fixed(root, tmp_path / "copy") == []
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        copy = tmp_path / "copy" / path.relative_to(root)
        assert copy.read_bytes() == path.read_bytes(), path


def test_media_are_linked_and_not_copied(tmp_path):
    root = media_dataset(tmp_path / "dataset")
    assert write_fixed(root, tmp_path / "copy") == []
    copy = tmp_path / "copy"
    assert (copy / "clips").is_symlink() or (copy / "clips/idle.mp4").is_symlink()
    assert (copy / "rawframes/idle").is_symlink()
    assert not (copy / "annotations").is_symlink()


def test_rows_keep_what_they_say(tmp_path):
    root = ava_dataset(tmp_path / "dataset")
    relines(root / TRAIN, lambda lines: ["id,t,a,b,c,d,e,f", *reversed(lines), lines[0], ""])
    cell(root / TRAIN, 3, 6, "1.25")
    write_fixed(root, tmp_path / "copy")
    rows = read_csv(tmp_path / "copy" / TRAIN)
    expected = rows_of(["idle", "walk"])
    # Line 3 is the second of the reversed rows: person 1 of walk at 908.
    changed = [row for row in expected if row not in rows]
    assert len(rows) == len(expected) and len(changed) == 1
    assert sum(row.box == (0.1, 0.2, 0.3, 1.0) for row in rows) == 1


def test_a_mended_pickle_holds_the_boxes_in_order(tmp_path):
    root = ava_dataset(tmp_path / "dataset")
    content = {"idle,902": [[0.5, 0.5, 0.6, 1.2, 0.3], [0.1, 0.1, 0.2, 0.2, 0.7]]}
    (root / PICKLE).write_bytes(pickle.dumps(content))
    write_fixed(root, tmp_path / "copy")
    found = pickle.loads((tmp_path / "copy" / PICKLE).read_bytes())
    assert {key: value.tolist() for key, value in found.items()} == {
        "idle,0902": [[0.1, 0.1, 0.2, 0.2, 0.7], [0.5, 0.5, 0.6, 1.0, 0.3]]
    }


def test_a_copy_never_lands_on_something_or_in_the_dataset(tmp_path):
    root = ava_dataset(tmp_path / "dataset")
    (tmp_path / "there").mkdir()
    with pytest.raises(UserError, match="expected a new folder"):
        write_fixed(root, tmp_path / "there")
    with pytest.raises(UserError, match="outside of"):
        write_fixed(root, root / "copy")
    with pytest.raises(UserError, match="expected a folder"):
        write_fixed(root / TRAIN, tmp_path / "copy")
    edit(root / TRAIN, "idle,902", "idle,903")
    assert not (tmp_path / "copy").exists() and examine(root).findings
