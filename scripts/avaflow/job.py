"""What every script does around its work: logging, clear errors, no traceback for users."""

import errno
import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avaflow.errors import UserError

ERROR_MARK = "avaflow error: "
"""Starts the line of a log that the end of a failed run repeats to the user."""


@contextmanager
def job(log_path: str | Path) -> Iterator[logging.Logger]:
    """Log to `log_path`; turn a user's mistake into one message and exit status 1.

    Anything unexpected still shows its traceback, in the log and on stderr.
    """
    log_path = Path(log_path)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=log_path, filemode="w", level=logging.INFO, format="%(levelname)s %(message)s"
    )
    logger = logging.getLogger("avaflow")
    try:
        yield logger
    except UserError as error:
        _fail(logger, str(error))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            logger.exception("unexpected error")
            raise
        _fail(logger, disk_full_message(error.filename or Path.cwd()))
    except Exception:
        logger.exception("unexpected error")
        raise


def disk_full_message(path: str | Path) -> str:
    """The message for a full disk, with what is free where `path` lies."""
    folder = Path(path)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free_mb = shutil.disk_usage(folder).free / 1e6
    return (
        f"{path}: the disk is full ({free_mb:.0f} MB free). Nothing half-written was kept. "
        "Make room, or point `results` in the config at a larger disk, and run again."
    )


def _fail(logger: logging.Logger, message: str) -> None:
    logger.error("%s%s", ERROR_MARK, message)
    print(f"{ERROR_MARK}{message}", file=sys.stderr)
    sys.exit(1)
