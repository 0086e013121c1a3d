"""The category of garments whose folder does not say: guessed from the picture before a run, because masks depend on it.

A guess costs a look at a small version of the picture, so it is kept beside the ledger and believed while size, time and inode of
the file are as they were; a run over thousands of garments with nothing new only asks the disk for their stamps.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from pipeline.catalog import QUICK_CATEGORY, resolve
from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.inputs.collection import Collection
from pipeline.core.labels import Category
from pipeline.core.layout import GARMENT_GUESSES, Layout, Ref
from pipeline.core.records.store import COARSEST_CLOCK_NS, Stamp, Store, stamp_of

VERSION = 1
"""Bump when guesses come out differently."""
Row = tuple[Stamp, Category]


class GarmentGuesser:
    """Looks at each picture once.

    Args:
        layout: where the inputs and the memory are.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._known = _remembered(layout.path(GARMENT_GUESSES))
        self._used: dict[Ref, Row] = {}

    def __call__(self, source: Ref) -> Category:
        """The category to act upon; an unsure guess counts as upper, the commonest, and the cloth step flags it."""
        path = self._layout.path(source)
        try:
            stamp = stamp_of(path.stat())
        except OSError:
            return Category.UPPER  # the cloth step says what is wrong with the file
        row = self._known.get(source)
        if row is None or row[0] != stamp:
            row = stamp, _look(path)
        self._used[source] = row
        return row[1]

    def save(self, store: Store) -> None:
        """Keep the guesses that were asked for; pictures that are gone are forgotten.

        A file touched within the last two seconds may change again unnoticed, so its guess is not kept.
        """
        if not (self._used or self._known):
            return
        old_enough = time.time_ns() - COARSEST_CLOCK_NS
        rows = {
            ref: [stamp.size, stamp.mtime_ns, stamp.inode, category.value]
            for ref, (stamp, category) in sorted(self._used.items())
            if stamp.mtime_ns < old_enough
        }
        store.write_if_changed(GARMENT_GUESSES, json.dumps({"version": VERSION, "guesses": rows}, ensure_ascii=False).encode())


def guess_note(collection: Collection) -> str:
    """One line about what was guessed to be something else than an upper garment, or nothing."""
    guessed = [garment for garment in collection.garments if not garment.given and garment.category is not Category.UPPER]
    if not guessed:
        return ""
    some = ", ".join(f"{garment.id} {garment.category.value}" for garment in guessed[:4])
    more = f" and {len(guessed) - 4} more" if len(guessed) > 4 else ""
    return f"by their outlines: {some}{more}; cloth/upper, cloth/lower and cloth/dress say it for sure"


def _look(path: Path) -> Category:
    try:
        guess = resolve(QUICK_CATEGORY)(images.read_photo(path))
    except InputError:
        return Category.UPPER
    category: Category = guess.category if guess.sure else Category.UPPER
    return category


def _remembered(file: Path) -> dict[Ref, Row]:
    """What an earlier run kept; a file that is damaged or of another version only costs new looks."""
    try:
        content = json.loads(file.read_text("utf-8"))
        rows = content["guesses"] if content["version"] == VERSION else {}
        return {ref: (Stamp(size, mtime, inode), Category(name)) for ref, (size, mtime, inode, name) in rows.items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
