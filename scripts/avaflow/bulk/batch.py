"""A batch of many videos: each made once, the unusable ones recorded, their share bounded."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from avaflow.bulk.journal import Journal
from avaflow.errors import BadVideo, UserError

FEWEST_JUDGED = 20
"""A batch with fewer videos is not judged by its share of broken ones; the whole still is."""


class Task(NamedTuple):
    """One file to make: its key in the journal, what it is made from, and how it is made.

    `make` puts its result into the journal itself, before the file has its final name, and
    raises BadVideo for what is recorded and skipped. `whole` tells whether what the journal
    knows is still all there, beyond the one file that the journal looks at.
    """

    key: str
    provenance: str
    source: str
    make: Callable[[], dict]
    whole: Callable[[Mapping], bool] = lambda known: True


class Limit(NamedTuple):
    """The share of `what` that may be broken, by the config's key and value; else UserError."""

    what: str
    setting: str
    share: float
    advice: str

    def check(self, broken: Sequence[str], tried: int) -> None:
        """UserError with the first of `broken`, each a name and a reason, if they are too many."""
        if len(broken) > self.share * tried:
            raise UserError(
                f"{len(broken)} of {tried} {self.what} cannot be used, more than {self.setting} "
                f"({self.share:g}) allows. The first: {broken[0]}. {self.advice}"
            )


def provenance(row: Mapping[str, str], version: int, settings: str) -> str:
    """What a result is made from: the source's size, date and path, the code, the settings.

    Size and date come first: what was replaced in its place is recognised by them.
    """
    return f"{row['bytes']} {row['changed']} v{version} {settings} {row['source']}"


def run_tasks(
    tasks: Iterable[Task],
    journal: Journal,
    good: Collection[str],
    limit: Limit,
    logger: logging.Logger,
    absent: Collection[str] = (),
) -> dict[str, dict]:
    """Make what the journal does not know; the result of each task by its key.

    Statuses other than `good` are broken. The journal then holds these keys alone, and those
    of `absent`: what cannot be made today is not forgotten. Raises UserError beyond `limit`.
    """
    done: dict[str, dict] = {}
    for task in tasks:
        if task.key in done:
            continue  # named by two rows
        known = journal.known(task.key, task.provenance)
        if known is None or not task.whole(known):
            try:
                known = task.make()
            except BadVideo as error:
                known = {"status": error.status, "reason": error.reason}
                journal.add(task.key, task.provenance, "", None, known)
                logger.info("%s: %s: %s", task.source, error.status, error.reason)
        done[task.key] = known
    broken = [f"{key}: {r['reason']}" for key, r in done.items() if r["status"] not in good]
    if len(done) >= FEWEST_JUDGED:
        limit.check(broken, len(done))
    journal.keep([*done, *absent])
    return done
