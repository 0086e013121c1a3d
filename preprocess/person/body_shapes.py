"""Simple shapes of a body on the canvas: tapered limbs, torso, head. Every size is a share of the body's own scale.

Shapes are polygons ((n, 2) float32, canvas x, y), so that they can be drawn, joined and tested without a canvas.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points
from pipeline.core.labels import Joint
from pipeline.core.masks import Mask
from preprocess.person.body import Joints

Size = tuple[int, int]
SUB_PIXEL_BITS = 4
SKULL_ASPECT = 1.22
"""Least height of a skull over its width."""
FAR_PX = 4000.0
"""Coordinates are limited to this; joints predicted far outside the frame would overflow OpenCV's fixed-point numbers."""


def painted(size: Size, shapes: Iterable[Points]) -> Mask:
    """(height, width) bool: the union of polygons."""
    canvas = np.zeros(size, np.uint8)
    for shape in shapes:
        paint(canvas, shape, 1)
    return canvas.astype(bool)


def paint(canvas: NDArray[np.uint8], shape: Points, value: int) -> None:
    """Fill one polygon on a canvas, in place."""
    if len(shape) >= 3:
        fixed = np.round(np.clip(shape, -FAR_PX, FAR_PX) * (1 << SUB_PIXEL_BITS)).astype(np.int32)
        cv2.fillPoly(canvas, [fixed], int(value), cv2.LINE_8, SUB_PIXEL_BITS)


def disc(centre: Points, radius_px: float, radius_y_px: float | None = None, tilt_deg: float = 0.0) -> Points:
    """A circle, or an ellipse with a second radius, as a polygon of 48 points."""
    angle = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    x, y = radius_px * np.cos(angle), (radius_px if radius_y_px is None else radius_y_px) * np.sin(angle)
    c, s = math.cos(math.radians(tilt_deg)), math.sin(math.radians(tilt_deg))
    ring: Points = np.stack([centre[0] + c * x - s * y, centre[1] + s * x + c * y], 1).astype(np.float32)
    return ring


def capsule(start: Points, end: Points, start_px: float, end_px: float) -> Points:
    """A limb: the convex hull of a circle at each end."""
    both = np.concatenate([disc(start, max(start_px, 0.5)), disc(end, max(end_px, 0.5))])
    hull: Points = cv2.convexHull(both.astype(np.float32)).reshape(-1, 2)
    return hull


def hull(points: Points) -> Points:
    """The convex hull of (n, 2) points."""
    outline: Points = cv2.convexHull(np.ascontiguousarray(points, np.float32)).reshape(-1, 2)
    return outline


def torso(body: Joints, widen: float = 1.0) -> Points:
    """Trapezius, shoulders, straight sides, hips, and the point at the crotch.

    Args:
        body: the joints.
        widen: factor on the width of the sides.
    """
    s, down = body.scale, body.down
    across = np.array([down[1], -down[0]], np.float32)  # towards the viewer's right of an upright body
    sides = (Joint.RIGHT_SHOULDER, Joint.RIGHT_HIP), (Joint.LEFT_SHOULDER, Joint.LEFT_HIP)
    if (body.at(Joint.LEFT_SHOULDER) - body.at(Joint.RIGHT_SHOULDER)) @ across < 0:
        sides = sides[1], sides[0]
    contours = []
    for sign, (shoulder, hip) in zip((-1, 1), sides, strict=True):
        out, top, low = sign * across, body.at(shoulder), body.at(hip)
        middle_top, middle_low = body.at(Joint.NECK), body.at(Joint.MID_HIP)
        reach_top = max(float((top - middle_top) @ out), 0.24 * s)
        reach_low = max(1.55 * float((low - middle_low) @ out), 0.46 * s * widen)
        chest = middle_top + 0.35 * (middle_low - middle_top) + out * max(0.98 * reach_top, 0.40 * s) * widen
        contours.append([
            middle_top - 0.31 * s * down + 0.17 * s * out,
            middle_top - 0.24 * s * down + 0.27 * s * out,
            top - 0.10 * s * down - 0.02 * s * out,
            top + 0.02 * s * down + 0.06 * s * out,
            chest,
            middle_top + 0.7 * (middle_low - middle_top) + 0.5 * (reach_low + max(reach_top, 0.4 * s) * widen) * out,
            middle_low + reach_low * out + 0.04 * body.torso_length * down,
            middle_low + 0.55 * reach_low * out + 0.09 * body.torso_length * down,
        ])  # fmt: skip
    crotch = body.at(Joint.MID_HIP) + 0.185 * body.torso_length * down
    outline: Points = np.asarray([*contours[0], crotch, *reversed(contours[1])], np.float32)
    return outline


def head(body: Joints) -> Points:
    """The skull with the jaw: an ellipse around the face's outline, or around nose and ears when no face was found."""
    if len(body.face_oval) >= 5:
        up = _up_of(body)
        across = np.array([-up[1], up[0]], np.float32)
        beside, above = body.face_oval @ across, body.face_oval @ up
        wide = 0.57 * float(np.ptp(beside))
        # the outline may end below the forehead, where hair covers it
        high = max(0.62 * float(np.ptp(above)), SKULL_ASPECT * wide)
        chin = float(above.min()) - 0.01 * high
        centre = across * (beside.max() + beside.min()) / 2 + up * (chin + high)
        return disc(centre, wide, high, math.degrees(math.atan2(across[1], across[0])))
    ears = body.length(Joint.RIGHT_EAR, Joint.LEFT_EAR)
    radius = float(np.clip(0.56 * ears, 0.24 * body.scale, 0.36 * body.scale))
    centre = (body.at(Joint.RIGHT_EAR) + body.at(Joint.LEFT_EAR) + body.at(Joint.NOSE)) / 3 - 0.2 * radius * body.down
    return disc(centre, radius, 1.35 * radius)


def _up_of(body: Joints) -> Points:
    """(2,) unit vector: perpendicular to the line of the eyes; along the body when the head is in profile."""
    line = body.at(Joint.LEFT_EYE) - body.at(Joint.RIGHT_EYE)
    length, size = float(np.hypot(*line)), float(np.ptp(body.face_oval, axis=0).max())
    fallback: Points = -body.down
    if length < 0.22 * size:
        return fallback
    up: Points = (np.array([line[1], -line[0]], np.float32) / length).astype(np.float32)
    return up if up @ body.down < 0 else -up


def _unit_or_zero(vector: Points) -> Points:
    length = float(np.hypot(*vector))
    unit: Points = (vector / max(length, 1.0)).astype(np.float32)
    return unit


def neck(body: Joints) -> Points:
    """From the middle of the head to the base of the throat."""
    s = body.scale
    base = body.at(Joint.NECK) - 0.33 * s * body.down
    centre = head(body).mean(0)
    return capsule(base, centre, 0.17 * s, 0.17 * s)


def hand(body: Joints, side: str) -> Points:
    """The hull of the detected hand, or a shape beyond the wrist in the forearm's direction."""
    s = body.scale
    elbow, wrist = (body.at(joint) for joint in ARMS[side][1:])
    points = body.hand(side)
    found = points[points[:, 2] > 0, :2]
    if len(found) >= 15:
        grown = np.concatenate([disc(point, 0.045 * s) for point in found])
        return hull(np.concatenate([grown, disc(wrist, 0.07 * s)]))
    along = wrist - elbow
    reach = max(float(np.hypot(*along)), 1.0)
    along = along / reach
    return capsule(wrist + 0.06 * s * along, wrist + 0.30 * s * along, 0.085 * s, 0.11 * s)


ARMS: dict[str, tuple[Joint, Joint, Joint]] = {
    "right": (Joint.RIGHT_SHOULDER, Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST),
    "left": (Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW, Joint.LEFT_WRIST),
}
LEGS: dict[str, tuple[Joint, Joint, Joint]] = {
    "right": (Joint.RIGHT_HIP, Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE),
    "left": (Joint.LEFT_HIP, Joint.LEFT_KNEE, Joint.LEFT_ANKLE),
}
FEET: dict[str, tuple[Joint, Joint]] = {
    "right": (Joint.RIGHT_HEEL, Joint.RIGHT_BIG_TOE),
    "left": (Joint.LEFT_HEEL, Joint.LEFT_BIG_TOE),
}


def upper_arm(body: Joints, side: str, wide: float = 1.0) -> Points:
    """Shoulder to elbow; it starts outward of the joint, which lies inside the shoulder."""
    shoulder, elbow = (body.at(joint) for joint in ARMS[side][:2])
    outward = _unit_or_zero(shoulder - body.at(Joint.NECK))
    start = shoulder + 0.08 * (elbow - shoulder) + 0.02 * body.scale * outward
    return capsule(start, elbow, 0.14 * body.scale * wide, 0.13 * body.scale * wide)


def forearm(body: Joints, side: str, wide: float = 1.0) -> Points:
    """Elbow to wrist."""
    elbow, wrist = (body.at(joint) for joint in ARMS[side][1:])
    return capsule(elbow, wrist, 0.13 * body.scale * wide, 0.09 * body.scale * wide)


def thigh(body: Joints, side: str, wide: float = 1.0) -> Points:
    """Hip to knee; it starts outward of the joint."""
    hip, knee = (body.at(joint) for joint in LEGS[side][:2])
    outward = hip - body.at(Joint.MID_HIP)
    return capsule(hip + 0.25 * outward, knee, 0.30 * body.scale * wide, 0.19 * body.scale * wide)


def shin(body: Joints, side: str, wide: float = 1.0) -> Points:
    """Knee to ankle."""
    knee, ankle = (body.at(joint) for joint in LEGS[side][1:])
    return capsule(knee, ankle, 0.19 * body.scale * wide, 0.11 * body.scale * wide)


def foot(body: Joints, side: str) -> Points:
    """Ankle, heel and toe."""
    s, ankle = body.scale, body.at(LEGS[side][2])
    heel, toe = (body.at(joint) for joint in FEET[side])
    return hull(np.concatenate([disc(ankle, 0.09 * s), disc(heel, 0.09 * s), disc(toe, 0.10 * s)]))
