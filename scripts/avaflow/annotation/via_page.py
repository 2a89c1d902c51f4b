"""What an annotator opens: a VIA page per clip, an index of all clips, a zip to send.

VIA itself is the user's own copy of VIA 3 (one html file). A page is that file with the
clip's project loaded and a few comforts added; the additions are in `via_page_assets/`.
"""

import hashlib
import html
import io
import json
import lzma
import math
import os
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from avaflow.annotation.reopened import Opened
from avaflow.annotation.via import read_project
from avaflow.errors import UserError
from avaflow.files import write_bytes
from avaflow.project.actions import PERSON_ATTRIBUTE
from avaflow.tables import KEYFRAMES, read_table

ASSETS = Path(__file__).parent / "via_page_assets"

EXPECTED_PAGE = (
    "expected via_image_annotator.html or via_video_annotator.html of VIA 3 "
    "(tested with 3.0.11), or the zip they come in"
)

ANNOTATOR_PAGES = ("via_image_annotator.html", "via_video_annotator.html")
"""The pages of VIA 3 that show images, the one made for images first."""

HOOKS = ("_via_file_annotator", "project_load_json", "new _via(", "</body>")
"""What our page calls in VIA's own, by which VIA 3 is told from other pages."""

CONTENT_POLICY = "default-src 'self' 'unsafe-inline' file: data: blob:"
"""Lets the page read its own folder only: VIA's page loads an analytics script from outside,
and images of people are nobody else's business."""

MAX_PAGE_BYTES = 20_000_000
"""VIA's page has half a megabyte, the zip that it comes in a few: more is something else."""

ZIP_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest date a zip can hold, so that the same files give the same bytes."""


def page_from_download(content: bytes, name: str) -> str:
    """The html text of VIA's annotator, from its html file or from VIA's zip.

    `name` is the path or address for error messages. Raises UserError if the content holds
    no page of VIA 3.
    """
    if not content.startswith(b"PK"):
        return _checked(_decoded(content), name)
    found = "no html file"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [m for m in archive.infolist() if m.filename.lower().endswith(".html")]
            for wanted in ANNOTATOR_PAGES:
                for member in members:
                    if PurePosixPath(member.filename).name == wanted:
                        page = _decoded(_unpacked(archive, member, name))
                        return _checked(page, f"{name}, {member.filename}")
            if members:
                found = ", ".join(sorted(member.filename for member in members)[:6])
    # What the parts of `zipfile` raise for damage, each its own.
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        OSError,
        EOFError,
        ValueError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise UserError(
            f"{name}: the zip cannot be read ({error or type(error).__name__}). Download it "
            f"again; {EXPECTED_PAGE}."
        ) from None
    raise _other_file(name, found)


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bytes:
    """A member's bytes, counted as they come: what a zip says of a size can be a lie."""
    with archive.open(member) as stream:
        content = stream.read(MAX_PAGE_BYTES + 1)
    if len(content) > MAX_PAGE_BYTES or member.file_size > MAX_PAGE_BYTES:
        raise _other_file(name, f"{member.filename} of more than {MAX_PAGE_BYTES / 1e6:.0f} MB")
    return content


def read_page(path: str | Path, name: str = "") -> str:
    """The html text of the user's VIA page or zip; UserError if it is not VIA 3's.

    `name` stands for the file in messages, such as the address that it was downloaded from.
    """
    path = Path(path)
    name = name or str(path)
    if not path.is_file():
        raise UserError(f"{name}: no such file; {EXPECTED_PAGE}.")
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MAX_PAGE_BYTES else b""
    except OSError as error:
        raise UserError(f"{name}: cannot be read ({error.strerror}).") from None
    if size > MAX_PAGE_BYTES:
        raise _other_file(name, f"a file of {size / 1e6:.0f} MB")
    return page_from_download(content, name)


def clip_page(via_page: str, clip: str, attributes: Mapping[str, Mapping]) -> str:
    """VIA's page with one clip's project loaded from the script ``{clip}.js`` beside it.

    `attributes` are those of the project, the person among them.
    """
    style = "\n".join([_asset("annotate.css"), *_interleaved(attributes)])
    head = (
        f'\n<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">'
        f"\n<style>\n{style}\n</style>\n"
    )
    name = html.escape(quote(clip))
    foot = (
        f'<script src="{name}.js"></script>\n'
        # Nothing is there before `snakemake suggestions`: the page does without.
        f'<script src="../suggestions/{name}.js"></script>\n'
        f"<script>\n{_asset('annotate.js')}</script>\n"
    )
    opened = re.search(r"<head\b[^>]*>", via_page, re.IGNORECASE)
    if opened is None:
        raise ValueError("expected a page that was checked, found one without a head")
    closed = via_page.lower().rindex("</body>")
    # First in the head, because a policy binds only what comes after it. The style wins over
    # VIA's own, which comes later, by `!important`.
    page = via_page[: opened.end()] + head + via_page[opened.end() : closed] + foot
    return page + via_page[closed:]


def project_script(opened: Opened) -> str:
    """The JavaScript that hands a project to its page, and says what it is.

    `VIA_OPENED.digest` tells a draft in a browser which project it began from.
    """
    told = {"from": opened.source, "trouble": opened.trouble}
    told["digest"] = hashlib.sha256(_script_text(opened.project).encode()).hexdigest()[:16]
    return (
        f"window.VIA_PROJECT = {_script_text(opened.project)};\n"
        f"window.VIA_OPENED = {_script_text(told)};\n"
    )


def _script_text(value: object) -> str:
    """A value as JavaScript.

    A browser ends a script at the first ``</script``, wherever it stands, so that no text
    may contain ``</``; everything else outside ASCII is escaped by JSON.
    """
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("</", "<\\/").replace("<!--", "<\\!--")


# ------------------------------------------------------------- index of all clips


@dataclass(frozen=True)
class ClipEntry:
    """One clip on the index page. Addresses are relative to the page; empty if absent.

    `finished` is the path of the finished project, empty while it is awaited.
    """

    clip: str
    keyframes: int
    boxes: int
    persons: int
    project: str
    page: str
    archive: str
    thumbnail: str
    finished: str


def clip_entry(
    clip: str,
    project: str | Path,
    keyframes: str | Path,
    index: str | Path,
    finished: str,
    pages: bool,
    zips: bool = True,
) -> ClipEntry:
    """What the index says of one clip, from its project and its manifest of keyframes.

    The images lie in the folder beside the manifest, named like it; pages and zips lie
    beside the project. `index` is the path of the page that the addresses start from.
    """
    boxes = read_project(project, math.inf).boxes  # of our own making, whatever its size
    files = list(read_table(keyframes, KEYFRAMES)["file"])
    temporary = Path(project).parent
    folder = Path(index).parent

    def address(path: Path) -> str:
        return quote(Path(os.path.relpath(path, folder)).as_posix())

    return ClipEntry(
        clip=clip,
        keyframes=len(files),
        boxes=len(boxes),
        persons=len({box.person for box in boxes}),
        project=address(Path(project)),
        page=address(temporary / f"{clip}.html") if pages else "",
        archive=address(temporary / f"{clip}.zip") if zips else "",
        # The middle of a clip says more about it than its beginning.
        thumbnail=address(Path(keyframes).with_suffix("") / files[len(files) // 2])
        if files
        else "",
        finished=finished,
    )


def index_page(entries: Sequence[ClipEntry], annotations: str, pages: bool) -> str:
    """The html of the page that lists all clips and says what is to be done.

    `annotations` is the folder of finished projects as the user's config names it; `pages`
    says whether each clip has a ready page, or is opened in VIA by hand.
    """
    waiting = [entry for entry in entries if not entry.finished]
    finished = [entry for entry in entries if entry.finished]
    total = len(entries)
    share = 100 * len(finished) / total if total else 0
    done = f"{len(finished)} of {total} clips are finished"
    if not total:
        done = "There are no clips yet"
    values = {
        "style": _asset("index.css"),
        "done": done + ("." if waiting or not total else ": nothing is awaited."),
        "share": f"{share:.1f}",
        "steps": _steps(annotations, pages),
        "get": _no_pages(pages),
        "cards": "\n".join(_card(entry) for entry in [*waiting, *finished]),
    }
    text = _asset("index.html")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], text)


def _steps(annotations: str, pages: bool) -> str:
    folder = f"<code>{html.escape(annotations.rstrip('/'))}/</code>"
    if pages:
        opening = (
            "<b>Open</b> a clip below. Its images and boxes appear by themselves, a finished "
            "clip as it was finished. What you do is kept in this browser as a draft."
        )
        saving = (
            "<b>Save</b> with the blue button. The browser downloads "
            f"<code>CLIP_finish.json</code>: move it into {folder} and run "
            "<code>snakemake</code> again."
        )
    else:
        opening = (
            "<b>Open</b> your copy of VIA 3 from this very folder (put "
            "<code>via_image_annotator.html</code> beside this page: images are found from "
            "there), and in it the clip’s project, by VIA’s button “Open a VIA Project”."
        )
        saving = (
            "<b>Save</b> with VIA’s button “Save current VIA Project”, rename the file to "
            f"<code>CLIP_finish.json</code>, move it into {folder} and run "
            "<code>snakemake</code> again."
        )
    ticking = (
        "<b>Tick</b> what each person does. Move boxes that sit badly, delete those without a "
        "person, draw those that are missing; the number above a box is the person, and is the "
        "same on every image of a clip. A box without a tick is not used."
    )
    return "\n".join(f"<li>{step}</li>" for step in (opening, ticking, saving))


def _no_pages(pages: bool) -> str:
    """One line on how to get pages instead of files of projects."""
    if pages:
        return ""
    return (
        '<p class="get">The clips below are project files for VIA. For a page per clip that '
        "opens it ready to annotate, set <code>via.page: download</code> in the config, or the "
        "path of your own copy of VIA 3, and run <code>snakemake</code> again.</p>\n"
    )


def _card(entry: ClipEntry) -> str:
    address = entry.page or entry.project
    name = html.escape(entry.clip)
    state = "finished" if entry.finished else "awaiting"
    image = (
        f'<img src="{html.escape(entry.thumbnail)}" alt="" loading="lazy">'
        if entry.thumbnail
        else '<span class="nothing">no image</span>'
    )
    facts = ", ".join(
        [
            _counted(entry.keyframes, "image"),
            _counted(entry.boxes, "box", "boxes"),
            _counted(entry.persons, "person"),
        ]
    )
    # Without a page only the project as it was made can be had, not what was finished.
    opening = "Open" if entry.page else "Project, unticked" if entry.finished else "Project file"
    saved = "" if entry.page else " download"
    links = [f'<a class="open" href="{html.escape(address)}"{saved}>{opening}</a>']
    if entry.archive:
        links.append(f'<a href="{html.escape(entry.archive)}" download>Zip to send</a>')
    where = (
        f'<p class="where">{html.escape(entry.finished)}</p>'
        if entry.finished
        else f'<p class="where">save as {name}_finish.json</p>'
    )
    return (
        f'<article class="{state}">\n'
        f'<a class="image" href="{html.escape(address)}"{saved}>{image}'
        f'<span class="state">{state}</span></a>\n'
        f"<h2>{name}</h2>\n<p>{facts}</p>\n{where}\n"
        f'<p class="links">{" ".join(links)}</p>\n</article>'
    )


# ------------------------------------------------------------- zip for an annotator


def write_clip_zip(
    path: str | Path,
    clip: str,
    project: str | Path,
    images: Sequence[str | Path],
    page: str | Path | None = None,
    script: str | Path | None = None,
    attributes: Sequence[tuple[str, Sequence[str]]] = (),
) -> None:
    """Write everything an annotator needs for one clip into a zip, with instructions.

    The files keep their places relative to each other, so that the project inside is byte
    by byte the one in the results. `attributes` are names and options for the instructions.
    The same files always give the same zip.
    """
    files = {f"{clip}/via/{clip}.json": Path(project).read_bytes()}
    if page and script:
        files[f"{clip}/via/{clip}.html"] = Path(page).read_bytes()
        files[f"{clip}/via/{clip}.js"] = Path(script).read_bytes()
    for image in images:
        files[f"{clip}/keyframes/{clip}/{Path(image).name}"] = Path(image).read_bytes()
    readme = _instructions(clip, bool(page and script), attributes)
    files[f"{clip}/README.txt"] = readme.encode("utf-8")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, ZIP_DATE)
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = 0o100644 << 16
            # Images are compressed already.
            stored = name.endswith(".jpg")
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    write_bytes(path, buffer.getvalue())


def _instructions(
    clip: str, has_page: bool, attributes: Sequence[tuple[str, Sequence[str]]]
) -> str:
    if has_page:
        opening = f"Open via/{clip}.html in a browser (Chrome, Edge or Firefox)."
        saving = f"Press the blue Save button. The browser downloads {clip}_finish.json."
        later = "Your work is also kept in the browser: to go on later, open the page again."
    else:
        opening = (
            "Copy via_image_annotator.html of VIA 3 into the folder via/ and open it from\n"
            f"   there in a browser. Press 'Open a VIA Project' and choose via/{clip}.json."
        )
        saving = (
            f"Press 'Save current VIA Project' and rename the saved file to {clip}_finish.json."
        )
        later = "To go on later, open that file again by 'Open a VIA Project'."
    listed = "\n".join(
        f"   {name}: {', '.join(options)}" for name, options in attributes if options
    )
    return f"""Clip {clip}: what do these persons do?

Unpack the zip first: a browser cannot open the page from inside it.

1. {opening}
   The images appear with a box around every person that was found.

2. Click a box and tick everything that this person does at that moment.
{listed}
   - The number above a box is the person. It stays the same on every image: correct it
     where two persons were mixed up.
   - Click a box that sits badly, then drag it or one of its handles.
   - Delete a box that shows no person (key Del).
   - Drag on the image to draw a box around a person who has none.
   - Next image: key n. Previous image: key p.
   A box without a tick is not used.

3. {saving}
   Send that file back. {later}
"""


# ------------------------------------------------------------- pieces


def _decoded(content: bytes) -> str:
    # VIA is UTF-8; bytes that are not come out as they came in.
    return content.decode("utf-8-sig", errors="surrogateescape")


def _checked(text: str, name: str) -> str:
    missing = [hook for hook in HOOKS if hook not in text]
    if not re.search(r"<head\b[^>]*>", text, re.IGNORECASE):
        missing.append("<head>")
    if not missing:
        return text
    found = "a page without " + ", ".join(f"`{part}`" for part in missing)
    if "_via_region_attributes" in text or "via_region_attributes" in text:
        found = "a page of VIA 2"
    elif "<html" not in text.lower():
        found = "no html page"
    raise _other_file(name, found)


def _other_file(name: str, found: str) -> UserError:
    return UserError(
        f"{name}: {EXPECTED_PAGE}; found {found}. Set `via.page` (or `via.url`, where the page is "
        "`download`) to the right one."
    )


def _interleaved(attributes: Mapping[str, Mapping]) -> list[str]:
    """Style rules that put each attribute's name above its value, the person on top."""
    # JavaScript goes through keys that are numbers in their order, then through the others.
    ordered = sorted(attributes, key=lambda aid: (0, int(aid)) if aid.isdigit() else (1, 0))
    rules = []
    for number, aid in enumerate(ordered, start=1):
        place = 0 if attributes[aid]["aname"] == PERSON_ATTRIBUTE else 2 * number
        for cell, order in (("th", place), ("td", place + 1)):
            rules.append(
                f"#smetadata_container {cell}:nth-child({number}) {{ order: {order} !important; }}"
            )
    return rules


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
