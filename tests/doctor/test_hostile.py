"""Datasets of strangers: nothing is run, nothing leaves the folder, nothing grows without bound."""

import json
import pickle
import resource

import numpy as np
import pytest
from yaml import safe_dump, safe_load

from avaflow.doctor.examine import examine
from avaflow.doctor.layout import kind_of
from avaflow.doctor.python_config import UNKNOWN, dicts_in, read_config
from avaflow.doctor.texts import Unreadable, bounded_memory, json_of, leaves, read_bounded
from planted_faults import PICKLE, VIDEO_CONFIG
from sound_datasets import SOUND, ava_dataset


def test_configs_are_read_and_not_run(tmp_path):
    path = tmp_path / "config.py"
    path.write_text(
        "import os\n"
        f"os.mkdir({str(tmp_path / 'made')!r})\n"
        "root = '{{ fileDirname }}/..'\n"
        "name = open('/etc/passwd').read()\n"
        "base = dict(fps=30, **dict(start=-1))\n"
        "train = dict(path=f'{root}/a.csv', gone=name, more=['a'] + ['b'], **base)\n"
    )
    known = read_config(path)
    assert known["train"] == {
        "path": "\0here/../a.csv", "gone": UNKNOWN, "more": ["a", "b"], "fps": 30, "start": -1,
    }  # fmt: skip
    assert not (tmp_path / "made").exists()


def test_configs_that_double_and_double_end_soon(tmp_path):
    path = tmp_path / "config.py"
    lines = ["a0 = 'aaaaaaaa'", "b0 = [dict(x=1)]", "c0 = f'{a0}{a0}'"]
    for number in range(60):
        lines.append(f"a{number + 1} = a{number} + a{number}")
        lines.append(f"b{number + 1} = [b{number}, b{number}]")
        lines.append(f"c{number + 1} = f'{{c{number}}}{{c{number}}}'")
    path.write_text("\n".join(lines))
    known = read_config(path)
    assert known["a60"] is UNKNOWN and known["c60"] is UNKNOWN
    assert len(list(dicts_in(known))) == 2


@pytest.mark.parametrize(
    "text", ["x = " + "(" * 5000 + ")" * 5000, "x = " + "-" * 90_000 + "1", "x = 1 +\0"]
)
def test_configs_too_deep_are_told(tmp_path, text):
    path = tmp_path / "config.py"
    path.write_text(text)
    try:
        assert read_config(path)["x"] is UNKNOWN
    except Unreadable as error:
        assert error.code == "M01"


def test_a_json_too_deep_is_told(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("[" * 200_000)
    with pytest.raises(Unreadable) as told:
        json_of(path)
    assert told.value.code == "F09"


def test_large_files_and_devices_are_not_read(tmp_path):
    path = tmp_path / "a.csv"
    with open(path, "wb") as stream:
        stream.truncate(3_000_000_000)
    for each in (path, "/dev/zero"):
        with pytest.raises(Unreadable) as told:
            read_bounded(each)
        assert told.value.code == "F05"


def test_memory_is_bounded_inside_and_free_behind():
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(MemoryError), bounded_memory(100_000_000):
        np.zeros(1_000_000_000, np.uint8)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    assert len(np.zeros(1_000_000_000, np.uint8)) == 1_000_000_000


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("a/b.jpg", False),
        ("a/../b.jpg", False),
        ("../a.jpg", True),
        ("a/../../b.jpg", True),
        ("/etc/passwd", True),
        ("~/x", True),
        ("C:/x", True),
        ("file:///etc/passwd", True),
        ("..a/b.jpg", False),
    ],
)
def test_paths_out_of_the_dataset_are_known(tmp_path, path, out):
    assert leaves(tmp_path, path) is out


def test_a_folder_that_links_to_itself_ends(tmp_path):
    root = ava_dataset(tmp_path / "dataset")
    (root / "clips/again").symlink_to(root)
    (root / "rawframes/a").symlink_to(root / "rawframes")
    assert examine(root).findings == []


def test_a_yaml_of_aliases_ends(tmp_path):
    root = ava_dataset(tmp_path / "dataset")
    lines = ["AVA: {FULL_TEST_ON_VAL: True}", "a0: &a0 [x, x]"]
    lines += [f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}, *a{n}, *a{n}]" for n in range(40)]
    (root / "slowfast/SLOWFAST.yaml").write_text("\n".join(lines))
    found = {each.code for each in examine(root).findings}
    assert found <= {"S10"}


def test_nothing_of_a_config_reaches_the_findings_path(tmp_path, monkeypatch):
    root = ava_dataset(tmp_path / "dataset")
    with open(root / VIDEO_CONFIG, "a") as stream:
        stream.write("__import__('os').system('touch ran')\n")
    monkeypatch.chdir(tmp_path)
    assert examine(root).findings == [] and not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("video-1.csv", "clip-1,902,0.1,0.2,0.3,0.4,1,1\n", "ava_csv"),
        ("anything.txt", "walk,0902\nid,0903\n", "excluded"),
        ("a.txt", 'walk 0 0 walk/img_00001.jpg ""\n', "frame_list"),
        ("a.csv", "videos/a.mp4 3\nvideos/b.mp4 4\n", "kinetics_list"),
        ("a.csv", "videos/a.mp4,3\n", "kinetics_list"),
        ("a.csv", "walk,902,0.1,0.2,0.3,0.4,,0.9\n", "predicted_boxes"),
        ("a.txt", "1: talk\n2: stand\n", "label_map"),
        ("a.txt", 'item {\n  name: "talk"\n  id: 1\n}\n', "action_list"),
        ("a.json", '{"talk": 0, "walk": 1}', "label_ids"),
        ("a.json", '{"annotations": [], "images": []}', "coco"),
        ("a.csv", "0902\n0903\n", "included"),
        ("a.bin", "\x01\x02", "unknown"),
    ],
)
def test_content_tells_what_a_file_is(tmp_path, name, text, kind):
    path = tmp_path / name
    path.write_text(text)
    assert kind_of(path) == kind


def test_fuzzed_files_never_end_in_a_traceback(tmp_path):
    """Bytes changed at random, in every file of a sound dataset."""
    chance = np.random.default_rng(5)
    for turn in range(12):
        root = ava_dataset(tmp_path / f"dataset-{turn}")
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.suffix != ".jpg":
                content = bytearray(path.read_bytes())
                for at in chance.integers(0, max(1, len(content)), 3 + turn).tolist():
                    if content:
                        content[at] = int(chance.integers(0, 256))
                path.write_bytes(bytes(content))
        assert examine(root, media=False).findings


ODD = [None, True, -1, 10**30, 1e308, "", "x" * 5000, "a\0b", [], {}, [[]], {"a": None}, "²", "--3"]
"""What programs do not expect where they expect something."""


def twisted(content, chance):
    """A copy of a JSON's or YAML's content in which one value in six is another."""
    if chance.random() < 1 / 6:
        return ODD[chance.integers(len(ODD))]
    if isinstance(content, dict):
        return {
            key if chance.random() > 0.03 else "²": twisted(value, chance)
            for key, value in content.items()
        }
    if isinstance(content, list):
        return [twisted(each, chance) for each in content]
    return content


@pytest.mark.parametrize("kind", ["alphaction", "via", "kinetics", "ava"])
def test_twisted_content_never_ends_in_a_traceback(tmp_path, kind):
    root = SOUND[kind](tmp_path / "dataset")
    chance = np.random.default_rng(8)
    paths = [each for each in sorted(root.rglob("*")) if each.suffix in {".json", ".yaml"}]
    sound = {path: path.read_text() for path in paths}
    assert sound
    found = set()
    for _ in range(25):
        for path, text in sound.items():
            read, write = (
                (json.loads, json.dumps) if path.suffix == ".json" else (safe_load, safe_dump)
            )
            content = {key: twisted(value, chance) for key, value in read(text).items()} if (
                read(text).__class__ is dict) else twisted(read(text), chance)  # fmt: skip
            path.write_text(write(content))
        found |= {each.code for each in examine(root, media=False).findings}
    assert found


@pytest.mark.parametrize(
    "content",
    [
        {(1, 2, 3): np.ones((1, 5))},
        {"a,²": np.ones((1, 5))},
        {("a", "--2"): np.ones((1, 5))},
        {"a,0902": np.ones((2, 5, 3)), None: 3},
        {"a,0902": np.float64(3)},
        {"a,0902": [[1, 2], [3]]},
        {"a,0902": ["x"]},
        {},
        3,
    ],
)
def test_odd_pickles_are_findings(tmp_path, content):
    root = ava_dataset(tmp_path / "dataset")
    (root / PICKLE).write_bytes(pickle.dumps(content, 2))
    codes = {each.code for each in examine(root, media=False).findings}
    assert codes & {"P01", "P03", "P04", "P05", "P11", "P15"}
