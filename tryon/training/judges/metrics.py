"""Measures of pictures that a run draws of its held-out pairs, by the evaluation room's conventions and names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.core.arrays import RGB
from tryon.evaluation.measuring import Pictures, Setting, pair_values
from tryon.evaluation.networks import Networks
from tryon.training.data.items import Item

AVERAGE = "average_"
"""Before the name of a measure of pictures drawn with the moving average."""


def mean_measures(items: Sequence[Item], drawn: Sequence[RGB], networks: Networks) -> dict[str, float]:
    """Measure → its mean over pairs in which it is a number; the garment of each pair is the one that the person wears.

    Measures of sets (FID, KID) are left to `evaluate`: of so few pictures they would say more about their number.

    Args:
        items: pairs at working size.
        drawn: (h, w, 3) pictures of them.
        networks: those that are here.
    """
    values = [pair_values(_shown(*each), Setting.PAIRED, networks) for each in zip(items, drawn, strict=True)]
    names = dict.fromkeys(name for each in values for name in each)
    columns = {name: np.array([each.get(name, np.nan) for each in values]) for name in names}
    return {name: float(column[np.isfinite(column)].mean()) for name, column in columns.items() if np.isfinite(column).any()}


def _shown(item: Item, drawn: RGB) -> Pictures:
    return Pictures(drawn, item.image, item.mask > 0, item.cloth, resized=False)
