"""The one source of settings: complete, the origin of config.yaml, and what rules take from it."""

import copy
import re
import sys
from pathlib import Path

import pytest
import yaml

from avaflow.errors import UserError
from avaflow.features.videos import OF_CONTENT
from avaflow.kinetics.batch import BOUND
from avaflow.project.config import LARGEST_CONFIG, check_config
from avaflow.project.settings import (
    all_settings,
    check_own,
    content_of,
    defaults_of,
    is_section,
    load_settings,
    outputs_of,
)

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "schemas" / "config.schema.yaml"
sys.path.insert(0, str(ROOT / "tools"))

from write_config import config_text  # noqa: E402


@pytest.fixture
def schema():
    return load_settings(SCHEMA)


@pytest.fixture
def config(schema):
    return copy.deepcopy(defaults_of(schema))


def changed_schema(folder, change):
    """A schema as ours, changed by `change`, in a file of its own."""
    schema = yaml.safe_load(SCHEMA.read_text())
    change(schema)
    path = folder / "changed.schema.yaml"
    path.write_text(yaml.safe_dump(schema, sort_keys=False))
    return path


def test_config_yaml_is_what_the_schema_says(schema):
    text = (ROOT / "config.yaml").read_text()
    assert text == config_text(schema), "run `python tools/write_config.py`"
    assert yaml.safe_load(text) == defaults_of(schema)


def test_every_setting_has_its_words_beside_it(schema):
    lines = (ROOT / "config.yaml").read_text().splitlines()
    for name, setting in all_settings(schema):
        assert setting["description"].strip(), name
        indent, key = "  " * name.count("."), name.rsplit(".", 1)[-1]
        entry = re.compile(rf"{indent}{key}:( .*)?$")
        assert any(
            entry.match(line) and ("  # " in line or lines[number - 1].lstrip().startswith("# "))
            for number, line in enumerate(lines)
        ), name


def test_no_line_is_too_long():
    assert max(map(len, (ROOT / "config.yaml").read_text().splitlines())) <= 100


@pytest.mark.parametrize("mark", ["description", "default", "content", "unit"])
def test_a_setting_without_a_mark_is_refused(tmp_path, mark):
    def change(schema):
        del schema["properties"]["trim"]["properties"]["fps"][mark]

    path = changed_schema(tmp_path, change)
    with pytest.raises(UserError, match=rf"trim\.fps: .*expected the mark `{mark}`, found none"):
        load_settings(path)


@pytest.mark.parametrize("content", [True, None, "clip", [], ["clips", 3], {"clips": True}])
def test_content_is_false_or_names_outputs(tmp_path, content):
    def change(schema):
        schema["properties"]["jpeg_quality"]["content"] = content

    with pytest.raises(UserError, match="jpeg_quality: expected `content` to be false, or one or"):
        load_settings(changed_schema(tmp_path, change))


def test_units_are_asked_for_behind_references_and_alternatives(tmp_path):
    def change(schema):
        schema["properties"]["batches"].pop("unit")
        schema["properties"]["trim"]["properties"]["short_side"].pop("unit")

    with pytest.raises(UserError, match=r"(?s)trim\.short_side: a number.*batches: a number"):
        load_settings(changed_schema(tmp_path, change))


def test_content_by_hand(config, schema):
    def names(section, output):
        return [*content_of(config[section], schema["properties"][section], output)]

    assert names("detector", "detections") == [
        *["person_class", "confidence", "nms_iou", "image_size", "stride", "batch", "device"],
        "half",
    ]
    assert names("embedder", "embeddings") == ["batch", "device"]
    assert names("tracker", "tracks") == [*config["tracker"]]
    assert names("trim", "clips") == ["fps", "short_side", "preset", "crf", "threads"]
    assert names("trim", "ava_kinetics") == ["preset", "crf", "threads"]
    assert names("alphaction", "segments") == [
        *["numbering", "segment_seconds", "fps", "short_side", "preset", "crf"]
    ]
    assert content_of({"stride": 3}, {"properties": {"stride": {"content": "a"}}}, "a") == {
        "stride": 3
    }


def test_the_library_agrees_on_what_is_content(config, schema):
    """What is written into records of long work is named there, so that these stay readable."""
    kinetics = content_of(config["kinetics"], schema["properties"]["kinetics"], "kinetics")
    # A batch may fail by its share of broken videos; no video looks different for it.
    assert set(BOUND) == set(kinetics) - {"max_broken_share"}
    features = content_of(config["features"], schema["properties"]["features"], "features")
    # Of these the record holds what they lead to, or a change of them is within rounding.
    assert set(OF_CONTENT) == set(features) - {"inputs", "frame_pattern", "batch", "device"}


def test_rules_take_settings_by_their_marks(schema):
    """A section as a whole would bring along each new key."""
    rules = "".join(path.read_text() for path in sorted((ROOT / "rules").rglob("*.smk")))
    sections = [name for name, part in schema["properties"].items() if is_section(part)]
    whole = [name for name in sections if re.search(rf'config\["{name}"\](?!\[)', rules)]
    assert whole == []
    used = set(re.findall(r'settings_of\("(\w+)", "(\w+)"\)', rules))
    assert {("trim", "clips"), ("detector", "detections"), ("features", "features")} <= used
    for section, output in used:
        assert output in schema["outputs"]
        assert content_of(defaults_of(schema)[section], schema["properties"][section], output)


def test_every_output_is_decided_on_by_a_setting(schema):
    named = {output for _, setting in all_settings(schema) for output in outputs_of(setting)}
    assert named == set(schema["outputs"])


def put(config, name, value):
    *parents, last = name.split(".")
    for parent in parents:
        config = config[parent]
    config[last] = value


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("kinetics.right_ones", "link", "kinetics.right_ones: this key is now called `already_"),
        ("kinetics.most_broken", 0.2, "this key is now called `max_broken_share`"),
        ("kinetics.most_missing", 0.2, "this key is now called `max_missing_share`"),
        ("ava_kinetics.most_broken", 0.2, "this key is now called `max_broken_share`"),
        ("ava_kinetics.most_missing", 0.2, "this key is now called `max_missing_share`"),
        ("detectr", {}, "detectr: unknown key; did you mean `detector`?"),
        ("trim.sort_side", 3, "trim.sort_side: unknown key; did you mean `short_side`?"),
        ("nms_iou", 0.5, r"nms_iou: unknown key; did you mean `detector\.nms_iou`?"),
        ("zzz", 0.5, "zzz: unknown key; known are clips, "),
        ("detector.device", "cuda; rm", r"detector\.device: expected cpu, .* found 'cuda; rm'"),
        ("detector.device", -1, r"detector\.device: expected at least 0 \(number of a GPU\)"),
        ("detector.device", [0, 1], r"detector\.device: expected cpu, a GPU by its number"),
        ("detector.device", True, r"detector\.device: expected cpu, a GPU by its number"),
        ("embedder.device", "gpu", r"embedder\.device: expected cpu"),
        ("features.device", "mps", r"features\.device: expected cpu, or a GPU by its number"),
        ("actions", {}, "actions: expected a list, found {}"),
        ("actions", None, "actions: expected a list, found nothing"),
        ("actions", [], "actions: expected a list of at least 1"),
        ("trim", None, "trim: expected a mapping, found nothing"),
        ("trim.fps", 3, r"trim\.fps: expected at least 16 \(frames a second\), found 3"),
        ("ava_kinetics.proposal_score", 1, "expected less than 1"),
        ("existing.files", 3, "expected a path without { and } or a list of such, found 3"),
        ("results", "", "results: expected a folder of its own: a path without"),
        ("results", "/", "results: expected a folder of its own: .* not the root of a disk"),
        ("results", "//", "results: expected a folder of its own"),
        ("results", "C:\\", "results: expected a folder of its own"),
        ("results", "D:", "results: expected a folder of its own"),
        ("results", "~", "results: expected a folder of its own"),
        ("results", "~/made", "results: expected a folder of its own"),
        ("results", "..", "results: expected a folder of its own"),
    ],
)
def test_settings_that_are_refused(config, schema, name, value, message):
    put(config, name, value)
    with pytest.raises(UserError, match=message):
        check_config(config, schema)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("detector.device", 1),
        ("detector.device", "0"),
        ("embedder.device", "mps"),
        ("results", "/data/made"),
        ("results", "C:/made"),
        ("results", "../made"),
        ("results", ".made"),
    ],
)
def test_settings_that_are_taken(config, schema, name, value):
    put(config, name, value)
    check_config(config, schema)


def test_results_never_lie_around_the_project_or_a_home(config, schema, tmp_path, monkeypatch):
    project, home = tmp_path / "work" / "project", tmp_path / "people" / "me"
    project.mkdir(parents=True)
    home.mkdir(parents=True)
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(home))
    (project / "link").symlink_to("..")
    for folder in (".", "./", "../project", "link", str(tmp_path), str(project.parent)):
        config["results"] = folder
        with pytest.raises(UserError, match="results: expected a folder of its own"):
            check_config(config, schema)
    for folder in (str(home), str(home.parent)):
        config["results"] = folder
        with pytest.raises(UserError, match="your home folder, or one that holds it"):
            check_config(config, schema)
    for folder in ("results", "../results", str(home / "results")):
        config["results"] = folder
        check_config(config, schema)


@pytest.mark.parametrize("name", ["actions", "batches", "trim.fps", "existing.files"])
def test_an_empty_mapping_is_not_passed_over(config, schema, name):
    """Snakemake would lay it over the default without a trace."""
    own = {}
    for part in reversed(name.split(".")):
        own = {part: own}
    with pytest.raises(UserError, match=rf"{name}: expected a value as .*, found an empty mapping"):
        check_own(own, schema)


def test_what_else_a_config_says_is_not_looked_at_before_it_is_whole(schema):
    check_own({}, schema)
    check_own({"trim": {}, "kinetics": {"videos": {}}, "detector": 3, "x": {}}, schema)


def test_a_left_out_key_is_named(config, schema):
    del config["trim"]["fps"], config["exports"]
    with pytest.raises(UserError, match=r"(?s)exports: missing.*trim\.fps: missing"):
        check_config(config, schema)


def test_aliases_that_stand_for_millions_of_values_are_refused_at_once(config, schema):
    value = ["x"] * 10
    for _ in range(30):
        value = [value] * 10
    for name in ("actions", "clips", "no_such_key"):
        put(config, name, value)
        with pytest.raises(UserError, match=f"more than {LARGEST_CONFIG} values"):
            check_config(config, schema)
        config = defaults_of(schema)


def test_an_alias_that_holds_itself_is_refused(config, schema):
    config["exports"] = yaml.safe_load("&a [mmaction2, *a]")
    with pytest.raises(UserError, match="an alias that holds itself"):
        check_config(config, schema)


def test_one_alias_used_often_is_fine(config, schema):
    config["actions"] = yaml.safe_load(
        "[{attribute: a, options: &o [x, y]}, {attribute: b, options: *o}]"
    )
    check_config(config, schema)


def test_wrong_values_are_repeated_in_short(config, schema):
    config["clips"] = ["x" * 10] * 1000
    with pytest.raises(UserError) as raised:
        check_config(config, schema)
    assert len(str(raised.value)) < 400
