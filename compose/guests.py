"""Group pictures: guests join the pictures of other people, where the placement file says so (`people` and `wears`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compose.body import CutoutBody
from pipeline.core.inputs.placement_file import PlacementSettings, Spot
from pipeline.core.items import Garment, Pair, Person


@dataclass(frozen=True)
class DressedCutout:
    """A dressed person to place.

    Args:
        cutout: (h, w, 4) uint8 RGBA, straight alpha, photo resolution.
        body: what the cut-out shows.
    """

    cutout: NDArray[np.uint8]
    body: CutoutBody


@dataclass(frozen=True)
class Place:
    """A spot of the settings file in one picture.

    Args:
        number: of the spot in the file; -1 when the file has none for the picture's own person.
        spot: what the file says.
        guest: `<person>__<garment>` of a guest, or "" for the picture's own person.
    """

    number: int
    spot: Spot
    guest: str = ""


def places(placement_settings: PlacementSettings, person_id: str) -> list[Place]:
    """Who stands where in a picture of this person: the person's own places first, then the guests.

    A person is no guest in their own picture. There they wear what they try on; a spot where they are a guest elsewhere goes
    before a spot for all people.
    """
    own = [Place(number, spot) for number, spot in enumerate(placement_settings.spots) if spot.is_for(person_id)]
    own = [each for each in own if each.spot.wears] or own
    return [*(own or [Place(-1, Spot())]), *_joining(placement_settings, person_id)]


def guest_places(placement_settings: PlacementSettings, person_id: str) -> list[Place]:
    """Where guests stand in a picture of this person."""
    return [each for each in places(placement_settings, person_id) if each.guest]


def _joining(placement_settings: PlacementSettings, person_id: str) -> Iterator[Place]:
    for number, spot in enumerate(placement_settings.spots):
        if spot.wears and not spot.is_for(person_id):
            yield Place(number, spot, guest_pair(spot).id)


def guest_pair(spot: Spot, engine: str = "") -> Pair:
    """The pair that a spot with `wears` names."""
    return Pair(Person(spot.people[0], ""), Garment(str(spot.wears), ""), engine)
