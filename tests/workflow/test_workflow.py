"""The whole demo through the real Snakemake, held against the demo's truth."""

import json
import os
import shutil
from collections import Counter, defaultdict

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment

import readers
from avaflow.batches import batch_of
from avaflow.boxes import iou_matrix
from avaflow.formats.proposals import read_proposals
from avaflow.tables import BOX, DETECTIONS, KEYFRAMES, LABELS, TRACKS, read_table
from frame_number import read_frame_number
from identity_metrics import idf1
from workflow_runs import DEMO, Workspace

pytestmark = pytest.mark.slow

STARTS = {"corridor": 0.5, "classroom": 1.0, "yard": 2.0}
SPLITS = {"corridor": "train", "classroom": "train", "yard": "val"}
SECONDS = list(range(2, 10))
BATCHES = 3
ACTIONS = ["talk", "bow", "stand", "sit", "walk", "hand up", "catch"]


def source_frame(clip: str, frame: int) -> int:
    """The 0-based frame of the demo's video that a clip shows at its 1-based frame."""
    return round(STARTS[clip] * 30) + frame - 1


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The finished demo, in a folder of its own, with tables that tests may change."""
    workspace = Workspace(tmp_path_factory.mktemp("demo") / "w", batches=BATCHES)
    shutil.copy(DEMO / "clips.tsv", workspace.folder / "clips.tsv")
    shutil.copytree(DEMO / "annotations", workspace.folder / "annotations")
    run = workspace.run()
    assert run.status == 0, run.output
    workspace.first_run = run
    workspace.results = workspace.folder / "results"
    return workspace


@pytest.fixture(scope="session")
def truth():
    """The demo's truth: a row per person and frame of each video."""
    tables = []
    for clip in STARTS:
        table = pd.read_csv(DEMO / "truth" / f"{clip}.csv")
        tables.append(table.assign(clip=clip))
    return pd.concat(tables, ignore_index=True)


def test_second_run_has_nothing_to_do(demo):
    run = demo.run()
    assert run.status == 0 and run.nothing_to_do, run.output


def test_end_of_the_run_tells_what_was_made(demo):
    assert "persons followed       3 of 3   results/tracks/" in demo.first_run.output
    assert (
        "train.csv, val.csv, for mmaction2, slowfast, datumaro, alphaction" in demo.first_run.output
    )
    report = (demo.results / "report.md").read_text()
    assert "3 clips, 3 finished by an annotator, 0 awaiting one. 24 keyframes" in report
    table = pd.read_csv(demo.results / "report.tsv", sep="\t")
    assert list(table["state"]) == ["finished"] * 3 and list(table["keyframes"]) == [8] * 3


@pytest.mark.parametrize("clip", STARTS)
def test_every_keyframe_shows_the_frame_of_its_second(demo, clip):
    table = read_table(demo.results / "keyframes" / f"{clip}.csv", KEYFRAMES)
    assert list(table["second"]) == SECONDS
    for row in table.itertuples():
        assert row.file == f"{clip}_{30 * row.second + 1:06d}.jpg"
        image = cv2.imread(str(demo.results / "keyframes" / clip / row.file))
        assert image.shape == (360, 640, 3)
        assert read_frame_number(image) == round((STARTS[clip] + row.second) * 30)


@pytest.mark.parametrize("clip", STARTS)
def test_every_frame_shows_its_instant(demo, clip):
    folder = demo.results / "rawframes" / clip
    assert sorted(p.name for p in folder.iterdir()) == [f"img_{n:05d}.jpg" for n in range(1, 331)]
    for frame in (1, 2, 100, 329, 330):
        image = cv2.imread(str(folder / f"img_{frame:05d}.jpg"))
        assert read_frame_number(image) == source_frame(clip, frame)


def test_training_code_can_jump_in_clips(demo):
    """decord, as the readers' video mode uses it, gets the frame it asks for."""
    import decord

    for clip in STARTS:
        reader = decord.VideoReader(str(demo.results / "dataset" / "clips" / f"{clip}.mp4"))
        assert len(reader) == 330 and reader.get_avg_fps() == pytest.approx(30)
        for index in (240, 0, 61, 329):
            image = reader[index].asnumpy()[:, :, ::-1]
            assert read_frame_number(image) == source_frame(clip, index + 1)


def on_frames(table, truth, clip, frames):
    """Predicted and true boxes of the given frames of a clip, frame by frame."""
    true = truth[truth["clip"] == clip]
    for frame in frames:
        rows = true[true["frame"] == source_frame(clip, frame)]
        yield table[table["frame"] == frame], rows


def test_detector_finds_the_persons(demo, truth):
    detections = pd.concat(
        read_table(path, DETECTIONS) for path in (demo.results / "detections").glob("*.csv")
    )
    found = present = right = given = 0
    for clip in STARTS:
        table = detections[detections["clip"] == clip]
        assert set(table["frame"]) <= set(range(1, 331, 5))
        for boxes, true in on_frames(table, truth, clip, [30 * s + 1 for s in SECONDS]):
            overlap = iou_matrix(true[BOX].to_numpy(), boxes[BOX].to_numpy())
            clear = (true["visible"] >= 0.5).to_numpy()
            present += clear.sum()
            found += (overlap.max(axis=1, initial=0) >= 0.5)[clear].sum()
            # A hidden person who is found all the same is no false alarm, a second box on
            # one person is.
            given += len(boxes)
            rows, columns = linear_sum_assignment(-overlap)
            right += (overlap[rows, columns] >= 0.5).sum()
    assert present > 60
    assert found / present >= 0.95, f"recall {found}/{present}"
    assert right / given >= 0.95, f"precision {right}/{given}"


def test_identities_last(demo, truth):
    predicted, true = [], []
    for clip in STARTS:
        tracks = read_table(demo.results / "tracks" / f"{clip}.csv", TRACKS)
        assert not tracks.duplicated(["frame", "person_id"]).any()
        assert tracks["person_id"].min() == 1
        frames = {source_frame(clip, 30 * s + 1): 30 * s + 1 for s in SECONDS}
        predicted.append(tracks[tracks["frame"].isin(frames.values())].assign(clip=clip))
        rows = truth[(truth["clip"] == clip) & truth["frame"].isin(frames)]
        rows = rows[rows["visible"] >= 0.5]
        true.append(rows.assign(frame=rows["frame"].map(frames)))
    predicted, true = pd.concat(predicted), pd.concat(true)
    # Ids count within a clip: make them and the frames unique over all.
    for table in (predicted, true):
        number = table["clip"].map({clip: n for n, clip in enumerate(STARTS)})
        table["person_id"] += number * 1000
        table["frame"] += number * 10000
    assert idf1(true, predicted) >= 0.9


def test_projects_to_annotate_hold_every_box_and_no_tick(demo):
    for clip in STARTS:
        project = json.loads((demo.results / "via" / f"{clip}.json").read_text())
        tracks = read_table(demo.results / "tracks" / f"{clip}.csv", TRACKS)
        on_keyframes = tracks[tracks["frame"].isin([30 * s + 1 for s in SECONDS])]
        assert len(project["metadata"]) == len(on_keyframes) > 0
        person = project["config"]["ui"]["spatial_region_label_attribute_id"]
        assert all(set(entry["av"]) == {person} for entry in project["metadata"].values())
        for file in project["file"].values():
            assert file["loc"] == 2
            assert (demo.results / "via" / file["src"]).resolve().is_file()
    assert (demo.results / "via" / "index.html").is_file()


def test_every_tick_is_in_the_dataset_and_nothing_else(demo):
    """What the demo's annotations ticked is written beside them, from the truth."""
    ticked = pd.read_csv(DEMO / "truth_labels.csv", keep_default_na=False)
    expected = Counter()
    for row in ticked.itertuples():
        for action in row.actions.split(";"):
            box = tuple(f"{getattr(row, side):.4f}" for side in BOX)
            expected[row.clip, f"{row.second + 900}", *box, str(ACTIONS.index(action) + 1)] += 1
    written = Counter()
    persons = {}
    for split in ("train", "val"):
        text = (demo.results / "dataset" / "annotations" / f"{split}.csv").read_text()
        for line in text.splitlines():
            *cells, person = line.split(",")
            # VIA keeps thousandths of a pixel, so that the last of six decimals may differ.
            assert all(len(cell) == 8 for cell in cells[2:6])
            cells[2:6] = [f"{float(cell):.4f}" for cell in cells[2:6]]
            written[tuple(cells)] += 1
            assert SPLITS[cells[0]] == split
            persons.setdefault((cells[0], cells[1], *cells[2:6]), set()).add(int(person))
    assert written == expected and len(written) > 100
    # One box is one person, ids are never -1, and a true person keeps one id in its clip.
    assert all(len(ids) == 1 and min(ids) >= 1 for ids in persons.values())
    ids_of_person = {}
    for row in ticked.itertuples():
        box = tuple(f"{getattr(row, side):.4f}" for side in BOX)
        (person,) = persons[row.clip, f"{row.second + 900}", *box]
        ids_of_person.setdefault((row.clip, row.truth_person_id), set()).add(person)
    assert all(len(ids) == 1 for ids in ids_of_person.values()), ids_of_person


def test_ticks_are_the_actions_that_the_videos_show(demo, truth):
    """Labels against the generator itself, not against what the annotations say of it."""
    for clip in STARTS:
        labels = read_table(demo.results / "labels" / f"{clip}.csv", LABELS)
        true = truth[truth["clip"] == clip]
        for second, rows in labels.groupby("second"):
            people = true[true["frame"] == source_frame(clip, 30 * second + 1)]
            for _, box_rows in rows.groupby("person_id"):
                box = box_rows[BOX].to_numpy()[:1]
                overlap = iou_matrix(people[BOX].to_numpy(), box)[:, 0]
                assert overlap.max() >= 0.5
                shown = people.iloc[int(overlap.argmax())]["actions"].split(";")
                assert {ACTIONS[i - 1] for i in box_rows["action_id"]} == set(shown)


# ------------------------------------------------------------------ as the readers load it


def test_dataset_scores_full_marks_against_itself(demo):
    dataset = demo.results / "dataset"
    for split in ("train", "val"):
        assert readers.truth_against_itself(dataset, split) == pytest.approx(1.0)


def test_proposals_keep_every_rule(demo):
    for split in ("train", "val", "test"):
        path = demo.results / "dataset" / "annotations" / f"dense_proposals_{split}.pkl"
        proposals = read_proposals(path)
        clips = [clip for clip in SPLITS if SPLITS[clip] == split]
        keys = {f"{clip},{second + 900:04d}" for clip in clips for second in SECONDS}
        assert set(proposals) == keys
        for boxes in proposals.values():
            assert boxes.dtype.kind == "f" and boxes.ndim == 2 and boxes.shape[1] == 5
            assert (boxes >= 0).all() and (boxes <= 1).all()
            assert (np.diff(boxes[:, 4]) <= 0).all()


def labelled_keyframes(demo, split):
    """(clip, timestamp) of every keyframe in a split's csv, in order."""
    text = (demo.results / "dataset" / "annotations" / f"{split}.csv").read_text()
    cells = [line.split(",") for line in text.splitlines()]
    return sorted({(cell[0], int(cell[1])) for cell in cells})


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize(("mode", "late"), [("frames", 1), ("video", 0)])
def test_mmaction2_gets_images_of_the_labelled_second(demo, split, mode, late):
    """From frames mmaction2 reads one frame late, as on AVA itself; from clips it is exact."""
    dataset = demo.results / "dataset"
    counts = dict.fromkeys(STARTS, 330)
    samples = readers.mmaction2_samples(dataset, split, mode, counts)
    assert [(s.clip, s.timestamp) for s in samples] == labelled_keyframes(demo, split)
    for sample in samples:
        keyframe = 30 * (sample.timestamp - 900) + 1
        assert sample.frames == list(range(keyframe + late - 32, keyframe + late + 32, 2))
        assert sample.labels.sum(axis=1).min() >= 1 and len(sample.proposals) >= 1
        assert all(path.exists() for path in sample.paths)
    if mode == "frames":
        sample = samples[-1]
        shown = [read_frame_number(cv2.imread(str(path))) for path in sample.paths]
        assert shown == [source_frame(sample.clip, frame) for frame in sample.frames]


def test_slowfast_gets_images_of_the_labelled_second(demo):
    dataset = demo.results / "dataset"
    samples = readers.slowfast_samples(dataset, "train")
    assert sorted((s.clip, s.timestamp) for s in samples) == labelled_keyframes(demo, "train")
    for sample in samples:
        middle = cv2.imread(str(sample.paths[16]))
        keyframe = 30 * (sample.timestamp - 900) + 1
        assert read_frame_number(middle) == source_frame(sample.clip, keyframe)
    assert {s.clip for s in readers.slowfast_samples(dataset, "val")} == {"yard"}


def test_datumaro_gets_the_labelled_keyframes(demo):
    items = readers.datumaro_items(demo.results / "dataset")
    assert {subset for subset, _ in items} == {"train", "val"}
    assert len(items) == 24
    for (_, name), (image, boxes) in items.items():
        clip, timestamp = name.split("/")
        keyframe = 30 * (int(timestamp) - 900) + 1
        assert read_frame_number(cv2.imread(str(image))) == source_frame(clip, keyframe)
        assert {label for label, _, _ in boxes} <= set(ACTIONS)


def test_every_segment_has_25_frames_and_begins_with_the_frame_of_its_second(demo):
    import av

    for clip, split in SPLITS.items():
        folder = demo.results / "dataset" / "alphaction"
        names = {path.stem for path in (folder / "clips" / split / clip).iterdir()}
        assert names == {str(900 + second) for second in range(11)}
        for second in range(11):
            with av.open(str(folder / "clips" / split / clip / f"{900 + second}.mp4")) as container:
                frames = [f.to_ndarray(format="bgr24") for f in container.decode(video=0)]
            assert len(frames) == 25
            keyframe = cv2.imread(str(folder / "keyframes" / split / clip / f"{900 + second}.jpg"))
            expected = round((STARTS[clip] + second) * 30)
            for image in (frames[0], keyframe):
                assert image.shape == (360, 640, 3)
                assert read_frame_number(image) == expected
            # The frame shown 24/25 s later is number 28.8 of the source: 29 begins first there.
            assert read_frame_number(frames[24]) == expected + 29


def test_alphaction_gets_the_images_around_a_keyframe_and_its_ticks(demo):
    folder = demo.results / "dataset" / "alphaction"
    rows = defaultdict(set)
    for line in (folder / "annotations" / "train.csv").read_text().splitlines():
        cells = line.split(",")
        rows[cells[0], int(cells[1])].add((int(cells[7]), int(cells[6])))
    samples = readers.alphaction_samples(folder, "train")
    assert sorted((s.movie, s.timestamp) for s in samples) == labelled_keyframes(demo, "train")
    for sample in samples:
        assert sample.frames.shape == (100, 360, 640, 3) and sample.keyframe == 50
        middle = sample.frames[sample.keyframe][:, :, ::-1]
        expected = round((STARTS[sample.movie] + sample.timestamp - 900) * 30)
        assert read_frame_number(middle) == expected
        ticked = rows[sample.movie, sample.timestamp]
        assert len(sample.boxes) == len({person for person, _ in ticked})
        assert sorted(np.flatnonzero(sample.labels.sum(0)) + 1) == sorted({a for _, a in ticked})
        assert readers.alphaction_loss_accepts(folder, sample.labels)
    assert {s.movie for s in readers.alphaction_samples(folder, "val")} == {"yard"}


def test_alphaction_trains_on_ticked_people_and_is_judged_on_detected_ones(demo):
    folder = demo.results / "dataset" / "alphaction"
    train = json.loads((folder / "annotations" / "train.json").read_text())
    boxes = json.loads((folder / "boxes" / "train_person_bbox.json").read_text())
    assert [(box["image_id"], box["bbox"], box["score"]) for box in boxes] == [
        (each["image_id"], each["bbox"], 1.0) for each in train["annotations"]
    ]
    found = json.loads((folder / "boxes" / "val_person_bbox.json").read_text())
    assert found and all(0.7 <= box["score"] < 1 for box in found)
    for split in ("train", "val"):
        name = f"annotations/{split}_excluded_timestamps.csv"
        assert (folder / name).read_text() == (demo.results / "dataset" / name).read_text()


def test_alphaction_boxes_lie_on_the_true_persons(demo, truth):
    folder = demo.results / "dataset" / "alphaction"
    found = judged = 0
    for split in ("train", "val"):
        for sample in readers.alphaction_samples(folder, split, decode=False):
            frame = 30 * (sample.timestamp - 900) + 1
            true = truth[truth["clip"] == sample.movie]
            true = true[true["frame"] == source_frame(sample.movie, frame)]
            boxes = sample.boxes + (0, 0, 1, 1)
            overlaps = iou_matrix(boxes / (640, 360, 640, 360), true[BOX].to_numpy())
            judged += len(boxes)
            found += int((overlaps.max(axis=1) >= 0.5).sum())
    assert judged > 60 and found >= 0.95 * judged


# ------------------------------------------------------------------ only what is stale


DOWNSTREAM_OF_LABELS = {
    "propose": 1,  # of val, where nobody without a tick is proposed
    "write_ava": 1,
    "export_mmaction2": 1,
    "export_slowfast": 1,
    "export_datumaro": 1,
    "export_alphaction": 1,
    "write_card": 1,
    "write_report": 1,
    "write_report_page": 1,
    "all": 1,
}


def test_a_finished_project_that_changes_rebuilds_its_labels_and_the_dataset(demo):
    path = demo.folder / "annotations" / "yard_finish.json"
    before = path.read_text()
    project = json.loads(before)
    entry = next(e for e in project["metadata"].values() if e["av"].get("2"))
    entry["av"]["2"] = "0" if entry["av"]["2"] != "0" else "1"
    try:
        path.write_text(json.dumps(project))
        # The clip's page opens what was finished.
        pages = {"make_annotate_page": 1, "make_annotate_index": 1}
        assert demo.plan() == {"read_labels": 1, **pages, **DOWNSTREAM_OF_LABELS}
    finally:
        path.write_text(before)


def test_an_annotation_with_an_older_date_is_not_overlooked(demo):
    """Unzipped, moved and copied files keep the date at which they were saved."""
    path = demo.folder / "annotations" / "yard_finish.json"
    before, dates = path.read_text(), path.stat()
    project = json.loads(before)
    entry = next(e for e in project["metadata"].values() if e["av"].get("2"))
    entry["av"]["2"] = "0" if entry["av"]["2"] != "0" else "1"
    try:
        path.write_text(json.dumps(project))
        os.utime(path, (dates.st_atime - 86400, dates.st_mtime - 86400))
        assert demo.plan()["read_labels"] == 1
    finally:
        path.write_text(before)
        os.utime(path, (dates.st_atime, dates.st_mtime))


def test_an_annotation_of_no_clip_stops_nothing(demo):
    stray = demo.folder / "annotations" / "yart_finish.json"
    again = demo.folder / "annotations" / "yard_finish (1).json"
    stray.write_text("{}")
    again.write_text("{}")
    try:
        run = demo.run("-n")
    finally:
        stray.unlink()
        again.unlink()
    assert run.status == 0, run.output
    assert "yart_finish.json: no clip of this name is in the clips table" in run.output
    assert "yard_finish (1).json: a second save of clip yard" in run.output


def test_a_tracker_setting_rebuilds_from_the_tracks_on(demo):
    assert demo.plan(tracker={"link_distance": 0.2}) == {
        "track": 3,
        "make_via_project": 3,
        "zip_via_project": 3,
        "make_via_index": 1,
        "make_annotate_page": 3,
        "make_annotate_index": 1,
        "read_labels": 3,
        **DOWNSTREAM_OF_LABELS,
    }


def test_an_actions_name_rebuilds_projects_and_labels_but_no_video_work(demo):
    actions = [
        {"attribute": "head", "options": ["speak", "bow"], "renamed": {"talk": "speak"}},
        {"attribute": "body", "choose": "single", "options": ["stand", "sit", "walk"]},
        {"attribute": "limbs", "options": ["hand up", "catch"]},
    ]
    assert demo.plan(actions=actions) == {
        "make_via_project": 3,
        "zip_via_project": 3,
        "make_via_index": 1,
        "make_annotate_page": 3,
        "make_annotate_index": 1,
        "read_labels": 3,
        **DOWNSTREAM_OF_LABELS,
    }


def test_a_clip_that_is_added_makes_nothing_of_its_batch_stale(demo):
    table = demo.folder / "clips.tsv"
    before = table.read_text()
    try:
        table.write_text(before + "extra\texamples/demo/videos/yard.mp4\t0\t6\tval\n")
        run = demo.run("-n")
    finally:
        table.write_text(before)
    assert run.status == 0, run.output
    jobs, told = run.jobs, run.output
    mates = [c for c in STARTS if batch_of(c, BATCHES) == batch_of("extra", BATCHES)]
    assert mates, "a clip alone in its batch proves nothing"
    of_the_clip = ("trim", "detect", "embed", "track", "make_via_project", "zip_via_project")
    assert {jobs[rule] for rule in of_the_clip} == {1}
    assert "read_labels" not in jobs
    assert "1 clip to cut, 1 clip to detect persons in, 1 clip to describe persons of" in told


def test_jpeg_quality_and_rate_are_not_forgotten(demo):
    assert demo.plan(jpeg_quality=5)["trim"] == 3
    assert demo.plan(trim={"crf": 25})["trim"] == 3
    assert demo.plan(detector={"confidence": 0.4})["detect"] == len(
        {batch_of(clip, BATCHES) for clip in STARTS}
    )
    assert "trim" not in demo.plan(detector={"confidence": 0.4})
    assert demo.plan(detector={"threads": 1}) == {}
    assert not {"trim", "detect", "track"} & set(demo.plan(strict=True))
    assert demo.plan(alphaction={"person_score": 0.5}) == {
        "export_alphaction": 1,
        "write_report": 1,
        "write_report_page": 1,
        "all": 1,
    }
    assert demo.plan(alphaction={"crf": 30})["cut_segments"] == 3
    jobs = demo.plan(timestamp_offset=0, exports=["mmaction2", "datumaro"])
    assert not {"trim", "detect", "embed", "track", "make_via_project", "read_labels"} & set(jobs)
    assert jobs["write_ava"] == 1 and jobs["propose"] == 3


def test_unannotated_clips_wait_and_block_nobody(demo, tmp_path):
    shutil.copytree(demo.folder / "annotations", tmp_path / "some")
    (tmp_path / "some" / "yard_finish.json").unlink()
    jobs = demo.plan(annotations=str(tmp_path / "some"))
    # The other two are read back already: where their files lie now does not count.
    assert "read_labels" not in jobs and jobs["write_ava"] == 1
    jobs = demo.plan(annotations=str(tmp_path / "nobody"))
    assert "read_labels" not in jobs and "write_ava" not in jobs
    assert jobs["write_report"] == 1  # which removes the dataset that stands for nothing now
