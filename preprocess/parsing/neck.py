"""The neck for models without one: CIHP's 10 from the face below the jaw, and from unlabelled pixels there.

Facts: docs/facts/label_lists.md#lip-is-not-cihp.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import Labels, Points
from pipeline.core.labels import Joint, Parse
from pipeline.core.masks import Mask
from preprocess.person import body_shapes as shapes
from preprocess.person.body import Joints

CHIN = 0.5
"""Without a face outline, the chin is at this share of the way from the nose to the shoulder line."""
MOUTH = 0.45
"""The neck begins at this share of the way from the nose to the chin: ears and temples above it stay face."""


def derive_neck(labels: Labels, body: Joints, person: Mask) -> Labels:
    """Label the neck.

    Args:
        labels: (h, w) uint8 of `Parse` without a neck: it is part of the face (ATR) or unlabelled (LIP).
        body: joints in pixels of `labels`.
        person: (h, w) bool, True = person.

    Returns:
        (h, w) uint8 of `Parse`; the face ends at the jaw.
    """
    size = (labels.shape[0], labels.shape[1])
    below = _below_mouth(body, size)
    result = labels.copy()
    result[(labels == Parse.FACE) & below & ~_face(body, size)] = Parse.NECK
    unlabelled = (labels == Parse.BACKGROUND) & person & below
    result[unlabelled & shapes.painted(size, [shapes.neck(body)])] = Parse.NECK
    return result


def no_neck_above_mouth(labels: Labels, body: Joints) -> Labels:
    """Where two models disagree about the edge of the face, a rim of neck surrounds the forehead; relabel it as face."""
    above = (labels == Parse.NECK) & ~_below_mouth(body, (labels.shape[0], labels.shape[1]))
    result: Labels = np.where(above, np.uint8(Parse.FACE), labels).astype(np.uint8)
    return result


def _chin(body: Joints) -> Points:
    """(2,) x, y of the lowest point of the face, along the body."""
    if len(body.face_oval) >= 5:
        lowest: Points = body.face_oval[int(np.argmax(body.face_oval @ body.down))]
        return lowest
    nose, neck = body.at(Joint.NOSE), body.at(Joint.NECK)
    return nose + CHIN * (neck - nose)


def _below_mouth(body: Joints, size: tuple[int, int]) -> Mask:
    """(height, width) bool: below the mouth along the body."""
    nose, down = body.at(Joint.NOSE), body.down
    limit = nose @ down + MOUTH * ((_chin(body) - nose) @ down)
    rows, columns = np.indices(size, np.float32)
    below: Mask = columns * down[0] + rows * down[1] > limit
    return below


def _face(body: Joints, size: tuple[int, int]) -> Mask:
    """(height, width) bool: the face down to the jaw."""
    face = np.zeros(size, np.uint8)
    if len(body.face_oval) >= 5:
        cv2.fillPoly(face, [np.round(body.face_oval).astype(np.int32)], 1)
        return face > 0
    nose, chin = body.at(Joint.NOSE), _chin(body)
    height = max(float(np.hypot(*(chin - nose))), 2.0)
    angle = float(np.degrees(np.arctan2(body.down[0], body.down[1])))
    axes = (round(0.85 * height), round(height))
    cv2.ellipse(face, (round(float(nose[0])), round(float(nose[1]))), axes, -angle, 0, 360, 1, -1)
    return face > 0
