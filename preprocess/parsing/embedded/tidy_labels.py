"""Remove islands from a parse map, and labels from places where they cannot be."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import Labels
from pipeline.core.labels import LEG_LABELS, SIDE_LABELS, Parse
from pipeline.core.masks import Mask
from preprocess.parsing.embedded.label_places import Regions, distance_from
from preprocess.parsing.embedded.midriff import central_column
from preprocess.person.body_shapes import ARMS

CUFF_SHARE = 0.08
"""Islands below this share of the trousers may be cuffs."""
MIDDLE = 0.2
"""Half width of the middle of the hips, in scales."""
LEAST_IN_MIDDLE = 0.1
"""Trousers cover at least this share of it."""


def tidy_labels(labels: Labels, regions: Regions, speck_px: float) -> Labels:
    """Relabel islands like their surroundings.

    Args:
        labels: (h, w) uint8 of `Parse`.
        regions: the body's shapes at the same size.
        speck_px: islands smaller than this area are noise.

    Returns:
        (h, w) uint8, background where it was.
    """
    labels = no_trousers_beside(sleeves_from_trousers(hands_from_legs(labels, regions), regions), regions)
    doubtful = np.zeros(labels.shape, bool)
    for label in np.unique(labels):
        own = labels == label
        box = masks.box_of(own)
        if label == Parse.BACKGROUND or box is None:
            continue
        window = box.window(labels.shape)
        numbers, areas = masks.components(own[window])
        keep = areas >= speck_px
        if label == Parse.HAIR:
            around = (distance_from(regions.skull, 1.0) < 0.15 * regions.body.scale) & ~regions.face
            keep &= _touching(numbers, len(areas), around[window])
        if label in {Parse.UPPER_CLOTHES, Parse.PANTS}:
            on_arm = np.bincount(numbers[regions.any_arm[window]], minlength=len(areas)) > 0.4 * areas
            keep &= (areas >= 0.03 * areas[1:].max()) | on_arm
        keep[0] = True
        doubtful[window] |= ~keep[numbers]
    return refill(labels, doubtful)


def hands_from_legs(labels: Labels, regions: Regions) -> Labels:
    """Leg skin near a wrist that touches an arm is a hand in front of a thigh."""
    result = labels.copy()
    near = {side: masks.dilate(labels == side_labels.arm, 3) for side, side_labels in SIDE_LABELS.items()}
    for leg in LEG_LABELS:
        if not (labels == leg).any():
            continue
        numbers, areas = masks.components(labels == leg)
        for side, side_labels in SIDE_LABELS.items():
            touched = np.unique(numbers[near[side]])
            for number in touched[touched > 0]:
                own = numbers == number
                if areas[number] < 0.35 * regions.body.scale**2 and _near_wrist(own, regions, side):
                    result[own] = side_labels.arm
    return result


def sleeves_from_trousers(labels: Labels, regions: Regions) -> Labels:
    """Small islands of trousers that lie mostly on an arm are cuffs of a sleeve."""
    result = labels.copy()
    if not (labels == Parse.PANTS).any():
        return result
    numbers, areas = masks.components(labels == Parse.PANTS)
    if len(areas) < 3:
        return result
    on_arm = np.bincount(numbers[regions.any_arm], minlength=len(areas)) / np.maximum(areas, 1)
    cuffs = (areas < CUFF_SHARE * areas[1:].max()) & (on_arm > 0.4)
    cuffs[0] = False
    result[cuffs[numbers]] = Parse.UPPER_CLOTHES
    return result


def no_trousers_beside(labels: Labels, regions: Regions) -> Labels:
    """Trousers that are visible only beside the middle of the hips are the lower parts of an open coat."""
    middle = central_column(regions, MIDDLE) & (regions.along > 0.9) & masks.labelled(labels, (Parse.PANTS, Parse.UPPER_CLOTHES))
    count = np.count_nonzero(middle)
    if count < MIDDLE * regions.body.scale or np.count_nonzero(labels[middle] == Parse.PANTS) > LEAST_IN_MIDDLE * count:
        return labels
    result = labels.copy()
    result[labels == Parse.PANTS] = Parse.UPPER_CLOTHES
    return result


def _near_wrist(part: Mask, regions: Regions, side: str) -> bool:
    rows, columns = np.nonzero(part)
    wrist = regions.body.at(ARMS[side][2])
    return bool(np.hypot(columns.mean() - wrist[0], rows.mean() - wrist[1]) < 0.5 * regions.body.scale)


def _touching(numbers: NDArray[np.int32], count: int, place: Mask) -> NDArray[np.bool_]:
    touched = np.zeros(count, bool)
    touched[np.unique(numbers[place])] = True
    return touched


def refill(labels: Labels, doubtful: Mask) -> Labels:
    """Replace doubtful pixels by the nearest label that is not background; unchanged when there is none."""
    source = (labels > 0) & ~doubtful
    if not doubtful.any() or not source.any():
        return labels.copy()
    _, nearest = cv2.distanceTransformWithLabels(masks.bytes_of(~source), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    lookup = np.zeros(int(nearest.max()) + 1, np.uint8)
    lookup[nearest[source]] = labels[source]
    filled = labels.copy()
    filled[doubtful] = lookup[nearest[doubtful]]
    return filled
