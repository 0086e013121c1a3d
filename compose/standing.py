"""Who finds ground to stand on, and how somebody is framed who finds none: cut by the picture's edge, as a photographer would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from compose.body import CutoutBody, Cuts
from compose.placement import HEADROOM, MOST_ENLARGED, TUCK, Placement, inside, place, reach_of
from compose.scenery.free_space import FARTHEST, FreeSpace
from compose.scenery.horizon import Ground
from compose.scenery.surfaces import Surface, Surfaces

ROWS_TRIED = (0.0, -0.012, 0.02, 0.04, 0.06, 0.09)
"""Nearer to the viewer or farther away than the usual foot row, shares of the picture's height."""
FARTHER = 0.3
"""From the middle, share of the width, where the ground near the middle does not bear."""
SHINS = 0.8
"""Share of the upright height down to below the knees."""
ROOM_BESIDE = 0.1
"""Ground on either side of the feet, share of the body's height: nobody balances on a boulder out at sea."""
LOWEST_CUT = 0.9
"""Somebody without a head is cut between mid-thigh and this share of the body."""
LEAST_SOLE = 0.05
"""Half of what somebody stands on whose feet are not seen, share of the body's height."""
FRAMED_LEAST = 0.75
"""A framed person may shrink to this share of the pleasing height to avoid enlarging the photo."""


@dataclass(frozen=True)
class Stage:
    """What a background offers to people.

    Args:
        size: (height, width), pixels.
        ground: its ground line.
        free_space: where it shows little detail.
        surfaces: what can be stood on.
        told: the placement file says what that is.
    """

    size: tuple[int, int]
    ground: Ground
    free_space: FreeSpace
    surfaces: Surfaces
    told: bool = False

    def below(self, body: CutoutBody, placement: Placement) -> Surface:
        """What is under the feet of somebody placed."""
        return self._under(body, placement, 0.0)

    def bears(self, body: CutoutBody, placement: Placement) -> bool:
        """Whether there is ground under the feet and beside them."""
        return self._under(body, placement, ROOM_BESIDE * placement.height) is Surface.FLOOR

    def _under(self, body: CutoutBody, placement: Placement, beside: float) -> Surface:
        tall, wide = self.size
        left, right = (side + beside for side in _soles(body, placement.scale(body), placement.flip))
        return self.surfaces.under((placement.x - left) / wide, (placement.x + right) / wide, placement.y / tall)


def shows_feet(body: CutoutBody) -> bool:
    """Whether the photo shows somebody down to the ground."""
    return not body.cuts.bottom


def shows_shins(body: CutoutBody) -> bool:
    """Whether a photo that cuts the feet off still shows so much of the legs that they would hang over water."""
    return body.cuts.bottom and body.height > SHINS * body.upright


def standing_place(body: CutoutBody, stage: Stage) -> Placement | None:
    """Where a body that shows its feet stands, near the middle and low; None where there is no ground for it."""
    usual = place(body, stage.size, stage.ground, stage.free_space)
    if stage.bears(body, usual):
        return usual
    if body.cuts.left is not None or body.cuts.right is not None:
        return None
    for farthest in (FARTHEST, FARTHER):
        for drop in ROWS_TRIED:
            found = _on_row(usual, body, stage, usual.y / stage.size[0] - drop, farthest)
            if found is not None:
                return found
    return None


def _on_row(usual: Placement, body: CutoutBody, stage: Stage, foot: float, farthest: float) -> Placement | None:
    tall, wide = stage.size
    height = min(usual.height, (foot - HEADROOM) * tall)
    scale = height / body.height

    def can_stand(x: float) -> bool:
        return stage.bears(body, Placement(x * wide, foot * tall, height))

    x = stage.free_space.least_busy_where(
        reach_of(body, scale), foot, height / tall, can_stand=_kept_inside(can_stand, body, scale, wide), farthest=farthest
    )
    return None if x is None else Placement(x * wide, foot * tall, height)


def _kept_inside(can_stand: Callable[[float], bool], body: CutoutBody, scale: float, wide: int) -> Callable[[float], bool]:
    low, high = inside(body, scale, wide)
    return lambda x: low - 1 <= x * wide <= high + 1 and can_stand(x)


def _soles(body: CutoutBody, scale: float, flip: bool) -> tuple[float, float]:
    """How far what somebody stands on reaches left and right of the anchor, background pixels."""
    if not body.feet:
        return (LEAST_SOLE * body.height * scale,) * 2
    left = body.anchor_x - min(foot.x - foot.half_width for foot in body.feet)
    right = max(foot.x + foot.half_width for foot in body.feet) - body.anchor_x
    return (right * scale, left * scale) if flip else (left * scale, right * scale)


def framed_place(body: CutoutBody, stage: Stage) -> Placement:
    """A body that shows its feet, larger, cut at mid-thigh by the picture's lower edge, as far as the photo's pixels allow."""
    row = body.thigh
    if body.cuts.top:
        row = float(np.clip(body.top + stage.size[0] / MOST_ENLARGED, row, body.top + LOWEST_CUT * body.height))
    seen = cut_at(body, row)
    found = place(seen, stage.size, stage.ground, stage.free_space, FRAMED_LEAST)
    return lowered(found, seen, body)


def framed_as_tall(body: CutoutBody, x: float, height: float, tall: int) -> Placement:
    """A body of a given height, cut by the lower edge of a picture `tall` rows high at mid-thigh."""
    return Placement(x, tall * (1 + TUCK) + (body.bottom - body.thigh) * height / body.height, height)


def cut_at(body: CutoutBody, row: float) -> CutoutBody:
    """The body as a photo would show it that ends at a row."""
    left, right = (None if side is None or side >= row else side for side in (body.cuts.left, body.cuts.right))
    return replace(body, bottom=row, cuts=Cuts(body.cuts.top, True, left, right), feet=())


def lowered(placement: Placement, seen: CutoutBody, whole: CutoutBody) -> Placement:
    """The placement of the whole body that shows what `seen` shows at its placement."""
    scale = placement.scale(seen)
    shift = (whole.anchor_x - seen.anchor_x) * scale
    below = (whole.bottom - seen.bottom) * scale
    return replace(placement, x=placement.x + shift, y=placement.y + below, height=whole.height * scale)
