"""Who is who where two people overlap: their joints tell better than probabilities, which know no difference between people.

Pure functions (docs/facts/embedded_methods.md#overlapping-people).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.core.arrays import Float, Grey
from pipeline.core.masks import Mask
from preprocess.background.grabcut import bone_mask

VISIBLE = 0.6
TORSO = (11, 12, 24, 23)
LIMB, HEAD, LEAST_WIDTH = 0.34, 0.42, 0.45
"""Thickness of a limb and radius of a head in shoulder widths, which are at least the third of the torso's length."""
SOLID = 128
MIXED, HEADLESS = 0.2, 0.5
"""Share of another person's bones in the matte, and of the own head, from and below which two people are mixed."""


def drawn_body(body: Float, size: tuple[int, int]) -> Mask:
    """(h, w) bool: torso, limbs and head around the joints that are seen. body: (33, 4) in pixels of a picture of `size`."""
    width = _width(body)
    drawn = bone_mask(body, size, LIMB * width).astype(np.uint8)
    if body[TORSO, 3].min() > VISIBLE:
        cv2.fillConvexPoly(drawn, cv2.convexHull(np.round(np.clip(body[TORSO, :2], -4096, 4096)).astype(np.int32)), 1)
    return drawn.astype(bool) | _head(body, size)


def theirs_alone(body: Float, others: Sequence[Float], size: tuple[int, int]) -> tuple[Mask, Mask]:
    """(h, w) bool each: the selected person's drawn body, and the other people's where it is not.

    Args:
        body, others: (33, 4) landmarks each, in pixels of a picture of `size`.
    """
    own, theirs = drawn_body(body, size), np.zeros(size, bool)
    for each in others:
        theirs |= drawn_body(each, size)
    return own, theirs & ~own


def mixed_with(alpha: Grey, body: Float, others: Sequence[Float]) -> str:
    """How a matte mixes people, in words; "" where it does not.

    Args:
        alpha: (h, w) uint8, 255 = person.
        body, others: (33, 4) landmarks each, in pixels of the matte.
    """
    size = (alpha.shape[0], alpha.shape[1])
    own = drawn_body(body, size)
    head = _head(body, size)
    if head.any() and (alpha[head] >= SOLID).mean() < HEADLESS:
        return "the selected person's head is not in the matte"
    for each in others:
        bones = bone_mask(each, size, max(1.0, 0.03 * _width(each)))
        seen = bones & ~own
        if np.count_nonzero(seen) > 0.3 * np.count_nonzero(bones) and (share := float((alpha[seen] >= SOLID).mean())) > MIXED:
            return f"{share:.0%} of another person's limbs are in the matte"
    return ""


def _width(body: Float) -> float:
    torso = (body[11, :2] + body[12, :2] - body[23, :2] - body[24, :2]) / 2
    return max(float(np.hypot(*(body[11, :2] - body[12, :2]))), LEAST_WIDTH * float(np.hypot(*torso)), 1.0)


def _head(body: Float, size: tuple[int, int]) -> Mask:
    drawn = np.zeros(size, np.uint8)
    centre = body[:11, :2].mean(0)
    if np.abs(centre).max() < 4 * max(size):
        cv2.circle(drawn, (round(float(centre[0])), round(float(centre[1]))), round(HEAD * _width(body)), 1, -1)
    return drawn.astype(bool)
