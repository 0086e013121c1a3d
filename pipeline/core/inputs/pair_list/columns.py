"""Which words of a line name the person and which the garment: by headings, or by which names exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pipeline.core.inputs.pair_list.lines import joined
from pipeline.core.inputs.pair_list.names import CATEGORY_WORDS, Found, Names

P = TypeVar("P")
G = TypeVar("G")

PERSON_HEADINGS = frozenset({"person", "people", "human", "model", "subject", "image", "img", "photo", "wearer", "user"})
GARMENT_HEADINGS = frozenset({"garment", "cloth", "clothes", "cloths", "clothing", "apparel", "product", "clothe"})
FURTHER_HEADINGS = frozenset({"upper", "lower", "top", "bottom", "dress", "trousers", "skirt", "shirt", "pants"})
HEADING_TAIL = re.compile(r"_(?:images?|imgs?|pictures?|photos?|paths?|files?|filenames?|names?|ids?|\d+)$|\d+$")
MOST_WORDS = 24
"""Longer lines are divided only behind their first word."""
MOST_LEAD = 2
"""Columns that may stand before the names: a number, a part of the data set."""


@dataclass(frozen=True, slots=True)
class Template:
    """The places of the two names in a line.

    Args:
        lead: columns before the first name.
        gap: columns between the names.
        person_first: whether the person's name comes first.
        headings: a heading's columns; () = the contents decided.
        extra: columns of further garments, by their heading.
    """

    lead: int = 0
    gap: int = 0
    person_first: bool = True
    headings: tuple[str, ...] = ()
    extra: tuple[int, ...] = ()

    @property
    def columns(self) -> tuple[int, int]:
        """Person's and garment's column."""
        first, second = self.lead, self.lead + self.gap + 1
        return (first, second) if self.person_first else (second, first)


TEMPLATES = tuple(
    Template(lead, gap, person_first) for gap in (0, 1) for lead in range(MOST_LEAD + 1) for person_first in (True, False)
)
"""Simplest first: of two that fit equally, the data sets' own order is taken."""


@dataclass(frozen=True, slots=True)
class Split(Generic[P, G]):
    """One division of a line into names.

    Args:
        person, garment: as written.
        people, clothes: what they may mean.
        rest: the words behind the names.
        doubtful: other divisions name other pairs.
    """

    person: str
    garment: str
    people: Found[P]
    clothes: Found[G]
    rest: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = field(default=())

    @property
    def whole(self) -> bool:
        """Whether it names exactly one pair."""
        return len(self.people.items) == len(self.clothes.items) == 1 and not self.doubtful


def split(words: list[str], delimiter: str, template: Template, people: Names[P], clothes: Names[G]) -> Split[P, G]:
    """Divide a line: names may contain the delimiter, and the longest names that exist are taken."""
    if len(words) == 2 and template is TEMPLATES[0]:
        return _unknown(words, delimiter, template, people, clothes)
    known = list(_known(words, delimiter, template, people, clothes))
    if not known:
        return _unknown(words, delimiter, template, people, clothes)
    best = known[0]
    same = {each.people.items[0].path + "\0" + each.clothes.items[0].path: each for each in known if _rank(each) == _rank(best)}
    if len(same) < 2:
        return best
    doubts = tuple(f"{each.person!r} with {each.garment!r}" for each in same.values())
    return Split(best.person, best.garment, best.people, best.clothes, best.rest, doubts)


def _rank(found: Split[P, G]) -> tuple[int, int]:
    return len(found.rest), found.people.how + found.clothes.how


def _known(words: list[str], delimiter: str, template: Template, people: Names[P], clothes: Names[G]) -> Iterator[Split[P, G]]:
    """The divisions into two existing names, best first."""
    found = [
        Split(person, garment, of_person, of_garment, rest)
        for person, garment, rest in _divisions(words, delimiter, template)
        if (of_person := people.find(person)).items and (of_garment := clothes.find(garment)).items
    ]
    yield from sorted(found, key=_rank)


def _divisions(words: list[str], delimiter: str, template: Template) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    count, lead, gap = len(words), template.lead, template.gap
    whole = range(lead + 1, count) if count <= MOST_WORDS else range(lead + 1, min(lead + 2, count))
    for cut in whole:
        start = cut + gap
        for end in range(start + 1, count + 1) if count <= MOST_WORDS else {start + 1, count}:
            if end > count or start >= count:
                continue
            first, second = joined(words[lead:cut], delimiter), joined(words[start:end], delimiter)
            if first and second:
                yield (first, second, tuple(words[end:])) if template.person_first else (second, first, tuple(words[end:]))


def _unknown(words: list[str], delimiter: str, template: Template, people: Names[P], clothes: Names[G]) -> Split[P, G]:
    """The likeliest division of a line of which a name is unknown: the one that has a known half."""
    divisions = [each for each in _divisions(words, delimiter, template) if len(each[2]) == 0] if delimiter == " " else []
    plain = _by_column(words, template)
    for person, garment, rest in (plain, *divisions):
        if people.find(person).items or clothes.find(garment).items:
            return Split(person, garment, people.find(person), clothes.find(garment), rest)
    person, garment, rest = divisions[0] if divisions else plain
    return Split(person, garment, people.find(person), clothes.find(garment), rest)


def _by_column(words: list[str], template: Template) -> tuple[str, str, tuple[str, ...]]:
    person, garment = (words[column] if column < len(words) else "" for column in template.columns)
    return person, garment, tuple(words[max(template.columns) + 1 :])


def by_headings(words: Sequence[str]) -> Template | None:
    """The places that a heading names, or None where the line is no heading."""
    roles = [_role(word) for word in words]
    if "person" not in roles or not {"garment", "further"} & set(roles):
        return None
    person = roles.index("person")
    garments = [place for place, role in enumerate(roles) if role == "garment"]
    garments += [place for place, role in enumerate(roles) if role == "further"]
    first, second = sorted((person, garments[0]))
    return Template(first, second - first - 1, person < garments[0], tuple(words), tuple(garments[1:]))


def _role(word: str) -> str:
    name = re.sub(r"[\s\-.]+", "_", word.strip().lower())
    while name not in PERSON_HEADINGS | GARMENT_HEADINGS | FURTHER_HEADINGS and HEADING_TAIL.search(name):
        name = HEADING_TAIL.sub("", name)
    if name in PERSON_HEADINGS:
        return "person"
    return "garment" if name in GARMENT_HEADINGS else "further" if name in FURTHER_HEADINGS else ""


def is_remark(word: str) -> bool:
    """Whether a further column's value is a mark of the data set and never a garment: `unpaired`, a category, a number."""
    return word.lower() in {*CATEGORY_WORDS, "paired", "unpaired", "test", "train", "val"} or word.isdigit()
