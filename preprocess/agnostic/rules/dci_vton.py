"""`dci-vton`: the agnostic picture of DCI-VTON's loaders, stroke for stroke (docs/facts/agnostic_rules.md#dci-vton).

Drawn with Pillow, because the model was trained on its strokes. The second model's mask has the same strokes; the first model
needs only the picture and derives its hole from the parse map (`tryon/engines/dci_vton/conditions.py`). Missing torso joints are
completed, where the published code divides by zero; nothing else differs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipeline.core import masks
from pipeline.core.labels import HEAD_LABELS, LEG_LABELS, LOWER_LABELS, SHOE_LABELS, SIDE_LABELS, Category, Joint
from pipeline.core.masks import Mask
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.person.body import Joints
from preprocess.person.body_shapes import ARMS

Point = tuple[float, float]
Size = tuple[int, int]


class Pen:
    """Pillow's strokes on a (height, width) mask.

    Args:
        size: (height, width).
        joints: (25, 2) x, y; read, never changed.
        unit_px: the rule's r.
    """

    def __init__(self, size: Size, joints: NDArray[np.float64], unit_px: int) -> None:
        self._canvas = Image.new("L", (size[1], size[0]))
        self._draw = ImageDraw.Draw(self._canvas)
        self._joints = joints
        self._r = unit_px

    @property
    def mask(self) -> Mask:
        """(height, width) bool of everything drawn."""
        drawn: Mask = np.asarray(self._canvas) > 0
        return drawn

    def at(self, joint: Joint) -> Point:
        """x, y of a joint."""
        x, y = self._joints[joint]
        return float(x), float(y)

    def bone(self, start: Joint, end: Joint, units: int) -> None:
        """A line between two joints, `units` wide."""
        self._draw.line([self.at(start), self.at(end)], 255, units * self._r)

    def oval(self, joint: Joint, across: int, along: int) -> None:
        """A filled ellipse with half axes in units."""
        x, y = self.at(joint)
        a, b = across * self._r, along * self._r
        self._draw.ellipse((x - a, y - b, x + a, y + b), 255, 255)

    def torso(self) -> None:
        """Hips, sides, hip line, the field between, and the collar block above the neck."""
        for hip in (Joint.RIGHT_HIP, Joint.LEFT_HIP):
            self.oval(hip, 3, 6)
        self.bone(Joint.RIGHT_SHOULDER, Joint.RIGHT_HIP, 6)
        self.bone(Joint.LEFT_SHOULDER, Joint.LEFT_HIP, 6)
        self.bone(Joint.RIGHT_HIP, Joint.LEFT_HIP, 12)
        corners = (Joint.RIGHT_SHOULDER, Joint.LEFT_SHOULDER, Joint.LEFT_HIP, Joint.RIGHT_HIP)
        self._draw.polygon([self.at(joint) for joint in corners], 255, 255)
        x, y = self.at(Joint.NECK)
        self._draw.rectangle((x - 5 * self._r, y - 9 * self._r, x + 5 * self._r, y), 255, 255)


def dci_vton(category: Category, conditions: Conditions) -> Mask:
    """(h, w) bool, True = repaint; for upper garments."""
    joints = with_square_torso(conditions.body)
    unit = int(np.hypot(*(joints[Joint.LEFT_SHOULDER] - joints[Joint.RIGHT_SHOULDER])) / 16) + 1
    covered = _clothes(conditions.body, joints, unit, conditions.size)
    for side, labels in SIDE_LABELS.items():
        covered &= ~((conditions.parse == labels.arm) & ~_sleeve(conditions.body, joints, unit, side, conditions.size))
    kept = masks.labelled(conditions.parse, (*HEAD_LABELS, *LOWER_LABELS, *LEG_LABELS, *SHOE_LABELS))
    return covered & ~kept


def with_square_torso(body: Joints) -> NDArray[np.float64]:
    """(25, 2) joints with the hips moved apart, or together, to the shoulders' distance."""
    joints = body.xy.astype(np.float64)
    right, left = joints[Joint.RIGHT_HIP], joints[Joint.LEFT_HIP]
    shoulders = float(np.hypot(*(joints[Joint.LEFT_SHOULDER] - joints[Joint.RIGHT_SHOULDER])))
    middle = (right + left) / 2
    factor = shoulders / max(float(np.hypot(*(left - right))), 1.0)
    joints[Joint.RIGHT_HIP], joints[Joint.LEFT_HIP] = middle + (right - middle) * factor, middle + (left - middle) * factor
    return joints


def _clothes(body: Joints, joints: NDArray[np.float64], unit: int, size: Size) -> Mask:
    """Torso, shoulders, and both arms as far as their joints were detected."""
    pen = Pen(size, joints, unit)
    pen.torso()
    pen.bone(Joint.RIGHT_SHOULDER, Joint.LEFT_SHOULDER, 12)
    for shoulder, elbow, wrist in ARMS.values():
        pen.oval(shoulder, 5, 6)
        for start, end in ((shoulder, elbow), (elbow, wrist)):
            if _detected(body, start) and _detected(body, end):
                pen.bone(start, end, 10)
                pen.oval(end, 5, 5)
    return pen.mask


def _sleeve(body: Joints, joints: NDArray[np.float64], unit: int, side: str, size: Size) -> Mask:
    """What counts as covered on one arm; the disc at its end is smaller, so that the hand is kept."""
    pen = Pen(size, joints, unit)
    shoulder, elbow, wrist = ARMS[side]
    pen.oval(shoulder, 5, 6)
    for start, end in ((shoulder, elbow), (elbow, wrist)):
        if _detected(body, start) and _detected(body, end):
            pen.bone(start, end, 10)
            pen.oval(end, *((4, 4) if end is wrist else (5, 5)))
    if not _detected(body, wrist) and not _detected(body, elbow):
        pen.oval(shoulder, 4, 4)
    return pen.mask


def _detected(body: Joints, joint: Joint) -> bool:
    return joint in (Joint.RIGHT_SHOULDER, Joint.LEFT_SHOULDER) or body.known(joint)
