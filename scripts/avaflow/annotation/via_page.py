"""What an annotator opens: a VIA page per clip, an index of all clips, a zip to send.

VIA itself is the user's own copy of VIA 3 (one html file). A page is that file with the
clip's project loaded and a few comforts added; the additions are in `via_page_assets/`.
"""

import html
import io
import json
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from avaflow.annotation.via import read_project
from avaflow.errors import UserError
from avaflow.files import write_bytes
from avaflow.tables import KEYFRAMES, read_table

ASSETS = Path(__file__).parent / "via_page_assets"

EXPECTED_PAGE = (
    "expected via_image_annotator.html or via_video_annotator.html of VIA 3 "
    "(tested with 3.0.11), or the zip they come in"
)

ANNOTATOR_PAGES = ("via_image_annotator.html", "via_video_annotator.html")
"""The pages of VIA 3 that show pictures, the one made for pictures first."""

HOOKS = ("_via_file_annotator", "project_load_json", "new _via(", "</body>")
"""What our page calls in VIA's own, by which VIA 3 is told from other pages."""

CONTENT_POLICY = "default-src 'self' 'unsafe-inline' file: data: blob:"
"""Lets the page read its own folder only: VIA's page loads an analytics script from outside,
and pictures of people are nobody else's business."""

MAX_PAGE_BYTES = 20_000_000
"""VIA's page has under half a megabyte; a zip member of more than this is something else."""

ZIP_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest date a zip can hold, so that the same files give the same bytes."""


def page_from_download(content: bytes, name: str) -> str:
    """The html text of VIA's annotator, from its html file or from VIA's zip.

    `name` is the path or address for error messages. Raises UserError if the content holds
    no page of VIA 3.
    """
    if not content.startswith(b"PK"):
        return _checked(_decoded(content), name)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [m for m in archive.infolist() if m.filename.lower().endswith(".html")]
            for wanted in ANNOTATOR_PAGES:
                for member in members:
                    base = PurePosixPath(member.filename).name
                    if base == wanted and member.file_size <= MAX_PAGE_BYTES:
                        text = _decoded(archive.read(member))
                        return _checked(text, f"{name}, {member.filename}")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise UserError(
            f"{name}: the zip cannot be read ({error}). Download it again; {EXPECTED_PAGE}."
        ) from None
    found = ", ".join(sorted(member.filename for member in members)[:6]) or "no html file"
    raise UserError(f"{name}: {EXPECTED_PAGE}; found {found}. Set `via.page` to the right file.")


def read_page(path: str | Path) -> str:
    """The html text of the user's VIA page or zip; UserError if it is not VIA 3's."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; `via.page` {EXPECTED_PAGE}.")
    return page_from_download(path.read_bytes(), str(path))


def clip_page(via_page: str, clip: str, attribute_count: int) -> str:
    """VIA's page with one clip's project loaded from the script ``{clip}.js`` beside it.

    `attribute_count` is the number of attributes of a box, the person among them.
    """
    style = "\n".join([_asset("annotate.css"), *_interleaved(attribute_count)])
    head = (
        f'\n<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">'
        f"\n<style>\n{style}\n</style>\n"
    )
    foot = (
        f'<script src="{html.escape(quote(clip))}.js"></script>\n'
        f"<script>\n{_asset('annotate.js')}</script>\n"
    )
    opened = re.search(r"<head\b[^>]*>", via_page, re.IGNORECASE)
    closed = via_page.lower().rindex("</body>")
    # First in the head, because a policy binds only what comes after it. The style wins over
    # VIA's own, which comes later, by `!important`.
    page = via_page[: opened.end()] + head + via_page[opened.end() : closed] + foot
    return page + via_page[closed:]


def project_script(project: Mapping) -> str:
    """The JavaScript that hands a project to its page.

    A browser ends a script at the first ``</script``, wherever it stands, so that no text
    of the project may contain ``</``; everything else outside ASCII is escaped by JSON.
    """
    text = (
        json.dumps(project, separators=(",", ":")).replace("</", "<\\/").replace("<!--", "<\\!--")
    )
    return f"window.VIA_PROJECT = {text};\n"


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

    The pictures lie in the folder beside the manifest, named like it; pages and zips lie
    beside the project. `index` is the path of the page that the addresses start from.
    """
    boxes = read_project(project).boxes
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
        "cards": "\n".join(_card(entry) for entry in [*waiting, *finished]),
    }
    text = _asset("index.html")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], text)


def _steps(annotations: str, pages: bool) -> str:
    folder = f"<code>{html.escape(annotations.rstrip('/'))}/</code>"
    if pages:
        opening = "<b>Open</b> a clip below. Its pictures and boxes appear by themselves."
        saving = (
            "<b>Save</b> with the blue button. The browser downloads "
            f"<code>CLIP_finish.json</code>: move it into {folder} and run "
            "<code>snakemake</code> again. To go on with a clip later, open its page and then "
            "the saved file, by VIA’s button “Open a VIA Project”."
        )
    else:
        opening = (
            "<b>Open</b> your copy of VIA 3 from this very folder (put "
            "<code>via_image_annotator.html</code> beside this page: pictures are found from "
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
        "same on every picture of a clip. A box without a tick is not used."
    )
    return "\n".join(f"<li>{step}</li>" for step in (opening, ticking, saving))


def _card(entry: ClipEntry) -> str:
    address = entry.page or entry.project
    name = html.escape(entry.clip)
    state = "finished" if entry.finished else "awaiting"
    picture = (
        f'<img src="{html.escape(entry.thumbnail)}" alt="" loading="lazy">'
        if entry.thumbnail
        else '<span class="nothing">no picture</span>'
    )
    facts = ", ".join(
        [
            _counted(entry.keyframes, "picture"),
            _counted(entry.boxes, "box", "boxes"),
            _counted(entry.persons, "person"),
        ]
    )
    # A finished clip opens without its ticks: the page holds the project as it was made.
    opening = ("Open" if entry.page else "Project") + (" anew" if entry.finished else "")
    links = [f'<a class="open" href="{html.escape(address)}">{opening}</a>']
    if entry.archive:
        links.append(f'<a href="{html.escape(entry.archive)}" download>Zip to send</a>')
    where = (
        f'<p class="where">{html.escape(entry.finished)}</p>'
        if entry.finished
        else f'<p class="where">save as {name}_finish.json</p>'
    )
    return (
        f'<article class="{state}">\n'
        f'<a class="picture" href="{html.escape(address)}">{picture}'
        f'<span class="state">{state}</span></a>\n'
        f"<h2>{name}</h2>\n<p>{facts}</p>\n{where}\n"
        f'<p class="links">{" ".join(links)}</p>\n</article>'
    )


# ------------------------------------------------------------- zip for an annotator


def write_clip_zip(
    path: str | Path,
    clip: str,
    project: str | Path,
    pictures: Sequence[str | Path],
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
    for picture in pictures:
        files[f"{clip}/keyframes/{clip}/{Path(picture).name}"] = Path(picture).read_bytes()
    readme = _instructions(clip, bool(page and script), attributes)
    files[f"{clip}/README.txt"] = readme.encode("utf-8")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, ZIP_DATE)
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = 0o100644 << 16
            # Pictures are compressed already.
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
    else:
        opening = (
            "Copy via_image_annotator.html of VIA 3 into the folder via/ and open it from\n"
            f"   there in a browser. Press 'Open a VIA Project' and choose via/{clip}.json."
        )
        saving = (
            f"Press 'Save current VIA Project' and rename the saved file to {clip}_finish.json."
        )
    listed = "\n".join(
        f"   {name}: {', '.join(options)}" for name, options in attributes if options
    )
    return f"""Clip {clip}: what do these persons do?

Unpack the zip first: a browser cannot open the page from inside it.

1. {opening}
   The pictures appear with a box around every person that was found.

2. Click a box and tick everything that this person does at that moment.
{listed}
   - The number above a box is the person. It stays the same on every picture: correct it
     where two persons were mixed up.
   - Drag a box or its edge where it sits badly.
   - Delete a box that shows no person (key Del).
   - Drag on the picture to draw a box around a person who has none.
   - Next picture: key n. Previous picture: key p.
   A box without a tick is not used.

3. {saving}
   Send that file back. To go on later, open it again by 'Open a VIA Project'.
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
    raise UserError(f"{name}: {EXPECTED_PAGE}; found {found}. Set `via.page` to the right file.")


def _interleaved(attribute_count: int) -> list[str]:
    """Style rules that put each attribute's name above its value, the person on top."""
    rules = []
    for number in range(1, attribute_count + 1):
        place = 0 if number == attribute_count else 2 * number
        for cell, order in (("th", place), ("td", place + 1)):
            rules.append(
                f"#smetadata_container {cell}:nth-child({number}) {{ order: {order} !important; }}"
            )
    return rules


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
