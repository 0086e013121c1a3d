"""Outfits: an upper and a lower garment for one person, put on in two passes.

The lower garment comes first, so that the upper one hangs over its waistband. What the first pass makes of a person is a person
again, with an id of its own: `ann` in `jeans` is `ann+jeans`, who then gets the top. The finished pair is `ann__jeans+top`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pipeline.core.inputs.ids import joined_ids
from pipeline.core.inputs.scan import Problem
from pipeline.core.items import Garment, Pair, Person
from pipeline.core.labels import Category
from pipeline.core.layout import OUTFIT

ORDER = (Category.LOWER, Category.UPPER)
"""The garments of an outfit, in the order in which they are put on."""


@dataclass(frozen=True, slots=True)
class Outfit:
    """A person and the garments to be worn together, in the order of `ORDER`."""

    person: Person
    garments: tuple[Garment, ...]


def outfit_of(where: str, person: Person, garments: Sequence[Garment]) -> Outfit | Problem:
    """The outfit that a line names, or why it names none.

    Args:
        where: file and line.
        person: who.
        garments: what, in any order.
    """
    worn = sorted(garments, key=lambda each: list(Category).index(each.category), reverse=True)
    if tuple(each.category for each in worn) == ORDER:
        return Outfit(person, tuple(worn))
    listed = " and ".join(f"{each.id} ({each.category.value}{'' if each.given else ', by its picture'})" for each in garments)
    move = ", ".join(f"inputs/cloth/{category.value}/" for category in reversed(ORDER))
    remedy = f"name one of each; a garment's folder decides what it is: {move}"
    return Problem(where, f"an outfit is one upper and one lower garment, not {listed}", remedy)


def outfit_pairs(outfits: Sequence[Outfit], engine_of: Callable[[Category], str], taken: Iterable[str]) -> list[Pair]:
    """The last pass of each outfit, with the passes before it.

    Args:
        outfits: each once.
        engine_of: the engine for a garment's category.
        taken: ids of people and of garments.
    """
    taken = list(taken)
    halfway = list(dict.fromkeys((each.person.id, each.garments[0].id) for each in outfits))
    worn = list(dict.fromkeys(tuple(garment.id for garment in each.garments) for each in outfits))
    person_ids = dict(zip(halfway, joined_ids(halfway, taken), strict=True))
    names = dict(zip(worn, joined_ids(worn, taken), strict=True))

    def last_pass(outfit: Outfit) -> Pair:
        first, second = outfit.garments
        begun = Pair(outfit.person, first, engine_of(first.category))
        ident = person_ids[outfit.person.id, first.id]
        dressed = Person(ident, OUTFIT.of(ident), after=begun)
        return Pair(dressed, second, engine_of(second.category), outfit=names[first.id, second.id])

    return [last_pass(each) for each in outfits]
