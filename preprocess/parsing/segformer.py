"""SegFormer (Xie et al. 2021) fine-tuned on ATR clothes, through transformers.

Facts: docs/facts/parsing_networks.md#segformer-clothes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.card import ALL_THREADS, Card, Resources
from pipeline.core.labels import Atr
from preprocess.parsing.neck import derive_neck
from preprocess.parsing.segformer_base import SegformerParser
from preprocess.person.label_tables import CIHP_FROM_ATR, converted
from preprocess.person.person_view import PersonView


class SegformerClothes(SegformerParser):
    """Parse maps by `segformer_b2_clothes`."""

    card = Card(
        name="segformer",
        weights=("segformer-clothes",),
        packages=("torch", "transformers"),
        extra="diffusion",
        seconds=1.5,
        resources=Resources(cpu_threads=ALL_THREADS, memory_gb=1.3, gpu_memory_gb=2),
    )
    classes = len(Atr) - 1  # all of ATR but the neck

    def cihp(self, labels: NDArray[np.uint8], view: PersonView) -> NDArray[np.uint8]:
        """The neck is derived, because ATR has none."""
        found = converted(labels, CIHP_FROM_ATR)
        found[~view.person] = 0
        return derive_neck(found, view.body, view.person)
