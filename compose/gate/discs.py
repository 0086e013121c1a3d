"""What discs of several sizes reach inside and outside one shape; distances are measured once and serve every size."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.masks import Mask, bytes_of


class Discs:
    """A shape that is rolled over with discs, inside and outside.

    By distances, which take as long for a large disc as for a small one.

    Args:
        shape: (h, w) bool.
    """

    def __init__(self, shape: Mask) -> None:
        self.shape = shape
        self._gaps: dict[float, Mask] = {}

    @cached_property
    def inside(self) -> NDArray[np.float32]:
        """(h, w) float32 pixels to the nearest place outside; beyond the picture's edge counts as inside."""
        return _distance(self.shape)

    @cached_property
    def outside(self) -> NDArray[np.float32]:
        """(h, w) float32 pixels to the nearest place of the shape; meaningless where there is none."""
        return _distance(~self.shape)

    @cached_property
    def _any(self) -> bool:
        return bool(self.shape.any())

    def thin(self, radius_px: float) -> Mask:
        """(h, w) bool: what a disc of this radius does not reach inside the shape."""
        deep = self.inside > radius_px
        return self.shape & ~(_distance(~deep) <= radius_px) if deep.any() else self.shape.copy()

    def gaps(self, radius_px: float) -> Mask:
        """Likewise outside it."""
        if radius_px not in self._gaps:
            grown = self.outside <= radius_px if self._any else self.shape
            self._gaps[radius_px] = (_distance(grown) > radius_px) & ~self.shape
        return self._gaps[radius_px]


def _distance(shape: Mask) -> NDArray[np.float32]:
    """(h, w) float32: pixels to the nearest False."""
    found: NDArray[np.float32] = cv2.distanceTransform(bytes_of(shape), cv2.DIST_L2, 3)
    return found
