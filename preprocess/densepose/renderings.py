"""Body parts in other published forms: raw index, Viridis, I-U-V. StableVITON must not get these.

Facts: docs/facts/densepose_picture.md#other-drawings.
"""

from __future__ import annotations

from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB
from pipeline.core.errors import InputError
from preprocess.densepose.colours import render
from preprocess.person.body_parts import BodyParts

VIRIDIS_GROUND = (68, 1, 84)
PARTS = 24


class Rendering(StrEnum):
    """Form of the picture."""

    VITON_HD = "viton-hd"
    RAW = "raw"
    VIRIDIS = "viridis"
    IUV = "iuv"


def render_as(parts: BodyParts, rendering: Rendering) -> RGB:
    """Draw a person's parts.

    Args:
        parts: index, and U and V for `iuv`.
        rendering: `viton-hd` = OpenCV's Parula on black; `raw` = the index in all three channels (Leffa on DressCode);
            `viridis` = Viridis on its own zero colour (ControlNet, MagicAnimate); `iuv` = index, U, V as red, green, blue.

    Returns:
        (h, w, 3) uint8 RGB.

    Raises:
        InputError: `iuv` without U and V.
    """
    if rendering is Rendering.VITON_HD:
        return render(parts.index)
    if rendering is Rendering.RAW:
        return np.repeat(parts.index[..., None], 3, axis=2)
    if rendering is Rendering.VIRIDIS:
        return _viridis(parts.index)
    if parts.u is None or parts.v is None:
        raise InputError(
            "the embedded densepose backend has no U and V",
            "python run.py --step densepose --force --backend densepose=torchscript (or detectron2)",
        )
    return np.dstack([parts.index, parts.u, parts.v])


def _viridis(index: NDArray[np.uint8]) -> RGB:
    value = (index.astype(np.float32) * (255 / PARTS)).astype(np.uint8)
    coloured: RGB = cv2.cvtColor(cv2.applyColorMap(value, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
    coloured[index == 0] = VIRIDIS_GROUND
    return coloured
