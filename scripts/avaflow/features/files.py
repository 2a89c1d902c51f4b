"""Files of features: an array, and beside it what it was made of and how.

`{name}_{num_frames}.npy` is what the known extractor calls its file
(github.com/tridivb/slowfast_feature_extractor, `test_net.py`). The json beside it is
written last, so that a file of features without it was never finished.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from avaflow.errors import UserError
from avaflow.features.architectures import ARCHITECTURES
from avaflow.files import atomic_file, sha256, write_text
from avaflow.listing import counted
from avaflow.tables import empty_table, read_table
from avaflow.templates import render

MANIFEST = {
    "name": str,
    "status": str,
    "file": str,
    "rows": int,
    "bytes": int,
    "sha256": str,
    "damages": int,
    "note": str,
}
"""One row per video of a batch: status is `made` or `skipped`; file (below the folder of features),
rows, bytes and sha256 are those of its array; damages counts the places of the video that could
not be decoded; note says why it was skipped, or what was noticed."""

NOT_RECORDED = ("name", "status", "file")
"""What a manifest says of an array, and the record beside the array does not."""

PERSON_ROWS = {"clip": str, "second": int, "person_id": int, "row": int}
"""Which row of an array belongs to which person on which keyframe."""

PERSON_INDEX = {"file": str, **PERSON_ROWS}
"""As PERSON_ROWS for all clips, with the array that each row is in."""

FORMER = {"offset": 0, "channels": "rgb", "pool": "trained"}
"""How arrays were made whose records do not name these settings yet."""

MADE = "made"
SKIPPED = "skipped"


def array_path(folder: str | Path, name: str, num_frames: int) -> Path:
    """Where the features of a video lie."""
    return Path(folder, f"{name}_{num_frames}.npy")


def record_path(array: Path) -> Path:
    """Where the record beside an array of features lies."""
    return array.with_name(array.name.removesuffix(".npy") + ".json")


class RowWriter:
    """Writes float32 rows as a .npy file, some at a time.

    An array of features grows with its video; it never has to be held as a whole. numpy's
    header leaves room for a growing first axis, so it is written again at the end.
    """

    def __init__(self, stream, dimensions: int):
        self.stream = stream
        self.dimensions = dimensions
        self.rows = 0
        self._header()
        self.begin = stream.tell()

    def write(self, rows: np.ndarray) -> None:
        """Add rows: float32 of shape (N, dimensions)."""
        self.stream.write(np.ascontiguousarray(rows, "<f4").tobytes())
        self.rows += len(rows)

    def finish(self) -> None:
        """Put the number of rows into the header."""
        self.stream.seek(0)
        self._header()
        if self.stream.tell() != self.begin:
            raise RuntimeError("the header of a .npy file changed its length")

    def _header(self) -> None:
        np.lib.format.write_array_header_1_0(
            self.stream,
            {"descr": "<f4", "fortran_order": False, "shape": (self.rows, self.dimensions)},
        )


@contextmanager
def array_writer(path: Path, dimensions: int) -> Iterator[RowWriter]:
    """A :class:`RowWriter` to a file that appears whole or not at all."""
    with atomic_file(path) as temporary, open(temporary, "wb") as stream:
        writer = RowWriter(stream, dimensions)
        yield writer
        writer.finish()


def write_record(
    array: Path,
    made_of: Mapping,
    rows: int,
    centres: Sequence[float],
    damages: int = 0,
    note: str = "",
) -> dict:
    """Write the json beside an array; returns the manifest's row less name and file.

    `made_of` is everything that decides what is in the array; `centres` are the seconds on
    which windows are centred; `damages` and `note` are what was noticed.
    """
    facts = {"rows": rows, "bytes": array.stat().st_size, "sha256": sha256(array)}
    facts |= {"damages": damages, "note": note}
    record = {**made_of, **facts, "centres": [round(float(second), 6) for second in centres]}
    write_text(record_path(array), json.dumps(record, indent=1) + "\n")
    return {"status": MADE, **facts}


def finished(array: Path, made_of: Mapping) -> dict | None:
    """As :func:`write_record` for an array that was made of just this and is whole; else None."""
    try:
        record = FORMER | json.loads(record_path(array).read_text(encoding="utf-8"))
        if {name: record.get(name) for name in made_of} != json.loads(json.dumps(made_of)):
            return None
        if sha256(array) != record["sha256"]:
            return None
        return {"status": MADE, **{n: record[n] for n in MANIFEST if n not in NOT_RECORDED}}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def remove_array(array: Path) -> None:
    """Remove an array of an earlier state, with what lies beside it."""
    for path in (array, record_path(array), array.with_suffix(".csv")):
        path.unlink(missing_ok=True)


def skipped(note: str) -> dict:
    """The manifest's row of a video that cannot be used, less its name and file."""
    nothing = {"rows": 0, "bytes": 0, "sha256": "", "damages": 0}
    return {"status": SKIPPED, **nothing, "note": note}


def manifest_row(name: str, num_frames: int, found: Mapping) -> dict:
    """A row of the manifest, of what :func:`write_record`, `finished` or `skipped` gave.

    A manifest names its files itself: settings that change their names must not make an
    earlier manifest look wrong.
    """
    file = array_path("", name, num_frames).as_posix() if found["status"] == MADE else ""
    return {"name": name, "file": file, **found}


def digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def check_features_made(manifests: Sequence[Path], folder: Path) -> None:
    """UserError if an array is missing or has another size than its batch's manifest says.

    Snakemake looks at the manifests alone.
    """
    problems = []
    for manifest in manifests:
        try:
            table = read_table(manifest, MANIFEST)
        except (OSError, UserError):
            continue  # not made yet, or being made right now
        for row in table[table["status"] == MADE].to_dict("records"):
            array = folder / row["file"]
            try:
                found = f"{array.stat().st_size} bytes"
                whole = array.stat().st_size == row["bytes"] and record_path(array).exists()
            except OSError:
                whole, found = False, "nothing"
            if not whole:
                problems.append(
                    f"{array}: expected {row['bytes']} bytes and a json beside it, as {manifest} "
                    f"says, found {found}: delete {manifest} and run again; what is whole stays"
                )
    if problems:
        raise UserError.listing(f"{folder}: these features are not as they were made:", problems)


def index_table(manifests: Sequence[str | Path]) -> pd.DataFrame:
    """All videos of all batches, sorted by name, as :data:`MANIFEST`."""
    tables = [read_table(path, MANIFEST) for path in manifests]
    return pd.concat(tables).sort_values("name", kind="stable").reset_index(drop=True)


def check_any_made(table: pd.DataFrame, strict: bool) -> None:
    """UserError if no video of a table as :data:`MANIFEST` has features; with `strict`, if one
    has none or is damaged."""
    passed_over = table[table["status"] == SKIPPED]
    if len(passed_over) == len(table):
        raise UserError.listing(
            "features: of all these videos there are no features:", _sentences(passed_over)
        )
    wrong = table[(table["status"] == SKIPPED) | (table["damages"] > 0)]
    if strict and len(wrong):
        raise UserError.listing(
            "features: `strict` is set, and these videos cannot be read or are damaged:",
            _sentences(wrong),
        )


def unlisted_arrays(table: pd.DataFrame, folder: str | Path) -> list[str]:
    """Arrays below a folder of features that a table as :data:`MANIFEST` does not name, sorted.

    They are left from a longer list or from other settings. Nobody deletes what took hours.
    """
    there = (path for path in Path(folder).rglob("*.npy") if not path.name.startswith("."))
    return sorted({path.relative_to(folder).as_posix() for path in there} - set(table["file"]))


def dimensions(table: pd.DataFrame, folder: str | Path) -> int:
    """Length of the features of a table as :data:`MANIFEST`, from the first array's head."""
    for file in table.loc[table["status"] == MADE, "file"]:
        return int(np.load(Path(folder, file), mmap_mode="r").shape[1])
    return 0


def readme(
    table: pd.DataFrame, settings: Mapping, numbers: int, unlisted: Sequence[str] = ()
) -> str:
    """What lies in the folder of features and how it is read, as Markdown.

    `numbers` is the length of a feature, `unlisted` what :func:`unlisted_arrays` found.
    """
    made = table[table["status"] == MADE]
    return render(
        __file__,
        "README.md",
        made=len(made),
        videos=counted(len(table), "video"),
        windows=counted(int(made["rows"].sum()), "window"),
        settings=settings,
        numbers=numbers,
        ours=settings["architecture"] in ARCHITECTURES,
        out_fps=f"{settings['out_fps']:g}",
        array=(made["file"].iloc[0] if len(made) else "NAME_32.npy").removesuffix(".npy"),
        passed_over=_sentences(table[table["status"] == SKIPPED]),
        noticed=_sentences(made[made["note"] != ""]),
        unlisted=unlisted,
    )


def _sentences(table: pd.DataFrame) -> list[str]:
    return [f"{name}: {note}" for name, note in zip(table["name"], table["note"], strict=True)]


def person_index(table: pd.DataFrame, folder: str | Path) -> pd.DataFrame:
    """The persons of all clips of a table as :data:`MANIFEST`, as :data:`PERSON_INDEX`."""
    parts = [empty_table(PERSON_INDEX)]
    for file in table.loc[table["status"] == MADE, "file"]:
        rows = read_table(Path(folder, file).with_suffix(".csv"), PERSON_ROWS)
        parts.append(rows.assign(file=file))
    return pd.concat(parts, ignore_index=True)
