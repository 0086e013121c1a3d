"""How two garments of one person look: colour and how much it varies nearby, so that a leopard skirt differs from sheer black.

Looks are clustered on both garments together (k-means); a pixel speaks for the garment on which its cluster is more frequent.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB
from pipeline.core.masks import Mask
from pipeline.core.pixels.colour import to_lab

Features = NDArray[np.float32]
"""(..., 4) float32: half the lightness, a, b, and how much the lightness varies nearby."""

CLUSTERS = 10
LEAST_PER_CLUSTER = 20
MOST_SEEDS = 2500
SEED = 11
SAME_LOOK = 3.0
"""Clusters this far apart count as nearly the same: light and folds move a garment's look by as much."""
UNSEEN_SHARE = 0.01
"""Added to a cluster's share on each garment: a colour that is seen once decides nothing."""
MOST_NATS = 2.5
NOVEL, NOVEL_NATS = 9.0, -1.0
"""A pixel farther than this from every cluster is neither garment, such as a belt, and speaks this much against the upper one."""
NEARBY = 0.03
"""Half side of the square in which the lightness varies, in scales."""


@dataclass(frozen=True)
class GarmentLooks:
    """Two garments compared.

    Args:
        odds: (h, w) float32 nats in favour of the first garment; 0 where nothing was asked.
        alike: share in [0, 1] of their looks that both have.
    """

    odds: NDArray[np.float32]
    alike: float


def compare_looks(image: RGB, first: Mask, second: Mask, asked: Mask, scale: float) -> GarmentLooks:
    """Compare two garments and ask to which of them some pixels belong.

    Args:
        image: (h, w, 3) uint8 RGB.
        first, second: (h, w) bool, surely the one and surely the other.
        asked: (h, w) bool, the pixels to judge.
        scale: the body's width in pixels.
    """
    features = _features(image, scale)
    ours, theirs = _thinned(features[first]), _thinned(features[second])
    centres, labels = _clusters(np.concatenate([ours, theirs]))
    near = np.exp(-((centres[:, None] - centres[None]) ** 2).sum(2) / (2 * SAME_LOOK**2))
    near /= near.sum(0)
    shares = [near @ (np.bincount(part, minlength=len(centres)) / len(part)) for part in np.split(labels, [len(ours)])]
    odds = np.clip(np.log((shares[0] + UNSEEN_SHARE) / (shares[1] + UNSEEN_SHARE)), -MOST_NATS, MOST_NATS)
    nearest, apart = _nearest(features[asked], centres)
    field = np.zeros(asked.shape, np.float32)
    field[asked] = np.where(apart > NOVEL, NOVEL_NATS, odds[nearest])
    return GarmentLooks(field, float(np.minimum(*shares).sum()))


def _features(image: RGB, scale: float) -> Features:
    lab = to_lab(cv2.medianBlur(image, 3))
    side = 2 * max(1, round(NEARBY * scale)) + 1
    light = lab[..., 0]
    varies = np.sqrt(np.maximum(cv2.blur(light * light, (side, side)) - cv2.blur(light, (side, side)) ** 2, 0))
    return np.dstack([0.5 * light, lab[..., 1], lab[..., 2], 0.7 * varies])


def _thinned(seeds: Features) -> Features:
    return np.ascontiguousarray(seeds[:: -(-len(seeds) // MOST_SEEDS)])


def _clusters(seeds: Features) -> tuple[Features, NDArray[np.int32]]:
    """(k, 4) centres and (n,) the cluster of each seed. Deterministic."""
    cv2.setRNGSeed(SEED)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 0.3)
    parts = max(1, min(CLUSTERS, len(seeds) // LEAST_PER_CLUSTER))
    _, labels, centres = cv2.kmeans(seeds, parts, None, stop, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    return np.asarray(centres, np.float32), np.asarray(labels, np.int32).ravel()


def _nearest(pixels: Features, centres: Features) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """(n,) the nearest centre of each pixel, and its distance."""
    nearest, apart = np.zeros(len(pixels), np.intp), np.full(len(pixels), np.inf, np.float32)
    for number, centre in enumerate(centres):
        distance = np.sqrt(((pixels - centre) ** 2).sum(1))
        closer = distance < apart
        nearest[closer], apart[closer] = number, distance[closer]
    return nearest, apart
