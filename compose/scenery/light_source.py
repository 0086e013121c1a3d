"""Where a background's light comes from: the sun, a lamp or a window in the picture, its brighter side, or nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians, tan

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.scenery.horizon import Ground

Plane = NDArray[np.float32]

WORK_WIDTH = 144
GLOW, WHITE = 228.0, 0.985
"""Grey levels that a source reaches at least, and its share of the picture's brightest: a low sun may be orange."""
MOST_AREA = 0.06
"""Share of the picture beyond which something bright is a sky or a wall, not a source."""
ALONE = 0.7
"""Share of everything so bright that a source holds: many lamps, or clouds, light from nowhere in particular."""
LEAST_FILL, MOST_ASPECT = 0.45, 2.6
"""Shape of a source: its share of the rectangle around it, and how long that may be."""
SECTORS, RINGS = 12, (0.0, 0.04, 0.09, 0.16)
LEAST_DROPS, MOST_UNEVEN = (4.0, 16.0), 0.3
"""A halo: in twelve sectors, brightness falls from ring to ring (shares of the width), sideways by so many levels, where a low
sun's horizon glows too, and upwards by more; some sectors may differ."""
LEAST_WINDOW, WINDOW_CONTRAST, DARK_ROOM = 0.004, 85.0, 140.0
"""A window without halo: least share of the picture, grey levels above the picture's median, and the most that this may be."""
CLEAR_BLUE, CLEAR_STEP = 180.0, 35.0
"""Grey levels: blue of a clear sky by day, and blue above red."""
FIELD_DEG = 50.0
"""Degrees that a picture's height spans."""
LOWEST_DEG = 2.0
SIDE = 0.12
"""How far out of the middle the brightness must lie to be a side, half widths."""
USUAL_LEAN, SQUASH = 0.3, 0.17
SOFT_LEAN, SOFT_SQUASH = 0.2, 0.12
SHORTEST, LONGEST, STEEPEST = 0.2, 0.9, 1.5
"""A shadow towards the viewer, in heights of the person, and the most that it goes sideways per height towards them."""


@dataclass(frozen=True, slots=True)
class Light:
    """The main light of a scene.

    Args:
        x, y: of a source in the picture, shares of its width and height from the upper left; None = it is not in the picture.
        side: where the light comes from, -1 = left, 1 = right, 0 = neither.
        elevation_deg: of a source in the picture, above the horizon.
        hardness: 0 = overcast, 0.5 = an ordinary room or day, 1 = the sun.
        horizon: share of the height at which shadows on the ground vanish.
    """

    x: float | None = None
    y: float | None = None
    side: float = 0.0
    elevation_deg: float = 45.0
    hardness: float = 0.5
    horizon: float = 0.62

    @property
    def behind(self) -> bool:
        """Whether people in the picture are lit from behind."""
        return self.x is not None

    def shadow_at(self, foot: tuple[float, float], size: tuple[int, int]) -> tuple[float, float]:
        """Where the shadow of a head falls, seen from the feet: (to the right, away from the viewer), in heights of the person.

        Args:
            foot: (x, y) of the person, background pixels.
            size: (height, width) of the background.
        """
        if self.x is None:
            if not self.side:
                return (SOFT_LEAN, SOFT_SQUASH) if self.hardness < 0.5 else (USUAL_LEAN, SQUASH)
            return float(np.copysign(np.clip(0.15 + 0.5 * abs(self.side), 0.2, 0.45), -self.side)), SQUASH
        length = float(np.clip(SHORTEST / tan(radians(max(self.elevation_deg, LOWEST_DEG))), SHORTEST, LONGEST))
        below = max(foot[1] - self.horizon * size[0], 0.1 * size[0])
        slant = float(np.clip((foot[0] - self.x * size[1]) / below, -STEEPEST, STEEPEST))
        return slant * length, -length

    def bearing(self, point: tuple[float, float], size: tuple[int, int]) -> tuple[float, float] | None:
        """Unit vector (right, down) in the picture from a point (x, y) to the source; None where it is not in the picture."""
        if self.x is None or self.y is None:
            return None
        across, down = self.x * size[1] - point[0], self.y * size[0] - point[1]
        length = max(float(np.hypot(across, down)), 1e-6)
        return across / length, down / length


def find_light(background: NDArray[np.uint8], ground: Ground) -> Light:
    """The sun, a lamp or a window where the picture shows one; else the brighter side of what lies above the ground line.

    Args:
        background: (h, w, 3) RGB uint8.
        ground: its ground line.
    """
    horizon, wide = float(ground.eye_level), WORK_WIDTH
    tall = int(np.clip(round(wide * background.shape[0] / background.shape[1]), 32, 4 * wide))
    found = _source(_glow(cv2.resize(background, (wide, tall), interpolation=cv2.INTER_AREA)), horizon)
    if found is None:
        above = background[: max(int(ground.line * background.shape[0]), 8)]
        side = _brighter_side(above)
        return Light(side=side, hardness=0.5 if side or _is_clear(above) else 0.3, horizon=horizon)
    column, row, hardness = found
    elevation = max((horizon - row / tall) * FIELD_DEG, 0.0)
    return Light(column / wide, row / tall, 2 * column / wide - 1, elevation, hardness, horizon)


def _glow(small: NDArray[np.uint8]) -> Plane:
    """(h, w) float32 0..255: brightness in which a low, orange sun is as bright as a white one, and a blue sky is not."""
    glow = small[..., 0].astype(np.float32) * np.float32(0.75) + small[..., 1].astype(np.float32) * np.float32(0.25)
    smooth: Plane = cv2.GaussianBlur(glow, (0, 0), 0.7)
    return smooth


def _brighter_side(above: NDArray[np.uint8]) -> float:
    """-1..1: how far the brightness lies out of the middle; 0 where there is no such side."""
    grey = cv2.cvtColor(cv2.resize(above, (64, 32), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY).astype(np.float64)
    bright = np.clip(grey - np.percentile(grey, 60), 0, None)
    if bright.sum() < 1:
        return 0.0
    side = float((bright * np.linspace(-1, 1, 64)).sum() / bright.sum())
    return side if abs(side) >= SIDE else 0.0


def _is_clear(above: NDArray[np.uint8]) -> bool:
    """Whether the upper half of what lies above the ground line is a bright blue sky."""
    red, _, blue = np.median(above[: max(len(above) // 2, 1) : 8, ::8].reshape(-1, 3), axis=0)
    return bool(blue >= CLEAR_BLUE and blue - red >= CLEAR_STEP)


def _source(glow: Plane, horizon: float) -> tuple[float, float, float] | None:
    """(column, row, hardness) of the one source above the horizon, or None."""
    above = glow[: max(int(horizon * glow.shape[0]), 8)]
    bright = (above >= max(GLOW, WHITE * float(glow.max()))).astype(np.uint8)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(bright, connectivity=8)
    if count < 2:
        return None
    number = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    area, box = int(stats[number, cv2.CC_STAT_AREA]), stats[number, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    compact = area >= LEAST_FILL * box.prod() and box.max() <= MOST_ASPECT * box.min()
    if area > MOST_AREA * glow.size or area < ALONE * bright.sum() or not compact:
        return None
    column, row = (float(part) for part in centres[number])
    hardness = _hardness(glow, above, labels == number, (column, row))
    return (column + 0.5, row + 0.5, hardness) if hardness else None


def _hardness(glow: Plane, above: Plane, core: NDArray[np.bool_], centre: tuple[float, float]) -> float:
    """1 for something bright with a halo, 0.6 for a window in a dark room, 0 for any other white thing."""
    area, median = np.count_nonzero(core), float(np.median(glow))
    if _has_halo(above, centre, max(2.0, float(np.sqrt(area / np.pi))) * 1.3):
        return 1.0
    window = area >= LEAST_WINDOW * glow.size and float(above[core].mean()) - median >= WINDOW_CONTRAST
    return 0.6 if window and median <= DARK_ROOM else 0.0


def _has_halo(above: Plane, centre: tuple[float, float], radius: float) -> bool:
    """Whether brightness falls outwards in all directions but downwards, where the ground begins."""
    y, x = np.mgrid[: above.shape[0], : above.shape[1]].astype(np.float32)
    away = np.hypot(x - centre[0], y - centre[1]) - radius
    turn = (np.arctan2(y - centre[1], x - centre[0]) + np.pi) / (2 * np.pi) * SECTORS
    edges = np.array(RINGS) * above.shape[1]
    ring = np.digitize(away, edges) - 1
    seen = (ring >= 0) & (ring < len(RINGS) - 1) & (y <= centre[1] + 1)
    cell = (turn.astype(int) % SECTORS * (len(RINGS) - 1) + ring)[seen]
    wanted = SECTORS * (len(RINGS) - 1)
    counts = np.bincount(cell, minlength=wanted).reshape(SECTORS, -1)
    means = np.bincount(cell, above[seen], wanted).reshape(SECTORS, -1) / np.maximum(counts, 1)
    whole = (counts >= 2).all(1)
    upwards = np.clip(-np.sin((np.arange(SECTORS) + 0.5) / SECTORS * 2 * np.pi - np.pi), 0, 1)
    least = np.interp(upwards, (0, 1), LEAST_DROPS)
    falls = (np.diff(means, axis=1) < 0).all(1) & (means[:, 0] - means[:, -1] >= least)
    return bool(np.count_nonzero(whole) >= 3 and np.count_nonzero(whole & ~falls) <= MOST_UNEVEN * np.count_nonzero(whole))
