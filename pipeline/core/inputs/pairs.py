"""Pair files: which person wears which garment.

`inputs/pairs.txt` has VITON-HD's form, `person cloth` a line; `inputs/pairs.csv` has two columns. Without either, every
person wears every garment. A name may be an id, a file name with or without its suffix, or a path; an unknown or ambiguous
one is reported.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from pipeline.core.inputs.scan import Problem
from pipeline.core.items import Garment, Person
from pipeline.core.layout import INPUT_PREFIX, PAIR_FILES, Layout, Ref

Wanted = tuple[Person, Garment]
Row = tuple[str, str, str]
"""File and line, the person's name, the garment's name."""

PERSON_HEADINGS = {"person", "image"}


def has_pair_file(layout: Layout) -> bool:
    """Whether the user wrote which person wears which garment."""
    return any((layout.inputs / name).is_file() for name in PAIR_FILES)


def read_pairs(layout: Layout, persons: Sequence[Person], garments: Sequence[Garment]) -> tuple[list[Wanted], list[Problem]]:
    """The wanted pairs, each once, in the order of the files, and the lines that name no pair."""
    files = [layout.inputs / name for name in PAIR_FILES if (layout.inputs / name).is_file()]
    if not files:
        return [(person, garment) for person in persons for garment in garments], []
    people, clothes = _Names(persons), _Names(garments)
    pairs: dict[tuple[str, str], Wanted] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            text = file.read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as problem:
            problems.append(Problem(str(file), f"cannot be read as UTF-8 text ({problem})", "save it as UTF-8"))
            continue
        rows = _csv_rows(text, str(file)) if file.suffix == ".csv" else _txt_rows(text, str(file), people, clothes)
        for where, left, right in rows:
            person, garment = people.one(left, "person", where, problems), clothes.one(right, "garment", where, problems)
            if isinstance(person, Person) and isinstance(garment, Garment):
                pairs[person.id, garment.id] = (person, garment)
    return list(pairs.values()), problems


class _Names:
    """Finds items by every accepted spelling of their names."""

    def __init__(self, items: Sequence[Person] | Sequence[Garment]) -> None:
        self.by_name: dict[str, dict[str, Person | Garment]] = defaultdict(dict)
        self.by_id: dict[str, Person | Garment] = {item.id: item for item in items}
        for item in items:
            for name in spellings(item.id, item.source):
                self.by_name[name][item.id] = item

    def get(self, name: str) -> Mapping[str, Person | Garment]:
        """The items that a name may mean; an id always means its own item, even where another item's file has that name."""
        return {name: self.by_id[name]} if name in self.by_id else self.by_name.get(name, {})

    def one(self, name: str, kind: str, where: str, problems: list[Problem]) -> Person | Garment | None:
        """The one item of this name; otherwise None and a line in `problems`."""
        items = self.get(name)
        if len(items) == 1:
            return next(iter(items.values()))
        if not name:
            problems.append(Problem(where, f"no {kind} on this line", "write: person garment"))
        elif items:
            problems.append(Problem(where, f"{kind} {name!r} is ambiguous", f"use one of these ids: {', '.join(sorted(items))}"))
        else:
            problems.append(
                Problem(where, f"unknown {kind} {name!r}", "use a file name of the inputs folder, or remove the line")
            )
        return None


def spellings(ident: str, source: Ref) -> set[str]:
    """Every accepted spelling of an input's name: its id, and the ends of its path with and without suffix."""
    parts = PurePosixPath(source[len(INPUT_PREFIX) :]).parts[1:]
    tails = {"/".join(parts[start:]) for start in range(len(parts))}
    return {ident} | tails | {tail.rpartition(".")[0] for tail in tails if "." in tail}


def _txt_rows(text: str, file: str, people: _Names, clothes: _Names) -> Iterator[Row]:
    """One pair per line. Names may contain spaces: every split is tried, and the first with two known names is taken."""
    for number, line in enumerate(text.splitlines(), 1):
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if not words or words[0].startswith("#"):
            continue
        splits = [(" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(1, len(words))]
        known = [split for split in splits if people.get(split[0]) and clothes.get(split[1])]
        left, right = (known or splits or [(words[0], "")])[0]
        yield f"{file}, line {number}", left, right


def _csv_rows(text: str, file: str) -> Iterator[Row]:
    head = text.partition("\n")[0]
    delimiter = ";" if ";" in head and "," not in head else ","  # spreadsheets write semicolons where the comma is decimal
    garment_first = False  # as the heading says
    for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter), 1):
        cells = [cell.strip() for cell in row] + ["", ""]
        if number == 1 and {cell.lower() for cell in cells[:2]} & PERSON_HEADINGS:
            garment_first = cells[1].lower() in PERSON_HEADINGS
        elif any(cells) and not cells[0].startswith("#"):
            yield f"{file}, line {number}", cells[garment_first], cells[not garment_first]
