"""Where people stand in one picture: as the placement file says; what it leaves open is found automatically."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from compose.body import CutoutBody
from compose.free_space import find_free_space
from compose.guests import DressedCutout, beside, places
from compose.horizon import Ground, estimate_ground
from compose.light import shadow_direction
from compose.painter import Figure
from compose.placement import place
from compose.spots import ground_of, resolve_spot
from pipeline.core.flags import Notice
from pipeline.core.inputs.placement_file import PlacementSettings
from pipeline.core.items import Scene
from pipeline.core.keypoints import Keypoints


@dataclass(frozen=True)
class SceneInputs:
    """What one scene is made of.

    Args:
        scene: the item.
        background: (h, w, 3) RGB uint8.
        notices: flags of the background as it was read.
        cutout: (h, w, 4) RGBA uint8, photo resolution.
        keypoints: in photo pixels, or None.
        placement_settings: where the user wants people to stand.
        reading: how bare numbers were read, or "".
        drawn: seed and attempt of the dressed picture, where it says so.
        guests: by `<person>__<garment>`.
    """

    scene: Scene
    background: NDArray[np.uint8]
    notices: tuple[Notice, ...]
    cutout: NDArray[np.uint8]
    keypoints: Keypoints | None
    placement_settings: PlacementSettings
    reading: str = ""
    drawn: Mapping[str, int] = field(default_factory=dict)
    guests: Mapping[str, DressedCutout] = field(default_factory=dict)


def arrange(inputs: SceneInputs, body: CutoutBody, seed: int) -> tuple[Ground, list[Figure]]:
    """Where people stand: as the placement file says, the rest automatically; in the order of `compose.guests.places`."""
    size = (inputs.background.shape[0], inputs.background.shape[1])
    ground = ground_of(inputs.placement_settings, estimate_ground(inputs.background), size)
    free_space = find_free_space(inputs.background)
    light = shadow_direction(inputs.background, ground)
    own, figures, turn = DressedCutout(inputs.cutout, body), [], 0
    for number, each in enumerate(places(inputs.placement_settings, inputs.scene.pair.person.id)):
        person, spot = (inputs.guests[each.guest] if each.guest else own), each.spot
        automatic = place(person.body, size, ground, free_space)
        if each.guest and spot.foot is None:
            turn += 1
            automatic = beside(automatic, turn, person.body, size[1])
        placement = resolve_spot(spot, person.body, automatic, inputs.placement_settings, ground, size)
        shade = spot.shade
        direction = (shade.direction[0], shade.direction[1]) if shade.direction else light
        shadow = shade.opacity * shade.on
        figures.append(Figure(person.cutout, person.body, placement, direction, shadow, seed + number, spot.reflection))
    return ground, figures
