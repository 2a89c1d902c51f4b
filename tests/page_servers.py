"""The annotating page's server as a user starts it, and calls as a page makes them."""

import http.client
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import requests
import yaml

from workflow_runs import ROOT, heed_interrupts

SCRIPT = ROOT / "scripts" / "annotate.py"
VIDEO = bytes(range(256)) * 40
PAGE = (
    "<!doctype html>\n<html><HEAD lang='en'><link rel='icon' href='data:,'></head>"
    "<body></body></html>\n"
)
DATA = 'window.AVAFLOW_CLIP = {"clip": "corridor", "finished": {"of": "the run"}};\n'
WAIT = 20  # seconds; a start takes one


class Server:
    """A running server: its addresses by annotator, and what it said."""

    def __init__(self, folder: Path, *arguments: str, browser: bool = False):
        overlay = {"results": "results", "annotations": "annotations"}
        (folder / "mine.yaml").write_text(yaml.safe_dump(overlay))
        command = [sys.executable, str(SCRIPT), "--port", "0"]
        command += [] if browser else ["--no-browser"]
        self.folder = folder
        self.process = subprocess.Popen(
            [*command, "--configfile", "mine.yaml", *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heed_interrupts,
        )
        self.addresses = {}
        for line in self.process.stdout:
            if line.startswith("Saving into"):
                break
            name, address = re.fullmatch(r"(?:(\S+): )?(http://\S+)\n", line).groups()
            self.addresses[name or ""] = address.rsplit("/", 1)[0]

    def annotator(self, name: str = "") -> "Annotator":
        return Annotator(self.addresses[name])

    def end(self) -> str:
        """Stop it as Ctrl-C does; what it said on stderr."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=WAIT)[1]


class Annotator:
    """Calls as a page makes them; `window` is the id of one."""

    def __init__(self, address: str, window: str = ""):
        self.address = address
        self.host = urlsplit(address).netloc
        self.secret = urlsplit(address).path.split("/")[1]
        self.headers = {"X-Avaflow-Token": f"{self.secret}.{window}"}

    def call(self, method: str, path: str, **options) -> requests.Response:
        headers = self.headers | options.pop("headers", {})
        url = f"{self.address}/{path}"
        return requests.request(method, url, headers=headers, timeout=WAIT, **options)

    def save(self, clip: str, content: bytes, **headers) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call("PUT", f"api/annotations/{clip}", data=content, headers=named)

    def hold(self, clip: str, what: str) -> requests.Response:
        return self.call("POST", f"api/clips/{clip}/{what}")

    def raw(self, method: str, path: str, **headers) -> tuple[int, bytes]:
        """A call with the path and the headers as they stand here, and no others."""
        host, port = self.host.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=WAIT)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()


def annotation(clip: str = "corridor", annotator: str = "", saved: str = "one") -> bytes:
    entry = {"format": "avaflow annotation", "version": 1, "clip": clip, "annotator": annotator}
    return json.dumps(entry | {"saved": saved, "persons": []}).encode()


def made_project(folder: Path) -> Path:
    """Results as a run makes them, as far as the server looks; beside them what is no business."""
    results = folder / "results"
    files = {
        "annotate/index.html": PAGE,
        "annotate/index.js": "window.AVAFLOW_INDEX = {};",
        "annotate/assets/page.css": "body {}",
        "annotate/agreement.html": PAGE,
        "labels/corridor.csv": "private",
        "annotate/.hidden.js": "private",
        "keyframes/corridor/corridor_000061.jpg": "image",
        "suggestions/corridor.js": "window.AVAFLOW_SUGGESTIONS = {};",
        "suggestions/corridor.json": "{}",
    }
    for clip in ("corridor", "yard", "hall"):
        script = f'<body><script src="{clip}.js"></script>'
        files[f"annotate/{clip}.html"] = PAGE.replace("<body>", script)
        files[f"annotate/{clip}.js"] = DATA.replace("corridor", clip)
    for name, text in files.items():
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text(text)
    (results / "clips").mkdir()
    (results / "clips" / "corridor.mp4").write_bytes(VIDEO)
    (folder / "outside.mp4").write_text("private")
    return folder
