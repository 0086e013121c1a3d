"""Where the ground ends in a background: one row, found from colour steps that run across the whole picture."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

WORK_HEIGHT = 256
BLOCKS = 16
BANDS = (3, 9)
"""Heights, in rows of the working picture, of the bands whose mean colours are compared above and below each row."""
USUAL = 0.62
"""Taken when nothing is found: the horizon of an eye-level picture lies a little below its middle or is hidden by a wall."""
CLEAR_STEP = 3.0
"""Lab units of a step that is seen across most of the width."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The line where floor meets wall, sea meets sky, lawn meets houses.

    Args:
        line: as a share of the picture's height, 0 = top.
        confidence: 0 = a guess, 1 = a clear line across the whole picture.
        horizon: where the eye's level is, if that is seen elsewhere than at the line (behind a beach the sea goes on to it);
            people shrink towards it.
    """

    line: float = USUAL
    confidence: float = 0.0
    horizon: float | None = None

    @property
    def eye_level(self) -> float:
        """The horizon, else the line."""
        return self.line if self.horizon is None else self.horizon


def ground_in(lab: NDArray[np.float32]) -> Ground:
    """The clearest horizontal step of colour between 25 % and 92 % of the height.

    Each row is scored by how much the colours above and below it differ in *most* of 16 column blocks, so that a ground line
    partly hidden by a tree counts, while a strong but short edge (a table, a roof) does not.

    Args:
        lab: the background at the working size of `small_lab`.

    Returns:
        The usual line with confidence 0 where no step is clear.
    """
    score = colour_steps(lab)
    rows = (np.arange(score.size) + 0.0) / lab.shape[0]
    score = score * np.interp(rows, [0.2, 0.32, 0.45, 0.8, 0.88, 0.94], [0, 0.7, 1, 1, 0.7, 0])
    best = int(np.argmax(score))
    height = float(score[best])
    if height < CLEAR_STEP:
        return Ground()
    rest = float(np.percentile(score[score > 0], 75)) if (score > 0).any() else 0.0
    confidence = float(np.clip((height - CLEAR_STEP) / 6, 0, 1) * np.clip((height - rest) / (height + 1e-6) * 1.5, 0, 1))
    return Ground(rows[best], confidence) if confidence > 0.1 else Ground()


def small_lab(background: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w, 3) RGB uint8 → (256, columns, 3) float32 CIE Lab."""
    height, width = background.shape[:2]
    size = (int(np.clip(round(width * WORK_HEIGHT / height), BLOCKS * 2, 4 * WORK_HEIGHT)), WORK_HEIGHT)
    small = cv2.resize(background, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab: NDArray[np.float32] = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    return lab


def colour_steps(lab: NDArray[np.float32]) -> NDArray[np.float64]:
    """(rows,) float64: how much the colours above and below each row differ across most of the width, Lab units."""
    return np.asarray(sum(_steps(lab, band) for band in BANDS), np.float64) / len(BANDS)


def _steps(lab: NDArray[np.float32], band: int) -> NDArray[np.float64]:
    """(rows,) float64: colour distance across each row boundary that at least 70 % of the column blocks reach."""
    rows, columns = lab.shape[:2]
    edges = np.linspace(0, columns, BLOCKS + 1).astype(int)
    blocks = np.stack([lab[:, a:b].mean(1) for a, b in itertools.pairwise(edges)], 1).astype(np.float64)
    total = np.concatenate([np.zeros((1, *blocks.shape[1:])), np.cumsum(blocks, 0)])
    row = np.arange(rows)
    above, below = np.maximum(row - band, 0), np.minimum(row + band, rows)
    count_above, count_below = np.maximum(row - above, 1), np.maximum(below - row, 1)
    mean_above = (total[row] - total[above]) / count_above[:, None, None]
    mean_below = (total[below] - total[row]) / count_below[:, None, None]
    distance = np.linalg.norm(mean_above - mean_below, axis=2)
    steps: NDArray[np.float64] = np.percentile(distance, 30, axis=1)
    steps[: band // 2 + 1] = 0
    return steps
