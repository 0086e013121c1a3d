"""Coats: what is worn over another garment, and what happens to it. Only parsers that know coats can tell.

A coat counts as an upper garment: masks for upper garments cover it together with what is under it, unless the mask rule is for
one of two layers; masks for lower garments leave it, so that it goes on hanging over the new trousers.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pipeline.core.arrays import Labels
from pipeline.core.flags import Flag, Notice
from pipeline.core.labels import Category, Parse
from preprocess.agnostic.rules.conditions import MaskRule
from preprocess.person.body import Joints

LEAST_LAYER = 0.12
"""Share of coat and upper clothes together that each has where two layers show; a collar or a scarf has less."""
OVER_LEGS = 0.2
"""Share of a coat below the hips from which it hides part of the lower garment."""


def layer_notices(rules: Iterable[tuple[Category, MaskRule]], parse: Labels, body: Joints) -> list[Notice]:
    """The flag of a coat, per category for which that makes a difference.

    Args:
        rules: the mask rule of each wanted category.
        parse: (h, w) uint8 of `Parse`.
        body: the joints in pixels of the same canvas.
    """
    coat = parse == Parse.COAT
    outer, inner = int(np.count_nonzero(coat)), int(np.count_nonzero(parse == Parse.UPPER_CLOTHES))
    share = outer / max(1, outer + inner)
    if share < LEAST_LAYER:
        return []
    below = float((body.along((parse.shape[0], parse.shape[1]))[coat] > 1).mean())
    notices = []
    for category, rule in rules:
        if category is Category.UPPER and share <= 1 - LEAST_LAYER and not rule.one_layer:
            notices.append(Notice(Flag.LAYERS_WORN, f"upper: {share:.0%} coat, {1 - share:.0%} under it, both replaced"))
        if category is Category.LOWER and below > OVER_LEGS:
            notices.append(Notice(Flag.LAYERS_WORN, f"lower: {below:.0%} of the coat hangs below the hips and stays"))
    return notices
