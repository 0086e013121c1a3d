"""What a mask rule may look at, and the form that every rule has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import Labels
from pipeline.core.labels import Category, Parse
from pipeline.core.masks import Mask
from preprocess.agnostic.strokes import Margins
from preprocess.person.body import Joints


@dataclass(frozen=True)
class Conditions:
    """One person on the canvas; all arrays have the canvas's size.

    Args:
        parse: (h, w) uint8 of `Parse`.
        body: the joints.
        parts: (h, w) uint8 of `labels.BodyPart` (DensePose's index), or None where the rule does not need it.
        person: (h, w) bool, the person's matte, or None when there is none.
        margins: safety margins, for the rules that have them.
        opinions: (h, w) uint8 of `Parse` each: the maps of LIP's and of ATR's network; () = there is only the parse map.
        bag: (h, w) bool, what a parser labels as a bag (`Parse` has no such label); None = the parser has no bags.
    """

    parse: Labels
    body: Joints
    parts: NDArray[np.uint8] | None = None
    person: Mask | None = None
    margins: Margins = field(default_factory=Margins)
    opinions: tuple[Labels, ...] = ()
    bag: Mask | None = None

    def labelled(self, *labels: Parse) -> Mask:
        """(h, w) bool: where any opinion, or the parse map when there is none, has one of these labels."""
        found = np.zeros(self.size, bool)
        for opinion in self.opinions or (self.parse,):
            found |= masks.labelled(opinion, labels)
        return found

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the canvas."""
        return self.parse.shape[0], self.parse.shape[1]


ReducedParse = Callable[[Category, Labels, Joints], Labels]
"""A rule's own parse map without the garment: category, (h, w) uint8 of `Parse`, joints → the same map with less."""

MaskOf = Callable[[Category, Conditions], Mask]
"""A rule's function: category and conditions → (h, w) bool, True = repaint."""


@dataclass(frozen=True)
class MaskRule:
    """One line of the table.

    Args:
        name: the name in the settings.
        mask_of: the function.
        categories: garments that it covers.
        needs_parts: whether it uses DensePose's index.
        weighs_opinions: whether it uses each parsing network's own map, where there are several.
        as_published: whether it reads every label as it is, for comparisons with the published code.
        one_layer: whether it covers the coat or what is under it, not both.
        reduced_parse: how the parse map is reduced, where the rule has a way of its own; else as for every other rule.
    """

    name: str
    mask_of: MaskOf
    categories: frozenset[Category]
    needs_parts: bool = False
    weighs_opinions: bool = False
    as_published: bool = False
    one_layer: bool = False
    reduced_parse: ReducedParse | None = None
