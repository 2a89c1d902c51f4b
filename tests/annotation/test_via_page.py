"""Pages, index and zips for annotators, made from a stand-in with VIA 3's names."""

import hashlib
import html.parser
import io
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from avaflow.annotation.reopened import Opened
from avaflow.annotation.via_page import (
    ClipEntry,
    clip_page,
    index_page,
    page_from_download,
    project_script,
    read_page,
    write_clip_zip,
)
from avaflow.errors import UserError
from avaflow.manifests import ClipManifest, write_clip_manifest
from avaflow.tables import KEYFRAMES, LABELS, NOTES, TRACKS, read_table, write_table
from script_runs import run_script as run

ATTRIBUTES = {"1": {"aname": "head"}, "2": {"aname": "person"}, "10": {"aname": "body"}}
HERE = Path(__file__).parent
STAND_IN = HERE / "stand_in_via.html"
ACTIONS = [
    {"attribute": "head", "choose": "multiple", "options": ["talk", "</script>bow"]},
    {"attribute": "body", "choose": "single", "options": ["stand", "sit"]},
]


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_html", ".html"), content)
    return buffer.getvalue()


# ------------------------------------------------------------- the user's VIA


def test_page_from_html_and_from_the_zip():
    text = STAND_IN.read_text(encoding="utf-8")
    assert page_from_download(STAND_IN.read_bytes(), "x.html") == text
    assert page_from_download(b"\xef\xbb\xbf" + STAND_IN.read_bytes(), "x.html") == text
    video = text.replace("stand-in", "video stand-in").encode()
    archive = zipped(
        via__via_audio_annotator_html=b"<html>",
        via__via_video_annotator_html=video,
        via__via_image_annotator_html=STAND_IN.read_bytes(),
    )
    assert page_from_download(archive, "via.zip") == text
    archive = zipped(via__via_video_annotator_html=video)
    assert page_from_download(archive, "via.zip") == video.decode()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"hello", "found no html page"),
        (b"<html><head></head><body>404</body></html>", "found a page without `_via_file_annot"),
        (b"<html><head><script>var _via_region_attributes;</script></body>", "a page of VIA 2"),
        (zipped(README=b"x"), "found no html file"),
        (zipped(via_html=b"x"), "found via.html"),
        (zipped(via_image_annotator_html=b"x"), "via_image_annotator.html: expected"),
        (b"PK\x03\x04 broken", "the zip cannot be read"),
    ],
)
def test_what_is_not_via_3(content, found):
    with pytest.raises(UserError) as error:
        page_from_download(content, "mine")
    message = str(error.value)
    assert message.startswith("mine") and found in message
    assert "via_image_annotator.html or via_video_annotator.html of VIA 3" in message


def with_sizes(archive: bytes, compressed: int | None, unpacked: int | None) -> bytes:
    """A zip of one member whose directory tells other sizes than the member has."""
    content = bytearray(archive)
    entry = content.index(b"PK\x01\x02")
    for at, size in ((entry + 20, compressed), (entry + 24, unpacked)):
        if size is not None:
            content[at : at + 4] = size.to_bytes(4, "little")
    return bytes(content)


LARGE = zipped(via_image_annotator_html=STAND_IN.read_bytes() + b" " * 25_000_000)


@pytest.mark.parametrize(
    "content",
    [
        LARGE,
        with_sizes(LARGE, None, 1000),  # says 1 kB, unpacks to 25 MB
        with_sizes(LARGE, None, 2**32 - 1),
        with_sizes(LARGE, 2**31, None),
        with_sizes(LARGE, 10, None),
        LARGE[:-200],
        LARGE[:5000] + b"x" * 100 + LARGE[5100:],
    ],
)
def test_a_zip_that_lies_about_its_size_is_told(content):
    with pytest.raises(UserError) as error:
        page_from_download(content, "via.zip")
    message = str(error.value)
    assert message.startswith("via.zip: ") and "\n" not in message
    assert "of more than 20 MB" in message or "the zip cannot be read (" in message


def test_a_file_of_any_size_is_not_read(tmp_path):
    path = tmp_path / "video.mp4"
    with open(path, "wb") as stream:
        stream.truncate(30_000_000_000)
    with pytest.raises(UserError, match="found a file of 30000 MB"):
        read_page(path)


def test_missing_page(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_page(tmp_path / "via.html")


# ------------------------------------------------------------- a clip's page


class Order(html.parser.HTMLParser):
    """Tags in the order of the page, scripts with their address, texts of scripts apart."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_clip_page_keeps_vias_and_adds_ours():
    via = STAND_IN.read_text(encoding="utf-8")
    page = clip_page(via, "c-1", ATTRIBUTES)
    tags = Order(page).tags
    assert len(tags) == len(Order(via).tags) + 5  # policy, style, three scripts
    names = [tag for tag, _ in tags]
    policy = names.index("meta")
    assert tags[policy][1] == {
        "http-equiv": "Content-Security-Policy",
        "content": "default-src 'self' 'unsafe-inline' file: data: blob:",
    }
    assert policy < names.index("script")  # a policy binds what comes after it
    scripts = [attrs.get("src") for tag, attrs in tags if tag == "script"]
    assert scripts[-3:] == ["c-1.js", "../suggestions/c-1.js", None]
    assert page.rstrip().endswith("</script>\n</body>\n</html>")
    head, body = via.split("<head>", 1)
    assert page.startswith(head)
    assert body[: body.rindex("</body>")] in page  # not a byte of VIA changed


def test_only_the_last_body_end_is_the_end():
    via = STAND_IN.read_text(encoding="utf-8").replace("'use strict';", "var x = '</body>';")
    page = clip_page(via, "c-1", ATTRIBUTES)
    assert page.index("c-1.js") > page.index("var via = new _via(")


def test_the_person_stands_above_the_other_attributes():
    page = clip_page(STAND_IN.read_text(encoding="utf-8"), "c-1", ATTRIBUTES)
    orders = re.findall(r"th:nth-child\((\d)\) { order: (\d)", page)
    assert orders == [("1", "2"), ("2", "0"), ("3", "6")]


def test_project_script_cannot_end_its_script():
    project = {"a": "</script><script>alert(1)</script><!--", "b": "é\u2028"}
    text = project_script(Opened(project, "annotations/</script>.json", ""))
    assert "</" not in text and "<!--" not in text and text.isascii()
    first, second = text.splitlines()
    values = [
        json.loads(line.split(" = ", 1)[1].removesuffix(";").replace("\\!", "!"))
        for line in (first, second)
    ]
    assert first.startswith("window.VIA_PROJECT = {") and values[0] == project
    assert second.startswith("window.VIA_OPENED = {")
    assert (values[1]["from"], values[1]["trouble"]) == ("annotations/</script>.json", "")
    assert project_script(Opened(project | {"a": ""}, "", "")).split("digest")[1] not in text


# ------------------------------------------------------------- index


def entry(clip: str, finished: str = "", page: bool = True) -> ClipEntry:
    return ClipEntry(
        clip=clip,
        keyframes=8,
        boxes=1,
        persons=2,
        project=f"{clip}.json",
        page=f"{clip}.html" if page else "",
        archive=f"{clip}.zip",
        thumbnail=f"../keyframes/{clip}/{clip}_000121.jpg",
        finished=finished,
    )


def test_index_lists_awaiting_clips_first():
    page = index_page([entry("a", "ann/a.json"), entry("b"), entry("c")], "my/ann", pages=True)
    assert "1 of 3 clips are finished" in page and "width: 33.3%" in page
    assert page.index("<h2>b</h2>") < page.index("<h2>c</h2>") < page.index("<h2>a</h2>")
    assert page.count('<article class="awaiting">') == 2
    assert page.count('<article class="finished">') == 1
    assert "<code>my/ann/</code>" in page and "save as b_finish.json" in page
    assert "ann/a.json" in page
    assert "8 images, 1 box, 2 persons" in page
    links = [attrs["href"] for tag, attrs in Order(page).tags if tag == "a"]
    assert links[:3] == ["b.html", "b.html", "b.zip"]


def test_index_without_pages_says_where_to_open():
    page = index_page([entry("b", page=False)], "ann", pages=False)
    links = [attrs["href"] for tag, attrs in Order(page).tags if tag == "a"]
    assert links == ["b.json", "b.json", "b.zip"]
    assert "put <code>via_image_annotator.html</code> beside this page" in page
    assert page.count("set <code>via.page: download</code> in the config") == 1
    assert ">Project file</a>" in page
    assert "via.page" not in index_page([entry("b")], "ann", pages=True)


def test_index_is_self_contained_and_escaped():
    evil = '"><script>alert(1)</script>'
    page = index_page([entry(evil, evil)], evil, pages=True)
    tags = Order(page).tags
    assert not [tag for tag, _ in tags if tag in ("script", "link", "iframe")]
    assert "http:" not in page and "https:" not in page and "url(" not in page
    assert "{{" not in page


def test_index_of_nothing():
    assert "There are no clips yet" in index_page([], "ann", pages=True)


# ------------------------------------------------------------- the scripts, as Snakemake runs them


def run_script(name: str, tmp_path: Path, **parts: dict) -> None:
    config = {"via": {"max_project_mb": 50}}
    run(name, tmp_path / "results", tmp_path / "logs" / f"{name}.log", config=config, **parts)


@pytest.fixture
def results(tmp_path):
    """Results of one clip up to the project, its page and its zip, made by the scripts."""
    image = bytes.fromhex(
        # a grey JPEG of 8 x 8 px
        "ffd8ffe000104a46494600010100000100010000ffdb00430001010101010101010101010101010101010101"
        "0101010101010101010101010101010101010101010101010101010101010101010101010101010101010101"
        "01ffc0000b080008000801011100ffc40014000100000000000000000000000000000009ffc4001410010000"
        "0000000000000000000000000000ffda0008010100003f0054ffd9"
    )
    keyframes = pd.DataFrame(
        [
            (s, 30 * s + 1, f"c-1_{30 * s + 1:06d}.jpg", 8, 8, hashlib.sha256(image).hexdigest())
            for s in (2, 3, 4)
        ],
        columns=list(KEYFRAMES),
    )
    tracks = pd.DataFrame([(61, 1, 0.0, 0.0, 0.5, 1.0, 0.9)], columns=list(TRACKS))
    root = tmp_path / "results"
    write_table(root / "keyframes/c-1.csv", keyframes, KEYFRAMES)
    write_table(root / "tracks/c-1.csv", tracks, TRACKS)
    clip = ClipManifest("c-1", "v.mp4", 1.5, 30, 180, 8, 8, "x", 0)
    write_clip_manifest(root / "clips/c-1.json", clip)
    (root / "keyframes/c-1").mkdir()
    for name in keyframes["file"]:
        (root / "keyframes/c-1" / name).write_bytes(image)
    via = root / "via"
    manifest = str(root / "keyframes/c-1.csv")
    run_script(
        "make_via_project",
        tmp_path,
        input={
            "manifest": str(root / "clips/c-1.json"),
            "keyframes": manifest,
            "tracks": str(root / "tracks/c-1.csv"),
        },
        output={"project": str(via / "c-1.json")},
        params={"clip": "c-1", "actions": ACTIONS, "fps": 30},
    )
    run_script(
        "make_via_page",
        tmp_path,
        input={"project": str(via / "c-1.json"), "page": str(STAND_IN)},
        output={"html": str(via / "c-1.html"), "js": str(via / "c-1.js")},
        params={"actions": ACTIONS, "max_project_mb": 50, "known_as": {}},
    )
    run_script(
        "zip_via_project",
        tmp_path,
        input={
            "project": str(via / "c-1.json"),
            "keyframes": manifest,
            "html": str(via / "c-1.html"),
            "js": str(via / "c-1.js"),
        },
        output={"zip": str(via / "c-1.zip")},
        params={"clip": "c-1"},
    )
    run_script(
        "make_via_index",
        tmp_path,
        input={"projects": [str(via / "c-1.json")], "keyframes": [manifest]},
        output={"index": str(via / "index.html")},
        params={
            "clips": ["c-1"],
            "finished": {},
            "annotations": "ann",
            "pages": True,
            "zips": True,
        },
    )
    return root


def test_zip_holds_what_an_annotator_needs(results):
    with zipfile.ZipFile(results / "via/c-1.zip") as archive:
        assert archive.namelist() == [
            "c-1/README.txt",
            *(f"c-1/keyframes/c-1/c-1_{frame:06d}.jpg" for frame in (61, 91, 121)),
            *("c-1/via/c-1.html", "c-1/via/c-1.js", "c-1/via/c-1.json"),
        ]
        assert archive.read("c-1/via/c-1.json") == (results / "via/c-1.json").read_bytes()
        # The images lie where the project looks for them, seen from the page.
        for file in json.loads(archive.read("c-1/via/c-1.json"))["file"].values():
            place = os.path.normpath(os.path.join("c-1/via", file["src"]))
            assert place in archive.namelist()
        readme = archive.read("c-1/README.txt").decode()
    assert "Open via/c-1.html" in readme and "c-1_finish.json" in readme
    assert "body: stand, sit" in readme and "person:" not in readme


def test_zip_has_the_same_bytes_again(results, tmp_path):
    images = sorted((results / "keyframes/c-1").iterdir(), reverse=True)
    os.utime(images[0], (0, 0))
    for name in ("a.zip", "b.zip"):
        write_clip_zip(tmp_path / name, "c-1", results / "via/c-1.json", images)
        images.reverse()
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert "Copy via_image_annotator.html" in archive.read("c-1/README.txt").decode()


def test_index_of_real_results(results):
    page = (results / "via/index.html").read_text(encoding="utf-8")
    assert "3 images, 1 box, 1 person" in page
    for tag, attrs in Order(page).tags:
        if tag in ("a", "img"):
            assert (results / "via" / (attrs.get("href") or attrs["src"])).is_file()
    assert "../keyframes/c-1/c-1_000091.jpg" in page  # the middle one


def labels_script(results, tmp_path, path, strict=False, actions=ACTIONS):
    run_script(
        "read_labels",
        tmp_path,
        input={
            "project": str(path),
            "manifest": str(results / "clips/c-1.json"),
            "keyframes": str(results / "keyframes/c-1.csv"),
            "tracks": str(results / "tracks/c-1.csv"),
        },
        output={
            "labels": str(tmp_path / "c-1.csv"),
            "notes": str(tmp_path / "c-1.notes.csv"),
            "unticked": str(tmp_path / "c-1.unticked.csv"),
            "idle": str(tmp_path / "c-1.idle.csv"),
            "nobody": str(tmp_path / "c-1.nobody.csv"),
        },
        params={
            "clip": "c-1",
            "actions": actions,
            "fps": 30,
            "strict": strict,
            "imported": False,
            "known_as": {},
        },
    )


def test_labels_script(results, tmp_path, capsys):
    content = json.loads((results / "via/c-1.json").read_text())
    content["metadata"]["1_p1"]["av"]["2"] = "1"
    path = tmp_path / "c-1_finish.json"
    path.write_text(json.dumps(content))
    labels_script(results, tmp_path, path)
    table = read_table(tmp_path / "c-1.csv", LABELS)
    assert table.to_numpy().tolist() == [[2, 1, 0.0, 0.0, 0.5, 1.0, 4]]
    assert len(read_table(tmp_path / "c-1.notes.csv", NOTES)) == 0

    more = [ACTIONS[0], ACTIONS[1] | {"options": ["stand", "sit", "walk"]}]
    labels_script(results, tmp_path, path, actions=more)
    with pytest.raises(SystemExit) as ended:
        labels_script(results, tmp_path, path, strict=True, actions=more)
    assert ended.value.code == 1
    message = capsys.readouterr().err
    assert "avaflow error: " in message and "before walk was added" in message


# ------------------------------------------------------------- in a browser


def test_page_in_chromium(results, tmp_path):
    """Opened from disk, the page loads project and image, and ticks as its comforts say."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium on this machine")
    page = (results / "via/c-1.html").read_text(encoding="utf-8")
    probe = """<script>
    setTimeout(function () {
      var annotator = via.va.file_annotator[0][0];
      var box = '1_p1', seen = [annotator.colours[box], annotator.dashes[box]];
      annotator._creg_select_one(box);
      annotator._smetadata_show();
      function press(element) {
        element.dispatchEvent(new MouseEvent('mousedown', {bubbles: true}));
        element.click();
      }
      function av() { return via.d.store.metadata[box].av; }
      var label = document.querySelectorAll('label')[2];
      press(label);
      seen.push(av()['2'], annotator.dashes[box]);
      press(label.previousElementSibling);
      setTimeout(function () {
        seen.push(av()['2'], annotator.dashes[box]);
        press(document.querySelectorAll('label')[1]);
        seen.push(av()['1'], document.querySelectorAll('label')[1].textContent);
        var left = document.getElementById('smetadata_container').getBoundingClientRect().left;
        seen.push(left > document.querySelector('canvas').getBoundingClientRect().right);
        setTimeout(function () {
          seen.push(document.querySelector('#avaflow_panel .count').textContent);
          var name;
          HTMLAnchorElement.prototype.click = function () { name = this.download; };
          via.d.project_save();
          document.body.dataset.seen = JSON.stringify(seen.concat(name));
        }, 100);
      }, 20);
    }, 1000);</script>"""
    probed = results / "via/probe.html"
    probed.write_text(page.replace("</body>", probe + "</body>"), encoding="utf-8")
    command = [
        *(chromium, "--headless", "--no-sandbox", "--disable-gpu"),
        *("--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}"),
        *("--virtual-time-budget=5000", "--dump-dom", probed.as_uri()),
    ]
    try:
        dumped = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"chromium does not run here: {error}")
    if "</html>" not in dumped:
        pytest.skip("chromium does not run here")
    seen = json.loads(
        next(attrs for tag, attrs in Order(dumped).tags if tag == "body")["data-seen"]
    )
    assert seen[0] not in ("#ffff00", "#ffffff")  # neither VIA's yellow nor nobody's white
    assert seen[1:] == [
        *(2, "0", 0),  # dashed; a click on the name ticks "stand"; drawn whole
        *("", 2),  # a second click takes it back
        *("1", "</script>bow"),  # whatever an option is called
        True,  # the attributes are beside the image, not over it
        "1 of 1 boxes ticked",
        "c-1_finish.json",
    ]
