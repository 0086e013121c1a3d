"""The plate: the photo with the old garment taken off, wherever the new one may leave it uncovered.

Bare arms and neck get skin, cloth that hung beside the body gives way to the background, cloth below the new hem to the trousers
or skirt. All colours grow in from what is really visible; only the roundness of a limb is added.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.masks import Mask, dilate
from tryon.engines.preview.body import Body, Limb
from tryon.engines.preview.limbs import limb_axis, limb_halves

Colour = NDArray[np.float32]


def spread(image: NDArray[np.uint8] | Colour, known: Mask) -> Colour:
    """Fill everything unknown from the nearest known colours, by a pyramid of averages (pull-push, Gortler et al. 1996).

    Args:
        image: (h, w, 3) RGB, any range.
        known: (h, w) bool: pixels to keep.

    Returns:
        (h, w, 3) float32; equal to `image` where known.
    """
    weight = known.astype(np.float32)
    levels = [(image.astype(np.float32) * weight[..., None], weight)]
    while min(levels[-1][1].shape) > 2:
        colour, weight = levels[-1]
        half = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        small = cv2.resize(colour, half, interpolation=cv2.INTER_AREA)
        share = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
        gain = np.minimum(1, 2 * share) / np.maximum(share, 1e-6)
        levels.append((small * gain[..., None], share * gain))
    filled = levels[-1][0] / np.maximum(levels[-1][1], 1e-6)[..., None]
    for colour, weight in levels[-2::-1]:
        coarse = cv2.resize(filled, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        filled = colour + (1 - weight)[..., None] * coarse
    result: Colour = filled
    return result


def skin_tone(image: NDArray[np.uint8], skin: Mask, face: Mask) -> NDArray[np.float32]:
    """(3,) RGB float32: the median of visible skin, of the face when little else shows, a middle tone when nothing does."""
    for mask in (skin, face):
        if np.count_nonzero(mask) > 150:
            tone: NDArray[np.float32] = np.median(image[mask], axis=0).astype(np.float32)
            return tone
    return np.array([190, 150, 125], np.float32)


def limb_skin(shape: tuple[int, int], limb: Limb, start: float, end: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Shape of a bare limb.

    Args:
        shape: (h, w) of the canvas.
        limb: its joints and widths.
        start, end: shares of its length to draw; above 1 = beyond the last joint.

    Returns:
        (h, w) float32 coverage with a soft edge, and (h, w) float32 roundness factor, 1 in the middle, darker towards the sides.
    """
    shares = np.linspace(start, end, 28)
    middle, _ = limb_axis(limb, shares)
    halves = limb_halves(limb, shares)
    low = np.maximum(np.floor(middle.min(0) - halves.max() - 3).astype(int), 0)
    high = np.minimum(np.ceil(middle.max(0) + halves.max() + 3).astype(int), [shape[1], shape[0]])
    coverage, factor = np.zeros(shape, np.float32), np.ones(shape, np.float32)
    if np.any(high <= low):
        return coverage, factor
    columns, rows = np.meshgrid(np.arange(low[0], high[0], dtype=np.float32), np.arange(low[1], high[1], dtype=np.float32))
    nearest = np.full(columns.shape, 9.0, np.float32)
    for (one, other), half in zip(pairwise(middle), (halves[:-1] + halves[1:]) / 2, strict=True):
        nearest = np.minimum(nearest, _distance(columns, rows, one, other) / np.float32(half))
    window = slice(low[1], high[1]), slice(low[0], high[0])
    coverage[window] = np.clip((1 - nearest) * float(halves.mean()) + 0.5, 0, 1)
    factor[window] = 1.03 - 0.2 * np.minimum(nearest, 1) ** 2.5
    return coverage, factor


def _distance(columns: NDArray[np.float32], rows: NDArray[np.float32], start: Colour, end: Colour) -> NDArray[np.float32]:
    """Pixels from every point to the segment start → end."""
    bone = end - start
    along = ((columns - start[0]) * bone[0] + (rows - start[1]) * bone[1]) / max(float(bone @ bone), 1e-6)
    along = np.clip(along, 0, 1)
    distance: NDArray[np.float32] = np.hypot(columns - start[0] - along * bone[0], rows - start[1] - along * bone[1]).astype(
        np.float32
    )
    return distance


def over(base: Colour, colour: Colour | NDArray[np.uint8], alpha: NDArray[np.float32]) -> Colour:
    """Lay `colour` over `base` with coverage `alpha`; returns a new array."""
    blended: Colour = base + (colour - base) * alpha[..., None]
    return blended


def soft(mask: Mask, sigma_px: float = 1.2) -> NDArray[np.float32]:
    """A mask with a soft edge."""
    edge: NDArray[np.float32] = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma_px)
    return edge


def undress(
    image: NDArray[np.uint8],
    old: Mask,
    background: Mask,
    skin: Mask,
    beneath: Mask,
    body: Body,
) -> Colour:
    """Take the old garment off.

    Args:
        image: (h, w, 3) RGB uint8 photo.
        old: (h, w) bool: pixels of the old garment.
        background: (h, w) bool: pixels known to be background.
        skin: (h, w) bool: visible skin other than the face.
        beneath: (h, w) bool: visible garment that continues under the old one: trousers for a shirt, a shirt for trousers.
        body: the skeleton.

    Returns:
        (h, w, 3) float32; the photo itself outside `old`.
    """
    height, width = old.shape
    result = spread(image, background & ~dilate(old, 4)) if background.any() else image.astype(np.float32)
    below = _torso_zone(body, (height, width), 0.35 * body.torso_length, 1.3 * body.torso_length)
    if np.count_nonzero(beneath) > 300:
        result = over(result, spread(image, beneath & ~dilate(old, 3)), below)
    skin_known = skin & ~dilate(old, 3)
    if np.count_nonzero(skin_known) > 100:
        skin_colour = spread(image, skin_known)
        chest = _torso_zone(body, (height, width), -0.5 * body.scale, 0.38 * body.torso_length)
        result = over(result, skin_colour, chest)
        for limb in body.arms:
            coverage, factor = limb_skin((height, width), limb, 0.0, 1.0)
            result = over(result, skin_colour * factor[..., None], coverage)
    return over(image.astype(np.float32), result, soft(dilate(old, 2)))


def _torso_zone(body: Body, shape: tuple[int, int], top: float, bottom: float) -> NDArray[np.float32]:
    """Soft coverage of the torso between two depths below the neck."""
    half = 0.62 * body.scale
    corners = body.at(np.array([-half, half, half, -half]), np.array([top, top, bottom, bottom]))
    zone = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(zone, np.round(corners).astype(np.int32), 1)
    return soft(zone.astype(bool), 0.05 * body.scale)
