"""Several people in one picture: of one body size but for perspective, side by side, all standing or all cut by the same edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from compose.body import CutoutBody
from compose.placement import CUT_HEIGHTS, LEAST_OF_TARGET, MOST_ENLARGED, TUCK, Placement, place, reach_of
from compose.standing import ROWS_TRIED, Stage, shows_feet
from pipeline.core.errors import InputError
from pipeline.core.inputs.placement_file import Spot

LEAST_FRAMED = 0.7
"""A group cut by the picture's edge may shrink to this share of the pleasing height to avoid enlarging a photo."""
LEAST_TOGETHER = 0.5
"""And to this share so that everybody fits beside each other; beyond, they overlap."""
ROW_WIDTH = 0.96
"""Share of the picture's width that a row of people takes at most."""
MOST_GAP, MOST_OVERLAP = 0.08, 0.35
"""Between neighbours: share of the picture's width, and of a person's own width."""
OFFSETS = 21
EVEN = 0.15
"""Sizes within this share of each other pass for perspective and different builds."""


@dataclass(frozen=True)
class Member:
    """One person of a group.

    Args:
        name: of the pair, for errors and flags.
        body: the person as the picture shows them, mirrored where the spot says so.
        spot: what the placement file says.
    """

    name: str
    body: CutoutBody
    spot: Spot

    def foot(self, size: tuple[int, int]) -> tuple[float, float] | None:
        """The foot point that the file gives, pixels."""
        return self.spot.foot_px(size)

    def stands(self, size: tuple[int, int]) -> bool:
        """Whether the file puts the feet into the picture."""
        foot = self.foot(size)
        return shows_feet(self.body) and foot is not None and foot[1] <= size[0]


def place_group(members: Sequence[Member], stage: Stage, background: str) -> tuple[list[Placement], bool]:
    """Where everybody stands, in the order of the members, and whether all are cut by the picture's lower edge.

    Args:
        members: two or more; the first is the picture's own person.
        stage: the background.
        background: its name, for errors.

    Raises:
        InputError: somebody whose photo ends above the feet is to join somebody whose feet the file puts into the picture.
    """
    cut = [each for each in members if not shows_feet(each.body) or (each.body.seated and not each.stands(stage.size))]
    standing = [each for each in members if each.stands(stage.size)]
    if cut and standing:
        raise _unequal(cut[0], standing[0], background)
    if not cut:
        row = _standing_row(members, stage, found_only=not standing)
        if row is not None:
            return row, False
    return _framed_row(members, stage), True


def _unequal(cut: Member, standing: Member, background: str) -> InputError:
    why = "shows nothing to sit on" if shows_feet(cut.body) else "ends above the feet"
    return InputError(
        f"{background}: the photo of {cut.name} {why}, and {standing.name} stands with the feet in the picture: "
        "one of them would float",
        f"leave out the foot point of {standing.name} in {background}.toml, so that the picture's edge cuts everybody alike, "
        f"or use a photo of {cut.name} standing, from head to foot",
    )


def uneven(members: Sequence[Member], placements: Sequence[Placement], stage: Stage) -> str:
    """Who is larger or smaller than the others where the file gives heights, beyond perspective; "" when nobody is.

    People whom the picture's lower edge cuts count as equally far away.
    """
    line, tall = stage.ground.eye_level * stage.size[0], stage.size[0]
    certain = stage.ground.confidence > 0 and all(line < spot.y <= tall for spot in placements)
    scales = [
        spot.height / each.body.height * each.body.upright / ((spot.y - line) if certain else 1.0)
        for each, spot in zip(members, placements, strict=True)
    ]
    usual = float(np.median(scales)) if len(scales) > 2 else scales[0]
    worst = max(range(len(scales)), key=lambda at: abs(np.log(scales[at] / usual)))
    off = scales[worst] / usual
    if 1 / (1 + EVEN) <= off <= 1 + EVEN:
        return ""
    return f"{members[worst].name} is {off:.2f} times the size of the others for the place; leave out `height`"


def _standing_row(members: Sequence[Member], stage: Stage, *, found_only: bool) -> list[Placement] | None:
    """Everybody on the ground; None where there is none for a place that the file leaves open and that nobody vouches for."""
    alone = [place(each.body, stage.size, stage.ground, stage.free_space) for each in members]
    usual = alone[0].y
    build, at = _calibrated(members, stage, usual) or (_common_build(members, alone, stage), usual)
    for drop in ROWS_TRIED if found_only else ROWS_TRIED[:1]:
        rows = [foot[1] if (foot := each.foot(stage.size)) else usual - drop * stage.size[0] for each in members]
        heights = [_height(each, build, at, row, stage) for each, row in zip(members, rows, strict=True)]
        for shift in np.array(sorted(np.linspace(-0.4, 0.4, OFFSETS), key=abs)) * stage.size[1]:
            columns = line_up(members, heights, stage.size[1], float(shift))
            placed = [Placement(x, y, height) for x, y, height in zip(columns, rows, heights, strict=True)]
            if not found_only or all(_grounded(each, spot, stage) for each, spot in zip(members, placed, strict=True)):
                return placed
    return None


def _grounded(member: Member, placement: Placement, stage: Stage) -> bool:
    return member.foot(stage.size) is not None or stage.bears(member.body, placement)


def _calibrated(members: Sequence[Member], stage: Stage, usual: float) -> tuple[float, float] | None:
    """Upright height in pixels at a foot row, from the first member whose height the file gives."""
    for each in members:
        height, foot = each.spot.height_px(stage.size), each.foot(stage.size)
        if height:
            return height / each.body.height * each.body.upright, foot[1] if foot else usual
    return None


def _common_build(members: Sequence[Member], alone: Sequence[Placement], stage: Stage) -> float:
    """The upright height in pixels at which everybody is pleasing, none enlarged more than alone, and all fit side by side."""
    whole = [each for each in zip(members, alone, strict=True) if not each[0].body.cuts.top] or list(
        zip(members, alone, strict=True)
    )
    build = min(spot.height / each.body.height * each.body.upright for each, spot in whole)
    return build * float(np.clip(_room(members, stage) / build, LEAST_TOGETHER, 1))


def _room(members: Sequence[Member], stage: Stage) -> float:
    """The upright height in pixels at which a row of all members is as wide as the picture holds."""
    return ROW_WIDTH * stage.size[1] / sum(each.body.width / each.body.upright for each in members)


def _height(member: Member, build: float, at: float, row: float, stage: Stage) -> float:
    """The visible height of a member: the file's, else by build and perspective."""
    line = stage.ground.eye_level * stage.size[0]
    farther = (row - line) / (at - line) if stage.ground.confidence > 0 and min(row, at) > line else 1.0
    return member.spot.height_px(stage.size) or build * farther * member.body.height / member.body.upright


def _framed_row(members: Sequence[Member], stage: Stage) -> list[Placement]:
    """Heads on one line, everybody cut at the same height of the body, that of whoever shows least."""
    tall = stage.size[0]
    share = min(_shown(each.body) for each in members)
    build = _framed_build(members, share, stage)
    heights = [each.spot.height_px(stage.size) or build * each.body.height / each.body.upright for each in members]
    columns = line_up(members, heights, stage.size[1], 0.0)
    placed = []
    for each, x, height in zip(members, columns, heights, strict=True):
        below = max(each.body.height - share * each.body.upright, 0) * height / each.body.height
        foot = each.foot(stage.size)
        placed.append(Placement(x, foot[1] if foot and foot[1] > tall else tall * (1 + TUCK) + below, height))
    return placed


def _shown(body: CutoutBody) -> float:
    """How much of the upright height a picture shows that cuts the body no higher than its photo, and no lower than mid-thigh."""
    return (min(body.bottom, body.thigh if shows_feet(body) or body.seated else body.bottom) - body.top) / body.upright


def _framed_build(members: Sequence[Member], share: float, stage: Stage) -> float:
    for each in members:
        if height := each.spot.height_px(stage.size):
            return height / each.body.height * each.body.upright
    pleasing = float(np.interp(share, *CUT_HEIGHTS)) * stage.size[0] / share
    natural = MOST_ENLARGED * min(each.body.upright for each in members)
    build = max(min(pleasing, natural), LEAST_FRAMED * pleasing)
    return min(build, max(_room(members, stage) * (1 + MOST_OVERLAP / 2), LEAST_TOGETHER * LEAST_OF_TARGET * pleasing))


def line_up(members: Sequence[Member], heights: Sequence[float], wide: int, shift: float) -> list[float]:
    """The columns of everybody's foot point: the file's, the edge that cuts them, else side by side around the first.

    Args:
        members: the first is in the middle, the second at the right, the third at the left, …
        heights: of the visible bodies, pixels.
        wide: the picture's width, pixels.
        shift: of the whole row from the picture's middle, pixels.
    """
    reaches = [reach_of(each.body, height / each.body.height) for each, height in zip(members, heights, strict=True)]
    given = [_given(each, reach, wide) for each, reach in zip(members, reaches, strict=True)]
    free = [at for at, x in enumerate(given) if x is None]
    order = [*free[2::2][::-1], *free[:1], *free[1::2]]
    columns = [0.0 if x is None else x for x in given]
    taken = [(x - reach[0], x + reach[1]) for x, reach in zip(given, reaches, strict=True) if x is not None]
    low, high = _gap(taken, wide, shift)
    width = sum(sum(reaches[at]) for at in order)
    gap = 0.0
    if len(order) > 1:
        least = -MOST_OVERLAP * width / len(order)
        gap = float(np.clip((ROW_WIDTH * (high - low) - width) / (len(order) - 1), least, MOST_GAP * wide))
    begin = (low + high - width - gap * (len(order) - 1)) / 2
    for at in order:
        columns[at] = begin + reaches[at][0]
        begin += sum(reaches[at]) + gap
    return columns


def _given(member: Member, reach: tuple[float, float], wide: int) -> float | None:
    if member.spot.foot is not None:
        return member.spot.foot_px((1, wide))[0]  # type: ignore[index]
    cuts = member.body.cuts
    if cuts.left is not None:
        return reach[0] - TUCK * wide
    return wide - reach[1] + TUCK * wide if cuts.right is not None else None


def _gap(taken: Sequence[tuple[float, float]], wide: int, shift: float) -> tuple[float, float]:
    """The widest stretch of the picture beside the people whose place is given; all of it, shifted, where nobody's is."""
    if not taken:
        return shift, wide + shift
    edges = [0.0, *(edge for pair in sorted(taken) for edge in pair), float(wide)]
    stretches = [(max(low, 0.0), min(high, float(wide))) for low, high in zip(edges[::2], edges[1::2], strict=True)]
    return max(stretches, key=lambda stretch: stretch[1] - stretch[0])


def mirrored_where_flipped(body: CutoutBody, spot: Spot) -> CutoutBody:
    """The body as the picture shows it."""
    return body.mirrored if spot.flip else body


def finished(placement: Placement, spot: Spot) -> Placement:
    """With the file's mirror and order."""
    return replace(placement, flip=spot.flip, z=spot.z)
