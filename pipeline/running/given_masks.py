"""Masks that the user edited or gave, before a run: converted where their meaning is clear, and flagged like those that we make.

A mask is judged once per content. A converted one keeps counting as the user's; what it was before stays beside the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipeline.core.errors import InputError
from pipeline.core.inputs.collection import Collection
from pipeline.core.items import Garment, Person
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC, AGNOSTIC_MASK, CLOTH_MASK, Ref
from pipeline.core.records.given import GivenMask, read_given_masks
from pipeline.core.records.transaction import Records


def take_given_masks(found: Collection, records: Records, invert: bool = False) -> list[str]:
    """Judge the given masks that are new or changed, convert those of clear meaning, and remember their flags.

    Args:
        found: the items of the run.
        records: opened for writing; they take the flags.
        invert: masks whose meaning cannot be seen have black = yes.

    Returns:
        What was converted, for the user.
    """
    given = records.given = read_given_masks(records.layout)
    items = dict(_masks(found))
    content = {ref: _content(ref, *item, records) for ref, item in items.items()}
    lines: list[str] = []
    for ref in given.to_judge(content, again=invert):
        from pipeline.running.mask_judging import judged  # imports OpenCV, which a run with nothing new needs not

        try:
            found_out = judged(ref, *items[ref], records, invert, lines)
            given.masks[ref] = replace(found_out, content=_content(ref, *items[ref], records) or "")
        except InputError:  # whatever needs the mask fails with this error, and names it
            given.masks[ref] = GivenMask(content[ref] or "")
    return lines


def _content(ref: Ref, item: Person | Garment, category: Category, records: Records) -> str | None:
    """What the verdict on a given mask rests on: its bytes, and those of a grey picture given with it; None = not given."""
    if not records.is_hand_edit(ref):
        return None
    picture = AGNOSTIC.of(item.id, category)
    with_it = isinstance(item, Person) and records.is_hand_edit(picture)
    return f"{records.contents.of(ref)} {records.contents.of(picture)}" if with_it else records.contents.of(ref)


def _masks(found: Collection) -> Iterator[tuple[Ref, tuple[Person | Garment, Category]]]:
    for person in (*found.persons, *found.derived):
        for category in person.categories:
            yield AGNOSTIC_MASK.of(person.id, category), (person, category)
    for garment in found.garments:
        yield CLOTH_MASK.of(garment.id), (garment, garment.category)
