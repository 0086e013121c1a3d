"""What the networks are asked and what they answer, in plain arrays, whichever runtime runs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB

PACKAGES = "mediapipe|ai_edge_litert"
"""Modules of which one must be present, as cards state it."""
POSE_CONFIDENCE = 0.3
"""Lower than 0.5, so that people whose head is cut off are still found."""
FACE_CONFIDENCE = 0.5
MESH_CONFIDENCE = 0.3
HAND_CONFIDENCE = 0.3
FACE_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""The face's outline in the mesh of 468 points, from the middle of the forehead (docs/facts/keypoints.md#mediapipe)."""


@dataclass(frozen=True)
class SeenPose:
    """One person as the pose model found them.

    Args:
        body: (33, 4) float32 of x, y, z in pixels of the picture, and visibility in [0, 1].
        probability: (h, w) float32 in [0, 1] that a pixel belongs to this person.
    """

    body: NDArray[np.float32]
    probability: NDArray[np.float32]


class PeopleNetworks(Protocol):
    """One set of networks. Every picture is (h, w, 3) uint8 RGB; answers are in its pixels. One thread at a time."""

    def pose(self, picture: RGB) -> SeenPose | None:
        """The most prominent person, or None."""
        ...

    def person_probability(self, picture: RGB) -> NDArray[np.float32]:
        """(h, w) float32 in [0, 1]: that a pixel belongs to any person."""
        ...

    def faces(self, picture: RGB) -> NDArray[np.float32]:
        """(n, 5) float32 of top, left, height, width in pixels and score, from the near and the far model together."""
        ...

    def face_mesh(self, picture: RGB) -> NDArray[np.float32] | None:
        """(468, 2) float32 x, y of the one face, or None."""
        ...

    def face_oval(self, picture: RGB) -> NDArray[np.float32]:
        """(36, 2) float32 x, y along the face's outline, from the forehead, or (0, 2)."""
        mesh = self.face_mesh(picture)
        return np.zeros((0, 2), np.float32) if mesh is None else mesh[list(FACE_OVAL)]

    def hand(self, picture: RGB) -> NDArray[np.float32] | None:
        """(21, 3) float32 of x, y and score of the one hand, or None."""
        ...
