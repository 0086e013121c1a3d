"""`ootd-hd-compat`, `ootd-dc-compat`: OOTDiffusion's published rule to the pixel, bugs included.

Facts: docs/facts/agnostic_rules.md#ootd.

For comparisons with OOTDiffusion's own results; otherwise use `ootd.py`. Kept on purpose: coordinates are cut to
unsigned 16 bits, so that a joint left of the picture is drawn at its right edge; only a missing wrist is checked for; only the
largest part of the mask stays; holes are filled whatever they contain.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw

from pipeline.core import masks
from pipeline.core.arrays import Labels, Points64
from pipeline.core.labels import Atr, Category, Joint
from pipeline.core.masks import Mask
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.ootd import FOREARM, ROWS, STRIP_PX
from preprocess.person.keypoint_tables import coco_18_from_body_25
from preprocess.person.label_tables import ATR_FROM_CIHP, converted
from preprocess.person.sides import with_worn_sides

SIZE = (512, 384)
"""(height, width) at which the published code works."""
HEAD = (Atr.HAT, Atr.SUNGLASSES, Atr.FACE)
ALWAYS_KEPT = (Atr.LEFT_SHOE, Atr.RIGHT_SHOE, Atr.HAT, Atr.SUNGLASSES, Atr.BAG)
REPLACED: dict[Category, tuple[Atr, ...]] = {
    Category.UPPER: (Atr.UPPER_CLOTHES, Atr.DRESS),
    Category.LOWER: (Atr.SKIRT, Atr.PANTS, Atr.LEFT_LEG, Atr.RIGHT_LEG),
    Category.DRESS: (Atr.UPPER_CLOTHES, Atr.DRESS, Atr.SKIRT, Atr.PANTS),
}
KEPT: dict[Category, tuple[Atr, ...]] = {
    Category.UPPER: (Atr.SKIRT, Atr.PANTS),
    Category.LOWER: (Atr.UPPER_CLOTHES, Atr.LEFT_ARM, Atr.RIGHT_ARM),
    Category.DRESS: (),
}
ARMS = {
    Atr.RIGHT_ARM: [Joint.RIGHT_SHOULDER, Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST],
    Atr.LEFT_ARM: [Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW, Joint.LEFT_WRIST],
}
"""COCO-18 and BODY_25 have the same numbers for the arms."""


def ootd_hd_compat(category: Category, conditions: Conditions) -> Mask:
    """(h, w) bool, True = repaint: the published rule for the half-body model."""
    return _on_canvas(category, conditions, STRIP_PX["hd"])


def ootd_dc_compat(category: Category, conditions: Conditions) -> Mask:
    """(h, w) bool, True = repaint: the published rule for the full-body model."""
    return _on_canvas(category, conditions, STRIP_PX["dc"])


def _on_canvas(category: Category, conditions: Conditions, strip_px: int) -> Mask:
    """Convert the project's labels and joints to those of the rule, and the mask back to the canvas."""
    height, width = conditions.size
    labels = converted(with_worn_sides(conditions.parse), ATR_FROM_CIHP)
    points = coco_18_from_body_25(np.column_stack([conditions.body.xy, conditions.body.seen]).astype(np.float32))
    inside = (points[:, :2] >= 0).all(1) & (points[:, 0] < width) & (points[:, 1] < height) & (points[:, 2] > 0)
    grid = points[:, :2].astype(np.float64) * (SIZE[1] / width, SIZE[0] / height)
    mask = published_mask(category, labels, np.where(inside[:, None], grid, 0.0), strip_px, SIZE)
    enlarged: Mask = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)
    return enlarged


def published_mask(category: Category, labels: Labels, points: Points64, strip_px: int, size: tuple[int, int] = SIZE) -> Mask:
    """The rule on its own inputs.

    Args:
        category: which garment is replaced.
        labels: (h, w) uint8 of `Atr`, neck included; brought to `size` by nearest neighbour.
        points: (18, 2) COCO order, in pixels of 512 × 384; (0, 0) = missing.
        strip_px: width of an arm's strip at 512 rows, see `STRIP_PX`.
        size: (height, width) to work at; dilation does not scale with it, strips and points do.

    Returns:
        (height, width) bool, True = repaint.
    """
    parse = cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST)
    head = masks.labelled(parse, HEAD)
    kept = masks.labelled(parse, (*ALWAYS_KEPT, *KEPT[category]))
    target = _grown(masks.labelled(parse, REPLACED[category]), 5)
    if category is not Category.LOWER:
        arms, hands = _arms(parse, points * (size[0] / ROWS), int(strip_px / ROWS * size[0]))
        kept |= hands
        target |= _grown(arms, 4) | (_grown(parse == Atr.NECK, 1) & ~head)
    return _largest_filled(target & ~kept & ~head)


def _arms(parse: Labels, points: Points64, width_px: int) -> tuple[Mask, Mask]:
    """(h, w) bool each: the regions of both arms, and what is kept of the arms outside their strips."""
    arms, hands = np.zeros(parse.shape, bool), np.zeros(parse.shape, bool)
    for label, joints in ARMS.items():
        shoulder, elbow, wrist = points[joints]
        bare = parse == label
        if (wrist <= 1).all():
            arms |= bare
            continue
        chain = np.stack([shoulder, elbow, elbow + FOREARM * (wrist - elbow)])
        drawn = chain if label is Atr.RIGHT_ARM else chain[::-1]  # the published code draws the left arm from its wrist
        strip = _strip(drawn, shoulder, width_px, (parse.shape[0], parse.shape[1]))
        arms |= strip
        hands |= bare & ~strip
    return arms, hands


def _strip(chain: Points64, shoulder: Points64, width_px: int, size: tuple[int, int]) -> Mask:
    """Pillow's band through three points, cut to unsigned 16 bits, and a ring at the shoulder that is not."""
    canvas = Image.new("L", (size[1], size[0]))
    pen = ImageDraw.Draw(canvas)
    pen.line(chain.reshape(-1).astype(np.int64).astype(np.uint16).tolist(), 255, width_px, "curve")
    half = width_px // 2
    x, y = shoulder
    pen.arc([x - half, y - half, x + half, y + half], 0, 360, 255, half)
    strip: Mask = np.asarray(canvas) > 0
    return strip


def _grown(mask: Mask, times: int) -> Mask:
    grown: Mask = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8), iterations=times).astype(bool)
    return grown


def _largest_filled(mask: Mask) -> Mask:
    """Clear the picture's rim, fill what the corner cannot reach, keep the contour of the largest area."""
    rim = np.pad(mask.astype(np.uint8)[1:-1, 1:-1] * 255, 1)
    outside = rim.copy()
    cv2.floodFill(outside, np.zeros((rim.shape[0] + 2, rim.shape[1] + 2), np.uint8), (0, 0), 255)
    contours, _ = cv2.findContours(rim | ~outside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_TC89_L1)
    canvas = np.zeros_like(rim)
    if contours:
        areas = [abs(cv2.contourArea(contour)) for contour in contours]
        cv2.drawContours(canvas, contours, int(np.argmax(areas)), 255, -1)
    return canvas > 0
