"""Sky in a background: blue and paler where brighter, or an evening's; and where it is open down to the horizon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Lab

LOW_HILL = 0.12
"""Hills that high, share of the picture's height, still leave the sky open."""
HARD_EDGE = 9.0
"""Lab units between neighbours of the working size that clouds hardly reach."""
ROOF_EDGE = 20.0
"""Lab units within two rows from sky to roof or to trees; clouds stay below."""

WHITE_SKY, NIGHT = 68.0, 28.0
"""Lightness from which a grey may be an overcast sky, and below which nothing is seen."""

ON_THE_SKYLINE = 14.0
"""Lab units within three rows from sky to a tree, a house or a hill."""


def is_sky(above: Lab) -> bool:
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


def open_columns(lab: Lab, row: int) -> NDArray[np.bool_]:
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


def bare_columns(lab: Lab, row: int) -> NDArray[np.bool_]:
    """(columns,) whether nothing stands between the sky and a row: no edge within a low hill's height above it."""
    band = lab[max(row - 2 - round(LOW_HILL * lab.shape[0]), 0) : max(row - 6, 4)]
    bare: NDArray[np.bool_] = np.linalg.norm(band[3:] - band[:-3], axis=2).max(0, initial=0) < ON_THE_SKYLINE
    return bare


def sky_above(lab: Lab, row: int) -> Lab:
    """(n, 3): the brighter half of the pixels right above a row, which is sky and not a hill."""
    band = lab[max(row - 2 - round(LOW_HILL * lab.shape[0]), 0) : row - 1].reshape(-1, 3)
    return band[band[:, 0] >= np.median(band[:, 0])]


def is_only_sky(lab: Lab) -> bool:
    """No line, and clouds on blue, or an evening's colours, from top to bottom."""
    upper, lower = np.array_split(lab, 2)
    top, low = (np.median(part.reshape(-1, 3), 0) for part in (upper[: len(upper) // 2], lower[len(lower) // 2 :]))
    evening = top[2] < -6 and low[2] > 12 and low[0] > top[0] and _is_soft(lab)
    return bool((_is_cloudy(upper) and _is_cloudy(lower)) or evening)


def open_air(lab: Lab) -> bool:
    """Whether the picture's upper edge may be sky: blue, an evening's, or a white one; a room's wall or a dark hall is none."""
    top = lab[: max(len(lab) // 10, 2)]
    light, red, blue = np.median(top.reshape(-1, 3), 0)
    white = light > WHITE_SKY and abs(red) < 4 and blue < 2
    return bool(light > NIGHT and (blue < -2 or white) and _is_soft(top))
