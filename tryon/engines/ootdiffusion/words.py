"""What the text encoder is told: no sentence, but one word per category. Facts: docs/facts/ootdiffusion.md#context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.core.labels import Category

BEGIN, END = 49406, 49407
"""CLIP's marks around every text."""


@dataclass(frozen=True)
class Words:
    """How a model's context is made.

    Args:
        ids: per category that the model dresses: the token ids of its word, cut as in training.
        vector: what becomes of the garment's CLIP vector: it takes the last token's place, or follows it.
    """

    ids: Mapping[Category, tuple[int, ...]]
    vector: Literal["replaces", "follows"]

    @property
    def categories(self) -> frozenset[Category]:
        """What the model dresses."""
        return frozenset(self.ids)


HALF_BODY = Words({Category.UPPER: (BEGIN, END)}, "replaces")
"""The empty text."""

FULL_BODY = Words(
    {
        Category.UPPER: (BEGIN, 22465, END),  # of "upperbody" only the piece "upper" is left
        Category.LOWER: (BEGIN, 32578, END),  # "lowerbody"
        Category.DRESS: (BEGIN, 2595, END),  # "dress"
    },
    "follows",
)
"""Nicer words have other ids, which the model was not trained with."""
