"""Annotation files of the page for tests: one by hand, and others by chance."""

import copy
import random

CLIP = {"start": 1.5, "fps": 30, "frames": 330, "width": 1000, "height": 500}
ATTRIBUTES = [
    {"name": "head", "choose": "multiple", "options": ["talk", "bow"]},
    {"name": "body", "choose": "single", "options": ["stand", "sit", "walk"]},
]
LEFT, RIGHT = [0.1, 0.2, 0.2, 0.8], [0.6, 0.2, 0.7, 0.8]


def page_file(persons=(), clip="c-1", **changed):
    """The content of a file as the page of an 11 s clip saves it, of these persons."""
    return copy.deepcopy(
        {
            "format": "avaflow annotation",
            "version": 1,
            "clip": clip,
            "annotator": "",
            "saved": "2026-11-21T20:00:00Z",
            "seconds_worked": 12.5,
            "video": CLIP,
            "attributes": ATTRIBUTES,
            "persons": list(persons),
        }
        | changed
    )


def person(number, track=None, box=LEFT, seconds=range(2, 10), **changed):
    """A person seen on these keyframes, by default in the track of the same number."""
    frames = [30 * second + 1 for second in seconds]
    stretch = {
        "track": track or number,
        "from": frames[0] if frames else 1,
        "to": frames[-1] if frames else 1,
        "anchors": [[frame, *box] for frame in frames],
    }
    return {
        "id": number,
        "kind": "person",
        "tracks": [stretch],
        "boxes": [],
        "removed": [],
        "spans": [],
        "judged": [],
    } | changed


def span(option, start, end, attribute="body"):
    return {"attribute": attribute, "option": option, "from": start, "to": end}


def by_chance(rng: random.Random, attributes=ATTRIBUTES) -> dict:
    """A file with all that annotators do, by chance, and nothing that contradicts itself."""
    persons = []
    for number in range(1, rng.randrange(2, 6)):
        seconds = sorted(rng.sample(range(2, 10), rng.randrange(0, 9)))
        place = rng.uniform(0, 0.8)
        box = [round(place, 6), 0.25, round(place + 0.1 + number / 100, 6), 0.75]
        one = person(number, box=box, seconds=seconds, tracks=[])
        if seconds:
            one["tracks"] = person(number, box=box, seconds=seconds)["tracks"]
        drawn = sorted(rng.sample(range(2, 10), rng.randrange(0, 4)))
        one["boxes"] = [{"second": s, "box": [place, 0.1, place + 0.2, 0.9]} for s in drawn]
        one["removed"] = sorted(rng.sample(range(2, 10), rng.randrange(0, 3)))
        one["kind"] = rng.choice(["person"] * 4 + ["not a person", "ignored"])
        for attribute in attributes:
            at = 0.0
            while (at := at + rng.choice([0.0, 0.4, 1.0, 2.5])) < 9:
                end = round(min(11.0, at + rng.choice([0.5, 1.0, 3.25])), 3)
                option = rng.choice(attribute["options"])
                one["spans"].append(span(option, round(at, 3), end, attribute["name"]))
                at = end
        for _ in range(rng.randrange(4)):
            start = rng.choice([0.0, 2.0, rng.uniform(0, 8)])
            one["judged"].append([round(start, 3), round(start + rng.uniform(0.5, 3), 3)])
        persons.append(one)
    return page_file(persons, attributes=attributes)
