"""Files changed behind Snakemake's back are named, with what to delete."""

import json

import pytest

from avaflow.errors import UserError
from avaflow.manifests import write_clip_manifest
from avaflow.videos.segments import write_segments_manifest
from avaflow.videos.trim import write_frames_manifest, write_keyframes_manifest
from avaflow.workflow.verify import check_clips, damaged_files
from cutting import cut_clip, cut_into_segments
from numbered_videos import make_video


@pytest.fixture
def results(tmp_path):
    """One clip with two keyframes and its frames, made from a real video."""
    made = tmp_path / "made"
    manifest, keyframes = cut_clip(
        made, make_video(tmp_path / "v.mp4", frames=150), 0.0, 150, (2, 3), rawframes=True
    )
    for kind, name in (("clips", "c1.mp4"), ("keyframes", "keys"), ("rawframes", "raw")):
        (tmp_path / kind).mkdir()
        (made / name).rename(tmp_path / kind / ("c1.mp4" if kind == "clips" else "c1"))
    write_clip_manifest(tmp_path / "clips" / "c1.json", manifest)
    write_keyframes_manifest(tmp_path / "keyframes" / "c1.csv", keyframes)
    write_frames_manifest(tmp_path / "rawframes" / "c1.json", "c1", tmp_path / "rawframes/c1", 150)
    return tmp_path


def test_untouched_files_are_whole(results):
    check_clips(results, ["c1"])
    (results / "rawframes" / "c1.json").unlink()  # frames are optional
    check_clips(results, ["c1"])


@pytest.mark.parametrize(
    ("name", "manifest"),
    [
        ("clips/c1.mp4", "clips/c1.json"),
        ("keyframes/c1/c1_000091.jpg", "keyframes/c1.csv"),
        ("rawframes/c1/img_00077.jpg", "rawframes/c1.json"),
    ],
)
def test_changed_and_lost_files_are_named(results, name, manifest):
    path = results / name
    whole = path.read_bytes()
    # A keyframe and its frame are one file under two names: replace, do not write into it.
    path.unlink()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (sentence,) = damaged_files(results, "c1")
    assert sentence.endswith(f"delete {results / manifest}")
    path.unlink()
    with pytest.raises(UserError, match="delete what is named and run snakemake again") as caught:
        check_clips(results, ["c1"])
    assert str(results / manifest) in str(caught.value)


def test_segments_are_compared_where_there_are_any(results):
    manifest = cut_into_segments(results / "v.mp4", results / "segments", name="c1")
    write_segments_manifest(results / "segments" / "c1.json", manifest)
    check_clips(results, ["c1"])
    (results / "segments/c1/keyframes/901.jpg").write_bytes(b"another")
    (sentence,) = damaged_files(results, "c1")
    assert "expected the 5 segments of c1.json, found other contents" in sentence
    (results / "segments/c1/clips/903.mp4").unlink()
    (sentence,) = damaged_files(results, "c1")
    assert sentence.endswith(f"found no 903.mp4; delete {results / 'segments/c1.json'}")


def test_a_frame_too_few_in_the_manifest_is_seen(results):
    path = results / "rawframes" / "c1.json"
    entry = json.loads(path.read_text())
    path.write_text(json.dumps(entry | {"frames": 149}))
    assert len(damaged_files(results, "c1")) == 1
