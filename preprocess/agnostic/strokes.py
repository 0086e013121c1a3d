"""Strokes, margins and finish that several mask rules share. Masks are (h, w) bool, True = repaint.

Lengths are multiples of `unit_px`, so that a full-body photo gets the same shape as a close-up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import Labels, Points
from pipeline.core.labels import Joint, Parse
from pipeline.core.masks import Mask
from preprocess.person import body_shapes as shapes
from preprocess.person.body import Joints

HIP_STRETCH = (0.8, 1.6)
"""The hips are drawn as wide as the shoulders, within these factors: in profile and seated, trousers stay outside the mask."""
SPECK_SHARE = 0.002
"""Parts below this share of the canvas are dropped."""


@dataclass(frozen=True)
class Margins:
    """How far the mask extends beyond what is worn, in shares of the body's scale (260 px on a VITON-HD photo).

    Args:
        around: beyond the worn garment's outline.
        hem: below its lower edge, over the other garment.
    """

    around: float = 0.046
    hem: float = 0.03


def unit_px(body: Joints) -> int:
    """HR-VITON's r: the shoulder width over 16, from the torso where the shoulders cover each other."""
    return int(max(body.shoulder_width, 0.55 * body.torso_length) // 16) + 1


def line(canvas: NDArray[np.uint8], start: Points, end: Points, width_px: float) -> None:
    """A straight band with flat ends, in place."""
    along = end - start
    length = float(np.hypot(*along))
    if length < 1e-3:
        return
    across = np.array([-along[1], along[0]], np.float32) / length * (width_px / 2)
    shapes.paint(canvas, np.stack([start + across, end + across, end - across, start - across]), 1)


def stretched_hips(body: Joints) -> tuple[Points, Points]:
    """The hip pair as far apart as the shoulders, within `HIP_STRETCH`."""
    right, left, middle = body.at(Joint.RIGHT_HIP), body.at(Joint.LEFT_HIP), body.at(Joint.MID_HIP)
    middle = (right + left) / 2.0 if body.known(Joint.RIGHT_HIP, Joint.LEFT_HIP) else middle
    factor = float(np.clip(body.shoulder_width / max(body.length(Joint.RIGHT_HIP, Joint.LEFT_HIP), 1.0), *HIP_STRETCH))
    return middle + factor * (right - middle), middle + factor * (left - middle)


def arm_drawing(body: Joints, side: str, size: tuple[int, ...], last_px: float) -> Mask:
    """Shoulder ellipse, upper arm, forearm, discs at elbow and wrist; a bone whose end was not detected is left out.

    Args:
        body: the joints.
        side: right or left.
        size: (height, width) of the canvas.
        last_px: radius of the disc at the wrist.
    """
    r = unit_px(body)
    canvas = np.zeros(size, np.uint8)
    shoulder, elbow, wrist = shapes.ARMS[side]
    shapes.paint(canvas, shapes.disc(body.at(shoulder), 5 * r, 6 * r), 1)
    if body.known(elbow):
        line(canvas, body.at(shoulder), body.at(elbow), 10 * r)
        shapes.paint(canvas, shapes.disc(body.at(elbow), 5 * r), 1)
    if body.known(elbow, wrist):
        line(canvas, body.at(elbow), body.at(wrist), 10 * r)
        shapes.paint(canvas, shapes.disc(body.at(wrist), last_px), 1)
    return canvas.astype(bool)


def skirt_of_dress(parse: Labels, body: Joints) -> Mask:
    """The part of a worn dress below the waist: what a lower garment replaces."""
    dress = parse == Parse.DRESS
    below: Mask = dress & (body.along((parse.shape[0], parse.shape[1])) > 0.85) if dress.any() else dress
    return below


def with_margin(worn: Mask, body: Joints, margins: Margins) -> Mask:
    """The worn garment and a rim around it."""
    return masks.dilate(worn, margins.around * body.scale)


def below_the_hem(worn: Mask, body: Joints, margins: Margins) -> Mask:
    """(h, w) bool: True except on what is worn and in a band directly below its lower edge."""
    reach = round(margins.hem * body.scale)
    grown = cv2.dilate(worn.astype(np.uint8), np.ones((2 * reach + 1, 1), np.uint8)).astype(bool) if reach > 0 else worn
    below: Mask = ~grown
    return below


def finished(area: Mask, keep: Mask) -> Mask:
    """Close gaps, fill small holes, take out what is kept, drop specks (docs/facts/agnostic_rules.md#what-goes-wrong).

    Args:
        area: (h, w) bool, what a rule drew.
        keep: (h, w) bool, what must not be repainted.
    """
    closed = masks.tidy(masks.close(area, math.ceil(0.0044 * area.shape[0])), SPECK_SHARE)
    kept = masks.keep_larger(keep & closed, 0.1 * SPECK_SHARE * area.size)
    return masks.keep_larger(closed & ~kept, SPECK_SHARE * area.size)
