"""Bad input and bad luck, met as a user meets them: through the real Snakemake.

Whatever goes wrong, one message says where, what was expected, what was found and what to
do; no traceback is shown; nothing half-written stays; and what can be known before the
first job stops the run before it.
"""

import csv
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import imageio_ffmpeg
import pandas as pd
import pytest

from avaflow.annotation.via import project, write_project
from avaflow.project.actions import attributes_from_config
from avaflow.tables import KEYFRAMES, TRACKS, write_table
from avaflow.workflow.closing import FAILED, failures
from numbered_videos import make_video, run_ffmpeg
from workflow_runs import ROOT, Run, Workspace

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """A sound video of ten seconds."""
    return make_video(tmp_path_factory.mktemp("good") / "good.mp4", frames=300)


@pytest.fixture
def workspace(tmp_path, good) -> Workspace:
    """A project with the sound video beside its table."""
    # Frames are numbered in black and white bits, which turn all at once at some numbers.
    made = Workspace(tmp_path / "w", cuts={"find": False})
    shutil.copy(good, made.folder / "good.mp4")
    return made


class Files(BaseHTTPRequestHandler):
    """Serves the server's `contents`.

    Those in `broken` end in the middle, every time; those in `unsized` come without a length.
    """

    def do_GET(self):
        self.server.seen.append(self.path)
        content = self.server.contents.get(self.path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        if self.path not in self.server.unsized:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        half = len(content) // 2 if self.path in self.server.broken else None
        with suppress(ConnectionError):  # a client may go when it has seen the headers
            self.wfile.write(content[:half])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    """A server on loopback that notes what it is asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    server.seen, server.contents, server.broken, server.unsized = [], {}, set(), set()
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


NOTES = {".probes.json", "records/.code.json", "records/.sources.json", "records/.states.json"}
NOTES |= {".compared_clips.json"}
"""What a run keeps of what it looked at, below the results folder, for the next one."""


def leftovers(workspace: Workspace) -> list[str]:
    """Files of unfinished work under the results, in the folder of records too."""
    results = workspace.folder / "results"
    found = {path.relative_to(results).as_posix() for path in results.rglob(".*")}
    return sorted(found - NOTES)


def refused(workspace: Workspace, run: Run) -> str:
    """The one message of a run that was stopped before any job."""
    assert run.status == 1, run.output
    assert "Traceback" not in run.output and "File " not in run.output, run.output
    assert "Building DAG" not in run.output and run.output.count("avaflow error: ") == 1
    results = workspace.folder / "results"
    made = {path.relative_to(results).as_posix() for path in results.rglob("*")}
    assert made <= NOTES | {"records"}
    return run.output.split("avaflow error: ")[1]


def failed(workspace: Workspace, run: Run) -> list[str]:
    """The messages that the user reads at the end of a run in which jobs failed."""
    assert run.status == 1, run.output
    assert "Traceback" not in run.output, run.output
    assert run.output.count(FAILED) == 1
    told, after = run.output.split(FAILED)[1].split("Then run the same command again", 1)
    # Of Snakemake's own words hardly any follow.
    assert len(after.splitlines()) <= 6, after
    assert leftovers(workspace) == []
    return told.strip().removeprefix("* ").split("\n* ")


def the_one(messages: list[str], mark: str) -> str:
    """The only message with this mark in it."""
    (message,) = [message for message in messages if mark in message]
    return message


def has(message: str, *parts: str) -> None:
    for part in parts:
        assert part in message, f"{part!r} is not in:\n{message}"


# ------------------------------------------------------------------ the clips table


def test_unknown_column(workspace):
    workspace.write_clips("a\tgood.mp4\t0\t5\ttrain", header="clip\tvideo\tstart\tend\tsplitt")
    message = refused(workspace, workspace.run())
    has(message, "clips.tsv", "unknown column 'splitt'", "missing column 'split'", "expected clip,")


def test_rows_that_cannot_be_are_told_together(workspace):
    workspace.write_clips(
        "a\tgood.mp4\t0\t5\ttrain",
        "a\tgood.mp4\t5\t10\ttrain",
        "b_1\tgood.mp4\t0\t5\ttrain",
        "late\tgood.mp4\t6\t5\ttrain",
        "odd\tgood.mp4\t0\t5\tvalidation",
        "when\tgood.mp4\tsoon\t5\ttrain",
    )
    message = refused(workspace, workspace.run())
    has(
        message,
        "clips.tsv",
        "line 3: clip 'a' is already in line 2",
        "line 4: clip: expected letters, digits and '-'",
        "found 'b_1'",
        "line 5, clip late: the end (5) is not after the start (6)",
        "line 6: split: expected one of train, val, test, found 'validation'",
        "line 7, clip when: expected seconds or HH:MM:SS.mmm, found 'soon'",
    )


def test_no_clips_at_all(workspace):
    workspace.write_clips()
    has(refused(workspace, workspace.run()), "clips.tsv", "no clip in the table", "Add a line")
    (workspace.folder / "clips.tsv").write_text("")
    has(refused(workspace, workspace.run()), "clips.tsv", "table is empty", "the header")


def test_two_splits_of_one_video_warn_and_stop_where_strict(workspace):
    workspace.write_clips("a\tgood.mp4\t0\t5\ttrain", "b\tgood.mp4\t5\t10\tval")
    run = workspace.run("-n", "clips")
    assert run.status == 0 and run.jobs == {"trim": 2, "clips": 1}, run.output
    assert run.output.count("avaflow warning: clips of one video are in different splits") == 1
    has(run.output, "a (train), b (val) are all of good.mp4")
    message = refused(workspace, workspace.run("clips", strict=True))
    has(message, "`strict` is set", "a (train), b (val) are all of good.mp4")


# ------------------------------------------------------------------ videos


def test_videos_that_are_none_are_told_together_and_never_followed(workspace, server):
    folder = workspace.folder
    sound = (folder / "good.mp4").read_bytes()
    run_ffmpeg("-i", str(folder / "good.mp4"), "-c", "copy", "-movflags", "+faststart",
               str(folder / "front.mp4"))  # fmt: skip
    front = (folder / "front.mp4").read_bytes()
    assert front.find(b"moov") < 100 < sound.find(b"mdat") + 100 < sound.find(b"moov")
    run_ffmpeg("-f", "lavfi", "-i", "sine=d=6", str(folder / "sound.mp4"))
    written = {
        "empty.mp4": b"",
        "text.mp4": b"<html>Please log in</html>\n",
        "cut-end.mp4": sound[: len(sound) * 6 // 10],
        "cut-front.mp4": front[: len(front) * 6 // 10],
        "noise.mp4": bytes((7 * n * n + n // 3) % 256 for n in range(9000)),
        "net.mp4": f"#EXTM3U\n#EXTINF:6,\n{server.url}/a.ts\n#EXT-X-ENDLIST\n".encode(),
        "near.mp4": b"#EXTM3U\n#EXTINF:6,\ngood.mp4\n#EXT-X-ENDLIST\n",
        "list.mp4": b"ffconcat version 1.0\nfile good.mp4\n",
        "dash.mp4": f'<?xml version="1.0"?><MPD><BaseURL>{server.url}/</BaseURL></MPD>'.encode(),
    }
    for name, content in written.items():
        (folder / name).write_bytes(content)
    expected = {
        "past": "its end, 11 s, lies past the end of good.mp4, 10.000 s. Give an earlier end",
        "after": "it starts at 10.5 s, but good.mp4 ends at 10.000 s",
        "short": "3.000 s is too short",
        "missing.mp4": "the video is missing. Put it there or correct the clips table",
        "empty.mp4": "the file is empty (0 bytes). Copy or download it again",
        "text.mp4": "expected a video, found a text file that begins with '<html>Please",
        "cut-end.mp4": "no video could be read from it",
        "cut-front.mp4": "the file was cut short. Copy or download it again",
        "noise.mp4": "no video could be read from it",
        "sound.mp4": "expected a video, found a file with audio only",
        **dict.fromkeys(
            ("net.mp4", "near.mp4", "list.mp4", "dash.mp4"), "this is a playlist, not a video"
        ),
    }
    whole, ranges = "0\t", {"past": "0\t11", "after": "10.5\t", "short": "0\t3"}
    rows = [
        f"c{number}\t{'good.mp4' if name in ranges else name}\t{ranges.get(name, whole)}\ttrain"
        for number, name in enumerate(expected)
    ]
    workspace.write_clips("fine\tgood.mp4\t0\t5\ttrain", *rows)
    message = refused(workspace, workspace.run())
    told = message.split("\n  - ")[1:]
    assert len(told) == len(expected)
    for number, ((name, problem), sentence) in enumerate(zip(expected.items(), told, strict=True)):
        has(sentence, f"line {number + 3}, clip c{number}:", problem)
        has(sentence, "good.mp4" if name in ranges and name != "short" else f"c{number}")
    assert server.seen == []


def test_addresses(workspace, server, good):
    sound = good.read_bytes()
    sum_of_sound = hashlib.sha256(sound).hexdigest()
    server.contents = {
        "/film.mp4": sound,
        "/broken.mp4": sound,
        "/other.mp4": sound,
        "/page.mp4": b"<html>Please log in</html>\n",
    }
    server.broken = {"/broken.mp4"}
    sums = {"film": sum_of_sound, "other": "0" * 64}

    def write_clips():
        rows = [
            f"{name}\t{server.url}/{name}.mp4\t0\t5\ttrain\t{sums.get(name, '')}"
            for name in ("film", "gone", "broken", "other", "page")
        ]
        workspace.write_clips(*rows, header="clip\tvideo\tstart\tend\tsplit\tsha256")

    write_clips()
    workspace.config |= {"rawframes": {"enabled": False}, "exports": []}
    messages = failed(workspace, workspace.run("clips"))
    assert len(messages) == 4
    has(the_one(messages, "gone"), f"{server.url}/gone.mp4: the server answers 404", "Correct the")
    has(the_one(messages, "broken"), "the download failed 4 times", "broke off at", "next run")
    has(the_one(messages, "other"), f"expected sha256 {'0' * 64}, found {sum_of_sound}")
    has(the_one(messages, "page"), "found a text file that begins with '<html>Please log in")
    results = workspace.folder / "results"
    kept = sorted(path.name.split("-")[0] for path in (results / "videos").glob("*.mp4"))
    assert kept == ["film"], "what did not arrive whole is not there under a video's name"
    assert [path.name for path in (results / "clips").glob("*.mp4")] == ["film.mp4"]

    server.contents |= {"/gone.mp4": sound, "/page.mp4": sound}
    server.broken = set()
    sums["other"] = sum_of_sound
    write_clips()
    run = workspace.run("clips")
    assert run.status == 0, run.output
    assert len(list((results / "clips").glob("*.mp4"))) == 5
    assert server.seen.count("/film.mp4") == 1
    assert [path for path in (results / "videos").iterdir() if path.suffix != ".mp4"] == []


def test_secrets_of_addresses_stay_in_the_table(workspace, server, good):
    """Also where Snakemake says why it runs a job, and in what it keeps of each."""
    server.contents = {"/film.mp4?token=sesame": good.read_bytes()}
    address = server.url.replace("http://", "http://me:password@")
    rows = [f"{name}\t{address}/{name}.mp4?token=sesame\t0\t5\ttrain" for name in ("film", "gone")]
    workspace.write_clips(*rows)
    workspace.config |= {"rawframes": {"enabled": False}, "exports": []}
    run = workspace.run("clips")
    (message,) = failed(workspace, run)
    has(message, f"{server.url}/gone.mp4: the server answers 404")
    rows[0] += "\t" + "0" * 64
    workspace.write_clips(*rows, header="clip\tvideo\tstart\tend\tsplit\tsha256")
    again = workspace.run("-n", "clips")
    assert re.search(r"^  download .*: other settings$", again.output, re.MULTILINE)
    verbose = workspace.run("-n", "--verbose", "clips")
    assert "rule download:" in verbose.output and "reason: " in verbose.output
    kept = [
        path for path in workspace.folder.rglob("*") if path.is_file() and path.suffix != ".mp4"
    ]
    kept.remove(workspace.folder / "clips.tsv")
    assert len([path for path in kept if ".snakemake" in path.parts]) > 3
    texts = {path: path.read_text(errors="replace") for path in kept}
    texts |= {"run": run.output, "again": again.output, "verbose": verbose.output}
    assert (workspace.folder / "results" / "clips" / "film.json") in texts
    for where, text in texts.items():
        assert "sesame" not in text and "password" not in text, where


def test_a_damaged_video_holds_up_nobody_and_is_named_at_the_end(workspace):
    folder = workspace.folder
    sound = (folder / "good.mp4").read_bytes()
    # The header still promises everything, so that only the cut itself can notice.
    unreadable = bytearray(sound)
    settings = unreadable.find(b"avcC")
    unreadable[settings + 8 : settings + 30] = bytes(22)
    (folder / "unreadable.mp4").write_bytes(unreadable)
    spoilt = bytearray(sound)
    for place in range(len(sound) // 3, len(sound) * 2 // 3):
        spoilt[place] = place * 7 % 256
    (folder / "spoilt.mp4").write_bytes(spoilt)
    workspace.write_clips(
        "fine\tgood.mp4\t0\t5\ttrain",
        "mute\tunreadable.mp4\t0\t5\ttrain",
        "holes\tspoilt.mp4\t1\t6\ttrain",
    )
    run = workspace.run("clips")
    messages = failed(workspace, run)
    has(messages[0], "clip mute of unreadable.mp4: ffmpeg could not make it", "fix or convert it")
    has(messages[0], "results/logs/trim/mute.ffmpeg.log")
    has(messages[-1], "damaged source: clip holes of spoilt.mp4", "look at its frames")
    results = folder / "results"
    made = {path.stem for path in (results / "clips").glob("*.mp4")}
    assert made == {"fine", "holes"}
    for part in ("clips", "keyframes", "rawframes"):
        assert not list((results / part).glob("mute*"))
    status = json.loads((results / "status.json").read_text())
    cut = {clip: told["stages"]["cut"] for clip, told in status["clips"].items()}
    assert status["run"] == "failed" and cut["fine"] == cut["holes"] == {"state": "made"}
    assert cut["mute"]["state"] == "failed" and messages[0].startswith(cut["mute"]["why"])
    assert cut["mute"]["log"] == "logs/trim/mute.log"

    # A clip that is cut short afterwards is not taken for whole, and the advice helps.
    workspace.write_clips("fine\tgood.mp4\t0\t5\ttrain")
    clip, manifest = results / "clips" / "fine.mp4", results / "clips" / "fine.json"
    before = clip.read_bytes(), manifest.read_bytes()
    clip.write_bytes(before[0][:1000])
    run = workspace.run("clips")
    assert run.status == 1 and "Traceback" not in run.output and not run.jobs
    has(run.output, f"fine.mp4: expected {len(before[0])} bytes, found 1000", "repair=true")
    run = workspace.run("clips", repair=True)
    assert run.status == 0 and run.jobs["trim"] == 1, run.output
    status = json.loads((results / "status.json").read_text())
    assert status["run"] == "finished" and status["counts"]["cut"] == {"made": 1}
    assert (clip.read_bytes(), manifest.read_bytes()) == before
    clip.unlink()
    assert workspace.plan("clips") == {"trim": 1, "clips": 1}


def test_what_nobody_foresaw_is_listed_with_its_log(tmp_path):
    log = tmp_path / "results" / "logs" / "trim" / "a.log"
    program = (
        "from avaflow.workflow.job import job\n"
        "from script_runs import snakemake_of\n"
        f"with job(snakemake_of('trim', {str(tmp_path / 'results')!r}, {str(log)!r})):\n"
        "    raise ValueError('odd\\nthing')"
    )
    paths = os.pathsep.join([str(ROOT / "scripts"), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": paths}, capture_output=True
    )
    assert done.returncode == 1 and "Traceback" in log.read_text()
    message = failures(tmp_path / "results", since=0)
    has(message, FAILED, "a fault of avaflow: ValueError: odd (the whole:", str(log))


# ------------------------------------------------------------------ the detector's weights


def test_weights_that_are_not_there(workspace):
    workspace.write_clips("a\tgood.mp4\t0\t5\ttrain")
    message = refused(workspace, workspace.run(detector={"weights": "models/mine.pt"}))
    has(message, "detector.weights: models/mine.pt is missing. Put the file there")


def test_published_weights_without_a_network(workspace):
    workspace.write_clips("a\tgood.mp4\t0\t5\ttrain")
    nowhere = {f"{kind}_proxy": "http://127.0.0.1:9" for kind in ("http", "https", "all")}
    nowhere |= {name.upper(): value for name, value in nowhere.items()}
    nowhere |= {"no_proxy": "", "NO_PROXY": ""}
    detector = {"weights": "yolo11n.pt"}
    workspace.config |= {"rawframes": {"enabled": False}, "exports": []}
    (message,) = failed(workspace, workspace.run("tracks", env=nowhere, detector=detector))
    has(message, "detector.weights: yolo11n.pt could not be downloaded", "Without a network")
    has(message, "put it to results/models/yolo11n.pt")
    results = workspace.folder / "results"
    assert (results / "clips" / "a.mp4").exists()
    assert not (results / "models").exists() or not list((results / "models").iterdir())

    # The place that it names is the right one.
    (results / "models").mkdir(exist_ok=True)
    (results / "models" / "yolo11n.pt").write_bytes(b"put there by hand")
    jobs = workspace.plan("tracks", detector=detector)
    assert jobs == {"detect": 1, "embed": 1, "track": 1, "tracks": 1}


# ------------------------------------------------------------------ finished annotations

ACTIONS = [
    {"attribute": "head", "choose": "multiple", "options": ["talk", "bow"]},
    {"attribute": "body", "choose": "single", "options": ["stand", "sit", "walk"]},
]


def finish(clip: str, tick: dict[str, str], actions: list[dict] = ACTIONS) -> dict:
    """The project of a clip of :func:`make_by_hand`, with one box ticked."""
    keyframes, tracks = tables_by_hand(clip)
    attributes = attributes_from_config(actions)
    content = project(clip, keyframes, tracks, attributes, f"../keyframes/{clip}", start=0.0)
    content["metadata"]["1_p1"]["av"] |= tick
    return content


def tables_by_hand(clip: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The keyframes and tracks of a clip of 5 s with one person who stands still."""
    keyframes = [(s, 30 * s + 1, f"{clip}_{30 * s + 1:06d}.jpg", 192, 108, "s") for s in (2, 3)]
    tracks = [(30 * s + 1, 1, 0.25, 0.25, 0.5, 0.75, 0.9) for s in (2, 3)]
    return pd.DataFrame(keyframes, columns=list(KEYFRAMES)), pd.DataFrame(
        tracks, columns=list(TRACKS)
    )


def make_by_hand(workspace: Workspace, *clips: str) -> None:
    """What the labels of clips need, without cutting and detecting."""
    for clip in clips:
        keyframes, tracks = tables_by_hand(clip)
        write_table(
            workspace.folder / "results" / "keyframes" / f"{clip}.csv", keyframes, KEYFRAMES
        )
        write_table(workspace.folder / "results" / "tracks" / f"{clip}.csv", tracks, TRACKS)
    workspace.write_clips(*(f"{clip}\tgood.mp4\t0\t5\ttrain" for clip in clips))
    (workspace.folder / "annotations").mkdir(exist_ok=True)


def test_annotations_that_cannot_be_read_back(workspace):
    jumping = [ACTIONS[0], {**ACTIONS[1], "options": ["stand", "sit", "walk", "jump"]}]
    moody = [{"attribute": "mood", "options": ["glad"]}, ACTIONS[1]]
    finished = {
        "fine": finish("fine", {"2": "1"}),
        "unlisted": finish("unlisted", {"2": "9"}),
        "removed": finish("removed", {"2": "3"}, jumping),
        "swapped": finish("fine", {"2": "1"}),
        "moody": finish("moody", {"2": "1"}, moody),
        "untouched": finish("untouched", {}),
        "foreign": {"images": [], "annotations": []},
        "page": "<html>",
    }
    make_by_hand(workspace, *finished)
    for clip, content in finished.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (workspace.folder / "annotations" / f"{clip}_finish.json").write_text(text)
    run = workspace.run("labels", actions=ACTIONS)
    messages = failed(workspace, run)
    expected = {
        "unlisted": ("option '9' of attribute 'body' is ticked but not listed",),
        "removed": ("option 'jump' of attribute 'body' is ticked 1 time", "put it back, or"),
        "swapped": ("expected the project of clip 'swapped', found that of fine", "give the file"),
        "moody": ("expected the attributes head and body", "mood is unknown"),
        "untouched": ("none of its 2 boxes has a tick", "Tick the actions and save it again"),
        "foreign": ("found JSON without 'project'", "save button"),
        "page": ("found a file that is not JSON", "Save it again where it was made"),
    }
    assert len(messages) == len(expected)
    before, _ = run.output.split("Building DAG")
    for clip, parts in expected.items():
        path = f"annotations/{clip}_finish.json"
        has(the_one(messages, path), *parts)
        has(before, path, *parts)
    labels = sorted(path.name for path in (workspace.folder / "results" / "labels").iterdir())
    assert labels == [
        *("fine.csv", "fine.idle.csv", "fine.nobody.csv", "fine.notes.csv", "fine.unticked.csv"),
    ]
    with open(workspace.folder / "results" / "labels" / "fine.csv") as stream:
        assert [(row["second"], row["action_id"]) for row in csv.DictReader(stream)] == [("2", "4")]


# ------------------------------------------------------------------ killed, and full disks


def ended(workspace: Workspace, by: signal.Signals, when: str, *arguments: str, **changed) -> str:
    """Run Snakemake, and end it with all its jobs as soon as a file is there; what it said."""
    process = workspace.start(*arguments, own_group=True, **changed)
    try:
        deadline = time.monotonic() + 60
        while not list(workspace.folder.glob(when)):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, by)
        return process.communicate(timeout=60)[0]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def taken_up_again(workspace: Workspace, *arguments: str, **changed) -> Run:
    """What a user does after a kill: the same command, and what its message says."""
    run = workspace.run(*arguments, **changed)
    assert run.status == 1 and "Traceback" not in run.output
    has(run.output, "lock", "--unlock")
    run = workspace.run("--unlock", **changed)
    assert run.status == 0, run.output
    run = workspace.run(*arguments, **changed)
    assert run.status == 0, run.output
    return run


@pytest.fixture
def lingering(workspace) -> dict:
    """Settings of an ffmpeg that waits after a cut, as long as the file `linger` is there."""
    slow = workspace.folder / "slow-ffmpeg"
    slow.write_text(
        f'#!/bin/sh\n"{imageio_ffmpeg.get_ffmpeg_exe()}" "$@" || exit\n'
        'case "$*" in *-version*) exit;; esac\n'
        "if [ -e linger ]; then touch written; sleep 30; fi\n"
    )
    slow.chmod(0o755)
    (workspace.folder / "linger").touch()
    workspace.write_clips("a\tgood.mp4\t0\t5\ttrain", "a-b\tgood.mp4\t5\t10\ttrain")
    return {"ffmpeg": "./slow-ffmpeg"}


def test_stopped_by_the_user(workspace, lingering):
    """Control-C: all is put away, and the same command goes on."""
    output = ended(workspace, signal.SIGINT, "written", "clips", trim=lingering)
    assert "Traceback" not in output, output
    has(output, "Stopped. What is made stays: the same command goes on from it.")
    assert leftovers(workspace) == []
    assert not list(workspace.folder.glob("results/*/[!.]*.*"))
    assert not list(workspace.folder.glob("results/records/*/*"))
    (workspace.folder / "linger").unlink()
    run = workspace.run("clips", trim=lingering)
    assert run.status == 0, run.output


def test_killed_while_cutting(workspace, lingering):
    ended(workspace, signal.SIGKILL, "written", "clips", trim=lingering)
    assert leftovers(workspace), "the kill came too late to prove anything"
    status = json.loads((workspace.folder / "results" / "status.json").read_text())
    assert status["run"] == "running" and status["counts"]["cut"] == {"missing": 2}
    (workspace.folder / "linger").unlink()
    taken_up_again(workspace, "clips", trim=lingering)
    assert leftovers(workspace) == []
    clips = workspace.folder / "results" / "clips"
    assert {p.name for p in clips.iterdir()} == {"a.json", "a.mp4", "a-b.json", "a-b.mp4"}


@pytest.fixture(scope="module")
def detected(tmp_path_factory):
    """Two short clips of the demo with their projects, from a run that was killed before."""
    workspace = Workspace(tmp_path_factory.mktemp("detected") / "w", rawframes={"enabled": False})
    workspace.config["exports"] = []
    workspace.write_clips(
        "yard\texamples/demo/videos/yard.mp4\t2\t7\ttrain",
        "hall\texamples/demo/videos/corridor.mp4\t1\t6\tval",
    )
    ended(workspace, signal.SIGKILL, "results/logs/detect/*.log", "via")
    assert not list(workspace.folder.glob("results/detections/*.csv"))
    workspace.taken_up = taken_up_again(workspace, "via")
    return workspace


def test_killed_while_detecting(detected):
    assert "trim" not in detected.taken_up.jobs
    assert detected.taken_up.jobs["detect"] == 1
    assert leftovers(detected) == []
    assert detected.run("via").nothing_to_do


def test_annotations_of_detected_clips(detected):
    folder = detected.folder
    (folder / "annotations").mkdir()
    shutil.copy(folder / "results" / "via" / "yard.json", folder / "annotations" / "yard.json")
    content = json.loads((folder / "results" / "via" / "hall.json").read_text())
    box = next(iter(content["metadata"].values()))
    content["attribute"]["2"]["options"]["3"] = "jump"
    box["av"]["2"] = "3"
    write_project(folder / "annotations" / "hall_finish.json", content)
    messages = failed(detected, detected.run())
    assert len(messages) == 2
    has(the_one(messages, "annotations/yard.json"), "has a tick")
    has(the_one(messages, "annotations/hall_finish.json"), "option 'jump'", "put it back")
    assert not list((folder / "results").glob("labels/*"))
    assert not (folder / "results" / "dataset" / "annotations" / "val.csv").exists()

    # Fixed, the same command makes the dataset.
    box["av"]["2"] = "1"
    write_project(folder / "annotations" / "hall_finish.json", content)
    (folder / "annotations" / "yard.json").unlink()
    run = detected.run()
    assert run.status == 0, run.output
    text = (folder / "results" / "dataset" / "annotations" / "val.csv").read_text()
    assert text.count("\n") == 1 and text.startswith("hall,902,")


@pytest.fixture
def small_disk(workspace):
    """The results of a project on a disk of 3 MB; a function that enlarges it."""
    place = workspace.folder / "results"
    place.mkdir()

    def mount(options: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)],
            capture_output=True,
            text=True,
            check=False,
        )

    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    tried = mount("size=3m")
    if tried.returncode:
        pytest.skip(f"no small disk can be mounted here: {tried.stderr.strip()}")
    yield lambda: mount("remount,size=64m")
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_disk_full_while_cutting(workspace, small_disk):
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x360:r=30:d=6", "-vf", "noise=alls=60:allf=t",
               "-preset", "ultrafast", str(workspace.folder / "noisy.mp4"))  # fmt: skip
    workspace.write_clips("fine\tgood.mp4\t0\t5\ttrain", "big\tnoisy.mp4\t0\t6\ttrain")
    messages = failed(workspace, workspace.run("clips"))
    # Both clips are cut side by side, so the small one may meet the full disk too.
    assert any("big" in message for message in messages)
    for message in messages:
        has(message, "the disk is full", "Make room, or point `results`", "results/")
    results = workspace.folder / "results"
    assert not list((results / "clips").glob("*big*"))
    assert not list((results / "clips").glob(".*big*"))
    assert not list(results.glob("*frames/big*"))
    small_disk()
    run = workspace.run("clips")
    assert run.status == 0, run.output
    assert len(list((results / "rawframes" / "big").iterdir())) == 180


def test_disk_full_while_fetching(workspace, small_disk, server):
    server.contents = {"/long.mp4": bytes(9_000_000), "/endless.mp4": bytes(9_000_000)}
    server.unsized = {"/endless.mp4"}
    workspace.write_clips(
        *(f"{name}\t{server.url}/{name}.mp4\t0\t5\ttrain" for name in ("long", "endless"))
    )
    messages = failed(workspace, workspace.run("clips"))
    assert len(messages) == 2
    has(the_one(messages, "long.mp4"), "9 MB are to come, but", "Make room")
    has(the_one(messages, "the disk is full"), "Nothing half-written was kept", "Make room")
    results = workspace.folder / "results"
    assert not list(results.glob("videos/*"))

    # A disk that is full already is noticed before Snakemake, or anything, writes to it.
    shutil.rmtree(results, ignore_errors=True)
    with pytest.raises(OSError), open(results / "filler", "wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    run = workspace.run("clips")
    assert run.status == 1 and "Traceback" not in run.output and "Building DAG" not in run.output
    has(run.output, "avaflow error: results: the disk is full (0 MB free)", "Make room")
