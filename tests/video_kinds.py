"""Some hundred kinds of numbered videos: containers, codecs, rates, clocks; and their truth."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from numbered_videos import make_video, read_number, run_ffmpeg

SIZE = (160, 96)
SECONDS = 7

CODECS = {
    "h264": ("libx264", "-preset", "ultrafast", "-crf", "20", "-bf", "0", "-g", "75"),
    "h264b": ("libx264", "-preset", "veryfast", "-crf", "20", "-bf", "3", "-g", "250"),
    "h264open": ("libx264", "-crf", "20", "-bf", "3", "-g", "45", "-x264-params", "open-gop=1"),
    "h264gop": ("libx264", "-preset", "veryfast", "-crf", "20", "-bf", "3", "-g", "45"),
    "hevc": ("libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=60"),
    "mpeg4": ("mpeg4", "-q:v", "3", "-g", "100"),
    "mpeg4b": ("mpeg4", "-q:v", "3", "-g", "60", "-bf", "2"),
    "mpeg2": ("mpeg2video", "-q:v", "3", "-g", "30", "-bf", "2"),
    "mpeg1": ("mpeg1video", "-q:v", "3", "-g", "30"),
    "vp8": ("libvpx", "-b:v", "800k", "-deadline", "realtime", "-cpu-used", "8"),
    "vp9": ("libvpx-vp9", "-b:v", "800k", "-deadline", "realtime", "-cpu-used", "8"),
    "mjpeg": ("mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p"),
    "ffv1": ("ffv1",),
    "prores": ("prores", "-pix_fmt", "yuv422p10le"),
    "flv1": ("flv", "-q:v", "3", "-g", "60"),
    "wmv2": ("wmv2", "-q:v", "3", "-g", "60"),
    "theora": ("libtheora", "-q:v", "8"),
}

IN_CONTAINERS = {
    "mp4": ("h264", "h264b", "h264open", "hevc", "mpeg4", "mjpeg", "vp9"),
    "mov": ("h264b", "prores", "mjpeg"),
    "mkv": ("h264b", "h264open", "hevc", "mpeg4b", "mpeg2", "vp8", "vp9", "mjpeg", "ffv1"),
    "webm": ("vp8", "vp9"),
    "avi": ("h264", "h264b", "mpeg4", "mpeg4b", "mpeg2", "mjpeg"),
    "flv": ("h264b", "flv1"),
    "mpg": ("mpeg2", "mpeg1"),
    "ts": ("h264", "h264b", "hevc", "mpeg2"),
    "m2ts": ("h264b", "hevc"),
    "wmv": ("wmv2",),
    "asf": ("mpeg4",),
    "ogv": ("theora",),
    "nut": ("h264b",),
}

RATES = ("12", "24000/1001", "24", "25", "30000/1001", "50", "60000/1001")

SOUNDS = {
    "mp4": "aac",
    "mov": "aac",
    "mkv": "aac",
    "webm": "libopus",
    "flv": "aac",
    "avi": "libmp3lame",
    "mpg": "mp2",
    "ts": "aac",
    "m2ts": "ac3",
}


@dataclass(frozen=True)
class Kind:
    """A kind of file. `make` writes it, given its path and a folder of material.

    `lead` is how much later than second 0 its first image begins, as made; the rest of the
    truth is read from the file, or follows from `rate` alone where the file states no times.
    """

    name: str
    make: Callable[[Path, "Material"], None]
    rate: float
    lead: float = 0.0

    @property
    def suffix(self) -> str:
        return self.name.split("-")[0]


class Material:
    """Encoded images, each codec and rate made once."""

    def __init__(self, folder: Path):
        self.folder = folder

    def images(self, codec: str, rate: str = "30") -> Path:
        """Numbered images of a constant rate, in a container that states it exactly."""
        suffix = "mp4" if codec.startswith(("h264", "hevc", "mpeg4")) else "nut"
        path = self.folder / f"{codec}-{rate.replace('/', '_')}.{suffix}"
        if not path.exists():
            encoder, *options = CODECS[codec]
            if "-pix_fmt" not in options:
                options += ["-pix_fmt", "yuv420p"]
            output = ("-c:v", encoder, *options)
            make_video(path, round(value(rate) * SECONDS), rate, SIZE, output)
        return path


def image_codec(codec: str, path: Path) -> tuple[str, ...]:
    """How images come into a file: unchanged, but for .mpg, whose writer mixes up their times."""
    if path.suffix != ".mpg":
        return ("-c:v", "copy")
    encoder, *options = CODECS[codec]
    return ("-c:v", encoder, *options, "-fps_mode", "passthrough")


def value(rate: str) -> float:
    top, bottom = (int(part) for part in f"{rate}/1".split("/")[:2])
    return top / bottom


def sound(seconds: float = SECONDS) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"sine=440:duration={seconds}")


def plain(codec: str, rate: str = "30", *options: str):
    def make(path: Path, material: Material) -> None:
        source = material.images(codec, rate)
        run_ffmpeg("-i", str(source), *image_codec(codec, path), *options, str(path))

    return make


def with_sound(codec: str, later: float = 0.0, sound_later: float = 0.0, rate: str = "30"):
    """Images and sound; one of them may begin later than the other."""

    def make(path: Path, material: Material) -> None:
        source = material.images(codec, rate)
        run_ffmpeg(
            *("-itsoffset", str(later), "-i", str(source)),
            *("-itsoffset", str(sound_later), *sound()),
            *("-map", "0:v", "-map", "1:a", *image_codec(codec, path)),
            *("-c:a", SOUNDS[path.suffix[1:]], str(path)),
        )

    return make


def copy_cut(codec: str, container: str, at: float, *options: str, audio: bool = True):
    """A piece cut out without encoding, as `ffmpeg -ss ... -c copy` does."""

    def make(path: Path, material: Material) -> None:
        whole = material.folder / f"whole-{codec}-{audio}.{container}"
        if not whole.exists():
            source = material.images(codec)
            extra = (*sound(), "-c:a", SOUNDS[container]) if audio else ()
            run_ffmpeg("-i", str(source), *extra, "-c:v", "copy", str(whole))
        run_ffmpeg("-ss", str(at), "-i", str(whole), "-c", "copy", *options, str(path))

    return make


def filtered(codec: str, filters: str, frames: int = 0):
    """Images at times of their own: variable rate."""

    def make(path: Path, material: Material) -> None:
        encoder, *options = CODECS[codec]
        output = ("-c:v", encoder, *options, "-pix_fmt", "yuv420p", "-fps_mode", "passthrough")
        make_video(path, frames or 30 * SECONDS, "30", SIZE, output, filters)

    return make


UNEVEN = "settb=1/1000,setpts='1000*(N/30+0.012*mod(N,3))'"
STILL = "settb=1/1000,setpts='1000*if(lt(N,75),N/30,N/30+5)'"
"""Images until 2.5 s, then a still one until 7.5 s."""


def kinds() -> list[Kind]:
    """All kinds, named container first."""
    found = []
    for container, codecs in IN_CONTAINERS.items():
        found += [Kind(f"{container}-{codec}", plain(codec), 30) for codec in codecs]
    for container, codec in (("mp4", "h264b"), ("mkv", "h264"), ("ts", "h264b")):
        for rate in RATES:
            name = f"{container}-{codec}-{rate.replace('/', '_')}"
            found.append(Kind(name, plain(codec, rate), value(rate)))
    found.append(Kind("avi-mpeg4-25", plain("mpeg4", "25"), 25))
    found.append(Kind("avi-h264b-24", plain("h264b", "24"), 24))
    for container in SOUNDS:
        codec = {"webm": "vp8", "mpg": "mpeg2"}.get(container, "h264b")
        found.append(Kind(f"{container}-sound", with_sound(codec), 30))
    for container in ("mp4", "mov", "mkv", "flv", "ts", "m2ts"):
        early = with_sound("h264b", later=0.73)
        found.append(Kind(f"{container}-sound-early", early, 30, lead=0.73))
    found.append(Kind("mpg-sound-early", with_sound("mpeg2", later=0.73), 30, lead=0.73))
    for container in ("mp4", "mkv", "ts", "m2ts"):
        late = with_sound("h264", sound_later=0.5)
        found.append(Kind(f"{container}-sound-late", late, 30))
    for container in ("mp4", "mkv", "ts", "m2ts"):
        early = with_sound("h264b", later=0.3, rate="24000/1001")
        found.append(Kind(f"{container}-sound-early-23", early, 23.976, lead=0.3))
    offset = "-output_ts_offset"
    found += [
        Kind("mp4-late", plain("h264b", "30", offset, "5"), 30),
        Kind("mkv-late", plain("h264b", "30", offset, "5"), 30),
        Kind("ts-no-delay", plain("h264b", "30", "-muxdelay", "0", "-muxpreload", "0"), 30),
        # The clock of .ts has 33 bits and begins anew after 95443.7 s.
        Kind("ts-clock-overflows", plain("h264b", "30", offset, "95440"), 30),
        Kind("mp4-fragments", plain("h264b", "30", "-movflags", "frag_keyframe+empty_moov"), 30),
        Kind("mkv-live", plain("h264b", "30", "-live", "1"), 30),
        Kind("mp4-copy-cut", copy_cut("h264", "mp4", 1.21), 30),
        Kind("mp4-copy-cut-b", copy_cut("h264open", "mp4", 1.21), 30),
        Kind("mov-copy-cut", copy_cut("h264", "mov", 1.21, audio=False), 30),
        Kind("mkv-copy-cut", copy_cut("h264open", "mkv", 1.21), 30),
        Kind("flv-copy-cut", copy_cut("h264", "flv", 1.21), 30),
        Kind("ts-copy-cut", copy_cut("h264gop", "ts", 1.21), 30),
        Kind("ts-copy-cut-silent", copy_cut("h264gop", "ts", 1.21, audio=False), 30),
        Kind("mp4-uneven", filtered("h264b", UNEVEN), 30),
        Kind("mkv-uneven", filtered("h264b", UNEVEN), 30),
        Kind("ts-uneven", filtered("h264b", UNEVEN), 30),
        Kind("mp4-still", filtered("h264b", STILL, 180), 30),
        Kind("mkv-still", filtered("h264b", STILL, 180), 30),
        Kind("flv-still", filtered("h264b", STILL, 180), 30),
        Kind("ts-still", filtered("h264b", STILL, 180), 30),
    ]
    return found


def truth(path: Path, kind: Kind) -> list[tuple[float, int]]:
    """Begin in seconds of the video and number of every image, in order of time.

    Read in one pass from the file's beginning: times minus the header's or first packets'
    begin. Of .avi an image's number says its time.
    """
    import av

    read = []
    with av.open(str(path)) as container:
        begin = container.start_time / 1e6
        for packet in container.demux(video=0):
            # Before the first key frame of a piece there is nothing to decode.
            with suppress(av.error.InvalidDataError):
                read += [
                    (frame.time, read_number(frame.to_ndarray(format="rgb24")))
                    for frame in packet.decode()
                ]
    if kind.suffix == "avi":
        return [(number / kind.rate, number) for _, number in read]
    return sorted((time - begin, number) for time, number in read)


def farthest(shown: list[int], instants: list[float], images: list[tuple[float, int]]) -> float:
    """The largest time between an instant and the stretch in which its image was shown."""
    begins = {number: time for time, number in images}
    order = [number for _, number in images]
    ends = {number: begins[after] for number, after in zip(order, order[1:], strict=False)} | {
        order[-1]: float("inf")
    }
    begins[order[0]] = float("-inf")  # shown until its turn comes
    return max(
        max(0.0, begins[number] - instant, instant - ends[number])
        for number, instant in zip(shown, instants, strict=True)
    )
