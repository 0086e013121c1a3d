"""Traits of a flat top or dress in which garments differ most, as shares of its own measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.core.masks import Mask
from tryon.engines.preview.garment.top_landmarks import Sleeve, TopLandmarks


@dataclass(frozen=True)
class TopTraits:
    """Traits of a top or dress.

    Args:
        symmetry: intersection over union with its mirror image about its axis, in [0, 1].
        strap_width: mean length of the shoulder seams over the chest's width.
        flare: width of the hem over that of the chest.
        length: from the shoulders to the hem over the chest's width.
        above_neck: how far a collar or a hood stands above the shoulder seams, over the chest's width.
        sleeve_width: greatest width of the outer half of a sleeve over the chest's width; 0 without sleeves.
    """

    symmetry: float
    strap_width: float
    flare: float
    length: float
    above_neck: float
    sleeve_width: float


def top_traits(mask: Mask, marks: TopLandmarks) -> TopTraits:
    """Measure a top or dress.

    Args:
        mask: (h, w) bool, True = garment.
        marks: its landmarks.
    """
    chest = max(marks.chest_width, 1.0)
    return TopTraits(
        symmetry=_symmetry(mask, marks.outline.sides[0].axis),
        strap_width=float(np.hypot(*(marks.shoulders - marks.collar_base).T).mean()) / chest,
        flare=float(np.hypot(*(marks.hem[1] - marks.hem[0]))) / chest,
        length=marks.body_length / chest,
        above_neck=float((marks.collar_base - marks.collar)[:, 1].max()) / chest,
        sleeve_width=max(_sleeve_width(sleeve) for sleeve in marks.sleeves) / chest,
    )


def _symmetry(mask: Mask, axis: float) -> float:
    columns = np.round(2 * axis - np.arange(mask.shape[1])).astype(int)
    inside = (columns >= 0) & (columns < mask.shape[1])
    mirrored = mask[:, np.clip(columns, 0, mask.shape[1] - 1)] & inside
    return float(np.count_nonzero(mask & mirrored) / max(1, int(np.count_nonzero(mask | mirrored))))


def _sleeve_width(sleeve: Sleeve | None) -> float:
    if sleeve is None:
        return 0.0
    widths = np.hypot(*(sleeve.outer - sleeve.inner).T)
    return float(widths[len(widths) // 2 :].max())
