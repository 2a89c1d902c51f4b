"""The command line and the script: exit status, JSON, strictness; and the table of rules."""

import json
import subprocess
import sys

import pytest

from avaflow.doctor.codes import PARTS, RULES, table_row
from avaflow.doctor.examine import examine
from avaflow.doctor.report import place_of, report_text, summary
from planted_faults import PICKLE, TRAIN, cell
from script_runs import run_script
from sound_datasets import ava_dataset, kinetics_dataset, via_dataset
from workflow_runs import ROOT


def doctor(*arguments):
    command = [sys.executable, str(ROOT / "scripts/doctor.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_exit_status_says_what_was_found(tmp_path):
    root = ava_dataset(tmp_path / "dataset")
    clean = doctor(root)
    assert clean.returncode == 0 and "Clean: no rule is broken." in clean.stdout
    assert "| annotations | train | 42 | 14 | 100.0 % | 1.0 |" in clean.stdout
    cell(root / TRAIN, 3, 7, "0")
    broken = doctor(root, "--json", tmp_path / "found.json", "--fix", tmp_path / "mended")
    assert broken.returncode == 1 and broken.stderr == ""
    assert "- **A10** annotations/train.csv, line 3: action id 0" in broken.stdout
    assert "A10 annotations/train.csv, line 3: clip idle, timestamp 902" in broken.stdout
    content = json.loads((tmp_path / "found.json").read_text())
    assert content["serious"] == 1
    (finding,) = content["findings"]
    assert (finding["code"], finding["harm"], finding["lines"]) == ("A10", "misreads", [3])


@pytest.mark.parametrize("given", ["nothing", "empty", "text"])
def test_what_is_no_dataset_ends_with_2(tmp_path, given):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text/README.md").write_text("# Nothing\n")
    run = doctor(tmp_path / given)
    assert run.returncode == 2 and run.stderr.startswith("avaflow error: ")
    assert "Traceback" not in run.stderr


def test_what_only_harms_training_ends_with_0(tmp_path):
    root = kinetics_dataset(tmp_path / "dataset")
    text = (root / "val.csv").read_text()
    (root / "val.csv").write_text(text.replace("videos/val/jump-0", "videos/train/jump-0"))
    run = doctor(root, "--no-media")
    assert run.returncode == 0 and "**R06** val.csv, line 1" in run.stdout


def test_one_file_is_a_dataset_of_its_own(tmp_path):
    root = via_dataset(tmp_path / "dataset")
    found = examine(root / "via/walk.json")
    assert found.findings == [] and found.files["via"] == 1


def test_the_worst_comes_first(tmp_path):
    root = ava_dataset(tmp_path / "dataset")
    cell(root / TRAIN, 3, 8, "-1")
    cell(root / TRAIN, 6, 7, "0")
    (root / PICKLE).write_bytes(b"damaged")
    found = examine(root)
    assert [each.code for each in found.findings] == ["A10", "P01", "A25"]
    assert summary(found).startswith("1 finding (misread), 1 finding (stops a reader), 1 finding (")
    text = report_text(found)
    assert text.index("A10") < text.index("P01") < text.index("A25")


def test_many_lines_are_counted_and_the_first_named(tmp_path):
    root = ava_dataset(tmp_path / "dataset")
    for line in range(3, 22, 3):
        cell(root / TRAIN, line, 7, "0")
    (finding,) = examine(root).findings
    assert place_of(finding) == "annotations/train.csv, lines 3, 6, 9, 12, 15 ... (7 in all)"


def test_the_truths_mark_says_why_it_is_less(tmp_path):
    root = ava_dataset(tmp_path / "dataset")
    with open(root / TRAIN, "a") as stream:
        stream.write("walk,908,0.600000,0.200000,0.800000,0.950000,3,2\n")
    figures = examine(root).figures["annotations"]["train"]
    assert figures["truth_map"] < 1 and figures["truth_map_lowered_by"] == ["A15"]


def run_rule(root, strict):
    output = {"report": str(root / "doctor.md"), "findings": str(root / "doctor.json")}
    params = {"dataset": str(root / "dataset"), "strict": strict}
    run_script("examine_dataset", root, root / "examine.log", output=output, params=params)


def test_strict_stops_the_run_at_what_is_misread_and_nothing_less(tmp_path, capsys):
    root = ava_dataset(tmp_path / "dataset")
    run_rule(tmp_path, strict=True)
    assert "Clean" in (tmp_path / "doctor.md").read_text()
    cell(root / TRAIN, 3, 8, "-1")
    run_rule(tmp_path, strict=True)
    cell(root / TRAIN, 6, 7, "0")
    run_rule(tmp_path, strict=False)
    assert json.loads((tmp_path / "doctor.json").read_text())["serious"] == 1
    with pytest.raises(SystemExit):
        run_rule(tmp_path, strict=True)
    assert "A10 annotations/train.csv, line 6" in capsys.readouterr().err


def test_the_chapter_has_every_rule_as_the_code_has_it():
    text = (ROOT / "docs/doctor.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    told = [row for row in rows if not row.startswith("| code |")]
    assert told == [table_row(rule) for letter in PARTS for rule in RULES.values()
                    if rule.code[0] == letter]  # fmt: skip
    assert {code[0] for code in RULES} == set(PARTS)
    for name in PARTS.values():
        assert f"\n### {name}\n" in text
