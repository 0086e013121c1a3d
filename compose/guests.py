"""Group pictures: people who join somebody else's picture, because a background's settings say so (`people` and `wears`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compose.body import Body
from compose.placement import Placement
from pipeline.core.inputs.placement_file import PlacementSettings, Spot
from pipeline.core.items import Garment, Pair, Person

STEP_ASIDE = 0.24
"""How far from the middle of the picture's own place the next one stands who was given none, share of the picture's width."""


@dataclass(frozen=True)
class Dressed:
    """A dressed person to place.

    Args:
        cutout: (h, w, 4) uint8 RGBA, straight alpha, photo resolution.
        body: what it shows.
    """

    cutout: NDArray[np.uint8]
    body: Body


@dataclass(frozen=True)
class Place:
    """A spot of the settings file in one picture.

    Args:
        number: of the spot in the file; -1 when the file has none for the picture's own person.
        spot: what the file says.
        guest: `<person>__<garment>` of who joins, or "" for the picture's own person.
    """

    number: int
    spot: Spot
    guest: str = ""


def places(placement_settings: PlacementSettings, person_id: str) -> list[Place]:
    """Who stands where in a picture of this person: the own places first, then those who join.

    Nobody joins their own picture: there they stand in what they try on, at the place where they join others, rather than at
    one for everybody.
    """
    own = [Place(number, spot) for number, spot in enumerate(placement_settings.spots) if spot.is_for(person_id)]
    own = [each for each in own if each.spot.wears] or own
    return [*(own or [Place(-1, Spot())]), *_joining(placement_settings, person_id)]


def _joining(placement_settings: PlacementSettings, person_id: str) -> Iterator[Place]:
    for number, spot in enumerate(placement_settings.spots):
        if spot.wears and not spot.is_for(person_id):
            yield Place(number, spot, guest_pair(spot).id)


def guest_pair(spot: Spot, engine: str = "") -> Pair:
    """The pair that a spot with `wears` names."""
    return Pair(Person(spot.people[0], ""), Garment(str(spot.wears), ""), engine)


def aside(automatic: Placement, turn: int, body: Body, wide: int) -> Placement:
    """The automatic place of the `turn`-th person who joins: beside the picture's own, right and left by turns.

    Args:
        automatic: the place with nobody else there.
        turn: 1, 2, …
        body: who; somebody whom the photo cuts at a side stays at the picture's edge.
        wide: width of the background, pixels.
    """
    if body.cuts.left is not None or body.cuts.right is not None:
        return automatic
    step = STEP_ASIDE * ((turn + 1) // 2) * wide
    return replace(automatic, x=float(np.clip(automatic.x + (step if turn % 2 else -step), 0, wide)))
