"""Parts of a cut-out that are no garment: hangers, stands and scraps are taken away, and a mannequin's neck is named.

Straps are thin too. A hanger stands out above the middle of the garment, and differs from it in colour or begins with one single
wire, where the loop of a halter has two.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import RGB, Lab
from pipeline.core.flags import Flag, Notice
from pipeline.core.masks import Mask
from pipeline.core.pixels.colour import to_lab
from pipeline.core.rect import Rect
from preprocess.cloth.ground_colour import size_of

Alpha = NDArray[np.uint8]

THIN = 0.018
"""Half the width of the thickest bar of a hanger, as a share of the garment's height."""
UPPER_PART = 0.4
"""A hanger's parts lie in this share of the garment's height, from the top."""
OTHER_COLOUR = 14.0
"""Least Lab distance between the garment's colours and something that is none of it."""
MIDDLE = 0.08
"""Half width of the middle as a share of the garment's width."""
ABOVE = 0.03
"""As a share of the garment's height: how far a hook stands out above the garment."""
NECK_WIDTH = (0.06, 0.4)
"""A mannequin's neck is this share of the garment's width."""
NECK_HEIGHT = 0.04
SHADE_CHROMA, SHADE_HUE = 30.0, 12.0
"""Least chroma, and largest difference of hue in degrees, of the garment's own inside in shadow; skin has 15 to 30."""
MOST_WIRE = 0.04
"""A hanger in the garment's colour is at most this share of the garment's area; straps that it touches are more."""
LEAST_STEM = 0.02
"""Least height of a hook's stem, as a share of the garment's height."""
POLE_WIDTH, POLE_HEIGHT = 0.1, 0.06
"""A stand is at most twice the first of the garment's width wide and at least the second of its height long."""
PIECE = 0.12
"""A separate part with less than this share of the garment's area is a scrap ..."""
FAR = 0.04
"""... and far from the garment when all of it is farther from its box than this share of the box's longer side."""


@dataclass(frozen=True)
class ForeignParts:
    """What was found on a cut-out.

    Args:
        alpha: (h, w) uint8 without hanger, stand and scraps.
        hanger: whether there was one.
        mannequin: what shows of one, in words; empty when nothing does.
    """

    alpha: Alpha
    hanger: bool
    mannequin: str

    @property
    def notices(self) -> tuple[Notice, ...]:
        """A flag for each."""
        found = [Notice(Flag.HANGER_REMOVED)] if self.hanger else []
        return tuple([*found, Notice(Flag.MANNEQUIN_SEEN, self.mannequin)] if self.mannequin else found)


def without_foreign_parts(rgb: RGB, alpha: Alpha) -> ForeignParts:
    """Take hanger, stand and scraps away, and look for a neck.

    Args:
        rgb: (h, w, 3) uint8.
        alpha: (h, w) uint8, 255 = garment; not empty.
    """
    cleaned = _without_scraps(rgb, alpha)
    mask = cleaned > 127
    box = masks.box_of(mask)
    if box is None:
        return ForeignParts(alpha, False, "")
    window = box.window(mask.shape)
    part, lab = mask[window], to_lab(rgb[window])
    foreign = _unlike_the_garment(lab, part)
    wire, stand = _hanger(part, foreign), _stand(part)
    mannequin = "a stand below the hem was cut away" if stand.any() else ""
    if not wire.any() and _has_neck(part, foreign, lab):
        mannequin = "a neck in the collar"
    if wire.any() or stand.any():
        cleaned[window][masks.dilate(wire | stand, 2)] = 0
        cleaned[~masks.dilate(masks.largest(cleaned > 127), 3)] = 0
    return ForeignParts(cleaned, bool(wire.any()), mannequin)


def _without_scraps(rgb: RGB, alpha: Alpha) -> Alpha:
    """(h, w) uint8 without small separate parts that are far from the garment or have none of its colours."""
    mask, cleaned = alpha > 127, alpha.copy()
    numbers, areas = masks.components(mask)
    main = int(np.argmax(areas[1:])) + 1 if len(areas) > 1 else 0
    scraps = [number for number in range(1, len(areas)) if areas[number] < PIECE * areas[main]]
    if not scraps:
        return cleaned
    garment = numbers == main
    box = masks.box_of(garment)
    assert box is not None
    near = np.zeros(mask.shape, bool)
    near[box.window(mask.shape, round(FAR * box.longer_side))] = True
    unlike = _unlike_the_garment(to_lab(rgb), garment, mask)
    for number in scraps:
        here = numbers == number
        if not near[here].any() or unlike[here].mean() > 0.5:
            cleaned[masks.dilate(here, 3) & ~masks.dilate(garment, 3)] = 0
    return cleaned


def _stand(mask: Mask) -> Mask:
    """(h, w) bool: one narrow pole in the middle below the hem of a mannequin; empty without one."""
    height, width = mask.shape
    none = np.zeros(mask.shape, bool)
    middle = np.abs(np.arange(width) - width / 2) < POLE_WIDTH * width
    only_pole = np.asarray(mask.any(axis=1) & ~mask[:, ~middle].any(axis=1))
    foot = height - int(np.argmin(only_pole[::-1])) if not only_pole.all() else height
    if height - foot < POLE_HEIGHT * height:
        return none
    none[foot:] = mask[foot:]
    return none


def _unlike_the_garment(lab: Lab, garment: Mask, mask: Mask | None = None) -> Mask:
    """(h, w) bool: where the colour is none of those in the garment's lower part, which no hanger and no neck reaches.

    Args:
        lab: (h, w, 3) float32.
        garment: (h, w) bool: what surely is garment, at least in its lower part.
        mask: (h, w) bool: where to look; None = in the garment itself.
    """
    mask = garment if mask is None else mask
    rows = np.arange(garment.shape[0])[:, None]
    body = lab[masks.erode(garment, 3) & (rows > UPPER_PART * garment.shape[0])]
    if len(body) < 50:
        return np.zeros(mask.shape, bool)
    samples = body[:: max(1, len(body) // 4000)].astype(np.float32)
    cv2.setRNGSeed(0)  # the same garment gives the same parts, whatever was cut before
    _, _, centres = cv2.kmeans(samples, 5, np.empty(0), (cv2.TERM_CRITERIA_MAX_ITER, 10, 0), 1, cv2.KMEANS_PP_CENTERS)
    nearest = np.min([size_of(lab - centre) for centre in centres], axis=0)
    unlike: Mask = mask & (nearest > OTHER_COLOUR)
    return unlike


def _hanger(mask: Mask, foreign: Mask) -> Mask:
    """(h, w) bool: wire, bar and hook; empty when there is no hook above the middle."""
    height, width = mask.shape
    reach = max(2, round(THIN * height))
    padded = np.pad(mask, 2 * reach)
    solid = masks.open_(padded, reach)[2 * reach : -2 * reach, 2 * reach : -2 * reach]
    thin = mask & ~solid & (np.arange(height)[:, None] < UPPER_PART * height)
    numbers, areas = masks.components(thin)
    share = np.bincount(numbers[foreign], minlength=len(areas)) / np.maximum(areas, 1)
    parts = (share > 0.5) & (areas > 20)
    small = (areas > 20) & (areas < MOST_WIRE * np.count_nonzero(mask))
    parts |= small & np.array([_has_stem(numbers == number, 3 * reach) for number in range(len(areas))])
    parts[0] = False
    wire: Mask = parts[numbers]
    left = mask & ~wire
    if not wire.any() or not left.any():
        return np.zeros(mask.shape, bool)
    top = _rows(masks.largest(left))[0]
    middle = np.abs(np.arange(width) - width / 2) < MIDDLE * width
    hook = wire & middle[None, :]
    return wire if hook.any() and _rows(hook)[0] < top - ABOVE * height else np.zeros(mask.shape, bool)


def _has_stem(part: Mask, widest_px: int) -> bool:
    """Whether a part is one single wire in the middle over a stretch of rows: a hook's stem, and not the loop of a halter."""
    width = part.shape[1]
    rows = _rows(part)
    if not len(rows):
        return False
    starts = np.count_nonzero(np.diff(np.pad(part[rows].astype(np.int8), ((0, 0), (1, 0))), axis=1) == 1, axis=1)
    centre = part[rows] @ np.arange(width) / np.maximum(part[rows].sum(1), 1)
    stem = (starts == 1) & (part[rows].sum(1) <= widest_px) & (np.abs(centre - width / 2) < MIDDLE * width)
    return bool(np.count_nonzero(stem) >= LEAST_STEM * part.shape[0])


def _has_neck(mask: Mask, foreign: Mask, lab: Lab) -> bool:
    """Whether something thicker than wire, and unlike the garment, stands in the middle at its upper end."""
    garment = np.median(lab[mask], 0)
    height, width = mask.shape
    part = masks.open_(foreign & (np.arange(height)[:, None] < UPPER_PART * height), max(1, round(0.01 * height)))
    numbers, areas = masks.components(part)
    for number in np.flatnonzero(areas > 0.002 * np.count_nonzero(mask)):
        box = masks.box_of(numbers == number) if number else None
        neck = box is not None and _is_neck(box, height, width)
        if neck and not _in_shadow(np.median(lab[numbers == number], 0), garment):
            return True
    return False


def _in_shadow(inside: NDArray[np.float32], garment: NDArray[np.float32]) -> bool:
    """Whether a colour in Lab is the garment's own, darker: the inside of its back, which the collar shows."""
    hues = np.degrees(np.arctan2(*np.stack([inside, garment])[:, 2:0:-1].T))
    apart = abs((hues[0] - hues[1] + 180) % 360 - 180)
    return bool(inside[0] < garment[0] and np.hypot(*inside[1:]) > SHADE_CHROMA and apart < SHADE_HUE)


def _is_neck(box: Rect[int], height: int, width: int) -> bool:
    middle = abs(box.left + box.width / 2 - width / 2) < MIDDLE * width
    fits = NECK_WIDTH[0] * width < box.width < NECK_WIDTH[1] * width and box.height > NECK_HEIGHT * height
    return middle and fits and box.top <= 0.01 * height


def _rows(mask: Mask) -> NDArray[np.intp]:
    return np.flatnonzero(mask.any(1))
