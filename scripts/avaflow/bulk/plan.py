"""Plans of work on very many files: rows in batches, each batch with a digest of its own.

Snakemake compares one short digest a batch, so it plans a few hundred jobs where there are
100,000 videos, and a video that is added, moved or replaced makes one batch stale. What was
found on the disk is kept in one file beside the results, which jobs read their batch from: neither
they nor the processes of a cluster look through the folders again. A rule that wrote the plans
would not do: Snakemake leaves the parameters of all jobs below a stale job unlooked at.
"""

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from avaflow.batches import batch_of
from avaflow.errors import UserError
from avaflow.files import atomic_file, write_text


@dataclass
class BatchPlan:
    """Digests by batch, the digest of all, and what else the plan's jobs need to know.

    `texts` are the csv files of the batches, `warnings` what a user should know; both are empty
    where the plan was only looked up.
    """

    digests: dict[str, str]
    digest: str
    facts: dict
    texts: dict[str, str]
    warnings: list[str] = field(default_factory=list)


def plan_of(
    rows: Iterable[Sequence], key: int, columns: Sequence[str], batches: int, facts: Mapping
) -> BatchPlan:
    """Put rows into batches by the text of their first `key` columns; each batch sorted.

    `facts` are handed on to the plan's job as JSON and count in the digest of all.
    """
    members: dict[str, list] = {}
    batch_by_key: dict[str, str] = {}
    for row in rows:
        name = "/".join(row[:key])
        batch = batch_by_key.get(name)
        if batch is None:
            batch = batch_by_key[name] = batch_of(name, batches)
        members.setdefault(batch, []).append(row)
    texts, digests = {}, {}
    for batch in sorted(members):
        stream = StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(sorted(members[batch]))
        texts[batch] = stream.getvalue()
        digests[batch] = _digest(texts[batch])
    facts = dict(facts)
    digest = _digest(json.dumps([digests, facts], sort_keys=True))
    return BatchPlan(digests, digest, facts, texts)


def _digest(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()[:16]


def save_plan(plan: BatchPlan, path: str | Path) -> None:
    """Keep a plan in one file: a line of JSON, then the texts of the batches.

    Nothing is written where the file holds the same plan already.
    """
    with suppress(UserError):
        if load_plan(path).digest == plan.digest:
            return
    head = {
        "digest": plan.digest,
        "facts": plan.facts,
        "batches": {
            batch: [digest, len(plan.texts[batch].encode())]
            for batch, digest in plan.digests.items()
        },
    }
    with atomic_file(path) as temporary, open(temporary, "wb") as stream:
        stream.write(json.dumps(head).encode() + b"\n")
        for text in plan.texts.values():
            stream.write(text.encode())


def load_plan(path: str | Path) -> BatchPlan:
    """The digests of a kept plan, without its texts. UserError where there is none."""
    try:
        with open(path, "rb") as stream:
            head = json.loads(stream.readline())
        digests = {batch: digest for batch, (digest, _) in head["batches"].items()}
        return BatchPlan(digests, head["digest"], head["facts"], {})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: expected the plan of this run ({error}). Run again.") from None


def read_batch(kept: str | Path, batch: str, digest: str) -> list[dict[str, str]]:
    """The rows of one batch from the kept plan, every cell as text.

    UserError where the plan was replaced by one in which the batch has another digest.
    """
    with open(kept, "rb") as stream:
        head = json.loads(stream.readline())
        if head["batches"].get(batch, [""])[0] != digest:
            raise UserError(
                f"{kept}: the videos or annotations changed since this run began. Run again."
            )
        for name, (_, size) in head["batches"].items():
            if name == batch:
                return _rows(stream.read(size).decode())
            stream.seek(size, os.SEEK_CUR)
    return []


def read_facts(kept: str | Path, digest: str) -> dict:
    """The facts of the kept plan. UserError where it is not the one of `digest`."""
    plan = load_plan(kept)
    if plan.digest != digest:
        raise UserError(
            f"{kept}: the videos or annotations changed since this run began. Run again."
        )
    return plan.facts


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text, newline="")))


def read_rows(path: str | Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a csv of :func:`write_rows`, every cell as text."""
    text = Path(path).read_text(encoding="utf-8")
    if text.split("\n", 1)[0].split(",") != list(columns) or not text.endswith("\n"):
        raise UserError(
            f"{path}: expected the columns {', '.join(columns)}. The file was changed by hand or "
            "cut short: delete it and run again."
        )
    return _rows(text)


def write_rows(path: str | Path, columns: Sequence[str], rows: Iterable[Mapping]) -> None:
    """Write rows as csv with exactly these columns, whole or not at all."""
    stream = StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, stream.getvalue())
