"""Downloads that resume where they broke off and appear whole or not at all."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import requests

from avaflow.errors import UserError
from avaflow.files import free_bytes, sha256
from avaflow.videos.addresses import (
    address_problem,
    redirect_problem,
    shown_address,
    without_secrets,
)

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = (15, 60)
"""Waiting for a connection, and for the next bytes of an answer."""

ATTEMPTS = 4
"""How often a transfer that breaks off is taken up again within one job."""

MOST_REDIRECTS = 10
"""So many times an address may lead on to another; browsers give up after 20."""

logger = logging.getLogger("avaflow")
# Its warnings show whole addresses, with the secrets in them.
logging.getLogger("urllib3").setLevel(logging.ERROR)


def download(url: str, target: str | Path, checksum: str = "") -> None:
    """Fetch an http(s) address into a file.

    What arrived before a break lies in ``{target}.part``, also after a killed job, and is
    continued if the server still has the same file (its ETag or date is kept beside it).
    Without a range the server is asked from the start. Raises UserError if the address
    fails, keeps breaking off, or the content has another SHA-256 than `checksum`, if it leads
    where it must not (:func:`avaflow.videos.addresses.redirect_problem`), and if the disk has
    no room. Messages name the address without its secrets.
    """
    shown = shown_address(url)
    if problem := address_problem(url):
        raise UserError(f"{shown}: nothing can be fetched from this address: {problem}.")
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
                    f"{shown}: the server answers {reason}. Correct the address, or download the "
                    "video yourself and give its path."
                ) from error
            logger.info("%s: attempt %d ended with: %s", shown, attempt, reason)
        except OSError:
            # Most likely the disk is full: what came would only keep it so.
            part.unlink(missing_ok=True)
            identity.unlink(missing_ok=True)
            raise
    else:
        held = part.stat().st_size if part.exists() else 0
        raise UserError(
            f"{shown}: the download failed {ATTEMPTS} times, last with: {reason}. {held} bytes are "
            "kept and continued on the next run."
        )
    found = sha256(part)
    if checksum and found != checksum:
        part.unlink()
        identity.unlink(missing_ok=True)
        raise UserError(
            f"{shown}: expected sha256 {checksum}, found {found}. The file at that address is "
            "another one, or the table's sha256 is wrong. Nothing was kept."
        )
    part.replace(target)
    identity.unlink(missing_ok=True)


def _fetch(url: str, part: Path, identity: Path) -> None:
    held = part.stat().st_size if part.exists() and identity.exists() else 0
    # A body that is packed could unpack to any size, so it is asked for, and taken, as it is.
    headers = {"Accept-Encoding": "identity"}
    if held:
        headers |= {"Range": f"bytes={held}-", "If-Range": identity.read_text(encoding="utf-8")}
    with _Session() as session, _answer(session, url, headers) as answer:
        if answer.status_code == 416:
            # All bytes were held already, or the file shrank: start over to be sure.
            part.unlink(missing_ok=True)
            raise requests.exceptions.ConnectionError("the server has no more bytes; starting over")
        answer.raise_for_status()
        packed = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if packed not in ("", "identity"):
            raise UserError(
                f"{shown_address(url)}: the server sends it packed ({packed!r}), though it was "
                "asked not to. Download the video yourself and give its path."
            )
        resumed = answer.status_code == 206
        mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        # A weak ETag does not promise equal bytes, so it cannot carry a continuation.
        if mark and not mark.startswith("W/"):
            identity.write_text(mark, encoding="utf-8")
        else:
            identity.unlink(missing_ok=True)
        length = _length(url, answer)
        expected = None if length is None else (held if resumed else 0) + length
        if length is not None and length > free_bytes(part) + (0 if resumed else held):
            raise UserError(
                f"{shown_address(url)}: {length / 1e6:.0f} MB are to come, but "
                f"{free_bytes(part) / 1e6:.0f} MB are free where {part.parent} lies. Make room, or "
                "point `results` in the config at a larger disk, and run again."
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


class _Session(requests.Session):
    """A session that leaves redirects alone: its own way reads their bodies, of any size."""

    def resolve_redirects(self, *arguments, **named) -> Iterator[requests.Response]:
        """None, whatever an answer says."""
        return iter(())


def _answer(session: requests.Session, url: str, headers: dict) -> requests.Response:
    """The answer at the end of an address's redirects, each looked at before it is followed."""
    asked = url
    for _ in range(MOST_REDIRECTS + 1):
        answer = session.get(
            asked, headers=headers, stream=True, timeout=TIMEOUT_SECONDS, allow_redirects=False
        )
        location = session.get_redirect_target(answer)
        if location is None:
            return answer
        answer.close()  # its body is nobody's, and could be endless
        try:
            target = urljoin(asked, location)
        except ValueError:
            target = location  # no address at all, which is told just below
        if problem := redirect_problem(url, target):
            raise UserError(
                f"{shown_address(url)}: the server sends us on to {shown_address(target)}, which "
                f"is not followed: {problem}. If that is right, give that address itself."
            )
        asked = target
    raise UserError(
        f"{shown_address(url)}: the server sends us on more than {MOST_REDIRECTS} times. Download "
        "the video yourself and give its path."
    )


def _length(url: str, answer: requests.Response) -> int | None:
    """The bytes that an answer announces; None where it does not say."""
    told = answer.headers.get("Content-Length", "").strip()
    if told and not re.fullmatch(r"[0-9]{1,18}", told):
        raise UserError(
            f"{shown_address(url)}: the server answers with a Content-Length of {told[:40]!r}, "
            "expected a number of bytes. Download the video yourself and give its path."
        )
    return int(told) if told else None


def _reason(error: Exception) -> str:
    answer = getattr(error, "response", None)
    if answer is not None:
        return f"{answer.status_code} {answer.reason}"
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    return without_secrets(str(error).split("\n", 1)[0])
