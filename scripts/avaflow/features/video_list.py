"""Lists of videos: one path without extension a line, as the known feature extractor takes them.

(github.com/tridivb/slowfast_feature_extractor calls it `vid_list.csv`; it has no header.)
"""

from pathlib import Path

from avaflow.errors import UserError


def read_video_list(path: str | Path) -> list[str]:
    """The paths of a list, sorted, with / between folders; empty lines are passed over.

    Raises UserError, naming the lines, for a missing or empty list, a path that would lead
    out of the list's folder, one with braces, and one that stands there twice.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(
            f"features.video_list: {path} cannot be read ({error.strerror}). Expected a text file "
            "with one path without extension a line."
        ) from None
    except UnicodeDecodeError:
        raise UserError(
            f"features.video_list: {path} is no UTF-8 text. Expected one path without extension "
            "a line."
        ) from None
    lines: dict[str, int] = {}
    problems = []
    for number, line in enumerate(text.splitlines(), start=1):
        name = line.strip()
        if not name:
            continue
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or "" in parts or "." in parts:
            problems.append(
                f"line {number}: expected a path below features.root, found {name!r}: features "
                "are written under the same path"
            )
        elif set(name) & set("{}\\\0") or not name.isprintable():
            problems.append(f"line {number}: {name!r} has a character that paths here cannot have")
        elif name in lines:
            problems.append(f"line {number}: {name!r} stands in line {lines[name]} already")
        else:
            lines[name] = number
    if problems:
        shown = problems[:10]
        if len(problems) > len(shown):
            shown.append(f"and {len(problems) - len(shown)} more")
        raise UserError.listing(f"features.video_list: {path} cannot be used:", shown)
    if not lines:
        raise UserError(
            f"features.video_list: {path} names no video. Expected one path without extension a "
            "line."
        )
    return sorted(lines)
