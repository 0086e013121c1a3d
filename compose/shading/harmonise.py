"""What brings a person's colours nearer to a scene's, behind one small door, so that a network can take its place one day.

The published networks were looked at and left out. PCT-Net (Guerreiro et al., CVPR 2023) has no licence beside its code and its
weights that could be verified, and Harmonizer (Ke et al., ECCV 2022) is CC BY-NC-SA 4.0; both were trained on iHarmony4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from compose.layer import Colour, Layer
from compose.shading.light import match_colour
from compose.shading.scene_light import SceneLight, relight

LEAST_ROOM = 0.4
"""Share of the colour transfer's limits that neutral light leaves."""


class Harmoniser(Protocol):
    """One way to colour a person for a scene."""

    def harmonise(self, person: Layer, background: NDArray[np.uint8], light: SceneLight, strength: float) -> Colour:
        """New colours of a layer; its alpha and place stay, and its arguments are not changed.

        Args:
            person: the layer.
            background: (h, w, 3) RGB uint8 without the person.
            light: of the scene.
            strength: 0 = the layer's own colours, exactly; 0.35 = the setting's default; 1 = all of it.

        Returns:
            (h, w, 3) float32 RGB 0..255, straight; the same for the same arguments.
        """
        ...


@dataclass(frozen=True, slots=True)
class MeasuredLight:
    """The scene's estimated light, then a clamped colour transfer from the surroundings; no network."""

    def harmonise(self, person: Layer, background: NDArray[np.uint8], light: SceneLight, strength: float) -> Colour:
        """As `Harmoniser` says; the farther the light is from a neutral day, the more may the surroundings change."""
        relit = Layer(person.top, person.left, relight(person, light, strength), person.alpha)
        room = LEAST_ROOM + (1 - LEAST_ROOM) * light.evidence
        return match_colour(relit, background, strength, room, brighten=not light.source.behind)


MEASURED_LIGHT = MeasuredLight()
