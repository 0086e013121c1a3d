"""Still water: what stands above its far shore hangs below it, upside down, darker, and nearly as strong."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.scenery.sky import open_air
from pipeline.core.arrays import Lab

Rows = NDArray[np.float64]

ROWS, MOST_COLUMNS, BLOCKS = 128, 160, 12
HIGHEST, LOWEST = 0.25, 0.75
"""Between these shares of the height a shore is looked for."""
REACHES, LEAST_REACH = ((0.28, 0.8), (0.16, 0.92)), 12
"""How far up and down from a shore is compared, share of the height, and the least correlation of what is above with what is
below; where the near shore is close, less is compared and more asked for. Rows at least."""
RIVAL, NEAR_ROWS = 0.4, (5, 12)
"""By how much the correlation falls that many rows beside the shore: a person, a curtain or a window frame looks alike upside
down at any row."""
BLOCK_ALIKE, WIDE = 0.35, 0.8
"""Correlation that most blocks of columns reach: a street's houses stand on another line at each side."""
KEPT, KEPT_UNDER_GREY, DEEP, MOST_KEPT = 0.55, 0.68, 0.45, 1.0
"""How much of the contrast water keeps near the shore, under a white sky, farther down, and at most; polished floors and wet
asphalt keep less, because their own grey is added to it."""
SHAPED = 0.9
"""Lab units of contrast above the shore without which nothing can be told."""
DARKER, OTHER_HUE = 3.0, 12.0
"""Lab units by which the brightest of it is darker in the water, and to which its hue stays the same."""
SHORE_STEP, SHORE_TIMES, SHAKEN = 5.0, 1.6, 7
"""From water to the near shore: Lab units within six rows, times what the mirrored part has, within so many rows of it."""


@dataclass(frozen=True)
class _Pair:
    """What is above a row, turned upside down, and what is below it; (n, w, 3) each, far to near."""

    above: Lab
    below: Lab

    @property
    def alike(self) -> float:
        return _correlation(_detail(self.above), _detail(self.below))


def mirror_shore(lab: Lab) -> int | None:
    """The row at which a landscape meets its mirror image; None where nothing is mirrored, or a floor does it."""
    if not open_air(lab):
        return None
    wide = int(np.clip(lab.shape[1] * ROWS // lab.shape[0], 48, MOST_COLUMNS))
    small = cv2.blur(cv2.resize(lab, (wide, ROWS), interpolation=cv2.INTER_AREA), (1, 5))
    aside = small - cv2.GaussianBlur(small, (0, 0), sigmaX=wide / 6, sigmaY=0.01)
    rows = np.arange(round((HIGHEST - 0.06) * ROWS), round(LOWEST * ROWS))
    for reach, alike in REACHES:
        score = np.array([_pair(aside, int(row), reach).alike for row in rows])
        best = int(np.argmax(score))
        away = np.abs(rows - rows[best])
        rival = score[(away >= NEAR_ROWS[0]) & (away <= NEAR_ROWS[1])].max(initial=-1)
        row = int(rows[best])
        if score[best] > max(alike, rival + RIVAL) and row >= HIGHEST * ROWS and _is_water(small, aside, row, reach):
            return round(row * len(lab) / ROWS)
    return None


def _pair(picture: Lab, row: int, reach: float) -> _Pair:
    rows = max(min(row, len(picture) - row, round(reach * len(picture))), LEAST_REACH)
    return _Pair(picture[row - rows : row][::-1], picture[row : row + rows])


def _detail(part: Lab) -> Lab:
    """Without what is the same all the way down a column."""
    detail: Lab = part - part.mean(0)
    return detail


def _correlation(one: Lab, other: Lab) -> float:
    return float((one * other).sum() / np.sqrt((one * one).sum() * (other * other).sum() + 1e-6))


def _is_water(small: Lab, aside: Lab, row: int, reach: float) -> bool:
    """Whether the lower of the two is a mirror image as water gives it."""
    seen, pair = _pair(small, row, reach), _pair(aside, row, reach)
    above, below = _detail(pair.above), _detail(pair.below)
    if float(np.sqrt((above * above).mean())) < SHAPED:
        return False
    half = len(above) // 2
    least = KEPT if np.median(small[:12, :, 2]) < -4 else KEPT_UNDER_GREY
    if not least <= _kept(above[:half], below[:half]) <= MOST_KEPT or _kept(above, below) < DEEP:
        return False
    blocks = zip(np.array_split(above, BLOCKS, 1), np.array_split(below, BLOCKS, 1), strict=True)
    if np.mean([_correlation(one, other) > BLOCK_ALIKE for one, other in blocks]) < WIDE:
        return False
    bright = seen.above[..., 0] >= np.percentile(seen.above[..., 0], 85)
    darker = float(np.median((seen.above - seen.below)[..., 0][bright]))
    hue = float(np.median(np.linalg.norm((seen.above - seen.below)[..., 1:], axis=2)))
    return darker > DARKER and hue < OTHER_HUE


def _kept(above: Lab, below: Lab) -> float:
    return float((above * below).sum() / ((above * above).sum() + 1e-6))


def mirroring(lab: Lab, shore: int) -> NDArray[np.bool_]:
    """(rows, columns) bool: water from its far shore down to where something begins that the mirror does not show."""
    below = len(lab) - shore
    above = np.pad(lab[:shore][::-1], ((0, max(below - shore, 0)), (0, 0), (0, 0)), mode="edge")[:below]
    edges = np.linspace(0, lab.shape[1], BLOCKS + 5).astype(int)
    ends = np.array([_end(above[:, a:b], lab[shore:, a:b]) for a, b in itertools.pairwise(edges)])
    ends = np.where(_agreed(ends, below), ends, below)
    if (ends < below).mean() > 0.6:
        ends = np.minimum(ends, round(float(np.percentile(ends[ends < below], 75))))
    line = np.interp(np.arange(lab.shape[1]), (edges[:-1] + edges[1:]) / 2, ends)
    wet = np.zeros(lab.shape[:2], bool)
    wet[shore:] = np.arange(below)[:, None] < line[None]
    return wet


def _end(above: Lab, below: Lab) -> int:
    """The first row of a step that the mirrored part has not; its length where there is none."""
    own, shown = _row_steps(below), _row_steps(above)
    shown = cv2.dilate(shown[:, None], np.ones((2 * SHAKEN + 1, 1), np.uint8))[:, 0]
    new = np.flatnonzero((own > SHORE_STEP) & (own > SHORE_TIMES * shown + 2))
    new = new[new > 0.12 * len(below)]
    return int(new[0]) + 2 if new.size else len(below)


def _row_steps(part: Lab) -> Rows:
    """(rows,) float64: how much the mean colours of the six rows above and below each differ, Lab units."""
    total = np.concatenate([np.zeros((1, 3)), np.cumsum(part.mean(1, dtype=np.float64), 0)])
    row = np.arange(len(part))
    low, high = np.maximum(row - 6, 0), np.minimum(row + 6, len(part))
    above = (total[row] - total[low]) / np.maximum(row - low, 1)[:, None]
    below = (total[high] - total[row]) / np.maximum(high - row, 1)[:, None]
    steps: Rows = np.linalg.norm(above - below, axis=1)
    steps[:6] = 0
    return steps


def _agreed(ends: NDArray[np.int_], below: int) -> NDArray[np.bool_]:
    """Whether a neighbour's end is about as far down."""
    near = np.abs(np.diff(ends)) < 0.14 * below
    agreed: NDArray[np.bool_] = np.concatenate([near, [False]]) | np.concatenate([[False], near])
    return agreed
