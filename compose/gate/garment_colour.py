"""Whether the garment that is worn has the colours of the garment that was photographed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core.masks import Mask
from pipeline.core.pixels.colour import ciede2000, to_lab

Lab = NDArray[np.float64]
Plane = NDArray[np.float64]

BIN = (10.0, 8.0, 8.0)
"""Sides of a cell of colours in L*, a*, b*."""
CELLS = 16 << 10
LOWEST = (0.0, 128.0, 128.0)
"""What makes a colour positive."""
LEAST_SHARE = 0.01
MOST_COLOURS = 24
CAPACITY = 2.0
"""The worn garment may fill as little as 1/`CAPACITY` of the dressed area: a mask covers skin and background too."""
TEXTILE_KL = 2.0
"""Lightness counts half for textiles (CIE 142-2001); so folds and the photo's light do not look like a wrong colour."""
LEAST_PX = 20


@dataclass(frozen=True)
class Palette:
    """The colours of an area.

    Args:
        lab: (k, 3) CIE L*a*b*, D65: L* in [0, 100].
        share: (k,) of the area, together 1.
    """

    lab: Lab
    share: Plane


def palette(picture: NDArray[np.uint8], inside: Mask) -> Palette | None:
    """The main colours of an area, most frequent first; None when it is too small to have any.

    Args:
        picture: (h, w, 3) RGB uint8.
        inside: (h, w) bool.
    """
    pixels = picture[inside]
    if len(pixels) < LEAST_PX:
        return None
    lab = to_lab(pixels[None])[0].astype(np.float64)
    cells = np.floor((lab + LOWEST) / BIN).astype(np.int64)
    number = cells @ (1 << 10, 1 << 5, 1)
    count = np.bincount(number, minlength=CELLS)
    found = np.flatnonzero(count >= LEAST_SHARE * len(lab))
    order = found[np.argsort(-count[found], kind="stable")][:MOST_COLOURS]
    if order.size == 0:
        return None
    means = np.stack([np.bincount(number, lab[:, axis], CELLS)[order] for axis in range(3)], 1) / count[order, None]
    return Palette(means, count[order] / count[order].sum())


def colour_difference(garment: Palette, worn: Palette) -> float:
    """How far the garment's colours are from those found where it is worn.

    Every colour of the garment is matched with the nearest colours of the worn area, each of which serves for at most `CAPACITY`
    times its share: a partial earth mover's distance (Rubner et al. 2000), filled greedily from the nearest pairs.

    Args:
        garment: of the garment's photo, inside its mask.
        worn: of the dressed picture, where it was repainted.

    Returns:
        Mean CIEDE2000 in [0, 100] with `TEXTILE_KL`; about 2 is seen side by side only, above 20 it is another colour.
    """
    distances = ciede2000(garment.lab[:, None], worn.lab[None], TEXTILE_KL)
    wanted, capacity = garment.share.copy(), CAPACITY * worn.share
    total = 0.0
    for flat in np.argsort(distances, axis=None, kind="stable"):
        one, other = divmod(int(flat), len(capacity))
        moved = min(wanted[one], capacity[other])
        total += moved * distances[one, other]
        wanted[one] -= moved
        capacity[other] -= moved
    return float(total)
