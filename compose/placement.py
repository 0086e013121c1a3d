"""Where a person stands in a background, how tall, and the affine transform from photo pixels to there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compose.body import CutoutBody
from compose.scenery.free_space import FreeSpace
from compose.scenery.horizon import Ground

FULL_HEIGHT = 0.82
"""A full-body person fills about four fifths of the picture, as in fashion photographs."""
FULL_FOOT = 0.962
CUT_HEIGHTS = ((0.2, 0.35, 0.5, 0.75), (0.68, 0.74, 0.82, 0.90))
"""Shown share of the stature → share of the picture's height: the less of a body is shown, the more headroom a picture has."""
LOWEST_CAMERA = 0.29
"""The ground line crosses a standing person no lower than this share of the height: below, the camera would lie on the ground."""
LEAST_FULL = 0.66
WIDEST = 0.94
MOST_ENLARGED = 1.2
LEAST_OF_TARGET = 0.86
"""A person may shrink to this share of the pleasing height to avoid enlarging the photo."""
HEADROOM = 0.05
TUCK = 0.004
"""Share of the picture's height by which cut edges lie outside it, so that the matte's soft last rows leave no gap."""
SPANS_AT_MOST = 1.7


@dataclass(frozen=True, slots=True)
class Placement:
    """One person at one spot of a background, background pixels.

    Args:
        x: where the body's anchor (between the feet, or its axis) stands.
        y: where its lowest visible row ends.
        height: height of the visible body.
        flip: mirrored.
        z: painter's order, larger = in front; equal ones are painted from the highest foot point to the lowest.
    """

    x: float
    y: float
    height: float
    flip: bool = False
    z: int = 0

    def scale(self, body: CutoutBody) -> float:
        """Background pixels per photo pixel."""
        return self.height / body.height

    def matrix(self, body: CutoutBody) -> NDArray[np.float64]:
        """(2, 3) affine from photo to background coordinates, pixel centres at integers."""
        scale = self.scale(body)
        sideways = -scale if self.flip else scale
        lowest = body.bottom - 0.5  # edge between pixels, in pixel-centre coordinates
        return np.array([[sideways, 0, self.x - sideways * body.anchor_x], [0, scale, self.y - 0.5 - scale * lowest]], np.float64)


def place(
    body: CutoutBody, size: tuple[int, int], ground: Ground, free_space: FreeSpace, least: float = LEAST_OF_TARGET
) -> Placement:
    """A believable place, found automatically.

    A full body stands on the ground, near the middle, where the picture shows little detail. A body that the photo cuts keeps
    touching the edge that cuts it, so that it does not float.

    Args:
        body: the person.
        size: (height, width) of the background.
        ground: its ground line.
        free_space: where it shows little detail.
        least: share of the pleasing height to which the person may shrink to avoid enlarging the photo.
    """
    if body.cuts.left is not None or body.cuts.right is not None:
        return _beside_the_edge(body, size, least)
    height, foot = _upright(body, size, ground, least)
    scale = height / body.height
    x = free_space.least_busy(reach_of(body, scale), foot / size[0], height / size[0]) * size[1]
    return Placement(float(np.clip(x, *inside(body, scale, size[1]))), foot, height)


def anchored(wanted: Placement, body: CutoutBody, size: tuple[int, int]) -> Placement:
    """A body whose legs the photo cuts ends at the picture's bottom edge, or below it, wherever it was asked to stand."""
    if not body.cuts.bottom:
        return wanted
    return replace(wanted, y=max(wanted.y, size[0] * (1 + TUCK)))


def _upright(body: CutoutBody, size: tuple[int, int], ground: Ground, most_shrunk: float) -> tuple[float, float]:
    """Height of the visible body and the row of its lowest point; they do not depend on the place across."""
    tall = size[0]
    foot = tall * (1 + TUCK) if body.cuts.bottom else _standing_row(ground) * tall
    if body.cuts.top:
        return foot + TUCK * tall, foot
    target = _pleasing(body, ground) * tall
    target = min(target, WIDEST * size[1] / body.width * body.height)
    natural = MOST_ENLARGED * body.height
    return max(min(target, natural), most_shrunk * target), foot


def _standing_row(ground: Ground) -> float:
    """Low in the picture, and lower still where only a strip of ground is left."""
    return float(np.clip(0.5 + 0.5 * (ground.line + 0.25), FULL_FOOT, 0.974))


def _pleasing(body: CutoutBody, ground: Ground) -> float:
    if body.cuts.bottom:
        return float(np.interp(body.shown, *CUT_HEIGHTS))
    highest = (_standing_row(ground) - ground.line) / LOWEST_CAMERA
    return min(FULL_HEIGHT, max(highest, LEAST_FULL)) if ground.confidence > 0.3 else FULL_HEIGHT


def reach_of(body: CutoutBody, scale: float) -> tuple[float, float]:
    """How far the body extends left and right of its anchor, background pixels."""
    return (body.anchor_x - body.left) * scale, (body.right - body.anchor_x) * scale


def inside(body: CutoutBody, scale: float, wide: int) -> tuple[float, float]:
    """Range of the anchor that keeps the whole body in the picture; its middle when the body is wider."""
    left, right = reach_of(body, scale)
    low, high = left, wide - right
    return (low, high) if low <= high else ((low + high) / 2,) * 2


def _beside_the_edge(body: CutoutBody, size: tuple[int, int], most_shrunk: float) -> Placement:
    """A body cut at a side: the smallest pleasing size at which every cut that shows lies on the picture's own edge."""
    tall, wide = size
    least, foot = _upright(body, size, Ground(), most_shrunk)
    spans = wide * (1 + 2 * TUCK) / body.photo_size[1]
    for scale in np.geomspace(least / body.height, max(spans, least / body.height * SPANS_AT_MOST), 24):
        drop = max(foot, body.height * scale + HEADROOM * tall) if body.cuts.bottom else foot
        left, right = (_shows(cut, body, float(scale), drop, tall) for cut in (body.cuts.left, body.cuts.right))
        if not (left and right) or scale >= spans:
            return _against(body, float(scale), drop, wide, (left, right))
    return _against(body, spans, max(foot, body.height * spans + HEADROOM * tall), wide, (True, True))


def _shows(cut: float | None, body: CutoutBody, scale: float, foot: float, tall: int) -> bool:
    """Whether a side cut that starts at this photo row is above the picture's bottom edge."""
    return cut is not None and foot - (body.bottom - cut) * scale < tall


def _against(body: CutoutBody, scale: float, foot: float, wide: int, shows: tuple[bool, bool]) -> Placement:
    left, right = reach_of(body, scale)
    low, high = left - TUCK * wide, wide - right + TUCK * wide
    x = (low + high) / 2 if shows[0] == shows[1] else (low if shows[0] else high)
    return Placement(x, foot, body.height * scale)
