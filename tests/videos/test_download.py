"""Downloads over a real HTTP server on loopback that can break off, refuse and change."""

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from avaflow.errors import UserError
from avaflow.videos.download import download

CONTENT = bytes(range(256)) * 2000


class Files(BaseHTTPRequestHandler):
    """Serves CONTENT; the server's `script` says how each request in turn ends."""

    def do_GET(self):
        self.server.seen.append(self.headers.get("Range"))
        step = self.server.script.pop(0) if self.server.script else "whole"
        if step.startswith("status "):
            self.send_error(int(step.split()[1]))
            return
        content, etag = self.server.content, self.server.etag
        start = 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if wanted and self.headers.get("If-Range") == etag and step != "no range":
            start = int(wanted[1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        sent = content[start:]
        if step.startswith("break "):
            sent = sent[: int(step.split()[1])]
        self.wfile.write(sent)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    server.script, server.seen, server.content, server.etag = [], [], CONTENT, '"one"'
    server.url = f"http://127.0.0.1:{server.server_address[1]}/film.mp4"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_whole(tmp_path, server):
    download(server.url, tmp_path / "f.mp4", hashlib.sha256(CONTENT).hexdigest())
    assert (tmp_path / "f.mp4").read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == ["f.mp4"]


def test_a_break_is_continued_from_where_it_happened(tmp_path, server):
    server.script = ["break 1000", "break 5000", "whole"]
    download(server.url, tmp_path / "f.mp4")
    assert (tmp_path / "f.mp4").read_bytes() == CONTENT
    assert server.seen == [None, "bytes=1000-", "bytes=6000-"]


def test_a_later_run_continues_what_an_earlier_one_left(tmp_path, server):
    server.script = ["break 1000"] + ["status 503"] * 3
    with pytest.raises(UserError, match="failed 4 times, last with: 503.*1000 bytes are kept"):
        download(server.url, tmp_path / "f.mp4")
    assert not (tmp_path / "f.mp4").exists()
    download(server.url, tmp_path / "f.mp4")
    assert (tmp_path / "f.mp4").read_bytes() == CONTENT
    assert server.seen[-1] == "bytes=1000-"


def test_a_file_that_changed_meanwhile_is_fetched_anew(tmp_path, server):
    server.script = ["break 1000"] + ["status 503"] * 3
    with pytest.raises(UserError):
        download(server.url, tmp_path / "f.mp4")
    server.content, server.etag = CONTENT[::-1], '"two"'
    download(server.url, tmp_path / "f.mp4")
    assert (tmp_path / "f.mp4").read_bytes() == CONTENT[::-1]


def test_a_server_without_ranges(tmp_path, server):
    server.script = ["break 1000", "no range"]
    download(server.url, tmp_path / "f.mp4")
    assert (tmp_path / "f.mp4").read_bytes() == CONTENT


def test_wrong_checksum_keeps_nothing(tmp_path, server):
    with pytest.raises(UserError, match="expected sha256 0000.*Nothing was kept"):
        download(server.url, tmp_path / "f.mp4", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_not_there_is_not_asked_again(tmp_path, server):
    server.script = ["status 404"] * 4
    with pytest.raises(UserError, match="the server answers 404"):
        download(server.url, tmp_path / "f.mp4")
    assert len(server.seen) == 1


def test_no_server(tmp_path):
    with pytest.raises(UserError, match="the download failed"):
        download("http://127.0.0.1:9/film.mp4", tmp_path / "f.mp4")
