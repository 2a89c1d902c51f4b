"""The page's server as a user starts it, under honest and under hostile calls."""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from avaflow.annotation.page import saves
from avaflow.annotation.page.annotators import annotators_of
from avaflow.annotation.page.holds import HOLD_SECONDS, Holds, Window
from avaflow.annotation.page.saves import ABSENT, Refused, Saves
from avaflow.errors import UserError
from avaflow.files import write_bytes
from page_servers import DATA, SCRIPT, VIDEO, WAIT, Annotator, Server, annotation, made_project
from workflow_runs import ROOT


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    server = Server(made_project(tmp_path_factory.mktemp("served")))
    yield server
    said = server.end()
    assert said == "\nStopped. What was saved stays.\n"
    assert server.process.returncode == 0


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    folder = made_project(tmp_path_factory.mktemp("several"))
    server = Server(folder, "--annotators", "anna,ben")
    yield server
    assert "Traceback" not in server.end()


@pytest.fixture
def one(running):
    shutil.rmtree(running.folder / "annotations", ignore_errors=True)
    return running.annotator()


# ------------------------------------------------------------------ what is shown


def test_pages_learn_that_they_come_from_the_server(one):
    page = one.call("GET", "index.html")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert f'<HEAD lang=\'en\'>\n<meta name="avaflow-token" content="{one.secret}.' in page.text
    assert '<meta name="avaflow-annotator" content="">' in page.text
    assert "session.js" not in page.text
    clip = one.call("GET", "corridor.html").text
    assert '<script src="api/session.js" defer></script>' in clip
    assert "20 * 1000" in one.call("GET", "api/session.js").text
    tokens = [re.search(r'token" content="([^"]+)', text)[1] for text in (page.text, clip)]
    assert tokens[0] != tokens[1], "windows cannot be told apart"


def test_each_kind_of_file_has_its_type_and_its_bytes(one):
    for path, kind, content in (
        ("assets/page.css", "text/css; charset=utf-8", b"body {}"),
        ("index.js", "text/javascript; charset=utf-8", b"window.AVAFLOW_INDEX = {};"),
        ("../keyframes/corridor/corridor_000061.jpg", "image/jpeg", b"image"),
        (
            "../suggestions/corridor.js",
            "text/javascript; charset=utf-8",
            b"window.AVAFLOW_SUGGESTIONS = {};",
        ),
        ("../clips/corridor.mp4", "video/mp4", VIDEO),
    ):
        found = one.call("GET", path)
        assert (found.status_code, found.headers["content-type"], found.content) == (
            (200, kind, content)
        )
        for name, value in (
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ):
            assert found.headers[name] == value
        assert "frame-ancestors 'none'" in found.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [("0-99", 206, 0, 99), ("10000-", 206, 10000, 10239), ("-40", 206, 10200, 10239),
     ("20000-", 416, 0, -1)],
)  # fmt: skip
def test_videos_come_by_ranges(one, asked, status, first, last):
    part = one.call("GET", "../clips/corridor.mp4", headers={"Range": f"bytes={asked}"})
    assert part.status_code == status
    if status == 206:
        assert part.headers["content-range"] == f"bytes {first}-{last}/{len(VIDEO)}"
        assert part.content == VIDEO[first : last + 1]


@pytest.mark.parametrize(
    "path",
    [
        "annotate/../labels/corridor.csv",
        "annotate/%2e%2e/labels/corridor.csv",
        "annotate/..%2flabels%2fcorridor.csv",
        "annotate/..%5clabels%5ccorridor.csv",
        "clips/../../outside.mp4",
        "clips/..%2f..%2foutside.mp4",
        "clips/%2e%2e%2f%2e%2e%2foutside.mp4",
        "clips//etc/passwd",
        "/etc/passwd",
        "labels/corridor.csv",
        "clips/corridor.json",
        "clips/corridor.mp4%00.jpg",
        "annotate/.hidden.js",
        "annotate",
        "annotate/",
        "annotate/index.html/",
        "",
    ],
)
def test_nothing_else_is_shown(one, path):
    status, content = one.raw("GET", f"/{one.secret}/{path}", Host=one.host)
    assert status == 404 and b"private" not in content and b"root:" not in content
    assert json.loads(content)["error"]


def test_an_address_that_is_almost_right_is_wrong(one):
    for path in (f"/{one.secret}", "/x"):
        assert one.raw("GET", path, Host=one.host)[0] == 404, "redirected"


def test_links_that_lead_out_are_not_followed(one, running):
    clips = running.folder / "results" / "clips"
    (clips / "leak.mp4").symlink_to(running.folder / "outside.mp4")
    (clips / "again.mp4").symlink_to("corridor.mp4")
    (running.folder / "results" / "keyframes" / "leak").symlink_to(ROOT / "docs")
    (ROOT / "docs" / "annotation_page.png").stat()
    assert one.call("GET", "../clips/leak.mp4").status_code == 404
    assert one.call("GET", "../keyframes/leak/annotation_page.png").status_code == 404
    assert one.call("GET", "../clips/again.mp4").content == VIDEO


# ------------------------------------------------------------------ who may call


def test_without_the_secret_of_the_address_nothing_is_shown(one):
    for secret in ("", "x", one.secret[:-1], one.secret + "x", "%ff", "é".encode().hex()):
        for path in ("annotate/index.html", "clips/corridor.mp4", "annotate/api/session.js"):
            status, content = one.raw("GET", f"/{secret}/{path}", Host=one.host)
            assert status == 404 and b"printed when it was started" in content


def test_an_api_call_needs_the_token_in_its_header(one, running):
    path = f"/{one.secret}/annotate/api/annotations/corridor"
    for token in ("", "x", one.secret[:-1], f"x.{one.secret}", f"{one.secret}.a b", "é"):
        found = one.call("PUT", "api/annotations/corridor", data=annotation(),
                         headers={"X-Avaflow-Token": token.encode()})  # fmt: skip
        assert (found.status_code, "X-Avaflow-Token" in found.text) == (403, True)
    assert one.raw("GET", path, Host=one.host)[0] == 403
    found = one.call("POST", "api/clips/corridor/open", headers={"X-Avaflow-Token": ""})
    assert found.status_code == 403
    assert not (running.folder / "annotations").exists()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "", None,
                                  "localhost:1", "127.0.0.1:{port}.evil.example", "[::1]:{port}",
                                  "127.0.0.1:{port}@evil.example"])  # fmt: skip
def test_calls_under_another_name_are_refused(one, host):
    """A name of the attacker's that leads here is what DNS rebinding sends."""
    given = {} if host is None else {"Host": host.format(port=one.host.split(":")[1])}
    status, content = one.raw("GET", f"/{one.secret}/annotate/index.html", **given)
    assert status in (400, 403) and one.secret.encode() not in content


def test_this_machine_has_two_names(one):
    port = one.host.split(":")[1]
    path = f"/{one.secret}/annotate/index.html"
    assert one.raw("GET", path, Host=f"localhost:{port}")[0] == 200
    assert one.raw("GET", path, Host=f"127.0.0.1:{port}")[0] == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://{host}", "http://{host}0"]
)
def test_pages_of_other_sites_are_refused(one, running, origin):
    found = one.save("corridor", annotation(), Origin=origin.format(host=one.host))
    assert found.status_code == 403 and "other sites" in found.json()["error"]
    assert not (running.folder / "annotations").exists()
    # Nor does it answer what browsers ask before such a call.
    asked = one.call("OPTIONS", "api/annotations/corridor", headers={"Origin": origin})
    assert asked.status_code == 403 and "access-control-allow-origin" not in asked.headers
    assert one.save("corridor", annotation(), Origin=f"http://{one.host}").status_code == 200


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "POST", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused(one, method):
    assert one.call(method, "api/annotations/corridor").status_code == 405
    assert one.call(method, "index.html").status_code == 405


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the loopback is one address")
def test_it_listens_on_one_address_alone(one):
    """Linux takes all of 127.0.0.0/8 for itself: what listens everywhere answers there too."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", int(one.host.split(":")[1])), timeout=2)


# ------------------------------------------------------------------ saving


def test_what_is_saved_is_the_file_byte_by_byte(one, running):
    content = annotation()
    assert one.call("GET", "api/annotations/corridor").status_code == 404
    answer = one.save("corridor", content)
    assert answer.status_code == 200
    path = running.folder / "annotations" / "corridor.json"
    assert path.read_bytes() == content
    version = hashlib.sha256(content).hexdigest()[:32]
    assert answer.headers["etag"] == f'"{version}"'
    assert answer.json() == {"saved": "annotations/corridor.json", "version": version}
    found = one.call("GET", "api/annotations/corridor")
    assert (found.content, found.headers["etag"]) == (content, f'"{version}"')
    assert list(path.parent.iterdir()) == [path]


def test_a_save_over_another_version_is_refused(one, running):
    first = one.save("corridor", annotation(), If_None_Match="*").headers["etag"]
    path = running.folder / "annotations" / "corridor.json"
    assert one.save("corridor", annotation(saved="b"), If_None_Match="*").status_code == 412
    assert one.save("corridor", annotation(saved="b")).status_code == 428
    assert path.read_bytes() == annotation()
    assert one.save("corridor", annotation(saved="b"), If_Match=first).status_code == 200
    refused = one.save("corridor", annotation(saved="c"), If_Match=first)
    assert refused.status_code == 412 and "changed by somebody else" in refused.json()["error"]
    assert path.read_bytes() == annotation(saved="b")
    path.unlink()
    assert one.save("corridor", annotation(saved="c"), If_Match=first).status_code == 412
    assert not path.exists()


def opened_window(one: Annotator, clip: str) -> tuple[Annotator, str]:
    """A window on a clip's page, as a browser opens it; and the data that it got."""
    page = one.call("GET", f"{clip}.html").text
    data = one.call("GET", f"{clip}.js").text
    made = Annotator(one.address)
    made.headers = {"X-Avaflow-Token": re.search(r'token" content="([^"]+)', page)[1]}
    return made, data


def test_a_page_begins_with_what_is_saved_by_now(one, running):
    window, data = opened_window(one, "corridor")
    assert data == DATA + '\nwindow.AVAFLOW_CLIP.annotator = "";\n'
    assert window.save("corridor", annotation()).status_code == 200
    _, data = opened_window(one, "corridor")
    found = re.search(r"(?m)^window.AVAFLOW_CLIP.finished = (.+);$", data)[1]
    assert json.loads(found) == json.loads(annotation())


def test_windows_build_on_what_they_were_given(one, running):
    """A page sends no versions: the server knows what each window began with."""
    first, _ = opened_window(one, "corridor")
    second, _ = opened_window(one, "corridor")
    assert first.save("corridor", annotation(saved="1")).status_code == 200
    assert first.save("corridor", annotation(saved="2")).status_code == 200
    third, _ = opened_window(one, "corridor")
    assert second.save("corridor", annotation(saved="lost")).status_code == 412
    path = running.folder / "annotations" / "corridor.json"
    assert path.read_bytes() == annotation(saved="2")
    assert third.save("corridor", annotation(saved="3")).status_code == 200
    path.write_bytes(annotation(saved="by hand"))
    assert third.save("corridor", annotation(saved="4")).status_code == 412
    assert third.call("GET", "api/annotations/corridor").status_code == 200
    assert third.save("corridor", annotation(saved="4")).status_code == 200


def test_of_many_saves_at_once_one_wins(one, running):
    version = one.save("corridor", annotation()).headers["etag"]
    contents = [annotation(saved=f"{number}" * 50_000) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda c: one.save("corridor", c, If_Match=version), contents))
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [200] + [412] * 7
    saved = (running.folder / "annotations" / "corridor.json").read_bytes()
    assert saved == contents[statuses.index(200)]


def test_between_the_look_at_a_version_and_the_write_nobody_comes(tmp_path, monkeypatch):
    held = Saves(tmp_path, largest_bytes=10_000)
    version = held.save("corridor", "", annotation(), ABSENT)

    def slow(path, content):
        time.sleep(0.05)
        write_bytes(path, content)

    monkeypatch.setattr(saves, "write_bytes", slow)
    contents = [annotation(saved=f"{number}") for number in range(4)]

    def attempt(content: bytes) -> int:
        try:
            held.save("corridor", "", content, version)
        except Refused as error:
            return error.status
        return 200

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, contents)) == [200, 412, 412, 412]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "JSON object"),
        (b"[]", "JSON object"),
        (b'{"format": "avaflow annotation", "clip": NaN}', "JSON object"),
        (b"\xff\xfe", "JSON object"),
        (b"[" * 100_000, "JSON object"),
        (b'{"project": {}, "metadata": {}}', "JSON object"),
        (annotation("yard"), "'corridor', found 'yard'"),
        (annotation(annotator="anna"), "found 'anna'"),
        (annotation().replace(b"[]", b"7"), "persons"),
    ],
)
def test_what_is_no_annotation_of_the_clip_is_refused(one, running, content, told):
    answer = one.save("corridor", content)
    assert answer.status_code == 422 and told in answer.json()["error"]
    assert not (running.folder / "annotations").exists()


@pytest.mark.parametrize("clip", ["nobody", "index", "..%2fcorridor", "%2e%2e", "a" * 300,
                                  "corridor.json", "corridor%00", "agreement"])  # fmt: skip
def test_clips_without_a_page_are_refused(one, running, clip):
    path = f"/{one.secret}/annotate/api/annotations/{clip}"
    status, _ = one.raw("PUT", path, Host=one.host, **one.headers)
    assert status in (404, 405)
    assert not (running.folder / "annotations").exists()


def test_huge_bodies_are_refused_before_they_are_read(one, running):
    path = f"/{one.secret}/annotate/api/annotations/corridor"
    length = {"Content-Length": str(10**12)}
    status, content = one.raw("PUT", path, Host=one.host, **one.headers, **length)
    assert status == 413 and b"50 MB" in content

    def endless():
        for _ in range(51):
            yield bytes(1_000_000)

    try:
        answer = one.call("PUT", "api/annotations/corridor", data=endless())
        assert answer.status_code == 413
    except requests.ConnectionError:
        pass  # the server hung up while the rest was still being sent
    assert not (running.folder / "annotations").exists()


def test_a_window_that_is_closed_while_it_sends_changes_nothing(one, running):
    version = one.save("corridor", annotation()).headers["etag"]
    host, port = one.host.split(":")
    with socket.create_connection((host, int(port))) as raw:
        head = f"PUT /{one.secret}/annotate/api/annotations/corridor HTTP/1.1\r\nHost: {one.host}"
        head += f"\r\nX-Avaflow-Token: {one.secret}\r\nIf-Match: {version}\r\n"
        raw.sendall(f"{head}Content-Length: 5000\r\n\r\n".encode() + annotation(saved="half"))
    assert one.call("GET", "api/annotations/corridor").content == annotation()


def test_another_programs_file_is_left_as_it_is(one, running):
    path = running.folder / "annotations" / "corridor.json"
    path.parent.mkdir()
    path.write_text('{"project": {}, "metadata": {}}')
    window, data = opened_window(one, "corridor")
    assert data == DATA
    for answer in (
        window.save("corridor", annotation()),
        window.call("GET", "api/annotations/corridor"),
    ):
        assert answer.status_code == 422 and "VIA project" in answer.json()["error"]
    assert path.read_text() == '{"project": {}, "metadata": {}}'


def test_an_annotation_that_is_a_link_out_is_neither_read_nor_written(one, running):
    outside = running.folder / "outside.json"
    outside.write_bytes(annotation())
    folder = running.folder / "annotations"
    folder.mkdir()
    (folder / "corridor.json").symlink_to(outside)
    assert one.call("GET", "api/annotations/corridor").status_code == 403
    assert one.save("corridor", annotation(saved="two"), If_None_Match="*").status_code == 403
    assert outside.read_bytes() == annotation() and (folder / "corridor.json").is_symlink()


# ------------------------------------------------------------------ disks


@pytest.fixture
def small_disk(one, running):
    """The annotations on a disk of 64 kB; a function that mounts it otherwise."""
    folder = running.folder / "annotations"
    folder.mkdir()

    def mount(options: str) -> subprocess.CompletedProcess:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    tried = mount("size=64k")
    if tried.returncode:
        pytest.skip(f"no small disk can be mounted here: {tried.stderr.strip()}")
    yield lambda options: mount(options).check_returncode()
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_told_and_loses_nothing(one, running, small_disk):
    folder = running.folder / "annotations"
    version = one.save("corridor", annotation()).headers["etag"]
    answer = one.save("corridor", annotation(saved="x" * 200_000), If_Match=version)
    assert answer.status_code == 507 and "the disk is full" in answer.json()["error"]
    assert [path.name for path in folder.iterdir()] == ["corridor.json"]
    assert (folder / "corridor.json").read_bytes() == annotation()
    assert one.save("corridor", annotation(saved="y"), If_Match=version).status_code == 200


def test_a_read_only_disk_is_told_and_loses_nothing(one, running, small_disk):
    version = one.save("corridor", annotation()).headers["etag"]
    small_disk("remount,ro")
    answer = one.save("corridor", annotation(saved="y"), If_Match=version)
    assert answer.status_code == 500 and "(Read-only file system)" in answer.json()["error"]
    assert one.call("GET", "api/annotations/corridor").content == annotation()


def test_a_folder_that_cannot_be_written_is_told(one, running):
    """Root writes everywhere, but not below a file."""
    (running.folder / "annotations").write_text("")
    answer = one.save("corridor", annotation())
    (running.folder / "annotations").unlink()
    assert answer.status_code == 500
    assert "annotations/corridor.json cannot be written" in answer.json()["error"]


# ------------------------------------------------------------------ several people


def test_each_annotator_has_an_address_and_files_of_their_own(several):
    anna, ben = several.annotator("anna"), several.annotator("ben")
    assert anna.secret != ben.secret
    assert '<meta name="avaflow-annotator" content="anna">' in anna.call("GET", "yard.html").text
    # Of others' work, finished or not, nobody sees anything.
    assert "AVAFLOW_CLIP.finished = null" in anna.call("GET", "yard.js").text
    assert anna.call("GET", "agreement.html").status_code == 404
    assert anna.save("yard", annotation("yard", "anna")).status_code == 200
    assert ben.save("yard", annotation("yard", "anna")).status_code == 422
    assert ben.save("yard", annotation("yard", "ben")).status_code == 200
    folder = several.folder / "annotations"
    assert sorted(path.name for path in folder.iterdir()) == ["yard.anna.json", "yard.ben.json"]
    ben.headers = anna.headers
    assert ben.save("yard", annotation("yard", "ben")).status_code == 403


def test_an_open_clip_is_taken(several):
    anna, ben = several.annotator("anna"), several.annotator("ben")
    assert anna.hold("corridor", "open").status_code == 200
    assert anna.hold("corridor", "heartbeat").status_code == 200
    refused = ben.hold("corridor", "open")
    assert refused.status_code == 409 and refused.json()["by"] == "anna"
    assert "corridor is open elsewhere: anna has it" in refused.json()["error"]
    assert ben.hold("corridor", "heartbeat").status_code == 409
    assert ben.hold("corridor", "close").status_code == 200
    assert ben.hold("corridor", "open").status_code == 409, "closed what another has open"
    assert ben.hold("hall", "open").status_code == 200
    assert anna.hold("corridor", "close").status_code == 200
    assert ben.hold("corridor", "open").status_code == 200
    assert ben.hold("corridor", "steal").status_code == 404
    ben.hold("corridor", "close")


def test_of_two_windows_on_one_file_the_first_saves(one):
    first, second = Annotator(one.address, "w1"), Annotator(one.address, "w2")
    assert first.hold("yard", "open").status_code == 200
    refused = second.save("yard", annotation("yard"), If_None_Match="*")
    assert refused.status_code == 409 and refused.json()["by"] == "another window"
    assert first.save("yard", annotation("yard"), If_None_Match="*").status_code == 200
    first.hold("yard", "close")


def test_a_hold_ends_a_minute_after_its_last_word():
    now = [0.0]
    holds = Holds(lambda: now[0])
    anna, ben = Window("anna", "1"), Window("ben", "2")
    assert holds.take("corridor", anna) is None
    now[0] = 59.0
    assert holds.take("corridor", ben) == anna == holds.holder("corridor")
    assert holds.take("corridor", anna) is None
    now[0] = 59.0 + HOLD_SECONDS - 1
    assert holds.take("corridor", ben) == anna
    now[0] += 1
    assert holds.holder("corridor") is None
    assert holds.take("corridor", ben) is None
    assert holds.take("corridor", anna) == ben
    assert HOLD_SECONDS == 60


def test_of_many_who_open_at_once_one_has_it():
    holds = Holds()
    start = threading.Barrier(16)

    def take(number: int) -> bool:
        start.wait()
        return holds.take("corridor", Window(f"{number}", "")) is None

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(take, range(16))) == 1


# ------------------------------------------------------------------ starting


def refusal(folder: Path, *arguments: str) -> str:
    """What the server says where it does not start."""
    (folder / "mine.yaml").write_text("results: results\nannotations: annotations\n")
    command = [sys.executable, str(SCRIPT), "--no-browser", "--configfile", "mine.yaml"]
    ended = subprocess.run(
        [*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=WAIT
    )
    assert ended.returncode == 1 and "Traceback" not in ended.stderr and ended.stdout == ""
    assert ended.stderr.startswith("avaflow error: ")
    return ended.stderr


@pytest.mark.parametrize("port", ["-1", "65536", "http", "8 0", "٣", "1e3"])
def test_a_bad_port(tmp_path, port):
    assert "--port: expected a number from 1 to 65535" in refusal(tmp_path, f"--port={port}")


def test_a_taken_port(tmp_path):
    made_project(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refusal(tmp_path, "--port", str(port))
    assert f"--port: {port} cannot be had" in said and "another port" in said


def test_without_pages_it_says_what_to_run(tmp_path):
    said = refusal(tmp_path, "--port", "0")
    assert "results/annotate/index.html is missing" in said
    assert "uv run snakemake --cores all annotate" in said


def test_a_file_in_the_place_of_the_annotations(tmp_path):
    made_project(tmp_path)
    (tmp_path / "annotations").write_text("")
    said = refusal(tmp_path, "--port", "0")
    assert "annotations: expected the folder of finished annotations, found a file" in said


@pytest.mark.skipif(sys.platform != "linux", reason="a browser of one's own is named otherwise")
def test_the_browser_opens_at_the_address(tmp_path, monkeypatch):
    made_project(tmp_path)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened.part\n'
                       f"mv {tmp_path}/opened.part {tmp_path}/opened\n")  # fmt: skip
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.setenv("DISPLAY", ":0")
    server = Server(tmp_path, browser=True)
    deadline = time.monotonic() + WAIT
    while not (tmp_path / "opened").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    server.end()
    assert (tmp_path / "opened").read_text() == f"{server.addresses['']}/index.html\n"


def test_a_config_that_is_missing(tmp_path):
    assert "other.yaml: this config is missing" in refusal(tmp_path, "--configfile", "other.yaml")


def test_annotators_whose_names_cannot_be():
    assert annotators_of("anna, ben") == ["anna", "ben"]
    assert annotators_of("") == []
    for wrong in ("anna,", "a/b", "..", "a.b", "anna,Anna", "a" * 41, "é", "Majority,ben"):
        with pytest.raises(UserError, match="--annotators: "):
            annotators_of(wrong)
