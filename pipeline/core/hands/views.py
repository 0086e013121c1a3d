"""Finding one hand in a picture with the hand network, in square crops round where it must be.

A whole person is too small for the palm detector, so the crops are enlarged. Where a crop is cut decides a little what is found:
the result is asked about in several crops, and the answer that agrees best with the source's hand counts, so that a good hand is
seldom missed; a ruined one agrees in none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Points
from pipeline.core.frame import Frame
from pipeline.core.hands.shape import WRIST, extent
from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Joint
from pipeline.core.people_networks import people_networks

ReadHand = Callable[[RGB], Points | None]
"""(h, w, 3) uint8 RGB of one hand with a margin → (21, 3) x, y in pixels and score, or None when no hand is found."""
CROP_PX = 256
GREY = 127
BEYOND_WRIST, ARM_SIDE = 0.3, 1.1
"""The crop's middle beyond the wrist and its side, as shares of the forearm (docs/facts/keypoints.md#hands)."""
CLOSE_UPS = (2.2, 1.7, 2.8)
"""Sides of the crops round a hand whose place is known, in its extent."""
ALIKE = 0.05
"""Key-points that are this near on average, as a share of the extent, need no further crop."""
SAME_HAND = 0.5
"""A hand whose wrist is farther away than this share of the extent is another hand."""


@dataclass(frozen=True)
class SeenHand:
    """A hand that was found.

    Args:
        points: (21, 2) float32 x, y in pixels of the picture.
        confidence: of the network, in [0, 1].
    """

    points: Points
    confidence: float


@dataclass(frozen=True)
class HandPlace:
    """Where a hand of the photo must be, in its pixels.

    Args:
        wrist, elbow: (2,) x, y.
        points: (21, 2) key-points, or None when pose estimation found no hand there.
    """

    wrist: Points
    elbow: Points
    points: Points | None = None


def places(points: Keypoints, frame: Frame) -> dict[str, HandPlace]:
    """Where the hands of a person must be, in photo pixels: sides whose elbow and wrist, or whose hand, were detected."""
    found = {}
    sides = {
        "left": (Joint.LEFT_ELBOW, Joint.LEFT_WRIST, points.left_hand),
        "right": (Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST, points.right_hand),
    }
    for side, (elbow, wrist, hand) in sides.items():
        seen = np.count_nonzero(hand[:, 2] > 0) >= len(hand)
        if not seen and not points.has(elbow, wrist):
            continue
        ends = frame.points_to_photo(np.stack([points.xy(wrist), points.xy(elbow)]))
        own = frame.points_to_photo(hand[:, :2]).astype(np.float32) if seen else None
        if own is not None and not points.has(elbow, wrist):
            ends = np.stack([own[0], own[0]])
        found[side] = HandPlace(ends[0].astype(np.float32), ends[1].astype(np.float32), own)
    return found


def find_hand(picture: RGB, place: HandPlace, read: ReadHand, like: Points | None = None) -> SeenHand | None:
    """The hand at a place.

    Args:
        picture: (h, w, 3) uint8 RGB.
        place: where it must be.
        read: the hand network.
        like: (21, 2) the source's hand, which the answer is to agree with; None = take the first.

    Returns:
        None when no crop shows a hand whose wrist is there.
    """
    wanted = like if like is not None else place.points
    best: SeenHand | None = None
    for centre, side in _crops(place, wanted):
        seen = _look(picture, centre, side, read)
        if seen is None or not _same_place(seen.points, place, wanted, side):
            continue
        if wanted is None:
            return seen
        if best is None or apart(wanted, seen.points) < apart(wanted, best.points):
            best = seen
        if apart(wanted, best.points) < ALIKE:
            break
    return best


def apart(one: Points, other: Points) -> float:
    """Mean distance of two hands' key-points, as a share of the first one's extent."""
    return float(np.hypot(*(one - other).T).mean()) / max(extent(one), 1.0)


def read_hand(picture: RGB) -> Points | None:
    """(h, w, 3) uint8 RGB → (21, 3), or None. The networks are built when the first hand is asked about."""
    return people_networks().hand(picture)


def cut_square(picture: RGB, centre: Points, side: float, size_px: int, border: int = cv2.BORDER_CONSTANT) -> RGB:
    """A square of the picture at `size_px`, grey outside it; (size_px, size_px, 3) uint8."""
    matrix = to_square(centre, side, size_px)
    flags = cv2.INTER_AREA if size_px < side else cv2.INTER_CUBIC
    grey = (GREY,) * 3
    return np.asarray(cv2.warpAffine(picture, matrix, (size_px, size_px), flags=flags, borderMode=border, borderValue=grey))


def to_square(centre: Points, side: float, size_px: int) -> NDArray[np.float64]:
    """(2, 3) picture pixels → pixels of the square."""
    scale = size_px / side
    corner = np.asarray(centre, np.float64) - side / 2
    return np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])


def _crops(place: HandPlace, wanted: Points | None) -> Iterator[tuple[Points, float]]:
    """Centre and side of each crop: round the known hand, and beyond the wrist."""
    forearm = place.wrist - place.elbow
    side = ARM_SIDE * float(np.hypot(*forearm))
    if wanted is not None:
        centre, reach = (wanted.min(0) + wanted.max(0)) / 2, extent(wanted)
        yield centre, CLOSE_UPS[0] * reach
        if side > 0:
            yield place.wrist + BEYOND_WRIST * forearm, max(side, CLOSE_UPS[1] * reach)
        for times in CLOSE_UPS[1:]:
            yield centre, times * reach
    elif side > 0:
        yield place.wrist + BEYOND_WRIST * forearm, side


def _look(picture: RGB, centre: Points, side: float, read: ReadHand) -> SeenHand | None:
    found = read(cut_square(picture, centre, side, CROP_PX))
    if found is None:
        return None
    points = found[:, :2] * (side / CROP_PX) + np.asarray(centre, np.float32) - np.float32(side / 2)
    return SeenHand(points.astype(np.float32), float(found[WRIST, 2]))


def _same_place(points: Points, place: HandPlace, wanted: Points | None, side: float) -> bool:
    wrist, reach = (place.wrist, side) if wanted is None else (wanted[WRIST], extent(wanted))
    return float(np.hypot(*(points[WRIST] - wrist))) <= SAME_HAND * reach
