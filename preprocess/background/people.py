"""The people of a photo: which detections are the same person, which people count, which one is selected. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.rect import Rect
from preprocess.person.landmarks import Landmarks

BYSTANDER_SHARE = 0.12
"""A person smaller than this share of the largest person's area is a bystander."""
SAME_PERSON = 0.5
"""Two detections that overlap by this share of the smaller one are the same person."""
SURE_PROBABILITY = 0.5
SURE_FACE, FACE_ON_PERSON = 0.7, 0.2
"""A face below the first score, with more than the second share of its box on somebody known, is none."""
HIDDEN_SHARE = 0.5
"""Who is found when the known people are painted over, by this share on them and over this share of them, is their silhouette."""
HEAD_POINTS = slice(0, 11)
SHOULDERS = (11, 12)
TORSO = (11, 12, 24, 23)


@dataclass(frozen=True)
class Detection:
    """One person found in a photo.

    Args:
        body: (33, 4) float32 of x, y, z in photo pixels and visibility; None when only the face was found.
        probability: (h, w) float32 in [0, 1] at the working size, or None with `body`.
        box: where the person is.
        area_px: area in photo pixels.
    """

    body: NDArray[np.float32] | None
    probability: NDArray[np.float32] | None
    box: Rect[float]
    area_px: float


@dataclass(frozen=True)
class Selection:
    """The person whom the run works on, and where the other people are.

    Args:
        landmarks: in photo pixels.
        probability: (h, w) float32 in [0, 1] at the working size: the selected person.
        others: (h, w) float32 in [0, 1] at the working size: all other people; zeros when there are none.
        areas: share of the photo that each counted person covers, from the left.
        chosen: index into `areas`.
        strips: share of the photo that shows parts of further people at its sides; they are in `others` too.
        bodies: (33, 4) landmarks in photo pixels of the other people whose bodies were found.
        touching: whether one of them stands before or behind the selected person.
    """

    landmarks: Landmarks
    probability: NDArray[np.float32]
    others: NDArray[np.float32]
    areas: tuple[float, ...]
    chosen: int
    strips: float = 0.0
    bodies: tuple[NDArray[np.float32], ...] = ()
    touching: bool = False


def merge_faces(faces: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 5) top, left, height, width, score → the same without duplicates, best score first."""
    kept: list[NDArray[np.float32]] = []
    for face in faces[np.argsort(-faces[:, 4], kind="stable")]:
        if all(overlap(box_of_row(face), box_of_row(other)) < SAME_PERSON for other in kept):
            kept.append(face)
    return np.asarray(kept, np.float32).reshape(-1, 5)


def box_of_row(row: NDArray[np.float32]) -> Rect[float]:
    """The box of a face row: top, left, height, width."""
    return Rect(float(row[0]), float(row[1]), float(row[2]), float(row[3]))


def overlap(a: Rect[float], b: Rect[float]) -> float:
    """Shared area as a share of the smaller box, in [0, 1]."""
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    width = min(a.right, b.right) - max(a.left, b.left)
    smaller = min(a.height * a.width, b.height * b.width)
    return 0.0 if height <= 0 or width <= 0 or smaller <= 0 else height * width / smaller


def head_in(face: Rect[float], body: NDArray[np.float32]) -> bool:
    """Whether the head of this body lies in this face box or touches it. body: (33, 4)."""
    centre = body[HEAD_POINTS, :2].mean(0)
    slack_y, slack_x = 0.35 * face.height, 0.35 * face.width
    inside_y = face.top - slack_y <= centre[1] <= face.bottom + slack_y
    return bool(inside_y and face.left - slack_x <= centre[0] <= face.right + slack_x)


def on_torso(face: Rect[float], bodies: Sequence[NDArray[np.float32]]) -> bool:
    """Whether a face lies on somebody's chest or belly: a print, or folds taken for a face. bodies: (33, 4) each."""
    x, y = (float(value) for value in _centre(face))
    return any(
        body[TORSO, 3].min() > SURE_PROBABILITY and cv2.pointPolygonTest(np.ascontiguousarray(body[TORSO, :2]), (x, y), False) > 0
        for body in bodies
    )


def is_silhouette(found: NDArray[np.float32], known: NDArray[np.bool_]) -> bool:
    """Whether somebody found in a picture with the known people painted over is their grey silhouette.

    Args:
        found: (h, w) float32 probability in [0, 1].
        known: (h, w) bool, what was painted over.
    """
    solid = found > SURE_PROBABILITY
    return bool(np.count_nonzero(solid & known) > HIDDEN_SHARE * max(np.count_nonzero(solid), np.count_nonzero(known)))


def is_fancied(face: NDArray[np.float32], known: NDArray[np.bool_]) -> bool:
    """Whether a face of which the network is not sure lies partly on people who are known: folds of a shirt look like one.

    Args:
        face: (5,) top, left, height, width, score.
        known: (h, w) bool, the people whose bodies were found.
    """
    there = known[box_of_row(face).window_around(known.shape, 0, 0)]
    return bool(face[4] < SURE_FACE and there.size and there.mean() > FACE_ON_PERSON)


def without_body(faces: Sequence[Rect[float]], bodies: Sequence[NDArray[np.float32]]) -> list[Rect[float]]:
    """The faces without a body. A body takes one face, the nearest to its head's centre, so two heads close together stay two."""
    left = list(faces)
    for body in bodies:
        centre = body[HEAD_POINTS, :2].mean(0)
        near = [face for face in left if head_in(face, body)]
        if near:
            left.remove(min(near, key=lambda face: float(np.hypot(*(centre - _centre(face))))))
    return left


def _centre(box: Rect[float]) -> NDArray[np.float32]:
    return np.array([box.left + box.width / 2, box.top + box.height / 2], np.float32)


def is_person(body: NDArray[np.float32], probability: NDArray[np.float32], size: tuple[int, int]) -> bool:
    """Whether a detection is a person, not a helmet or a curtain: shoulders are visible, and the pixels at the body are probable.

    Args:
        body: (33, 4) in pixels of a picture of `size`.
        probability: (h, w) of the same picture.
        size: (height, width) of the picture.
    """
    joints = body[[11, 12, 23, 24], :]
    inside = (joints[:, 0] >= 0) & (joints[:, 0] < size[1]) & (joints[:, 1] >= 0) & (joints[:, 1] < size[0])
    seen = joints[inside]
    if len(seen) < 2 or body[SHOULDERS, 3].min() < 0.5:
        return False
    return float(probability[seen[:, 1].astype(int), seen[:, 0].astype(int)].mean()) > SURE_PROBABILITY


def without_bystanders(people: Sequence[Detection]) -> list[Detection]:
    """The people without bystanders, from the left."""
    if not people:
        return []
    limit = BYSTANDER_SHARE * max(each.area_px for each in people)
    counted = [each for each in people if each.area_px >= limit]
    return sorted(counted, key=lambda each: each.box.left + each.box.width / 2)


def choose(people: Sequence[Detection], person: int | None) -> int:
    """Index of the selected person: number `person` from 1 at the left, else the largest whose body was found.

    Raises:
        IndexError: there is no such number.
    """
    if person is None:
        return max(range(len(people)), key=lambda i: (people[i].body is not None, people[i].area_px))
    if not 1 <= person <= len(people):
        raise IndexError(person)
    return person - 1
