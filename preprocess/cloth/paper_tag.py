"""A paper tag on a garment: one light, even rectangle among other colours. It cannot be told what is under it, so it is named.

A label sewn into the collar belongs to the garment, and several rectangles are its pattern.
Facts: docs/facts/embedded_methods.md#paper-tags.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import RGB, Float
from pipeline.core.flags import Flag, Notice
from pipeline.core.masks import Mask
from pipeline.core.pixels.colour import to_lab

HEIGHT = 512
"""The garment's box is read at this height."""
LIGHT, PALE = 66.0, 26.0
"""Paper, white or brown, has at least this lightness and at most this chroma."""
STEP = 18.0
"""Least Lab distance between a tag and the median of what is around it."""
AROUND = 0.33
"""Side of the square in which that median is taken, as a share of the garment's height: larger than a tag."""
STRING = 5
"""What is narrower than twice this many of those rows is a string or a seam that touches the tag."""
AREA = (0.0025, 0.035)
"""A tag has such a share of the garment's area ..."""
SIDES = (1.15, 3.6)
"""... a longer side of so many shorter ones ..."""
FILLED = 0.86
"""... fills so much of the smallest rectangle around it ..."""
SOLID = 0.85
"""Writing and a hole leave this share of a tag; less is a letter, such as a bold O."""
CLEAR = 0.8
"""... and has an edge along this share of its outline."""
COLLAR_ROWS, COLLAR_COLUMNS = 0.2, 0.16
"""The label of a collar lies above the first share of the height, within the second of the middle."""
MOST = 2
"""More rectangles are a pattern."""


def tag_notices(rgb: RGB, alpha: NDArray[np.uint8]) -> list[Notice]:
    """The flag of a paper tag.

    Args:
        rgb: (h, w, 3) uint8.
        alpha: (h, w) uint8, 255 = garment.
    """
    found = tags(rgb, alpha > 127)
    return [Notice(Flag.PAPER_TAG, f"a light rectangle on {found[0]:.1%} of it")] if 0 < len(found) <= MOST else []


def tags(rgb: RGB, garment: Mask) -> list[float]:
    """Areas of the light rectangles on a garment, as shares of its area."""
    box = masks.box_of(garment)
    if box is None:
        return []
    window = box.window(garment.shape)
    size = (max(1, round(box.width * HEIGHT / box.height)), HEIGHT)
    lab = to_lab(cv2.resize(rgb[window], size, interpolation=cv2.INTER_AREA))
    inside = cv2.resize(masks.bytes_of(garment[window]), size, interpolation=cv2.INTER_NEAREST) > 0
    light = (
        inside & (lab[..., 0] > LIGHT) & (np.hypot(lab[..., 1], lab[..., 2]) < PALE) & (_from_surroundings(lab, inside) > STEP)
    )
    numbers, areas = masks.components(masks.open_(masks.fill_holes(light), STRING))
    whole = np.count_nonzero(inside)
    candidates = np.flatnonzero((areas > AREA[0] * whole) & (areas < AREA[1] * whole))
    parts = [(float(areas[number] / whole), numbers == number) for number in candidates if number]
    return [share for share, part in parts if light[part].mean() > SOLID and _is_tag(part, lab)]


def _from_surroundings(lab: Float, inside: Mask) -> Float:
    """(h, w) float32: distance of each pixel to the median colour of the garment around it."""
    side = round(AROUND * HEIGHT / 4) | 1
    small = cv2.resize(np.where(inside[..., None], lab, lab[inside].mean(0)).astype(np.float32), None, fx=0.25, fy=0.25)
    shifted = np.clip(small + np.array([0, 128, 128], np.float32), 0, 255).astype(np.uint8)
    median = cv2.medianBlur(shifted, side).astype(np.float32) - np.array([0, 128, 128], np.float32)
    around = cv2.resize(median, lab.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    far: Float = np.linalg.norm(lab - around, axis=2).astype(np.float32)
    return far


def _is_tag(part: Mask, lab: Float) -> bool:
    height, width = part.shape
    outlines, _ = cv2.findContours(masks.bytes_of(part), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=len)
    (x, y), (across, down), _ = cv2.minAreaRect(outline)
    shorter, longer = sorted((across + 1, down + 1))
    if y < COLLAR_ROWS * height and abs(x - width / 2) < COLLAR_COLUMNS * width:
        return False
    if not SIDES[0] < longer / shorter < SIDES[1] or cv2.contourArea(outline) + len(outline) / 2 < FILLED * longer * shorter:
        return False
    lightness = cv2.GaussianBlur(np.ascontiguousarray(lab[..., 0]), (0, 0), 1)
    ring = np.ones((9, 9), np.uint8)
    steps = cv2.dilate(lightness, ring) - cv2.erode(lightness, ring)
    columns, rows = outline[:, 0].T
    return bool((steps[rows, columns] > STEP / 2).mean() > CLEAR)
