"""The plate: the photo with the old garment taken off, wherever the new one may leave it uncovered.

Bare arms and neck get skin, cloth that hung beside the body gives way to the background, cloth below the new hem to the trousers
or skirt. All colours grow in from what is really visible; only the roundness of a limb is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.masks import Mask, dilate, feather
from tryon.engines.preview.body import Body, Limb
from tryon.engines.preview.limbs import limb_axis, limb_halves

Colour = NDArray[np.float32]


@dataclass(frozen=True)
class KnownAreas:
    """Where the photo shows what the old garment hides; (h, w) bool each.

    Args:
        background: no person.
        skin: bare skin other than the face.
        beneath: the garment that goes on under the old one: trousers under a shirt; empty when there is none.
    """

    background: Mask
    skin: Mask
    beneath: Mask


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
    colour, weight = levels[-1]
    mean = colour.sum((0, 1)) / max(float(weight.sum()), 1e-6)
    filled = np.where(weight[..., None] > 0, colour / np.maximum(weight, 1e-6)[..., None], mean).astype(np.float32)
    for colour, weight in levels[-2::-1]:
        coarse = cv2.resize(filled, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        filled = colour + (1 - weight)[..., None] * coarse
    result: Colour = filled
    return result


def spread_softly(image: NDArray[np.uint8], known: Mask) -> Colour:
    """`spread` at half the size: smooth colours for places where nothing sharp is known anyway."""
    height, width = known.shape
    half = (max(1, width // 2), max(1, height // 2))
    small = spread(
        cv2.resize(image, half, interpolation=cv2.INTER_NEAREST),
        cv2.resize(known.astype(np.uint8), half, interpolation=cv2.INTER_NEAREST).astype(bool),
    )
    soft_colour: Colour = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return soft_colour


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
    columns, rows = (np.arange(low[i], high[i] + 2, 2, dtype=np.float32) for i in (0, 1))  # a smooth field: every second pixel
    coarse = np.full((len(rows), len(columns)), 9.0, np.float32)
    for (one, other), half in zip(pairwise(middle), (halves[:-1] + halves[1:]) / 2, strict=True):
        coarse = np.minimum(coarse, _distance(columns, rows[:, None], one, other) / np.float32(half))
    window = slice(low[1], high[1]), slice(low[0], high[0])
    across, down = np.meshgrid(np.arange(high[0] - low[0], dtype=np.float32), np.arange(high[1] - low[1], dtype=np.float32))
    nearest = cv2.remap(coarse, across / 2, down / 2, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    coverage[window] = np.clip((1 - nearest) * float(halves.mean()) + 0.5, 0, 1)
    factor[window] = 1.05 - 0.27 * np.minimum(nearest, 1) ** 2.2
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
    blended = base.copy()
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    if rows.size:  # most pieces are small beside the canvas
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        blended[window] += (colour[window] - base[window]) * alpha[window][..., None]
    return blended


def soft(mask: Mask, sigma_px: float = 1.2) -> NDArray[np.float32]:
    """A mask with a soft edge."""
    edge: NDArray[np.float32] = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma_px)
    return edge


def undress(
    image: NDArray[np.uint8],
    old: Mask,
    known: KnownAreas,
    body: Body,
    limbs: Sequence[Limb],
) -> Colour:
    """Take the old garment off.

    Args:
        image: (h, w, 3) RGB uint8 photo.
        old: (h, w) bool: pixels of the old garment.
        known: where the colours beneath can be learnt.
        body: the skeleton.
        limbs: arms and legs the old garment may have covered.

    Returns:
        (h, w, 3) float32; the photo itself outside `old` and a narrow fringe of it in the background.
    """
    shape = (old.shape[0], old.shape[1])
    person = soft(~known.background)
    result = spread_softly(image, known.background & ~dilate(old, 4)) if known.background.any() else image.astype(np.float32)
    if np.count_nonzero(known.beneath) > 300:
        below = _zone(body, shape, [(0.55, 0.35 * body.torso_length), (0.5, 1.3 * body.torso_length)])
        result = over(result, spread_softly(image, known.beneath & ~dilate(old, 3)), below * person)
    skin_known = known.skin & ~dilate(old, 3)
    if np.count_nonzero(skin_known) > 100:
        skin = spread_softly(image, skin_known)
        result = over(result, skin, _zone(body, shape, _chest_outline(body)) * person)
        for limb in limbs:
            coverage, factor = limb_skin(shape, limb, 0.0, 1.2)
            result = over(result, skin * factor[..., None], coverage * person)
    fringe = old | (dilate(old, 6) & known.background) | dilate(old, 2)
    return over(image.astype(np.float32), result, soft(fringe))


def _chest_outline(body: Body) -> list[tuple[float, float]]:
    """Neck, slope of the shoulders and upper chest: what a neckline may show."""
    scale = body.scale
    return [(0.22, -0.5 * scale), (0.25, -0.36 * scale), (0.6, -0.1 * scale), (0.55, 0.38 * body.torso_length)]


def _zone(body: Body, shape: tuple[int, int], outline: list[tuple[float, float]]) -> NDArray[np.float32]:
    """Soft coverage of a zone symmetric to the torso's axis: (half width in body scales, pixels below neck), top to bottom."""
    halves, down = np.array([half for half, _ in outline]) * body.scale, np.array([row for _, row in outline])
    corners = np.vstack([body.at(halves, down), body.at(-halves, down)[::-1]])
    zone = np.zeros(shape, np.uint8)
    cv2.fillPoly(zone, [np.round(corners).astype(np.int32)], 1)
    return soft(zone.astype(bool), 0.02 * body.scale)


def blend_into(image: NDArray[np.uint8], canvas: Colour, mask: Mask) -> NDArray[np.uint8]:
    """Put `canvas` into the masked area of `image`; the blend ramp lies inside, so pixels outside stay bit-identical."""
    blended = over(image.astype(np.float32), canvas, feather(mask, 2.0))
    return np.where(mask[..., None], np.clip(np.rint(blended), 0, 255).astype(np.uint8), image)
