"""Which items the inputs folder still has, whether or not a pairs file wants them now.

What was made of anything else is an orphan.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pipeline.core.inputs.collection import Collection
from pipeline.core.items import Unit

SEPARATOR = "__"
"""Between the single ids of a pair's or a scene's id."""


@dataclass(frozen=True, slots=True)
class Existing:
    """Ids of one unit, tested without listing every pair: a thousand people and garments make a million of them.

    Args:
        columns: the single ids that may stand at each place of an id.
    """

    columns: tuple[AbstractSet[str], ...]

    def __contains__(self, item: object) -> bool:
        """Whether all inputs of this item are there."""
        parts = str(item).split(SEPARATOR)
        return len(parts) == len(self.columns) and all(part in ids for part, ids in zip(parts, self.columns, strict=True))


def existing(found: Collection) -> dict[Unit, Existing]:
    """What there is of each unit.

    Args:
        found: the whole inputs folder, not restricted by a pairs file.
    """
    persons, garments, backgrounds = (
        frozenset(item.id for item in items) for items in (found.persons, found.garments, found.backgrounds)
    )
    return {
        Unit.PERSON: Existing((persons,)),
        Unit.GARMENT: Existing((garments,)),
        Unit.PAIR: Existing((persons, garments)),
        Unit.SCENE: Existing((persons, garments, backgrounds)),
    }
