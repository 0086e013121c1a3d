"""What a background's parts are to somebody who would stand there: sky, water, wall or ground.

Read by evidence at a small size, and in doubt for ground: that somebody cannot stand in a room or a street is the worse mistake,
and `ground` in the placement file decides where an eye is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.scenery.horizon import Ground
from compose.scenery.inland import inland_water
from compose.scenery.sky import is_only_sky, is_sky
from compose.scenery.water import water_below, water_line
from pipeline.core.arrays import Lab

LINE_SEEN = 0.3
"""Confidence of a ground line from which everything above it is no ground."""
FOOT_SHARE = 0.9
"""Share of the place under the feet that is ground where somebody can stand."""
ONE_COLOUR = 10.0
"""Lab units within which the upper, middle and lower third of a mere wall agree."""


class Surface(IntEnum):
    """The kinds; `FLOOR` is whatever can be walked on: a room's floor, a street, a beach, a lawn, a pier, paper."""

    SKY = 1
    WATER = 2
    WALL = 3
    FLOOR = 4


@dataclass(frozen=True)
class Surfaces:
    """The kinds of a background's parts.

    Args:
        kinds: (rows, columns) uint8 of `Surface`, at a small size.
        horizon: where sky meets water, share of the picture's height; None where that is not seen.
    """

    kinds: NDArray[np.uint8]
    horizon: float | None = None

    def under(self, left: float, right: float, row: float) -> Surface:
        """What somebody stands on whose feet take the columns from left to right; all shares of the picture's width and height.

        Returns:
            `FLOOR` where enough of it is; else what most of the rest is. Below the picture counts as its last row.
        """
        rows, columns = self.kinds.shape
        last = int(np.clip(row * rows, 0, rows - 1))
        first, stop = np.clip([left * columns, right * columns], 0, columns - 1).astype(int)
        patch = self.kinds[max(last - 1, 0) : last + 1, first : stop + 1]
        counts = np.bincount(patch.ravel(), minlength=len(Surface) + 1)
        if counts[Surface.FLOOR] >= FOOT_SHARE * patch.size:
            return Surface.FLOOR
        counts[Surface.FLOOR] = 0
        return Surface(int(np.argmax(counts)))


def everywhere(kind: Surface) -> Surfaces:
    """A background that is all of one kind."""
    return Surfaces(np.full((8, 8), kind, np.uint8))


def surfaces_in(lab: Lab, ground: Ground, *, line_given: bool = False) -> Surfaces:
    """Tell sky, water, wall and ground apart.

    Args:
        lab: the background at the working size of `small_lab`.
        ground: its ground line.
        line_given: the user said where the line is, so there is ground below it.
    """
    horizon = water_line(lab)
    kinds = np.full(lab.shape[:2], Surface.FLOOR, np.uint8)
    if horizon is not None:
        kinds[:horizon] = Surface.SKY
        kinds[horizon:][water_below(lab, horizon)] = Surface.WATER
        return Surfaces(kinds, horizon / lab.shape[0])
    if not line_given and _is_only_wall(lab):
        kinds[:] = Surface.WALL
    elif ground.confidence > LINE_SEEN:
        line = round(ground.line * lab.shape[0])
        kinds[:line] = Surface.SKY if is_sky(lab[:line]) else Surface.WALL
    elif is_only_sky(lab):
        kinds[:] = Surface.SKY
    inland = None if line_given else inland_water(lab)
    if inland is None:
        return Surfaces(kinds)
    if inland.shore is not None:
        kinds[: inland.shore], kinds[inland.shore :] = Surface.WALL, Surface.FLOOR
    kinds[inland.wet] = Surface.WATER
    return Surfaces(kinds, None if inland.shore is None else inland.shore / lab.shape[0])


def _is_only_wall(lab: Lab) -> bool:
    """One strong texture all over, as coarse at the bottom as at the top: an upright plane, seen straight on."""
    light = lab[..., 0]
    rough = light - cv2.GaussianBlur(light, (0, 0), 8)
    fields = [part for third in np.array_split(rough, 3) for part in np.array_split(third, 4, axis=1)]
    strength = [float(part.std()) for part in fields]
    coarse = [float(part.std() / (np.abs(np.diff(part, axis=0)).mean() + 1e-3)) for part in np.array_split(rough, 3)]
    colours = [np.median(third.reshape(-1, 3), 0) for third in np.array_split(lab, 3)]
    alike = max(float(np.linalg.norm(one - other)) for one in colours for other in colours) < ONE_COLOUR
    return alike and min(strength) > 4 and max(strength) < 1.6 * min(strength) and max(coarse) < 1.3 * min(coarse)
