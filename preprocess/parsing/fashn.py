"""FASHN's human parser: a SegFormer-B4 with its own label list: hands, feet and torso have labels, limbs have no sides.

Facts: docs/facts/parsing_networks.md#fashn.

Its weights are for research and evaluation only (NVIDIA's licence of SegFormer), unlike the try-on model of the same makers.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB
from pipeline.core.card import ALL_THREADS, Card, Resources
from pipeline.core.labels import Fashn, Parse
from preprocess.networks.segformer import Normal
from preprocess.parsing.neck import no_neck_above_mouth
from preprocess.parsing.segformer_base import SegformerParser
from preprocess.person.label_tables import CIHP_FROM_FASHN, converted
from preprocess.person.person_view import PersonView
from preprocess.person.sides import with_sides


class FashnParser(SegformerParser):
    """Parse maps by `fashn-human-parser`; limbs get the side of the nearer limb of the body."""

    card = Card(
        name="fashn",
        version=2,
        weights=("fashn-human-parser",),
        packages=("torch", "transformers"),
        extra="diffusion",
        seconds=3.0,
        resources=Resources(cpu_threads=ALL_THREADS, memory_gb=1.4, gpu_memory_gb=2),
    )
    classes = len(Fashn)
    normal = Normal(size=(576, 384))

    def shrink(self, picture: RGB, size: tuple[int, int]) -> RGB:
        """Resize with OpenCV's area average, as this network's own processor does."""
        return by_area(picture, size)

    def cihp(self, labels: NDArray[np.uint8], view: PersonView) -> NDArray[np.uint8]:
        """Torso skin is CIHP's 10, like the neck, and so is jewelry on it; an earring becomes face."""
        found = converted(labels, CIHP_FROM_FASHN)
        found[~view.person] = Parse.BACKGROUND
        return with_sides(no_neck_above_mouth(found, view.body), view.body)


def by_area(picture: RGB, size: tuple[int, int]) -> RGB:
    """(h, w, 3) uint8 at (height, width), each pixel the mean of the area it covers."""
    return np.asarray(cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
