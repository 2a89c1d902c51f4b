"""COCO JSON of the keyframes: a box per person, of the one category `person`.

What a person does stands in `attributes` (an attribute's option, or yes for each of several) and
in `action_ids`; who it is in `attributes.track_id`, where CVAT, Datumaro and FiftyOne look for it.
"""

import json
from collections.abc import Sequence

from avaflow.formats.keyframe_boxes import ClipBoxes, PersonBox, sides_px
from avaflow.project.actions import Attribute
from avaflow.templates import render

CATEGORY = 1


def coco_text(clips: Sequence[ClipBoxes], attributes: Sequence[Attribute]) -> str:
    """The keyframes of a split that were judged, with their persons."""
    images: list[dict] = []
    annotations: list[dict] = []
    for clip in clips:
        for second, persons in clip.persons.items():
            keyframe = clip.keyframes[second]
            image_id = len(images) + 1
            images.append(
                {
                    "id": image_id,
                    "file_name": keyframe.file,
                    "width": keyframe.width,
                    "height": keyframe.height,
                }
            )
            for person in persons:
                x, y, width, height = sides_px(person.box, keyframe)
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image_id,
                        "category_id": CATEGORY,
                        "bbox": [x, y, width, height],
                        "area": round(width * height, 2),
                        "iscrowd": 0,
                        "action_ids": list(person.action_ids),
                        "attributes": said_of(person, attributes),
                    }
                )
    content = {
        "info": {"description": "keyframes, their persons, and what these do"},
        "licenses": [],
        "categories": [{"id": CATEGORY, "name": "person", "supercategory": ""}],
        "images": images,
        "annotations": annotations,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def said_of(person: PersonBox, attributes: Sequence[Attribute]) -> dict[str, object]:
    """What was said of a person, as attributes of annotation tools."""
    said: dict[str, object] = {"track_id": person.person_id} if person.person_id else {}
    for attribute in attributes:
        ticked = [action.name for action in attribute.actions if action.id in person.action_ids]
        if attribute.multiple:
            said |= {action.name: action.name in ticked for action in attribute.actions}
        elif ticked:
            said[attribute.name] = ticked[0]
    return said


def readme_text(splits: Sequence[str], dataset: str) -> str:
    """The folder's README. `dataset` is the dataset folder as the workflow names it."""
    return render(__file__, "README.md", splits=splits, dataset=dataset)
