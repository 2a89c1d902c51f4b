"""Downloads over a real HTTP server on loopback that can break off, refuse and change."""

import gzip
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
        self.server.authorised.append(self.headers.get("Authorization"))
        step = self.server.script.pop(0) if self.server.script else "whole"
        if step.startswith("status "):
            self.send_error(int(step.split()[1]))
            return
        if step.startswith("to "):
            self.send_response(302)
            self.send_header("Location", step.split()[1])
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(b"a body that unpacks to nothing")
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
        headers = {"Content-Length": str(len(content) - start)} | self.server.headers
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        sent = content[start:]
        if step.startswith("break "):
            sent = sent[: int(step.split()[1])]
        self.wfile.write(sent)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    yield from serving()


def serving():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    server.script, server.seen, server.content, server.etag = [], [], CONTENT, '"one"'
    server.headers, server.authorised = {}, []
    server.url = f"http://127.0.0.1:{server.server_address[1]}/film.mp4"
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
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


@pytest.fixture
def second_server():
    yield from serving()


def test_a_redirect_within_the_server_is_followed(tmp_path, server):
    server.script = ["to /other.mp4", "break 1000", "to /other.mp4", "whole"]
    download(server.url, tmp_path / "f.mp4", hashlib.sha256(CONTENT).hexdigest())
    assert server.seen == [None, None, "bytes=1000-", "bytes=1000-"]


def test_a_redirect_to_another_port_of_this_machine_is_refused(tmp_path, server, second_server):
    server.script = [f"to {second_server.url}?token=sesame"]
    with pytest.raises(UserError, match="private network") as refused:
        download(server.url, tmp_path / "f.mp4")
    assert second_server.seen == []
    assert len(server.seen) == 1
    assert second_server.url in str(refused.value)
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://films.org/a.mp4", "http://[::1"])
def test_a_redirect_to_something_else_is_refused(tmp_path, server, target):
    server.script = [f"to {target}"]
    with pytest.raises(UserError, match="is not followed"):
        download(server.url, tmp_path / "f.mp4")
    assert not (tmp_path / "f.mp4").exists()


def test_redirects_without_end(tmp_path, server):
    server.script = ["to /film.mp4"] * 50
    with pytest.raises(UserError, match="more than 10 times"):
        download(server.url, tmp_path / "f.mp4")
    assert len(server.seen) == 11


def test_a_packed_body_is_not_unpacked(tmp_path, server):
    server.content = gzip.compress(bytes(50_000_000))
    server.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(UserError, match="sends it packed .'gzip'."):
        download(server.url, tmp_path / "f.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("told", ["ten", "-5", "1e3", "9" * 5000, "٣"])
def test_a_length_that_is_none(tmp_path, server, told):
    server.headers = {"Content-Length": told.encode().decode("latin1")}
    with pytest.raises(UserError, match="expected a number of bytes"):
        download(server.url, tmp_path / "f.mp4")
    assert len(server.seen) == 1


@pytest.mark.parametrize("script", [["status 404"], ["status 503"] * 4, ["break 10"] * 9])
def test_secrets_are_in_no_message_and_no_log(tmp_path, server, script, caplog):
    caplog.set_level("DEBUG", "avaflow")
    server.script = script
    secret = server.url.replace("http://", "http://me:password@") + "?token=sesame"
    with pytest.raises(UserError) as failed:
        download(secret, tmp_path / "f.mp4", "0" * 64)
    for text in (str(failed.value), caplog.text):
        assert "password" not in text and "sesame" not in text
    assert server.url in str(failed.value)
    assert server.authorised == ["Basic bWU6cGFzc3dvcmQ="] * len(server.seen)


def test_secrets_are_in_no_message_where_nothing_listens(tmp_path, caplog):
    caplog.set_level("DEBUG", "avaflow")
    with pytest.raises(UserError) as failed:
        download("http://me:password@127.0.0.1:9/film.mp4?token=sesame", tmp_path / "f.mp4")
    for text in (str(failed.value), caplog.text):
        assert "password" not in text and "sesame" not in text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://films.org:99999/a.mp4", "the port in 'films.org:99999'"),
        ("http://me:word@films.org:ten/a.mp4", "the port in 'films.org:ten'"),
        ("http://films.org:0/a.mp4", "not a number from 1 to 65535"),
        ("http:///a.mp4", "names no host"),
        ("http://[::1/a.mp4", "no address"),
        ("http://films.org/a\0b.mp4", "holds a control character"),
        (f"http://{'a' * 64}.org/a.mp4", "longer than 63"),
    ],
)
def test_what_is_no_address_is_not_tried(tmp_path, url, said):
    with pytest.raises(UserError, match=said) as refused:
        download(url, tmp_path / "f.mp4")
    assert "word" not in str(refused.value)
    assert not list(tmp_path.iterdir())
