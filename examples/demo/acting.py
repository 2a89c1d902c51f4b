"""What a person does: poses of the actions, and their smooth course in time.

A script says which action holds from when to when; a pose is blended over the borders, half
before and half after, so that a border lies where the movement is half done.
"""

from dataclasses import dataclass

import numpy as np

from figures import Pose, mix

ACTIONS = {
    "head": ("talk", "bow"),
    "body": ("stand", "sit", "walk"),
    "limbs": ("hand up", "catch"),
}
"""Attributes and their actions. A person has exactly one of body and at most one of the others."""

CHANGE_SECONDS = 0.4
"""How long a movement from one pose to the next takes."""

RIGHT_ARM = ("shoulder_right", "elbow_right", "aside_right")
ARMS = (*RIGHT_ARM, "shoulder_left", "elbow_left", "aside_left")
TRUNK = ("lean", "nod")

SIT = Pose(
    lean=-4,
    hip_right=84,
    knee_right=84,
    hip_left=80,
    knee_left=76,
    shoulder_right=14,
    elbow_right=58,
    shoulder_left=18,
    elbow_left=54,
)
BOW = Pose(lean=64, nod=14, shoulder_right=12, elbow_right=8, shoulder_left=16, elbow_left=8)
CATCH = Pose(lean=3, shoulder_right=68, elbow_right=16, shoulder_left=76, elbow_left=8)
HOLD = Pose(shoulder_right=18, elbow_right=72, shoulder_left=24, elbow_left=70)


def walking(phase: float) -> Pose:
    """Pose of a step; `phase` counts double steps."""
    angle = 2 * np.pi * phase

    def leg(at: float) -> tuple[float, float]:
        return 27 * np.sin(at) + 2, 6 + 44 * max(0.0, np.cos(at + 0.35)) ** 1.5

    hip_right, knee_right = leg(angle)
    hip_left, knee_left = leg(angle + np.pi)
    swing = 26 * np.sin(angle)
    return Pose(
        lean=4,
        hip_right=hip_right,
        knee_right=knee_right,
        hip_left=hip_left,
        knee_left=knee_left,
        shoulder_right=-swing,
        elbow_right=24,
        shoulder_left=swing,
        elbow_left=24,
    )


def talking_mouth(second: float, person_id: int) -> float:
    """How wide a talking person's mouth is open; it never closes fully, 0.35 to 1."""
    return 0.675 + 0.325 * np.sin(2 * np.pi * (2.6 + 0.2 * person_id) * second + person_id)


def smooth_step(share: float) -> float:
    """0 below 0, 1 above 1, smooth between."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


@dataclass(frozen=True)
class Stretch:
    """An action from `start` to `end`, in seconds of the video."""

    action: str
    start: float
    end: float

    def holds(self, second: float) -> bool:
        """Whether the action counts as done at that second."""
        return self.start <= second < self.end

    def weight(self, second: float) -> float:
        """How far the person is in the pose, 0..1; one half at the borders."""
        return smooth_step((second - self.start) / CHANGE_SECONDS + 0.5) * smooth_step(
            (self.end - second) / CHANGE_SECONDS + 0.5
        )


def pose_of(
    weights: dict[str, float],
    stride: float,
    second: float,
    person_id: int,
) -> Pose:
    """Blend the poses of all actions under way.

    `weights` gives 0..1 for the names of ACTIONS and for `hold` (a ball in the hands); `stride`
    counts double steps walked so far.
    """
    body = {name: weights.get(name, 0.0) for name in ACTIONS["body"]}
    pose = mix(Pose(), SIT, body["sit"] / max(sum(body.values()), 1e-6))
    pose = mix(pose, walking(stride), body["walk"] / max(sum(body.values()), 1e-6))
    talk = weights.get("talk", 0.0)
    if talk:
        gesture = 26 + 9 * np.sin(2 * np.pi * 0.9 * second + person_id)
        speaker = Pose(shoulder_left=12, elbow_left=2.4 * gesture)
        pose = mix(pose, speaker, talk * (1 - body["walk"]), ("shoulder_left", "elbow_left"))
        nodding = Pose(lean=pose.lean, nod=4 * np.sin(2 * np.pi * 0.7 * second))
        pose = mix(pose, nodding, talk, TRUNK)
        pose = mix(pose, Pose(mouth=talking_mouth(second, person_id)), talk, ("mouth",))
    pose = mix(pose, BOW, weights.get("bow", 0.0), TRUNK + ARMS)
    pose = mix(pose, HOLD, weights.get("hold", 0.0), ARMS)
    pose = mix(pose, CATCH, weights.get("catch", 0.0), ARMS)
    sway = 0.08 * np.sin(2 * np.pi * 1.1 * second)
    waving = Pose(shoulder_right=178, elbow_right=4, aside_right=1 + sway)
    pose = mix(pose, waving, weights.get("hand up", 0.0), RIGHT_ARM)
    blinks = (second + 0.7 * person_id) % 3.1 < 0.13
    return mix(pose, Pose(blink=1.0), float(blinks), ("blink",))
