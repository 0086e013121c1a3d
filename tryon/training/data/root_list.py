"""A pair list in the root of a DressCode tree, which is for all its parts.

Facts: docs/facts/dresscode_tree.md#other-spellings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.core.errors import UsageError
from pipeline.core.inputs.pair_list.names import CATEGORY_WORDS
from pipeline.core.labels import Category

Rows = list[tuple[str, str]]
FORM = "a list has `person.jpg garment.jpg` a line"
COLUMN = "write its part as a third column (upper_body, lower_body, dresses), or leave the line out"


def rows_by_part(file: Path, pictures: Mapping[Category, Iterable[str]]) -> dict[Category, Rows]:
    """The lines of a list, each in the part that its third column names, else in the one that has most of its two pictures.

    Args:
        file: of the list.
        pictures: names of the picture files of each part; none of a part that is not there.

    Raises:
        UsageError: the list cannot be read, or a line belongs to no part, or to several.
    """
    stems = {category: {Path(name).stem for name in names} for category, names in pictures.items()}
    found: dict[Category, Rows] = {category: [] for category in pictures}
    for number, (person, garment, *rest) in enumerate(read_rows(file), 1):
        meant = {CATEGORY_WORDS[word.lower()] for word in rest if word.lower() in CATEGORY_WORDS} or _having(
            stems, {Path(person).stem, Path(garment).stem}
        )
        if len(meant) != 1:
            where = (
                f"{' and '.join(sorted(each.value for each in meant))} have its pictures" if meant else "no part has its pictures"
            )
            raise UsageError(f"{file}: pair {number}, {person} {garment}: {where}", COLUMN)
        found[meant.pop()].append((person, garment))
    return found


def _having(stems: Mapping[Category, set[str]], wanted: set[str]) -> set[Category]:
    counts = {category: len(wanted & there) for category, there in stems.items()}
    most = max(counts.values())
    return {category for category, count in counts.items() if count == most} if most else set()


def read_rows(file: Path) -> list[list[str]]:
    """The words of each line; the first two are names.

    Raises:
        UsageError: not there, not UTF-8, or a line with one name.
    """
    try:
        rows = [line.split() for line in file.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"{file}: cannot be read ({problem})", FORM) from None
    short = next((number for number, row in enumerate(rows, 1) if len(row) < 2), None)
    if short is not None:
        raise UsageError(f"{file}: pair {short} has one name", FORM)
    return rows
