"""Left and right for limbs whose labels have no side: each pixel gets the side of the nearer limb. Pure functions."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Labels
from pipeline.core.labels import ARM_LABELS, LEG_LABELS, SHOE_LABELS, Joint, Parse
from preprocess.person.body import Joints

CHAINS: dict[Parse, tuple[Joint, ...]] = {
    Parse.LEFT_ARM: (Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW, Joint.LEFT_WRIST),
    Parse.RIGHT_ARM: (Joint.RIGHT_SHOULDER, Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST),
    Parse.LEFT_LEG: (Joint.LEFT_HIP, Joint.LEFT_KNEE, Joint.LEFT_ANKLE),
    Parse.RIGHT_LEG: (Joint.RIGHT_HIP, Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE),
    Parse.LEFT_SHOE: (Joint.LEFT_ANKLE, Joint.LEFT_BIG_TOE),
    Parse.RIGHT_SHOE: (Joint.RIGHT_ANKLE, Joint.RIGHT_BIG_TOE),
}
WORN: dict[Parse, dict[Parse, tuple[Parse, ...]]] = {
    Parse.GLOVE: {Parse.LEFT_ARM: (Parse.LEFT_ARM,), Parse.RIGHT_ARM: (Parse.RIGHT_ARM,)},
    Parse.SOCKS: {
        Parse.LEFT_LEG: (Parse.LEFT_LEG, Parse.LEFT_SHOE),
        Parse.RIGHT_LEG: (Parse.RIGHT_LEG, Parse.RIGHT_SHOE),
    },
}
"""What is worn on a limb: the label for each side, and the labels that show where the side is."""


def with_sides(labels: Labels, body: Joints) -> Labels:
    """Relabel arms, legs and shoes by the nearer limb.

    Args:
        labels: (h, w) uint8 of `Parse`, sides not reliable.
        body: joints in pixels of `labels`.

    Returns:
        (h, w) uint8 of `Parse`.
    """
    result = labels.copy()
    for left, right in (ARM_LABELS, LEG_LABELS, SHOE_LABELS):
        either = (labels == left) | (labels == right)
        if either.any():
            nearer_left = _distance(body, left, labels.shape) <= _distance(body, right, labels.shape)
            result[either] = np.where(nearer_left[either], left, right)
    return result


def with_worn_sides(labels: Labels) -> Labels:
    """Relabel gloves as the nearer arm and socks as the nearer leg, for lists without these labels; without a limb they stay.

    Args:
        labels: (h, w) uint8 of `Parse`.

    Returns:
        (h, w) uint8 of `Parse`.
    """
    result = labels.copy()
    for worn, sides in WORN.items():
        area = labels == worn
        near = {side: _to_label(np.isin(labels, limb)) for side, limb in sides.items() if np.isin(labels, limb).any()}
        if area.any() and near:
            sided = np.array(list(near), np.uint8)[np.argmin(np.stack(list(near.values())), axis=0)]
            result[area] = sided[area]
    return result


def _to_label(there: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(h, w) float32: distance to the nearest True in pixels."""
    distance: NDArray[np.float32] = cv2.distanceTransform((~there).astype(np.uint8), cv2.DIST_L2, 5)
    return distance


def _distance(body: Joints, limb: Parse, size: tuple[int, ...]) -> NDArray[np.float32]:
    """(h, w) float32: distance to the bones of a limb in pixels; infinite when they are outside the picture."""
    free = np.ones(size[:2], np.uint8)
    bones = np.round(np.stack([body.at(joint) for joint in CHAINS[limb]])).astype(np.int32)
    cv2.polylines(free, [bones.reshape(-1, 1, 2)], isClosed=False, color=0, thickness=1)
    if free.all():
        return np.full(size[:2], np.inf, np.float32)
    distance: NDArray[np.float32] = cv2.distanceTransform(free, cv2.DIST_L2, 5)
    return distance
