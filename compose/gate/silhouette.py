"""The person's outline before and after, round what was painted, at one size for every body."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.dressed_matte.before_after import BODY
from compose.dressed_matte.difference import distance
from pipeline.core.arrays import RGB, Points
from pipeline.core.masks import Mask, box_of
from pipeline.core.rect import Window

SHOULDERS_PX = 160
"""Width of the shoulders at which shapes are read: a pixel is about a quarter of a centimetre, whatever the photo's size."""
TORSO = 1.5
"""Neck to hips, in widths of the shoulders: who stands sideways has narrow shoulders and a long torso."""
OF_AREA = 0.36
"""The least width of the shoulders, as a share of the square root of the person's area: all that is known without key-points."""
MARGIN = 0.3
"""What is seen round the paint, in widths of the shoulders."""
PAINTED_LEVELS = 12.0
LARGEST_PX = 1400
"""Longest side of the window; beyond it shoulders are narrower than `SHOULDERS_PX`."""


@dataclass(frozen=True, kw_only=True)
class Silhouette:
    """What is seen round the paint; all arrays have the same height and width.

    Args:
        before, after: (h, w) bool, the person before and after.
        painted: (h, w) bool, where the picture was clearly repainted.
        old, new: (h, w, 3) uint8 RGB, the picture before and after.
        labels: (h, w) uint8 of `Parse`, or None.
        worn: (h, w) bool, the garment that is replaced, or None.
        shoulders: (n, 2) float32 x, y of the shoulders that were found.
    """

    before: Mask
    after: Mask
    painted: Mask
    old: RGB
    new: RGB
    labels: NDArray[np.uint8] | None
    worn: Mask | None
    shoulders: Points


@dataclass(frozen=True, kw_only=True)
class Body:
    """Where a person's shoulders, neck and hips are on the canvas; a row of NaN = not found.

    Args:
        shoulders: (2, 2) float32 x, y.
        spine: (2, 2) float32 x, y of neck and middle of the hips.
    """

    shoulders: Points
    spine: Points

    def width(self, area: float) -> float:
        """Width of the shoulders in canvas pixels, of a person who covers so many of them."""
        across, along = (float(np.linalg.norm(pair[0] - pair[1])) for pair in (self.shoulders, self.spine))
        return float(np.nanmax([across, along / TORSO, OF_AREA * np.sqrt(area)]))


NOWHERE = Body(shoulders=np.full((2, 2), np.nan, np.float32), spine=np.full((2, 2), np.nan, np.float32))


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """One pair on the canvas, all of its size; names as in `Silhouette`.

    Args:
        mask: (h, w) bool, True = may be repainted.
        alpha: (h, w) uint8, the dressed person's matte.
    """

    canvas: RGB
    result: RGB
    mask: Mask
    person: Mask
    alpha: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None
    worn: Mask | None
    body: Body


def silhouette_of(pictures: Pictures) -> Silhouette | None:
    """The outlines round what was painted; None where nobody is or nothing was painted."""
    new = np.where(pictures.mask[..., None], pictures.result, pictures.canvas)
    painted = pictures.mask & (distance(pictures.canvas, new) > PAINTED_LEVELS)
    box, area = box_of(painted), int(np.count_nonzero(pictures.person))
    if box is None or not area:
        return None
    width = pictures.body.width(area)
    window = box.window(painted.shape, round(MARGIN * width) + 1)
    scale = min(SHOULDERS_PX / width, LARGEST_PX / max(each.stop - each.start for each in window))
    origin = np.array([window[1].start, window[0].start], np.float32)
    shoulders = pictures.body.shoulders[~np.isnan(pictures.body.shoulders).any(1)]
    view = _View(window, scale)
    return Silhouette(
        before=view.mask(pictures.person),
        after=view.picture(pictures.alpha) >= BODY,
        painted=view.mask(painted),
        old=view.picture(pictures.canvas),
        new=view.picture(new),
        labels=None if pictures.labels is None else view.picture(pictures.labels, cv2.INTER_NEAREST),
        worn=None if pictures.worn is None else view.mask(pictures.worn),
        shoulders=(shoulders - origin) * scale,
    )


@dataclass(frozen=True)
class _View:
    """A window of the canvas at another scale."""

    window: Window
    scale: float

    def picture(self, whole: NDArray[np.uint8], how: int | None = None) -> NDArray[np.uint8]:
        if how is None:
            how = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        part = np.ascontiguousarray(whole[self.window])
        size = [max(1, round(side * self.scale)) for side in part.shape[1::-1]]
        return np.asarray(cv2.resize(part, size, interpolation=how))

    def mask(self, whole: Mask) -> Mask:
        return self.picture(whole.view(np.uint8) * np.uint8(255)) > 127
