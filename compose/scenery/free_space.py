"""Free space of a background: where a person covers little detail and stands on no object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

WORK_HEIGHT = 128
FOOT_BAND = 0.05
"""Share of the picture's height above and below the foot row that counts as the place to stand."""
CENTRE_PULL = 2.5
FARTHEST = 0.17
"""Nobody stands farther from the middle than this share of the width: a subject belongs near the centre."""
EDGE_MARGIN = 0.05
"""Share of the width that stays free beside the body, if the picture is wide enough."""
FOOT_WEIGHT = 1.5
STEPS = 41
STRONG_EDGE = 24.0
"""Grey levels between neighbouring pixels of the working picture that count as full clutter."""


@dataclass(frozen=True)
class FreeSpace:
    """Clutter of a background.

    Args:
        clutter: (128, w) float32 in [0, 1]: strength of edges.
        tall: height of the background itself, pixels.
    """

    clutter: NDArray[np.float32]
    tall: int

    def least_busy(self, reach: tuple[float, float], foot: float, height: float) -> float:
        """Where to stand, as a share of the width, with a preference for the middle; see `least_busy_where`."""
        place = self.least_busy_where(reach, foot, height)
        return 0.5 if place is None else place

    def least_busy_where(
        self,
        reach: tuple[float, float],
        foot: float,
        height: float,
        *,
        can_stand: Callable[[float], bool] = lambda _: True,
        farthest: float = FARTHEST,
    ) -> float | None:
        """Where to stand, as a share of the width: the least cluttered place, with a preference for the middle.

        Args:
            reach: how far the body extends left and right of its foot point, background pixels.
            foot: row of the foot point, share of the picture's height.
            height: height of the body, share of the picture's height.
            can_stand: whether somebody can stand at a share of the width.
            farthest: from the middle, share of the width.

        Returns:
            None where nobody can stand, or the body does not fit.
        """
        rows, wide = self.clutter.shape
        left, right = (side * rows / self.tall for side in reach)
        lean = (right - left) / 2  # from the foot point to the middle of the body, which is what the eye wants centred
        margin = min(EDGE_MARGIN * wide, max(wide - right - left, 0) / 4)
        low = max(left + margin, (0.5 - farthest) * wide - lean)
        high = min(wide - right - margin, (0.5 + farthest) * wide - lean)
        if low >= high:
            return None
        places = np.linspace(low, high, STEPS)
        places = places[[can_stand(float(place / wide)) for place in places]]
        if not places.size:
            return None
        behind = self._mean(places, (left, right), (foot - height, foot))
        below = self._mean(places, (left, right), (foot - FOOT_BAND, foot + FOOT_BAND))
        cost = behind + FOOT_WEIGHT * below + CENTRE_PULL * ((places + lean) / wide - 0.5) ** 2
        return float(places[int(np.argmin(cost))] / wide)

    def _mean(self, places: NDArray[np.float64], reach: tuple[float, float], rows: tuple[float, float]) -> NDArray[np.float64]:
        """(n,) mean clutter of the band of rows (shares of the height) around each place."""
        first, last = (int(np.clip(round(row * self.clutter.shape[0]), 0, self.clutter.shape[0] - 1)) for row in rows)
        columns = np.concatenate([[0.0], np.cumsum(self.clutter[first : last + 1].mean(0, dtype=np.float64))])
        start = np.clip(np.floor(places - reach[0]).astype(int), 0, columns.size - 2)
        stop = np.clip(np.ceil(places + reach[1]).astype(int), start + 1, columns.size - 1)
        means: NDArray[np.float64] = (columns[stop] - columns[start]) / (stop - start)
        return means


def find_free_space(background: NDArray[np.uint8]) -> FreeSpace:
    """(h, w, 3) RGB uint8 → its clutter at a small working size."""
    height, width = background.shape[:2]
    size = (int(np.clip(round(width * WORK_HEIGHT / height), 16, 8 * WORK_HEIGHT)), WORK_HEIGHT)
    grey = cv2.cvtColor(cv2.resize(background, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=0.25)
    clutter: NDArray[np.float32] = np.clip(np.hypot(across, down) / STRONG_EDGE, 0, 1).astype(np.float32)
    return FreeSpace(clutter, height)
