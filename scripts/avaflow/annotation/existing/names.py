"""What the names in files stand for: images, clips, frames, actions, persons."""

import difflib
import math
import posixpath
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from avaflow.annotation.existing.boxes import MAX_PERSON_ID, Problems
from avaflow.listing import commas
from avaflow.project.actions import Attribute
from avaflow.times import Moment, Second
from avaflow.videos.segments import second_of_name, segment_name

FRAME_DIGITS = 6
"""Digits of the frame in the name of a keyframe, `corridor_000061.jpg`; timestamps have four."""

PERSONS = {"person", "persons", "pedestrian", "people", "human"}
"""Labels of a box that say that it is a person and not what the person does."""

PERSON_KEYS = ("person_id", "track_id", "person", "instance_id")
"""Attributes that say who it is, the first that is there."""

NOT_ACTIONS = {
    *PERSON_KEYS,
    *("id", "score", "confidence", "occluded", "truncated", "outside", "keyframe", "rotation"),
    *("z_order", "visibility", "ignored", "is_crowd", "iscrowd", "group", "frame", "source"),
}
"""Attributes that annotation tools write on their own account."""

_NOTHING = {"", "none", "false", "no", "0", "__undefined__", "undefined", "null", "-"}
_YES = {"true", "yes", "1"}

_IN_FOLDER = re.compile(
    r"^(?:(?P<split>train|val|test)/)?(?:.*/)?(?P<clip>[^/]+)/(?P<name>[^/.]+)$"
)
_KEYFRAME = re.compile(rf"^(?P<clip>.+)_(?P<frame>\d{{{FRAME_DIGITS}}})$")
_BY_TIMESTAMP = re.compile(r"^(?P<clip>.+)_(?P<timestamp>\d{1,4})$")
_RAWFRAME = re.compile(r"^(?:img|frame)_(?P<frame>\d{5,8})$")
_SUFFIX = re.compile(r"\.(?:jpe?g|png|bmp|mp4|txt)$", re.I)


@dataclass
class Names:
    """The project's names, against which those of files are held.

    `clips` maps each clip to its split, `known_as` what other tools call a clip to the clip,
    `lengths_s` clips to their length in seconds, where it is known. `fps` is the rate of the
    project's clips and `frames_fps` that of the videos whose frames CVAT and MOT files count;
    `numbering` and `offset` tell what segments are called. With `skip_unknown` what is of no clip
    is passed over, and counted by name in `skipped`, instead of being a problem.
    """

    clips: Mapping[str, str]
    attributes: Sequence[Attribute]
    fps: int
    offset: int
    numbering: str = "timestamp"
    frames_fps: float = 0.0
    known_as: Mapping[str, str] = field(default_factory=dict)
    lengths_s: Mapping[str, float] = field(default_factory=dict)
    skip_unknown: bool = False
    skipped: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.frames_fps = self.frames_fps or float(self.fps)
        self.actions: dict[str, int] = {}
        self._near: dict[tuple[str, str], str] = {}
        self.of_attribute: dict[str, dict[str, int]] = {}
        for attribute in self.attributes:
            own = {action.name: action.id for action in attribute.actions}
            for former, present in attribute.renamed.items():
                own.setdefault(former, own[present])
            self.of_attribute[attribute.name] = own
        for own in self.of_attribute.values():
            for name, number in own.items():
                self.actions.setdefault(name, number)

    # ----------------------------------------------------------- clips and images

    def clip(self, name: str) -> str | None:
        """The clip that is called so, here or elsewhere; None if there is none."""
        if name in self.clips:
            return name
        return self.known_as.get(name)

    def moment(self, file: str, where: str, problems: Problems) -> Moment | None:
        """Clip and second of an image by its path; None, and a problem, if it names none.

        Understood are keyframes, `corridor_000061.jpg` (the frame, from 1), in any folder;
        `corridor/902.jpg`, as the segments are called; `corridor/img_00061.jpg`; and
        `corridor_902.jpg` with the timestamp.
        """
        path = _SUFFIX.sub("", file.strip().replace("\\", "/"))
        base = posixpath.basename(path)
        for pattern in (_KEYFRAME, _BY_TIMESTAMP):
            named = pattern.match(base)
            clip = self.clip(named["clip"]) if named else None
            if named is None or clip is None:
                continue
            if pattern is _KEYFRAME:
                return self._moment_of_frame(clip, int(named["frame"]), file, where, problems)
            return Moment(clip, Second(int(named["timestamp"]) - self.offset))
        return self._in_folder(path, file, where, problems)

    def _in_folder(self, path: str, file: str, where: str, problems: Problems) -> Moment | None:
        found = _IN_FOLDER.match(path)
        clip = self.clip(found["clip"]) if found else None
        if found is None or clip is None:
            called = found["clip"] if found else posixpath.basename(path)
            self.unknown_clip(
                called,
                problems,
                f"{where}: {file!r} names no clip of the clips table{self.nearest_clip(called)}. "
                f"Expected a keyframe's name, such as {self.example()}, or "
                f"CLIP/{segment_name(Second(2), self.numbering, self.offset)}.jpg for second 2",
            )
            return None
        split = self.clips[clip]
        if found["split"] and found["split"] != split:
            problems.append(
                f"{where}: {file!r}: {clip} is in the split {split} of the clips table, not in "
                f"{found['split']}"
            )
            return None
        raw = _RAWFRAME.match(found["name"])
        if raw:
            return self._moment_of_frame(clip, int(raw["frame"]), file, where, problems)
        second = second_of_name(found["name"], self.numbering, self.offset)
        if second is None:
            example = segment_name(Second(2), self.numbering, self.offset)
            problems.append(
                f"{where}: {file!r}: expected the name of a second of {clip} (alphaction.numbering "
                f"is {self.numbering}), such as {clip}/{example}.jpg for second 2"
            )
            return None
        return Moment(clip, second)

    def example(self) -> str:
        """What the keyframe of second 2 of some clip is called."""
        clip = next(iter(self.clips), "CLIP")
        return f"{clip}_{2 * self.fps + 1:0{FRAME_DIGITS}d}.jpg"

    def _moment_of_frame(
        self, clip: str, frame: int, file: str, where: str, problems: Problems
    ) -> Moment | None:
        second, rest = divmod(frame - 1, self.fps)
        if rest or frame < 1:
            problems.append(
                f"{where}: {file!r}: frame {frame} of {clip} is not at a whole second of "
                f"{self.fps} frames (those are 1, {self.fps + 1}, {2 * self.fps + 1}, ...)"
            )
            return None
        return Moment(clip, Second(second))

    def second_of_count(self, frames_before: int) -> Second | None:
        """The second that a frame of a counted video shows; None if it shows none.

        `frames_before` are the frames before it, at `frames_fps` a second; at rates that are
        not whole the nearest frame stands for a second.
        """
        second = round(frames_before / self.frames_fps)
        return Second(second) if round(second * self.frames_fps) == frames_before else None

    def frames_before(self, second: Second) -> int:
        """How many frames of a counted video come before the one that shows a second."""
        return round(second * self.frames_fps)

    def check_second(self, clip: str, second: Second, where: str, problems: Problems) -> bool:
        """Whether a second can be one of a clip; if not, with a problem."""
        length = self.lengths_s.get(clip)
        if second >= 0 and (length is None or second <= length):
            return True
        until = f"0 to {math.floor(length)}" if length is not None else "0 on"
        problems.append(
            f"{where}: second {second} is not in clip {clip}, which has seconds {until}: the file "
            "is of another clip, of other times or rate, or of another timestamp_offset than "
            f"{self.offset}"
        )
        return False

    def unknown_clip(self, name: str, problems: Problems, problem: str) -> None:
        """Pass over what is of no clip, or tell it."""
        if self.skip_unknown:
            self.skipped[name] += 1
        else:
            problems.append(problem)

    def nearest_clip(self, name: str) -> str:
        """Which clip a wrong name may have meant, for the end of a message."""
        return self._nearest("clips", name, [*self.clips, *self.known_as])

    def _nearest(self, of: str, name: str, known: Collection[str]) -> str:
        """What a wrong name may have meant; searched once, though a million rows may have it."""
        key = of, name
        if key not in self._near:
            self._near[key] = nearest(name, known)
        return self._near[key]

    # ----------------------------------------------------------- actions and persons

    def action_of_id(self, number: int, where: str, problems: Problems) -> tuple[int, ...]:
        """An action by its id in the config; nothing, and a problem, if there is none."""
        if number in self.actions.values():
            return (number,)
        most = max(self.actions.values(), default=0)
        problems.append(
            f"{where}: action id {number} is not among those of the config, 1 to {most}"
        )
        return ()

    def action_of_name(self, name: str, where: str, problems: Problems) -> tuple[int, ...]:
        """An action by its name; nothing, and a problem, if there is none."""
        if name in self.actions:
            return (self.actions[name],)
        problems.append(
            f"{where}: action {name!r} is not in the config"
            f"{self._nearest('actions', name, self.actions)}"
        )
        return ()

    def actions_of_label(self, label: str, where: str, problems: Problems) -> tuple[int, ...]:
        """The action that a box's label names; a person without further ado has none."""
        if label.lower() in PERSONS and label not in self.actions:
            return ()
        return self.action_of_name(label, where, problems)

    def actions_of_attributes(
        self, values: Mapping[str, Any], where: str, problems: Problems, unused: set[str]
    ) -> tuple[int, ...]:
        """The actions that a box's attributes name.

        An attribute is one of the config with an option (or several, in a list or with commas)
        for its value; or an action with yes or no. Names of others are added to `unused`, if
        they say something.
        """
        found: list[int] = []
        for name, value in values.items():
            if name in NOT_ACTIONS and name not in self.of_attribute and name not in self.actions:
                continue
            texts = _texts(value)
            if name in self.of_attribute:
                own = self.of_attribute[name]
                for text in _options(texts, own):
                    if text in own:
                        found.append(own[text])
                    elif text.lower() not in _NOTHING:
                        problems.append(
                            f"{where}: {text!r} is no option of attribute {name!r} in the config"
                            f"{self._nearest(name, text, own)}"
                        )
            elif name in self.actions:
                said = {text.lower() for text in texts}
                if said & _YES:
                    found.append(self.actions[name])
                elif said - _NOTHING:
                    problems.append(f"{where}: {name!r}: expected true or false, found {value!r}")
            elif any(text.lower() not in _NOTHING for text in texts):
                unused.add(name)
        return tuple(sorted(set(found)))

    def person(self, value: Any, where: str, problems: Problems) -> int:
        """A person id from 1; 0 where none is given, and 0 with a problem where it is none."""
        if value is None or value == "":
            return 0
        try:
            number = int(value)
            fits = not isinstance(value, bool) and number == float(value)
        except (TypeError, ValueError, OverflowError):
            number, fits = 0, False
        if not fits or number < 0:
            problems.append(f"{where}: person id: expected a whole number from 1, found {value!r}")
            return 0
        if number > MAX_PERSON_ID:
            problems.append(
                f"{where}: person id {number} is above {MAX_PERSON_ID}: readers hold ids in 32 "
                "bits. Number the persons anew"
            )
            return 0
        return number


def person_of(values: Mapping[str, Any]) -> Any:
    """Who a box's attributes say it is, as they have it; None if they do not."""
    return next((values[key] for key in PERSON_KEYS if values.get(key) not in (None, "")), None)


def _options(texts: Sequence[str], known: Collection[str]) -> list[str]:
    """Option names in texts, of which one may hold several, with commas between."""
    found: list[str] = []
    for text in texts:
        parts = [part.strip() for part in text.split(",")]
        found += parts if text not in known and len(parts) > 1 else [text]
    return found


def _texts(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each)]
    if value is None:
        return []
    text = str(value).strip()
    return [text] if text else []


def nearest(name: str, known: Collection[str]) -> str:
    """What a wrong name may have meant, or what there is."""
    near = difflib.get_close_matches(name, list(known), n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {commas(list(known))}"
