"""The shape of the result in figures: what `outline.py` and `leftovers.py` find in one silhouette."""

from __future__ import annotations

from dataclasses import dataclass

from compose.gate.garment_colour import Palette
from compose.gate.hand_loss import hands_lost
from compose.gate.leftovers import background_left, old_garment_pieces
from compose.gate.old_shape import old_collar, wide_sleeve
from compose.gate.outline import bulge, lost, lumps, own_teeth, torn
from compose.gate.silhouette import Pictures, silhouette_of
from pipeline.core.masks import Mask


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Measures of one silhouette; None = there was nothing to measure by. Areas are in squares of the shoulders' width.

    Args:
        torn: teeth and notches of the new outline beyond the garment's own, counted.
        bulge: how far it reaches beyond the old one at the shoulders, in their width.
        lumps: area of knobs and dents along them.
        lost: area of hands, shoes and things that are gone.
        hands_lost: area of hands that is painted over or see-through.
        ground: area of old background inside.
        gaps: area of it in narrow gaps, as between arm and body.
        pieces: area of the replaced garment beside the new one.
        collar: area beside the neck that has the old hood's or collar's outline.
        sleeve: width of a new bare upper arm, in the shoulders' width.
    """

    torn: int | None = None
    bulge: float | None = None
    lumps: float | None = None
    lost: float | None = None
    hands_lost: float | None = None
    ground: float | None = None
    gaps: float | None = None
    pieces: float | None = None
    collar: float | None = None
    sleeve: float | None = None


def measure_shape(pictures: Pictures, garment: Palette | None, cloth_mask: Mask | None = None) -> Shape:
    """Measure one pair.

    Args:
        pictures: the pair on the canvas.
        garment: the new garment's colours, or None.
        cloth_mask: (m, n) bool, True = garment: a garment with a ragged outline may have it.
    """
    seen = silhouette_of(pictures)
    if seen is None:
        return Shape()
    ground, gaps = background_left(seen, garment)
    return Shape(
        torn=max(0, torn(seen) - (0 if cloth_mask is None else own_teeth(cloth_mask))),
        bulge=bulge(seen),
        lumps=lumps(seen),
        lost=lost(seen),
        hands_lost=hands_lost(seen),
        ground=ground,
        gaps=gaps,
        pieces=old_garment_pieces(seen, garment),
        collar=old_collar(seen),
        sleeve=wide_sleeve(seen, garment),
    )
