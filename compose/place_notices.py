"""What may be wrong with where people are: no ground under the feet, a cut of the photo that shows, people of uneven size."""

from __future__ import annotations

from collections.abc import Iterator

from compose.body import CutoutBody
from compose.placement import Placement, reach_of
from compose.scenery.surfaces import Surface
from compose.standing import Stage, shows_feet
from pipeline.core.flags import Flag, Notice

SLACK_PX = 2.0
NAMES = {Surface.SKY: "sky", Surface.WATER: "water", Surface.WALL: "a wall"}


def place_notices(name: str, body: CutoutBody, placement: Placement, stage: Stage, *, framed: bool) -> Iterator[Notice]:
    """Flags of one person's place.

    Args:
        name: put before the detail where several people are in the picture, or "".
        body: the person, as the photo shows them.
        placement: where they are.
        stage: the background.
        framed: the picture's edge cuts them, and who is beside them, because there is no ground.
    """
    before = f"{name}: " if name else ""
    stands = shows_feet(body) and placement.y <= stage.size[0]
    kind = stage.below(body, placement)
    if framed and not stage.told:
        seen = NAMES.get(kind, "too little ground")
        yield Notice(Flag.NO_GROUND, f"{before}{seen} where the feet would be: cut by the picture's lower edge")
    elif stands and kind is not Surface.FLOOR and not stage.told:
        yield Notice(Flag.NO_GROUND, f"{before}the feet are on {NAMES[kind]}")
    cuts = list(shown_cuts(body, placement, stage.size))
    if cuts:
        yield Notice(Flag.CUT_SHOWS, f"{before}{' and '.join(cuts)}")


def shown_cuts(body: CutoutBody, placement: Placement, size: tuple[int, int]) -> Iterator[str]:
    """Edges of the photo that cut the body and now lie inside the picture of (height, width)."""
    tall, wide = size
    seen = body.mirrored if placement.flip else body
    scale = placement.scale(body)
    left, right = reach_of(seen, scale)
    top = placement.y - placement.height
    if body.cuts.top and top > SLACK_PX:
        yield f"the head is cut {round(top)} px below the upper edge"
    for cut, distance, side in (
        (seen.cuts.left, placement.x - left, "left"),
        (seen.cuts.right, wide - placement.x - right, "right"),
    ):
        if cut is not None and distance > SLACK_PX and placement.y - (body.bottom - cut) * scale < tall - SLACK_PX:
            yield f"the body is cut {round(distance)} px from the {side} edge"
