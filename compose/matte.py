"""The dressed person's matte: the old one where nothing changed, a new one where the garment made the body wider or narrower."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.foreground import MARGIN_PX, estimate_foreground
from pipeline.core.masks import Mask, box_of, components, dilate, fill_holes, guided_filter, open_

RGB = NDArray[np.uint8]
Alpha = NDArray[np.uint8]

CLEAR = 8
"""Alpha up to which a pixel shows pure background."""
BODY = 128
PAINTED_LEVELS = 24.0
"""Difference from the known background: below, the background was only re-encoded; above, it is cloth."""
REVEALED_LEVELS = 11.0
"""A former body pixel this near to the colour of the background behind it shows background now..."""
REVEALED_DEPTH = 0.09
"""...if it lies no deeper inside the old outline than this share of the photo's longer side."""
CALM_LEVELS = 14.0
"""...and the background around is calm enough to know its colour behind the body."""
LEAST_REVEALED = 1.5e-4
"""Share of the photo; smaller revealed areas are colour accidents inside the garment."""
GUIDE_EPS = 64.0
WORK_SIDE_PX = 900
"""Long side at which colours at the new edge are solved."""


@dataclass(frozen=True)
class Dressing:
    """What happened to the photo.

    Args:
        photo: (h, w, 3) uint8 before.
        dressed: (h, w, 3) uint8 after.
        alpha: (h, w) uint8 matte before, 255 = person.
        changed: (h, w) bool, where it was repainted, at least the pixels that differ.
    """

    photo: RGB
    dressed: RGB
    alpha: Alpha
    changed: Mask

    @property
    def unit(self) -> float:
        """Pixels that are one pixel in a photo 1024 px long."""
        return max(self.photo.shape[:2]) / 1024

    def window(self) -> tuple[slice, slice] | None:
        """The repainted part with room for filters, or None when nothing changed."""
        box = box_of(self.changed)
        if box is None:
            return None
        pad = round(28 * self.unit) + 4
        top, left = max(box[0] - pad, 0), max(box[1] - pad, 0)
        return slice(top, box[0] + box[2] + pad), slice(left, box[1] + box[3] + pad)

    def cut(self, window: tuple[slice, slice]) -> Dressing:
        """The same, for a window of the photo."""
        return Dressing(self.photo[window], self.dressed[window], self.alpha[window], self.changed[window])


def dressed_alpha(dressing: Dressing, seen: Alpha | None = None) -> Alpha:
    """Matte of the dressed person.

    Where the photo showed background, whatever differs clearly from it is garment. Where the photo showed the body, it stays body
    unless it now looks like the background right beside it (a wide sleeve that is gone). The new outline is made soft along the
    edges of the dressed picture.

    Args:
        dressing: before and after.
        seen: matte that a backend sees in the dressed picture; decides where a sleeve is gone.

    Returns:
        (h, w) uint8; equal to the old matte away from the changed area.
    """
    window = dressing.window()
    if window is None:
        return dressing.alpha.copy()
    part = dressing.cut(window)
    revealed = revealed_background(part, dressing.unit)
    if seen is not None:
        revealed = revealed & (seen[window] < BODY)
    body = _outline(part, revealed, dressing.unit)
    soft = _soften(part.dressed, body, dressing.unit)
    near = dilate(part.changed, 2 * dressing.unit)
    ramp = cv2.GaussianBlur(near.astype(np.float32), (0, 0), max(dressing.unit, 0.6))
    mixed = part.alpha + (soft - part.alpha) * ramp
    alpha = dressing.alpha.copy()
    alpha[window] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    return alpha


def revealed_background(part: Dressing, unit: float) -> Mask:
    """(h, w) bool: former body that now looks like the background beside it and is connected with it."""
    inside = part.alpha >= BODY
    if not (part.changed & inside).any():
        return np.zeros(inside.shape, np.bool_)
    behind, calm = _background_behind(part)
    distance = cv2.GaussianBlur(part.dressed.astype(np.float32) - behind, (0, 0), max(unit, 0.5))
    alike = np.abs(distance).max(2) < REVEALED_LEVELS
    depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3)
    candidate = part.changed & inside & alike & calm & (depth < REVEALED_DEPTH * 1024 * unit)
    candidate = open_(candidate, 1.5 * unit)
    return _touching(candidate, dilate(part.alpha < BODY, 2 * unit), LEAST_REVEALED * (1024 * unit) ** 2)


def _background_behind(part: Dressing) -> tuple[NDArray[np.float32], Mask]:
    """Colours of the background, continued behind the body from its nearest pixels, and where they are calm enough to trust."""
    clear = part.alpha <= CLEAR
    known = part.photo.astype(np.float32)
    height, width = clear.shape
    quarter = (max(width // 4, 1), max(height // 4, 1))
    weight = cv2.resize(clear.astype(np.float32), quarter, interpolation=cv2.INTER_AREA)
    total = cv2.resize(known * clear[..., None], quarter, interpolation=cv2.INTER_AREA)
    square = cv2.resize((known * known).mean(2) * clear, quarter, interpolation=cv2.INTER_AREA)
    filled, spread = np.zeros((*weight.shape, 3), np.float32), np.full(weight.shape, 255, np.float32)
    for sigma in (40, 16, 6, 2):  # wide first, then ever nearer where there is something near
        mass = cv2.GaussianBlur(weight, (0, 0), sigma)
        mean = cv2.GaussianBlur(total, (0, 0), sigma) / np.maximum(mass, 1e-6)[..., None]
        power = cv2.GaussianBlur(square, (0, 0), sigma) / np.maximum(mass, 1e-6)
        enough = mass > 0.02
        filled[enough] = mean[enough]
        spread[enough] = np.sqrt(np.maximum(power - (mean.mean(2)) ** 2, 0))[enough]
    behind = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR)
    calm = cv2.resize(spread, (width, height), interpolation=cv2.INTER_LINEAR) < CALM_LEVELS
    behind[clear] = known[clear]
    return behind, calm


def _touching(mask: Mask, other: Mask, least_px: float) -> Mask:
    """The connected parts of at least `least_px` that touch another mask."""
    numbers, areas = components(mask)
    keep = np.zeros(len(areas), np.bool_)
    keep[np.unique(numbers[other])] = True
    keep &= areas >= least_px
    keep[0] = False
    touching: Mask = keep[numbers]
    return touching


def _outline(part: Dressing, revealed: Mask, unit: float) -> Mask:
    """The new body: old body, less what is revealed, and garment painted over background."""
    difference = cv2.absdiff(part.dressed, part.photo).max(2).astype(np.float32)
    difference = cv2.GaussianBlur(difference, (0, 0), max(0.6 * unit, 0.4))
    painted = part.changed & (difference > PAINTED_LEVELS)
    inside = part.alpha >= BODY
    body = (inside & ~revealed) | (painted & ~inside)
    hole = 3e-5 * (1024 * unit) ** 2
    attached = _touching(body, inside & ~revealed, hole)
    return fill_holes(attached, hole) | (inside & ~part.changed)


def _soften(dressed: RGB, body: Mask, unit: float) -> NDArray[np.float32]:
    """(h, w) float32 0..255: alpha that follows the picture's edges within a few pixels of the outline."""
    radius = max(2, round(4 * unit))
    filtered = guided_filter(dressed, body.astype(np.float32), radius, GUIDE_EPS)
    soft = np.clip((filtered - 0.1) / 0.8, 0, 1)
    band = dilate(body, 3 * unit) & dilate(~body, 3 * unit)
    softened: NDArray[np.float32] = np.where(band, soft, body).astype(np.float32) * 255
    return softened


def dressed_cutout(dressing: Dressing, cutout: NDArray[np.uint8], alpha: Alpha) -> NDArray[np.uint8]:
    """The dressed person without background.

    Args:
        dressing: before and after.
        cutout: (h, w, 4) uint8 RGBA before: its edge colours are kept away from the changed area.
        alpha: (h, w) uint8 from `dressed_alpha`.

    Returns:
        (h, w, 4) uint8 RGBA, straight alpha, edge colours free of the old background.
    """
    result = cutout.copy()
    result[..., 3] = alpha
    window = dressing.window()
    if window is None:
        return result
    part, inside = dressing.cut(window), alpha[window]
    colours = estimate_foreground(np.ascontiguousarray(part.dressed), np.ascontiguousarray(inside), WORK_SIDE_PX)
    renewed = dilate(part.changed, 3 * dressing.unit)
    near = cv2.dilate((inside > 0).astype(np.uint8), np.ones((2 * MARGIN_PX + 1,) * 2, np.uint8))
    result[window][..., :3] = np.where(renewed[..., None], colours * near[..., None], cutout[window][..., :3])
    return result
