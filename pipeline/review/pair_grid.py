"""The grid of who wears what: reads and writes `inputs/pairs.txt`."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.core.errors import UsageError
from pipeline.core.inputs.pairs import read_pairs
from pipeline.core.layout import INPUT_PREFIX, PAIR_FILES, Layout
from pipeline.core.records.store import Store
from pipeline.review.workspace import Items

HEAD = "# person garment, one pair a line; without this file every person wears every garment\n"


def chosen(layout: Layout, items: Items) -> list[tuple[str, str]]:
    """The pairs that are wanted now."""
    found, _ = read_pairs(layout, items.every.persons, items.every.garments)
    return [(person.id, garment.id) for person, garment in found]


def write_pairs(layout: Layout, items: Items, pairs: Iterable[tuple[str, str]]) -> None:
    """Replace the pairs file.

    Raises:
        UnknownItemError: a person or garment that is not there.
        UsageError: there is a table of pairs too, which would be added.
    """
    table = layout.inputs / PAIR_FILES[1]
    if table.is_file():
        raise UsageError(f"{table.name} says who wears what too", f"edit that file, or move it away: {table}")
    rows = dict.fromkeys((items.person(person).id, items.garment(garment).id) for person, garment in pairs)
    text = HEAD + "".join(f"{person} {garment}\n" for person, garment in rows)
    store = Store(layout)
    store.replace(store.stage(INPUT_PREFIX + PAIR_FILES[0], text.encode("utf-8")))


def everybody_wears_everything(layout: Layout) -> None:
    """Take the pairs file away."""
    (layout.inputs / PAIR_FILES[0]).unlink(missing_ok=True)
