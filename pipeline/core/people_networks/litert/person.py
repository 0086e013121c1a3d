"""Every person's pixels at once."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Float
from pipeline.core.people_networks.litert.regions import Region, crop
from pipeline.core.people_networks.litert.session import Network


class PersonPixels:
    """The selfie network, which sees the whole picture squashed to a square."""

    def __init__(self, weights: Path) -> None:
        self._network = Network("selfie_segmentation.tflite", weights)

    def probability(self, picture: RGB) -> Float:
        """(h, w) float32 in [0, 1] for an (h, w, 3) uint8 picture."""
        seen = crop(picture, Region.whole(picture), self._network.side, black_outside=True)
        small = self._network.answer(seen)[0][0, :, :, 0]
        return np.asarray(cv2.resize(small, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)
