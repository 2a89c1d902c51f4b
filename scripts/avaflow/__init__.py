"""The library that avaflow's scripts share.

It imports no Snakemake. Every file format is written and read in one module, and
every user's mistake leaves it as :class:`avaflow.errors.UserError`.

A package is a stage, named as its rules and its tests are; what lies beside this file is
the vocabulary of them all. The tree in CONTRIBUTING.md has a line for each.
"""

import sys
from types import TracebackType


def _quiet_when_stopped(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Say nothing where the user pressed Control-C: a traceback would tell of no fault."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


# Every script imports the library first, and then for a second or two what it needs besides. Where
# the library is used by other programs that have a hook of their own, theirs stays.
if sys.excepthook is sys.__excepthook__:
    sys.excepthook = _quiet_when_stopped
