"""Write AlphAction's annotations, person boxes, catalog entry and config, and link its clips."""

from dataclasses import replace
from pathlib import Path

from avaflow.errors import UserError
from avaflow.files import atomic_folder, link, write_text
from avaflow.formats.alphaction import (
    Split,
    alphaction_json,
    annotatable,
    annotated_boxes,
    check_reach,
    coco_json,
    detected_boxes,
    dropped_boxes,
    images,
    json_text,
    object_boxes,
    repeated_json,
)
from avaflow.formats.alphaction_training import catalog_text, config_text, readme_text
from avaflow.formats.ava import action_list_text, excluded_text, label_map_text, read_csv, write_csv
from avaflow.formats.imbalance import rarities, repeats_of_keyframes
from avaflow.formats.proposals import proposals_of_splits
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.tables import NOBODY, OBJECTS, DetectedObject, read_table, rows_of
from avaflow.times import Instant, timestamp_of_second
from avaflow.videos.segments import read_segments_manifest
from avaflow.workflow.job import job


def counts_of(manifests):
    """The number of segments of every clip."""
    return {clip: manifest.segments for clip, manifest in manifests.items()}


def plan_split(name, rows, judged, proposals, manifests, actions, threshold):
    """A split with its annotations in both forms."""
    listed = images(judged, manifests)
    annotations = alphaction_json(rows, listed, actions)
    if name == "train":
        boxes = annotated_boxes(annotations)
    else:
        boxes = detected_boxes(listed, proposals, threshold)
    with_box = {box["image_id"] for box in boxes}
    labelled = {(row.clip, row.timestamp) for row in rows}
    unproposed = [
        f"{image['movie']},{image['timestamp']}"
        for image in listed
        if image["id"] not in with_box and (image["movie"], image["timestamp"]) in labelled
    ]
    split = Split(name, rows, sorted(judged), boxes, dropped_boxes(annotations), unproposed)
    return split, annotations, coco_json(rows, listed, actions)


def objects_of_clips(tables, fps, offset):
    """Box, score and class of the objects on each keyframe, best first."""
    found = {}
    for path in tables:
        for row in rows_of(read_table(path, OBJECTS), DetectedObject):
            second, rest = divmod(row.frame - 1, fps)
            if not rest:
                instant = Instant(row.clip, timestamp_of_second(second, offset))
                found.setdefault(instant, []).append(
                    ((row.x1, row.y1, row.x2, row.y2), row.score, row.name)
                )
    return found


def link_media(dataset, manifests, segments, clip_splits):
    """Link every clip's segments and keyframes below the folder of its split."""
    for kind in ("clips", "keyframes"):
        with atomic_folder(Path(dataset) / kind) as temporary:
            for clip in manifests:
                folder = Path(segments[clip]).with_suffix("")
                link(folder / kind, temporary / clip_splits[clip] / clip)


if "snakemake" in globals():
    p, given, made = snakemake.params, snakemake.input, snakemake.output
    with job(snakemake) as log:
        attributes = attributes_from_config(p.actions)
        actions = all_actions(attributes)
        segments = dict(zip(p.clips, given.segments, strict=True))
        manifests = {clip: read_segments_manifest(path) for clip, path in segments.items()}
        damaged = [each.clip for each in manifests.values() if each.decode_errors]
        if damaged and p.strict:
            raise UserError(
                f"`strict` is set, so damage to videos stops the run: the segments of "
                f"{', '.join(damaged)} come from damaged stretches. Fix the videos, give other "
                "times in the clips table, or set `strict: false`."
            )
        offset, threshold = p.offset, p.settings["person_score"]
        rows = [row for path in given.csv for row in read_csv(path)]
        judged = {(row.clip, row.timestamp) for row in rows}
        for clip, path in zip(p.clips, given.nobody, strict=True):
            judged |= {(clip, second + offset) for second in read_table(path, NOBODY).second}
        named = {(clip, t - offset): "a finished annotation" for clip, t in judged}
        check_reach(named, counts_of(manifests), p.settings, p.margin)
        found = proposals_of_splits(given.proposals, [s for s in p.splits if s != "train"])
        folder = Path(made.readme).parent
        splits, rare = [], []
        asked = p.settings["objects"]
        objects = objects_of_clips(p.reads, p.fps, offset)
        with (
            atomic_folder(folder / "annotations") as annotations,
            atomic_folder(folder / "boxes") as boxes,
        ):
            for name in p.splits:
                own = [row for row in rows if p.clip_splits[row.clip] == name]
                instants = {each for each in judged if p.clip_splits[each[0]] == name}
                split, per_person, per_action = plan_split(
                    name, own, instants, found.get(name, {}), manifests, actions, threshold
                )
                if name == "train" and made.again:
                    limits = p.imbalance["repeat_below"], p.imbalance["max_repeats"]
                    rare = rarities(own, actions, *limits)
                    split = replace(split, repeats=repeats_of_keyframes(own, rare))
                    per_read = repeated_json(per_person, split.repeats)
                    path = annotations / "train_repeated_min.json"
                    write_text(path, json_text(per_read, compact=True))
                if asked:
                    listed = (per_read if split.repeats else per_person)["images"]
                    write_text(
                        boxes / f"{name}_object_bbox.json",
                        json_text(object_boxes(listed, objects, asked), compact=False),
                    )
                splits.append(split)
                write_text(annotations / f"{name}.json", json_text(per_person, compact=False))
                write_text(annotations / f"{name}_min.json", json_text(per_person, compact=True))
                write_text(annotations / f"{name}_coco.json", json_text(per_action, compact=False))
                write_text(
                    boxes / f"{name}_person_bbox.json", json_text(split.boxes, compact=False)
                )
                write_csv(annotations / f"{name}.csv", own, len(actions), offset)
                excluded = {
                    (clip, second + offset)
                    for clip in manifests
                    if p.clip_splits[clip] == name
                    for second in annotatable(manifests[clip].segments, p.settings, p.margin)
                } - instants
                write_text(annotations / f"{name}_excluded_timestamps.csv", excluded_text(excluded))
            write_text(annotations / "action_list.pbtxt", action_list_text(actions))
            write_text(annotations / "label_map.txt", label_map_text(actions))
        link_media(folder, manifests, segments, p.clip_splits)
        write_text(
            made.catalog, catalog_text(p.settings["name"], p.splits, bool(rare), bool(asked))
        )
        write_text(
            made.config,
            config_text(
                p.settings["name"], splits, len(actions), threshold, manifests, bool(asked)
            ),
        )
        dataset = folder.parent.as_posix()
        text = readme_text(
            p.settings["name"],
            splits,
            actions,
            threshold,
            p.settings,
            manifests,
            dataset,
            rare,
        )
        write_text(made.readme, text)
        for split in splits:
            log.info(
                "%s: %d keyframes, %d boxes", split.name, len(split.instants), len(split.boxes)
            )
