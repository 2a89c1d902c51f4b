"""Which ffmpeg runs, and what it is known by."""

import os
import shutil
from pathlib import Path

import imageio_ffmpeg
import pytest

from avaflow.errors import UserError
from avaflow.videos.ffmpeg import ffmpeg_exe, ffmpeg_version


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_the_same_ffmpeg_elsewhere_is_the_same(tmp_path):
    exe = imageio_ffmpeg.get_ffmpeg_exe()
    copy = shutil.copy(exe, tmp_path / "mine")
    assert ffmpeg_version(exe) == ffmpeg_version(str(copy))
    assert ffmpeg_version(exe).startswith("ffmpeg version ")


def test_another_build_is_another_and_a_replaced_one_is_asked_again(tmp_path):
    asked = tmp_path / "asked"
    told = "echo ffmpeg version 7.0 Copyright; echo configuration: --enable-"
    exe = program(tmp_path / "a", f"echo x >> {asked}; {told}x264")
    assert ffmpeg_version(exe) == ffmpeg_version(exe)
    assert asked.read_text() == "x\n"
    first = ffmpeg_version(exe)
    assert first.startswith("ffmpeg version 7.0 ") and len(first.split(" ")) == 4
    program(tmp_path / "a", f"echo y >> {asked}; {told}libopenh264")
    os.utime(exe, (1, 1))
    assert ffmpeg_version(exe) != first
    assert asked.read_text() == "x\ny\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [("exit 3", "does not say its version .*exit status 3"), ("echo hello", "found 'hello'")],
)
def test_what_is_no_ffmpeg_is_refused(tmp_path, text, said):
    exe = ffmpeg_exe(program(tmp_path / "a", text))
    with pytest.raises(UserError, match=said):
        ffmpeg_version(exe)
