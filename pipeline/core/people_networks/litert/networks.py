"""The set of networks behind the door, in LiteRT."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB
from pipeline.core.people_networks.contract import PeopleNetworks, SeenPose
from pipeline.core.people_networks.litert.body import Body
from pipeline.core.people_networks.litert.faces import Faces
from pipeline.core.people_networks.litert.hand import Hand
from pipeline.core.people_networks.litert.person import PersonPixels


class LiteRTNetworks(PeopleNetworks):
    """Eight network files in LiteRT, each opened at the first question to it. One lock: an interpreter is not thread-safe."""

    def __init__(self, weights: Path) -> None:
        """Find the networks' files in the weights folder, or in an installed wheel of mediapipe 0.10.

        Raises:
            WeightsError: one is in neither.
        """
        self._lock = threading.RLock()
        self._body, self._person, self._faces, self._hand = Body(weights), PersonPixels(weights), Faces(weights), Hand(weights)

    def pose(self, picture: RGB) -> SeenPose | None:
        """The most prominent person of an (h, w, 3) uint8 RGB picture, or None."""
        with self._lock:
            return self._body.seen(picture)

    def person_probability(self, picture: RGB) -> NDArray[np.float32]:
        """(h, w) float32 in [0, 1]: that a pixel belongs to any person."""
        with self._lock:
            return self._person.probability(picture)

    def faces(self, picture: RGB) -> NDArray[np.float32]:
        """(n, 5) float32 of top, left, height, width in pixels and score, from the near and the far model together."""
        with self._lock:
            return self._faces.boxes(picture)

    def face_mesh(self, picture: RGB) -> NDArray[np.float32] | None:
        """(468, 2) float32 x, y in pixels of the one face in the picture, or None."""
        with self._lock:
            return self._faces.mesh(picture)

    def hand(self, picture: RGB) -> NDArray[np.float32] | None:
        """(21, 3) float32 of x, y in pixels and score of the one hand in the picture, or None."""
        with self._lock:
            return self._hand.seen(picture)
