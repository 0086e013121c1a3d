"""The body's geometry on the canvas: a complete set of joints, its scale, and which way it faces.

Body parts, parse map and agnostic mask all start here, so that a missing joint is treated in one way: predictions outside the
frame are kept, and missing hips are placed below the shoulders, never at (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points
from pipeline.core.frame import Frame
from pipeline.core.keypoints import BODY_POINTS, HAND_POINTS, Keypoints
from pipeline.core.labels import Joint
from preprocess.person.landmarks import Landmarks

FROM_MEDIAPIPE = {
    Joint.NOSE: 0, Joint.RIGHT_SHOULDER: 12, Joint.RIGHT_ELBOW: 14, Joint.RIGHT_WRIST: 16,
    Joint.LEFT_SHOULDER: 11, Joint.LEFT_ELBOW: 13, Joint.LEFT_WRIST: 15,
    Joint.RIGHT_HIP: 24, Joint.RIGHT_KNEE: 26, Joint.RIGHT_ANKLE: 28,
    Joint.LEFT_HIP: 23, Joint.LEFT_KNEE: 25, Joint.LEFT_ANKLE: 27,
    Joint.RIGHT_EYE: 5, Joint.LEFT_EYE: 2, Joint.RIGHT_EAR: 8, Joint.LEFT_EAR: 7,
    Joint.LEFT_BIG_TOE: 31, Joint.LEFT_SMALL_TOE: 31, Joint.LEFT_HEEL: 29,
    Joint.RIGHT_BIG_TOE: 32, Joint.RIGHT_SMALL_TOE: 32, Joint.RIGHT_HEEL: 30,
}  # fmt: skip
"""MediaPipe's landmark of each joint (docs/facts/keypoints.md#mediapipe); neck and mid-hip are means."""

TORSO_LENGTH = 1.4
"""From shoulder line to hip line, in shoulder widths of a person seen from the front."""
HIP_WIDTH = 0.58
"""Distance of the hip joints, in shoulder widths."""
SHOULDERS_IN = 0.05
"""MediaPipe's shoulders lie this share of their distance outside OpenPose's (docs/facts/keypoints.md#shoulders)."""
SAME_PX = 1.5
LIMB_LENGTHS = {"arm": 0.62, "thigh": 0.85, "shin": 0.85, "foot": 0.3, "head": 0.42}
"""Lengths of bones that were not detected, in torso lengths."""


@dataclass(frozen=True)
class Joints:
    """One person's joints on the canvas, none missing.

    Args:
        xy: (25, 2) float32 canvas pixels in the order of `Joint`; may lie outside the canvas.
        seen: (25,) float32 confidence in [0, 1]; 0 = not detected, the place is a guess.
        depth: (25,) float32 canvas pixels, negative = nearer to the camera; zeros when unknown.
        face_oval: (n, 2) float32 outline of the face, or (0, 2).
        left_hand, right_hand: (21, 3) float32 x, y, confidence; zeros = not detected.
    """

    xy: Points
    seen: Points
    depth: Points
    face_oval: Points = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    left_hand: Points = field(default_factory=lambda: np.zeros((HAND_POINTS, 3), np.float32))
    right_hand: Points = field(default_factory=lambda: np.zeros((HAND_POINTS, 3), np.float32))

    def at(self, joint: Joint) -> Points:
        """(2,) x, y of a joint."""
        point: Points = self.xy[joint]
        return point

    def known(self, *joints: Joint) -> bool:
        """Whether all of these joints were detected or predicted, not guessed."""
        return all(self.seen[joint] > 0 for joint in joints)

    def length(self, a: Joint, b: Joint) -> float:
        """Distance of two joints in pixels."""
        return float(np.hypot(*(self.xy[a] - self.xy[b])))

    @property
    def shoulder_width(self) -> float:
        """Distance of the shoulder joints in pixels; small in profile."""
        return self.length(Joint.RIGHT_SHOULDER, Joint.LEFT_SHOULDER)

    @property
    def torso_length(self) -> float:
        """Neck to mid-hip in pixels."""
        return self.length(Joint.NECK, Joint.MID_HIP)

    @property
    def scale(self) -> float:
        """The width of the body in pixels, also when it is seen from the side (docs/facts/embedded_methods.md#scale)."""
        hips = self.length(Joint.RIGHT_HIP, Joint.LEFT_HIP)
        return max(self.shoulder_width, 1.2 * hips, 0.45 * self.torso_length, 8.0)

    @property
    def down(self) -> Points:
        """(2,) unit vector from neck to hips."""
        return _unit(self.at(Joint.MID_HIP) - self.at(Joint.NECK))

    @property
    def profile(self) -> bool:
        """Whether the person is seen from the side: the shoulders nearly cover each other."""
        return self.shoulder_width < 0.38 * self.torso_length

    @property
    def from_behind(self) -> bool:
        """Whether the person is seen from behind: the right shoulder is on the viewer's right."""
        return bool(self.xy[Joint.RIGHT_SHOULDER, 0] - self.xy[Joint.LEFT_SHOULDER, 0] > 0.15 * self.torso_length)

    def resized(self, factor: float) -> Joints:
        """The same joints on a canvas scaled by `factor`."""
        hands = [
            np.concatenate([hand[:, :2] * factor, hand[:, 2:]], 1).astype(np.float32)
            for hand in (self.left_hand, self.right_hand)
        ]
        small = [(points * factor).astype(np.float32) for points in (self.xy, self.depth, self.face_oval)]
        return Joints(small[0], self.seen, small[1], small[2], *hands)

    def along(self, size: tuple[int, int]) -> NDArray[np.float32]:
        """(height, width) float32: position of each pixel along the body; 0 at the neck, 1 at mid-hip."""
        rows, columns = np.indices(size, np.float32)
        start, down = self.at(Joint.NECK), self.down
        along: NDArray[np.float32] = ((columns - start[0]) * down[0] + (rows - start[1]) * down[1]) / max(self.torso_length, 1.0)
        return along

    def hand(self, side: str) -> Points:
        """(21, 3) of the `left` or `right` hand."""
        return self.left_hand if side == "left" else self.right_hand


def joints_from_landmarks(landmarks: Landmarks, frame: Frame) -> Joints:
    """Raw landmarks (photo pixels) → joints on the canvas; out-of-frame predictions are kept."""
    moved = frame.points_to_canvas(landmarks.body[:, :2])
    xy, seen, depth = np.zeros((BODY_POINTS, 2), np.float32), np.zeros(BODY_POINTS, np.float32), np.zeros(BODY_POINTS, np.float32)
    for joint, index in FROM_MEDIAPIPE.items():
        xy[joint], depth[joint] = moved[index], landmarks.body[index, 2] * frame.scale
        seen[joint] = max(float(landmarks.body[index, 3]), 1e-3)
    oval = frame.points_to_canvas(landmarks.face_oval) if len(landmarks.face_oval) else np.zeros((0, 2), np.float32)
    return _completed(Joints(xy, seen, depth, oval.astype(np.float32)))


def joints_from_keypoints(points: Keypoints) -> Joints:
    """Canvas key-points alone, as in a downloaded data set; missing joints are guessed from the others."""
    body = Joints(points.body[:, :2].copy(), points.body[:, 2].copy(), np.zeros(BODY_POINTS, np.float32))
    return _completed(replace(body, left_hand=points.left_hand, right_hand=points.right_hand))


def merged(body: Joints, points: Keypoints) -> Joints:
    """Joints from landmarks, replaced by those of the key-point file, which the user may have edited, where it has them."""
    there = points.body[:, 2] > 0
    xy = np.where(there[:, None], points.body[:, :2], body.xy).astype(np.float32)
    seen = np.where(there, points.body[:, 2], body.seen).astype(np.float32)
    return replace(body, xy=xy, seen=seen, left_hand=points.left_hand, right_hand=points.right_hand)


def with_openpose_shoulders(body: Joints, raw: Joints) -> Joints:
    """The shoulders where OpenPose sees them, for drawings whose strokes were measured on its joints.

    Args:
        body: joints on the canvas.
        raw: the same person's from landmarks alone; a shoulder of `body` that lies elsewhere came from another network or from
            the user, and both shoulders are left as they are.
    """
    pair = [Joint.RIGHT_SHOULDER, Joint.LEFT_SHOULDER]
    if np.hypot(*(body.xy[pair] - raw.xy[pair]).T).max() > SAME_PX:
        return body
    xy = body.xy.copy()
    xy[pair] += np.float32(SHOULDERS_IN) * (xy[pair[::-1]] - xy[pair])
    return replace(body, xy=xy)


def leg_in_view(body: Joints, size: tuple[int, int]) -> bool:
    """Whether at least one knee is on the canvas."""
    knees = body.xy[[Joint.RIGHT_KNEE, Joint.LEFT_KNEE]]
    inside = (knees[:, 1] < size[0]) & (knees[:, 1] >= 0) & (knees[:, 0] > -0.1 * size[1]) & (knees[:, 0] < 1.1 * size[1])
    return bool((inside & (body.seen[[Joint.RIGHT_KNEE, Joint.LEFT_KNEE]] > 0)).any())


def _completed(body: Joints) -> Joints:
    xy, seen = body.xy.copy(), body.seen.copy()
    _complete_torso(xy, seen)
    torso = float(np.hypot(*(xy[Joint.MID_HIP] - xy[Joint.NECK])))
    down = _unit(xy[Joint.MID_HIP] - xy[Joint.NECK])
    for start, end, bone in _BONES:
        if seen[end] <= 0:
            xy[end] = xy[start] + LIMB_LENGTHS[bone] * torso * down * (-1 if bone == "head" else 1)
    for ear_or_eye in (Joint.RIGHT_EYE, Joint.LEFT_EYE, Joint.RIGHT_EAR, Joint.LEFT_EAR):
        if seen[ear_or_eye] <= 0:
            xy[ear_or_eye] = xy[Joint.NOSE]
    return replace(body, xy=xy, seen=seen)


_BONES = (
    (Joint.NECK, Joint.NOSE, "head"),
    (Joint.RIGHT_SHOULDER, Joint.RIGHT_ELBOW, "arm"), (Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST, "arm"),
    (Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW, "arm"), (Joint.LEFT_ELBOW, Joint.LEFT_WRIST, "arm"),
    (Joint.RIGHT_HIP, Joint.RIGHT_KNEE, "thigh"), (Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE, "shin"),
    (Joint.LEFT_HIP, Joint.LEFT_KNEE, "thigh"), (Joint.LEFT_KNEE, Joint.LEFT_ANKLE, "shin"),
    (Joint.RIGHT_ANKLE, Joint.RIGHT_BIG_TOE, "foot"), (Joint.RIGHT_ANKLE, Joint.RIGHT_HEEL, "foot"),
    (Joint.RIGHT_BIG_TOE, Joint.RIGHT_SMALL_TOE, "foot"), (Joint.LEFT_BIG_TOE, Joint.LEFT_SMALL_TOE, "foot"),
    (Joint.LEFT_ANKLE, Joint.LEFT_BIG_TOE, "foot"), (Joint.LEFT_ANKLE, Joint.LEFT_HEEL, "foot"),
)  # fmt: skip


def _complete_torso(xy: Points, seen: Points) -> None:
    """Add neck, shoulders, hips and mid-hip where they are missing; in place, on copies of the caller."""
    shoulders, hips = (Joint.RIGHT_SHOULDER, Joint.LEFT_SHOULDER), (Joint.RIGHT_HIP, Joint.LEFT_HIP)
    _complete_pair(xy, seen, shoulders, Joint.NECK)
    across = xy[Joint.LEFT_SHOULDER] - xy[Joint.RIGHT_SHOULDER]
    width = max(float(np.hypot(*across)), 8.0)
    if not all(seen[hip] > 0 for hip in hips) and seen[Joint.MID_HIP] <= 0 and not any(seen[hip] > 0 for hip in hips):
        below = np.array([-across[1], across[0]], np.float32) / width
        below = below if below[1] > 0 else -below
        xy[Joint.MID_HIP] = xy[list(shoulders)].mean(0) + TORSO_LENGTH * width * below
        xy[Joint.RIGHT_HIP] = xy[Joint.MID_HIP] - HIP_WIDTH / 2 * across
        xy[Joint.LEFT_HIP] = xy[Joint.MID_HIP] + HIP_WIDTH / 2 * across
        return
    _complete_pair(xy, seen, hips, Joint.MID_HIP, HIP_WIDTH / 2 * across)


def _complete_pair(xy: Points, seen: Points, pair: tuple[Joint, Joint], middle: Joint, half: Points | None = None) -> None:
    """Complete (right, left, middle) from any two of them; from the middle alone by `half` the way to the left."""
    right, left = pair
    half = np.array([60.0, 0.0], np.float32) if half is None else half
    if seen[right] <= 0 and seen[left] <= 0 and seen[middle] > 0:
        xy[right], xy[left] = xy[middle] - half, xy[middle] + half
    for here, other in ((right, left), (left, right)):
        if seen[here] <= 0 < seen[other]:
            sign = -1 if here == right else 1
            xy[here] = 2 * xy[middle] - xy[other] if seen[middle] > 0 else xy[other] + sign * 2 * half
    if seen[middle] <= 0:
        xy[middle] = (xy[right] + xy[left]) / 2
        seen[middle] = min(float(seen[right]), float(seen[left]))


def _unit(vector: Points) -> Points:
    length = float(np.hypot(*vector))
    return (vector / length).astype(np.float32) if length > 1e-6 else np.array([0.0, 1.0], np.float32)
