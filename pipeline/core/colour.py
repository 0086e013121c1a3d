"""From RGB to the colour space in which distances are measured."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Lab


def to_lab(rgb: RGB) -> Lab:
    """(h, w, 3) uint8 RGB → (h, w, 3) float32 CIELAB, lightness 0..100."""
    lab: Lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return lab
