"""Downloads that resume where they broke off and appear whole or not at all."""

import logging
from pathlib import Path

import requests

from avaflow.errors import UserError
from avaflow.files import free_bytes, sha256

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = (15, 60)
"""Waiting for a connection, and for the next bytes of an answer."""

ATTEMPTS = 4
"""How often a transfer that breaks off is taken up again within one job."""

logger = logging.getLogger("avaflow")


def download(url: str, target: str | Path, checksum: str = "") -> None:
    """Fetch an http(s) address into a file.

    What arrived before a break lies in ``{target}.part``, also after a killed job, and is
    continued if the server still has the same file (its ETag or date is kept beside it).
    Without a range the server is asked from the start. Raises UserError if the address
    fails, keeps breaking off, or the content has another SHA-256 than `checksum`, and if
    the disk has no room for it.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    identity = target.with_name(target.name + ".part.id")
    reason = ""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _fetch(url, part, identity)
            break
        except requests.exceptions.RequestException as error:
            reason = _reason(error)
            answer = getattr(error, "response", None)
            if answer is not None and 400 <= answer.status_code < 500:
                raise UserError(
                    f"{url}: the server answers {reason}. Correct the address, or download the "
                    "video yourself and give its path."
                ) from error
            logger.info("%s: attempt %d ended with: %s", url, attempt, reason)
        except OSError:
            # Most likely the disk is full: what came would only keep it so.
            part.unlink(missing_ok=True)
            identity.unlink(missing_ok=True)
            raise
    else:
        held = part.stat().st_size if part.exists() else 0
        raise UserError(
            f"{url}: the download failed {ATTEMPTS} times, last with: {reason}. {held} bytes are "
            "kept and continued on the next run."
        )
    found = sha256(part)
    if checksum and found != checksum:
        part.unlink()
        identity.unlink(missing_ok=True)
        raise UserError(
            f"{url}: expected sha256 {checksum}, found {found}. The file at that address is "
            "another one, or the table's sha256 is wrong. Nothing was kept."
        )
    part.replace(target)
    identity.unlink(missing_ok=True)


def _fetch(url: str, part: Path, identity: Path) -> None:
    held = part.stat().st_size if part.exists() and identity.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if held:
        headers |= {"Range": f"bytes={held}-", "If-Range": identity.read_text(encoding="utf-8")}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as answer:
        if answer.status_code == 416:
            # All bytes were held already, or the file shrank: start over to be sure.
            part.unlink(missing_ok=True)
            raise requests.exceptions.ConnectionError("the server has no more bytes; starting over")
        answer.raise_for_status()
        resumed = answer.status_code == 206
        mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        # A weak ETag does not promise equal bytes, so it cannot carry a continuation.
        if mark and not mark.startswith("W/"):
            identity.write_text(mark, encoding="utf-8")
        else:
            identity.unlink(missing_ok=True)
        length = answer.headers.get("Content-Length")
        expected = (held if resumed else 0) + int(length) if length else None
        if length and int(length) > free_bytes(part) + (0 if resumed else held):
            raise UserError(
                f"{url}: {int(length) / 1e6:.0f} MB are to come, but {free_bytes(part) / 1e6:.0f} "
                f"MB are free where {part.parent} lies. Make room, or point `results` in the "
                "config at a larger disk, and run again."
            )
        # A body that ends early is kept and counted below, instead of dropped with an error.
        answer.raw.enforce_content_length = False
        with open(part, "ab" if resumed else "wb") as stream:
            for chunk in answer.iter_content(CHUNK_BYTES):
                stream.write(chunk)
    arrived = part.stat().st_size
    if expected is not None and arrived != expected:
        raise requests.exceptions.ConnectionError(
            f"the transfer broke off at {arrived} of {expected} bytes"
        )


def _reason(error: Exception) -> str:
    answer = getattr(error, "response", None)
    if answer is not None:
        return f"{answer.status_code} {answer.reason}"
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    return str(error).split("\n", 1)[0]
