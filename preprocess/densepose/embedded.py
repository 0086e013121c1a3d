"""The embedded densepose backend: a body-part map drawn from landmarks and clipped to the matte.

An approximation of DensePose's chart index `I` (Güler et al. 2018) by shapes sized to the body; no U and V.
Facts: docs/facts/embedded_methods.md#body-parts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points
from pipeline.core.card import Card, Resources
from pipeline.core.labels import BodyPart, Joint
from preprocess.person import body_shapes as shapes
from preprocess.person.body import Joints
from preprocess.person.body_parts import BodyParts
from preprocess.person.not_found import NotFound
from preprocess.person.person_view import PersonView

OUTER_SHARE = 0.25
"""The line between the inner and outer half of an arm lies this share of the radius outward of the bone (frontal view)."""
BEHIND = 0.4
"""A wrist farther from the camera than its shoulder by this share of the scale is behind the body."""

FAR_SHOULDER = 0.3
"""In profile, the shoulder that is farther by this share of the scale belongs to the far arm."""

_ARM_PARTS = {
    "right": (
        BodyPart.RIGHT_UPPER_ARM_INNER,
        BodyPart.RIGHT_UPPER_ARM_OUTER,
        BodyPart.RIGHT_FOREARM_INNER,
        BodyPart.RIGHT_FOREARM_OUTER,
    ),
    "left": (
        BodyPart.LEFT_UPPER_ARM_INNER,
        BodyPart.LEFT_UPPER_ARM_OUTER,
        BodyPart.LEFT_FOREARM_INNER,
        BodyPart.LEFT_FOREARM_OUTER,
    ),
}
_LEG_PARTS = {
    ("right", False): (BodyPart.RIGHT_THIGH_FRONT, BodyPart.RIGHT_SHIN_FRONT, BodyPart.RIGHT_FOOT),
    ("left", False): (BodyPart.LEFT_THIGH_FRONT, BodyPart.LEFT_SHIN_FRONT, BodyPart.LEFT_FOOT),
    ("right", True): (BodyPart.RIGHT_THIGH_BACK, BodyPart.RIGHT_SHIN_BACK, BodyPart.RIGHT_FOOT),
    ("left", True): (BodyPart.LEFT_THIGH_BACK, BodyPart.LEFT_SHIN_BACK, BodyPart.LEFT_FOOT),
}
_HANDS = {"right": BodyPart.RIGHT_HAND, "left": BodyPart.LEFT_HAND}


class LandmarkBody:
    """Body parts from landmarks, without downloads."""

    needs = Resources(memory_gb=0.2)
    card = Card(name="landmarks", version=1, packages=("cv2",), seconds=0.01, approximate=True, resources=needs)
    batch_size = 1

    def load(self, device: str) -> None:
        """There is no model to load."""

    def body_parts(self, views: Sequence[PersonView]) -> list[BodyParts | NotFound]:
        """The chart index of every pixel of each person; U and V are not known."""
        return [BodyParts(draw_parts(view.body, view.person)) for view in views]


def draw_parts(body: Joints, person: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Draw the parts from far to near.

    Args:
        body: joints on the canvas.
        person: (h, w) bool, True = person.

    Returns:
        (h, w) uint8 of `labels.BodyPart`, 0 outside the person.
    """
    canvas = np.zeros(person.shape, np.uint8)
    hidden = [side for side in ("right", "left") if arm_behind(body, side)]
    for side in hidden:
        _paint_arm(canvas, body, side)
    for side in _far_to_near(body, Joint.RIGHT_KNEE, Joint.LEFT_KNEE):
        _paint_leg(canvas, body, side)
    shapes.paint(canvas, shapes.torso(body), BodyPart.TORSO_BACK if body.from_behind else BodyPart.TORSO_FRONT)
    _paint_head(canvas, body)
    for side in _far_to_near(body, Joint.RIGHT_WRIST, Joint.LEFT_WRIST):
        if side not in hidden:
            _paint_arm(canvas, body, side)
    canvas[~person] = 0
    return canvas


def arm_behind(body: Joints, side: str) -> bool:
    """Whether the arm is behind the torso: its forearm is, or in profile its shoulder is the farther one."""
    shoulder, elbow, wrist = shapes.ARMS[side]
    other = shapes.ARMS["left" if side == "right" else "right"][0]
    if body.profile and body.depth[shoulder] - body.depth[other] > FAR_SHOULDER * body.scale:
        return True
    farther = min(body.depth[elbow], body.depth[wrist]) - body.depth[shoulder]
    return bool(farther > BEHIND * body.scale)


def _far_to_near(body: Joints, right: Joint, left: Joint) -> tuple[str, str]:
    return ("right", "left") if body.depth[right] >= body.depth[left] else ("left", "right")


def _paint_leg(canvas: NDArray[np.uint8], body: Joints, side: str) -> None:
    parts = _LEG_PARTS[side, body.from_behind]
    shapes.paint(canvas, shapes.foot(body, side), parts[2])
    shapes.paint(canvas, shapes.shin(body, side), parts[1])
    shapes.paint(canvas, shapes.thigh(body, side), parts[0])


def _paint_head(canvas: NDArray[np.uint8], body: Joints) -> None:
    """Draw both halves, divided at the nose's column."""
    skull = np.zeros(canvas.shape, np.uint8)
    for shape in (shapes.neck(body), shapes.head(body)):
        shapes.paint(skull, shape, 1)
    middle = float(np.clip(body.at(Joint.NOSE)[0], 0, canvas.shape[1]))
    column = np.arange(canvas.shape[1])
    right_first = (column < middle) != body.from_behind
    halves = np.where(right_first, BodyPart.HEAD_RIGHT, BodyPart.HEAD_LEFT).astype(np.uint8)
    inside = skull.astype(bool)
    canvas[inside] = np.broadcast_to(halves, canvas.shape)[inside]


def _paint_arm(canvas: NDArray[np.uint8], body: Joints, side: str) -> None:
    inner_upper, outer_upper, inner_fore, outer_fore = _ARM_PARTS[side]
    shoulder, elbow, wrist = (body.at(joint) for joint in shapes.ARMS[side])
    upper, fore = shapes.upper_arm(body, side), shapes.forearm(body, side)
    _paint_halves(canvas, upper, (shoulder, elbow), (inner_upper, outer_upper), body)
    shapes.paint(canvas, shapes.hand(body, side), _HANDS[side])
    _paint_halves(canvas, fore, (elbow, wrist), (inner_fore, outer_fore), body)


def _paint_halves(
    canvas: NDArray[np.uint8], shape: Points, bone: tuple[Points, Points], parts: tuple[BodyPart, BodyPart], body: Joints
) -> None:
    """Draw the half of a limb that faces the body's axis, and the other half."""
    start, end = bone
    along = end - start
    length = max(float(np.hypot(*along)), 1.0)
    normal = np.array([-along[1], along[0]], np.float32) / length
    axis = (body.at(Joint.NECK) + body.at(Joint.MID_HIP)) / 2
    outward = -normal if (axis - start) @ normal > 0 else normal
    cut = start + OUTER_SHARE * 0.14 * body.scale * outward
    shapes.paint(canvas, shape, parts[0])
    shapes.paint(canvas, _beyond(shape, cut, outward), parts[1])


def _beyond(shape: Points, point: Points, direction: Points) -> Points:
    """The part of a convex polygon on the far side of a line (Sutherland and Hodgman 1974, one edge)."""
    signed = (shape - point) @ direction
    kept: list[Points] = []
    for here, there, a, b in zip(shape, np.roll(shape, -1, 0), signed, np.roll(signed, -1), strict=True):
        if a >= 0:
            kept.append(here)
        if (a >= 0) != (b >= 0):
            kept.append(here + (there - here) * (a / (a - b)))
    return np.asarray(kept, np.float32).reshape(-1, 2)
