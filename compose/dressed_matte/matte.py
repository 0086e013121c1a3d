"""The dressed person's matte: the old one where nothing changed, a new one where the garment made the body wider or narrower."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.dressed_matte.before_after import BODY, Alpha, BeforeAfter
from compose.dressed_matte.difference import distance
from compose.dressed_matte.edge import soften
from compose.dressed_matte.narrowing import Behind, Narrowing, background_behind
from compose.dressed_matte.slivers import without_slivers
from pipeline.core.masks import Mask, close, components, dilate, fill_holes
from pipeline.core.pixels.foreground import MARGIN_PX, estimate_foreground

PAINTED_LEVELS = 24.0
"""Difference from the known background: below, the background was only re-encoded; above, it is cloth."""
FAINT_LEVELS = 6.0
BRIDGE = 8.0
"""White stripes on a white wall differ only faintly: they count between clearly painted ones, across gaps of twice this width."""
CRUMB = 0.02
"""Pieces smaller than this share of the largest are left-overs of the old outline, if they were repainted."""
WORTH_ASKING = 4e-3
"""Share of the photo that only a backend can decide; below it, the colours decide alone."""
HOLE = 3e-5
"""Holes up to this share of the photo are closed."""
LEAST_HOLE = 3e-4
"""Share of the photo from which holes are worth asking a backend about."""
REPAINTED = 0.5
"""A hole counts as repainted if this share of it was; the gap between arm and waist is not."""
SOLVE_SIDE_PX = 480
"""Long side at which colours at the new edge are solved; they are fused at the photo's own resolution."""


Ask = Callable[[], Alpha | None]
"""Asks a backend for its matte of the whole dressed picture, (h, w) uint8; None when it finds no person."""


def dressed_alpha(photos: BeforeAfter, ask: Ask | None = None) -> Alpha:
    """Matte of the dressed person.

    Where the photo showed background, whatever differs clearly from it is garment. Where the photo showed the body, it stays body
    unless it now looks like the background right beside it (a wide sleeve that is gone). The new outline is made soft along the
    edges of the dressed picture.

    Args:
        photos: before and after.
        ask: called only where colours do not show whether a sleeve is gone, because it takes time.

    Returns:
        (h, w) uint8; equal to the old matte away from the changed area.
    """
    window = photos.window()
    if window is None:
        return photos.alpha.copy()
    part = photos.cut(window)
    work = part.for_work()
    size = part.alpha.shape[::-1]

    @cache
    def look() -> Alpha | None:
        matte = ask() if ask else None
        return None if matte is None else cv2.resize(matte[window], work.alpha.shape[::-1], interpolation=cv2.INTER_AREA)

    behind = background_behind(work)
    outline = _outline(work, _revealed(work, behind, look), look)
    soft = soften(work, without_slivers(work, outline, behind))
    near = dilate(work.changed, 2 * work.unit).astype(np.float32)
    ramp = cv2.GaussianBlur(near, (0, 0), max(work.unit, 0.6))
    if work is not part:
        soft, ramp = (cv2.resize(each, size, interpolation=cv2.INTER_LINEAR) for each in (soft, ramp))
    alpha = photos.alpha.copy()
    alpha[window] = np.clip(part.alpha + (soft - part.alpha) * ramp + 0.5, 0, 255).astype(np.uint8)
    return alpha


def _revealed(part: BeforeAfter, behind: Behind, look: Ask) -> Mask:
    """Former body that shows background now."""
    narrowing = Narrowing(part, behind)
    worth_asking = np.count_nonzero(narrowing.possible) > WORTH_ASKING * (1024 * part.unit) ** 2
    return narrowing.revealed(look() if worth_asking else None)


def _outline(part: BeforeAfter, revealed: Mask, look: Ask) -> Mask:
    """The new body: old body, less what is revealed, and garment painted over background."""
    unit = part.unit
    difference = distance(part.dressed, part.photo)
    difference = cv2.GaussianBlur(difference, (0, 0), max(0.6 * unit, 0.4))
    painted = part.changed & (difference > PAINTED_LEVELS)
    inside = part.alpha >= BODY
    faint = part.changed & (difference > FAINT_LEVELS) & close(painted | inside, BRIDGE * unit)
    body = (inside & ~revealed) | ((painted | faint) & ~inside)
    whole = _without_holes(body, part, look)
    return _without_crumbs(whole, ~part.changed) | (inside & ~dilate(part.changed, 2 * unit))


def _without_holes(body: Mask, part: BeforeAfter, look: Ask) -> Mask:
    """Small holes filled; larger ones in what was repainted only if a backend sees the person there, such as white on white."""
    pixel = (1024 * part.unit) ** 2
    whole = fill_holes(body, HOLE * pixel)
    numbers, areas = components(fill_holes(whole) & ~whole)
    if areas[1:].sum() < LEAST_HOLE * pixel:
        return whole
    repainted = np.bincount(numbers[part.changed], minlength=len(areas)) > REPAINTED * areas
    repainted[0] = False
    matte = look() if repainted.any() else None
    if matte is None:
        return whole
    solid = np.bincount(numbers.ravel(), matte.ravel(), len(areas)) > BODY * areas
    filled: Mask = whole | (solid & repainted)[numbers]
    return filled


def _without_crumbs(body: Mask, unchanged: Mask) -> Mask:
    """Only the large pieces and those that are mostly old body, such as a hand that the window cuts off."""
    numbers, areas = components(body)
    if len(areas) < 2:
        return body
    old = np.bincount(numbers[unchanged], minlength=len(areas))
    keep = (areas >= CRUMB * areas[1:].max()) | (old > areas / 2)
    keep[0] = False
    kept: Mask = keep[numbers]
    return kept


def dressed_cutout(photos: BeforeAfter, cutout: NDArray[np.uint8], alpha: Alpha) -> NDArray[np.uint8]:
    """The dressed person without background.

    Args:
        photos: before and after.
        cutout: (h, w, 4) uint8 RGBA before: its edge colours are kept away from the changed area.
        alpha: (h, w) uint8 from `dressed_alpha`.

    Returns:
        (h, w, 4) uint8 RGBA, straight alpha, edge colours free of the old background.
    """
    result = cutout.copy()
    result[..., 3] = alpha
    window = photos.window()
    if window is None:
        return result
    part, inside = photos.cut(window), alpha[window]
    colours = estimate_foreground(np.ascontiguousarray(part.dressed), np.ascontiguousarray(inside), SOLVE_SIDE_PX)
    side = 2 * round(3 * photos.unit) + 1
    renewed = cv2.dilate(part.changed.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    near = cv2.dilate((inside > 0).astype(np.uint8), np.ones((2 * MARGIN_PX + 1,) * 2, np.uint8))
    result[window][..., :3] = np.where(renewed[..., None], colours * near[..., None], cutout[window][..., :3])
    return result
