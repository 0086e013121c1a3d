"""Names for arrays, each with its shape and dtype said once. A mask is `pipeline.core.masks.Mask`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]
"""(h, w, 3) uint8: red, green, blue in sRGB, 0..255."""
Lab = NDArray[np.float32]
"""(n, 3) or (h, w, 3) float32 CIELAB: lightness 0..100, a (green to red) and b (blue to yellow) about -100..100."""
Grey = NDArray[np.uint8]
"""(h, w) uint8, 0..255: a matte (255 = person) or one channel."""
Labels = NDArray[np.uint8]
"""(h, w) uint8: a label number per pixel; the enum is named where it is used."""
Float = NDArray[np.float32]
"""float32 of the shape that is named where it is used."""
Points = NDArray[np.float32]
"""(n, 2) float32: x, y in pixels; (n, 3) where a confidence 0..1 follows."""
Points64 = NDArray[np.float64]
"""(n, 2) float64: x, y in pixels, where they are computed with."""
