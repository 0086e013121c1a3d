"""Where people stand in one picture: as the placement file says; what it leaves open is found automatically."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compose.backdrop import read_backdrop
from compose.body import CutoutBody
from compose.group import Member, finished, mirrored_where_flipped, place_group, uneven
from compose.guests import DressedCutout, places
from compose.painter import Figure
from compose.place_notices import place_notices
from compose.placement import TUCK, Placement, anchored, place
from compose.scenery.horizon import Ground
from compose.scenery.surfaces import Surface
from compose.standing import Stage, framed_as_tall, framed_place, shows_feet, shows_shins, standing_place
from pipeline.core.flags import Flag, Notice
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


@dataclass(frozen=True)
class Stood:
    """Where one person of a picture ended up.

    Args:
        placement: of the whole body.
        framed: the picture's lower edge cuts them, and no shadow falls on what it shows.
        notices: what may be wrong with it.
    """

    placement: Placement
    framed: bool
    notices: tuple[Notice, ...] = ()


def arrange(inputs: SceneInputs, body: CutoutBody, seed: int) -> tuple[Ground, list[Figure]]:
    """Where people stand: as the placement file says, the rest automatically; in the order of `compose.guests.places`.

    Raises:
        InputError: a group in which somebody would float.
    """
    backdrop = read_backdrop(inputs.background, inputs.placement_settings)
    stage, light = backdrop.stage, backdrop.light
    own, pair = DressedCutout(inputs.cutout, body), inputs.scene.pair.id
    wanted = places(inputs.placement_settings, inputs.scene.pair.person.original.id)
    people = [inputs.guests[each.guest] if each.guest else own for each in wanted]
    members = [
        Member(each.guest or pair, mirrored_where_flipped(who.body, each.spot), each.spot)
        for each, who in zip(wanted, people, strict=True)
    ]
    if len(members) == 1:
        placed = [_alone(members[0], body, stage, inputs.placement_settings)]
    else:
        placed = _together(members, [who.body for who in people], stage, inputs.scene.background.id)
    figures = []
    for number, (each, who, stood) in enumerate(zip(wanted, people, placed, strict=True)):
        shade, spot = each.spot.shade, stood.placement
        cast = light.source.shadow_at((spot.x, spot.y), stage.size)
        middle = (spot.y - spot.height + min(spot.y, stage.size[0])) / 2
        figures.append(
            Figure(
                cutout=who.cutout,
                body=who.body,
                placement=spot,
                direction=(shade.direction[0], shade.direction[1]) if shade.direction else cast,
                shadow=0.0 if stood.framed else shade.opacity * shade.on,
                seed=seed + number,
                reflection=0.0 if stood.framed else each.spot.reflection,
                light=light.reaching((spot.x, middle), stage.size),
                guest=each.guest,
                notices=stood.notices,
            )
        )
    return stage.ground, figures


def _alone(member: Member, body: CutoutBody, stage: Stage, said: PlacementSettings) -> Stood:
    """One person: where the file says, else on the ground, else cut by the picture's lower edge."""
    spot, seen, framed = member.spot, member.body, False
    if spot.foot is None and seen.seated and not stage.told:
        framed, automatic = True, framed_place(seen, stage)
    elif spot.foot is None and shows_feet(seen):
        found = standing_place(seen, stage)
        framed = found is None
        automatic = found or framed_place(seen, stage)
    else:
        automatic = place(seen, stage.size, stage.ground, stage.free_space)
        if spot == Spot(people=spot.people, flip=spot.flip) and shows_shins(seen) and not stage.bears(seen, automatic):
            framed, automatic = True, framed_place(seen, stage)
    if framed and (height := spot.height_px(stage.size)):
        automatic = framed_as_tall(seen, automatic.x, height, stage.size[0])
    placement = finished(automatic, spot) if framed else resolve_spot(spot, body, automatic, said, stage.ground, stage.size)
    no_ground = framed and not (seen.seated and stage.below(seen, placement) is Surface.FLOOR)
    notices = tuple(place_notices("", body, placement, stage, framed=no_ground))
    return Stood(placement, framed or _below_the_picture(body, placement, stage), notices)


def _together(members: list[Member], bodies: list[CutoutBody], stage: Stage, background: str) -> list[Stood]:
    """Several people: of one body size, all standing or all cut by the picture's lower edge."""
    placed, framed = place_group(members, stage, background)
    no_ground = framed and all(shows_feet(body) and not body.seated for body in bodies)
    stood: list[Stood] = []
    for each, body, found in zip(members, bodies, placed, strict=True):
        placement = finished(found, each.spot)
        notices = tuple(place_notices(each.name, body, placement, stage, framed=no_ground and not stood))
        stood.append(Stood(placement, framed or _below_the_picture(body, placement, stage), notices))
    if off := uneven(members, placed, stage):
        stood[0] = replace(stood[0], notices=(*stood[0].notices, Notice(Flag.GROUP_UNEVEN, off)))
    return stood


def _below_the_picture(body: CutoutBody, placement: Placement, stage: Stage) -> bool:
    """Whether the file puts the feet below a picture that shows no ground for their shadow."""
    return placement.y > stage.size[0] and stage.below(body, placement) is not Surface.FLOOR


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
    if body.cuts.top and spot.height is None:
        height = foot[1] + TUCK * size[0]  # the cut stays at the picture's upper edge
    else:
        height = spot.height_px(size) or _by_perspective(foot[1], automatic, placement_settings, ground, size)
    return anchored(Placement(foot[0], foot[1], height, spot.flip, spot.z), body, size)


def _by_perspective(
    y: float, automatic: Placement, placement_settings: PlacementSettings, ground: Ground, size: tuple[int, int]
) -> float:
    line = ground.eye_level * size[0]
    for spot in placement_settings.spots:
        foot, height = spot.foot_px(size), spot.height_px(size)
        if foot and height and foot[1] > line and y > line:
            return height * (y - line) / (foot[1] - line)
    if ground.confidence > 0 and y > line and automatic.y > line:
        return automatic.height * (y - line) / (automatic.y - line)
    return automatic.height
