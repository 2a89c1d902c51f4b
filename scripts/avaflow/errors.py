"""The one exception that stands for a user's mistake or broken input."""

from collections.abc import Sequence

from avaflow.listing import first_lines


class UserError(Exception):
    """Something that the user can fix: a config value, a row, a video, an annotation.

    The message is all that the user reads, so it names the file, row or clip, what was
    expected, what was found, and what to do. It never comes with a traceback.
    """

    @classmethod
    def listing(cls, heading: str, problems: Sequence[str], most: int | None = None) -> "UserError":
        """One error that lists several problems under a heading, one a line.

        With `most` the problems beyond it are counted only.
        """
        shown = problems if most is None else first_lines(problems, most)
        return cls("\n".join([heading, *(f"  - {problem}" for problem in shown)]))


class BadVideo(UserError):
    """One video that cannot be used; where thousands are prepared it is recorded and skipped.

    `reason` says why without naming the file, `status` is the word for it in a manifest.
    """

    def __init__(self, message: str, reason: str | None = None, status: str = "unreadable"):
        super().__init__(message)
        self.reason = message if reason is None else reason
        self.status = status

    @classmethod
    def named(cls, path: object, reason: str, advice: str) -> "BadVideo":
        """The error of a file: its path, why it cannot be used, and what to do, as sentences."""
        return cls(f"{path}: {reason}. {advice}", reason)
