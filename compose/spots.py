"""From the spots of a placement file to places in one background; what the file leaves open is found automatically."""

from __future__ import annotations

from compose.body import CutoutBody
from compose.horizon import Ground
from compose.placement import Placement, anchored
from pipeline.core.inputs.placement_file import PlacementSettings, Spot


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
