"""What a batch of very many files has done so far, kept line by line as it happens.

Snakemake deletes the outputs of a job that was killed or failed; the journal is no output, so
the next try reads in it what is finished and does only the rest. A line is written before
its file gets its final name, with the size of that file and a checksum of samples of it: a line
without that file, or with another one in its place, counts for nothing. No dates are kept, so
that a journal is the same wherever and whenever its work is done, and outlives a copy.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from avaflow.errors import UserError
from avaflow.files import write_text

SAMPLE_BYTES = 16_384
"""Bytes read at a file's head, middle and tail: the head of an mp4 lists the sizes of its frames,
so that two encodings hardly share it. Whole files would take hours at 650,000 videos."""


def file_state(path: str | Path) -> list | None:
    """What tells a file from another: size and samples, or a link's target; None without one."""
    try:
        if os.path.islink(path):
            return [os.readlink(path), 0]
        size = os.stat(path).st_size
        digest = hashlib.sha256()
        with open(path, "rb") as stream:
            for place in (0, (size - SAMPLE_BYTES) // 2, size - SAMPLE_BYTES):
                stream.seek(max(0, place))
                digest.update(stream.read(SAMPLE_BYTES))
    except OSError:
        return None
    return [size, digest.hexdigest()[:32]]


def is_unchanged(path: str | Path, state: list | None) -> bool:
    """Whether a file is the one of which a journal keeps this state."""
    if not _holds_date(state):
        return file_state(path) == state
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return [found.st_size, found.st_mtime_ns] == state


def _holds_date(state: list | None) -> bool:
    """Whether a state is size and date, as versions before 0.2 wrote it."""
    return bool(state and isinstance(state[0], int) and isinstance(state[1], int))


class Journal:
    """Finished work by key. Each entry is bound to a text that says what it was made from."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.entries: dict[str, dict] = dict(read_lines(self.path))
        # The last line may have been cut short by a kill.
        self._torn = False
        if self.path.exists() and self.path.stat().st_size:
            with open(self.path, "rb") as stream:
                stream.seek(-1, os.SEEK_END)
                self._torn = stream.read(1) != b"\n"

    def known(self, key: str, provenance: str) -> dict | None:
        """The result of a key, if it was made from the same and its file is still there."""
        entry = self.entries.get(key)
        if entry is None or entry["provenance"] != provenance:
            return None
        if entry["file"] and not is_unchanged(entry["file"], entry["state"]):
            return None
        if _holds_date(entry["state"]):
            entry["state"] = file_state(entry["file"])  # as the next `keep` writes it down
        return entry["result"]

    def add(
        self, key: str, provenance: str, file: str, state: list | None, result: Mapping
    ) -> None:
        """Write down a result; `file` is the final path, `state` that of the finished file."""
        entry = {
            "key": key,
            "provenance": provenance,
            "file": file,
            "state": state,
            "result": dict(result),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a", encoding="utf-8") as stream:
            stream.write(("\n" if self._torn else "") + json.dumps(entry) + "\n")
        self._torn = False
        self.entries[key] = entry

    def keep(self, keys: Iterable[str]) -> None:
        """Leave out what does not belong to these keys, and lines that later ones replaced."""
        self.entries = {key: self.entries[key] for key in sorted(keys) if key in self.entries}
        lines = [json.dumps(entry) + "\n" for entry in self.entries.values()]
        write_text(self.path, "".join(lines))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the journal against other processes, such as the job of a run that was killed.

        Raises UserError where another process holds it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path.with_suffix(".lock"), "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(
                    f"{self.path}: another job still works on this batch, perhaps one of a run "
                    "that was killed. Wait until it ends, or end it, and run again."
                ) from None
            yield


def read_lines(path: str | Path) -> Iterator[tuple[str, dict]]:
    """The (key, entry) pairs of a journal, later ones for the same key last."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                try:
                    entry = json.loads(line)
                    if "bound" in entry:  # as versions before 0.2 called it
                        entry["provenance"] = entry.pop("bound")
                    yield entry["key"], entry
                except (ValueError, KeyError, TypeError):
                    continue  # cut short by a kill: as if never written
    except FileNotFoundError:
        return
