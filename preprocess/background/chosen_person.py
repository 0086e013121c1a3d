"""A network's matte compared with what is known about the people in the photo. Pure functions.

Foreground networks do not know which person is selected, and in some pictures they find nothing. The embedded matte has a coarser
edge but follows the selected person's landmarks, so it decides *who*, and the network decides *where the edge is*.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import Grey
from pipeline.core.masks import Mask
from pipeline.core.rect import Rect, Window, span

SOLID = 128
FAINT = 8
CORE_SHARE = 0.01
"""The sure inside of the embedded matte begins at this distance from its edge, as a share of the person's height."""
COVERED = 0.6
"""A network whose matte covers less than this share of the sure inside has missed the person."""
LOST_SHARE, LOST_PIECE = 0.12, 0.02
"""A network that misses this share of the sure inside, in pieces of at least the second share, has lost a garment or a limb."""
LOST_THICKNESS = 0.004
"""Lost pieces thinner than twice this share of the person's height are edges."""
NEAR_SHARE = 0.03
"""A separate piece nearer to the person than this share of their height is hair or a hem, not an object."""
SEAM_PX = 2.0
"""Width of the ramp where two people touch."""
MARGIN = 0.2
"""Margin of the window that the network is shown, as a share of the person's longer side."""


def person_window(embedded: Grey, box: Rect[float]) -> Window:
    """The part of the photo that the network is shown: the person with a margin.

    Args:
        embedded: (h, w) uint8 embedded matte.
        box: where the person's landmarks are, photo pixels.
    """
    found = masks.box_of(embedded >= FAINT)
    boxes: list[Rect[float]] = [box] if found is None else [box, found]
    top, left = min(each.top for each in boxes), min(each.left for each in boxes)
    bottom, right = max(each.bottom for each in boxes), max(each.right for each in boxes)
    margin = MARGIN * max(bottom - top, right - left)
    height, width = embedded.shape
    return span(top - margin, bottom + margin, height), span(left - margin, right + margin, width)


def leaves_window(alpha: Grey, window: Window, size: tuple[int, ...]) -> bool:
    """Whether the person in a matte is cut by a side of its window that is not an edge of the photo.

    Args:
        alpha: matte of the window.
        window: rows and columns in the photo.
        size: (height, width) of the photo.
    """
    rows, columns = window
    sides = (
        (rows.start > 0, alpha[0]),
        (rows.stop < size[0], alpha[-1]),
        (columns.start > 0, alpha[:, 0]),
        (columns.stop < size[1], alpha[:, -1]),
    )
    return any(inner and bool((side >= SOLID).any()) for inner, side in sides)


def sure_inside(embedded: Grey) -> Mask:
    """(h, w) bool: the embedded matte without its edge, (h, w) uint8; all of it where nothing else is left."""
    solid = embedded >= SOLID
    core = masks.erode(solid, CORE_SHARE * _height(solid))
    return core if core.any() else solid


def shows_person(network: Grey, embedded: Grey) -> bool:
    """Whether a network's matte shows the person of the embedded one, whole; always true when the embedded matte is empty.

    Args:
        network, embedded: (h, w) uint8 mattes of the same photo.
    """
    core = sure_inside(embedded)
    if not core.any():
        return True
    lost = core & (network < SOLID)
    _, areas = masks.components(masks.open_(lost, LOST_THICKNESS * _height(embedded >= SOLID)))
    area = np.count_nonzero(core)
    pieces = areas[1:][areas[1:] >= LOST_PIECE * area]
    return bool(np.count_nonzero(lost) <= (1 - COVERED) * area and pieces.sum() <= LOST_SHARE * area)


def only_the_person(network: Grey, embedded: Grey, others: Mask) -> Grey:
    """The network's soft matte without other people and without separate objects.

    Args:
        network: (h, w) uint8 matte of everything that the network labelled as foreground.
        embedded: (h, w) uint8 embedded matte of the selected person.
        others: (h, w) bool, True = another person.

    Returns:
        (h, w) uint8 matte; edges as soft as the network made them, except for a narrow ramp where two people touch.
    """
    solid = embedded >= SOLID
    if not solid.any():
        return network.copy()
    share = network.astype(np.float32)
    rivals = others & ~solid
    if rivals.any():
        share *= _ownership(solid, rivals)
    touching = _touching(share >= FAINT, masks.dilate(solid, NEAR_SHARE * _height(solid)))
    kept: Grey = np.round(share * touching).astype(np.uint8)
    return kept


def _ownership(person: Mask, rivals: Mask) -> NDArray[np.float32]:
    """(h, w) float32 in [0, 1]: 1 where the person is nearer than every other person."""
    to_person = cv2.distanceTransform((~person).astype(np.uint8), cv2.DIST_L2, 5)
    to_rival = cv2.distanceTransform((~rivals).astype(np.uint8), cv2.DIST_L2, 5)
    ramp: NDArray[np.float32] = np.clip(0.5 + (to_rival - to_person) / (2 * SEAM_PX), 0, 1).astype(np.float32)
    return ramp


def _touching(found: Mask, place: Mask) -> Mask:
    """The connected parts of `found` that reach into `place`."""
    numbers, areas = masks.components(found)
    keep = np.zeros(len(areas), bool)
    keep[np.unique(numbers[place & found])] = True
    keep[0] = False
    kept: Mask = keep[numbers]
    return kept


def _height(mask: Mask) -> int:
    box = masks.box_of(mask)
    return 0 if box is None else box.height
