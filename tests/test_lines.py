"""Rows of text end where their files say, and nowhere else."""

from pathlib import Path

import pytest

from avaflow.formats.ava import Row, read_csv
from avaflow.lines import lines_of

LIBRARY = Path(__file__).parents[1] / "scripts" / "avaflow"

MESSAGES = {
    *("ffmpeg.py", "probe.py", "verify.py", "cut.py", "video.py"),
    *("texts.py", "exported.py", "network_files.py"),
}
"""Modules that take programs' messages apart, where any break may end a line."""


@pytest.mark.parametrize("inside", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_a_row_goes_on_to_the_end_of_its_line(inside, tmp_path):
    assert lines_of(f"a{inside}b\nc") == [f"a{inside}b", "c"]
    path = tmp_path / "train.csv"
    path.write_text(f"a{inside}b,902,0.1,0.2,0.3,0.4,1,1\n", encoding="utf-8")
    assert read_csv(path) == [Row(f"a{inside}b", 902, (0.1, 0.2, 0.3, 0.4), 1, 1)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("\n", [""]),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\n\n", ["a", ""]),
        ("a\r\nb\rc\n", ["a", "b", "c"]),
    ],
)
def test_ends_of_every_system(text, lines):
    assert lines_of(text) == lines == text.splitlines()


def test_nothing_but_messages_is_split_at_every_break():
    using = {path.name for path in LIBRARY.rglob("*.py") if ".splitlines()" in path.read_text()}
    assert using <= MESSAGES
