"""MOT's text of a clip, and a csv of what its persons do: boxes on keyframes, frames from 1."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from avaflow.formats.keyframe_boxes import ClipBoxes, sides_px
from avaflow.project.actions import Action
from avaflow.templates import render
from avaflow.times import Second, frame_of_second

ACTIONS_HEADER = "clip,person_id,start,end,action"


def gt_text(clip: ClipBoxes) -> str:
    """`frame,id,x,y,width,height,1,1,1` rows: the last three say that all of them count."""
    lines = []
    for second, persons in clip.persons.items():
        frame = frame_of_second(second, clip.manifest.fps)
        for person in sorted(persons):
            if person.person_id:
                x, y, width, height = sides_px(person.box, clip.keyframes[second])
                lines.append(f"{frame},{person.person_id},{x},{y},{width},{height},1,1,1\n")
    return "".join(lines)


def seqinfo_text(clip: ClipBoxes) -> str:
    """MOT's note on a sequence."""
    manifest = clip.manifest
    return (
        f"[Sequence]\nname={clip.clip}\nimDir=img1\nframeRate={manifest.fps}\n"
        f"seqLength={manifest.frames}\nimWidth={manifest.width}\nimHeight={manifest.height}\n"
        "imExt=.jpg\n"
    )


def actions_text(clips: Sequence[ClipBoxes], actions: Mapping[int, Action]) -> str:
    """Who does what from which second to which, both included."""
    lines = [ACTIONS_HEADER + "\n"]
    for clip in clips:
        seconds: dict[tuple[int, int], list[Second]] = defaultdict(list)
        for second, persons in clip.persons.items():
            for person in persons:
                for action in person.action_ids:
                    seconds[person.person_id, action].append(second)
        for (person_id, action), own in sorted(seconds.items()):
            for first, last in runs(own):
                name = actions[action].name
                cell = '"' + name + '"' if "," in name else name
                lines.append(f"{clip.clip},{person_id},{first},{last},{cell}\n")
    return "".join(lines)


def runs(seconds: Sequence[Second]) -> list[tuple[Second, Second]]:
    """First and last of each run of seconds without a gap.

    >>> runs([Second(2), Second(3), Second(5)])
    [(2, 3), (5, 5)]
    """
    found: list[tuple[Second, Second]] = []
    for second in sorted(seconds):
        if found and found[-1][1] + 1 == second:
            found[-1] = (found[-1][0], second)
        else:
            found.append((second, second))
    return found


def readme_text(clips: Sequence[ClipBoxes], unnamed: int, dataset: str) -> str:
    """The folder's README; `unnamed` persons without an id are not in the files."""
    return render(
        __file__,
        "README.md",
        clips=[clip.clip for clip in clips],
        unnamed=unnamed,
        dataset=dataset,
    )
