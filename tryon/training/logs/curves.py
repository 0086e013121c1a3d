"""A picture of a run's curves: loss and its parts, gradient norm, learning rate, validation; each in a panel of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import images
from pipeline.core.arrays import RGB
from tryon.training.logs.run_logs import LOG, METRICS, VALIDATION, read_table

HEIGHT, WIDTH, MARGIN = 220, 960, 56  # pixels of a panel, and of the room left for numbers
SMOOTHING = 50  # lines that the thick curve averages
INK, PALE = (30, 80, 160), (190, 205, 225)


def draw_curves(folder: Path) -> bytes | None:
    """PNG bytes of a run's curves; None where nothing is logged yet."""
    panels = [panel for file in (LOG, VALIDATION, METRICS) for panel in _panels(folder / file)]
    return images.png(np.concatenate(panels, axis=0)) if panels else None


def smoothed(values: NDArray[np.float64], window: int = SMOOTHING) -> NDArray[np.float64]:
    """The mean of each value and up to `window` - 1 before it."""
    total = np.cumsum(np.insert(values, 0, 0.0))
    last = np.arange(1, len(values) + 1)
    first = np.maximum(0, last - window)
    return np.asarray((total[last] - total[first]) / (last - first))


def _panels(file: Path) -> list[RGB]:
    rows = read_table(file)
    names = [name for name in (rows[0] if rows else {}) if name != "step"]
    steps = np.array([int(row["step"]) for row in rows])
    panels = []
    for name in names:
        cells = [row[name] for row in rows]
        if all(_is_number(cell) for cell in cells):
            panels.append(_panel(f"{file.stem}: {name}", steps, np.array([float(cell) for cell in cells])))
    return panels


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def _panel(title: str, steps: NDArray[np.int64], values: NDArray[np.float64]) -> RGB:
    panel = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    low, high = float(values.min()), float(values.max())
    span = high - low or 1.0
    across = MARGIN + (steps - steps[0]) / max(1, steps[-1] - steps[0]) * (WIDTH - 2 * MARGIN)
    for series, colour, thickness in ((values, PALE, 1), (smoothed(values), INK, 2)):
        down = HEIGHT - MARGIN / 2 - (series - low) / span * (HEIGHT - MARGIN)
        points = np.stack([across, down], axis=1).round().astype(np.int32)
        cv2.polylines(panel, [points], False, colour, thickness, cv2.LINE_AA)
    _write(panel, title, (MARGIN, 16))
    for text, place in ((f"{high:.4g}", (2, 32)), (f"{low:.4g}", (2, HEIGHT - 26)), *_ends(steps)):
        _write(panel, text, place)
    return panel


def _ends(steps: Sequence[int] | NDArray[np.int64]) -> list[tuple[str, tuple[int, int]]]:
    return [(str(steps[0]), (MARGIN, HEIGHT - 6)), (str(steps[-1]), (WIDTH - 2 * MARGIN, HEIGHT - 6))]


def _write(panel: RGB, text: str, place: tuple[int, int]) -> None:
    cv2.putText(panel, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1, cv2.LINE_AA)
