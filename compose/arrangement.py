"""Where people stand in one picture: as the placement file says; what it leaves open is found automatically."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compose.body import CutoutBody
from compose.free_space import find_free_space
from compose.guests import DressedCutout, beside, places
from compose.horizon import Ground, estimate_ground
from compose.painter import Figure
from compose.placement import Placement, anchored, place
from compose.scene_light import find_scene_light
from pipeline.core.flags import Notice
from pipeline.core.inputs.placement_file import PlacementSettings, Spot
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
        drawn: what the dressed picture says of how it was drawn.
        guests: by `<person>__<garment>`.
    """

    scene: Scene
    background: NDArray[np.uint8]
    notices: tuple[Notice, ...]
    cutout: NDArray[np.uint8]
    keypoints: Keypoints | None
    placement_settings: PlacementSettings
    reading: str = ""
    drawn: Mapping[str, Any] = field(default_factory=dict)
    guests: Mapping[str, DressedCutout] = field(default_factory=dict)


def arrange(inputs: SceneInputs, body: CutoutBody, seed: int) -> tuple[Ground, list[Figure]]:
    """Where people stand: as the placement file says, the rest automatically; in the order of `compose.guests.places`."""
    size = (inputs.background.shape[0], inputs.background.shape[1])
    ground = ground_of(inputs.placement_settings, estimate_ground(inputs.background), size)
    free_space = find_free_space(inputs.background)
    light = find_scene_light(inputs.background, ground)
    own, figures, turn = DressedCutout(inputs.cutout, body), [], 0
    for number, each in enumerate(places(inputs.placement_settings, inputs.scene.pair.person.original.id)):
        person, spot = (inputs.guests[each.guest] if each.guest else own), each.spot
        automatic = place(person.body, size, ground, free_space)
        if each.guest and spot.foot is None:
            turn += 1
            automatic = beside(automatic, turn, person.body, size[1])
        placement = resolve_spot(spot, person.body, automatic, inputs.placement_settings, ground, size)
        shade = spot.shade
        cast = light.source.shadow_at((placement.x, placement.y), size)
        direction = (shade.direction[0], shade.direction[1]) if shade.direction else cast
        shadow = shade.opacity * shade.on
        lit = light.reaching((placement.x, placement.y - placement.height / 2), size)
        figures.append(Figure(person.cutout, person.body, placement, direction, shadow, seed + number, spot.reflection, lit))
    return ground, figures


def ground_of(placement_settings: PlacementSettings, found: Ground, size: tuple[int, int]) -> Ground:
    """The ground line that the user gave, else the one that was found.

    Args:
        placement_settings: the whole file.
        found: the ground line of the picture.
        size: (height, width) of the background.
    """
    row = placement_settings.horizon_px(size)
    return found if row is None else Ground(row / size[0], 1.0)


def resolve_spot(
    spot: Spot,
    body: CutoutBody,
    automatic: Placement,
    placement_settings: PlacementSettings,
    ground: Ground,
    size: tuple[int, int],
) -> Placement:
    """Fill in what a spot leaves open.

    A missing height follows from the ground line: people of one size shrink towards it (their distance to it is proportional to
    their height), calibrated by the first spot of the file that gives both foot point and height, else by the automatic place.

    Args:
        spot: what the file says.
        body: the person.
        automatic: where the person would stand without a file.
        placement_settings: the whole file, for the calibration.
        ground: the ground line.
        size: (height, width) of the background.
    """
    foot = spot.foot_px(size) or (automatic.x, automatic.y)
    height = spot.height_px(size) or _by_perspective(foot[1], automatic, placement_settings, ground, size)
    return anchored(Placement(foot[0], foot[1], height, spot.flip, spot.z), body, size)


def _by_perspective(
    y: float, automatic: Placement, placement_settings: PlacementSettings, ground: Ground, size: tuple[int, int]
) -> float:
    line = ground.line * size[0]
    for spot in placement_settings.spots:
        foot, height = spot.foot_px(size), spot.height_px(size)
        if foot and height and foot[1] > line and y > line:
            return height * (y - line) / (foot[1] - line)
    if ground.confidence > 0 and y > line and automatic.y > line:
        return automatic.height * (y - line) / (automatic.y - line)
    return automatic.height
