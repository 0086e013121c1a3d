"""SegFormer (Xie et al. 2021) fine-tuned on ATR clothes, through transformers: the simplest real parser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core.card import Card
from pipeline.core.device import choose_device
from pipeline.core.labels import Atr
from pipeline.core.weights import require
from preprocess.backends.segformer import Segformer, bilinear
from preprocess.label_tables import CIHP_FROM_ATR, converted
from preprocess.neck import derive_neck
from preprocess.parse_lists import Parsed, checked
from preprocess.person_view import PersonView
from preprocess.unseen import Unseen

CLASSES = len(Atr) - 1
"""All of ATR but the neck."""


class SegformerClothes:
    """Parse maps by `segformer_b2_clothes`.

    Args:
        weights: the weights folder.
    """

    card = Card(
        name="segformer", weights=("segformer-clothes",), packages=("torch", "transformers"), extra="diffusion", seconds=1.5
    )
    keeps_lists = False

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._network: Segformer | None = None

    @property
    def batch_size(self) -> int:
        """Pictures of one call on the device it was loaded on."""
        return 1 if self._network is None else self._network.batch_size

    def load(self, device: str) -> None:
        """Verify the folder and build the network, once.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        if self._network is None:
            folder = require(self.card.weights[0], self._weights)
            self._network = Segformer(folder, CLASSES, choose_device(device), bilinear)

    def parse(self, views: Sequence[PersonView]) -> list[Parsed | Unseen]:
        """CIHP labels, `BACKGROUND` outside the person; the neck is derived, ATR has none."""
        if self._network is None:
            self.load("auto")
        assert self._network is not None
        maps = self._network.labels([view.image for view in views])
        return [checked(_cihp(atr, view), view, self.card.name) for atr, view in zip(maps, views, strict=True)]


def _cihp(atr: NDArray[np.uint8], view: PersonView) -> NDArray[np.uint8]:
    labels = converted(atr, CIHP_FROM_ATR)
    labels[~view.person] = 0
    return derive_neck(labels, view.body, view.person)
