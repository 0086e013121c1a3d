"""The grid of people and garments: reads and writes `inputs/pairs.txt`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pipeline.core.errors import UsageError
from pipeline.core.inputs.pairs import pair_files, read_pairs
from pipeline.core.layout import INPUT_PREFIX, PAIR_FILES, Layout
from pipeline.core.records.store import Store
from pipeline.review.workspace import Items, stamp_of

PAIRS = INPUT_PREFIX + PAIR_FILES[0]
"""What is held while the pair lists are changed."""
HEAD = "# person garment, one pair a line; without this file every person wears every garment\n"


def wanted_pairs(layout: Layout, items: Items) -> list[tuple[str, str]]:
    """The ids of the pairs that are wanted now."""
    listed = read_pairs(layout, items.every.persons, items.every.garments)
    return [(person.id, garment.id) for person, garment in listed.pairs]


def pairs_version(layout: Layout) -> str:
    """Changes with every save of the pair lists in use, also of the same pairs; "" where there is none."""
    digest = hashlib.sha256()
    for file in (files := pair_files(layout)):
        digest.update(f"{file.name}\0{stamp_of(file)}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:24] if files else ""


def write_pairs(layout: Layout, items: Items, pairs: Iterable[tuple[str, str]], store: Store) -> None:
    """Replace the pairs file; `store` puts it in place, and the caller holds it.

    Raises:
        UnknownItemError: no such person or garment.
        UsageError: `pairs.csv` is in use, whose pairs would be added, or the list has outfits, which a grid has no place for.
    """
    table = next((file for file in pair_files(layout) if file.name.lower().startswith(PAIR_FILES[1])), None)
    if table is not None:
        raise UsageError(f"{table.name} lists pairs too", f"edit that file, or move it away: {table}")
    listed = next(iter(pair_files(layout)), None)
    if listed is not None and read_pairs(layout, items.every.persons, items.every.garments).outfits:
        raise UsageError(f"{listed.name} lists outfits, which this grid cannot show", f"edit that file: {listed}")
    rows = dict.fromkeys((items.person(person).id, items.garment(garment).id) for person, garment in pairs)
    text = HEAD + "".join(f"{person} {garment}\n" for person, garment in rows)
    store.replace(store.stage(PAIRS, text.encode("utf-8")))


def delete_pairs(layout: Layout) -> None:
    """Delete the pairs file, so that every person wears every garment."""
    for file in pair_files(layout):
        if not file.name.lower().startswith(PAIR_FILES[1]):
            file.unlink(missing_ok=True)
