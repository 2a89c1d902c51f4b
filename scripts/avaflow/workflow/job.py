"""What every script does around its work: records, logs, clear errors, no traceback for users."""

import errno
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from avaflow.errors import UserError
from avaflow.files import SYMBOLIC, UNWRITABLE, disk_full_message, no_access_message, use_links
from avaflow.videos.probe import use_limits
from avaflow.workflow.records import (
    BATCH_SUFFIX,
    Job,
    Member,
    Records,
    Sources,
    batch_members,
    members_to_make,
    settings_digest,
)

ERROR_MARK = "avaflow error: "
"""Starts the line of a log that the end of a failed run repeats to the user."""


FAULT_MARK = "avaflow unexpected error: "
"""Starts the line of a log before the traceback of an error that nobody foresaw."""


@contextmanager
def job(snakemake) -> Iterator[logging.Logger]:
    """A script's work: what it reads is checked, what it wrote is recorded, errors are told.

    `snakemake` is the object that Snakemake puts into scripts. What the job reads has to be as
    its makers wrote it. A user's mistake becomes one message and exit status 1; anything
    unexpected still shows its traceback, in the log and on stderr.
    """
    use_links(snakemake.config.get("links", SYMBOLIC))
    use_limits(snakemake.config.get("limits", {}))
    with _told(snakemake.log[0]) as logger:
        work = _Work(snakemake)
        work.begin()
        yield logger
        work.end()


class Batch:
    """The members of a batch's job that have to be made; those that are up to date stay."""

    def __init__(self, snakemake):
        self._work = _Work(snakemake)
        facts = job_facts(snakemake)
        self.members: list[Member] = list(facts.members)
        self.to_make: list[Member] = members_to_make(facts, self._work.records)
        for member in self.to_make:
            self._work.records.check_whole(member.inputs)
            self._work.records.forget([str(self._work.records.name(member.output))])

    @property
    def names(self) -> list[str]:
        """Names of the members that have to be made."""
        return [member.name for member in self.to_make]

    def output_of(self, name: str) -> str:
        """Where the file of a member belongs."""
        return next(member.output for member in self.members if member.name == name)

    def done(self, name: str) -> None:
        """Record a member's file, which has just been written whole."""
        member = next(member for member in self.members if member.name == name)
        work = self._work
        inputs = work.records.inputs_of(member.inputs)
        work.records.write(member.output, work.rule, work.settings, inputs)

    def checksums(self) -> dict[str, str]:
        """The checksum of every member's file, by the member's name."""
        records = self._work.records
        return {m.name: records.content(str(records.name(m.output))) for m in self.members}


def job_facts(snakemake) -> Job:
    """What tells whether the job of a script is up to date, from its `snakemake`."""
    return facts_of(
        str(snakemake.rule),
        dict(snakemake.params.items()),
        list(snakemake.input),
        list(snakemake.output),
        Sources(snakemake.config["results"]),
        snakemake.input.get("weights", ()),
    )


def facts_of(
    rule: str,
    params: dict,
    inputs: Sequence[str],
    outputs: Sequence[str],
    sources: Sources,
    common: str | Iterable[str] = (),
) -> Job:
    """What tells whether a job is up to date, from its parts as Snakemake has them.

    `sources` knows the contents of inputs outside the results, `common` are the inputs of all
    members of a batch.
    """
    common = [common] if isinstance(common, str) else common
    inputs = [str(path) for path in inputs]
    reads = [str(path) for path in params.get("reads") or ()]
    members: list[Member] = []
    suffix = params.get("member_suffix")
    if suffix:
        members = batch_members(
            params["members"], str(outputs[0]), suffix, [*inputs, *reads], common
        )
    outside = [sources.content(path) for path in inputs if not sources.is_made(path)]
    return Job(
        rule,
        settings_digest(params, sources.results, outside),
        inputs,
        [str(path) for path in outputs],
        reads,
        members,
    )


class _Work:
    """The records around one job."""

    def __init__(self, snakemake):
        facts = job_facts(snakemake)
        self.rule, self.settings = facts.rule, facts.settings
        self.outputs = facts.outputs
        self.batch = bool(facts.members)
        self.inputs = [*facts.inputs, *facts.reads]
        self.records = Records(snakemake.config["results"])

    def begin(self) -> None:
        """Check what is read, and forget what was recorded of outputs that are made anew now."""
        names = map(self.records.name, self.outputs)
        self.records.forget(name for name in names if name is not None)
        if not self.batch:
            self.records.check_whole(self.inputs)

    def end(self) -> None:
        """Record the outputs."""
        if self.batch:
            return
        inputs = self.records.inputs_of(self.inputs)
        for output in self.outputs:
            if not output.endswith(BATCH_SUFFIX):
                self.records.write(output, self.rule, self.settings, inputs)


@contextmanager
def _told(log_path: str | Path) -> Iterator[logging.Logger]:
    """Log to `log_path`; turn a user's mistake into one message and exit status 1."""
    log_path = Path(log_path)
    # On a full disk the log cannot be written either: that is no reason for a traceback.
    logging.raiseExceptions = False
    logger = logging.getLogger("avaflow")
    try:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        logging.basicConfig(
            filename=log_path, filemode="w", level=logging.INFO, format="%(levelname)s %(message)s"
        )
        # A first line takes a block of the disk: the message has room, also if it is full by then.
        logger.info("begun")
        yield logger
    except UserError as error:
        _fail(logger, str(error))
    except KeyboardInterrupt:
        sys.exit(130)  # what shells give for an interrupted program; the user knows why
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            _fail(logger, disk_full_message(error.filename or log_path.parent))
        if isinstance(error, OSError) and error.errno in UNWRITABLE and error.filename:
            _fail(logger, no_access_message(error))
        logger.exception("%s%s: %s", FAULT_MARK, type(error).__name__, error)
        raise


def _fail(logger: logging.Logger, message: str) -> None:
    logger.error("%s%s", ERROR_MARK, message)
    print(f"{ERROR_MARK}{message}", file=sys.stderr)
    sys.exit(1)
