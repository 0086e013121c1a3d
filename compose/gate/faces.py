"""Whether the dressed person still has the same face."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Points
from pipeline.core.process import filtered_native_stderr

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


class FaceMesh:
    """mediapipe's landmarks of one face, loaded when the first face is asked about; most runs never ask."""

    def __init__(self) -> None:
        self._mesh: Any = None

    def __call__(self, face: RGB) -> Points | None:
        """(h, w, 3) uint8 RGB → (468, 2) x, y in pixels, or None."""
        with filtered_native_stderr():
            if self._mesh is None:
                self._mesh = _mesh()
            found = self._mesh.process(np.ascontiguousarray(face)).multi_face_landmarks
        if not found:
            return None
        height, width = face.shape[:2]
        return np.array([(point.x * width, point.y * height) for point in found[0].landmark], np.float32)


def _mesh() -> Any:
    os.environ.setdefault("GLOG_minloglevel", "3")
    from mediapipe.python.solutions import face_mesh

    return face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1, min_detection_confidence=0.3)
