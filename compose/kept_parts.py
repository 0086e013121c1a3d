"""Parts of the person that stay the photo's own, whatever the engine paints there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.core.labels import BodyPart, Parse
from pipeline.core.masks import Mask

HANDS = "hands"
KEPT_LABELS: dict[str, tuple[Parse, ...]] = {
    "hair": (Parse.HAIR,),
    "face": (Parse.FACE,),
    "arms": (Parse.LEFT_ARM, Parse.RIGHT_ARM),
    "accessories": (Parse.HAT, Parse.SUNGLASSES, Parse.GLOVE, Parse.SCARF),
}
OWN_LABELS = tuple(label for labels in KEPT_LABELS.values() for label in labels)
"""What no garment replaces outside the mask, where arms are hands: drawn anew by an engine that uses no mask, and not taken."""


def without_kept(mask: Mask, parse: NDArray[np.uint8], keep: Sequence[str], body: NDArray[np.uint8] | None = None) -> Mask:
    """Take parts of the person out of a mask.

    Args:
        mask: (h, w) bool, True = may be repainted.
        parse: (h, w) uint8 of `Parse`.
        keep: names in `KEPT_LABELS`, and `hands`, which the parse map does not distinguish from arms.
        body: (h, w) uint8 of body parts, which does; without it no hand is kept.
    """
    stays = np.isin(parse, [label for name in keep for label in KEPT_LABELS.get(name, ())])
    if HANDS in keep and body is not None:
        stays |= np.isin(body, (BodyPart.LEFT_HAND, BodyPart.RIGHT_HAND)) & np.isin(parse, KEPT_LABELS["arms"])
    kept: Mask = mask & ~stays
    return kept
