"""Colour model of this person's skin: learnt from the face, for neck, arms and legs in different light."""

from __future__ import annotations

import numpy as np

from pipeline.core import masks
from pipeline.core.arrays import Lab
from pipeline.core.masks import Mask
from preprocess.parsing.embedded.colour_models import Mixture, trimmed_gaussian
from preprocess.parsing.embedded.label_places import Regions

SKIN_NOISE = (9.0, 3.5, 4.0)
"""Arms and legs are lit differently from the face: the skin model is widened by this much in L, a, b."""
GENERIC_SKIN = Mixture(
    np.ones(1, np.float32),
    np.array([[62.0, 15.0, 19.0]], np.float32),
    np.diag([22.0**2, 6.0**2, 7.0**2]).astype(np.float32)[None],
)
"""Skin of any person, for photos without a face."""


def skin_model(lab: Lab, person: Mask, regions: Regions) -> Mixture:
    """From the face; without a face from the hands; without both the generic model.

    Args:
        lab: (h, w, 3) float32.
        person: (h, w) bool.
        regions: the body's shapes at the same size.
    """
    for region in (masks.erode(regions.face, 0.03 * regions.body.scale), regions.hands["right"] | regions.hands["left"]):
        seeds = lab[region & person]
        seen = GENERIC_SKIN.log_likelihood(seeds) > -14.0 if len(seeds) else np.zeros(0, bool)
        if np.count_nonzero(seen) > max(40, 0.2 * len(seeds)):
            return with_shade(trimmed_gaussian(seeds[seen], SKIN_NOISE))
    return GENERIC_SKIN


def with_shade(skin: Mixture) -> Mixture:
    """Skin and the same skin in shade, which is darker and more saturated."""
    shaded = skin.means * np.array([0.84, 1.35, 1.6], np.float32)
    spread = skin.covariances * np.float32(1.3)
    shares = np.concatenate([0.75 * skin.shares, 0.25 * skin.shares])
    return Mixture(shares, np.concatenate([skin.means, shaded]), np.concatenate([skin.covariances, spread]))
