"""The grid of people and garments: reads and writes `inputs/pairs.txt`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pipeline.core.errors import UsageError
from pipeline.core.inputs.pairs import has_pair_file, pair_files, read_pairs
from pipeline.core.layout import CLOTH_INPUTS, INPUT_PREFIX, PAIR_FILES, PERSON_INPUTS, Layout
from pipeline.core.records.store import Store
from pipeline.review.input_stamp import stamp_of
from pipeline.review.page import Page
from pipeline.review.workspace import Items

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
    check_writable(layout, items)
    rows = dict.fromkeys((items.person(person).id, items.garment(garment).id) for person, garment in pairs)
    text = HEAD + "".join(f"{person} {garment}\n" for person, garment in rows)
    store.replace(store.stage(PAIRS, text.encode("utf-8")))


def check_writable(layout: Layout, items: Items) -> None:
    """Refuse lists that this grid cannot write; errors as above."""
    table = next((file for file in pair_files(layout) if file.name.lower().startswith(PAIR_FILES[1])), None)
    if table is not None:
        raise UsageError(f"{table.name} lists pairs too", f"edit that file, or move it away: {table}")
    listed = next(iter(pair_files(layout)), None)
    if listed is not None and read_pairs(layout, items.every.persons, items.every.garments).outfits:
        raise UsageError(f"{listed.name} lists outfits, which this grid cannot show", f"edit that file: {listed}")


class HeldPairs:
    """The pairs file while an input that it may name is renamed.

    Args:
        page: whose.
        store: puts the file in place.
        place: of the input's id within a pair; None for what is in no pair.

    Raises:
        UsageError: the list is of a kind that the page does not write.
    """

    def __init__(self, page: Page, store: Store, place: int | None) -> None:
        self._page = page
        self._store = store
        self._place = place
        self._pairs: list[tuple[str, str]] = []
        if place is not None and has_pair_file(page.layout):
            items = page.workspace.items()
            check_writable(page.layout, items)
            self._pairs = wanted_pairs(page.layout, items)

    def rename(self, old: str, new: str) -> None:
        """Write the pairs that named the old id with the new one."""
        if self._place is None or old == new or not any(pair[self._place] == old for pair in self._pairs):
            return
        pairs = [
            (new if self._place == 0 and person == old else person, new if self._place == 1 and garment == old else garment)
            for person, garment in self._pairs
        ]
        write_pairs(self._page.layout, self._page.workspace.items(), pairs, self._store)


@contextmanager
def held_pairs(page: Page, kind: str) -> Iterator[HeldPairs]:
    """Hold the pairs file, so that no save of it meets the renaming of an input of a kind."""
    version = pairs_version(page.layout)
    with page.saver.change(PAIRS, version, lambda: pairs_version(page.layout)) as store:
        yield HeldPairs(page, store, {PERSON_INPUTS: 0, CLOTH_INPUTS: 1}.get(kind))


def delete_pairs(layout: Layout) -> None:
    """Delete the pairs file, so that every person wears every garment."""
    for file in pair_files(layout):
        if not file.name.lower().startswith(PAIR_FILES[1]):
            file.unlink(missing_ok=True)
