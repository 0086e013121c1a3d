"""BODY_25 and hand key-points, and their OpenPose JSON form (docs/facts/keypoints.md#openpose-json)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import InputError
from pipeline.core.labels import Joint

BODY_POINTS = 25
HAND_POINTS = 21
FACE_POINTS = 68


def _no_hand() -> NDArray[np.float32]:
    return np.zeros((HAND_POINTS, 3), np.float32)


def _no_face() -> NDArray[np.float32]:
    return np.zeros((0, 3), np.float32)


@dataclass(frozen=True)
class Keypoints:
    """One person's joints in pixels.

    Args:
        body: (25, 3) float32 of x, y, confidence in [0, 1]; a row of zeros = not detected. Order: `Joint`.
        left_hand: (21, 3) float32, wrist first, then four points per finger from the thumb on; zeros = not detected.
        right_hand: the same for the subject's right hand.
        face: (68, 3) float32, jaw line first; none where the network has no such points.
    """

    body: NDArray[np.float32]
    left_hand: NDArray[np.float32] = field(default_factory=_no_hand)
    right_hand: NDArray[np.float32] = field(default_factory=_no_hand)
    face: NDArray[np.float32] = field(default_factory=_no_face)

    def has(self, *joints: Joint) -> bool:
        """Whether all of these joints were detected."""
        return all(self.body[joint, 2] > 0 for joint in joints)

    def xy(self, joint: Joint) -> NDArray[np.float32]:
        """(2,) float32 x, y of one joint; zeros when it was not detected."""
        point: NDArray[np.float32] = self.body[joint, :2]
        return point


def keypoints_to_json(people: list[Keypoints]) -> str:
    """OpenPose JSON 1.3, two decimals; readers take `people[0]`."""
    return json.dumps({"version": 1.3, "people": [_person(each) for each in people]}, separators=(",", ":"))


def _person(points: Keypoints) -> dict[str, Any]:
    record: dict[str, Any] = {
        "person_id": [-1],
        "pose_keypoints_2d": _flat(points.body),
        "face_keypoints_2d": _flat(points.face),
        "hand_left_keypoints_2d": _flat(points.left_hand),
        "hand_right_keypoints_2d": _flat(points.right_hand),
    }
    return record | {name.replace("2d", "3d"): [] for name in record if name.endswith("2d")}


def _flat(points: NDArray[np.float32]) -> list[float]:
    return [round(float(value), 2) for value in points.reshape(-1)]


def keypoints_from_json(text: str, name: str = "key-point file") -> Keypoints:
    """The first person of an OpenPose JSON file.

    Args:
        text: the file's content.
        name: the file's name, for the error.

    Raises:
        InputError: not OpenPose JSON, nobody in it, or not 25 body points (18 points are COCO order and must be converted first).
    """
    try:
        people = json.loads(text)["people"]
        body = _points(people[0]["pose_keypoints_2d"])
        left, right = (_points(people[0].get(f"hand_{side}_keypoints_2d") or [0.0] * 63) for side in ("left", "right"))
        face = _points(people[0].get("face_keypoints_2d") or [])[:FACE_POINTS]
    except IndexError:
        raise InputError(f"{name}: nobody in it (people is empty)", "python run.py --step pose --force") from None
    except (ValueError, KeyError, TypeError) as problem:
        raise InputError(f"{name}: not OpenPose JSON ({problem})", "python run.py --step pose --force") from None
    if len(body) != BODY_POINTS:
        raise InputError(f"{name}: {len(body)} body points, expected 25 (BODY_25)", "python run.py --step pose --force")
    return Keypoints(body, left, right, face)


def _points(flat: list[float]) -> NDArray[np.float32]:
    return np.asarray(flat, np.float32).reshape(-1, 3)
