"""Clips and frames under the dataset folder: links, hard links and copies."""

import os
import shutil

import pytest

from avaflow import files
from avaflow.formats.links import link_dataset
from avaflow.workflow.verify import contents_damage


@pytest.fixture
def results(tmp_path):
    made = tmp_path / "results"
    for clip in ("a", "b"):
        (made / "rawframes" / clip).mkdir(parents=True)
        (made / "rawframes" / clip / "img_00001.jpg").write_bytes(b"image of " + clip.encode())
        (made / "clips").mkdir(exist_ok=True)
        (made / "clips" / f"{clip}.mp4").write_bytes(b"clip " + clip.encode())
    yield made
    files.use_links(files.SYMBOLIC)


@pytest.mark.parametrize("kind", files.LINKS)
def test_the_dataset_holds_what_is_asked_for_and_no_more(results, kind):
    files.use_links(kind)
    dataset, listing = results / "dataset", results / "dataset" / "links.tsv"
    link_dataset(results, ["a", "b"], True, listing)
    assert (dataset / "clips" / "a.mp4").read_bytes() == b"clip a"
    assert (dataset / "rawframes" / "b" / "img_00001.jpg").read_bytes() == b"image of b"
    assert (dataset / "clips" / "a.mp4").is_symlink() == (kind == "symbolic")
    image, source = (p / "rawframes/a/img_00001.jpg" for p in (dataset, results))
    assert os.path.samefile(image, source) == (kind != "copy")
    assert contents_damage(listing) == ""
    (dataset / "clips" / "own.mp4").write_bytes(b"a user's own")
    link_dataset(results, ["b"], False, listing)
    assert {path.name for path in (dataset / "clips").iterdir()} == {"b.mp4", "own.mp4"}
    assert list((dataset / "rawframes").iterdir()) == []
    assert (results / "rawframes" / "a" / "img_00001.jpg").exists()
    # From one kind to another, and back.
    for other in (*files.LINKS, kind):
        files.use_links(other)
        link_dataset(results, ["a", "b"], True, listing)
        assert contents_damage(listing) == ""
        assert (dataset / "rawframes" / "a").is_symlink() == (other == "symbolic")


def test_damage_to_copies_is_seen(results):
    files.use_links("copy")
    listing = results / "dataset" / "links.tsv"
    link_dataset(results, ["a"], True, listing)
    (results / "dataset" / "rawframes" / "a" / "img_00001.jpg").write_bytes(b"cut")
    assert contents_damage(listing) == "its link dataset/rawframes/a leads elsewhere"
    shutil.rmtree(results / "dataset" / "rawframes" / "a")
    assert contents_damage(listing) == "its link dataset/rawframes/a is gone, or leads nowhere"
