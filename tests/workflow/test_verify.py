"""Files that are not as they were made are named, with what to do."""

import json

import pytest

from avaflow.errors import UserError
from avaflow.formats.links import link_dataset
from avaflow.manifests import write_clip_manifest
from avaflow.videos.segments import write_segments_manifest
from avaflow.videos.trim import write_frames_manifest, write_keyframes_manifest
from avaflow.workflow.records import Records
from avaflow.workflow.verify import check_results, contents_damage
from cutting import cut_clip, cut_into_segments
from numbered_videos import make_video

OUTPUTS = ["clips/c1.mp4", "clips/c1.json", "keyframes/c1.csv", "rawframes/c1.json"]


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
    records = Records(tmp_path)
    for name in OUTPUTS:
        records.write(tmp_path / name, "trim", "1", {})
    return tmp_path


def test_untouched_files_are_whole(results):
    assert check_results(results) == 4
    (results / "rawframes" / "c1.json").unlink()  # gone is not damaged: it is made again
    assert check_results(results) == 4


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("clips/c1.mp4", "clips/c1.mp4"),
        ("clips/c1.json", "clips/c1.json"),
        ("keyframes/c1.csv", "keyframes/c1.csv"),
        ("keyframes/c1/c1_000091.jpg", "keyframes/c1.csv"),
        ("rawframes/c1/img_00077.jpg", "rawframes/c1.json"),
    ],
)
def test_changed_and_lost_files_are_named(results, name, output):
    path = results / name
    whole = path.read_bytes()
    # A keyframe and its frame are one file under two names: replace, do not write into it.
    path.unlink()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(UserError, match="repair=true") as caught:
        check_results(results)
    (sentence, _) = str(caught.value).splitlines()[1:]
    assert sentence.startswith(f"  - {results / output}: ")
    if name != output:
        path.unlink()
        assert contents_damage(results / output).endswith(f"{path.name} is gone")


def test_a_clip_that_readers_see_otherwise(results):
    entry = json.loads((results / "clips/c1.json").read_text())
    (results / "clips/c1.json").write_text(json.dumps(entry | {"frames": 151}))
    Records(results).write(results / "clips/c1.json", "trim", "1", {})
    with pytest.raises(UserError, match="expected 151 frames at 30 a second, decord finds 150"):
        check_results(results)


def test_segments_and_links_are_compared(results):
    manifest = cut_into_segments(results / "v.mp4", results / "segments", name="c1")
    path = results / "segments" / "c1.json"
    write_segments_manifest(path, manifest)
    assert contents_damage(path) == ""
    (results / "segments/c1/keyframes/901.jpg").write_bytes(b"another")
    assert contents_damage(path) == "its segments are others"
    (results / "segments/c1/clips/903.mp4").unlink()
    assert contents_damage(path) == "of what it stands for, 903.mp4 is gone"
    links = results / "dataset" / "links.tsv"
    link_dataset(results, ["c1"], True, links)
    assert contents_damage(links) == ""
    (results / "dataset/rawframes/c1").unlink()
    assert contents_damage(links) == "its link dataset/rawframes/c1 is gone, or leads nowhere"
    (results / "dataset/rawframes/c1").symlink_to("../../keyframes/c1")
    assert contents_damage(links) == "its link dataset/rawframes/c1 leads elsewhere"
