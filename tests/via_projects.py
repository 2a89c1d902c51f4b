"""VIA projects as they are after work in VIA, made by hand for tests."""

import random
import string

IMAGE = (1280, 720)
"""Width and height in pixels of the images of :func:`saved_by_via`."""

SECONDS = range(5)
"""Seconds of its images, `h-2_000000.jpg` to `h-2_000004.jpg`."""

ATTRIBUTES = [
    {"attribute": "head", "options": ["talk", "bow"]},
    {"attribute": "body", "options": ["stand", "sit", "walk"]},
    {"attribute": "limbs", "options": ["hand up", "catch"]},
]
"""Its attributes, as a config names them."""


def saved_by_via() -> dict:
    """The project of clip h-2 as VIA 3.0.11 saves it, made by another tool than avaflow.

    Three persons on five images. On the first the annotator clicked talk and stand of
    person 1, then walk, catch and hand up of person 2, deleted person 3 and drew person 7, who
    stands. On the second person 1 bows, person 2 was made smaller, and person 3 was pushed up
    beyond the image's upper edge. On the third a tick of person 2 was taken back, which
    leaves an empty text. On the fourth a click left a box of a pixel.
    """
    metadata = {}
    for second in SECONDS:
        vid = str(second + 1)
        for person, x, y, w, h in ((1, 96, 310.5, 120, 260), (2, 440, 288, 132, 300)):
            metadata[f"{vid}_p{person}"] = _box(vid, [x + 6 * second, y, w, h], {"4": str(person)})
        metadata[f"{vid}_p3"] = _box(vid, [1002, 41, 62, 148.25], {"4": "3"})
    metadata["1_p1"]["av"] = {"1": "0", "2": "0", "4": "1"}
    metadata["1_p2"]["av"] = {"2": "2", "3": "1,0", "4": "2"}
    del metadata["1_p3"]
    # VIA keeps five decimals of what it drew or moved itself.
    metadata["1_Qm3xW_d8"] = _box(
        "1", [720.40816, 181.22449, 74.5102, 203.26531], {"2": "0", "4": "7"}
    )
    metadata["2_p1"]["av"]["1"] = "1"
    metadata["2_p2"]["xy"] = [2, 446, 288, 118.67347, 271.83673]
    metadata["2_p3"]["xy"] = [2, 1002, -60.2449, 62, 148.25]
    metadata["3_p2"]["av"]["2"] = ""
    metadata["4_k0Zb7TfA"] = _box("4", [3.91837, 5.87755, 0.9796, 0.9796], {})
    vids = [str(second + 1) for second in SECONDS]
    names = {vid: f"h-2_{second:06d}.jpg" for vid, second in zip(vids, SECONDS, strict=True)}
    return {
        "project": {
            "pid": "__VIA_PROJECT_ID__",
            "rev": "__VIA_PROJECT_REV_ID__",
            "rev_timestamp": "__VIA_PROJECT_REV_TIMESTAMP__",
            "pname": "h-2",
            "creator": "another tool",
            "created": 1700000000000,
            "vid_list": vids,
        },
        "config": {
            "file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}},
            "ui": {
                "file_content_align": "center",
                "file_metadata_editor_visible": True,
                "spatial_metadata_editor_visible": True,
                "spatial_region_label_attribute_id": "4",
            },
        },
        "attribute": {
            **{
                str(number): _attribute(entry["attribute"], 2, entry["options"])
                for number, entry in enumerate(ATTRIBUTES, start=1)
            },
            "4": _attribute("person", 1, []),
        },
        "file": {
            vid: {"fid": vid, "fname": name, "type": 2, "loc": 2, "src": f"images/h-2/{name}"}
            for vid, name in names.items()
        },
        "view": {vid: {"fid_list": [vid]} for vid in vids},
        "metadata": metadata,
    }


def scrawled(content: dict, rng: random.Random, size: tuple[int, int]) -> dict:
    """A project with everything that clicks, drags and keys can do to it, by chance.

    `size` is the width and height of its images in pixels. Boxes are moved, flipped, shrunk
    to points, pushed out, deleted and drawn; options are ticked and taken back, persons
    renamed.
    """
    metadata = content["metadata"]
    vids = content["project"]["vid_list"]
    for _ in range(rng.randrange(3)):
        key = rng.choice(vids) + "_" + "".join(rng.choices(string.ascii_letters, k=8))
        metadata[key] = _box(key.split("_")[0], _anywhere(rng, size), {})
    for key in list(metadata):
        entry = metadata[key]
        if rng.random() < 0.1:
            del metadata[key]
            continue
        if rng.random() < 0.4:
            entry["xy"] = [2, *_anywhere(rng, size)]
        person = content["config"]["ui"]["spatial_region_label_attribute_id"]
        for aid, attribute in content["attribute"].items():
            if aid == person:
                if rng.random() < 0.08:
                    entry["av"][aid] = rng.choice(["", "1", "2", "9", "9999", "x", "0", " 3 "])
            elif rng.random() < 0.5:
                ids = list(attribute["options"])
                count = 1 if attribute["type"] == 3 else rng.randrange(len(ids) + 1)
                entry["av"][aid] = ",".join(rng.sample(ids, count))
    return content


def _anywhere(rng: random.Random, size: tuple[int, int]) -> list[float]:
    """x, y, width, height in pixels: mostly a box, now and then none that anybody can see."""
    width, height = size
    x, y = (rng.uniform(-0.2, 1.1) * side for side in size)
    w, h = (rng.choice([-1, 1, 1]) * 10 ** rng.uniform(-4, 0) * side for side in size)
    if rng.random() < 0.1:
        x, y = rng.choice([(0, 0), (width, y), (x, height), (width - 1e-4, y), (-w, y)])
    if rng.random() < 0.03:
        w, h = rng.choice([(0, h), (w, 0), (1.9999, h)])
    elif rng.random() < 0.2:  # the least that counts as a person
        w, h = rng.choice([(2, 2), (2.5, 3), (-3, 4), (w, 2.0000001)])
    return [round(value, rng.choice([0, 3, 5, 9])) for value in (x, y, w, h)]


def _box(vid: str, box_px: list, values: dict) -> dict:
    return {"vid": vid, "flg": 0, "z": [], "xy": [2, *box_px], "av": dict(values)}


def _attribute(name: str, kind: int, options: list) -> dict:
    return {
        "aname": name,
        "anchor_id": "FILE1_Z0_XY1",
        "type": kind,
        "desc": "",
        "options": {str(number): option for number, option in enumerate(options)},
        "default_option_id": "",
    }
