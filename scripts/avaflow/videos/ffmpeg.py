"""Run ffmpeg, and tell its reason where it fails."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

import ffmpeg

from avaflow.errors import BadVideo, UserError
from avaflow.files import disk_full_message

KILLED = (signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)
"""Signals that say nothing about the video."""


VERSION_SECONDS = 30
"""How long an ffmpeg may take to say its version; it takes 0.05 s, more on a busy machine."""


_SPEAKER = re.compile(r"^(\[[^\]]* @ 0x[0-9a-f]+\] )+")
"""What ffmpeg puts before a message: its part and a memory address."""


_DECODE_ERROR = re.compile(
    r"error while decoding|corrupt decoded frame|error submitting packet|concealing \d+"
    r"|decode_slice_header error|invalid nal unit|packet corrupt",
    re.IGNORECASE,
)


def ffmpeg_exe(configured: str = "") -> str:
    """Path of the ffmpeg to run: the configured one, or the one in imageio-ffmpeg's wheel."""
    if configured:
        found = shutil.which(configured)
        if not found:
            raise UserError(
                f"config: trim.ffmpeg is {configured!r}, but no such program can be run. "
                "Correct the path, or leave it empty for the ffmpeg that came with the packages."
            )
        return found
    import imageio_ffmpeg

    return imageio_ffmpeg.get_ffmpeg_exe()


def ffmpeg_version(exe: str) -> str:
    """What an ffmpeg says of itself: version, compiler, configuration and libraries.

    Two of the same build write the same bytes wherever they lie, so that this, not the path,
    tells whether something has to be made anew. Asked once a process for each state of the file.
    """
    found = os.stat(exe)
    return _version(exe, found.st_size, found.st_mtime_ns)


@cache
def _version(exe: str, _size: int, _changed_ns: int) -> str:
    try:
        told = subprocess.run(
            [exe, "-hide_banner", "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=VERSION_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        reason = "" if isinstance(error, OSError) else f" ({error})"
        raise UserError(
            f"{exe} does not say its version{reason}: it is not an ffmpeg that runs here. Correct "
            "trim.ffmpeg in the config, or leave it empty for the ffmpeg that came with the "
            "packages."
        ) from None
    lines = told.decode("utf-8", "replace").splitlines()
    kept = [line.strip() for line in lines if line.strip() and not line.startswith("Exiting")]
    if not kept or not kept[0].startswith("ffmpeg version "):
        shown = kept[0][:60] if kept else "nothing"
        raise UserError(
            f"{exe}: expected an ffmpeg, which says `ffmpeg version ...`, found {shown!r}. Correct "
            "trim.ffmpeg in the config."
        )
    digest = hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16]
    return f"{kept[0].split(' Copyright')[0]} {digest}"


def run_ffmpeg(outputs: Sequence, exe: str, log: Path, subject: str, written: Path) -> int:
    """Run one ffmpeg with these outputs; its messages go to the log.

    `subject` names the clip and video in errors, `written` is where outputs go. Returns
    the number of places where the source could not be decoded cleanly. Raises BadVideo
    with ffmpeg's reason, and UserError where the disk is full or somebody ended ffmpeg.
    """
    command = _command(outputs, exe)
    with _log_of(command, log) as stream:
        status = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, check=False
        ).returncode
    messages = _messages(log)
    if status:
        _raise_outside_causes(status, messages, subject, written)
        reason = ffmpeg_reason(messages) or f"exit status {status}"
        raise BadVideo(
            f"{subject}: ffmpeg could not make it: {reason}. "
            "The video is damaged, or of a kind that this ffmpeg does not decode: fix or convert "
            f"it. The whole of what it said is in {log}",
            f"ffmpeg could not decode it: {reason}",
        )
    return sum(1 for message in messages if _DECODE_ERROR.search(message))


def feed_ffmpeg(
    images: Iterable[bytes], output, exe: str, log: Path, subject: str, written: Path
) -> None:
    """Run one ffmpeg that reads raw images from `pipe:`, one after the other as they are made.

    Otherwise as :func:`run_ffmpeg`: UserError with ffmpeg's reason where it cannot.
    """
    command = _command([output], exe)
    with (
        _log_of(command, log) as stream,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stream, stderr=stream) as process,
    ):
        assert process.stdin is not None
        try:
            # An ffmpeg that ends early says why in its log, and by its status.
            with suppress(BrokenPipeError):
                for image in images:
                    process.stdin.write(image)
            with suppress(BrokenPipeError):
                process.stdin.close()
            status = process.wait()
        except BaseException:
            process.kill()
            raise
    if status:
        messages = _messages(log)
        _raise_outside_causes(status, messages, subject, written)
        raise UserError(
            f"{subject}: ffmpeg could not write it: "
            f"{ffmpeg_reason(messages) or f'exit status {status}'}. If trim.ffmpeg in the config "
            "names an ffmpeg of your own, it needs libx264. The whole of what it said is in "
            f"{log}"
        )


def _command(outputs: Sequence, exe: str) -> list[str]:
    node = ffmpeg.merge_outputs(*outputs) if len(outputs) > 1 else outputs[0]
    node = node.global_args("-hide_banner", "-nostdin", "-loglevel", "warning")
    return ffmpeg.compile(node, cmd=exe, overwrite_output=True)


@contextmanager
def _log_of(command: Sequence[str], log: Path) -> Iterator[IO[str]]:
    """A log for ffmpeg's messages, which begins with its command."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as stream:
        stream.write(" ".join(command) + "\n")
        stream.flush()
        yield stream


def _messages(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[1:]


def _raise_outside_causes(
    status: int, messages: Sequence[str], subject: str, written: Path
) -> None:
    """UserError where a failure says nothing about videos: a full disk, a signal."""
    if any("No space left on device" in m or "Disk quota" in m for m in messages):
        raise UserError(disk_full_message(written))
    if -status in KILLED:
        raise UserError(
            f"{subject}: ffmpeg was ended by signal {-status} from outside. With 9 the machine "
            "ran out of memory, or somebody killed it: run again, with fewer cores if need be."
        )


def ffmpeg_reason(messages: Sequence[str]) -> str:
    """The first complaint of ffmpeg and its last two: cause and outcome, each once."""
    texts = dict.fromkeys(_SPEAKER.sub("", message).strip(" .") for message in messages)
    said = [message for message in texts if message and "Last message repeated" not in message]
    return " | ".join(dict.fromkeys(said[:1] + said[-2:]))
