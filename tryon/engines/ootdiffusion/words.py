"""What the text encoder is told: no sentence, but one word per category. Facts: docs/facts/ootdiffusion.md#context.

A network goes on well with the words that it was trained with and with no others, so a folder says which they were
(`folder.py`), and other words are refused. Imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.core.labels import Category

BEGIN, END = 49406, 49407
"""CLIP's marks around every text."""
Ids = Mapping[Category, tuple[int, ...]]
"""Per category that the model dresses: the token ids of its text, with CLIP's marks."""
Prompts = Literal["published", "cloth", "empty"]
PUBLISHED: Prompts = "published"
"""The prompt set of the published weights."""


@dataclass(frozen=True)
class Words:
    """How a model's contexts are made.

    Args:
        ids: what the try-on U-Net is told, and the garment U-Net too unless `garment_ids` says otherwise.
        vector: what becomes of the garment's CLIP vector: it takes the last token's place, or follows it, or is left out.
        prompts: name of the prompt set.
        garment_ids: what the garment U-Net is told.
    """

    ids: Ids
    vector: Literal["replaces", "follows", "left out"]
    prompts: Prompts = PUBLISHED
    garment_ids: Ids | None = None

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

A_CLOTH = (BEGIN, 320, 14559, END)
A_MODEL_WEARS_A_CLOTH = (BEGIN, 320, 2863, 11869, 320, 14559, END)

ABOUT: Mapping[Prompts, str] = {
    "published": "hd: the empty text and the garment's vector; dc: upperbody, lowerbody or dress, and the vector",
    "cloth": "`a cloth` for the garment U-Net, `a model wears a cloth` for the try-on U-Net, no vector",
    "empty": "the empty text for both, no vector",
}
"""The prompt sets, for people."""


def words_of(model: Words, prompts: Prompts) -> Words:
    """A model's words in a prompt set: those for its categories.

    Args:
        model: `HALF_BODY` or `FULL_BODY`.
        prompts: name of the set.
    """
    if prompts == PUBLISHED:
        return model

    def all_alike(ids: tuple[int, ...]) -> Ids:
        return dict.fromkeys(model.ids, ids)

    if prompts == "empty":
        return Words(all_alike((BEGIN, END)), "left out", prompts)
    return Words(all_alike(A_MODEL_WEARS_A_CLOTH), "left out", prompts, all_alike(A_CLOTH))
