"""Public archives from a server on loopback: what is trusted, what is held, what is refused."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from avaflow.bulk.archives import ADDRESSES, Archive, fetch_archive, wanted_archives
from avaflow.errors import UserError
from avaflow.videos.addresses import address_problem
from workflow_runs import Workspace


class Files(BaseHTTPRequestHandler):
    """Serves the server's `content` by path and counts what it is asked for."""

    def do_GET(self):
        self.server.asked.append(self.path)
        content = self.server.content.get(urlsplit(self.path).path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    server.content, server.asked = {"/a/mirrored.zip": b"boxes"}, []
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


BOXES = sha256_of(b"boxes")


def test_the_table_names_files_of_their_own_that_can_be_fetched():
    archives = wanted_archives(ADDRESSES)
    assert len(archives) == len(ADDRESSES)
    for file, archive in archives.items():
        assert address_problem(archive.url) == "" and archive.url.startswith("https://")
        assert file == archive.url.rsplit("/", 1)[1] and "." in file
    assert "ava_v2.2.zip" in archives and "kinetics700_2020.tar.gz" in archives
    assert "ava_dense_proposals_val.FAIR.recall_93.9.pkl" in archives


def test_a_mirror_keeps_the_name_of_the_file():
    entry = {"name": "ava", "url": "http://mirror.org/a.zip?v=1", "sha256": BOXES}
    assert wanted_archives([entry, "kinetics400"]) == {
        "ava_v2.2.zip": Archive("ava", "http://mirror.org/a.zip?v=1", BOXES),
        "kinetics400.tar.gz": Archive("kinetics400", ADDRESSES["kinetics400"], ""),
    }


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (["kinetics500"], "'kinetics500' is not known. Known are ava, ava_trainval_names, "),
        (["ava", {"name": "ava", "url": "http://m.org/x"}], "ava stands there twice"),
    ],
)
def test_entries_that_are_refused(entries, expected):
    with pytest.raises(UserError, match=r"^config: downloads: ") as told:
        wanted_archives(entries)
    assert expected in str(told.value)


def test_the_first_download_is_trusted_and_held(tmp_path, server):
    archive = Archive("ava", f"{server.url}/a/mirrored.zip", "")
    target, beside = tmp_path / "ava_v2.2.zip", tmp_path / "ava_v2.2.zip.sha256"
    fetch_archive(archive, target)
    assert target.read_bytes() == b"boxes" and beside.read_text() == f"{BOXES}  ava_v2.2.zip\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [target.name, beside.name]
    # What lies there is not fetched again; what was damaged is.
    fetch_archive(archive, target)
    assert len(server.asked) == 1
    target.write_bytes(b"damaged")
    fetch_archive(archive, target)
    assert target.read_bytes() == b"boxes" and len(server.asked) == 2
    # Another file at the address is refused, and what was there stays.
    server.content["/a/mirrored.zip"] = b"others"
    target.unlink()
    with pytest.raises(UserError) as told:
        fetch_archive(archive, target)
    message = str(told.value)
    assert f"expected sha256 {BOXES} ({beside} has it from the first download)" in message
    assert f"found {sha256_of(b'others')}" in message and f"delete {beside} and run" in message
    assert [path.name for path in tmp_path.iterdir()] == [beside.name]
    beside.unlink()
    fetch_archive(archive, target)
    assert target.read_bytes() == b"others"


def test_a_checksum_of_the_config_holds_from_the_beginning(tmp_path, server):
    url, target = f"{server.url}/a/mirrored.zip", tmp_path / "ava_v2.2.zip"
    with pytest.raises(UserError, match=r"expected sha256 0{64} \(the config gives it\), found"):
        fetch_archive(Archive("ava", url, "0" * 64), target)
    assert not list(tmp_path.iterdir())
    fetch_archive(Archive("ava", url, BOXES.upper()), target)
    assert target.read_bytes() == b"boxes"
    # It outweighs what the first download left.
    server.content["/a/mirrored.zip"] = b"others"
    fetch_archive(Archive("ava", url, sha256_of(b"others")), target)
    assert target.read_bytes() == b"others"
    assert (tmp_path / "ava_v2.2.zip.sha256").read_text().startswith(sha256_of(b"others"))


def test_a_file_that_lay_there_without_a_checksum_gets_one(tmp_path, server):
    (tmp_path / "ava_v2.2.zip").write_bytes(b"boxes")
    fetch_archive(Archive("ava", f"{server.url}/a/mirrored.zip", ""), tmp_path / "ava_v2.2.zip")
    assert (tmp_path / "ava_v2.2.zip.sha256").read_text() == f"{BOXES}  ava_v2.2.zip\n"
    assert not server.asked
    (tmp_path / "ava_v2.2.zip.sha256").write_text("none\n")
    with pytest.raises(UserError, match=r"zip\.sha256: expected a sha256 of 64 digits .* 'none'"):
        fetch_archive(Archive("ava", f"{server.url}/a/mirrored.zip", ""), tmp_path / "ava_v2.2.zip")


@pytest.mark.slow
def test_downloads_of_a_project(tmp_path, server):
    """Through the real Snakemake: fetched once, held, and asked for by its target alone."""
    url = f"{server.url}/a/mirrored.zip?token=Qz7mirror"
    workspace = Workspace(tmp_path / "w", clips="", downloads=[{"name": "ava", "url": url}])
    assert "fetch_archive" not in workspace.plan(demo=False)
    run = workspace.run("downloads", demo=False)
    assert run.status == 0, run.output
    folder = workspace.folder / "results" / "downloads"
    assert (folder / "ava_v2.2.zip").read_bytes() == b"boxes"
    assert (folder / "ava_v2.2.zip.sha256").read_text() == f"{BOXES}  ava_v2.2.zip\n"
    told = (workspace.folder / "results/logs/fetch_archive/ava_v2.2.zip.log").read_text()
    assert f"sha256 {BOXES}, trusted, and held from now on" in told
    kept = [p for p in (workspace.folder / "results").rglob("*") if p.is_file()]
    assert kept and not any(b"Qz7mirror" in path.read_bytes() for path in kept)
    assert workspace.run("downloads", demo=False).nothing_to_do and len(server.asked) == 1
    # Gone, it is fetched again, and has to be the same.
    (folder / "ava_v2.2.zip").unlink()
    server.content["/a/mirrored.zip"] = b"others"
    run = workspace.run("downloads", demo=False)
    assert run.status == 1 and "Traceback" not in run.output, run.output
    assert f"expected sha256 {BOXES}" in run.output and "Qz7mirror" not in run.output
    assert not (folder / "ava_v2.2.zip").exists()
    for wrong, part in (
        (["avu"], "downloads: 'avu' is not known. Known are ava, "),
        ([{"name": "ava", "sha256": "12"}], "downloads"),
    ):
        run = workspace.run("downloads", demo=False, downloads=wrong)
        assert run.status == 1 and run.output.count("avaflow error: ") == 1, run.output
        assert part in run.output.split("avaflow error: ")[1] and "Traceback" not in run.output
    workspace.write_clips("corridor\texamples/demo/videos/corridor.mp4\t0.5\t5.5\ttrain")
    run = workspace.run("downloads", clips="clips.tsv", downloads=[])
    assert run.status == 1, run.output
    assert "avaflow error: config: downloads names nothing to fetch. Known are ava, " in run.output
