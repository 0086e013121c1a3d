"""Quality flags that follow from a photo's light, colours and sharpness. Pure; thresholds measured on 40 good photos.

Measured on a copy of at most 1024 px, because engines see no more of it (docs/facts/embedded_methods.md#photo-quality).
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Grey, Lab
from pipeline.core.flags import Flag, Notice
from pipeline.core.pixels.colour import to_lab
from pipeline.core.pixels.sharpness import blur_of

SIDE_PX = 1024
SOLID = 128
DARK_PHOTO, DARK_PERSON = 50.0, 30.0
"""Lightness (0..100) that the brightest twentieth reaches: 75 and 49 at least on good photos, dark skin and clothes included."""
GREY_CHROMA = 6.0
"""Chroma that the most colourful hundredth reaches, of the photo or of the person: 19 at least on photos in colour."""
BLURRED = 0.58
"""Blur of the person (`sharpness.blur_of`): 0.51 at most on good photos, 0.68 at least behind a Gaussian of 2.5 px."""


def photo_quality_notices(photo: RGB, alpha: Grey) -> list[Notice]:
    """Flags of a photo that is too dark, has no colours, or is blurred.

    Args:
        photo: (h, w, 3) uint8 RGB.
        alpha: (h, w) uint8, 255 = person.
    """
    factor = min(1.0, SIDE_PX / max(alpha.shape))
    size = (max(1, round(alpha.shape[1] * factor)), max(1, round(alpha.shape[0] * factor)))
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    person = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) >= SOLID
    if not person.any():
        return []
    lab = to_lab(small)
    found = [_dark(lab, person), _colourless(lab, person), _blurred(small, person)]
    return [notice for notice in found if notice is not None]


def _dark(lab: Lab, person: np.ndarray) -> Notice | None:
    whole, mine = float(np.percentile(lab[..., 0], 95)), float(np.percentile(lab[..., 0][person], 95))
    if whole >= DARK_PHOTO and mine >= DARK_PERSON:
        return None
    least = f"{DARK_PHOTO:.0f} and {DARK_PERSON:.0f} wanted"
    return Notice(Flag.PHOTO_DARK, f"brightest parts reach a lightness of {whole:.0f}, of the person {mine:.0f}; {least}")


def _colourless(lab: Lab, person: np.ndarray) -> Notice | None:
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    most = max(float(np.percentile(chroma, 99)), float(np.percentile(chroma[person], 99)))
    return Notice(Flag.PHOTO_COLOURLESS, f"chroma {most:.1f}, {GREY_CHROMA:g} wanted") if most < GREY_CHROMA else None


def _blurred(small: RGB, person: np.ndarray) -> Notice | None:
    blur = blur_of(small, person)
    return None if blur is None or blur <= BLURRED else Notice(Flag.PHOTO_BLURRED, f"blur {blur:.2f}, allowed {BLURRED:g}")
