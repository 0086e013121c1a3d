"""Whether a hand of the photo is still that hand in a later picture: one judgement for all who ask.

The gate flags by it, the paste and the repair take a new hand by it (docs/hands.md#what-is-measured).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Points
from pipeline.core.hands.shape import extent
from pipeline.core.hands.signs import HandPair, measure_hand
from pipeline.core.hands.views import HandPlace, ReadHand, cut_square, find_hand, to_square
from pipeline.core.masks import Mask

SQUARE_PX, SQUARE = 192, 2.0
"""Side of the square in which two hands are compared, in pixels and in the hand's extent."""
NONE = "none"
"""The sign of a hand that is not found any more."""


@dataclass(frozen=True)
class Cloth:
    """What is cloth in a hand's square; `HandPair` says what each is."""

    worn: Mask | None = None
    garment: Mask | None = None


ReadCloth = Callable[[NDArray[np.float64], RGB], Cloth]
"""(2, 3) picture pixels → pixels of the square, and the later picture's square."""


def unknown_cloth(matrix: NDArray[np.float64], after: RGB) -> Cloth:
    """Nothing is known of the clothes."""
    return Cloth()


@dataclass(frozen=True)
class PhotoHand:
    """A hand as the photo shows it.

    Args:
        photo: (h, w, 3) uint8 RGB.
        place: where it must be.
        points: (21, 2) x, y of the hand that the network sees there.
        read: the hand network.
        cloth: what is cloth in the square.
    """

    photo: RGB
    place: HandPlace
    points: Points
    read: ReadHand
    cloth: ReadCloth = unknown_cloth

    def likeness_in(self, after: RGB) -> tuple[str, float]:
        """The worst sign, and the likeness in [0, 1] of a later picture (h, w, 3) of the same size; 0 where no hand is seen."""
        found = find_hand(after, self.place, self.read, like=self.points)
        if found is None:
            return NONE, 0.0
        return measure_hand(self._pair(after, found.points)).worst()

    def _pair(self, after: RGB, points_after: Points) -> HandPair:
        """Both hands in squares, with what is cloth in each."""
        centre, side = (self.points.min(0) + self.points.max(0)) / 2, SQUARE * extent(self.points)
        matrix = to_square(centre, side, SQUARE_PX)
        square, later = (cut_square(each, centre, side, SQUARE_PX, cv2.BORDER_REPLICATE) for each in (self.photo, after))
        points, moved = (np.asarray(each @ matrix[:, :2].T + matrix[:, 2], np.float32) for each in (self.points, points_after))
        cloth = self.cloth(matrix, later)
        return HandPair(square, later, points, moved, cloth.worn, cloth.garment)


def seen_hand(photo: RGB, place: HandPlace, read: ReadHand, cloth: ReadCloth = unknown_cloth) -> PhotoHand | None:
    """The photo's hand at a place; None where the network sees none."""
    found = find_hand(photo, place, read)
    return None if found is None else PhotoHand(photo, place, found.points, read, cloth)


def mask_in_square(mask: Mask, matrix: NDArray[np.float64]) -> Mask:
    """(n, n) bool: a mask in the square, by the (2, 3) map of its pixels."""
    moved = cv2.warpAffine(mask.astype(np.uint8) * 255, matrix, (SQUARE_PX, SQUARE_PX), flags=cv2.INTER_LINEAR)
    return np.asarray(moved >= 128)
