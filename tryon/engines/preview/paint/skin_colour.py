"""The colours of bare skin that the photo does not show."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.labels import LEG_LABELS, Category, Parse
from pipeline.core.masks import dilate, erode
from tryon.engines.preview.paint.fill import fill_smoothly
from tryon.engines.preview.paint.layers import FloatRGB, three_channels
from tryon.engines.preview.paint.skin import SHADE_TINT, Skin
from tryon.engines.preview.person.subject import SKIN_LABELS, Subject

OWN_REACH = 0.22
"""As a share of the skeleton's scale: up to this distance from visible skin, its own colour counts more than the usual tone."""
CHIN_SHADE = 0.24
"""Darkness of the head's shadow on the neck."""
MOTTLE = 0.008
"""Skin is not of one colour: slow variation of its brightness, as a share."""


def skin_colour(subject: Subject, skin: Skin) -> FloatRGB:
    """(h, w, 3) float32: the person's own colours near visible skin, the usual tone elsewhere, with the photo's grain."""
    labels = {Category.UPPER: SKIN_LABELS, Category.LOWER: LEG_LABELS, Category.DRESS: (*SKIN_LABELS, *LEG_LABELS)}[
        subject.category
    ]
    known = erode(subject.mask_of(*labels) & ~dilate(subject.replaced, 3), 2)
    noise = _noise(subject.size, skin.grain, subject.skeleton.scale)
    if np.count_nonzero(known) < 100:
        return skin.tone + noise
    near = cv2.resize(known.astype(np.float32), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    near = cv2.GaussianBlur(near, (0, 0), max(OWN_REACH * subject.skeleton.scale / 4, 1.0))
    share = np.clip(cv2.resize(near, subject.size[::-1], interpolation=cv2.INTER_LINEAR) * 5, 0, 1)
    colour: FloatRGB = skin.tone + (fill_smoothly(subject.image, known) - skin.tone) * three_channels(share) + noise
    return colour


def _noise(size: tuple[int, int], grain: float, scale: float) -> FloatRGB:
    """(h, w, 3) grain to add to colours; equal sizes get equal grain."""
    source = np.random.default_rng(7)
    fine = cv2.GaussianBlur(source.standard_normal(size, dtype=np.float32), (0, 0), 0.6) * (1.5 * grain)
    coarse = source.standard_normal((max(2, size[0] // 8), max(2, size[1] // 8)), dtype=np.float32)
    slow = cv2.GaussianBlur(coarse, (0, 0), max(0.05 * scale / 8, 0.5))
    slow *= MOTTLE * 180 / max(float(slow.std()), 1e-6)
    return three_channels(fine + cv2.resize(slow, size[::-1], interpolation=cv2.INTER_LINEAR))


def shaded_by_head(subject: Subject, colour: FloatRGB) -> FloatRGB:
    """(h, w, 3) the colours with the head's shadow on neck and chest: light comes from above."""
    scale = subject.skeleton.scale
    head = subject.mask_of(Parse.FACE, Parse.HAIR).astype(np.float32)
    small = cv2.GaussianBlur(cv2.resize(head, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), (0, 0), 0.06 * scale / 4)
    shifted = cv2.warpAffine(
        small, np.array([[1, 0, 0], [0, 1, 0.09 * scale / 4]], np.float32), small.shape[::-1], borderMode=cv2.BORDER_REPLICATE
    )
    shade = cv2.resize(shifted, subject.size[::-1], interpolation=cv2.INTER_LINEAR)
    darker: FloatRGB = colour * (1 - CHIN_SHADE * three_channels(shade) * SHADE_TINT)
    return darker
