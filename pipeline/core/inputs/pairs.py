"""The pair list of the inputs folder: which person wears which garment, or which outfit.

`inputs/pairs.txt` has VITON-HD's form, `person cloth` a line; `inputs/pairs.csv` has two columns; other usual forms are read too
(`pair_list`). A third column that names a garment on every line makes each line an outfit (`outfits`). Without either file, every
person wears every garment. A name may be an id, a file name with or without its suffix, or a path; an unknown or ambiguous one is
reported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath

from pipeline.core.inputs.outfits import Outfit, outfit_of
from pipeline.core.inputs.pair_list.names import GARMENT_FOLDERS, PERSON_FOLDERS, Named, Names
from pipeline.core.inputs.pair_list.reader import read_pair_list
from pipeline.core.inputs.scan import Problem
from pipeline.core.items import Garment, Person
from pipeline.core.labels import Category
from pipeline.core.layout import INPUT_PREFIX, PAIR_FILES, Layout, Ref

CURE = "use a file name of the inputs folder, or remove the line"
SAME = re.compile(r"(pairs\.(?:txt|csv))(?:\.(?:txt|csv))?", re.IGNORECASE)
"""Names that mean a pair list on some systems: in capitals, or with the suffix that an editor adds and Windows hides."""
SIMILAR = re.compile(
    r"(?:.*[\W_])?pairs?(?:[\W_]?lists?)?(?:[\W_].*)?\.(?:txt|csv|tsv|xlsx?|ods|jsonl?|ya?ml|md|dat|lst|list|rtf|docx?)|pairs?",
    re.IGNORECASE,
)
"""Names of files that somebody may have meant as the pair list."""


@dataclass(frozen=True)
class WantedPairs:
    """What the pair lists of the inputs folder say.

    Args:
        pairs: (person, garment), each once, in the order of the files.
        outfits: each once, in the same order.
        problems: the lines that name neither, and files that look like a pair list and are none.
        notes: what was assumed.
    """

    pairs: tuple[tuple[Person, Garment], ...] = ()
    outfits: tuple[Outfit, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def pair_files(layout: Layout) -> list[Path]:
    """The pair lists in use: `pairs.txt` and `pairs.csv`, or, where neither exists, one under a name that means the same."""
    exact = [layout.inputs / name for name in PAIR_FILES if (layout.inputs / name).is_file()]
    return exact or [layout.inputs / name for name in _listed(layout) if SAME.fullmatch(name)][:1]


def has_pair_file(layout: Layout) -> bool:
    """Whether the user wrote which person wears which garment."""
    return bool(pair_files(layout))


def read_pairs(layout: Layout, persons: Sequence[Person], garments: Sequence[Garment]) -> WantedPairs:
    """The wanted pairs and outfits, and the lines that name neither."""
    files = pair_files(layout)
    aside = tuple(_not_read(layout, files))
    if not files:
        return WantedPairs(tuple((person, garment) for person in persons for garment in garments), problems=aside)
    people, clothes = person_names(persons), garment_names(garments)
    lists = [read_pair_list(file, people, clothes, CURE) for file in files]
    pairs = {(person.id, garment.id): (person, garment) for each in lists for person, garment in each.pairs}
    read = [outfit_of(each.where, each.person, each.garments) for listed in lists for each in listed.outfits]
    outfits = {(each.person.id, *each.garments): each for each in read if isinstance(each, Outfit)}
    refused = [each for each in read if isinstance(each, Problem)]
    renamed = [f"{files[0]} is read as the pair list; name it {_meant(files[0].name)}"] if files[0].name not in PAIR_FILES else []
    problems = chain(aside, *(each.problems for each in lists), refused)
    notes = chain(renamed, *(each.notes for each in lists))
    return WantedPairs(tuple(pairs.values()), tuple(outfits.values()), tuple(problems), tuple(notes))


def person_names(persons: Sequence[Person]) -> Names[Person]:
    """The names of people in `inputs/person`."""
    return Names((Named(each, each.id, _path(each.source), _own(each.source)) for each in persons), GARMENT_FOLDERS)


def garment_names(garments: Sequence[Garment]) -> Names[Garment]:
    """The names of garments in `inputs/cloth`."""
    return Names((_named_garment(each) for each in garments), PERSON_FOLDERS)


def _named_garment(garment: Garment) -> Named[Garment]:
    below = _own(garment.source)
    head, _, rest = below.partition("/")
    own = rest if rest and head.lower() in set(Category) else below
    return Named(garment, garment.id, _path(garment.source), own, garment.category if garment.given else None)


def _path(source: Ref) -> str:
    return f"inputs/{source[len(INPUT_PREFIX) :]}"


def _own(source: Ref) -> str:
    """`inputs:person/beach/07.jpg` → `beach/07.jpg`."""
    return source[len(INPUT_PREFIX) :].partition("/")[2]


def spellings(ident: str, source: Ref) -> set[str]:
    """The spellings of an input's name that a glob may fit: its id, and the ends of its path with and without suffix."""
    parts = PurePosixPath(source[len(INPUT_PREFIX) :]).parts[1:]
    tails = {"/".join(parts[start:]) for start in range(len(parts))}
    return {ident} | tails | {tail.rpartition(".")[0] for tail in tails if "." in tail}


def _not_read(layout: Layout, files: Sequence[Path]) -> list[Problem]:
    """Files beside the inputs that look like a pair list and are none."""
    read = {file.name for file in files}
    similar = [name for name in _listed(layout) if name not in read and SIMILAR.fullmatch(name)]
    remedy = "" if files else f"mv '{{}}' '{layout.inputs / PAIR_FILES[0]}'"
    reason = "looks like a pair list, and is not read; the names of pair lists are " + " and ".join(PAIR_FILES)
    return [Problem(str(layout.inputs / name), reason, remedy.format(layout.inputs / name), harmless=True) for name in similar]


def _meant(name: str) -> str:
    match = SAME.fullmatch(name)
    assert match is not None
    return match[1].lower()


def _listed(layout: Layout) -> list[str]:
    """The files directly in the inputs folder, by name."""
    try:
        with os.scandir(layout.inputs) as entries:
            return sorted(entry.name for entry in entries if entry.is_file())
    except OSError:
        return []
