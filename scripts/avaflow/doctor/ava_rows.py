"""AVA's csv of labels: every row against what its readers take, a million of them in seconds."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avaflow.doctor.findings import Findings
from avaflow.doctor.texts import read_bounded
from avaflow.formats.ava import COLUMNS
from avaflow.project.actions import MAX_ACTIONS
from avaflow.tables import BOX

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and not needed to plan a run

BOM = b"\xef\xbb\xbf"
NAMES = ["clip", "timestamp", *BOX, "action_id", "person_id"]
INTEGERS = {"timestamp": "A04", "action_id": "A13", "person_id": "A24"}
"""Columns of whole numbers, and the code of what is none."""

MOST_BEYOND = 1.5
"""A coordinate above is in pixels, wherever a box reaches out of its image."""

_INTEGER = r"\s*[+-]?\d{1,15}\s*"


@dataclass
class Rows:
    """The rows of a csv that could be read: NAMES, and `line`, `instant` (clip and timestamp as a
    number), `box` (equal for equal coordinates) and `text` (equal for equal texts)."""

    path: Path
    name: str
    table: pd.DataFrame
    labels: frozenset[int] = frozenset()

    @property
    def clips(self) -> list[str]:
        """The clips with labels, sorted."""
        return sorted(self.table["clip"].unique().tolist())


@dataclass
class Lines:
    """A text's bytes with LF only, the bounds of its lines, and their numbers in the file."""

    data: bytes
    starts: np.ndarray
    ends: np.ndarray
    numbers: np.ndarray

    def kept(self, chosen: np.ndarray) -> Lines:
        """Some of the lines."""
        if chosen.all():
            return self
        starts, ends = self.starts[chosen], self.ends[chosen]
        data = b"".join(
            self.data[a:b] + b"\n" for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
        )
        again = split_lines(data)
        return Lines(data, again.starts, again.ends, self.numbers[chosen])

    def commas(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions of all commas, and how many each line has."""
        places = np.flatnonzero(np.frombuffer(self.data, np.uint8) == ord(","))
        counts = np.searchsorted(places, self.ends) - np.searchsorted(places, self.starts)
        return places, counts

    def line(self, index: int) -> str:
        """A line's text, for messages."""
        return self.data[self.starts[index] : self.ends[index]][:200].decode("utf-8", "replace")


def split_lines(data: bytes) -> Lines:
    """The lines of a text."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    if data and not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else np.zeros(0, np.int64)
    return Lines(data, starts, ends, np.arange(1, len(ends) + 1))


def clean_bytes(data: bytes, name: str, findings: Findings) -> bytes:
    """A table's bytes without byte order mark, CR and blank lines' cause; told of the first two."""
    if data.startswith(BOM):
        findings.add("F02", name, "a byte order mark", [1])
        data = data[len(BOM) :]
    if b"\r" in data:
        findings.add("F03", name, "CR LF", [1], data.count(b"\r"))
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data


def read_rows(path: Path, name: str, findings: Findings) -> Rows | None:
    """The rows of a csv that can be read, and findings for what cannot; None without any row."""
    data = clean_bytes(read_bounded(path), name, findings)
    if not data.strip():
        findings.add("F01", name, "no row")
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        findings.add("F04", name, f"byte {error.start} is none of UTF-8", [line])
        return None
    lines = _whole_lines(data, name, findings)
    if not len(lines.starts):
        return None
    table = _typed(lines, name, findings)
    if table.empty:
        return None
    _identify(table, lines)
    rows = Rows(path, name, table)
    return rows


def is_header(line: str) -> bool:
    """Whether a first line names columns: no cell after the first is a number.

    >>> is_header("video_id,timestamp,x1,y1,x2,y2,action,person"), is_header("walk,902,0.1")
    (True, False)
    """
    cells = line.split(",")[1:]
    return bool(cells) and not any(re.fullmatch(r"\s*[+-]?\.?\d.*", cell) for cell in cells)


def _whole_lines(data: bytes, name: str, findings: Findings) -> Lines:
    """Lines that have as many cells as a row; findings for the others."""
    lines = split_lines(data)
    if b'"' in data or b"'" in data:
        quoted = [i for i in range(len(lines.starts)) if re.search("[\"']", lines.line(i))]
        numbers = lines.numbers[quoted]
        findings.add("A05", name, lines.line(quoted[0]), numbers)
        data = data.replace(b'"', b"").replace(b"'", b"")
        lines = split_lines(data)
    blank = lines.ends == lines.starts
    if blank.any():
        findings.add("A02", name, "nothing on the line", lines.numbers[blank])
        lines = lines.kept(~blank)
    _, commas = lines.commas()
    if is_header(lines.line(0)):
        findings.add("A01", name, lines.line(0), lines.numbers[:1])
        keep = np.ones(len(lines.starts), bool)
        keep[0] = False
        lines, commas = lines.kept(keep), commas[1:]
    wrong = commas != COLUMNS - 1
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        what = f"{commas[at] + 1} columns: {lines.line(at)}"
        findings.add("A03", name, what, lines.numbers[wrong])
        lines = lines.kept(~wrong)
    return lines


def _typed(lines: Lines, name: str, findings: Findings) -> pd.DataFrame:
    """The rows as numbers; those with another thing in a cell are told of and left out."""
    import pandas as pd

    kinds = {"clip": str, **dict.fromkeys(INTEGERS, np.int64), **dict.fromkeys(BOX, np.float64)}
    settings = {"header": None, "names": NAMES, "quoting": 3, "keep_default_na": False}
    try:
        if _any_points(lines):
            raise ValueError  # pandas would take 902.0 for a whole number, as no reader does
        table = pd.read_csv(BytesIO(lines.data), dtype=kinds, **settings)  # type: ignore[call-overload]
        good = np.ones(len(table), bool)
    except (ValueError, OverflowError):
        table = pd.read_csv(BytesIO(lines.data), dtype=str, **settings)  # type: ignore[call-overload]
        good = _bad_cells(table, lines, name, findings)
        table = table[good].astype({column: float for column in [*INTEGERS, *BOX]})
        table = table.astype(dict.fromkeys(INTEGERS, np.int64))
    table["line"] = lines.numbers[good]
    table["row"] = np.flatnonzero(good)
    table["clip"] = table["clip"].astype("category")
    finite = np.isfinite(table[BOX].to_numpy()).all(axis=1)
    if not finite.all():
        findings.add("A06", name, "nan or infinite", table["line"].to_numpy()[~finite])
        table = table[finite]
    return table.reset_index(drop=True)


def _any_points(lines: Lines) -> bool:
    """Whether a cell of a whole number has a point or an exponent."""
    letters = np.frombuffer(lines.data, np.uint8)
    points = np.flatnonzero((letters == ord(".")) | (letters | 32 == ord("e")))
    places, counts = lines.commas()
    places = places.reshape(len(counts), COLUMNS - 1)
    for begin, end in ((places[:, 0], places[:, 1]), (places[:, 5], lines.ends)):
        if (np.searchsorted(points, begin) != np.searchsorted(points, end)).any():
            return True
    return False


def _bad_cells(table: pd.DataFrame, lines: Lines, name: str, findings: Findings) -> np.ndarray:
    """Tell of cells that are no numbers; a whole number with a point is read all the same."""
    import pandas as pd

    good = np.ones(len(table), bool)
    for column, code in INTEGERS.items():
        told = ~table[column].str.fullmatch(_INTEGER).to_numpy(bool)
        if told.any():
            what = f"{column} {table[column][told].iloc[0]!r}"
            findings.add(code, name, what, lines.numbers[told])
            values = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
            with np.errstate(invalid="ignore"):
                good &= np.isfinite(values) & (values == np.floor(values))
    for column in BOX:
        values = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
        told = np.isnan(values)
        if told.any():
            what = f"{column} {table[column][told].iloc[0]!r}"
            findings.add("A06", name, what, lines.numbers[told])
            good &= ~told
    return good


def _identify(table: pd.DataFrame, lines: Lines) -> None:
    """Add `instant`, `box` and `text`: numbers that are equal for what is the same."""
    import pandas as pd

    places, counts = lines.commas()
    places = places.reshape(len(counts), COLUMNS - 1)[table["row"].to_numpy()]
    spans = zip((places[:, 1] + 1).tolist(), places[:, 5].tolist(), strict=True)
    texts = np.array([hash(lines.data[a:b]) for a, b in spans], np.int64)
    boxes = np.zeros(len(table), np.uint64)
    for column in BOX:
        # -0.0 and 0.0 are one place.
        own = pd.util.hash_array(table[column].to_numpy() + 0.0)
        boxes = boxes * np.uint64(1000003) + own
    table["text"], table["box"] = texts, boxes
    clips = table["clip"].cat.codes.to_numpy(np.int64)
    table["instant"] = clips * 2_000_000_000 + table["timestamp"].clip(-(10**9), 10**9).to_numpy()
    del table["row"]


def check_rows(rows: Rows, findings: Findings) -> None:
    """Every rule that concerns the rows of one file."""
    table, name = rows.table, rows.name
    lines = table["line"].to_numpy()

    def tell(code: str, wrong: np.ndarray, what: Callable[[int], str]) -> None:
        if wrong.any():
            findings.add(code, name, what(int(np.flatnonzero(wrong)[0])), lines[wrong])

    _check_boxes(table, tell)
    _check_ids(table, rows.labels, tell)
    _check_groups(table, tell)
    clips, instants = table["clip"].cat.codes.to_numpy(), table["instant"].to_numpy()
    begun = np.concatenate([[True], np.diff(clips) != 0])
    back = np.concatenate([[False], np.diff(instants) < 0]) & ~begun
    again = np.zeros(len(table), bool)
    again[np.flatnonzero(begun)] = table["clip"][begun].duplicated().to_numpy()
    tell("A19", back | again, lambda i: place(table, i))
    _check_names(rows, findings)


def place(table: pd.DataFrame, index: int) -> str:
    """Which keyframe a row is of."""
    return f"clip {table['clip'].iloc[index]}, timestamp {table['timestamp'].iloc[index]}"


Tell = Callable[[str, np.ndarray, Callable[[int], str]], None]


def _check_boxes(table: pd.DataFrame, tell: Tell) -> None:
    boxes: np.ndarray = table[BOX].to_numpy()
    px: np.ndarray = np.asarray((boxes > MOST_BEYOND).any(axis=1))
    outside = np.asarray(((boxes < 0) | (boxes > 1)).any(axis=1)) & ~px

    def box(index: int) -> str:
        return f"{place(table, index)}: box {','.join(f'{each:g}' for each in boxes[index])}"

    tell("A08", px, box)
    tell("A07", outside, box)
    tell("A09", (boxes[:, 0] >= boxes[:, 2]) | (boxes[:, 1] >= boxes[:, 3]), box)


def _check_ids(table: pd.DataFrame, labels: frozenset[int], tell: Tell) -> None:
    actions, persons = table["action_id"].to_numpy(), table["person_id"].to_numpy()

    def action(index: int) -> str:
        return f"{place(table, index)}: action id {actions[index]}"

    tell("A10", actions == 0, action)
    tell("A11", actions < 0, action)
    tell("A12", actions > MAX_ACTIONS, action)
    if labels:
        missing = ~np.isin(actions, list(labels)) & (actions > 0) & (actions <= MAX_ACTIONS)
        gap = missing & (actions < max(labels))
        tell("A26", gap, action)
        tell("A14", missing & ~gap, action)
    tell("A25", persons < 1, lambda i: f"{place(table, i)}: person id {persons[i]}")


def _check_groups(table: pd.DataFrame, tell: Tell) -> None:
    """Rules on rows of one keyframe: who has which box, and what is said twice."""
    twice = table.duplicated(["instant", "box", "action_id"]).to_numpy()
    tell("A15", twice, lambda i: f"{place(table, i)}: action {table['action_id'].iloc[i]} again")
    known = ~table.duplicated(["instant", "person_id", "box"]) & (table["person_id"] > 0)
    once = table[known]
    person = np.zeros(len(table), bool)
    person[once.index] = once.duplicated(["instant", "person_id"]).to_numpy()
    tell("A16", person, lambda i: f"{place(table, i)}: person {table['person_id'].iloc[i]}")
    shared = np.zeros(len(table), bool)
    shared[once.index] = once.duplicated(["instant", "box"]).to_numpy()
    tell("A17", shared, lambda i: f"{place(table, i)}: person {table['person_id'].iloc[i]}")
    written = table[~table.duplicated(["instant", "box", "text"])]
    texts = np.zeros(len(table), bool)
    texts[written.index] = written.duplicated(["instant", "box"]).to_numpy()
    tell("A18", texts, lambda i: f"{place(table, i)}: written otherwise above")


def _check_names(rows: Rows, findings: Findings) -> None:
    """Clip ids that a reader cuts, splits or takes for something else."""
    for clip in rows.clips:
        code = name_problem(clip)
        if code:
            lines = rows.table["line"][rows.table["clip"] == clip].tolist()
            findings.add(code, rows.name, f"clip {clip!r}", lines)


def name_problem(clip: str) -> str:
    """The code of what is wrong with a clip's id; empty for a good one."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", clip):
        return "A20"
    if "." in clip:
        return "A21"
    if clip.isdigit():
        return "A22"
    parts = clip.split("_")
    # Ids of YouTube have 11 letters, underscores among them, and the reader knows.
    timed = len(parts) >= 3 and parts[-1].isdigit() and parts[-2].isdigit()
    return "A23" if len(clip) != 11 and len(parts) >= 3 and not timed else ""


def check_excluded(path: Path, name: str, findings: Findings) -> set[tuple[str, int]]:
    """The excluded keyframes of a file, and findings for lines that are none."""
    data = clean_bytes(read_bounded(path), name, findings)
    found: set[tuple[str, int]] = set()
    wrong: list[int] = []
    example = ""
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), start=1):
        if not line and number > data.count(b"\n"):
            continue  # what follows the last line's end
        clip, _, timestamp = line.partition(",")
        if clip and re.fullmatch(_INTEGER, timestamp):
            found.add((clip, int(timestamp)))
        else:
            wrong.append(number)
            example = example or repr(line[:80])
    if wrong:
        findings.add("E01", name, example, wrong)
    return found


def check_labelled(rows: Rows, excluded: set[tuple[str, int]], findings: Findings) -> None:
    """Labels on excluded keyframes."""
    import pandas as pd

    if not excluded:
        return
    table = rows.table
    gone = pd.MultiIndex.from_tuples(sorted(excluded))
    own = pd.MultiIndex.from_arrays([table["clip"].astype(str), table["timestamp"]])
    wrong = np.asarray(own.isin(gone))
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        findings.add("E02", rows.name, place(table, at), table["line"].to_numpy()[wrong])


def lines_where(rows: Rows, wrong: Sequence[bool] | np.ndarray) -> list[int]:
    """The line numbers of some rows."""
    return rows.table["line"].to_numpy()[np.asarray(wrong, bool)].tolist()
