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

from compose.horizon import CLEAR_STEP, Ground, colour_steps, small_lab

Lab = NDArray[np.float32]
HIGHEST, LOWEST = 0.12, 0.88
"""Between these shares of the height a horizon of water is looked for."""
BAND = 0.06
"""Height of the bands above and below a horizon that are compared, share of the picture's height."""
OPEN_SKY = 0.55
"""Share of the width over which sky begins right above water; hills, islands and ships cover the rest."""
LOW_HILL = 0.12
"""Hills that high, share of the picture's height, still leave the sky open."""
DARKER, DARKER_BELOW = 5.0, 10.0
"""Lab units by which water is darker than the sky right above it, and as a whole; snow and paper are as bright."""
COOL = -1.5
"""Lab b* below which a grey is a cool one: of water, shade or steel."""
SHARP = 0.42
"""Share of a horizon's step that lies within two rows of the working size; a paper sweep's turn is gradual."""
LINE_SEEN = 0.3
"""Confidence of a ground line from which everything above it is no ground."""
FOOT_SHARE = 0.9
"""Share of the place under the feet that is ground where somebody can stand."""


HARD_EDGE = 9.0
"""Lab units between neighbours of the working size that clouds hardly reach."""
ROOF_EDGE = 20.0
"""Lab units within two rows from sky to roof or to trees; clouds stay below."""
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


def read_surfaces(background: NDArray[np.uint8], ground: Ground, *, line_given: bool = False) -> Surfaces:
    """Tell sky, water, wall and ground apart.

    Args:
        background: (h, w, 3) RGB uint8.
        ground: its ground line.
        line_given: the user said where the line is, so there is ground below it.
    """
    return surfaces_in(small_lab(background), ground, line_given=line_given)


def surfaces_in(lab: Lab, ground: Ground, *, line_given: bool = False) -> Surfaces:
    """As `read_surfaces`, of a background at the working size of `small_lab`."""
    horizon = _water_line(lab)
    kinds = np.full(lab.shape[:2], Surface.FLOOR, np.uint8)
    if horizon is not None:
        kinds[:horizon] = Surface.SKY
        kinds[horizon:][_water(lab, horizon)] = Surface.WATER
        return Surfaces(kinds, horizon / lab.shape[0])
    if not line_given and _is_only_wall(lab):
        kinds[:] = Surface.WALL
    elif ground.confidence > LINE_SEEN:
        line = round(ground.line * lab.shape[0])
        kinds[:line] = Surface.SKY if _is_sky(lab[:line]) else Surface.WALL
    elif _is_only_sky(lab):
        kinds[:] = Surface.SKY
    return Surfaces(kinds)


def _water_line(lab: Lab) -> int | None:
    """The highest row at which sky meets water, by everything that is known of both."""
    rows = lab.shape[0]
    steps = colour_steps(lab)
    for row in range(int(HIGHEST * rows), int(LOWEST * rows)):
        near = steps[max(row - 4, 0) : row + 5]
        if steps[row] >= CLEAR_STEP and steps[row] == near.max() and _is_water_line(lab, row):
            return row
    return None


def _is_water_line(lab: Lab, row: int) -> bool:
    band = max(round(BAND * lab.shape[0]), 3)
    sky, water = lab[: row - 1], lab[row + 2 : row + 2 + band]
    if not _is_sky(sky) or not _is_sharp(lab, row):
        return False
    above = _sky_above(lab, row)
    cool = _cool(water).mean(0) > 0.5
    darker = np.median(above[:, 0]) - np.median(water[..., 0])
    wet = lab[row + 2 :][_cool(lab[row + 2 :])]
    darker_below = np.median(above[:, 0]) - np.median(wet[:, 0]) if wet.size else 0.0
    colourful = float(np.hypot(*np.median(wet[:, 1:], 0))) > 12 if wet.size else False
    open_sky = _open(lab, row)
    return bool(
        (cool & open_sky).mean() >= OPEN_SKY and darker > DARKER and (darker_below > DARKER_BELOW or (colourful and darker > 12))
    )


def _sky_above(lab: Lab, row: int) -> Lab:
    """(n, 3): the brighter half of the pixels right above a row, which is sky and not a hill."""
    band = lab[max(row - 2 - round(LOW_HILL * lab.shape[0]), 0) : row - 1].reshape(-1, 3)
    return band[band[:, 0] >= np.median(band[:, 0])]


def _open(lab: Lab, row: int) -> NDArray[np.bool_]:
    """(columns,) whether sky goes from the top down to a low hill at most: nothing dark, warm or hard-edged, as houses are."""
    stop = max(row - 2 - round(LOW_HILL * lab.shape[0]), 2)
    above = lab[:stop]
    bluest = np.argsort(above[..., 2], axis=1)[:, : above.shape[1] // 2 + 1]
    light, blue = (np.median(np.take_along_axis(above[..., at], bluest, 1), axis=1, keepdims=True) for at in (0, 2))
    house = (above[..., 0] < 0.72 * light) | ((above[..., 2] > blue + 12) & (above[..., 0] < light + 2))
    edges = np.zeros(above.shape[:2], bool)
    edges[:-1] |= np.abs(np.diff(above[..., 0], axis=0)) > HARD_EDGE
    edges[:, :-1] |= np.abs(np.diff(above[..., 0], axis=1)) > HARD_EDGE
    roof = np.linalg.norm(above[2:] - above[:-2], axis=2).max(0, initial=0) > ROOF_EDGE
    open_sky: NDArray[np.bool_] = (house.mean(0) < 0.1) & (edges.mean(0) < 0.04) & ~roof
    return open_sky


def _is_sharp(lab: Lab, row: int) -> bool:
    def step(reach: int) -> float:
        above, below = lab[max(row - reach, 0) : row].mean(0), lab[row : row + reach].mean(0)
        return float(np.median(np.linalg.norm(above - below, axis=1)))

    return step(2) >= SHARP * step(8)


def _is_sky(above: Lab) -> bool:
    """Whether what is above a line is sky: blue, and the paler the brighter (a painted wall is bluer where more light falls on
    it), or warm at the horizon and bluer at the top.
    """
    if above.shape[0] < 8:
        return False
    quarter = max(above.shape[0] // 4, 2)
    top, low = (np.median(part.reshape(-1, 3), 0) for part in (above[:quarter], above[-quarter:]))
    warmer = low[2] - top[2]
    return bool((top[2] < -6 and warmer > 4) or (top[2] < 0 and warmer > 9) or _is_cloudy(above))


def _is_cloudy(part: Lab) -> bool:
    """Blue, paler where it is brighter, and without hard edges."""
    light, blue = part[..., 0].ravel(), part[..., 2].ravel()
    spread = float(np.subtract(*np.percentile(blue, [90, 10])))
    if spread < 6 or blue.mean() > -4 or not _is_soft(part):
        return False
    return float(np.corrcoef(light, blue)[0, 1]) > 0.5


def _is_soft(picture: Lab) -> bool:
    """Clouds have no straight strong edges: few pixels of a large step of brightness."""
    steps = np.abs(np.diff(picture[..., 0], axis=0))[:, :-1] + np.abs(np.diff(picture[..., 0], axis=1))[:-1]
    return float((steps > 12).mean()) < 0.02


def _cool(part: Lab) -> NDArray[np.bool_]:
    """Whether pixels have a colour that water has: cool grey, blue, or a green that is nearly blue."""
    red, blue = part[..., 1], part[..., 2]
    return (blue < COOL) & (red < 6)


def _water(lab: Lab, horizon: int) -> NDArray[np.bool_]:
    """(rows below, columns) bool: water, grown down from the horizon over glitter and foam as far as its colours go."""
    below = lab[horizon:]
    rows = lab.shape[0]
    first = below[: max(round(BAND * rows), 3)].reshape(-1, 3)
    usual = np.median(first[_cool(first)], 0)
    greenish = (below[..., 1] < -3) & (below[..., 2] < 9)
    alike = np.linalg.norm(below[..., 1:] - usual[1:], axis=2) < 5.5
    wet = (_cool(below) | greenish | alike).astype(np.uint8)
    tall = max(round(0.03 * rows), 3) | 1
    wet = cv2.morphologyEx(wet, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    wet = cv2.morphologyEx(np.pad(wet, tall, mode="edge"), cv2.MORPH_CLOSE, np.ones((tall, tall), np.uint8))[
        tall:-tall, tall:-tall
    ]
    _, parts = cv2.connectedComponents(wet)
    from_horizon = np.unique(parts[: max(round(0.02 * rows), 2)])
    return _without_islands(np.isin(parts, from_horizon[from_horizon > 0]))


def _without_islands(water: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What does not reach the picture's lower edge is glitter, foam, a boat or a rock out at sea: nobody walks there."""
    _, parts = cv2.connectedComponents((~water).astype(np.uint8))
    near = np.unique(parts[-2:])
    return water | ~np.isin(parts, near[near > 0])


def _is_only_sky(lab: Lab) -> bool:
    """No line, and clouds on blue, or an evening's colours, from top to bottom."""
    upper, lower = np.array_split(lab, 2)
    top, low = (np.median(part.reshape(-1, 3), 0) for part in (upper[: len(upper) // 2], lower[len(lower) // 2 :]))
    evening = top[2] < -6 and low[2] > 12 and low[0] > top[0] and _is_soft(lab)
    return bool((_is_cloudy(upper) and _is_cloudy(lower)) or evening)


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
