"""Whether key-points are those of the person that the background step selected. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Joint
from preprocess.person.landmarks import Landmarks
from preprocess.pose.mediapipe_to_body25 import body_25

TRUNK = (Joint.NECK, Joint.RIGHT_SHOULDER, Joint.LEFT_SHOULDER, Joint.RIGHT_HIP, Joint.LEFT_HIP, Joint.NOSE)
LEAST_JOINTS = 5
"""A person with fewer detected joints is not used."""
FAR = 0.6
"""Mean distance of the trunk's joints from the landmarks, in torso lengths, beyond which it is another person."""


def joint_count(points: Keypoints) -> int:
    """How many of the 25 joints were detected."""
    return int(np.count_nonzero(points.body[:, 2] > 0))


def nearest_to(landmarks: Landmarks, people: Sequence[Keypoints]) -> Keypoints | None:
    """The person at the landmarks' place; None when no person fits."""
    fitting = [(apart(landmarks, each), number) for number, each in enumerate(people) if joint_count(each) >= LEAST_JOINTS]
    if not fitting:
        return None
    distance, number = min(fitting)
    return people[number] if distance <= FAR else None


def apart(landmarks: Landmarks, points: Keypoints) -> float:
    """Mean distance of the trunk's joints in torso lengths; infinite when none of them was detected."""
    known = body_25(landmarks.body)
    torso = max(1.0, float(np.hypot(*(known[Joint.NECK, :2] - known[Joint.MID_HIP, :2]))))
    seen = [joint for joint in TRUNK if points.body[joint, 2] > 0]
    if not seen:
        return float("inf")
    return float(np.hypot(*(points.body[seen, :2] - known[seen, :2]).T).mean() / torso)
