"""Timings, memory and room, from files of known content."""

import os

from avaflow.report import machine
from avaflow.report.machine import Room, Timing, avaflow_version, rooms, software, timings

HEAD = "s\th:m:s\tmax_rss\n"


def note(results, name, *rows):
    path = results / "benchmarks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "".join(f"{s}\t0:00:00\t{mb}\n" for s, mb in rows))


def test_timings_of_rules(tmp_path):
    for name, row in (("a", (2.0, 10.5)), ("b", (4.0, 30.0)), ("c", (9.0, 20.0))):
        note(tmp_path, f"trim/{name}.tsv", row)
    note(tmp_path, "download/deep/d.tsv", (40.0, 1.0))
    note(tmp_path, "write_ava.tsv", (0.5, "-"))
    note(tmp_path, "embed/0.tsv", ("NA", "NA"))
    (tmp_path / "benchmarks" / "embed" / "1.tsv").write_bytes(b"\xff\x00")
    assert timings(tmp_path) == [
        Timing("download", 1, 40.0, 40.0, 1.0),
        Timing("trim", 3, 4.0, 15.0, 30.0),
        Timing("write_ava", 1, 0.5, 0.5, 0.0),
    ]
    assert timings(tmp_path / "nowhere") == []


def test_room_counts_each_file_once_and_links_not_at_all(tmp_path):
    (tmp_path / "clips" / "deep").mkdir(parents=True)
    (tmp_path / "dataset").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "report.md").write_text("not in a folder")
    (tmp_path / "clips" / "a.mp4").write_bytes(b"x" * 100)
    (tmp_path / "clips" / "deep" / "b.mp4").write_bytes(b"x" * 10)
    (tmp_path / "dataset" / "a.mp4").symlink_to(tmp_path / "clips" / "a.mp4")
    (tmp_path / "dataset" / "clips").symlink_to(tmp_path / "clips")
    os.link(tmp_path / "clips" / "a.mp4", tmp_path / "dataset" / "again.mp4")
    (tmp_path / "dataset" / "c.csv").write_bytes(b"x" * 7)
    assert rooms(tmp_path) == [Room("clips", 2, 110, True), Room("dataset", 1, 7, True)]
    assert rooms(tmp_path / "nowhere") == []


def test_of_very_many_folders_some_stand_for_all(tmp_path, monkeypatch):
    """Seven folders of two files of 10 bytes, of which every third is measured."""
    monkeypatch.setattr(machine, "FOLDERS_MEASURED", 3)
    for number in range(7):
        folder = tmp_path / "rawframes" / f"clip{number}"
        folder.mkdir(parents=True)
        for frame in "12":
            (folder / frame).write_bytes(b"x" * 10)
    assert rooms(tmp_path) == [Room("rawframes", 14, 140, False)]


def test_software_is_what_is_installed():
    versions = dict(software(["numpy", "no-such-package"]))
    assert versions["numpy"] and versions["Python"].startswith("3.")
    assert versions["avaflow"] == avaflow_version() != "unknown"
    assert "no-such-package" not in versions
