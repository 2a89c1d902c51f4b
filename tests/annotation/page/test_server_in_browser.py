"""The page's server under a real Chromium: what the browser allows a page, and what it does not."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from page_servers import Server, annotation, made_project

SAVE = """async ([address, token, text]) => {
  try {
    const answer = await fetch(address, {method: 'PUT', body: text,
      headers: token ? {'X-Avaflow-Token': token} : {}});
    return answer.status;
  } catch { return 'refused by the browser'; }
}"""
TOKEN = "document.querySelector('meta[name=avaflow-token]').content"
BAR = "#avaflow-taken"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(made_project(tmp_path_factory.mktemp("browsed")), "--annotators", "anna,ben")
    yield running
    assert "Traceback" not in running.end()


@pytest.fixture
def pages(browser):
    context = browser.new_context()
    yield context.new_page
    context.close()


@pytest.fixture(scope="module")
def other_site():
    """The address of a page of another origin."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<!doctype html><body>")

        def log_message(self, *arguments):
            pass

    made = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}/"
    made.shutdown()


def test_a_page_saves_without_a_fault(server, pages):
    page, faults = pages(), []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{server.addresses['anna']}/hall.html")
    assert page.evaluate("AVAFLOW_CLIP.annotator") == "anna"
    assert page.evaluate("AVAFLOW_CLIP.finished") is None
    text = annotation("hall", "anna").decode()
    assert page.evaluate(SAVE, ["api/annotations/hall", page.evaluate(TOKEN), text]) == 200
    page.goto(f"{server.addresses['anna']}/index.html")
    page.goto(f"{server.addresses['anna']}/hall.html")
    assert page.evaluate("AVAFLOW_CLIP.finished.saved") == "one"
    assert faults == []


def test_an_open_clip_is_shown_as_taken_until_it_is_closed(server, pages):
    first, second = pages(), pages()
    with first.expect_response("**/open"):
        first.goto(f"{server.addresses['anna']}/yard.html")
    second.goto(f"{server.addresses['ben']}/yard.html")
    second.wait_for_selector(BAR)
    assert "yard is open elsewhere: anna has it" in second.inner_text(BAR)
    assert second.get_attribute(BAR, "role") == "alert"
    # A reload gives the clip back and takes it again, as another window.
    with first.expect_response("**/open") as reopened:
        first.reload()
    assert reopened.value.status == 200 and first.query_selector(BAR) is None
    first.close()
    second.wait_for_timeout(300)
    with second.expect_response("**/open") as freed:
        second.reload()
    assert freed.value.status == 200 and second.query_selector(BAR) is None


def test_another_site_can_neither_save_nor_frame(server, pages, other_site):
    address = server.addresses["anna"]
    own = pages()
    own.goto(f"{address}/corridor.html")
    token = own.evaluate(TOKEN)
    page = pages()
    page.goto(other_site)
    for given in (token, ""):
        call = [f"{address}/api/annotations/corridor", given]
        call.append(annotation("corridor", "anna").decode())
        assert page.evaluate(SAVE, call) == "refused by the browser"
    assert not (server.folder / "annotations" / "corridor.anna.json").exists()
    page.set_content(f"<iframe src='{address}/index.html'></iframe>")
    page.wait_for_timeout(500)
    assert page.frames[1].query_selector("meta[name=avaflow-token]") is None
