"""Water in a breeze before hills, woods or houses: bluer than all that is dry, darker near by, and drawn out sideways."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compose.scenery.horizon import CLEAR_STEP, colour_steps
from compose.scenery.sky import open_air
from compose.scenery.water import has_rails, is_cool, water_below
from compose.scenery.waves import is_drawn_out
from pipeline.core.arrays import Lab

HIGHEST, LOWEST = 0.22, 0.72
"""Between these shares of the height a far shore is looked for."""
LEAST_ROWS = 0.12
"""Share of the picture's height that such water takes at least."""
COOL_FAR, COOL_ALL = 0.6, 0.75
"""Share of the width below the shore, and of all down to the near one, that has a colour of water."""
CHROMA, BLUE = 9.0, -7.0
"""Lab chroma and b* of open water; asphalt, shade and slate are greyer."""
LIGHTEST = 66.0
"""Lightness that only snow and shallows go beyond."""
BLUER, DARKER_THAN_SKY, DARKER_NEAR = 7.0, 10.0, 4.0
"""Lab units: than what stands on the shore, than the brightest fifth above it, and near by than far
away; a painted court is one colour."""
HAZE, LAND = -14.0, 12.0
"""Lab b* of the bluest far hills, and by how much what stands on the shore differs from the sky."""


def rippled_shore(lab: Lab) -> int | None:
    """The far shore's row of water that the wind ruffles; None where the evidence is thin."""
    if not open_air(lab):
        return None
    rows, steps = len(lab), colour_steps(lab)
    for row in range(round(HIGHEST * rows), round(LOWEST * rows)):
        near = steps[max(row - 4, 0) : row + 5]
        if steps[row] >= CLEAR_STEP and steps[row] == near.max() and _is_shore(lab, row):
            return row
    return None


def rippled(lab: Lab, shore: int) -> NDArray[np.bool_]:
    """(rows, columns) bool: water below its far shore."""
    wet = np.zeros(lab.shape[:2], bool)
    wet[shore:] = water_below(lab, shore)
    return wet


def _is_shore(lab: Lab, row: int) -> bool:
    rows = len(lab)
    if is_cool(lab[row + 2 : row + 2 + rows // 20]).mean() < COOL_FAR:
        return False
    below = lab[row + 3 :]
    dry = np.flatnonzero(is_cool(below).mean(1) < 0.4)
    wet = below[: int(dry[0]) if dry.size else None]
    if len(wet) < LEAST_ROWS * rows or is_cool(wet).mean() < COOL_ALL:
        return False
    return _is_blue(lab, wet, row) and is_drawn_out(wet) and not has_rails(lab, row)


def _is_blue(lab: Lab, wet: Lab, row: int) -> bool:
    """Against the rest: the shore above it and the sky."""
    light, red, blue = np.median(wet.reshape(-1, 3), 0)
    bank = np.median(lab[max(row - 9, 0) : row - 1].reshape(-1, 3), 0)
    sky, bright = np.median(lab[: len(lab) // 10].reshape(-1, 3), 0), float(np.percentile(lab[:row, :, 0], 80))
    far, near = np.median(wet[: len(wet) // 4, :, 0]), np.median(wet[-len(wet) // 4 :, :, 0])
    land = bank[2] > HAZE and np.linalg.norm(bank - sky) > LAND
    coloured = np.hypot(red, blue) > CHROMA and blue < BLUE and bank[2] - blue > BLUER
    return bool(land and coloured and light < min(bright - DARKER_THAN_SKY, LIGHTEST) and far - near > DARKER_NEAR)
