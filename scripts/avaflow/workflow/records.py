"""What each output was made from and what was written, so that content decides, not dates.

Beside every output below the results folder lies a record, written by the job that made the
output, when it was whole: which rule made it with which settings, the checksums of what it
read, and its own. From the records alone a later run can tell

* what is stale: made with other settings, from other contents, or not finished;
* what is damaged: no longer what its job wrote.

Dates decide nothing, so a clone, a copy, a clock that is wrong, or a run that was killed
between two jobs cannot hide a change.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from avaflow.errors import UserError
from avaflow.files import quick_checksum, sha256, write_text

RECORDS = "records"
"""Folder of the records, below the results folder, laid out as that is."""

BATCH_SUFFIX = ".batch.json"
"""Ends the output of a job whose real outputs are its members': one per clip. Nobody reads it
for content; it stands for "all members are up to date"."""

LOCATIONS = frozenset(["weights", "paths", "kept", "csvs", "ffmpeg", "table", "member_suffix"])
"""Names of params that say where something outside the results lies. What lies there counts, by
its content or by other params; paths below the results count from there."""

OF_MEMBERS = frozenset(["members", "reads"])
"""Names of params that say which members a batch has, and which members' files a job reads."""

REPAIR = (
    "run again with `--config repair=true`, which makes anew what is damaged, and what follows "
    "from it"
)
"""What to do about damage."""


@dataclass(frozen=True)
class Record:
    """What one output is and was made from. Paths start at the results folder."""

    rule: str
    settings: str
    inputs: dict[str, str]
    bytes: int
    sha256: str
    quick: str
    mtime_ns: int = 0


def settings_digest(params: Mapping, results: str, outside: Sequence[str] = ()) -> str:
    """12 hexadecimal digits over a job's params that decide content.

    Paths below the results folder count from there, so that moving it changes nothing.
    `outside` are checksums of the inputs that lie elsewhere, which have no record.
    """
    content = {
        name: _relative(value, results)
        for name, value in params.items()
        if name not in LOCATIONS and name not in OF_MEMBERS
    }
    text = json.dumps([content, *outside], sort_keys=True, default=str)
    return hashlib.sha1(text.encode()).hexdigest()[:12]


def _relative(value, results: str):
    if isinstance(value, str):
        return "" if value == results else value.removeprefix(f"{results}/")
    if isinstance(value, Mapping):
        return {str(name): _relative(one, results) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_relative(one, results) for one in value]
    return value


class Records:
    """The records of one results folder.

    Paths are given as Snakemake has them, and belong here only below the results folder.
    """

    def __init__(self, results: str | Path):
        self.results = os.path.normpath(results)
        self._prefix = f"{self.results}{os.sep}"
        self._loaded: dict[str, Record | None] = {}
        self._states: dict[str, list] = {}
        self._states_path = Path(self.results, RECORDS, ".states.json")
        self._states_changed = False

    def name(self, path: str | Path) -> str | None:
        """A path from the results folder; None for one outside, or for a batch's own output."""
        text = os.path.normpath(path)
        if not text.startswith(self._prefix) or text.endswith(BATCH_SUFFIX):
            return None
        return text[len(self._prefix) :]

    def record_path(self, name: str) -> Path:
        """Where the record of an output lies."""
        return Path(self.results, RECORDS, f"{name}.json")

    def of(self, name: str) -> Record | None:
        """The record of an output; None without one, or if it cannot be read."""
        if name not in self._loaded:
            try:
                entry = json.loads(self.record_path(name).read_text(encoding="utf-8"))
                record = Record(**entry)
                if not isinstance(record.inputs, dict) or not isinstance(record.bytes, int):
                    raise TypeError("not a record")
                self._loaded[name] = record
            except (OSError, ValueError, TypeError):
                self._loaded[name] = None
        return self._loaded[name]

    def names(self) -> Iterator[str]:
        """All outputs that have a record, sorted."""
        folder = Path(self.results, RECORDS)
        found = (path.relative_to(folder).as_posix() for path in folder.rglob("*.json"))
        yield from sorted(name.removesuffix(".json") for name in found if not name.startswith("."))

    def forget(self, names: Iterable[str]) -> None:
        """Remove the records of outputs that are about to be made anew."""
        for name in names:
            self.record_path(name).unlink(missing_ok=True)
            self._loaded.pop(name, None)

    def inputs_of(self, paths: Iterable[str | Path]) -> dict[str, str]:
        """Checksums of inputs by name; of what has a record, the one that its maker wrote."""
        found = {}
        for path in paths:
            name = self.name(path)
            # Of a folder, what lists its content is another input.
            if name is not None and not os.path.isdir(path):
                found[name] = self.content(name)
        return dict(sorted(found.items()))

    def content(self, name: str) -> str:
        """What stands for a file's content: its maker's checksum, or of what has no maker, a
        quick one; empty for a file that is not there.
        """
        record = self.of(name)
        if record:
            return record.sha256
        path = Path(self.results, name)
        return f"quick {quick_checksum(path)}" if path.exists() else ""

    def write(self, path: str | Path, rule: str, settings: str, inputs: Mapping[str, str]) -> None:
        """Record an output that has just been written whole."""
        name = self.name(path)
        if name is None or os.path.isdir(path):
            return
        stat = os.stat(path)
        digest = sha256(path)
        quick = quick_checksum(path)
        record = Record(rule, settings, dict(inputs), stat.st_size, digest, quick, stat.st_mtime_ns)
        write_text(self.record_path(name), json.dumps(asdict(record), indent=1) + "\n")
        self._loaded[name] = record

    def damage(self, name: str, thorough: bool = False) -> str:
        """How an output differs from its record, as a short text; empty if it is whole.

        Without `thorough` a file whose size and date are as they were when it was written, or
        last looked at, is taken for whole, and others are read by :func:`quick_checksum`.
        """
        record = self.of(name)
        if record is None:
            return ""
        path = Path(self.results, name)
        try:
            stat = os.stat(path)
        except OSError:
            return ""  # gone is not damaged: it is made again
        if stat.st_size != record.bytes:
            return f"expected {record.bytes} bytes, found {stat.st_size}"
        if thorough:
            return "" if sha256(path) == record.sha256 else "its content is another"
        state = [stat.st_size, stat.st_mtime_ns]
        if stat.st_mtime_ns == record.mtime_ns or self.states.get(name) == state:
            return ""
        if quick_checksum(path) != record.quick:
            return "its content is another"
        self.states[name] = state
        self._states_changed = True
        return ""

    def trust(self, paths: Iterable[str | Path], since: float) -> None:
        """Take outputs that were recorded since a time, in seconds, for whole as they are now.

        Snakemake gives an output another date after its job, which would look like a change.
        """
        for path in paths:
            name = self.name(path)
            record = self.of(name) if name is not None else None
            with suppress(OSError):
                stat = os.stat(path)
                written = self.record_path(str(name)).stat().st_mtime
                if record and written >= since and stat.st_size == record.bytes:
                    self.states[str(name)] = [stat.st_size, stat.st_mtime_ns]
                    self._states_changed = True

    @property
    def states(self) -> dict[str, list]:
        """Size and date at which files, copied or touched since, were last found whole."""
        if not self._states:
            try:
                loaded = json.loads(self._states_path.read_text(encoding="utf-8"))
                self._states = loaded if isinstance(loaded, dict) else {}
            except (OSError, ValueError):
                self._states = {}
        return self._states

    def save_states(self) -> None:
        """Keep what was found whole, so that the next start need not read it again."""
        if self._states_changed:
            # A full or read-only disk costs the next start some time, and is no error here.
            with suppress(OSError):
                write_text(self._states_path, json.dumps(self._states, indent=0) + "\n")
            self._states_changed = False

    def check_whole(self, paths: Iterable[str | Path]) -> None:
        """UserError, naming each, if files that a job is about to read are not as written."""
        problems = []
        for path in paths:
            name = self.name(path)
            if name is None:
                continue
            if self.of(name) and not os.path.exists(path):
                problems.append(f"{path}: it is gone")
            elif found := self.damage(name, thorough=True):
                problems.append(f"{path}: {found}")
        if problems:
            heading = "these files are not as avaflow wrote them:"
            raise UserError.listing(heading, [*problems, f"what to do: {REPAIR}"])


class Sources:
    """Checksums of users' own files and folders, read anew only where size or date changed.

    They stand in for the files in settings: the content decides, whatever its date.
    """

    def __init__(self, results: str | Path):
        self.results = str(results)
        self._prefix = f"{os.path.normpath(results)}{os.sep}"
        self._path = Path(results, RECORDS, ".sources.json")
        self._known: dict[str, list] = {}
        self._changed = False
        try:
            loaded = json.loads(self._path.read_text(encoding="utf-8"))
            self._known = loaded if isinstance(loaded, dict) else {}
        except (OSError, ValueError):
            pass  # none yet, or cut short: everything is read anew

    def is_made(self, path: str | Path) -> bool:
        """Whether a path lies below the results, where outputs have records."""
        return os.path.normpath(path).startswith(self._prefix)

    def content(self, path: str | Path) -> str:
        """The quick checksum of a file, or of a folder's files; `missing` if it is not there."""
        path = Path(path)
        try:
            shown = (f for f in path.iterdir() if f.is_file() and not f.name.startswith("."))
            files = sorted(shown) if path.is_dir() else [path]
        except OSError:
            return "missing"
        return self._content(str(path), files, several=path.is_dir())

    def content_of_files(self, name: str, files: Iterable[str | Path]) -> str:
        """The quick checksum of several files, by which they are known together as `name`."""
        return self._content(name, list(map(Path, files)), several=True)

    def _content(self, name: str, files: Sequence[Path], several: bool) -> str:
        try:
            stats = [os.stat(file) for file in files]
        except OSError:
            return "missing"
        seen = [
            (file.name, stat.st_size, stat.st_mtime_ns)
            for file, stat in zip(files, stats, strict=True)
        ]
        state = hashlib.sha1(repr(seen).encode()).hexdigest()
        known = self._known.get(name)
        if isinstance(known, list) and known[:1] == [state]:
            return str(known[1])
        digest = hashlib.sha256()
        for file in files:
            digest.update(f"{file.name} {quick_checksum(file)}\n".encode())
        found = digest.hexdigest()[:16] if several else quick_checksum(files[0])[:16]
        self._known[name] = [state, found]
        self._changed = True
        return found

    def save(self) -> None:
        """Keep what was found for the next start."""
        if self._changed:
            # A full or read-only disk costs the next start some time, and is no error here.
            with suppress(OSError):
                write_text(self._path, json.dumps(self._known, indent=0, sort_keys=True) + "\n")
            self._changed = False


@dataclass(frozen=True)
class Member:
    """One member of a batch's job: its name, the file that is made for it, and from what."""

    name: str
    output: str
    inputs: tuple[str, ...]


def batch_members(
    names: Sequence[str], output: str, suffix: str, inputs: Iterable[str], common: Iterable[str]
) -> list[Member]:
    """The members of the batch whose own output is `output`.

    A member's file lies beside that, called by its name with `suffix`. Of `inputs` those
    called by its name are a member's own; `common` are everybody's.
    """
    by_name: dict[str, list[str]] = {name: [] for name in names}
    shared = set(map(str, common))
    for path in inputs:
        stem = os.path.basename(path).split(".", 1)[0]
        if path not in shared and stem in by_name:
            by_name[stem].append(path)
    folder = os.path.dirname(output)
    return [
        Member(name, os.path.join(folder, f"{name}{suffix}"), (*own, *sorted(shared)))
        for name, own in by_name.items()
    ]


@dataclass
class Job:
    """What has to be known of a job of the workflow to tell whether it is up to date.

    Paths are as Snakemake has them. `reads` are members' files of batches, which the
    job reads beside its inputs; `members` are those of a batch's own job. A `fetched` output may
    be gone, or without a record, as long as nobody needs it. `forced` says that the job
    runs in any case.
    """

    rule: str
    settings: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    reads: Sequence[str] = ()
    members: Sequence[Member] = ()
    fetched: bool = False
    forced: bool = False


@dataclass
class State:
    """What a run finds: jobs that have to run, by their place in the list, and damage.

    `reasons` says why, in a few words; `members` how many members of a batch have to be made;
    `damaged` are sentences about files that are not as they were written and whose job
    would not run for another reason, `repaired` those whose job runs for that.
    """

    reasons: dict[int, str]
    members: dict[int, int]
    damaged: list[str]
    repaired: list[str]


Look = Callable[[str], str]
"""Tells what is wrong with what a file stands for, empty if nothing."""


class _Finder:
    """Goes over the jobs of a run, makers before users, and remembers what is made anew."""

    def __init__(self, records: Records, repair: bool, contents_damage: Look | None):
        self.records = records
        self.repair = repair
        self.contents_damage = contents_damage
        self.remade: set[str] = set()
        self.damaged: list[str] = []
        self.repaired: list[str] = []

    def reason(self, job: Job) -> str:
        """Why one job, without members, has to run; empty if it has not."""
        reason = "forced" if job.forced else self._stale(job)
        if job.fetched and reason in ("missing", "not finished"):
            return ""
        if not reason:
            sentences = self._damage(job.outputs)
            if sentences and self.repair:
                reason = "damaged"
                self.repaired += sentences
            else:
                self.damaged += sentences
        # A fetched file whose checksum was told afterwards is looked at again, and stays.
        if reason and not job.fetched:
            names = map(self.records.name, job.outputs)
            self.remade |= {name for name in names if name is not None}
        return reason

    def _stale(self, job: Job) -> str:
        files = [path for path in [*job.inputs, *job.reads] if not os.path.isdir(path)]
        names = {name for name in map(self.records.name, files) if name}
        reason = ""
        for output in job.outputs:
            name = self.records.name(output)
            if not os.path.exists(output):
                return "missing"
            if name is None:
                continue
            record = self.records.of(name)
            if record is None or record.rule != job.rule:
                return "not finished"
            if record.settings != job.settings:
                reason = reason or "other settings"
            elif set(record.inputs) != names:
                reason = reason or "other inputs"
            elif not self.remade.isdisjoint(names):
                reason = reason or "inputs are made anew"
            elif self._inputs_changed(record):
                reason = reason or "inputs changed"
        return reason

    def _inputs_changed(self, record: Record) -> bool:
        # What was fetched may be gone by now, and is fetched again only if somebody needs it.
        return any(
            found != expected
            for name, expected in record.inputs.items()
            if (found := self.records.content(name))
        )

    def _damage(self, outputs: Iterable[str]) -> list[str]:
        sentences = []
        for output in outputs:
            name = self.records.name(output)
            if name is None:
                continue
            how = self.records.damage(name, thorough=self.contents_damage is not None)
            if not how and self.contents_damage:
                how = self.contents_damage(output)
            if how:
                sentences.append(f"{output}: {how}")
        return sentences


def find_stale(
    jobs: Iterable[Job],
    records: Records,
    repair: bool = False,
    contents_damage: Look | None = None,
) -> State:
    """Which jobs have to run, given all jobs of a run, makers before users.

    A job has to run if an output of it is missing or was not finished, if it was made with
    other settings or from other inputs than it would be now, or if something that it is made
    from has to be made. With `repair` damage is a reason too, else it is told. With
    `contents_damage` every file is read to its end to find it, and that function asked about
    what a file stands for.
    """
    finder = _Finder(records, repair, contents_damage)
    state = State({}, {}, finder.damaged, finder.repaired)
    for number, job in enumerate(jobs):
        if job.members:
            reasons = [
                reason
                for member in job.members
                if (reason := finder.reason(_of_member(job, member)))
            ]
            if not reasons and not all(map(os.path.exists, job.outputs)):
                reasons = ["missing"]
            state.members[number] = len(reasons)
            reason = reasons[0] if reasons else ""
        else:
            reason = finder.reason(job)
        if reason:
            state.reasons[number] = reason
    return state


def members_to_make(job: Job, records: Records) -> list[Member]:
    """The members of a batch whose file is missing, stale or damaged; for the batch's own job."""
    finder = _Finder(records, repair=True, contents_damage=lambda path: "")
    return [member for member in job.members if finder.reason(_of_member(job, member))]


def _of_member(job: Job, member: Member) -> Job:
    return Job(job.rule, job.settings, member.inputs, [member.output], forced=job.forced)
