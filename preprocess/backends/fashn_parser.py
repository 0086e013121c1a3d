"""FASHN's human parser: a SegFormer-B4 with a label list of its own, hands, feet and torso apart, limbs without sides.

Its weights are for research and evaluation only (NVIDIA's licence of SegFormer), unlike the try-on model of the same makers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.card import Card
from pipeline.core.device import choose_device
from pipeline.core.labels import Fashn, Parse
from pipeline.core.weights import require
from preprocess.backends.segformer import Segformer
from preprocess.label_tables import CIHP_FROM_FASHN, converted
from preprocess.neck import no_neck_above_mouth
from preprocess.parse_lists import Parsed, checked
from preprocess.person_view import PersonView
from preprocess.sides import with_sides
from preprocess.unseen import Unseen

RGB = NDArray[np.uint8]


class FashnParser:
    """Parse maps by `fashn-human-parser`.

    Args:
        weights: the weights folder.
    """

    card = Card(name="fashn", weights=("fashn-human-parser",), packages=("torch", "transformers"), extra="diffusion", seconds=3.0)
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
            self._network = Segformer(folder, len(Fashn), choose_device(device), by_area)

    def parse(self, views: Sequence[PersonView]) -> list[Parsed | Unseen]:
        """CIHP labels, `BACKGROUND` outside the person; limbs get the side of the nearer limb of the body."""
        if self._network is None:
            self.load("auto")
        assert self._network is not None
        maps = self._network.labels([view.image for view in views])
        return [checked(_cihp(fashn, view), view, self.card.name) for fashn, view in zip(maps, views, strict=True)]


def by_area(picture: RGB, size: tuple[int, int]) -> RGB:
    """OpenCV's mean over areas, by which this network's pictures are resized."""
    return np.asarray(cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _cihp(fashn: NDArray[np.uint8], view: PersonView) -> NDArray[np.uint8]:
    """Torso skin is CIHP's 10, like the neck; jewelry on it too, but an ear-ring is the face's."""
    labels = converted(fashn, CIHP_FROM_FASHN)
    labels[~view.person] = Parse.BACKGROUND
    return with_sides(no_neck_above_mouth(labels, view.body), view.body)
