"""The small doors behind which preprocessing models stand.

A backend brings a `card` and a `load`; each kind adds one method. The matte backend is here rather than in `preprocess` because
`compose` needs it too, and siblings never import each other.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.core.card import Card
from pipeline.core.rect import Rect


class Backend(Protocol):
    """What all backends have in common."""

    card: Card

    def load(self, device: str) -> None:
        """Bring up the model; called once before the first picture."""


class MatteBackend(Backend, Protocol):
    """Separates a person from the background."""

    def matte_in(self, photo: NDArray[np.uint8], box: Rect[float]) -> NDArray[np.uint8]:
        """The person known to be somewhere, seen again after a garment changed; asked about that place, not about fine edges.

        Args:
            photo: (h, w, 3) RGB uint8.
            box: where the person is.

        Returns:
            (h, w) uint8, 255 = person; all zero when nobody is seen there.
        """
