"""COCO JSON, and what of it AlphAction reads: annotations, box files, segments, configs."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from avaflow.doctor.findings import Findings
from avaflow.doctor.layout import Layout, split_of
from avaflow.doctor.media import Media, look_at_video, spread
from avaflow.doctor.python_config import value_of
from avaflow.doctor.texts import (
    MOST_CONFIG_BYTES,
    json_of,
    leaves,
    read_bounded,
    text_of,
    yaml_of,
)
from avaflow.formats.alphaction import DROPPED_PX
from avaflow.project.actions import MAX_ACTIONS

SEGMENT_FRAMES = 25
"""Frames of a segment, which AlphAction counts by."""

SHORT_SIDE = 360
"""The short side that AlphAction's segments have at most."""

BEFORE, AFTER = 2, 1
"""Segments that AlphAction reads before a keyframe's own, and after it."""

SLACK_PX = 1.0
"""A box may reach so far out of its image: writers round in different ways."""

SAMPLED_SEGMENTS = 30
"""Segments of which the header is read, spread over all."""

LOADED = ("movie", "timestamp", "width", "height")
"""What AlphAction's loader reads of an image."""

EVALUATED = ("csv_gt_file", "labelmap_file", "exclusion_file")
"""What AlphAction's evaluation reads of a catalog's entry."""


@dataclass
class Coco:
    """A COCO file: its images by id, and whether AlphAction is to read it."""

    path: Path
    name: str
    images: dict[object, dict]
    alphaction: bool


def lines_of_ids(path: Path, key: str, values: Sequence[object]) -> list[int]:
    """Lines of a JSON on many lines where a key has one of these values; none for a compact one."""
    data = read_bounded(path)
    if data.count(b"\n") < 2:
        return []
    found = []
    for value in values[:5]:
        match = re.search(rb'"%s":\s*%s\b' % (key.encode(), re.escape(str(value).encode())), data)
        if match:
            found.append(data.count(b"\n", 0, match.start()) + 1)
    return found


def read_coco(path: Path, layout: Layout, loaded: set[str], findings: Findings) -> Coco | None:
    """A COCO file and what is wrong with it; `loaded` are names that AlphAction's catalog has."""
    name, content = layout.name(path), json_of(path)
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        findings.add("F09", name, "expected an object with images and annotations")
        return None
    entries = [each for each in content["images"] if isinstance(each, dict)]
    images = {_id(each.get("id")): each for each in entries}
    if len(images) < len(entries):
        findings.add("C02", name, "an id of an image", count=len(entries) - len(images))
    listed = content.get("annotations")
    annotations = [each for each in listed if isinstance(each, dict)] if isinstance(
        listed, list) else []  # fmt: skip
    numbers = [_id(each.get("id")) for each in annotations]
    if len(set(numbers)) < len(numbers):
        findings.add("C02", name, "an id of an annotation", count=len(numbers) - len(set(numbers)))
    timed = any("movie" in each for each in entries[:10])
    acted = any("action_ids" in each for each in annotations[:10])
    found = Coco(path, name, images, path.name in loaded or (timed and acted))
    categories = content.get("categories")
    known = {_id(each.get("id")) for each in categories if isinstance(each, dict)} if isinstance(
        categories, list) else set()  # fmt: skip
    _check_annotations(found, annotations, known, findings)
    _check_files(found, layout, findings)
    return found


def _id(value: object) -> object:
    return value if isinstance(value, int | str) else repr(value)


def _check_annotations(
    found: Coco, annotations: Sequence[dict], categories: set, findings: Findings
) -> None:
    wrong: dict[str, list[tuple[object, str]]] = {}
    for image in found.images.values() if found.alphaction else ():
        gone = [key for key in LOADED if key not in image]
        if gone:
            wrong.setdefault("K01", []).append(
                (image.get("id"), f"image {image.get('id')} lacks {gone[0]}")
            )
    for each in annotations:
        for code, what in _annotation_problems(found, each, categories):
            wrong.setdefault(code, []).append(
                (each.get("id"), f"annotation {each.get('id')}: {what}")
            )
    for code, places in wrong.items():
        lines = lines_of_ids(found.path, "id", [number for number, _ in places])
        findings.add(code, found.name, places[0][1], lines, len(places))


def _annotation_problems(found: Coco, each: Mapping, categories: set) -> Iterator[tuple[str, str]]:
    image = found.images.get(_id(each.get("image_id")))
    if image is None:
        yield "C01", f"image_id {each.get('image_id')}"
    if categories and _id(each.get("category_id")) not in categories:
        yield "C03", f"category_id {each.get('category_id')}"
    if found.alphaction:
        actions = each.get("action_ids")
        if not isinstance(actions, list):
            yield "K02", f"action_ids {actions!r}"
        elif not all(isinstance(one, int) and 1 <= one <= MAX_ACTIONS for one in actions):
            yield "K03", f"action_ids {actions}"
    problem = bbox_problem(each.get("bbox"), image or {})
    if problem:
        yield "K04", problem
    elif found.alphaction and min(each["bbox"][2:]) <= DROPPED_PX:
        yield "K15", f"bbox {each['bbox']}"


def bbox_problem(bbox: object, image: Mapping) -> str:
    """What is wrong with a bbox in pixels; empty for a good one."""
    if not isinstance(bbox, list) or len(bbox) != 4:
        return f"bbox {bbox!r}"
    if not all(isinstance(each, int | float) for each in bbox):
        return f"bbox {bbox!r}"
    x, y, width, height = bbox
    beyond = x < -SLACK_PX or y < -SLACK_PX or width <= 0 or height <= 0
    if isinstance(image.get("width"), int) and isinstance(image.get("height"), int):
        beyond |= x + width > image["width"] + SLACK_PX
        beyond |= y + height > image["height"] + SLACK_PX
    return f"bbox {bbox} in {image.get('width')}x{image.get('height')}" if beyond else ""


def _check_files(found: Coco, layout: Layout, findings: Findings) -> None:
    """Image files, where the folder that they lie in can be told."""
    named = [str(each["file_name"]) for each in found.images.values() if each.get("file_name")]
    strays = [each for each in named if leaves(layout.bound, each, found.path.parent)]
    if strays:
        findings.add("F06", found.name, strays[0], count=len(strays))
        named = [each for each in named if each not in set(strays)]
    base = _base(found.path, named)
    gone = [each for each in named if base and not os.path.exists(base / each)]
    if gone:
        lines = lines_of_ids(found.path, "file_name", [f'"{each}"' for each in gone])
        findings.add("C04", found.name, gone[0], lines, len(gone))


def _base(path: Path, named: Sequence[str]) -> Path | None:
    """The folder from which most of the named files are found."""
    split = split_of(path)
    near = [path.parent, path.parent.parent]
    inner = [each / kind for each in near for kind in ("images", "frames", "keyframes")]
    bases = [*near, *inner, *(each / split for each in [*near, *inner] if split)]
    some = spread(named, 20)
    best = max(bases, key=lambda each: sum(os.path.exists(each / name) for name in some))
    return best if some and any(os.path.exists(best / name) for name in some) else None


def check_boxes(path: Path, layout: Layout, files: Sequence[Coco], findings: Findings) -> float:
    """A box file against the images of its split; returns the best score."""
    name, content = layout.name(path), json_of(path)
    if isinstance(content, dict):
        findings.add("K05", name, f"a dict of {len(content)} entries")
        return 1.0
    if not isinstance(content, list):
        findings.add("F09", name, "expected a list")
        return 1.0
    split = split_of(path)
    known: set = set()
    for each in files:
        if each.alphaction and split_of(each.path) == split:
            known |= set(each.images)
    best = 0.0
    wrong: dict[str, list[tuple[object, str]]] = {"K06": [], "K16": [], "K04": []}
    for box in content:
        entry = box if isinstance(box, dict) else {}
        if known and _id(entry.get("image_id")) not in known:
            wrong["K06"].append((entry.get("image_id"), f"image_id {entry.get('image_id')}"))
        if not isinstance(entry.get("score"), int | float):
            wrong["K16"].append((entry.get("image_id"), f"score {entry.get('score')!r}"))
        else:
            best = max(best, float(entry["score"]))
        problem = bbox_problem(entry.get("bbox"), {})
        if problem:
            wrong["K04"].append((entry.get("image_id"), problem))
    for code, places in wrong.items():
        if places:
            lines = lines_of_ids(path, "image_id", [number for number, _ in places])
            findings.add(code, name, places[0][1], lines, len(places))
    return best


def check_segments(files: Sequence[Coco], media: Media, layout: Layout, findings: Findings) -> None:
    """The segments around every keyframe, and the headers of some."""
    if not media.segments:
        return
    padded = [path for path in media.segments if path.stem.startswith("0") and len(path.stem) > 1]
    if padded:
        findings.add("K08", layout.name(padded[0].parent) + "/", padded[0].name, count=len(padded))
        return
    there = {(path.parent.name, int(path.stem[:9])): path for path in media.segments}
    sizes: dict[str, tuple[str, tuple[int, int]]] = {}
    for each in files:
        gone = []
        for image in each.images.values() if each.alphaction else ():
            movie, second = image.get("movie"), image.get("timestamp")
            if not isinstance(second, int):
                continue
            near = range(second - BEFORE, second + AFTER + 1)
            gone += [(image, at) for at in near if (movie, at) not in there]
            if isinstance(image.get("width"), int) and isinstance(image.get("height"), int):
                sizes[str(movie)] = each.name, (image["width"], image["height"])
        if gone:
            lines = lines_of_ids(each.path, "id", [image.get("id") for image, _ in gone])
            what = f"{gone[0][0].get('movie')}/{gone[0][1]}.mp4"
            findings.add("K07", each.name, what, lines, len(gone))
    for path in spread(media.segments, SAMPLED_SEGMENTS):
        _check_segment(path, sizes.get(path.parent.name), layout, findings)


def _check_segment(
    path: Path, size: tuple[str, tuple[int, int]] | None, layout: Layout, findings: Findings
) -> None:
    name = layout.name(path)
    video = look_at_video(path, name, True, findings)
    if video is None:
        return
    if video.frames != SEGMENT_FRAMES or abs(video.fps - SEGMENT_FRAMES) > 0.01:
        findings.add("K09", name, f"{video.frames} frames at {video.fps:g} a second")
    if size is not None and size[1] != (video.width, video.height):
        told = f"{video.width}x{video.height}, {size[0]} has {size[1][0]}x{size[1][1]}"
        findings.add("K10", layout.name(path.parent) + "/", told)
    if min(video.width, video.height) > SHORT_SIDE:
        findings.add("K17", layout.name(path.parent) + "/", f"{video.width}x{video.height}")


def read_catalog(path: Path, name: str, findings: Findings) -> set[str]:
    """The names of the annotation files in a catalog, and what is wrong with its entries."""
    text = text_of(path, MOST_CONFIG_BYTES)
    tree: ast.AST | None = None
    for form in ("{" + text + "}", text):
        try:
            tree = ast.parse(form.strip() if form.startswith("{") else form)
            break
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    if tree is None:
        findings.add("F09", name, "no entries in Python's form")
        return set()
    loaded: set[str] = set()
    for node in ast.walk(tree):
        for key, value in zip(node.keys, node.values, strict=True) if isinstance(
            node, ast.Dict) else ():  # fmt: skip
            entry = value_of(value, {})
            if not isinstance(key, ast.Constant) or not isinstance(entry, dict):
                continue
            if "ann_file" not in entry:
                continue
            loaded.add(Path(str(entry["ann_file"])).name)
            line = [max(1, key.lineno)]
            if "ava_video" not in str(key.value):
                findings.add("K11", name, str(key.value), line)
            judged = entry.get("eval_file_paths")
            gone = [each for each in EVALUATED if isinstance(judged, dict) and each not in judged]
            if gone and judged:
                findings.add("K12", name, f"{key.value!s} lacks {gone[0]}", line)
    return loaded


def check_config(path: Path, layout: Layout, best: Mapping[str, float], findings: Findings) -> None:
    """AlphAction's config; `best` has the best score of each split's box file."""
    name, content = layout.name(path), yaml_of(path)
    head = _inside(content, "MODEL", "ROI_ACTION_HEAD")
    if head and head.get("NUM_CLASSES", MAX_ACTIONS) != MAX_ACTIONS:
        findings.add("K13", name, f"NUM_CLASSES {head['NUM_CLASSES']}")
    named = _inside(content, "DATASETS")
    for key in ("TRAIN", "TEST"):
        for each in re.findall(r"[\"']([^\"']+)[\"']", str(named.get(key, ""))):
            if "ava_video" not in each:
                findings.add("K11", name, each)
    least = _inside(content, "TEST").get("BOX_THRESH", 0.8)
    for split, score in best.items():
        judged = split != "train" and split in str(named.get("TEST", ""))
        if judged and isinstance(least, int | float) and score < least:
            findings.add("K14", name, f"BOX_THRESH {least:g}, the best box of {split} {score:g}")


def _inside(content: object, *keys: str) -> dict:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}
