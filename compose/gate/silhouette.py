"""The person's outline before and after, round what was painted, at one size for every body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.dressed_matte.before_after import BODY
from compose.dressed_matte.difference import distance
from compose.gate.discs import Discs
from pipeline.core.arrays import RGB, Points
from pipeline.core.masks import Mask, box_of, bytes_of
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
        alpha: (h, w) uint8, the dressed person's matte.
        shoulders: (n, 2) float32 x, y of the shoulders that were found.
        body: joints, face and hands.
    """

    before: Mask
    after: Mask
    painted: Mask
    old: RGB
    new: RGB
    labels: NDArray[np.uint8] | None
    worn: Mask | None
    alpha: NDArray[np.uint8]
    shoulders: Points
    body: Body

    @cached_property
    def discs_before(self) -> Discs:
        """Of the person before."""
        return Discs(self.before)

    @cached_property
    def discs_after(self) -> Discs:
        """Of the person after."""
        return Discs(self.after)


@dataclass(frozen=True, kw_only=True)
class Body:
    """Where parts of a person are in a picture: float32 x, y; NaN = not found.

    Args:
        shoulders: (2, 2).
        spine: (2, 2) of neck and middle of the hips.
        arms: (2, 3, 2) of shoulder, elbow and wrist on both sides.
        face: (n, 2) outline of the face; none where it was not found.
        hands: (21, 2) key-points of each hand that was found.
    """

    shoulders: Points
    spine: Points
    arms: Points = field(default_factory=lambda: np.full((2, 3, 2), np.nan, np.float32))
    face: Points = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    hands: tuple[Points, ...] = ()

    def moved(self, move: Callable[[Points], Points]) -> Body:
        """The same body in another picture; `move` takes points (n, 2) there."""
        return Body(
            shoulders=move(self.shoulders),
            spine=move(self.spine),
            arms=move(self.arms.reshape(-1, 2)).reshape(self.arms.shape),
            face=move(self.face),
            hands=tuple(move(each) for each in self.hands),
        )

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
    painted = _painted(pictures)
    box, area = box_of(painted), int(np.count_nonzero(pictures.person))
    if box is None or not area:
        return None
    width = pictures.body.width(area)
    window = box.window(painted.shape, round(MARGIN * width) + 1)
    scale = min(SHOULDERS_PX / width, LARGEST_PX / max(each.stop - each.start for each in window))
    view = _View(window, scale)
    body, alpha = pictures.body.moved(view.points), view.picture(pictures.alpha)
    return Silhouette(
        before=view.mask(pictures.person),
        after=alpha >= BODY,
        painted=view.mask(painted),
        old=view.picture(pictures.canvas),
        new=view.scaled(cv2.copyTo(pictures.result[window], bytes_of(pictures.mask[window]), pictures.canvas[window].copy())),
        labels=None if pictures.labels is None else view.picture(pictures.labels, cv2.INTER_NEAREST),
        worn=None if pictures.worn is None else view.mask(pictures.worn),
        alpha=alpha,
        shoulders=body.shoulders[~np.isnan(body.shoulders).any(1)],
        body=body,
    )


def _painted(pictures: Pictures) -> Mask:
    """(h, w) bool: where the mask was clearly repainted."""
    painted = np.zeros_like(pictures.mask)
    box = box_of(pictures.mask)
    if box is not None:
        window = box.window(painted.shape)
        away = distance(pictures.canvas[window], pictures.result[window])
        painted[window] = pictures.mask[window] & (away > PAINTED_LEVELS)
    return painted


@dataclass(frozen=True)
class _View:
    """A window of the canvas at another scale."""

    window: Window
    scale: float

    def picture(self, whole: NDArray[np.uint8], how: int | None = None) -> NDArray[np.uint8]:
        return self.scaled(whole[self.window], how)

    def scaled(self, part: NDArray[np.uint8], how: int | None = None) -> NDArray[np.uint8]:
        if how is None:
            how = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        part = np.ascontiguousarray(part)
        size = [max(1, round(side * self.scale)) for side in part.shape[1::-1]]
        return np.asarray(cv2.resize(part, size, interpolation=how))

    def points(self, whole: Points) -> Points:
        return (whole - np.array([self.window[1].start, self.window[0].start], np.float32)) * np.float32(self.scale)

    def mask(self, whole: Mask) -> Mask:
        return self.scaled(whole[self.window].view(np.uint8) * np.uint8(255)) > 127
