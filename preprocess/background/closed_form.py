"""Hair by closed-form matting: an optional refinement of the band where a matte is uncertain (Levin et al. 2008).

A trimap is made from the matte: sure person, sure background, and a band that is widened where the matte is soft. pymatting
solves the band at a limited size. Only the change is enlarged to the photo's size, so that the matte keeps its own detail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import RGB, Grey
from pipeline.core.errors import MissingPackageError
from pipeline.core.masks import Mask

Solver = Callable[[NDArray[np.float64], NDArray[np.float64]], Any]


@dataclass(frozen=True, kw_only=True)
class ClosedFormConfig:
    """Settings of the refinement."""

    sure_person: int = 245  # alpha from which a pixel is surely person
    sure_background: int = 10  # alpha up to which a pixel is surely background
    band_share: float = 0.006  # half width of the band at a hard edge, as a share of the person's height
    work_side_px: int = 640  # long side of the window that is solved; the time grows faster than the area


def trimap(alpha: Grey, config: ClosedFormConfig) -> NDArray[np.float64]:
    """(h, w) uint8 matte → (h, w) float64: 1 sure person, 0 sure background, 0.5 to be solved."""
    band_px = max(2.0, config.band_share * _height(alpha >= 128))
    sure = masks.erode(alpha >= config.sure_person, band_px)
    possible = masks.dilate(alpha > config.sure_background, band_px)
    return np.where(sure, 1.0, np.where(possible, 0.5, 0.0))


def refine(photo: RGB, alpha: Grey, config: ClosedFormConfig | None = None) -> Grey:
    """Solve the uncertain band again.

    Args:
        photo: (h, w, 3) uint8 RGB.
        alpha: (h, w) uint8 soft matte, 255 = person.
        config: widths and size.

    Returns:
        (h, w) uint8 matte; equal to `alpha` outside the band, and everywhere when there is nothing to solve.

    Raises:
        MissingPackageError: pymatting cannot be loaded.
    """
    config = config or ClosedFormConfig()
    known = trimap(alpha, config)
    box = masks.box_of(known == 0.5)
    if box is None or not (known == 1).any() or not (known == 0).any():
        return alpha.copy()
    window = box.window(alpha.shape, round(0.03 * box.longer_side) + 4)
    change = _change(photo[window], alpha[window], config)
    result = alpha.copy()
    moved = np.clip(np.round(alpha[window] + 255 * change), 0, 255).astype(np.uint8)
    result[window] = np.where(known[window] == 0.5, moved, alpha[window])
    return result


def _change(piece: RGB, matte: Grey, config: ClosedFormConfig) -> NDArray[np.float32]:
    """(h, w) float32: what the solver adds to a matte, in -1..1."""
    height, width = matte.shape
    factor = min(1.0, config.work_side_px / max(height, width))
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    small = cv2.resize(piece, size, interpolation=cv2.INTER_AREA) if factor < 1 else piece
    before = cv2.resize(matte, size, interpolation=cv2.INTER_AREA) if factor < 1 else matte
    solved = np.asarray(_solver()(small / 255.0, trimap(before, config)), np.float32)
    change = np.clip(solved, 0, 1) - before / np.float32(255)
    larger: NDArray[np.float32] = cv2.resize(change.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return larger


def _solver() -> Solver:
    """pymatting's closed-form solver; its first import on a machine compiles for half a minute."""
    try:
        from pymatting.alpha.estimate_alpha_cf import estimate_alpha_cf
    except (ImportError, OSError, RuntimeError) as problem:  # numba raises RuntimeError without a folder for its cache
        raise MissingPackageError(
            f"background: closed-form matting needs pymatting, which cannot be used here: {problem}",
            "pip install pymatting, or --set background.refine=none",
        ) from problem
    solver: Solver = estimate_alpha_cf
    return solver


def _height(mask: Mask) -> int:
    box = masks.box_of(mask)
    return 0 if box is None else box.height
