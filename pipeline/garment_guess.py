"""The category of garments whose folder does not name it, guessed from the picture before a run because masks depend on it.

A guess reads the picture, so it is stored beside the ledger and used again while size, time and inode of the file stay the same.
A run over thousands of garments with nothing new only calls `stat` for each.

A lower garment or a dress is only guessed when nobody wears it, which the networks that find people answer. Where their files
are not here yet, it counts as upper and is not stored.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline.catalog import QUICK_CATEGORY, resolve
from pipeline.core import images
from pipeline.core.errors import InputError, WeightsError
from pipeline.core.inputs.collection import Collection
from pipeline.core.labels import Category
from pipeline.core.layout import GARMENT_GUESSES, Layout, Ref
from pipeline.core.records.store import COARSEST_CLOCK_NS, FileStamp, Store, file_stamp

VERSION = 1
"""Raise it when the guesses change."""
DECIDED_BY = "the folders cloth/upper, cloth/lower and cloth/dress decide it"
Row = tuple[FileStamp, Category]


class GarmentGuesser:
    """Guesses the category of each picture once.

    Args:
        layout: the folders of the inputs and of the stored guesses.

    Attributes:
        unseen: the pictures that could not be judged, because the networks that find people lack their files.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._known = _read_stored(layout.path(GARMENT_GUESSES))
        self._used: dict[Ref, Row] = {}
        self.unseen: dict[Ref, WeightsError] = {}

    def __call__(self, source: Ref) -> Category:
        """The category of a garment; an unsure guess counts as upper, the most frequent one, and the cloth step flags it."""
        path = self._layout.path(source)
        try:
            stamp = file_stamp(path.stat())
        except OSError:
            return Category.UPPER  # the cloth step reports what is wrong with the file
        row = self._known.get(source)
        if row is None or row[0] != stamp:
            try:
                row = stamp, _look(path)
            except WeightsError as error:
                self.unseen[source] = error
                return Category.UPPER
        self._used[source] = row
        return row[1]

    def unseen_note(self) -> str:
        """One line about the pictures that could not be judged, or ""."""
        if not self.unseen:
            return ""
        counts = "counts" if len(self.unseen) == 1 else "count"
        return f"{_some(self._unseen_names())} {counts} as upper until the networks that find people are here; {DECIDED_BY}"

    def require_sight(self) -> None:
        """Refuse what must not go on with a garment that could not be judged.

        Raises:
            WeightsError: there is one; with the command that fetches the files.
        """
        for error in self.unseen.values():
            names = _some(self._unseen_names())
            message = f"{names}: upper, lower or dress cannot be told without the networks that find people. {error.message}"
            raise WeightsError(message, f"{error.remedy}; {DECIDED_BY}")

    def _unseen_names(self) -> list[str]:
        return [self._layout.path(source).stem for source in self.unseen]

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
    some = _some([f"{garment.id} {garment.category.value}" for garment in guessed])
    return f"guessed from the outline: {some}; {DECIDED_BY}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return f"{', '.join(names[:4])}{more}"


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
