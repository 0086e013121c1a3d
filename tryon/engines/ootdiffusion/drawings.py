"""What the residual branch is shown of a pair: the person's skeleton, or the garment's edges laid into the hole.

A branch adds place by place, so what it sees has to lie where it belongs. Edges are a rough collage (AnyDoor, arXiv 2307.09481,
lays a high-frequency map of the object into its box): what the garment's picture shows is squashed to the box of the hole.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from pipeline.core.arrays import RGB
from pipeline.core.masks import Mask
from tryon.engines.ootdiffusion.encoding import PersonPictures
from tryon.engines.ootdiffusion.wiring import Wiring

STEEPEST = 4.0
"""Sobel's answer to a step of one level is four levels per direction."""
FAINT = 16
"""Edges up to here may be the grain of a flat ground, and do not say how far the garment reaches."""
Pair = tuple[PersonPictures, RGB]
"""A person and a garment's picture (h, w, 3) at the network's size."""


def drawing_of(wiring: Wiring, person: PersonPictures, cloth: RGB) -> RGB:
    """(h, w, 3) uint8 RGB.

    Args:
        wiring: has a branch.
        person: at the network's size.
        cloth: (h, w, 3) uint8 RGB at the same size.
    """
    if wiring.branch == "sobel":
        return laid_into(within_its_box(edges(cloth)), person.repaint)
    assert person.pose is not None, "this wiring sees the skeleton"
    return person.pose


def edges(picture: RGB) -> RGB:
    """How steeply each channel changes, by Sobel's two filters: (h, w, 3) uint8, 0 = flat."""
    across, down = (cv2.Sobel(picture, cv2.CV_32F, *direction, ksize=3) for direction in ((1, 0), (0, 1)))
    return np.asarray(np.clip(np.rint(np.hypot(across, down) / STEEPEST), 0, 255), np.uint8)


def within_its_box(picture: RGB) -> RGB:
    """The part of a picture of edges (h, w, 3) uint8 that has any; without any, all of it."""
    rows, columns = _box(picture.max(axis=2) > FAINT)
    return picture[rows, columns]


def _box(area: Mask) -> tuple[slice, slice]:
    """Rows and columns from an area's first to its last; all where it is empty."""
    found = [np.flatnonzero(area.any(axis=axis)) for axis in (1, 0)]
    rows, columns = (slice(int(each[0]), int(each[-1]) + 1) if len(each) else slice(None) for each in found)
    return rows, columns


def laid_into(picture: RGB, area: Mask) -> RGB:
    """A picture squashed to an area's box, black outside the area: (h, w, 3) uint8.

    Args:
        picture: (h, w, 3) uint8.
        area: (h, w) bool, not empty.
    """
    rows, columns = _box(area)
    laid = np.zeros((*area.shape, 3), np.uint8)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    laid[rows, columns] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    laid[~area] = 0
    return laid


def drawings_of(wiring: Wiring, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor] | None:
    """Of pairs, with and without their garments, (b, 3, h, w) fp32 in [0, 1] each; None where the wiring has no branch."""
    if wiring.branch == "none":
        return None
    shown = torch.cat([drawing_tensor(drawing_of(wiring, person, cloth)) for person, cloth in pairs])
    return shown, without_garment(wiring, shown)


def drawing_tensor(drawing: RGB) -> Tensor:
    """(h, w, 3) uint8 → (1, 3, h, w) fp32 in [0, 1]."""
    return torch.from_numpy(drawing.astype(np.float32) / 255).permute(2, 0, 1)[None]


def without_garment(wiring: Wiring, drawings: Tensor) -> Tensor:
    """The same where no garment is shown: its edges are black, a skeleton stays."""
    return torch.zeros_like(drawings) if wiring.branch == "sobel" else drawings
