"""The category of garments whose folder does not name it, guessed from the picture before a run because masks depend on it.

A guess reads the picture, so it is stored beside the ledger and used again while size, time and inode of the file stay the same.
A run over thousands of garments with nothing new only calls `stat` for each.
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
from pipeline.core.records.store import COARSEST_CLOCK_NS, FileStamp, Store, file_stamp

VERSION = 1
"""Raise it when the guesses change."""
Row = tuple[FileStamp, Category]


class GarmentGuesser:
    """Guesses the category of each picture once.

    Args:
        layout: the folders of the inputs and of the stored guesses.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._known = _read_stored(layout.path(GARMENT_GUESSES))
        self._used: dict[Ref, Row] = {}

    def __call__(self, source: Ref) -> Category:
        """The category of a garment; an unsure guess counts as upper, the most frequent one, and the cloth step flags it."""
        path = self._layout.path(source)
        try:
            stamp = file_stamp(path.stat())
        except OSError:
            return Category.UPPER  # the cloth step reports what is wrong with the file
        row = self._known.get(source)
        if row is None or row[0] != stamp:
            row = stamp, _look(path)
        self._used[source] = row
        return row[1]

    def save(self, store: Store) -> None:
        """Store the guesses of this run; those of deleted pictures are dropped.

        A file that changed within the last two seconds may change again with the same time, so its guess is not stored.
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
    """One line about the garments that were guessed to be lower garments or dresses, or ""."""
    guessed = [garment for garment in collection.garments if not garment.given and garment.category is not Category.UPPER]
    if not guessed:
        return ""
    some = ", ".join(f"{garment.id} {garment.category.value}" for garment in guessed[:4])
    more = f" and {len(guessed) - 4} more" if len(guessed) > 4 else ""
    return f"guessed from the outline: {some}{more}; the folders cloth/upper, cloth/lower and cloth/dress decide it"


def _look(path: Path) -> Category:
    try:
        guess = resolve(QUICK_CATEGORY)(images.read_photo(path))
    except InputError:
        return Category.UPPER
    category: Category = guess.category if guess.sure else Category.UPPER
    return category


def _read_stored(file: Path) -> dict[Ref, Row]:
    """The guesses of earlier runs; none when the file is damaged or of another version."""
    try:
        content = json.loads(file.read_text("utf-8"))
        rows = content["guesses"] if content["version"] == VERSION else {}
        return {ref: (FileStamp(size, mtime, inode), Category(name)) for ref, (size, mtime, inode, name) in rows.items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
