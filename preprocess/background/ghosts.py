"""Ghosts of a network's matte: limbs that are neither there nor not there, and haze beside the person. Pure functions.

What is missing altogether is `chosen_person.shows_person`'s; an arm is a thirtieth of a person, so it is watched along its bones.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core import masks
from pipeline.core.arrays import Float, Grey
from pipeline.core.masks import Mask

LIMBS = {
    "left arm": ((11, 13), (13, 15)),
    "right arm": ((12, 14), (14, 16)),
    "left leg": ((23, 25), (25, 27)),
    "right leg": ((24, 26), (26, 28)),
}
"""The bones of each limb in MediaPipe's order."""
SOLID, FAINT, OPAQUE = 128, 8, 200
VISIBLE = 0.6
STEPS = 48
LEAST_POINTS = 16
LEAST_OPAQUE = 0.5
"""A bone of which a smaller share is opaque, where the embedded matte has it, is a ghost."""
HAZE_SHARE = 0.03
"""Alpha between, farther than this share of the person's height from anything solid, is haze, not hair."""


def ghost_limb(network: Grey, embedded: Grey, body: Float) -> str:
    """The limb that a network's matte shows half or not at all; "" when all are there.

    Args:
        network, embedded: (h, w) uint8 mattes of the same photo.
        body: (33, 4) landmarks in pixels of the photo, and their visibility.
    """
    for name, bones in LIMBS.items():
        if any(_is_ghost(network, embedded, body[list(bone)]) for bone in bones):
            return name
    return ""


def _is_ghost(network: Grey, embedded: Grey, ends: Float) -> bool:
    """Whether one bone, (2, 4) with both ends, is seen by the embedded matte and not by the network."""
    if ends[:, 3].min() <= VISIBLE:
        return False
    line = ends[0, :2] + np.linspace(0, 1, STEPS)[:, None] * (ends[1, :2] - ends[0, :2])
    columns, rows = np.round(line).astype(int).T
    inside = (rows >= 0) & (rows < network.shape[0]) & (columns >= 0) & (columns < network.shape[1])
    rows, columns = rows[inside], columns[inside]
    there = embedded[rows, columns] >= SOLID
    if np.count_nonzero(there) < LEAST_POINTS:
        return False
    return bool((network[rows, columns][there] >= OPAQUE).mean() < LEAST_OPAQUE)


def without_haze(network: Grey, embedded: Grey) -> Grey:
    """(h, w) uint8: the network's matte without alpha between that lies away from everything solid of either matte."""
    solid: Mask = (network >= SOLID) | (embedded >= SOLID)
    box = masks.box_of(embedded >= SOLID)
    if box is None:
        return network
    near = masks.dilate(solid, HAZE_SHARE * box.height)
    cleared: Grey = np.where(near, network, np.uint8(0))
    return cleared


def core_alpha(network: Grey, core: Mask) -> float:
    """Mean alpha in [0, 1] of a matte on the sure inside of the person; 1 where there is none."""
    return float(cv2.mean(network, masks.bytes_of(core))[0] / 255) if core.any() else 1.0
