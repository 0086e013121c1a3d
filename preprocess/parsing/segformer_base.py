"""A parsing backend with a SegFormer; a subclass interprets its labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB
from pipeline.core.card import Card
from pipeline.core.machine.device import choose_device
from pipeline.core.weights import require
from preprocess.networks.segformer import Normal, Segformer, bilinear
from preprocess.parsing.network_labels import Parsed, checked
from preprocess.person.not_found import NotFound
from preprocess.person.person_view import PersonView


class SegformerParser:
    """Parse maps by one network.

    Args:
        weights: the weights folder.
    """

    card: ClassVar[Card]
    classes: ClassVar[int]
    """Number of labels that the network must have."""
    keeps_lists = False
    keeps_edges = False
    normal: ClassVar[Normal | None] = None
    """The network's input; None = as the settings beside its weights say."""

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._network: Segformer | None = None

    @property
    def batch_size(self) -> int:
        """Pictures per call on the device it was loaded on."""
        return 1 if self._network is None else self._network.batch_size

    def load(self, device: str) -> None:
        """Verify the folder and build the network, once.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        if self._network is None:
            folder = require(self.card.weights[0], self._weights)
            self._network = Segformer(folder, self.classes, choose_device(device), self.shrink, self.normal)

    def parse(self, views: Sequence[PersonView]) -> list[Parsed | NotFound]:
        """CIHP labels, `BACKGROUND` outside the person."""
        if self._network is None:
            self.load("auto")
        assert self._network is not None
        maps = self._network.labels([view.image for view in views])
        return [checked(self.cihp(own, view), view, self.card.name) for own, view in zip(maps, views, strict=True)]

    def shrink(self, picture: RGB, size: tuple[int, int]) -> RGB:
        """The picture at (height, width), resized as in the network's training."""
        return bilinear(picture, size)

    def cihp(self, labels: NDArray[np.uint8], view: PersonView) -> NDArray[np.uint8]:
        """(h, w) uint8 of the network's own labels → (h, w) uint8 of `Parse`."""
        raise NotImplementedError
