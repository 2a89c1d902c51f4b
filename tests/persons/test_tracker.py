"""Identities on scenes made by hand, where everybody's vector and path is known."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from avaflow.errors import UserError
from avaflow.persons.tracker import _deep_sort, track_clip
from avaflow.persons.vectors import write_vectors
from avaflow.tables import BOX, DETECTIONS, TRACKS, empty_table, read_table, write_table
from script_runs import run_script

ROOT = Path(__file__).parents[2]
SETTINGS = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["tracker"]
FPS, STRIDE = 30, 5
DIMENSIONS = 64


def look(person: int, strangeness: float = 0.02, seed: int = 0) -> np.ndarray:
    """A unit vector near the person's own axis; those of two persons are 1 apart."""
    vector = np.zeros(DIMENSIONS)
    vector[person] = 1
    noise = np.random.default_rng(1000 * person + seed).normal(size=DIMENSIONS)
    vector += strangeness * noise / np.linalg.norm(noise)
    return vector / np.linalg.norm(vector)


def apart(distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors at exactly this cosine distance."""
    one, two = np.zeros(DIMENSIONS), np.zeros(DIMENSIONS)
    one[0], two[0], two[1] = 1, 1 - distance, np.sqrt(1 - (1 - distance) ** 2)
    return one, two


class Scene:
    """Collects detections with the true person of each."""

    def __init__(self):
        self.rows = []

    def see(self, frame, person, x, y=0.5, score=0.9, vector=None, width=0.05, height=0.3):
        """A person centred at (x, y)."""
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        vector = look(person, seed=frame) if vector is None else vector
        self.rows.append((frame, person, *box, score, vector))
        return self

    def track(self, stride=STRIDE, cuts=(), **settings):
        """Tracks joined with the truth, and the tracks as they are."""
        rows = sorted(self.rows, key=lambda row: (row[0], -row[6]))
        table = pd.DataFrame(
            [row[:1] + row[2:7] for row in rows], columns=["frame", *BOX, "score"]
        ).assign(clip="c")
        vectors = np.array([row[7] for row in rows]).reshape(len(rows), -1)
        tracks = track_clip(
            table, vectors, FPS, stride, {**SETTINGS, **settings}, (1600, 900), cuts
        )
        truth = pd.DataFrame([row[:6] for row in rows], columns=["frame", "person", *BOX])
        assert len(tracks) == len(rows)
        joined = tracks.merge(truth, on=["frame", *BOX], validate="one_to_one")
        assert len(joined) == len(rows)
        assert not tracks.duplicated(["frame", "person_id"]).any()
        assert tracks.equals(tracks.sort_values(["frame", "person_id"]).reset_index(drop=True))
        assert sorted(set(tracks["person_id"])) == list(range(1, tracks["person_id"].max() + 1))
        assert list(tracks) == list(TRACKS)
        return joined


def ids_of(joined: pd.DataFrame, person: int) -> list[int]:
    return joined.loc[joined["person"] == person, "person_id"].unique().tolist()


FRAMES = range(1, 151, STRIDE)


def crossing() -> Scene:
    """Two persons walk through each other in the middle of five seconds."""
    scene = Scene()
    for frame in FRAMES:
        at = (frame - 1) / 150
        scene.see(frame, 1, 0.2 + 0.6 * at, score=0.9)
        scene.see(frame, 2, 0.8 - 0.6 * at, y=0.51, score=0.8)
    return scene


def test_two_persons_who_cross_keep_their_ids():
    joined = crossing().track()
    assert ids_of(joined, 1) == [1]  # the better score on the first frame comes first
    assert ids_of(joined, 2) == [2]


def test_ids_are_the_same_every_time():
    first, second = crossing().track(), crossing().track()
    assert first.equals(second)


def test_a_long_absence_is_bridged_by_looks():
    scene = Scene()
    for frame in FRAMES:
        scene.see(frame, 3, 0.9)
        if not 30 < frame < 120:
            scene.see(frame, 1, 0.2 if frame < 60 else 0.7)
    joined = scene.track()
    assert len(ids_of(joined, 1)) == len(ids_of(joined, 3)) == 1
    assert ids_of(joined, 1) != ids_of(joined, 3)


def test_somebody_else_after_an_absence_is_somebody_else():
    scene = Scene()
    for frame in FRAMES:
        if frame <= 30:
            scene.see(frame, 1, 0.2)
        if frame >= 120:
            scene.see(frame, 2, 0.2)
    joined = scene.track()
    assert (ids_of(joined, 1), ids_of(joined, 2)) == ([1], [2])


def test_nobody_is_followed_across_a_cut():
    """The same look at the same place: only the cut tells the two sides apart."""
    scene = Scene()
    for frame in FRAMES:
        scene.see(frame, 1, 0.4)
    assert scene.track()["person_id"].max() == 1
    joined = scene.track(cuts=(61, 103))
    assert joined.groupby("person_id")["frame"].agg(["min", "max"]).values.tolist() == [
        [1, 56],
        [61, 101],
        [106, 146],
    ]
    # A shot without anybody takes no id.
    assert scene.track(cuts=(62, 64, 66))["person_id"].max() == 2


GENEROUS = {"max_cosine_distance": 2.0, "max_iou_distance": 1.0}
"""Settings under which DeepSORT follows anybody anywhere."""


def test_a_track_is_cut_where_it_jumps_to_another_look():
    """DeepSORT itself is made to follow the jump; the cut comes afterwards."""
    scene = Scene()
    for frame in FRAMES:
        scene.see(frame, 1 if frame <= 75 else 2, 0.3 if frame <= 75 else 0.36)
    joined = scene.track(**GENEROUS)
    assert (ids_of(joined, 1), ids_of(joined, 2)) == ([1], [2])
    uncut = scene.track(**GENEROUS, cut_distance=2.0)
    assert ids_of(uncut, 1) == ids_of(uncut, 2) == [1]


def test_a_jump_with_the_same_look_is_no_cut():
    scene = Scene()
    for frame in FRAMES:
        scene.see(frame, 1, 0.3 if frame <= 75 else 0.36)
    joined = scene.track(**GENEROUS, link_distance=-1.0, link_near_distance=-1.0)
    assert ids_of(joined, 1) == [1]


def test_a_new_look_in_the_same_place_is_no_cut():
    """Somebody turns round, or is half hidden: boxes that overlap are one person."""
    scene = Scene()
    for frame in FRAMES:
        scene.see(frame, 1, 0.3, vector=look(1 if frame <= 75 else 2))
    joined = scene.track(**GENEROUS, link_distance=-1.0, link_near_distance=-1.0)
    assert ids_of(joined, 1) == [1]


def test_what_deepsort_says_is_read_back_by_index():
    """As many persons as rows change from frame to frame; nothing fixes a mix-up."""
    scene = Scene()
    for frame in FRAMES:
        scene.see(frame, 1, 0.2, score=0.9).see(frame, 2, 0.5, score=0.8)
        if frame % 10 == 1:
            scene.see(frame, 3, 0.8, score=0.7)
    joined = scene.track(cut_distance=2.0, link_distance=-1.0, link_near_distance=-1.0)
    assert [ids_of(joined, person) for person in (1, 2, 3)] == [[1], [2], [3]]


@pytest.mark.parametrize(("gap_strides", "parts"), [(3, 1), (4, 2)])
def test_a_track_is_cut_at_gaps_over_half_a_second(gap_strides, parts):
    scene, frame = Scene(), 1
    for step in range(10):
        scene.see(frame, 1, 0.3, vector=look(1))
        frame += STRIDE * (gap_strides if step == 4 else 1)
    joined = scene.track(link_distance=-1.0, link_near_distance=-1.0)
    assert joined["person_id"].nunique() == parts


def test_sparse_strides_are_not_cut_everywhere():
    scene = Scene()
    for frame in range(1, 301, 30):
        scene.see(frame, 1, 0.3, vector=look(1))
    joined = scene.track(stride=30, link_distance=-1.0, link_near_distance=-1.0)
    assert joined["person_id"].nunique() == 1


def two_tracklets(distance: float, gap_frames: int, jump: float = 0.0, together: bool = False):
    """A person who walks right, is lost and comes back looking `distance` different."""
    before, after = apart(distance)
    scene = Scene()
    speed = 0.02 / STRIDE
    for frame in range(1, 62, STRIDE):
        scene.see(frame, 1, 0.1 + speed * frame, vector=before)
    for frame in range(61 + gap_frames, 122 + gap_frames, STRIDE):
        scene.see(frame, 2, 0.1 + speed * frame + jump, vector=after)
    if together:
        scene.see(66 + gap_frames, 1, 0.02, vector=before)
    return scene.track(max_cosine_distance=0.01, max_iou_distance=0.01)


@pytest.mark.parametrize(
    ("distance", "gap_frames", "jump", "persons"),
    [
        (0.20, 25, 0.0, 1),  # alike enough after any gap
        (0.20, 145, 0.0, 1),
        (0.20, 25, 0.5, 1),  # wherever they come back
        (0.22, 145, 0.0, 2),  # not alike enough after a long gap
        (0.29, 25, 0.0, 1),  # but after a short one, walking on
        (0.29, 25, 0.5, 2),  # not where nobody walks in that time
        (0.29, 35, 0.0, 2),  # nor after more than a second
        (0.31, 25, 0.0, 2),
    ],
)
def test_the_rules_of_linking(distance, gap_frames, jump, persons):
    assert two_tracklets(distance, gap_frames, jump)["person_id"].nunique() == persons


def test_two_who_share_a_frame_are_never_one():
    """The same looks everywhere: only the shared frames tell them apart."""
    scene = Scene()
    for frame in FRAMES:
        scene.see(frame, 1, 0.2, vector=look(1)).see(frame, 2, 0.8, vector=look(1), score=0.5)
    joined = scene.track()
    assert (ids_of(joined, 1), ids_of(joined, 2)) == ([1], [2])


def test_a_link_that_would_bring_two_together_is_not_made_through_a_third():
    """A alike B and C, which are seen together, so only the closer of them joins A."""
    scene = Scene()
    a, near = apart(0.10)
    _, far = apart(0.15)
    for frame in range(1, 32, STRIDE):
        scene.see(frame, 1, 0.5, vector=a)
    for frame in range(151, 182, STRIDE):
        scene.see(frame, 2, 0.2, vector=far, score=0.9).see(frame, 3, 0.8, vector=near, score=0.8)
    joined = scene.track(max_cosine_distance=0.01)
    assert ids_of(joined, 1) == ids_of(joined, 3) == [1]
    assert ids_of(joined, 2) == [2]


def test_linkage_is_the_average_over_all_pairs_of_detections():
    """Two tracklets of one and of three looks: the pairs' mean decides, not the means'."""
    scene = Scene()
    axes = np.eye(DIMENSIONS)
    for index, frame in enumerate(range(1, 62, STRIDE)):
        # Each look is cos 0.9 from the first axis, and each in another direction.
        scene.see(frame, 1, 0.3, vector=0.9 * axes[0] + np.sqrt(0.19) * axes[1 + index])
    for index, frame in enumerate(range(301, 362, STRIDE)):
        scene.see(frame, 1, 0.3, vector=0.9 * axes[0] + np.sqrt(0.19) * axes[31 + index])
    # Pairs across are 1 - 0.81 = 0.19 apart; the two mean directions only about 0.02.
    follow = {"max_cosine_distance": 0.5}
    assert scene.track(**follow, link_distance=0.195)["person_id"].nunique() == 1
    assert scene.track(**follow, link_distance=0.185)["person_id"].nunique() == 2


def test_detections_that_deepsort_cannot_take_get_ids_and_shift_nobody():
    """No area, and a vector of zeros: either would mix up or stop DeepSORT."""
    scene = crossing()
    plain = crossing().track()
    scene.see(1, 8, 0.05, score=0.99, width=0.0)
    scene.see(1, 9, 0.06, score=0.98, vector=np.zeros(DIMENSIONS))
    scene.see(76, 8, 0.05, score=0.99, height=0.0)
    joined = scene.track()
    assert len(ids_of(joined, 1)) == len(ids_of(joined, 2)) == 1
    assert ids_of(joined, 9) != ids_of(joined, 1)
    known = joined[joined["person"] <= 2].reset_index(drop=True)
    assert known["person"].tolist() == plain["person"].tolist()


def test_frames_without_anybody_let_tracks_age():
    """DeepSORT counts updates: an empty frame has to be one."""
    scene = Scene()
    for frame in (1, 6, 11, 131, 136, 141):
        scene.see(frame, 1, 0.3, vector=look(1))
    kept = {"link_distance": -1.0, "link_near_distance": -1.0, "cut_gap_seconds": 100}
    # 120 frames are 4 s, of which the track waits 3.
    assert scene.track(**kept)["person_id"].nunique() == 2
    assert scene.track(**kept, max_age_seconds=5)["person_id"].nunique() == 1


def test_a_track_is_trusted_from_its_first_detection():
    """A miss right after it would end a track on probation."""
    scene = Scene()
    for frame in (1, 11, 16, 21, 31, 36):
        scene.see(frame, 1, 0.3, vector=look(1))
    unlinked = {"link_distance": -1.0, "link_near_distance": -1.0}
    assert scene.track(**unlinked)["person_id"].nunique() == 1


@pytest.mark.parametrize(("stride", "updates"), [(5, 18), (15, 6), (1, 90)])
def test_deepsort_is_told_the_distance_of_its_updates(stride, updates):
    sorter = _deep_sort(FPS, stride, SETTINGS)
    assert sorter.tracker.max_age == updates  # 3 s at 30 frames a second
    assert sorter.tracker.kf._std_weight_velocity == pytest.approx(stride / 160)
    assert sorter.embedder is None


def test_ids_count_by_first_appearance():
    scene = Scene()
    for frame in FRAMES:
        if frame >= 31:
            scene.see(frame, 1, 0.2, score=0.9)
        scene.see(frame, 2, 0.5, score=0.6).see(frame, 3, 0.8, score=0.7)
    joined = scene.track()
    assert [ids_of(joined, person) for person in (3, 2, 1)] == [[1], [2], [3]]


def test_a_new_clip_knows_nobody_from_the_last():
    first = crossing().track()
    crossing().track(max_cosine_distance=0.5)
    assert crossing().track().equals(first)


def test_an_empty_clip_is_an_empty_table():
    tracks = track_clip(
        empty_table(DETECTIONS), np.zeros((0, DIMENSIONS), np.float16), FPS, STRIDE, SETTINGS
    )
    assert list(tracks) == list(TRACKS)
    assert len(tracks) == 0


def test_float16_vectors_give_the_same_ids():
    """Embeddings are stored in half precision."""
    scene = crossing()
    full = scene.track()
    scene.rows = [(*row[:7], row[7].astype(np.float16)) for row in scene.rows]
    assert scene.track()["person_id"].tolist() == full["person_id"].tolist()


def test_tables_of_different_runs_are_refused():
    table = pd.DataFrame([("c", 1, 0.1, 0.1, 0.2, 0.2, 0.9)], columns=list(DETECTIONS))
    with pytest.raises(UserError, match="1 detections but 2 appearance vectors"):
        track_clip(table, np.zeros((2, DIMENSIONS)), FPS, STRIDE, SETTINGS)


@pytest.mark.slow
def test_many_people_on_a_wild_scene_keep_the_promises():
    """Noise without any order: every box once, no id twice on a frame (checked in `track`)."""
    rng = np.random.default_rng(4)
    scene = Scene()
    for frame in FRAMES:
        for person in range(rng.integers(0, 12)):
            noise = np.abs(rng.normal(size=DIMENSIONS)) + 0.5
            vector = noise / np.linalg.norm(noise)
            x, y = rng.uniform(0.1, 0.9, 2)
            scene.see(frame, person, x, y, rng.uniform(0.3, 1), vector)
    joined = scene.track()
    assert joined["person_id"].nunique() < len(joined)


def greedy_linkage(vectors, conflicts, limit):
    """Average linkage with cannot-links, said as plainly as possible."""
    groups = [[index] for index in range(len(vectors))]
    while True:
        pairs = [
            (np.mean([1 - vectors[i] @ vectors[j] for i in one for j in two]), a, b)
            for a, one in enumerate(groups)
            for b, two in enumerate(groups[a + 1 :], start=a + 1)
            if not any(conflicts[i][j] for i in one for j in two)
        ]
        if not pairs or min(pairs)[0] > limit:
            return groups
        _, a, b = min(pairs)
        groups[a] += groups.pop(b)


@pytest.mark.parametrize("seed", range(6))
def test_linking_agrees_with_a_plain_average_linkage(seed):
    """Tracklets of one detection each, far apart in time or on the same frame."""
    rng = np.random.default_rng(seed)
    frames = np.sort(rng.choice(np.arange(1, 3000, 300), 24))
    appearance = np.abs(rng.normal(size=(24, 8))) @ np.eye(8, DIMENSIONS)
    appearance /= np.linalg.norm(appearance, axis=1, keepdims=True)
    scene = Scene()
    for index, frame in enumerate(frames):
        scene.see(int(frame), index, 0.02 + 0.04 * index, score=0.9 - index / 100)
        scene.rows[-1] = (*scene.rows[-1][:7], appearance[index])
    joined = scene.track(link_distance=0.25, max_age_seconds=1)
    expected = greedy_linkage(appearance, frames[:, None] == frames[None, :], 0.25)
    given = joined.groupby("person_id")["person"].apply(sorted).tolist()
    assert sorted(given) == sorted(sorted(group) for group in expected)


@pytest.mark.slow
def test_tracking_imports_no_torch():
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "import test_tracker\n"
        "test_tracker.crossing().track()\n"
        "assert 'deep_sort_realtime' in sys.modules\n"
        "assert not {'torch', 'torchvision', 'ultralytics', 'av'} & set(sys.modules)\n"
    )
    folders = [str(ROOT / "scripts"), str(ROOT / "tests" / "persons"), str(ROOT / "tests")]
    subprocess.run([sys.executable, "-c", program, *folders], check=True)


def test_the_track_script_moves_the_data(tmp_path):
    from avaflow.manifests import ClipManifest, write_clip_manifest

    scene = crossing()
    rows = sorted(scene.rows, key=lambda row: (row[0], -row[6]))
    own = pd.DataFrame([("b", row[0], *row[2:7]) for row in rows], columns=list(DETECTIONS))
    results = tmp_path / "results"
    write_table(results / "detections/b.csv", own, DETECTIONS)
    vectors = np.zeros((len(rows), 1280), np.float16)
    vectors[:, :DIMENSIONS] = [row[7] for row in rows]
    write_vectors(results / "embeddings/b.npz", vectors)
    facts = ClipManifest("b", "v.mp4", 0.0, FPS, 150, 1600, 900, "0" * 64, 0)
    write_clip_manifest(results / "clips/b.json", facts)
    run_script(
        "track",
        results,
        tmp_path / "log.txt",
        input={"manifest": str(results / "clips/b.json")},
        output={"tracks": str(results / "tracks/b.csv")},
        params={
            "reads": [str(results / "detections/b.csv"), str(results / "embeddings/b.npz")],
            "tracker": SETTINGS,
            "stride": STRIDE,
            "fps": FPS,
            "cuts": {"end_tracks": True},
        },
    )
    tracks = read_table(results / "tracks/b.csv", TRACKS)
    assert len(tracks) == len(rows)
    assert tracks["person_id"].tolist() == scene.track()["person_id"].tolist()
