"""Where a sleeve ends: one border between garment and skin along each arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.core.masks import Mask
from preprocess.parsing.embedded.label_places import Regions
from preprocess.person import body_shapes as shapes

SLICES = 24
"""Steps along an arm from the shoulder to the wrist."""
STRENGTH = 2.0
"""Nats in favour of garment above the end of the sleeve, and of skin below it."""
COVERED = 1.0
"""Nats for a sleeve where garment and skin have one colour: a camel coat is more frequent than a skin-coloured vest."""
LIMIT = 4.0
"""Largest evidence of one pixel, in nats."""


@dataclass(frozen=True)
class ArmPixels:
    """The pixels of one arm.

    Args:
        indices: (m,) their places among the person's n pixels.
        place: (m,) float32: 0 at the shoulder, 1 at the elbow, 2 at the wrist.
    """

    indices: NDArray[np.intp]
    place: NDArray[np.float32]


def arm_pixels(regions: Regions, person: Mask) -> list[ArmPixels]:
    """Those of both arms, as far as they are in view; person: (h, w) bool."""
    both = ((side, arm & person) for side, arm in regions.arms.items())
    return [ArmPixels(np.flatnonzero(inside[person]), along_arm(regions, side, inside)) for side, inside in both if inside.any()]


def sleeve_bonus(arms: Sequence[ArmPixels], evidence: NDArray[np.float32]) -> NDArray[np.float32]:
    """Nats in favour of the upper garment on the arms.

    Args:
        arms: of the person.
        evidence: (n,) float32 per pixel of the person: log-likelihood of the upper garment minus that of skin.

    Returns:
        (n,) float32: positive on the covered part of each arm, negative on the bare part, 0 elsewhere.
    """
    bonus = np.zeros(evidence.shape, np.float32)
    for arm in arms:
        votes = np.clip(evidence[arm.indices] + COVERED, -LIMIT, LIMIT)
        bonus[arm.indices] = np.where(arm.place < sleeve_end(arm.place, votes), STRENGTH, -STRENGTH)
    return bonus


def along_arm(regions: Regions, side: str, inside: Mask) -> NDArray[np.float32]:
    """(n,) float32 per pixel of `inside`: 0 at the shoulder, 1 at the elbow, 2 at the wrist."""
    rows, columns = np.nonzero(inside)
    pixels = np.stack([columns, rows], 1).astype(np.float32)
    joints = [regions.body.at(joint) for joint in shapes.ARMS[side]]
    found = []
    for start, end in pairwise(joints):
        bone = end - start
        share = np.clip((pixels - start) @ bone / max(float(bone @ bone), 1.0), 0, 1)
        found.append((share, np.hypot(*(pixels - start - share[:, None] * bone).T)))
    place: NDArray[np.float32] = np.where(found[0][1] <= found[1][1], found[0][0], 1 + found[1][0]).astype(np.float32)
    return place


def sleeve_end(place: NDArray[np.float32], evidence: NDArray[np.float32]) -> float:
    """The border between garment and skin: the split that agrees best with the evidence. 0 = sleeveless, 2 = to the wrist.

    Args:
        place: (n,) float32 along the arm in [0, 2].
        evidence: (n,) float32, positive = garment.
    """
    step = np.minimum((place * SLICES / 2).astype(int), SLICES - 1)
    counts = np.bincount(step, minlength=SLICES)
    means = np.bincount(step, evidence, SLICES) / np.maximum(counts, 1)
    covered = np.concatenate([[0.0], np.cumsum(means)])
    agreement = 2 * covered - covered[-1]
    return float(np.argmax(agreement)) * 2 / SLICES
