"""The dressed person's matte: the old one where nothing changed, a new one where the garment made the body wider or narrower."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.difference import distance
from pipeline.core.foreground import MARGIN_PX, estimate_foreground
from pipeline.core.masks import Mask, box_of, close, components, dilate, erode, fill_holes, guided_filter, open_

RGB = NDArray[np.uint8]
Alpha = NDArray[np.uint8]

CLEAR = 8
"""Alpha up to which a pixel shows pure background."""
BODY = 128
PAINTED_LEVELS = 24.0
"""Difference from the known background: below, the background was only re-encoded; above, it is cloth."""
FAINT_LEVELS = 6.0
BRIDGE = 8.0
"""White stripes on a white wall differ only faintly: they count between clearly painted ones, across gaps of twice this width."""
REVEALED_LEVELS = 14.0
"""A former body pixel this near to the colour of the background behind it shows background now..."""
BUSY_REVEALED_LEVELS = 9.0
"""...or this near where the background around is busy, so that its colour behind the body is a guess..."""
ASKING_LEVELS = 55.0
"""...or this near, if a backend says so too..."""
REVEALED_DEPTH = 0.09
"""...if it lies no deeper inside the old outline than this share of the photo's longer side..."""
NEARER_LEVELS = 8.0
"""...and has come nearer to the background's colour than it was by this much."""
CALM_LEVELS = 14.0
THINNEST = 4.0
"""Half width, in pixels of a photo 1024 px long; narrower stripes of background colour are a pattern of the garment."""
RIM = 7.0
LEAST_RIM = 150.0
"""Along the old outline narrower strips count, up to this depth, if they are larger than the end of a stripe."""
CRUMB = 0.02
"""Pieces smaller than this share of the largest are left-overs of the old outline, if they were repainted."""
LEAST_REVEALED = 1.5e-4
"""Share of the photo; smaller revealed areas are colour accidents inside the garment."""
WORTH_ASKING = 4e-3
"""Share of the photo that only a backend can tell; below, the colours decide alone."""
HOLE = 3e-5
"""Holes up to this share of the photo are closed."""
PLAIN_CONTRAST = 30.0
"""Colour distance between person and background from which a pixel's share of each can be told."""
GUIDE_EPS = 64.0
WORK_SIDE_PX = 480
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
        seen: matte that a backend sees in the dressed picture; helps to decide where a sleeve is gone.

    Returns:
        (h, w) uint8; equal to the old matte away from the changed area.
    """
    window = dressing.window()
    if window is None:
        return dressing.alpha.copy()
    part = dressing.cut(window)
    narrower = Narrowing(part, dressing.unit)
    body = _outline(part, narrower.revealed(None if seen is None else seen[window]), dressing.unit)
    soft = _soften(part, body, dressing.unit)
    near = dilate(part.changed, 2 * dressing.unit)
    ramp = cv2.GaussianBlur(near.astype(np.float32), (0, 0), max(dressing.unit, 0.6))
    mixed = part.alpha + (soft - part.alpha) * ramp
    alpha = dressing.alpha.copy()
    alpha[window] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    return alpha


def worth_asking(dressing: Dressing) -> bool:
    """Whether so much former body may have become background that a backend's matte is worth its time."""
    window = dressing.window()
    if window is None:
        return False
    possible = Narrowing(dressing.cut(window), dressing.unit).possible()
    return bool(np.count_nonzero(possible) > WORTH_ASKING * dressing.alpha.size)


class Narrowing:
    """Former body that may show background now.

    Args:
        part: the repainted window.
        unit: pixels that are one pixel in a photo 1024 px long.
    """

    def __init__(self, part: Dressing, unit: float) -> None:
        self._part = part
        self._unit = unit
        self._inside = part.alpha >= BODY
        behind, self._calm = background_behind(part)
        sigma = max(unit, 0.5)
        ground = cv2.GaussianBlur(behind, (0, 0), sigma)
        self._distance, before = (
            distance(cv2.GaussianBlur(each.astype(np.float32), (0, 0), sigma), ground) for each in (part.dressed, part.photo)
        )
        self._depth = cv2.distanceTransform(self._inside.astype(np.uint8), cv2.DIST_L2, 3)
        nearer = self._distance + NEARER_LEVELS < before
        self._candidate = part.changed & self._inside & nearer & (self._depth < REVEALED_DEPTH * 1024 * unit)

    def possible(self) -> Mask:
        """(h, w) bool: what a backend should judge, beyond what colours tell."""
        return self._connected(self._candidate & (self._distance < ASKING_LEVELS)) & ~self.revealed()

    def revealed(self, seen: Alpha | None = None) -> Mask:
        """(h, w) bool: what shows background now; with a backend's matte of the dressed picture, what that says too."""
        alike = self._distance < np.where(self._calm, REVEALED_LEVELS, BUSY_REVEALED_LEVELS)
        if seen is not None:
            alike = (alike | (self._distance < ASKING_LEVELS)) & (seen < BODY)
        return self._connected(self._candidate & alike)

    def _connected(self, mask: Mask) -> Mask:
        """Parts of some size that are connected with the background."""
        outside = dilate(self._part.alpha < BODY, 2 * self._unit)
        broad = open_(close(mask, self._unit), THINNEST * self._unit)
        parts = _touching(broad, outside, LEAST_REVEALED * (1024 * self._unit) ** 2) & self._candidate
        rim = _touching(mask & (self._depth < RIM * self._unit), outside, LEAST_RIM * self._unit**2)
        revealed: Mask = parts | rim
        return revealed


def background_behind(part: Dressing) -> tuple[NDArray[np.float32], Mask]:
    """(h, w, 3) float32: the background continued behind the body, and (h, w) bool: where it is calm enough to trust that."""
    clear = part.alpha <= CLEAR
    height, width = clear.shape
    factor = min(1.0, WORK_SIDE_PX / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    share = cv2.resize(clear.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    known = cv2.resize(part.photo * clear[..., None].astype(np.float32), size, interpolation=cv2.INTER_AREA)
    continued = _continue(known, share)
    grey = continued.mean(2)
    spread = np.sqrt(np.maximum(cv2.blur(grey * grey, (15, 15)) - cv2.blur(grey, (15, 15)) ** 2, 0))
    behind = cv2.resize(continued, (width, height), interpolation=cv2.INTER_LINEAR)
    calm = cv2.resize(spread, (width, height), interpolation=cv2.INTER_LINEAR) < CALM_LEVELS
    return np.where(clear[..., None], part.photo, behind).astype(np.float32), calm


def _continue(known: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fill what is unknown from the nearest known colours: a pyramid of averages, read from coarse to fine (Gortler et al. 1996).

    Args:
        known: (h, w, 3) float32, colours multiplied by `share`.
        share: (h, w) float32 in [0, 1], 1 = known.
    """
    levels = [(known, share)]
    while min(levels[-1][1].shape) > 2:
        height, width = levels[-1][1].shape
        half = ((width + 1) // 2, (height + 1) // 2)
        colour, weight = (cv2.resize(each, half, interpolation=cv2.INTER_AREA) for each in levels[-1])
        fuller = np.minimum(1, 2 * weight) / np.maximum(weight, 1e-6)  # half known counts as known, else the far colours win
        levels.append((colour * fuller[..., None], weight * fuller))
    filled = levels[-1][0] / np.maximum(levels[-1][1], 1e-6)[..., None]
    for colour, weight in levels[-2::-1]:
        coarse = cv2.resize(filled, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        filled = colour + (1 - weight)[..., None] * coarse
    result: NDArray[np.float32] = filled
    return result


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
    difference = distance(part.dressed, part.photo)
    difference = cv2.GaussianBlur(difference, (0, 0), max(0.6 * unit, 0.4))
    painted = part.changed & (difference > PAINTED_LEVELS)
    inside = part.alpha >= BODY
    faint = part.changed & (difference > FAINT_LEVELS) & close(painted | inside, BRIDGE * unit)
    body = (inside & ~revealed) | ((painted | faint) & ~inside)
    whole = fill_holes(body, HOLE * (1024 * unit) ** 2)
    return _without_crumbs(whole, ~part.changed) | (inside & ~dilate(part.changed, 2 * unit))


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


def _soften(part: Dressing, body: Mask, unit: float) -> NDArray[np.float32]:
    """(h, w) float32 0..255: a soft edge within a few pixels of the outline.

    Where both sides have plain colours, alpha is the share of the person's colour that explains the pixel; elsewhere it follows
    the picture's edges (guided filter).
    """
    band = dilate(body, 3 * unit) & dilate(~body, 3 * unit)
    filtered = guided_filter(part.dressed, body.astype(np.float32), max(2, round(4 * unit)), GUIDE_EPS)
    followed = np.clip((filtered[band] - 0.1) / 0.8, 0, 1)
    share, trust = _colour_share(part, body, band, unit)
    soft = body.astype(np.float32)
    soft[band] = followed + (share - followed) * trust
    return soft * 255


def _colour_share(part: Dressing, body: Mask, band: Mask, unit: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Alpha from the compositing equation with the colours found on both sides, and how far to trust it; (n,) in [0, 1] each.

    The background is known exactly where the photo shows it; that makes it a difference matte (Smith & Blinn 1996).
    """
    reach = max(2.5 * unit, 2)
    fore, seen = _nearby(part.dressed, erode(body, reach), band, 4 * unit)
    back, _ = _nearby(part.dressed, ~dilate(body, reach), band, 4 * unit)
    back = np.where((part.alpha[band] <= CLEAR)[:, None], part.photo[band], back)
    across, offset = fore - back, part.dressed[band] - back
    contrast = np.maximum((across * across).sum(1), 1e-3)
    share = np.clip((offset * across).sum(1) / contrast, 0, 1)
    unexplained = ((offset - share[:, None] * across) ** 2).sum(1)
    trust = np.clip(contrast / PLAIN_CONTRAST**2 - 1, 0, 1) * np.clip(2 - unexplained / (0.04 * contrast), 0, 1) * (seen > 0.01)
    return share.astype(np.float32), trust.astype(np.float32)


def _nearby(picture: RGB, mask: Mask, band: Mask, sigma_px: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean colour (n, 3) of the masked pixels round each band pixel, and how many there are (n,); at half size, for speed."""
    height, width = mask.shape
    size = (max(width // 2, 1), max(height // 2, 1))
    weight = mask.astype(np.float32)
    both = np.dstack([picture * weight[..., None], weight])
    small = cv2.GaussianBlur(cv2.resize(both, size, interpolation=cv2.INTER_AREA), (0, 0), max(sigma_px / 2, 0.8))
    near = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)[band]
    return near[:, :3] / np.maximum(near[:, 3:], 1e-6), near[:, 3]


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
