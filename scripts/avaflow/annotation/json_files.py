"""JSON that came from elsewhere, as its text has it: nothing twice, nothing that is no number."""

import json
from collections import Counter
from pathlib import Path

from avaflow.errors import UserError


class DoubleKey(ValueError):
    """A JSON object says two things under one name: which one was meant nobody can tell."""


def load_json(path: str | Path, max_mb: float, what: str, advice: str) -> object:
    """The content of a JSON file.

    UserError if it is larger than `max_mb` megabytes, no JSON, or has an entry twice. `what` was
    expected, `advice` says how to get it.
    """
    path = Path(path)
    size_mb = path.stat().st_size / 1e6
    if size_mb > max_mb:
        raise UserError(
            f"{path}: expected {what} of at most {max_mb:g} MB, found {size_mb:.1f} MB. If "
            "it really is this clip's, raise `via.max_project_mb` in the config."
        )
    try:
        # "utf-8-sig" also reads files without the byte order mark that some editors add.
        text = path.read_bytes().decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)
    except DoubleKey as error:
        raise UserError(
            f"{path}: the entry {str(error)!r} is there twice in one object, so one of the two "
            f"would be lost. Delete the one that is wrong. {advice}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{path}: expected {what}, found a file that is not JSON ({error}). {advice}"
        ) from None


def _each_once(pairs: list[tuple[str, object]]) -> dict:
    content = dict(pairs)
    if len(content) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise DoubleKey(next(key for key, count in counts.items() if count > 1))
    return content


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")
