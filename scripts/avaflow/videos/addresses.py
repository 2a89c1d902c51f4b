"""Addresses of videos: what is one, what of it may be shown, and where one may lead on to.

An address may carry secrets: `user:password@` before its host, and a token in its query. It
comes from the user, but where it leads on to is a stranger's say.
"""

import ipaddress
import re
import socket
import unicodedata
from urllib.parse import SplitResult, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
"""The port that is meant where an address names none."""

_USER = re.compile(r"//[^/?#\s@]*@")
_QUERY = re.compile(r"\?[^\s'\"<>)]*")


def is_url(video: str) -> bool:
    """Whether a `video` cell is an http(s) address."""
    return video.lower().startswith(("http://", "https://"))


def without_secrets(text: str) -> str:
    """A text whose addresses have lost user, password and query: for messages and logs.

    >>> without_secrets("https://me:word@films.org/a.mp4?token=1: 404 Not Found")
    'https://films.org/a.mp4?...: 404 Not Found'
    """
    return _QUERY.sub(_hidden, _USER.sub("//", text))


def _hidden(query: re.Match) -> str:
    # A sentence may end where an address did.
    end = query[0][len(query[0].rstrip(".,:;")) :]
    return "?..." + end if len(query[0]) > len(end) + 1 else query[0]


def shown_address(url: str) -> str:
    """An address as records name it: without user, password, query and fragment.

    >>> shown_address("https://me:word@films.org:8443/a.mp4?token=1#t=5")
    'https://films.org:8443/a.mp4'
    """
    return _USER.sub("//", re.split(r"[?#]", url, maxsplit=1)[0])


def address_problem(url: str) -> str:
    """Why nothing can be fetched from an address; empty where something may be."""
    if any(unicodedata.category(letter) == "Cc" for letter in url):
        return "it holds a control character; write that as %0A or the like"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        return f"it is no address ({error})"
    if not parts.hostname:
        return "it names no host"
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        return f"the port in {parts.netloc.rpartition('@')[2]!r} is not a number from 1 to 65535"
    if any(len(label) > 63 for label in parts.hostname.split(".")):  # as DNS has it
        return "a part of its host's name is longer than 63 letters"
    return ""


def redirect_problem(first: str, target: str) -> str:
    """Why an answer to the user's address `first` may not lead on to `target`; else empty.

    What the user wrote is followed anywhere. A server's redirect is followed to addresses
    that the whole internet reaches, and to the very host and port that the user named; never
    to this machine or a private network, where a stranger could make us ask what only we can
    reach, and never from https to http.
    """
    before = urlsplit(first)
    if not is_url(target):
        return "that is not an http(s) address"
    if problem := address_problem(target):
        return problem
    after = urlsplit(target)
    if before.scheme.lower() == "https" and after.scheme.lower() == "http":
        return "what it sends from there anybody on the way could change"
    if _same_server(before, after) or not _leads_inside(after.hostname):
        return ""
    return "that is this machine or a private network, to which a server must not send us"


def _same_server(before: SplitResult, after: SplitResult) -> bool:
    if before.hostname != after.hostname:
        return False
    ports = [parts.port or DEFAULT_PORTS[parts.scheme.lower()] for parts in (before, after)]
    # A server that only sends us on to its own encrypted side is the same one.
    return ports[0] == ports[1] or ports == [80, 443]


def _leads_inside(host: str | None) -> bool:
    """Whether any address of a host is not one of the whole internet."""
    try:
        found = {
            str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        }
    except (OSError, UnicodeError):
        return False  # connecting fails by itself, or a proxy knows the name
    return any(not ipaddress.ip_address(text.partition("%")[0]).is_global for text in found)
