"""The sheet, the video and the crops of a clip whose pixels are known."""

import json

import av
import cv2
import numpy as np
import pytest

from avaflow.errors import UserError
from avaflow.preview.clip import write_keyframes
from avaflow.preview.colours import colour_of
from avaflow.preview.crop_lists import crops_damage, read_crops
from avaflow.preview.crops import CROP_PX, CROPS_AN_IMAGE, cut
from avaflow.preview.drawing import CAPTION_PX, Painter
from avaflow.preview.sheet import MOST_TILES, TILE_PX, shown_seconds
from avaflow.preview.sights import ACTS, IDLE, Sight, Sights
from avaflow.preview.video import Part, part_shown, shown_size, write_video
from avaflow.tables import Keyframe, rows_of
from avaflow.videos.ffmpeg import ffmpeg_exe
from avaflow.videos.frames import ClipVideo
from preview_clips import (
    BLUE,
    FPS,
    FRAMES,
    HEIGHT,
    NAMES,
    RED,
    SECONDS,
    STANDING,
    WIDTH,
    image,
    judgements,
    keyframes,
    tracks,
    usual,
    walking,
    write_clip,
)


def clip_video(results, frames=FRAMES):
    return ClipVideo("c-1", str(results / "clips/c-1.mp4"), frames, FPS, WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def painter():
    return Painter(NAMES)


@pytest.fixture(scope="module")
def previews(tmp_path_factory, painter):
    """A results folder with a clip and its previews."""
    results = tmp_path_factory.mktemp("previews")
    manifest = write_clip(results)
    sights = Sights(tracks(), keyframes(), usual(), FPS)
    settings = {"width": WIDTH, "ffmpeg": ffmpeg_exe(), "threads": 1}
    out = results / "preview"
    video, part = clip_video(results), Part(1, FRAMES)
    write_video(out / "c-1.mp4", video, sights, painter, part, settings, results / "log")
    crops = out / "crops" / "c-1.json"
    rows = rows_of(keyframes(), Keyframe)
    folder = results / "keyframes/c-1"
    write_keyframes(out / "c-1.jpg", crops, folder, rows, sights, manifest, painter, part)
    return results


@pytest.fixture(scope="module")
def shown(previews):
    """The images of the short video, by frame number."""
    with av.open(str(previews / "preview/c-1.mp4")) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert container.streams.video[0].codec_context.name == "h264"
        return {
            number: frame.to_ndarray(format="bgr24")
            for number, frame in enumerate(container.decode(video=0), start=1)
        }


def off(one, other):
    return float(np.abs(one.astype(float) - other).mean())


def bgr(person):
    return np.array([int(colour_of(person)[at : at + 2], 16) for at in (5, 3, 1)])


# ---------------------------------------------------------------- video


def test_the_video_has_every_frame_and_a_line_below(shown):
    assert len(shown) == FRAMES and shown[1].shape == (HEIGHT + CAPTION_PX, WIDTH, 3)


@pytest.mark.parametrize("frame", [66, 74, 83, 104])
def test_a_box_moves_between_detections(shown, frame):
    """Frames 66 and so on lie away from keyframes, 74, 83 and 104 between detections."""
    middle = 110
    edge = round(walking(frame)[0] * (WIDTH - 1))
    for x, near in ((edge, True), (edge - 8, False), (edge + 8, False)):
        colour = shown[frame][middle - 10 : middle + 10, x].mean(axis=0)
        assert (off(colour, bgr(1)) < 45) == near, (x, colour)


@pytest.mark.parametrize(
    ("frame", "actions", "others"),
    [(61, (1,), (1, 2)), (75, (1,), (1, 2)), (106, (1, 2), (1,)), (134, (1, 2), (1,))],
)
def test_the_actions_of_a_second_are_written_while_they_hold(
    shown, painter, frame, actions, others
):
    def expected(ids):
        # Person 2's text is beside, and the two make room for each other.
        other = Sight(2, STANDING, *((ACTS, (3,)) if frame >= 106 else (IDLE,)))
        drawn = painter.draw(image(frame), [Sight(1, walking(frame), ACTS, ids), other])
        return drawn[40:72, :160]

    found = shown[frame][40:72, :160]
    assert off(found, expected(actions)) < 8 < off(found, expected(others))


def test_who_was_not_judged_is_drawn_otherwise_than_who_does_nothing(shown):
    """Person 2 stands at x 0.7 to 0.85: the middle of the lower edge is drawn for a box alone."""
    place = slice(142, 147), slice(240, 256)
    found = {second: shown[30 * second + 1][place] for second in SECONDS}
    colours = {s: np.abs(part - bgr(2)).sum(axis=2).min() for s, part in found.items()}
    assert colours[4] < 60 < colours[3]
    ticked, idle = (np.abs(found[s] - bgr(2)).sum(axis=2) < 120 for s in (4, 2))
    assert ticked.sum() > 1.5 * idle.sum() >= 0


def test_the_part_around_most_labels_is_shown(previews):
    video = clip_video(previews, frames=60 * FPS)
    late = judgements([(s, 1, STANDING, 3) for s in (3, 4)])
    sights = Sights(tracks(), keyframes(), late, FPS)
    # 3 s that hold second 3 and 4: they may begin at second 1.
    assert part_shown(sights, video, 3) == (31, 120)
    assert part_shown(sights, video, 0) == (1, 1800)
    assert part_shown(sights, clip_video(previews), 20) == (1, FRAMES)


def test_a_wide_clip_is_made_smaller_and_frames_are_streamed(previews, painter, tmp_path):
    sights = Sights(tracks(), keyframes(), None, FPS)
    settings = {"width": 160, "ffmpeg": ffmpeg_exe(), "threads": 1}
    write_video(
        tmp_path / "a.mp4",
        clip_video(previews),
        sights,
        painter,
        Part(31, 40),
        settings,
        tmp_path / "log",
    )
    with av.open(str(tmp_path / "a.mp4")) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert [frame.shape for frame in frames] == [(90 + CAPTION_PX, 160, 3)] * 10
    # The red person's middle, halved.
    x = round((walking(31)[0] + 0.075) * 160)
    assert off(frames[0][60, x], np.array(RED)) < 30
    assert shown_size(clip_video(previews)._replace(width=1080, height=1921), 640) == (640, 1138)


def test_an_ffmpeg_that_cannot_leaves_no_half_video(previews, painter, tmp_path):
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\necho 'Unknown encoder libx264' >&2\nexit 1\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    settings = {"width": WIDTH, "ffmpeg": str(tmp_path / "ffmpeg"), "threads": 1}
    sights = Sights(tracks(), keyframes(), None, FPS)
    with pytest.raises(UserError, match="preview of clip c-1: .*Unknown encoder libx264"):
        write_video(
            tmp_path / "out" / "a.mp4",
            clip_video(previews),
            sights,
            painter,
            Part(1, FRAMES),
            settings,
            tmp_path / "log",
        )
    assert list((tmp_path / "out").iterdir()) == []


# ---------------------------------------------------------------- crops


def crop_pixels(results, entry):
    number, x, y, width, height = entry[6:]
    sprite = cv2.imread(str(results / f"preview/crops/c-1/{number:04d}.webp"))
    return sprite[y : y + height, x : x + width]


def test_every_person_of_every_keyframe_has_a_crop_of_its_own_pixels(previews):
    content = read_crops(previews / "preview/crops/c-1.json")
    assert [entry[:4] for entry in content["crops"]] == [
        [2, 1, "acts", [1]],
        [2, 2, "idle", []],
        [3, 1, "acts", [1]],
        [3, 2, "unjudged", []],
        [4, 1, "acts", [1, 2]],
        [4, 2, "acts", [3]],
    ]
    for entry in content["crops"]:
        pixels = crop_pixels(previews, entry)
        # 90 px of a person and 8 % on each side are 104 px, enlarged to 144.
        assert max(pixels.shape[:2]) == CROP_PX
        height, width = pixels.shape[:2]
        inner = pixels[height // 5 : -height // 5, width // 5 : -width // 5]
        colour = RED if entry[1] == 1 else BLUE
        assert off(inner.mean(axis=(0, 1)), np.array(colour)) < 8
        assert off(pixels[:, 0].mean(axis=0), np.array([128] * 3)) < 25
    assert content["crops"][0][4] == pytest.approx(walking(61))
    assert content["crops"][0][5] == 0.9 and content["video"] == [0, 6]


def test_a_crop_at_the_edge_of_the_image_and_one_of_a_pixel():
    picture = np.zeros((100, 200, 3), np.uint8)
    assert cut(picture, (0.0, 0.0, 0.5, 1.0)).shape == (133, 144, 3)
    assert cut(picture, (0.995, 0.99, 1.0, 1.0)).shape == (3, 3, 3)
    # A small person is enlarged three times at most: 10 px and 1 px on each side.
    assert cut(picture, (0.5, 0.5, 0.55, 0.6)).shape == (36, 36, 3)


def test_many_crops_are_many_images_and_each_is_where_it_is_said(tmp_path, painter):
    manifest = write_clip(tmp_path)
    # Persons 1 to 30 on each keyframe: 90 crops.
    said = judgements(
        [(s, p, (0.03 * p, 0.4, 0.03 * p + 0.03, 0.9), 1) for s in SECONDS for p in range(1, 31)]
    )
    sights = Sights(tracks(), keyframes(), said, FPS)
    crops = tmp_path / "preview/crops/c-1.json"
    rows = rows_of(keyframes(), Keyframe)
    folder = tmp_path / "keyframes/c-1"
    arguments = (rows, sights, manifest, painter, Part(1, FRAMES))
    assert write_keyframes(tmp_path / "a.jpg", crops, folder, *arguments) == 90
    content = read_crops(crops)
    assert len(content["images"]) == -(-90 // CROPS_AN_IMAGE) == 2
    keyframe = image(61)
    for entry in content["crops"][:30]:
        whole = cut(keyframe, entry[4])
        assert off(crop_pixels(tmp_path, entry), whole) < 12
    assert crops_damage(crops) == ""
    (crops.with_suffix("") / "0001.webp").write_bytes(b"cut short")
    assert crops_damage(crops) == "its image 0001.webp is another"
    crops.write_text(json.dumps(content | {"version": 0}))
    with pytest.raises(UserError, match="not a list of crops"):
        read_crops(crops)


def test_a_missing_keyframe_is_told(tmp_path, painter):
    manifest = write_clip(tmp_path)
    (tmp_path / "keyframes/c-1/c-1_000091.jpg").unlink()
    sights = Sights(tracks(), keyframes(), usual(), FPS)
    arguments = (rows_of(keyframes(), Keyframe), sights, manifest, painter, Part(1, FRAMES))
    crops = tmp_path / "crops/c-1.json"
    with pytest.raises(UserError, match="c-1_000091.jpg: this keyframe is missing"):
        write_keyframes(tmp_path / "a.jpg", crops, tmp_path / "keyframes/c-1", *arguments)
    assert not crops.exists() and not crops.with_suffix("").exists()


# ---------------------------------------------------------------- sheet


def test_the_sheet_shows_each_keyframe_with_the_same_colours(previews):
    sheet = cv2.imread(str(previews / "preview/c-1.jpg"))
    height = round(TILE_PX * HEIGHT / WIDTH)
    assert sheet.shape[1] == 3 * TILE_PX + 2 * 8
    for number, second in enumerate(SECONDS):
        left, top = number * (TILE_PX + 8), CAPTION_PX + 8
        box = walking(30 * second + 1)
        x = left + round(box[0] * (TILE_PX - 1))
        y = top + round(0.65 * height)
        assert off(sheet[y - 5 : y + 5, x].mean(axis=0), bgr(1)) < 40
        inside = left + round((box[0] + 0.075) * TILE_PX)
        assert off(sheet[y, inside], np.array(RED)) < 25


def test_of_a_long_clip_the_sheet_shows_some_evenly_spread():
    seconds = list(range(2, 898))
    shown = shown_seconds(seconds)
    assert len(shown) == MOST_TILES and (shown[0], shown[-1]) == (2, 897)
    steps = np.diff(shown)
    assert steps.min() >= 15 and steps.max() <= 16
    assert shown_seconds([2, 3]) == [2, 3] and shown_seconds([]) == []


def test_a_clip_on_which_nobody_is_still_has_its_previews(tmp_path, painter):
    manifest = write_clip(tmp_path)
    sights = Sights(tracks().iloc[:0], keyframes(), None, FPS)
    rows = rows_of(keyframes(), Keyframe)
    folder, crops = tmp_path / "keyframes/c-1", tmp_path / "crops/c-1.json"
    part = part_shown(sights, clip_video(tmp_path), 20)
    made = write_keyframes(tmp_path / "a.jpg", crops, folder, rows, sights, manifest, painter, part)
    assert made == 0 and read_crops(crops)["images"] == []
    assert cv2.imread(str(tmp_path / "a.jpg")) is not None
