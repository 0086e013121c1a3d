"""Whether the dressed person still has the same face."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Points
from pipeline.core.people_networks import people_networks

ReadFace = Callable[[RGB], Points | None]
"""(h, w, 3) uint8 RGB of one face with a margin → (n, 2) x, y in pixels, or None when no face is found."""

MARGIN = 0.6
"""Of the face's size on each side: what a face model wants to see."""
SIDE_PX = 256
OTHER_FACE = 0.25
"""Mean way of the landmarks, as a share of the face's own spread, from which the faces have nothing in common."""


def face_changed(before: RGB, after: RGB, oval: Points) -> bool:
    """Whether a single pixel inside the face differs.

    Args:
        before, after: (h, w, 3) uint8 RGB.
        oval: (n, 2) outline of the face: x, y in pixels.
    """
    window = _window(oval, before.shape[:2], 0.0)
    corner = (window[1].start, window[0].start)
    inside = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.uint8)
    cv2.fillPoly(inside, [np.round(oval - corner).astype(np.int32)], 1)
    return bool((before[window] != after[window]).any(2)[inside > 0].any())


def face_similarity(before: RGB, after: RGB, oval: Points | None, read: ReadFace) -> float | None:
    """How alike the faces of two pictures are, by their landmarks.

    Args:
        before, after: (h, w, 3) uint8 RGB, the photo and the finished picture.
        oval: (n, 2) outline of the face in the photo: x, y in pixels; None or empty when it shows none.
        read: finds the landmarks; not asked when the face is bit-identical.

    Returns:
        In [0, 1]: 1 = bit-identical or every landmark in its place, 0 = no face any more; None when the photo shows none.
    """
    if oval is None or len(oval) < 3:
        return None
    if not face_changed(before, after, oval):
        return 1.0
    window = _window(oval, before.shape[:2], MARGIN)
    was = read(_at_size(before[window]))
    if was is None:
        return None
    now = read(_at_size(after[window]))
    return 0.0 if now is None else landmark_similarity(was, now)


def landmark_similarity(was: Points, now: Points) -> float:
    """1 less the landmarks' mean way as a share of `OTHER_FACE` times the face's spread (root mean square from its middle).

    Args:
        was, now: (n, 2) of the same landmarks in the same coordinates.
    """
    spread = float(np.sqrt(((was - was.mean(0)) ** 2).sum(1).mean()))
    way = float(np.hypot(*(now - was).T).mean())
    return float(np.clip(1 - way / max(OTHER_FACE * spread, 1e-6), 0, 1))


def _window(oval: Points, size: tuple[int, ...], margin: float) -> tuple[slice, slice]:
    """The rows and columns of a face with a margin, cut to the picture."""
    low, high = oval.min(0), oval.max(0) + 1
    low, high = low - margin * (high - low), high + margin * (high - low)
    left, top = (int(np.clip(np.floor(low[axis]), 0, size[1 - axis] - 1)) for axis in (0, 1))
    right, bottom = (int(np.clip(np.ceil(high[axis]), 1, size[1 - axis])) for axis in (0, 1))
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


def _at_size(face: RGB) -> RGB:
    factor = SIDE_PX / max(face.shape[:2])
    size = (max(1, round(face.shape[1] * factor)), max(1, round(face.shape[0] * factor)))
    scaled: RGB = cv2.resize(face, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    return scaled


def read_face(face: RGB) -> Points | None:
    """(h, w, 3) uint8 RGB → (468, 2) x, y in pixels, or None. The networks are built when the first face is asked about."""
    return people_networks().face_mesh(face)
