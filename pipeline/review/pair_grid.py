"""The grid of people and garments: reads and writes `inputs/pairs.txt`."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.core.errors import UsageError
from pipeline.core.inputs.pairs import read_pairs
from pipeline.core.layout import INPUT_PREFIX, PAIR_FILES, Layout
from pipeline.core.records.store import Store
from pipeline.review.workspace import Items

HEAD = "# person garment, one pair a line; without this file every person wears every garment\n"


def wanted_pairs(layout: Layout, items: Items) -> list[tuple[str, str]]:
    """The ids of the pairs that are wanted now."""
    found, _ = read_pairs(layout, items.every.persons, items.every.garments)
    return [(person.id, garment.id) for person, garment in found]


def write_pairs(layout: Layout, items: Items, pairs: Iterable[tuple[str, str]]) -> None:
    """Replace the pairs file.

    Raises:
        UnknownItemError: no such person or garment.
        UsageError: `pairs.csv` exists, whose pairs would be added.
    """
    table = layout.inputs / PAIR_FILES[1]
    if table.is_file():
        raise UsageError(f"{table.name} lists pairs too", f"edit that file, or move it away: {table}")
    rows = dict.fromkeys((items.person(person).id, items.garment(garment).id) for person, garment in pairs)
    text = HEAD + "".join(f"{person} {garment}\n" for person, garment in rows)
    store = Store(layout)
    store.replace(store.stage(INPUT_PREFIX + PAIR_FILES[0], text.encode("utf-8")))


def delete_pairs(layout: Layout) -> None:
    """Delete the pairs file, so that every person wears every garment."""
    (layout.inputs / PAIR_FILES[0]).unlink(missing_ok=True)
