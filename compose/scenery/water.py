"""Water in a background: below a straight horizon under the open sky, coloured as water is, and without what people build."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.scenery.horizon import CLEAR_STEP, colour_steps
from compose.scenery.sky import bare_columns, is_sky, open_columns, sky_above
from compose.scenery.waves import is_drawn_out
from pipeline.core.arrays import Lab

HIGHEST, LOWEST = 0.12, 0.88
"""Between these shares of the height a horizon of water is looked for."""
BAND = 0.06
"""Height of the bands above and below a horizon that are compared, share of the picture's height."""
OPEN_SKY = 0.55
"""Share of the width over which sky begins right above water; hills, islands and ships cover the rest."""
BARE, LESS_BARE, DEEP = 0.6, 0.35, 18.0
"""Share of the width without anything between sky and water from which colours alone tell the sea, and where it is darker near by
by so many Lab units; a court before a wood and a massif in haze have less of it, and no waves."""
DARKER, DARKER_BELOW = 5.0, 10.0
"""Lab units by which water is darker than the sky right above it, and as a whole; snow and paper are as bright."""
COLOURFUL, VIVID, GREEN = 8.0, 12.0, -4.0
"""Chroma beyond which a cool colour is no grey of asphalt, and beyond which shallow water may be bright; Lab a* of such water."""
FADING = 5.0
"""Lab units by which water is darker near by than at the horizon; streets, courts and snow are not."""
WHOLE_SEA = 0.35
"""Share of the picture's height over which water shows all of that; a strip of it shows less."""
SHORE_STEP = 14.0
"""Lab units within six rows of the working size from an evening's sea to its shore."""
COOL = -1.5
"""Lab b* below which a grey is a cool one: of water, shade or steel."""
MOST_LINES = 80
"""Straight lines that are compared with each other; the longest come first."""
SHARP = 0.42
"""Share of a horizon's step that lies within two rows of the working size; a paper sweep's turn is gradual."""


def water_line(lab: Lab) -> int | None:
    """The highest row at which sky meets water, by everything that is known of both."""
    rows = lab.shape[0]
    steps = colour_steps(lab)
    for row in range(int(HIGHEST * rows), int(LOWEST * rows)):
        near = steps[max(row - 4, 0) : row + 5]
        if steps[row] >= CLEAR_STEP and steps[row] == near.max() and _is_water_line(lab, row):
            return row
    return None


def _is_water_line(lab: Lab, row: int) -> bool:
    if not is_sky(lab[: row - 1]) or not _is_sharp(lab, row):
        return False
    open_sky = open_columns(lab, row)
    if open_sky.mean() < OPEN_SKY:
        return False
    if not (_is_cool_water(lab, row, open_sky) or _is_mirror(lab, row)) or has_rails(lab, row):
        return False
    bare, wet = float(bare_columns(lab, row).mean()), _stretch(lab, row)
    deep = len(wet) > 0 and _fading(lab[: row + 3 + len(wet)], row) > DEEP
    return bare >= (LESS_BARE if deep else BARE) or is_drawn_out(wet)


def _stretch(lab: Lab, row: int) -> Lab:
    """The rows below a horizon of which most is water."""
    dry = np.flatnonzero(water_below(lab, row).mean(1) < 0.5)
    return lab[row + 3 : row + int(dry[0]) if dry.size else None]


def _is_cool_water(lab: Lab, row: int, open_sky: NDArray[np.bool_]) -> bool:
    """Cool colours, darker than the sky; and darker towards the viewer, who looks down into it, but for green shallows."""
    far, below = _far(lab, row), lab[row + 2 :]
    cool, wet = is_cool(far).mean(0) > 0.5, below[is_cool(below)]
    if (cool & open_sky).mean() < OPEN_SKY:
        return False
    sky = float(np.median(sky_above(lab, row)[:, 0]))
    darker, darker_below = sky - float(np.median(far[..., 0])), sky - float(np.median(wet[:, 0]))
    red, blue = np.median(wet[:, 1:], 0)
    chroma = float(np.hypot(red, blue))
    shore = np.flatnonzero(is_cool(below).mean(1) < 0.4)
    end = max(row + 2 + int(shore[0]), row + 6) if shore.size else len(lab)
    share = min((end - row) / (WHOLE_SEA * len(lab)), 1)
    if (chroma < COLOURFUL or red > GREEN) and _fading(lab[:end], row) < share * FADING:
        return False
    return darker > DARKER and (darker_below > DARKER_BELOW or (chroma > VIVID and darker > DARKER_BELOW))


def _is_mirror(lab: Lab, row: int) -> bool:
    """An evening's sea: coloured as the sky right above it, less bright, and near by as the zenith; sand keeps its hue."""
    sky, far = np.median(sky_above(lab, row), 0), np.median(_far(lab, row).reshape(-1, 3), 0)
    near = np.median(lab[-max(round(BAND * lab.shape[0]), 3) :].reshape(-1, 3), 0)
    alike = float(np.hypot(*(sky - far)[1:])) < 20 and DARKER < sky[0] - far[0] < 45
    paler = near[2] / max(near[0], 1) < 0.5 * far[2] / max(far[0], 1)
    return bool(sky[2] > 8 and alike and paler and _fading(lab, row) > 2 * FADING)


def _far(lab: Lab, row: int) -> Lab:
    """The band right below a row."""
    return lab[row + 2 : row + 2 + max(round(BAND * lab.shape[0]), 3)]


def _fading(lab: Lab, row: int) -> float:
    """By how many Lab units what is near is darker than what is far, in most of the width."""
    far, near = _far(lab, row), lab[-max((lab.shape[0] - row) // 3, 3) :]
    return float(np.percentile(far[..., 0].mean(0) - near[..., 0].mean(0), 60))


def has_rails(lab: Lab, row: int) -> bool:
    """Whether straight lines run towards one point of the horizon: lanes, kerbs, slabs, boards; waves and wakes have none."""
    below = lab[row:]
    light = cv2.GaussianBlur(np.clip(below[..., 0] * 2.55, 0, 255).astype(np.uint8), (0, 0), 0.8)
    edges = cv2.Canny(light, 40, 100)
    edges[_near_ground(lab, row)] = 0
    found = cv2.HoughLinesP(edges, 1, np.pi / 180, 24, minLineLength=0.3 * below.shape[0], maxLineGap=6)
    lines = [] if found is None else [tuple(float(part) for part in line) for line in found.reshape(-1, 4)[:MOST_LINES]]
    steep = [line for line in lines if abs(line[3] - line[1]) > 0.15 * abs(line[2] - line[0])]
    slopes = [((x2 - x1) / (y2 - y1), x1 - y1 * (x2 - x1) / (y2 - y1)) for x1, y1, x2, y2 in steep]
    for (slope, start), (other, begin) in itertools.combinations(slopes, 2):
        if abs(slope - other) > 0.25 and -0.3 * below.shape[0] < (begin - start) / (slope - other) < 0.1 * below.shape[0]:
            return True
    return False


def _near_ground(lab: Lab, row: int) -> NDArray[np.bool_]:
    """(rows below, columns) bool: broad parts of another colour than water, and their edges: a pier, a beach, a rock."""
    dry = (~is_cool(lab[row:])).astype(np.uint8)
    broad = cv2.morphologyEx(dry, cv2.MORPH_OPEN, np.ones((11, 11), np.uint8))
    near: NDArray[np.bool_] = cv2.dilate(broad, np.ones((9, 9), np.uint8)) > 0
    return near


def _is_sharp(lab: Lab, row: int) -> bool:
    def step(reach: int) -> float:
        above, below = lab[max(row - reach, 0) : row].mean(0), lab[row : row + reach].mean(0)
        return float(np.median(np.linalg.norm(above - below, axis=1)))

    return step(2) >= SHARP * step(8)


def is_cool(part: Lab) -> NDArray[np.bool_]:
    """Whether pixels have a colour that water has: cool grey, blue, or a green that is nearly blue."""
    red, blue = part[..., 1], part[..., 2]
    return (blue < COOL) & (red < 6)


def water_below(lab: Lab, horizon: int) -> NDArray[np.bool_]:
    """(rows below, columns) bool: water, grown down from the horizon over glitter and foam as far as its colours go."""
    below = lab[horizon:]
    rows = lab.shape[0]
    first = _far(lab, horizon).reshape(-1, 3)
    cool = is_cool(first)
    if cool.mean() > 0.5:
        usual = np.median(first[cool], 0)
        greenish = (below[..., 1] < -3) & (below[..., 2] < 9)
        alike = np.linalg.norm(below[..., 1:] - usual[1:], axis=2) < 5.5
        wet = (is_cool(below) | greenish | alike).astype(np.uint8)
    else:
        wet = _as_their_row(below).astype(np.uint8)
    tall = max(round(0.03 * rows), 3) | 1
    wet = cv2.morphologyEx(wet, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    wet = cv2.morphologyEx(np.pad(wet, tall, mode="edge"), cv2.MORPH_CLOSE, np.ones((tall, tall), np.uint8))[
        tall:-tall, tall:-tall
    ]
    _, parts = cv2.connectedComponents(wet)
    from_horizon = np.unique(parts[: max(round(0.02 * rows), 2)])
    return _without_islands(np.isin(parts, from_horizon[from_horizon > 0]))


def _as_their_row(below: Lab) -> NDArray[np.bool_]:
    """(rows, columns) bool: pixels of about their row's colour, down to the row at which that changes at once: the shore."""
    usual = cv2.GaussianBlur(np.median(below, axis=1)[:, None], (1, 9), 0)[:, 0]
    step = np.linalg.norm(usual[6:] - usual[:-6], axis=1)
    shore = np.flatnonzero(step[6:] > SHORE_STEP)
    alike: NDArray[np.bool_] = np.linalg.norm(below - usual[:, None], axis=2) < 18
    alike[int(shore[0]) + 9 if shore.size else len(alike) :] = False
    return alike


def _without_islands(water: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What does not reach the picture's lower edge is glitter, foam, a boat or a rock out at sea: nobody walks there."""
    _, parts = cv2.connectedComponents((~water).astype(np.uint8))
    near = np.unique(parts[-2:])
    return water | ~np.isin(parts, near[near > 0])
