"""Islands out of a parse map, and labels where they can be at all."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.labels import Parse
from pipeline.core.masks import Mask
from preprocess.parse_regions import Regions

Labels = NDArray[np.uint8]


def tidy_labels(labels: Labels, regions: Regions, speck_px: float) -> Labels:
    """Give islands of a label to their surroundings.

    Args:
        labels: (h, w) uint8 of `Parse`.
        regions: the body's shapes at the same size.
        speck_px: islands smaller than this area are noise.

    Returns:
        (h, w) uint8, background where it was.
    """
    doubtful = np.zeros(labels.shape, bool)
    for label in np.unique(labels[labels > 0]):
        own = labels == label
        numbers, areas = masks.components(own)
        keep = areas >= speck_px
        if label == Parse.HAIR:
            keep &= _touching(numbers, len(areas), masks.dilate(regions.skull, 0.15 * regions.body.scale))
        if label in {Parse.UPPER_CLOTHES, Parse.PANTS} and len(areas) > 1:
            keep &= areas >= 0.03 * areas[1:].max()
        doubtful |= own & ~keep[numbers]
    return refill(labels, doubtful)


def _touching(numbers: NDArray[np.int32], count: int, place: Mask) -> NDArray[np.bool_]:
    touched = np.zeros(count, bool)
    touched[np.unique(numbers[place])] = True
    return touched


def refill(labels: Labels, doubtful: Mask) -> Labels:
    """Replace doubtful pixels by the nearest label that is not background; untouched when there is none."""
    source = (labels > 0) & ~doubtful
    if not doubtful.any() or not source.any():
        return labels.copy()
    _, nearest = cv2.distanceTransformWithLabels((~source).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    lookup = np.zeros(int(nearest.max()) + 1, np.uint8)
    lookup[nearest[source]] = labels[source]
    filled: Labels = np.where(doubtful, lookup[nearest], labels)
    return filled
