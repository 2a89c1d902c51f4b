"""What every script does around its work: logging, clear errors, no traceback for users."""

import errno
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avaflow.errors import UserError
from avaflow.files import disk_full_message

ERROR_MARK = "avaflow error: "
"""Starts the line of a log that the end of a failed run repeats to the user."""


FAULT_MARK = "avaflow unexpected error: "
"""Starts the line of a log before the traceback of an error that nobody foresaw."""


@contextmanager
def job(log_path: str | Path) -> Iterator[logging.Logger]:
    """Log to `log_path`; turn a user's mistake into one message and exit status 1.

    Anything unexpected still shows its traceback, in the log and on stderr.
    """
    log_path = Path(log_path)
    # On a full disk the log cannot be written either: that is no reason for a traceback.
    logging.raiseExceptions = False
    logger = logging.getLogger("avaflow")
    try:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        logging.basicConfig(
            filename=log_path, filemode="w", level=logging.INFO, format="%(levelname)s %(message)s"
        )
        yield logger
    except UserError as error:
        _fail(logger, str(error))
    except KeyboardInterrupt:
        sys.exit(130)  # what shells give for an interrupted program; the user knows why
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            _fail(logger, disk_full_message(error.filename or log_path.parent))
        logger.exception("%s%s: %s", FAULT_MARK, type(error).__name__, error)
        raise


def _fail(logger: logging.Logger, message: str) -> None:
    logger.error("%s%s", ERROR_MARK, message)
    print(f"{ERROR_MARK}{message}", file=sys.stderr)
    sys.exit(1)
