"""Facts about source videos, and refusal of files that are not what they pose as.

Videos come from strangers: a file is looked at before any library opens it, and it is
opened with a whitelist of containers and of the one protocol ``file``, so that a
playlist with a video's name can reach neither the network nor other files.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from avaflow.errors import BadVideo, UserError
from avaflow.files import write_text

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,av1,ivf,obu,"
    "flv,asf,ogg,mxf,dv,wtv,rm,nut,gif,mjpeg,y4m,yuv4mpegpipe"
)
"""Names of ffmpeg demuxers that hold one video in one file. HLS, DASH, concat, image
sequences, SDP and the like, which name other files, are left out."""

OPEN_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
"""Options for every library or program that opens a video of a stranger."""

PLAYLIST_MARKS = (b"#EXTM3U", b"ffconcat", b"<?xml", b"<MPD", b"<smil", b"[playlist]", b"v=0\r")
"""First bytes of files that name other files instead of holding an image."""

END_TOLERANCE_SECONDS = 0.05
"""How far a wished end may lie past the measured one: one frame at 20 frames a second,
because containers round the last frame's duration."""

TRUNCATION_SECONDS = 1.0
"""A file whose last image lies this much before the length its header gives is cut short."""

JUMPING_CONTAINERS = {"mpegts", "mpeg"}
"""Streams of broadcasts and discs, whose clock may jump: pieces are joined byte by byte, and
a recorder that lost its signal starts anew. They have no index either, so all is read."""

STEP_BACK_SECONDS = 0.1
"""A stream's decoding times never go back in one recording; this much is forgiven."""

STEP_FORWARD_SECONDS = {True: 10.0, False: 30.0}
"""A longer step of the clock joins two recordings: with sound, which goes on while an image
stands still, as ffmpeg judges; without, a still image of half a minute is believed."""

MATROSKA = "matroska,webm"
"""ffmpeg's name for the demuxer of .mkv and .webm."""

TAIL_SECONDS = 2.0
"""So much of the end of a container without an index is read for its last image."""

PACKET_CLOCKS = {"avi"}
"""Containers that state no times, but count packets in the order of decoding."""

MEGAPIXELS = 1_000_000

HOUR_SECONDS = 3600

TONES = {16: "PQ (HDR10)", 18: "HLG"}
"""Transfer characteristics of ITU-T H.273 whose images look flat unless tone is mapped."""


class Limits(NamedTuple):
    """What is opened at most: pixels of an image, hours of a video."""

    image_pixels: int = 100_000_000
    video_hours: float = 48


_limits = Limits()


def use_limits(limits: Mapping) -> None:
    """Let :func:`probe` refuse what is beyond these from now on; the config's `limits`."""
    global _limits
    _limits = Limits(**limits)


@dataclass(frozen=True)
class VideoFacts:
    """What a video's header and last packets say.

    `container` is ffmpeg's name for the file's format; `duration` is the time from second 0
    to the end of its last image, in seconds; `width` and `height` are pixels as stored,
    before any rotation; `sar` is a pixel's width over its height, and `sound` tells whether
    there is any. `stream` is the number of the image's stream in the file, and `zero`
    where second 0 lies on the file's clock (:func:`second_zero`). `matrix` and `transfer` are
    the stream's colour tags as numbers of ITU-T H.273; 2 says that there is none.
    """

    container: str
    duration: float
    width: int
    height: int
    fps: float
    codec: str
    interlaced: bool
    sar: float = 1.0
    sound: bool = False
    stream: int = 0
    zero: float = 0.0
    matrix: int = 2
    transfer: int = 2


def file_url(path: str | Path) -> str:
    """A path as an ffmpeg address that no name (``concat:...``, ``-y``) can turn around."""
    return f"file:{path}"


def second_zero(container) -> float:
    """Where second 0 of an opened video lies on its file's own clock, in seconds.

    This is the rule for every time in avaflow. Second 0 is the moment at which the file
    begins to play: the begin of its image or of its sound, whichever is earlier. Players
    count from there, and so does `ffmpeg -ss`. What follows from it:

    * An image that begins later than the sound (.ts and .m2ts often, seldom others) keeps its
      place beside the sound; until it begins, the first image is shown.
    * A begin that all streams share is taken off: .ts files begin at 1.4 s or at hours, and
      a piece cut out of a video may keep its old times.
    * An mp4's edit list counts: what it leaves out is not there, what it delays comes later.
    * .avi states no times, but counts packets in the order of decoding. There the first
      image begins at its stream's begin, however late B-frames let it be decoded.
    """
    if container.start_time is not None:
        return container.start_time / 1_000_000
    begins = [s.start_time * s.time_base for s in container.streams if s.start_time is not None]
    return float(min(begins, default=0))


def image_stream(container):
    """The stream of an opened video that holds its images; None if there is none."""
    return next((s for s in container.streams.video if not _is_cover_image(s)), None)


def probe(path: str | Path, clock_checked: bool = False) -> VideoFacts:
    """Facts of a video file.

    With `clock_checked` somebody has looked for jumps of the clock before: the many jobs that
    cut clips out of one recording need not read all of it each.

    Raises BadVideo for a missing or empty file, a folder, a playlist, something that is
    no video, a file without an image stream, a file that was cut short, one whose clock jumps,
    and one beyond the limits of :func:`use_limits`.
    """
    import av

    path = Path(path)
    _refuse_by_look(path)
    try:
        with av.open(file_url(path), options=OPEN_OPTIONS) as container:
            stream = image_stream(container)
            if stream is None:
                kinds = sorted({str(one.type) for one in container.streams})
                raise BadVideo.named(
                    path,
                    f"expected a video, found a file with {' and '.join(kinds) or 'nothing'} only",
                    "Give a file with an image, or take its row out of your table.",
                )
            context = stream.codec_context
            rate = stream.average_rate or stream.guessed_rate
            _refuse_large(path, context.width, context.height)
            if not context.width or not context.height:
                raise BadVideo.named(
                    path,
                    "the header gives no image size, so the file was cut short or is damaged",
                    "Copy or download it again.",
                )
            duration = _duration(path, container, stream, clock_checked)
            _refuse_long(path, duration)
            return VideoFacts(
                container=container.format.name,
                duration=duration,
                width=context.width,
                height=context.height,
                fps=float(rate) if rate else 0.0,
                codec=context.name,
                interlaced=context.field_order not in (0, 1, None, "unknown", "progressive"),
                sar=float(stream.sample_aspect_ratio or 1),
                sound=bool(container.streams.audio),
                stream=stream.index,
                zero=second_zero(container),
                matrix=int(context.colorspace),
                transfer=int(context.color_trc),
            )
    except av.error.FFmpegError as error:
        raise _unreadable(path, error) from error


def _refuse_large(path: Path, width: int, height: int) -> None:
    if width * height > _limits.image_pixels:
        raise BadVideo.named(
            path,
            f"its image has {width} x {height} pixels, more than the "
            f"{_limits.image_pixels / MEGAPIXELS:g} million of limits.image_pixels",
            "If it is what it says, raise that limit: one image takes "
            f"{3 * width * height / MEGAPIXELS:.0f} MB and more. Else take its row out.",
        )


def _refuse_long(path: Path, duration: float) -> None:
    if duration > _limits.video_hours * HOUR_SECONDS:
        raise BadVideo.named(
            path,
            f"it lasts {duration / HOUR_SECONDS:.1f} hours, more than the "
            f"{_limits.video_hours:g} of limits.video_hours",
            "If it is what it says, raise that limit. Else take its row out.",
        )


def _refuse_by_look(path: Path) -> None:
    try:
        _look(path)
    except PermissionError:
        raise UserError(
            f"{path}: the file may not be read. Give the user who runs this the right to."
        ) from None
    except OSError as error:
        raise UserError(f"{path}: the file cannot be read ({error.strerror}).") from None


def _look(path: Path) -> None:
    if not path.exists():
        raise BadVideo.named(
            path, "the video is missing", "Put it there or correct the clips table."
        )
    if path.is_dir():
        raise BadVideo.named(path, "expected a video file, found a folder", "Name a file in it.")
    if path.stat().st_size == 0:
        raise BadVideo.named(path, "the file is empty (0 bytes)", "Copy or download it again.")
    with open(path, "rb") as stream:
        head = stream.read(4096)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if any(start.lower().startswith(mark.lower()) for mark in PLAYLIST_MARKS):
        raise BadVideo.named(
            path,
            "this is a playlist, not a video: it only names other files, and avaflow does not "
            "follow it",
            "Download the video it stands for and give that file.",
        )
    if _is_text(head):
        shown = head[:40].decode("utf-8", "replace").splitlines()[0]
        raise BadVideo.named(
            path,
            f"expected a video, found a text file that begins with {shown!r}",
            "A failed download often leaves such a page: fetch the video again.",
        )


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A multi-byte letter may be cut by the end of what was read.
        if error.start < len(head) - 4:
            return False
        text = head[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter in "\r\n\t\ufeff" for letter in text)


def _is_cover_image(stream) -> bool:
    """Music files carry a cover as a one-image video stream."""
    import av

    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _duration(path: Path, container, stream, clock_checked: bool) -> float:
    """Seconds from second 0 to the end of the last image, by the packets.

    Only the packets after the last key frame are read where the container can seek; a
    header's own figure is not trusted, because a file that broke off keeps it. Where the
    clock may jump, every packet is read, unless that was done before.
    """
    import av

    zero = second_zero(container)
    headless = container.format.name in JUMPING_CONTAINERS
    jumping = headless and not clock_checked
    claimed = None
    if jumping:
        pass
    elif stream.duration is not None:
        first = stream.start_time or 0
        claimed = float((first + stream.duration) * stream.time_base) - zero
    elif container.duration is not None:
        claimed = container.duration / 1_000_000
    # Without a length of its own an image stream may well end before the sound does.
    # Where there is no header, ffmpeg guessed it from the file's end.
    comparable = (stream.duration is not None or len(container.streams) == 1) and not headless
    last = None
    if claimed is not None:
        try:
            # A jump without an index may land between the last image and its B-frames.
            margin = TAIL_SECONDS if headless else 0.0
            target = int((claimed + zero - margin) / stream.time_base) - 1
            container.seek(max(target, 0), stream=stream, backward=True)
            last = _last_image_end(container, stream)
        except av.error.FFmpegError:
            last = None
    if last is None and not jumping:
        try:
            container.seek(0)
        except av.error.FFmpegError as error:
            raise _unreadable(path, error) from error
    if last is None:
        last = _last_image_end(container, stream, path if jumping else None)
    if last is None:
        raise BadVideo.named(
            path,
            "there is no image in the file, so it was cut short or is damaged",
            "Copy or download it again.",
        )
    measured = last - zero
    # Matroska counts its length from its clock's 0, wherever the first image lies.
    reached = max(measured, last) if container.format.name == MATROSKA else measured
    if claimed is not None and comparable and reached < claimed - TRUNCATION_SECONDS:
        raise BadVideo.named(
            path,
            f"the header promises {claimed:.2f} s, but the images end at {measured:.2f} s: the "
            "file was cut short",
            "Copy or download it again.",
        )
    return measured


def _last_image_end(container, stream, jumping: Path | None = None) -> float | None:
    """End of the latest packet from here on, on the file's clock; None without one.

    With the path of a file in `jumping`, the sound's packets are read as well, and UserError
    tells where the clock jumps.
    """
    import av

    end = None
    rate = stream.average_rate or stream.guessed_rate
    usual = float(1 / rate) if rate else 0.0
    counted = container.format.name in PACKET_CLOCKS
    clock = _Clock(jumping, container) if jumping else None
    try:
        for packet in container.demux([stream, *(container.streams.audio if jumping else ())]):
            if clock and packet.size and not packet.is_corrupt:
                clock.check(packet)
            if packet.stream_index != stream.index:
                continue
            time = packet.dts if counted else packet.pts
            if time is None or not packet.size or packet.is_corrupt:
                continue
            length = float(packet.duration * stream.time_base) if packet.duration else usual
            here = float(time * stream.time_base) + length
            end = here if end is None else max(end, here)
    except av.error.FFmpegError:
        # What was read up to the damage stands; the caller compares it with the header.
        return end
    return end


class _Clock:
    """Follows the decoding times of a file's packets and tells of jumps."""

    def __init__(self, path: Path, container):
        self.path = path
        self.zero = second_zero(container)
        self.forward = STEP_FORWARD_SECONDS[bool(container.streams.audio)]
        self.times: dict[int, float] = {}
        self.latest: float | None = None

    def check(self, packet) -> None:
        """Take a packet's time; UserError if the clock jumped before it."""
        if packet.dts is None:
            return
        now = float(packet.dts * packet.time_base)
        before = self.times.get(packet.stream_index, now)
        latest = now if self.latest is None else self.latest
        if now < before - STEP_BACK_SECONDS:
            self._tell(before, now)
        if now > latest + self.forward:
            self._tell(latest, now)
        self.times[packet.stream_index] = now
        self.latest = max(latest, now)

    def _tell(self, before: float, now: float) -> None:
        direction = "back" if now < before else "on"
        raise BadVideo.named(
            self.path,
            f"its clock jumps at second {before - self.zero:.2f} {direction} to second "
            f"{now - self.zero:.2f}: the file was put together from several recordings, so its "
            "seconds have no one meaning",
            "Write it anew with one clock and use that file: "
            f"ffmpeg -i {self.path.name} -c copy {self.path.stem}.mkv",
        )


def _unreadable(path: Path, error: Exception) -> BadVideo:
    reason = getattr(error, "strerror", None) or str(error)
    log = getattr(error, "log", None)
    detail = f"; {log[2].strip()}" if log else ""
    return BadVideo.named(
        path,
        f"no video could be read from it ({reason}{detail})",
        "It is not a video, was cut short, or is a kind that avaflow does not open. Copy or "
        "download it again, or convert it.",
    )


class ProbeCache:
    """Facts of many videos, kept in a file by each video's path, size and change time.

    Looking into a video takes some 10 ms; a plan over thousands of clips asks again at
    every start. Errors are not kept: a fixed file is looked at anew.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._facts: dict[str, dict] = {}
        self._changed = False
        try:
            loaded = json.loads(self.path.read_text(encoding="utf-8"))
            self._facts = loaded if isinstance(loaded, dict) else {}
        except (OSError, ValueError):
            pass  # no cache yet, or one cut short: everything is looked at anew

    def probe(self, video: str | Path) -> VideoFacts:
        """As :func:`probe`, from the cache where the file has not changed since."""
        video = Path(video)
        try:
            stat = os.stat(video)
        except OSError:
            return probe(video)
        key = f"{video}|{stat.st_size}|{stat.st_mtime_ns}"
        known = self._facts.get(key)
        if isinstance(known, Mapping) and set(known) == set(VideoFacts.__dataclass_fields__):
            kept = VideoFacts(**known)
            # The limits may be others than when it was looked at.
            _refuse_large(video, kept.width, kept.height)
            _refuse_long(video, kept.duration)
            return kept
        facts = probe(video)
        self._facts[key] = asdict(facts)
        self._changed = True
        return facts

    def save(self, videos: Iterable[str | Path]) -> None:
        """Write the cache, if it changed, keeping only entries of these videos."""
        if not self._changed:
            return
        names = {str(video) for video in videos}
        kept = {key: v for key, v in self._facts.items() if key.rsplit("|", 2)[0] in names}
        # A full or read-only disk costs the next start some time, and is no reason to stop here.
        with suppress(OSError):
            write_text(self.path, json.dumps(kept, indent=1, sort_keys=True) + "\n")
        self._changed = False
