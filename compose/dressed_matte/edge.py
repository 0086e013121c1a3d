"""The soft edge of the dressed person."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.dressed_matte.before_after import CLEAR, BeforeAfter
from pipeline.core.arrays import RGB
from pipeline.core.masks import Mask, dilate, erode, guided_filter

PLAIN_CONTRAST = 30.0
"""Colour distance between person and background from which a pixel's share of each can be measured."""
GUIDE_EPS = 64.0
ALIKE_LEVELS = 40.0
SOME = 0.15
"""Share of the person beside an edge that has the background's colour, and as much that has not, from which none is asked."""


def soften(part: BeforeAfter, body: Mask) -> NDArray[np.float32]:
    """(h, w) float32 0..255: a soft edge within a few pixels of the outline.

    Where both sides have plain colours, alpha is the share of the person's colour that explains the pixel; elsewhere it follows
    the picture's edges (guided filter).
    """
    unit = part.unit
    band = dilate(body, 3 * unit) & dilate(~body, 3 * unit)
    filtered = guided_filter(part.dressed, body.astype(np.float32), max(2, round(4 * unit)), GUIDE_EPS)
    followed = np.clip((filtered[band] - 0.1) / 0.8, 0, 1)
    share, trust = _colour_share(part, body, band, unit)
    drawn = cv2.GaussianBlur(body.astype(np.float32), (0, 0), max(unit, 0.6))[band]
    by_colour = followed + (share - followed) * trust
    soft = body.astype(np.float32)
    soft[band] = by_colour + (drawn - by_colour) * _camouflage(part, body, band)
    return soft * 255


def _colour_share(part: BeforeAfter, body: Mask, band: Mask, unit: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Alpha from the compositing equation with the colours found on both sides, and how far to trust it; (n,) in [0, 1] each.

    The background is known exactly where the photo shows it; that makes it a difference matte (Smith & Blinn 1996).
    """
    reach = max(2.5 * unit, 2)
    fore, count = _nearby(part.dressed, erode(body, reach), band, 4 * unit)
    back, _ = _nearby(part.dressed, ~dilate(body, reach), band, 4 * unit)
    back = np.where((part.alpha[band] <= CLEAR)[:, None], part.photo[band], back)
    across, offset = fore - back, part.dressed[band] - back
    contrast = np.maximum((across * across).sum(1), 1e-3)
    share = np.clip((offset * across).sum(1) / contrast, 0, 1)
    unexplained = ((offset - share[:, None] * across) ** 2).sum(1)
    trust = np.clip(contrast / PLAIN_CONTRAST**2 - 1, 0, 1) * np.clip(2 - unexplained / (0.04 * contrast), 0, 1) * (count > 0.01)
    return share.astype(np.float32), trust.astype(np.float32)


def _camouflage(part: BeforeAfter, body: Mask, band: Mask) -> NDArray[np.float32]:
    """(n,) in [0, 1]: whether the person beside the edge has the background's colour in places, as white stripes on a white wall.

    Colours would cut such places out; of a person who has that colour everywhere the picture still shows an edge.
    """
    unit = part.unit
    inside, outside = erode(body, 6 * unit), ~dilate(body, max(2.5 * unit, 2))
    back, _ = _nearby(part.dressed, outside, inside, 12 * unit)
    alike = np.zeros(body.shape, np.float32)
    alike[inside] = np.abs(part.dressed[inside] - back).max(1) < ALIKE_LEVELS
    if not alike.any():
        return np.zeros(np.count_nonzero(band), np.float32)
    near, _ = _nearby(alike[..., None], inside, band, 6 * unit)
    some: NDArray[np.float32] = np.clip(np.minimum(near[:, 0], 1 - near[:, 0]) / SOME, 0, 1)
    return some


def _nearby(
    picture: RGB | NDArray[np.float32], mask: Mask, band: Mask, sigma_px: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean (n, c) of masked pixels (h, w, c) around each band pixel, and how many there are (n,); at half size, for speed."""
    height, width = mask.shape
    size = (max(width // 2, 1), max(height // 2, 1))
    weight = mask.astype(np.float32)
    both = np.dstack([picture * weight[..., None], weight])
    small = cv2.GaussianBlur(cv2.resize(both, size, interpolation=cv2.INTER_AREA), (0, 0), max(sigma_px / 2, 0.8))
    near = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)[band]
    return near[:, :-1] / np.maximum(near[:, -1:], 1e-6), near[:, -1]
