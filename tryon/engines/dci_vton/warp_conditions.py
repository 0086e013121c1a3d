"""What DCI-VTON's warping network is fed: garment, body parts and label groups at 512 × 384.

Facts: docs/facts/dci_vton.md#warping-network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.core.arrays import RGB, Float, Labels
from pipeline.core.labels import THIRTEEN_GROUPS, UPPER_LABELS
from pipeline.core.masks import Mask
from tryon.engines.dci_vton.conditions import nearest, squashed

SIZE = (512, 384)
"""(height, width) of what the published script warps with; trained was at half of it."""
GROUPS = THIRTEEN_GROUPS
"""The planes of the one-hot map."""


@dataclass(frozen=True)
class WarpInputs:
    """One item for the warping network.

    Args:
        cloth: (3, h, w) float32 in [-1, 1], the flat garment, not masked.
        cloth_mask: (h, w) bool.
        densepose: (3, h, w) float32 in [-1, 1], VITON-HD's colours.
        groups: (13, h, w) float32 of 0 and 1, the parse map without the garment.
    """

    cloth: Float
    cloth_mask: Mask
    densepose: Float
    groups: Float


def warp_inputs(cloth: RGB, cloth_mask: Mask, densepose: RGB, parse_agnostic: Labels, size: tuple[int, int] = SIZE) -> WarpInputs:
    """Bring a pair's conditions to the warping network's form.

    Args:
        cloth: (h, w, 3) uint8 RGB.
        cloth_mask: (h, w) bool, True = garment.
        densepose: (h, w, 3) uint8 RGB.
        parse_agnostic: (h, w) uint8 of `Parse`.
        size: (height, width) to bring them to.
    """
    mask = nearest(np.where(cloth_mask, 255, 0).astype(np.uint8), size) >= 128
    return WarpInputs(squashed(cloth, size), mask, squashed(densepose, size), one_hot(nearest(parse_agnostic, size)))


def one_hot(parse: Labels) -> Float:
    """(h, w) uint8 of `Parse` → (13, h, w) float32 of 0 and 1."""
    return np.stack([np.isin(parse, labels) for labels in GROUPS]).astype(np.float32)


def worn_garment(image: RGB, parse: Labels, size: tuple[int, int] = SIZE) -> tuple[Float, Float]:
    """The training target: the person's own upper garment on white, (3, *size) float32 in [-1, 1], and where it is, 0 or 1."""
    worn = np.isin(nearest(parse, size), UPPER_LABELS).astype(np.float32)
    target: Float = squashed(image, size) * worn + (1 - worn)
    return target, worn
