"""The grid of people and garments: reads and writes `inputs/pairs.txt`."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.core.errors import UsageError
from pipeline.core.inputs.pairs import pair_files, read_pairs
from pipeline.core.layout import INPUT_PREFIX, PAIR_FILES, Layout
from pipeline.core.records.store import Store
from pipeline.review.workspace import Items

HEAD = "# person garment, one pair a line; without this file every person wears every garment\n"


def wanted_pairs(layout: Layout, items: Items) -> list[tuple[str, str]]:
    """The ids of the pairs that are wanted now."""
    listed = read_pairs(layout, items.every.persons, items.every.garments)
    return [(person.id, garment.id) for person, garment in listed.pairs]


def write_pairs(layout: Layout, items: Items, pairs: Iterable[tuple[str, str]]) -> None:
    """Replace the pairs file.

    Raises:
        UnknownItemError: no such person or garment.
        UsageError: `pairs.csv` is in use, whose pairs would be added.
    """
    table = next((file for file in pair_files(layout) if file.name.lower().startswith(PAIR_FILES[1])), None)
    if table is not None:
        raise UsageError(f"{table.name} lists pairs too", f"edit that file, or move it away: {table}")
    rows = dict.fromkeys((items.person(person).id, items.garment(garment).id) for person, garment in pairs)
    text = HEAD + "".join(f"{person} {garment}\n" for person, garment in rows)
    store = Store(layout)
    store.replace(store.stage(INPUT_PREFIX + PAIR_FILES[0], text.encode("utf-8")))


def delete_pairs(layout: Layout) -> None:
    """Delete the pairs file, so that every person wears every garment."""
    for file in pair_files(layout):
        if not file.name.lower().startswith(PAIR_FILES[1]):
            file.unlink(missing_ok=True)
