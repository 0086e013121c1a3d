"""A photo before and after the person was dressed; matte, outline and edge are read from it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB
from pipeline.core.masks import Mask, box_of
from pipeline.core.rect import Window

Alpha = NDArray[np.uint8]

CLEAR = 8
"""Alpha up to which a pixel shows pure background."""
BODY = 128
"""Alpha from which a pixel counts as body."""
WORK_UNIT = 1.25
"""Larger photos are processed at 1280 px: the repainted canvas has no finer edges than that."""


@dataclass(frozen=True)
class BeforeAfter:
    """A photo before and after.

    Args:
        photo: (h, w, 3) uint8 before.
        dressed: (h, w, 3) uint8 after.
        alpha: (h, w) uint8 matte before, 255 = person.
        changed: (h, w) bool, where it was repainted, at least the pixels that differ.
        unit: pixels that are one pixel in a photo 1024 px long; 0 = from the photo's own size.
    """

    photo: RGB
    dressed: RGB
    alpha: Alpha
    changed: Mask
    unit: float = 0.0

    def __post_init__(self) -> None:
        if self.unit == 0:
            object.__setattr__(self, "unit", max(self.photo.shape[:2]) / 1024)

    def window(self) -> Window | None:
        """The repainted part with a margin for filters, or None when nothing changed."""
        box = box_of(self.changed)
        return None if box is None else box.window(self.changed.shape, round(28 * self.unit) + 4)

    def cut(self, window: Window) -> BeforeAfter:
        """The same, for a window of the photo."""
        return BeforeAfter(self.photo[window], self.dressed[window], self.alpha[window], self.changed[window], self.unit)

    def for_work(self) -> BeforeAfter:
        """The same, scaled down when the photo is larger than edges need."""
        factor = WORK_UNIT / self.unit
        if factor >= 1:
            return self
        size = (max(1, round(self.alpha.shape[1] * factor)), max(1, round(self.alpha.shape[0] * factor)))
        photo, dressed, alpha = (
            cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (self.photo, self.dressed, self.alpha)
        )
        changed = cv2.resize(self.changed.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 0
        return BeforeAfter(photo, dressed, alpha, changed, WORK_UNIT)
