"""Files that pose as videos are refused by name, before anything is built on them."""

import pytest

from avaflow.errors import BadVideo, UserError
from avaflow.videos.probe import ProbeCache, probe, use_limits
from numbered_videos import make_video, run_ffmpeg


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("video") / "v.mp4", frames=150)


def test_facts(video):
    facts = probe(video)
    assert (facts.width, facts.height, facts.fps, facts.codec) == (192, 108, 30.0, "h264")
    assert facts.duration == pytest.approx(5.0, abs=0.001)
    assert not facts.interlaced


@pytest.mark.parametrize("suffix", ["mkv", "webm", "avi", "mov", "ts", "flv"])
def test_length_of_other_containers(tmp_path, video, suffix):
    path = tmp_path / f"v.{suffix}"
    codec = ("-c:v", "libvpx", "-b:v", "300k") if suffix == "webm" else ("-c", "copy")
    run_ffmpeg("-i", str(video), *codec, str(path))
    assert probe(path).duration == pytest.approx(5.0, abs=0.07)


def test_length_without_a_header_that_says_it(tmp_path, video):
    """Live recordings in Matroska and raw streams carry no length."""
    live = tmp_path / "live.mkv"
    with open(live, "wb") as stream:
        import subprocess

        import imageio_ffmpeg

        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(video)]
        subprocess.run([*command, "-c", "copy", "-f", "matroska", "-"], stdout=stream, check=True)
    assert probe(live).duration == pytest.approx(5.0, abs=0.05)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_sound_that_goes_on_longer_does_not_count(tmp_path, video, suffix):
    path = tmp_path / f"long-sound.{suffix}"
    run_ffmpeg(
        *("-i", str(video), "-f", "lavfi", "-i", "sine=440:duration=9"),
        *("-c:v", "copy", "-c:a", "aac", str(path)),
    )
    assert probe(path).duration == pytest.approx(5.0, abs=0.07)


def test_missing_empty_and_folder(tmp_path):
    with pytest.raises(UserError, match="the video is missing"):
        probe(tmp_path / "none.mp4")
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(UserError, match=r"empty.mp4: the file is empty \(0 bytes\)"):
        probe(tmp_path / "empty.mp4")
    with pytest.raises(UserError, match="found a folder"):
        probe(tmp_path)
    with pytest.raises(UserError, match="cannot be read .File name too long"):
        probe(tmp_path / ("v" * 300))


def test_text_with_a_videos_name(tmp_path):
    path = tmp_path / "t.mp4"
    path.write_text("<html><body>404 not found</body></html>\n")
    with pytest.raises(UserError, match="found a text file that begins with '<html>"):
        probe(path)


def test_bytes_that_are_no_video(tmp_path):
    path = tmp_path / "b.mp4"
    path.write_bytes(bytes(range(256)) * 64)
    with pytest.raises(UserError, match="no video could be read"):
        probe(path)


@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{video}\n#EXT-X-ENDLIST\n",
        "\ufeff#EXTM3U\n#EXTINF:5,\n{video}\n",
        "\n\nffconcat version 1.0\nfile '{video}'\n",
        '<?xml version="1.0"?><MPD></MPD>',
    ],
)
def test_playlists_are_not_followed(tmp_path, video, content):
    path = tmp_path / "list.mp4"
    path.write_text(content.format(video=video))
    with pytest.raises(UserError, match="this is a playlist, not a video"):
        probe(path)


def test_playlist_that_does_not_look_like_one_is_not_followed_either(tmp_path, video):
    """A concat list may begin with a comment; the container whitelist stops what looks pass."""
    path = tmp_path / "c.mp4"
    path.write_bytes(b"\x00\x01#EXTM3U\n#EXTINF:5,\n" + str(video).encode() + b"\n")
    with pytest.raises(UserError):
        probe(path)
    path.write_text(f"# \u00e9\nffconcat version 1.0\nfile '{video}'\n")
    with pytest.raises(UserError):
        probe(path)


def test_audio_only(tmp_path):
    path = tmp_path / "a.mp4"
    run_ffmpeg("-f", "lavfi", "-i", "sine=440:duration=2", "-c:a", "aac", str(path))
    with pytest.raises(UserError, match="found a file with audio only"):
        probe(path)


def test_truncated_with_the_index_at_the_end(tmp_path, video):
    path = tmp_path / "t.mp4"
    path.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    with pytest.raises(UserError, match=r"t.mp4: no video could be read from it .*cut short"):
        probe(path)


def test_truncated_with_the_index_at_the_front(tmp_path, video):
    whole = tmp_path / "whole.mp4"
    run_ffmpeg("-i", str(video), "-c", "copy", "-movflags", "+faststart", str(whole))
    path = tmp_path / "t.mp4"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    with pytest.raises(
        UserError, match=r"the header promises 5.00 s, but the images end at|cut short"
    ):
        probe(path)


def test_cache_asks_again_only_for_changed_files(tmp_path, video, monkeypatch):
    path = tmp_path / "v.mp4"
    path.write_bytes(video.read_bytes())
    cache = ProbeCache(tmp_path / "cache.json")
    facts = cache.probe(path)
    cache.save([path])
    again = ProbeCache(tmp_path / "cache.json")
    asked = []
    monkeypatch.setattr("avaflow.videos.probe.probe", lambda p: asked.append(p) or facts)
    assert again.probe(path) == facts and asked == []
    path.write_bytes(video.read_bytes() + b"\0")
    again.probe(path)
    assert asked == [path]
    (tmp_path / "cache.json").write_text("[1")
    ProbeCache(tmp_path / "cache.json").probe(path)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("gone.mp4", None, "the video is missing"),
        ("empty.mp4", b"", "the file is empty (0 bytes)"),
        ("page.mp4", b"<html>a.b. c", "expected a video, found a text file that begins with"),
        ("list.mp4", b"#EXTM3U\n", "this is a playlist, not a video: it only names other files"),
        ("noise.mp4", bytes(range(256)) * 9, "no video could be read from it ("),
    ],
)
def test_the_reason_stands_apart_from_the_path_and_the_advice(tmp_path, name, content, reason):
    """Where thousands of videos are prepared, a manifest says the reason and goes on."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadVideo) as error:
        probe(path)
    assert error.value.status == "unreadable"
    assert error.value.reason.startswith(reason) and name not in error.value.reason
    message = str(error.value)
    assert message.startswith(f"{path}: {error.value.reason}. ")
    assert message.removeprefix(f"{path}: {error.value.reason}. ")[0].isupper()


@pytest.fixture
def limits():
    yield use_limits
    use_limits({})


def test_videos_beyond_the_limits_are_refused_and_told_what_to_do(tmp_path, video, limits):
    limits({"image_pixels": 192 * 108, "video_hours": 5.01 / 3600})
    probe(video)
    limits({"image_pixels": 192 * 108 - 1, "video_hours": 48})
    with pytest.raises(BadVideo, match=r"192 x 108 pixels, more than .* limits.image_pixels"):
        probe(video)
    limits({"video_hours": 4.9 / 3600})
    with pytest.raises(BadVideo, match=r"lasts 0.0 hours, more than .* limits.video_hours"):
        probe(video)
    # What a plan keeps of earlier starts is held against the limits of today.
    limits({})
    cache = ProbeCache(tmp_path / "probes.json")
    cache.probe(video)
    limits({"image_pixels": 10_000, "video_hours": 1})
    with pytest.raises(BadVideo, match="raise that limit: one image takes 0 MB and more"):
        cache.probe(video)


def test_a_still_that_lasts_for_days_is_refused_by_its_header(tmp_path):
    path = tmp_path / "days.mp4"
    run_ffmpeg("-f", "lavfi", "-i", "color=s=64x48:r=1/3600", "-frames:v", "60", str(path))
    with pytest.raises(BadVideo, match="lasts 60.0 hours, more than the 48 of limits.video_hours"):
        probe(path)
