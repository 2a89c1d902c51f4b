"""The server of the annotating page: for the people at this machine, and nobody else.

It shows what lies in the results, and saves annotations into their folder. It listens on the
loopback address alone. Whoever annotates has an address with a secret in its path; every call of
the api carries the secret in a header too, so that no other page in the browser can make one.

| address below /SECRET/ | what it is |
|---|---|
| `annotate/...`, `clips/...`, `keyframes/...` | files of the results; mp4 by ranges |
| `suggestions/...` | what pages get of suggestions, where they were asked for |
| GET, PUT `annotate/api/annotations/{clip}` | the annotator's file of a clip |
| POST `annotate/api/clips/{clip}/open`, `heartbeat`, `close` | who has the clip open |
| `label_checks/...`; POST `label_checks/api/kept` | labels that look wrong; what is kept of them |
"""

import html
import json
import re
import secrets
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from avaflow.annotation.page.holds import HEARTBEAT_SECONDS, HOLD_SECONDS, Holds, Window
from avaflow.annotation.page.saves import ABSENT, Refused, Saves, failed_write
from avaflow.errors import UserError
from avaflow.label_checks.kept import KeptFile

LOOPBACK = "127.0.0.1"
"""The only address listened on: nothing comes in from other machines."""

DEFAULT_PORT = 8765
"""The same at every start: browsers keep drafts by address, port included."""

LAST_PORT = 65535
"""Of TCP; 0 lets the system choose."""

SECRET_BYTES = 24
"""Of an address: 192 bits, which nobody guesses."""

WINDOW_BYTES = 9
"""Of a window's id, which tells windows of one annotator apart and is no secret."""

TOKEN_HEADER = "X-Avaflow-Token"
"""A page of another site cannot send it: browsers would ask this server first, which says no."""

CLIP = re.compile(r"[A-Za-z0-9-]{1,200}")
"""A clip's id, as the clips table allows it."""

WINDOW = re.compile(r"[A-Za-z0-9_-]{0,40}")
"""What may follow the secret in a token, after a point: the id of a window."""

SHOWN = re.compile(
    r"((?:annotate|label_checks)(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+\.(?P<page>html|js|css|json|csv|svg|png|woff2)"
    r"|clips/[A-Za-z0-9-]+\.mp4"
    r"|keyframes/[A-Za-z0-9-]+/[A-Za-z0-9_.-]+\.jpg"
    r"|suggestions/[A-Za-z0-9_-]+\.js)"
)
"""What of the results is shown: pages with what belongs to them, clips, keyframes, and what pages
get of suggestions."""

SETTLING = re.compile(r"annotate/agreement\.\w+|label_checks/.*")
"""The files of the pages on which disagreements are settled, of annotators and of a model."""

NOT_NAMED = "Disagreements are settled where no --annotators are named."
"""Whoever sees what others, or a model, say no longer judges on their own."""

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "woff2": "font/woff2",
    "mp4": "video/mp4",
}
"""Said by name: systems' own tables differ, and scripts of a wrong type do not run."""

POLICY = (
    "default-src 'self' data: blob:; script-src 'self'; "
    "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Pages reach nothing but this server, and no other page can frame them."""

WHERE = "Open the address that the server printed when it was started."
"""What is said at every address without a seat's secret."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the secret is in the address
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",  # a page of an hour ago would be built on an old version
}
"""On every answer."""

SESSION = Path(__file__).parent / "server_assets" / "session.js"
"""What a clip's page runs beside its own scripts: it says that the clip is open here."""


class Seat(NamedTuple):
    """An annotator (empty where nobody is named) and the secret of the address."""

    annotator: str
    secret: str


@dataclass
class Opened:
    """A window that was given a clip's page, and the version of the file it began with."""

    seat: Seat
    clip: str
    version: str | None = None


def seats_of(annotators: Sequence[str]) -> list[Seat]:
    """A seat with a secret of its own for each annotator; one without a name for none."""
    return [Seat(name, secrets.token_urlsafe(SECRET_BYTES)) for name in annotators or [""]]


# ------------------------------------------------------------------ the application


class Pages:
    """What is behind the addresses. All work on files is done outside the server's own thread."""

    def __init__(
        self, results: str | Path, annotations: str | Path, seats: Sequence[Seat], largest: int
    ):
        self.results = Path(results)
        self.seats = list(seats)
        self.largest = largest
        self.saves = Saves(annotations, largest)
        self.holds = Holds()
        self.kept = KeptFile(annotations)
        self._windows: dict[str, Opened] = {}
        self._lock = threading.Lock()

    def app(self, hosts: set[str]) -> ASGIApp:
        """The ASGI application; `hosts` are the names under which it may be called."""
        api = "/{secret}/annotate/api"
        routes = [
            Route(f"{api}/session.js", self._session, methods=["GET"]),
            Route(f"{api}/annotations/{{clip}}", self._get, methods=["GET"]),
            Route(f"{api}/annotations/{{clip}}", self._put, methods=["PUT"]),
            Route(f"{api}/clips/{{clip}}/{{what}}", self._hold, methods=["POST"]),
            Route("/{secret}/label_checks/api/kept", self._keep, methods=["POST"]),
            Route("/{secret}/{path:path}", self._file, methods=["GET"]),
        ]
        app = Starlette(
            routes=routes,
            exception_handlers={
                Refused: _refusal,
                HTTPException: _no_such,
                ClientDisconnect: _gone,
                Exception: _fault,
            },
        )
        # An address that is almost right is wrong.
        app.router.redirect_slashes = False
        return Guard(app, hosts)

    # -------------------------------------------------------------- who asks

    def _seat(self, request: Request) -> Seat:
        given = request.path_params["secret"].encode()
        found = [s for s in self.seats if secrets.compare_digest(s.secret.encode(), given)]
        if not found:
            raise Refused(404, WHERE)
        return found[0]

    def _caller(self, request: Request) -> tuple[Seat, Window, str]:
        """Who calls the api, from which window, and of which clip; Refused without a token."""
        seat, window = self._window(request)
        clip = request.path_params["clip"]
        page = self._inside(f"annotate/{clip}.js") if CLIP.fullmatch(clip) else None
        if page is None or not _is_clip(page):
            raise Refused(404, f"There is no page of a clip {clip!r:.80}.")
        return seat, Window(seat.annotator, window), clip

    def _window(self, request: Request) -> tuple[Seat, str]:
        """Who calls the api, and from which window; Refused without a token."""
        seat = self._seat(request)
        token, _, window = request.headers.get(TOKEN_HEADER, "").partition(".")
        right = secrets.compare_digest(seat.secret.encode(), token.encode())
        if not right or not WINDOW.fullmatch(window):
            raise Refused(
                403, f"The header {TOKEN_HEADER} is missing or wrong: open the page anew."
            )
        return seat, window

    # -------------------------------------------------------------- files of the results

    def _inside(self, name: str) -> Path | None:
        """A file of the results; None where there is none, or it leads out of them."""
        root = self.results.resolve()
        path = (root / name).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None

    async def _file(self, request: Request) -> Response:
        seat = self._seat(request)
        name = request.path_params["path"]
        shown = SHOWN.fullmatch(name)
        path = await run_in_threadpool(self._inside, name) if shown else None
        if not shown or path is None:
            raise Refused(404, "There is no such file.")
        if seat.annotator and SETTLING.fullmatch(name):
            raise Refused(404, NOT_NAMED)
        kind = name.rsplit(".", 1)[1]
        clip = path.stem if path.parent == (self.results / "annotate").resolve() else ""
        if shown["page"] == "html":
            return await run_in_threadpool(self._page, seat, clip, path)
        if shown["page"] == "js" and CLIP.fullmatch(clip):
            return await run_in_threadpool(self._data, seat, clip, path)
        headers = {"Cache-Control": "private, no-cache"} if kind in ("mp4", "jpg") else None
        return FileResponse(path, media_type=TYPES[kind], headers=headers)

    def _page(self, seat: Seat, clip: str, path: Path) -> Response:
        """A page with what tells it that it comes from here, as whom, and as which window."""
        window = secrets.token_urlsafe(WINDOW_BYTES)
        added = _meta("token", f"{seat.secret}.{window}") + _meta("annotator", seat.annotator)
        if CLIP.fullmatch(clip) and _is_clip(path):
            with self._lock:
                self._windows[window] = Opened(seat, clip)
            added += _meta("clip", clip) + '<script src="api/session.js" defer></script>\n'
        text = path.read_text(encoding="utf-8")
        # By a function: a replacement text would have its backslashes read.
        text = re.sub(r"(?i)<head\b[^>]*>", lambda head: f"{head[0]}\n{added}", text, count=1)
        return Response(text, media_type=TYPES["html"])

    def _data(self, seat: Seat, clip: str, path: Path) -> Response:
        """A clip's data, with what is saved by now in place of what was when it was made."""
        text = path.read_text(encoding="utf-8")
        if not _is_clip(path):
            return Response(text, media_type=TYPES["js"])
        try:
            saved = self.saves.read(clip, seat.annotator)
        except Refused:
            # The page opens as the run made it. What stands in the way is told when it saves.
            return Response(text, media_type=TYPES["js"])
        with self._lock:
            for opened in self._windows.values():
                if opened.seat == seat and opened.clip == clip and opened.version is None:
                    opened.version = saved.version if saved else ABSENT
        if saved:
            # Read and written again: what is no JSON cannot become a script.
            text += f"\nwindow.AVAFLOW_CLIP.finished = {json.dumps(json.loads(saved.content))};"
        elif seat.annotator:
            text += "\nwindow.AVAFLOW_CLIP.finished = null;"
        text += f"\nwindow.AVAFLOW_CLIP.annotator = {json.dumps(seat.annotator)};\n"
        return Response(text, media_type=TYPES["js"])

    async def _session(self, request: Request) -> Response:
        self._seat(request)
        text = SESSION.read_text(encoding="utf-8")
        text = text.replace("HEARTBEAT_SECONDS", str(HEARTBEAT_SECONDS))
        return Response(text, media_type=TYPES["js"])

    # -------------------------------------------------------------- annotations

    async def _get(self, request: Request) -> Response:
        seat, window, clip = self._caller(request)
        saved = await run_in_threadpool(self.saves.read, clip, seat.annotator)
        if saved is None:
            raise Refused(404, f"{self.saves.path(clip, seat.annotator)}: nothing is saved yet.")
        self._knows(seat, window, clip, saved.version)
        headers = {"ETag": f'"{saved.version}"'}
        return Response(saved.content, media_type=TYPES["json"], headers=headers)

    async def _put(self, request: Request) -> Response:
        seat, window, clip = self._caller(request)
        holder = self.holds.holder(clip)
        # Another annotator's hold is no reason: that is another file.
        if holder not in (None, window) and holder and holder.annotator == seat.annotator:
            raise _taken(clip, holder, seat)
        content = await _body(request, self.largest)
        with self._lock:
            opened = self._windows.get(window.id)
        ours = opened and (opened.seat, opened.clip) == (seat, clip)
        known = opened.version if opened and ours else None
        built_on = _built_on(request.headers, known)
        save = self.saves.save
        version = await run_in_threadpool(save, clip, seat.annotator, content, built_on)
        self._knows(seat, window, clip, version)
        told = {"saved": str(self.saves.path(clip, seat.annotator)), "version": version}
        return JSONResponse(told, headers={"ETag": f'"{version}"'})

    def _knows(self, seat: Seat, window: Window, clip: str, version: str) -> None:
        """Remember on which version a window builds from now on; nothing of callers without one."""
        if window.id:
            with self._lock:
                self._windows[window.id] = Opened(seat, clip, version)

    # -------------------------------------------------------------- label checks

    async def _keep(self, request: Request) -> Response:
        seat, _ = self._window(request)
        if seat.annotator:
            raise Refused(404, NOT_NAMED)
        content = await _body(request, self.largest)
        try:
            kept = await run_in_threadpool(self.kept.change, content)
        except UserError as error:
            raise Refused(422, str(error)) from None
        except OSError as error:
            raise failed_write(self.kept.path, error) from None
        return JSONResponse({"saved": str(self.kept.path), "kept": len(kept)})

    # -------------------------------------------------------------- who has a clip open

    async def _hold(self, request: Request) -> Response:
        seat, window, clip = self._caller(request)
        what = request.path_params["what"]
        if what == "close":
            self.holds.give_back(clip, window)
            return JSONResponse({"clip": clip})
        if what not in ("open", "heartbeat"):
            raise Refused(404, "Expected open, heartbeat or close.")
        holder = self.holds.take(clip, window)
        if holder:
            raise _taken(clip, holder, seat)
        return JSONResponse({"clip": clip, "seconds": HOLD_SECONDS})


def _meta(name: str, content: str) -> str:
    return f'<meta name="avaflow-{name}" content="{html.escape(content)}">\n'


def _is_clip(path: Path) -> bool:
    """Whether a page or script is that of a clip: its data says so in its first words."""
    data = path.with_suffix(".js")
    if not data.is_file():
        return False
    with open(data, encoding="utf-8", errors="replace") as stream:
        return "AVAFLOW_CLIP" in stream.read(200)


def _built_on(headers: Headers, known: str | None) -> str | None:
    """On which version a save is built: as its headers say, or as far as its window is known."""
    if headers.get("if-none-match", "").strip() == "*":
        return ABSENT
    stated = headers.get("if-match")
    return known if stated is None else stated.strip().strip('"')


def _taken(clip: str, holder: Window, seat: Seat) -> Refused:
    who = holder.annotator or "another window"
    then = "Your own file is saved all the same."
    if holder.annotator == seat.annotator:
        then = (
            "Nothing is saved from here until that window is closed, or has been silent for "
            f"{HOLD_SECONDS} seconds."
        )
    return Refused(409, f"{clip} is open elsewhere: {who} has it. {then}", by=who)


async def _body(request: Request, largest: int) -> bytes:
    """The body of a request; Refused as soon as it is larger than anything that is meant."""
    too_large = Refused(
        413, f"More than {largest / 1e6:g} MB (via.max_project_mb of the config): not saved."
    )
    stated = request.headers.get("content-length", "0")
    if not stated.isascii() or not stated.isdigit() or int(stated) > largest:
        raise too_large
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > largest:
            raise too_large
        parts.append(part)
    return b"".join(parts)


# ------------------------------------------------------------------ refusals


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse(error.facts, status_code=error.status)


async def _no_such(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    wrong = f"{request.method} is not for this address: {error.detail}."
    told = {"error": WHERE if error.status_code == 404 else wrong}
    return JSONResponse(told, status_code=error.status_code, headers=error.headers)


async def _gone(request: Request, error: Exception) -> Response:
    """A window was closed while it sent: nothing was written, and nobody reads this."""
    return JSONResponse({"error": "incomplete"}, status_code=400)


async def _fault(request: Request, error: Exception) -> Response:
    traceback.print_exception(error, file=sys.stderr)
    told = {"error": f"The server failed ({type(error).__name__}): see where it was started."}
    return JSONResponse(told, status_code=500)


class Guard:
    """Around the application: refuses calls under other names, and from pages of other sites.

    A name that an attacker owns can be made to lead to this machine (DNS rebinding); then the
    browser sends that name as the host. Every answer gets :data:`HEADERS`.
    """

    def __init__(self, app: ASGIApp, hosts: set[str]):
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"]] + [
                    (name.lower().encode(), value.encode())
                    for name, value in HEADERS.items()
                    if name.lower().encode() not in own
                ]
            await send(message)

        if scope["type"] != "http":
            return
        refused = self._refused(scope)
        answer: ASGIApp = JSONResponse({"error": refused}, status_code=403) if refused else self.app
        await answer(scope, receive, send_guarded)

    def _refused(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        if headers.getlist("host") not in [[host] for host in self.hosts]:
            return f"This server is called {' or '.join(sorted(self.hosts))}, and by no other name."
        origins = headers.getlist("origin")
        if any(origin not in {f"http://{host}" for host in self.hosts} for origin in origins):
            return "Calls from pages of other sites are not answered."
        return ""


# ------------------------------------------------------------------ running


def port_of(text: str) -> int:
    """A port; UserError for what is none."""
    if text.isascii() and text.isdigit() and int(text) <= LAST_PORT:
        return int(text)
    raise UserError(
        f"--port: expected a number from 1 to {LAST_PORT}, or 0 for any free one; found {text!r}"
    )


def listening(port: int) -> socket.socket:
    """A socket on the loopback address; UserError where the port cannot be had."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":  # where it would let two servers share a port
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((LOOPBACK, port))
        made.listen()
    except OSError as error:
        made.close()
        raise UserError(
            f"--port: {port} cannot be had ({error.strerror}). Is the server running already? "
            "Use its address, or give another port by --port (0 for any free one)."
        ) from None
    return made


def check_pages(results: str | Path) -> None:
    """UserError where there are no pages to show."""
    index = Path(results, "annotate", "index.html")
    if not index.is_file():
        raise UserError(
            f"{index} is missing: there is nothing to annotate yet. Make the pages first: "
            "uv run snakemake --cores all annotate"
        )


def serve(pages: Pages, made: socket.socket, ready: Callable[[list[str]], None]) -> None:
    """Serve until the user stops it; `ready` gets the seats' addresses once calls are answered."""
    port = made.getsockname()[1]
    hosts = {f"{LOOPBACK}:{port}", f"localhost:{port}"}
    config = uvicorn.Config(
        pages.app(hosts),
        lifespan="off",
        http="h11",
        ws="none",
        access_log=False,
        log_level="critical",  # faults are told by the application itself
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,  # a paused video would keep its connection for ever
    )
    ready([f"http://{LOOPBACK}:{port}/{seat.secret}/annotate/index.html" for seat in pages.seats])
    uvicorn.Server(config).run(sockets=[made])
