"""What the product reads of a background: its ground line, and what of it is sky, water, wall or ground."""

from __future__ import annotations

import numpy as np

from compose.scenery.horizon import Ground, ground_in, small_lab
from compose.scenery.surfaces import Surfaces, surfaces_in


def ground_of(picture: np.ndarray) -> Ground:
    """(h, w, 3) RGB uint8 → its ground line."""
    return ground_in(small_lab(picture))


def surfaces_of(picture: np.ndarray, ground: Ground | None = None, *, line_given: bool = False) -> Surfaces:
    """(h, w, 3) RGB uint8 → its surfaces, by its own ground line if none is given."""
    lab = small_lab(picture)
    return surfaces_in(lab, ground or ground_in(lab), line_given=line_given)
