"""Checks of a garment's outline: is it plausible, and does it fit the category?

All functions take a (h, w) bool mask, True = garment; sizes are relative to the garment's own box.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.labels import Category
from pipeline.core.masks import Mask

MIN_AREA_SHARE = 0.10
MIN_SYMMETRY = 0.72
MAX_ROUGHNESS = 0.035
MAX_BOX_SHARE = 0.975
"""A garment that fills more of its box is a rectangle: perhaps a frame, or the whole picture."""
MAX_UPPER_ASPECT = 1.75
MIN_DRESS_ASPECT = 1.2
MOST_STRETCHES = (2.9, 2.5)
"""Of a row and of a column: garments have up to 2.3 and 1.9, stripes of the ground that were cut with them 3.3 and 4 or more."""
MEASURE_HEIGHT = 256
"""Outlines are measured at this height."""


def cropped(mask: Mask) -> NDArray[np.uint8]:
    """The garment's own box, scaled to `MEASURE_HEIGHT` rows: (256, w) uint8 of 0 and 1."""
    box = masks.box_of(mask)
    if box is None:
        return np.zeros((MEASURE_HEIGHT, 1), np.uint8)
    piece = mask[box.window(mask.shape)].astype(np.float32)
    size = (max(1, round(box.width * MEASURE_HEIGHT / box.height)), MEASURE_HEIGHT)
    scaled: NDArray[np.float32] = cv2.resize(piece, size, interpolation=cv2.INTER_AREA)
    return (scaled >= 0.5).astype(np.uint8)


def symmetry(mask: Mask) -> float:
    """Intersection over union with the mirror image about the best vertical axis; 1 = perfectly symmetric."""
    piece = cropped(mask)
    width = piece.shape[1]
    margin = max(1, width // 8)
    padded = np.pad(piece, ((0, 0), (margin, margin))) > 0
    mirrored = padded[:, ::-1]
    shifts = range(-margin, margin + 1, max(1, margin // 8))
    return max(masks.iou(padded, np.roll(mirrored, shift, axis=1)) for shift in shifts)


def roughness(mask: Mask) -> float:
    """Share of the area in small notches and teeth: the difference of closing and opening by 1.5 % of the height."""
    piece = np.pad(cropped(mask), 8) > 0
    teeth = masks.close(piece, 4) & ~masks.open_(piece, 4)
    return float(teeth.sum() / max(1, piece.sum()))


def stretches(mask: Mask) -> tuple[float, float]:
    """Stretches of garment in the mean row and in the mean column: with sleeves beside the body nearly 3 and 2."""
    piece = np.pad(cropped(mask).astype(np.int8), 1)
    across, along = (float((np.diff(piece, axis=axis) == 1).sum(axis)[1:-1].mean()) for axis in (1, 0))
    return across, along


def aspect(mask: Mask) -> float:
    """Height over width of the garment's box."""
    box = masks.box_of(mask)
    return 0.0 if box is None else box.height / box.width


def box_share(mask: Mask) -> float:
    """Share of its own box that the garment fills."""
    box = masks.box_of(mask)
    return 0.0 if box is None else float(np.count_nonzero(mask) / (box.height * box.width))


def runs(row: NDArray[np.uint8], min_px: float) -> list[tuple[int, int]]:
    """(start, end) of each stretch of garment in one row that is at least `min_px` wide."""
    steps = np.flatnonzero(np.diff(np.pad(row.astype(np.int8), 1)))
    return [(int(a), int(b)) for a, b in zip(steps[::2], steps[1::2], strict=True) if b - a >= min_px]


def has_two_legs(mask: Mask) -> bool:
    """Whether most rows of the lower part show two stretches of similar width with a gap in the middle."""
    return leg_rows(mask) > 0.6


def leg_rows(mask: Mask) -> float:
    """Share of the rows of the lower part that look like two legs, in [0, 1]."""
    piece = cropped(mask)
    width = piece.shape[1]
    return float(np.mean([_is_leg_row(runs(row, 0.12 * width), width) for row in piece[170:246:4]]))


def _is_leg_row(stretches: list[tuple[int, int]], width: int) -> bool:
    if len(stretches) != 2:
        return False
    (a, b), (c, d) = stretches
    return max(b - a, d - c) < 1.6 * min(b - a, d - c) and b < 0.62 * width and c > 0.38 * width


def has_sleeves(mask: Mask) -> bool:
    """Whether there is a body between two sleeves, or short sleeves wider than the body below."""
    piece = cropped(mask)
    width = piece.shape[1]
    apart = np.mean([_is_body_row(runs(row, 0.05 * width), width) for row in piece[90:230:4]])
    widths = piece.sum(1)
    return not has_two_legs(mask) and bool(apart > 0.25 or np.median(widths[50:90]) > 1.25 * np.median(widths[150:240]))


def _is_body_row(stretches: list[tuple[int, int]], width: int) -> bool:
    return len(stretches) == 3 and stretches[1][0] < 0.5 * width < stretches[1][1]


def outline_doubts(mask: Mask, photo_share: float) -> list[str]:
    """What looks wrong with a mask, in words with figures; empty when the mask looks right.

    Args:
        mask: (h, w) bool.
        photo_share: share of the garment's photo that the garment covers.
    """
    doubts = []
    if photo_share < MIN_AREA_SHARE:
        doubts.append(f"the garment covers only {photo_share:.1%} of its picture")
    if (full := box_share(mask)) > MAX_BOX_SHARE:
        doubts.append(f"it is a rectangle ({full:.1%} of its box): perhaps a frame round the garment")
    if (like := symmetry(mask)) < MIN_SYMMETRY:
        doubts.append(f"left and right differ (symmetry {like:.2f})")
    if any(found > most for found, most in zip(stretches(mask), MOST_STRETCHES, strict=True)):
        doubts.append("it falls into stripes: the ground's pattern was cut with it")
    if (rough := roughness(mask)) > MAX_ROUGHNESS:
        doubts.append(f"ragged outline (roughness {rough:.3f})")
    return doubts


def category_doubt(mask: Mask, category: Category) -> str:
    """Why the outline does not fit the category; an empty string when it does."""
    tall = aspect(mask)
    if category is Category.LOWER:
        return "it has sleeves" if has_sleeves(mask) else ""
    if category is Category.UPPER and has_two_legs(mask):
        return "it has two legs"
    if category is Category.UPPER and tall > MAX_UPPER_ASPECT:
        return f"it is {tall:.1f} times as high as wide, like a dress"
    if category is Category.DRESS and tall < MIN_DRESS_ASPECT:
        return f"it is only {tall:.1f} times as high as wide"
    return ""
