"""Which items the inputs folder has, whether or not a pairs file names them. Artefacts of any other item are orphans."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pipeline.core.inputs.collection import Collection
from pipeline.core.items import Unit

SEPARATOR = "__"
"""Between the single ids in the id of a pair or scene."""


@dataclass(frozen=True, slots=True)
class Existing:
    """The ids of one unit, as a set that lists no pair: a thousand people and a thousand garments would make a million.

    Args:
        columns: the possible single ids of each part of an id.
    """

    columns: tuple[AbstractSet[str], ...]

    def __contains__(self, item: object) -> bool:
        """Whether all inputs of this item exist."""
        parts = str(item).split(SEPARATOR)
        return len(parts) == len(self.columns) and all(part in ids for part, ids in zip(parts, self.columns, strict=True))


def existing(found: Collection) -> dict[Unit, Existing]:
    """The existing items of each unit.

    Args:
        found: the whole inputs folder, not restricted by a pairs file; outfits exist only where that file names them.
    """
    persons, garments, backgrounds = (
        frozenset(item.id for item in items) for items in (found.persons, found.garments, found.backgrounds)
    )
    worn = garments | {pair.outfit for pair in found.pairs if pair.outfit}
    return {
        Unit.PERSON: Existing((persons | {person.id for person in found.derived},)),
        Unit.GARMENT: Existing((garments,)),
        Unit.PAIR: Existing((persons, worn)),
        Unit.SCENE: Existing((persons, worn, backgrounds)),
    }
