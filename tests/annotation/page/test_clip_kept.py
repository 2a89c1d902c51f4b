"""What a clip's page keeps: drafts, files, other windows, the server; what it withstands."""

import functools
import http.server
import json
import threading
from pathlib import Path

import pytest

from page_clips import LAPTOP, PATIENCE_S, clip, many, track, until, write_clip

END_S = pytest.approx(171 / 30, abs=0.001)
"""Where the last frame ends on which somebody was looked at: 171."""


# ------------------------------------------------------------- keeping


def test_every_change_is_kept_and_opened_again(annotator):
    annotator.open()
    annotator.press("Shift+2", "Enter")
    work = annotator.persons()
    annotator.page.goto("about:blank")  # closed at once, without a word
    annotator.open()
    assert annotator.persons() == work
    annotator.wait_for(".notice", "Opened: your draft of ")
    annotator.page.locator(".notice button", has_text="Begin anew instead").click()
    assert annotator.text("#progress") == "0 of 11 s judged"
    annotator.press("Control+z")  # nothing is gone
    assert annotator.persons() == work


def test_what_is_saved_opens_as_it_was_saved(annotator):
    annotator.open()
    annotator.press("Shift+2", "Enter")
    annotator.seek(61)
    annotator.press("3")
    assert "Not saved yet" in annotator.text("#saved")
    path = annotator.save()
    assert path.name == "c-1.json"
    assert annotator.text("#saved") == "Saved: c-1.json"
    file = json.loads(path.read_text())
    assert file["persons"][0]["judged"] == [[0.0, 5.7]]
    annotator.context.clear_cookies()
    annotator.page.evaluate("localStorage.clear()")
    annotator.open(clip(finished=file))
    annotator.wait_for("#saved", "All is saved.")
    assert annotator.page.locator(".notice").count() == 0
    again = json.loads(annotator.save().read_text())
    assert {**again, "saved": ""} == {**file, "saved": ""}
    assert annotator.open(clip(annotator="mia")).save().name == "c-1.mia.json"


def test_an_answered_doubt_is_asked_nowhere_again(annotator):
    doubts = [
        {"kind": "join", "tracks": [1, 3], "frame": 91, "distance": 0.23},
        {"kind": "short", "tracks": [2], "frame": 61},
    ]
    tracks = [track(1, 0.1, 1, 81), track(2, 0.4), track(3, 0.7, 91, 171)]
    given = clip(doubts=doubts, tracks=tracks)
    annotator.open(given)
    annotator.press("q", "n")
    assert "Not saved yet" in annotator.text("#saved")
    file = json.loads(annotator.save().read_text())
    assert file["answered"] == [{"kind": "join", "tracks": [1, 3], "frame": 91}]
    annotator.page.evaluate("localStorage.clear()")  # another browser
    nearer = [doubts[0] | {"distance": 0.2}, doubts[1]]
    annotator.open({**given, "doubts": nearer, "finished": file})
    assert annotator.text("#doubts").startswith("1 doubt ")
    again = json.loads(annotator.save().read_text())
    assert {**again, "saved": "", "seconds_worked": 0} == {**file, "saved": "", "seconds_worked": 0}
    # Track 3 is somebody else now: the same number, and another question.
    annotator.page.evaluate("localStorage.clear()")
    other = [*tracks[:2], track(3, 0.2, 91, 171)]
    annotator.open({**given, "tracks": other, "finished": file})
    assert annotator.text("#doubts").startswith("2 doubts")


def test_a_finished_file_that_is_none_is_told(annotator):
    annotator.open(clip(finished={"format": "avaflow annotation", "version": 9, "clip": "c-1"}))
    annotator.wait_for(".notice", "The finished file is not opened: expected version 1, found 9.")


def test_a_draft_of_other_tracks_is_never_opened_over_them_and_never_lost(annotator):
    annotator.open()
    annotator.press("Shift+2", "Enter")
    annotator.open(clip(tracks=[track(1, 0.5)]))
    assert annotator.spans(1) == []
    annotator.press("Shift+1")
    annotator.wait_for(".notice", "The clip was made anew since your draft of ")
    with annotator.page.expect_download() as download:
        annotator.page.locator(".notice button", has_text="Download it").click()
    file = json.loads(Path(download.value.path()).read_text())
    person = file["persons"][0]
    assert [span["option"] for span in person["spans"]] == ["sit"]
    # By its boxes the workflow finds it again among the new tracks.
    assert person["tracks"][0]["anchors"][0] == [31, 0.1, 0.3, 0.25, 0.8]
    annotator.open()
    assert annotator.spans(1) == [("sit", 0, END_S)]


def test_two_windows_on_a_clip_lose_nothing(annotator):
    annotator.open()
    other = annotator.window(annotator.page.url)
    annotator.wait_for(".notice", "open in another window")
    annotator.press("Shift+2")
    other.bring_to_front()
    other.keyboard.press("p")
    other.keyboard.press("2")
    other.keyboard.press("Shift+1")
    annotator.page.bring_to_front()
    annotator.until("avaflow.app.person(2).spans.length === 1")
    annotator.press("4")
    both = "JSON.stringify(avaflow.app.doc.persons.map((p) => p.spans.map((s) => s.option)))"
    assert json.loads(annotator.page.evaluate(both)) == [["sit", "talk"], ["stand"], []]
    until(other, f"{both} === {json.dumps(annotator.page.evaluate(both))}")


def test_windows_that_change_at_the_same_moment_lose_nothing(annotator):
    """Each writes before it has heard of the other: over the other's draft."""
    annotator.open()
    windows = annotator.page, annotator.window(annotator.page.url)
    for window in windows:
        window.evaluate(
            """() => {
              const {app} = avaflow;
              app.heard = [app.store.fresh.bind(app.store), app.otherWindow.bind(app)];
              app.store.fresh = () => null;
              app.otherWindow = () => {};
            }"""
        )
    ignore = "(id) => avaflow.app.edit((d) => avaflow.model.setKind(d, id, 'ignored'))"
    for window, person in ((windows[0], 1), (windows[1], 2), (windows[0], 3)):
        window.evaluate(ignore, person)
    kinds = "avaflow.app.doc.persons.map((p) => p.kind).join()"
    assert windows[0].evaluate(kinds) == "ignored,person,ignored"
    for window in windows:  # now each hears of the other
        window.wait_for_timeout(100)
        window.evaluate(
            """() => {
              const {app} = avaflow;
              [app.store.fresh, app.otherWindow] = app.heard;
              app.store.stamp = '';
              app.otherWindow();
            }"""
        )
    for window in windows:
        until(window, f"{kinds} === 'ignored,ignored,ignored'")
    annotator.open()
    assert annotator.page.evaluate(kinds) == "ignored,ignored,ignored"


def test_a_browser_that_keeps_nothing_says_so_and_saves(annotator):
    annotator.context.add_init_script(
        "Object.defineProperty(window, 'localStorage',"
        " {get: function () { throw new Error('denied'); }});"
    )
    annotator.open()
    annotator.press("Shift+2")
    annotator.wait_for("#saved", "This browser keeps no draft: save often.")
    assert json.loads(annotator.save().read_text())["persons"][0]["spans"]


def test_time_counts_while_somebody_works(annotator):
    annotator.open()
    worked = annotator.page.evaluate(
        """() => {
          const {store} = avaflow.app;
          store.worked = 0;
          store.lastInput = 0;
          for (const s of [0, 10, 30, 500, 505]) store.input(1e12 + 1000 * s);
          return store.worked;
        }"""
    )
    assert worked == 35  # from 30 to 500 nobody was there


# ------------------------------------------------------------- served


class Server(http.server.SimpleHTTPRequestHandler):
    """The workflow's server, as far as a page sees it."""

    def do_GET(self):
        if "/api/" not in self.path:
            super().do_GET()
            return
        self.send_response(200 if self.server.file else 404)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.file).encode())

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["X-Avaflow-Token"], json.loads(body)))
        self.server.busy.wait(PATIENCE_S)
        status, text = self.server.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def server(results):
    handler = functools.partial(Server, directory=str(results))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as started:
        started.got, started.answer, started.file = [], (204, ""), None
        started.busy = threading.Event()
        started.busy.set()
        threading.Thread(target=started.serve_forever, daemon=True).start()
        path = write_clip(results, clip("served"))
        head = '<meta name="avaflow-token" content="t0ken">'
        path.write_text(path.read_text().replace("</title>", f"</title>{head}"))
        started.address = f"http://127.0.0.1:{started.server_port}/annotate/served.html"
        yield started
        started.shutdown()


def test_over_http_every_change_is_saved_at_once(annotator, server):
    annotator.page = annotator.window(server.address)
    annotator.press("Shift+2")
    annotator.wait_for("#saved", "Saved: ")
    path, token, file = server.got[-1]
    assert (path, token) == ("/annotate/api/annotations/served", "t0ken")
    assert [s["option"] for s in file["persons"][0]["spans"]] == ["sit"]
    annotator.press("Enter")
    annotator.until("document.querySelector('#saved').className === 'saved'")
    assert server.got[-1][2]["persons"][0]["judged"]


@pytest.mark.parametrize("under_way", [False, True], ids=["waiting", "under way"])
def test_what_is_undone_before_it_was_saved_is_not_in_the_file(annotator, server, under_way):
    annotator.page = annotator.window(server.address)
    annotator.press("Shift+2")
    annotator.wait_for("#saved", "Saved: ")
    saved = len(server.got)
    if under_way:
        server.busy.clear()
    annotator.press("Shift+4")
    if under_way:
        until(annotator.page, "avaflow.app.store.sending")
    annotator.press("Control+z")  # back to what was saved, while the other is on its way
    server.busy.set()
    annotator.page.wait_for_timeout(900)
    assert len(server.got) == saved + 2 * under_way
    assert [s["option"] for s in server.got[-1][2]["persons"][0]["spans"]] == ["sit"]
    annotator.page.reload()
    annotator.until("Boolean(window.avaflow && avaflow.app && avaflow.app.boxes.area)")
    assert annotator.spans(1) == [("sit", 0, END_S)]


def test_a_clip_that_somebody_else_has_is_told(annotator, server):
    annotator.page = annotator.window(server.address)
    server.answer = (409, json.dumps({"message": "mia has it since 20:10"}))
    annotator.press("Shift+2")
    annotator.wait_for("#saved", "Taken by somebody else: mia has it since 20:10")
    sent = len(server.got)
    annotator.press("Enter")  # kept here, not sent again and again
    annotator.page.wait_for_timeout(600)
    assert len(server.got) == sent
    server.answer = (204, "")
    annotator.press("Control+s")
    annotator.wait_for("#saved", "Saved: ")
    assert server.got[-1][2]["persons"][0]["judged"]


def test_a_window_knows_what_another_one_saved(annotator, server):
    annotator.page = annotator.window(server.address)
    other = annotator.window(server.address)
    # As after the server said that the clip is the first window's.
    other.evaluate("avaflow.app.store.taken = true")
    other.keyboard.press("Shift+4")
    other.locator("#saved", has_text="Not saved yet").wait_for()
    annotator.page.bring_to_front()
    annotator.until("avaflow.app.person(1).spans.length === 1")
    annotator.press("Shift+2")
    annotator.wait_for("#saved", "Saved: ")
    other.locator("#saved", has_text="All is saved.").wait_for()
    saved = server.got[-1][2]["persons"][0]["spans"]
    assert [one["option"] for one in saved] == ["sit", "talk"]


def test_a_file_that_somebody_else_changed_is_not_written_over(annotator, server):
    annotator.page = annotator.window(server.address)
    server.answer = (412, json.dumps({"error": "served.json was changed by somebody else."}))
    annotator.press("Shift+2")
    annotator.wait_for(".notice", "served.json was changed by somebody else.")
    with annotator.page.expect_download() as download:
        annotator.page.locator(".notice button", has_text="Download my work").click()
    mine = json.loads(Path(download.value.path()).read_text())
    assert mine["persons"][0]["spans"]
    server.file = {**mine, "saved": "2026-11-21T20:00:00Z"}
    server.file["persons"][0]["spans"][0]["option"] = "walk"
    annotator.page.locator(".notice button", has_text="Open what was saved").click()
    annotator.until("avaflow.app.person(1).spans[0].option === 'walk'")
    annotator.press("Control+z")
    assert annotator.spans(1) == [("sit", 0, END_S)]


def test_what_the_server_has_by_now_is_opened(annotator, server):
    annotator.page = annotator.window(server.address)
    annotator.press("Shift+2")
    annotator.wait_for("#saved", "Saved: ")
    server.file = {**server.got[-1][2], "saved": "2026-11-21T20:00:00Z"}
    annotator.page.evaluate("localStorage.clear()")
    annotator.page.close()
    annotator.page = annotator.window(server.address)
    annotator.until("avaflow.app.person(1).spans.length === 1")
    annotator.wait_for("#saved", "All is saved.")


# ------------------------------------------------------------- hostile and large


LONG = "<img src=x onerror=alert(1)> \"'& " + "שלום " * 40
RTL = "‮مرحبا"


def test_texts_are_shown_and_not_run(annotator):
    attributes = [
        {
            "name": LONG,
            "choose": "single",
            "options": [LONG, RTL, "</script>"],
            "keys": list("123"),
        },
        {"name": "b", "choose": "multiple", "options": ["<b>x</b>"], "keys": ["4"]},
    ]
    annotator.open(clip(attributes=attributes))
    annotator.press("Shift+1", "4", "?")
    assert LONG in annotator.page.locator("#panel .name").first.text_content()
    assert annotator.page.locator("dialog p span", has_text="<b>x</b>").count() == 1
    assert annotator.page.locator("img:not(#still)").count() == 0
    assert annotator.dialogs == []
    assert annotator.spans(1)[0][0] == LONG
    width = annotator.page.evaluate("document.documentElement.scrollWidth")
    assert width <= LAPTOP["width"]


EMPTY = [
    clip(tracks=[]),
    clip(tracks=[], keyframes=[]),
    clip(attributes=[]),
    clip(tracks=[{"id": 1, "frames": [], "boxes": []}, track(2, 0.9, 180, 180)]),
    clip(finished={"format": "avaflow annotation", "version": 1, "clip": "c-1", "persons": []}),
]


@pytest.mark.parametrize("given", EMPTY, ids=["nobody", "no keyframes", "no actions", "one", "new"])
def test_no_command_fails_where_there_is_little(annotator, given):
    annotator.open(given)
    names = annotator.page.evaluate(
        "[...avaflow.app.keys.commands.keys()].filter((name) => name !== 'save')"
    )
    assert len(names) > 30
    for name in names:
        annotator.page.evaluate("(name) => avaflow.app.keys.run(name)", name)
        annotator.press("Enter" if name == "draw" else "Escape", "1", "Escape")
        if annotator.page.locator("dialog[open]").count():
            annotator.press("Escape")
    assert annotator.errors == []
    assert json.loads(annotator.save().read_text())["clip"] == "c-1"


@pytest.mark.parametrize(("persons", "seconds"), [(50, 900), (200, 60)])
def test_a_large_clip_opens_and_is_worked_on(annotator, persons, seconds):
    """How quickly, `benchmarks/page.py` measures."""
    annotator.open(many(persons, seconds))
    assert annotator.page.locator("#timeline .rows button").count() == persons
    annotator.press("Shift+4", "Enter")
    saved = json.loads(annotator.save().read_text())["persons"]
    assert len(saved) == persons
    (judged,) = (person for person in saved if person["judged"])
    assert [span["option"] for span in judged["spans"]] == ["talk"]


def test_a_finished_file_that_was_not_opened_is_told(annotator):
    annotator.open(clip(trouble="annotations/c-1.json: <b>not JSON</b>"))
    annotator.wait_for(".notice", "was not opened: annotations/c-1.json: <b>not JSON</b>")
