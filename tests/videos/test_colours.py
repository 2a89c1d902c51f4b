"""Colours of frames, keyframes, clips and segments are the source's, whoever reads them."""

import av
import cv2
import decord
import numpy as np
import pytest

from avaflow.manifests import write_clip_manifest
from avaflow.workflow.closing import source_remarks
from cutting import cut_clip, cut_into_segments
from numbered_videos import run_ffmpeg

SIDE = 32
COLOURS = np.array(
    [
        [(200, 40, 40), (40, 190, 50), (50, 50, 210), (190, 190, 50)],
        [(60, 180, 180), (180, 60, 170), (235, 235, 235), (16, 16, 16)],
        [(128, 128, 128), (224, 172, 138), (110, 72, 52), (30, 90, 150)],
    ]
)
"""Patches, RGB: primaries and their mixtures, greys, skin and sky."""

RED_BLUE = {
    "bt709": (0.2126, 0.0722),
    "smpte170m": (0.299, 0.114),
    "bt470bg": (0.299, 0.114),
    "bt2020nc": (0.2627, 0.0593),
}
"""Shares of red and blue in luma, by ffmpeg's name for the matrix (ITU-T H.273, table 4)."""

BOUND = 4
"""Levels of 255 that a patch may be off: three roundings, to 4:2:0 of 8 bit, are worth 3."""


def planes(matrix: str, full: bool, bits: int) -> bytes:
    """The patches in Y'CbCr 4:2:0, worked out from the standard's formulas."""
    image = COLOURS.repeat(SIDE, 0).repeat(SIDE, 1) / 255
    red, green, blue = np.moveaxis(image, 2, 0)
    of_red, of_blue = RED_BLUE[matrix]
    luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    cb, cr = (blue - luma) / (2 - 2 * of_blue), (red - luma) / (2 - 2 * of_red)
    unit, top = 2 ** (bits - 8), 2**bits - 1
    if full:
        scaled = luma * top, cb * top + 128 * unit, cr * top + 128 * unit
    else:
        scaled = (16 + 219 * luma) * unit, (128 + 224 * cb) * unit, (128 + 224 * cr) * unit
    kind = np.uint8 if bits == 8 else np.uint16
    rounded = [np.clip(np.round(plane), 0, top).astype(kind) for plane in scaled]
    return b"".join(p.tobytes() for p in (rounded[0], rounded[1][::2, ::2], rounded[2][::2, ::2]))


def make_patches(path, matrix, full=False, tagged=True, bits=8, transfer=""):
    """A second of the patches; without a tag they are BT.601 of limited range to any reader."""
    raw = path.with_suffix(".raw")
    raw.write_bytes(planes(matrix, full, bits) * 30)
    tags = ("-color_range", "pc" if full else "tv", "-colorspace", matrix) if tagged else ()
    if transfer:
        tags += ("-color_primaries", "bt2020", "-color_trc", transfer)
    pixels = "yuv420p" if bits == 8 else "yuv420p10le"
    encoder = ("libx264", "-qp", "2") if bits == 8 else ("libx265", "-x265-params", "crf=4")
    shape = f"{COLOURS.shape[1] * SIDE}x{COLOURS.shape[0] * SIDE}"
    run_ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", pixels, "-s", shape, "-r", "30", *tags, "-i", str(raw)),
        *("-c:v", *encoder, "-preset", "ultrafast", *tags, str(path)),
    )
    return path


def patches(image: np.ndarray) -> np.ndarray:
    """The mean colour in the middle of each patch, of an RGB image."""
    height, width = (side // n for side, n in zip(image.shape, COLOURS.shape[:2], strict=False))
    blocks = image.reshape(COLOURS.shape[0], height, COLOURS.shape[1], width, 3)
    return blocks[:, height // 3 : -height // 3, :, width // 3 : -width // 3].mean((1, 3))


def as_readers_see(path) -> dict[str, np.ndarray]:
    """The patches of a video's tenth image, by reader."""
    with av.open(str(path)) as container:
        frames = [frame for frame, _ in zip(container.decode(video=0), range(10), strict=False)]
        seen = {"PyAV": frames[-1].to_ndarray(format="rgb24")}
    capture = cv2.VideoCapture(str(path))
    for _ in range(10):
        _, image = capture.read()
    seen["OpenCV"] = image[:, :, ::-1]
    seen["decord"] = decord.VideoReader(str(path), num_threads=1)[9].asnumpy()
    return {reader: patches(image) for reader, image in seen.items()}


def as_image(path) -> np.ndarray:
    return patches(cv2.imread(str(path))[:, :, ::-1])


SOURCES = {
    "601": {"matrix": "smpte170m"},
    "601 of PAL": {"matrix": "bt470bg"},
    "601 full": {"matrix": "smpte170m", "full": True},
    "709": {"matrix": "bt709"},
    "709 full": {"matrix": "bt709", "full": True},
    "2020": {"matrix": "bt2020nc", "transfer": "bt2020-10"},
    "2020 full": {"matrix": "bt2020nc", "full": True, "transfer": "bt2020-10"},
    "2020 of 10 bit": {"matrix": "bt2020nc", "bits": 10, "transfer": "bt2020-10"},
    "none told": {"matrix": "smpte170m", "tagged": False},
}


@pytest.mark.parametrize("name", SOURCES)
def test_colours_are_the_sources(tmp_path, name):
    source = make_patches(tmp_path / "v.mp4", **SOURCES[name])
    cut_clip(tmp_path / "raw", source, 0.0, 30, (0,), rawframes=True)
    cut_clip(tmp_path / "keys", source, 0.0, 30, (0,))
    cut_into_segments(source, tmp_path / "segments")
    segment = tmp_path / "segments" / "a"
    clip = as_readers_see(tmp_path / "keys" / "c1.mp4")
    seen = {
        "rawframe": as_image(tmp_path / "raw" / "raw" / "img_00010.jpg"),
        "keyframe with rawframes": as_image(tmp_path / "raw" / "keys" / "c1_000001.jpg"),
        "keyframe": as_image(tmp_path / "keys" / "keys" / "c1_000001.jpg"),
        "keyframe of a segment": as_image(segment / "keyframes" / "900.jpg"),
        **{f"clip in {reader}": colours for reader, colours in clip.items()},
    }
    for reader, colours in as_readers_see(segment / "clips" / "900.mp4").items():
        seen[f"segment in {reader}"] = colours
    off = {what: np.abs(colours - COLOURS).max().round(1) for what, colours in seen.items()}
    assert max(off.values()) <= BOUND, off
    between = np.abs(seen["rawframe"] - clip["decord"]).max()
    assert between <= BOUND, f"frames and clip differ by {between:.1f}"


@pytest.mark.parametrize(
    ("name", "matrix"), [("601", 6), ("709", 1), ("2020", 1), ("none told", 6)]
)
def test_clips_and_segments_say_what_their_colours_are(tmp_path, name, matrix):
    source = make_patches(tmp_path / "v.mp4", **SOURCES[name])
    cut_clip(tmp_path / "keys", source, 0.0, 30, (0,))
    cut_into_segments(source, tmp_path / "segments")
    for path in (tmp_path / "keys" / "c1.mp4", tmp_path / "segments/a/clips/900.mp4"):
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
            assert (int(frame.colorspace), int(frame.color_range)) == (matrix, 1), path


@pytest.mark.parametrize(
    ("transfer", "said"), [("smpte2084", "PQ (HDR10)"), ("arib-std-b67", "HLG"), ("bt2020-10", "")]
)
def test_a_tone_that_is_not_mapped_is_told_at_the_end(tmp_path, transfer, said):
    source = make_patches(tmp_path / "v.mp4", "bt2020nc", bits=10, transfer=transfer)
    manifest, _ = cut_clip(tmp_path / "clips", source, 0.0, 30, (0,))
    write_clip_manifest(tmp_path / "clips" / "c1.json", manifest)
    assert manifest.tone == said
    remarks = source_remarks(["c1"], tmp_path)
    assert [said in remark and "c1 of v.mp4" in remark for remark in remarks] == [True] * bool(said)
    # The values stay those of the source, and every reader sees the same.
    for reader, colours in as_readers_see(tmp_path / "clips" / "c1.mp4").items():
        assert np.abs(colours - COLOURS).max() <= BOUND, reader
