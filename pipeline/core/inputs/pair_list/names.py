"""Finds an item by the name that somebody wrote: an id, a file name or a path, in another case or with another folder too."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag
from functools import cached_property
from typing import Generic, TypeVar

from pipeline.core.images import SUFFIXES
from pipeline.core.labels import Category

Thing = TypeVar("Thing")

CATEGORY_WORDS: dict[str, Category] = {
    word: category
    for category, words in {
        Category.UPPER: ("upper", "upper_body", "upper-body", "upperbody", "tops"),
        Category.LOWER: ("lower", "lower_body", "lower-body", "lowerbody", "bottoms"),
        Category.DRESS: ("dress", "dresses", "overall", "full_body"),
    }.items()
    for word in words
}
"""Folder names and words of a category column (docs/facts/dresscode_tree.md#other-spellings)."""
PERSON_FOLDERS = frozenset({"person", "people", "persons", "human", "model", "models", "image", "image-wearing-cloth"})
GARMENT_FOLDERS = frozenset({"cloth", "clothes", "clothing", "garment", "garments", "color"})
PICTURE_WITHIN = re.compile(rf"(?:{'|'.join(map(re.escape, sorted(SUFFIXES, reverse=True)))})(?:\s|$)", re.IGNORECASE)
"""A picture's suffix inside a folder name: two names were taken for one path."""
PLAIN = re.compile(r"[A-Za-z0-9_.\-/]*")
"""Names that are clean already: nearly all; this test takes a tenth of the time."""
UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"))
"""Characters without width that come along when names are copied."""


class How(IntFlag):
    """What had to be overlooked for a name to fit; the sum ranks one fit against another."""

    EXACT = 0
    FORM = 1
    CASE = 2
    SUFFIX = 4
    FOLDER = 8


SAID = {
    How.CASE: "without regard to upper and lower case",
    How.SUFFIX: "with another suffix",
    How.FOLDER: "without the folder written before them",
}


@dataclass(frozen=True, slots=True)
class Named(Generic[Thing]):
    """An item under its names.

    Args:
        item: what the names mean.
        ident: its id; "" = none.
        path: from the outermost known folder on, `inputs/cloth/upper/blue/tee.jpg`.
        own: the part below the folders of kind and category, `blue/tee.jpg`.
        category: of a garment whose folder gives it; a path through another category's folder is not this garment.
    """

    item: Thing
    ident: str
    path: str
    own: str
    category: Category | None = None


@dataclass(frozen=True, slots=True)
class Found(Generic[Thing]):
    """The items that a name may mean: none, one, or several that fit equally well.

    Args:
        items: in the order of the names.
        how: what was overlooked.
    """

    items: tuple[Named[Thing], ...] = ()
    how: How = How.EXACT


class Names(Generic[Thing]):
    """The names of all items of one kind.

    Args:
        every: the items.
        foreign: folder names of the other kind: `cloth/07.jpg` is no person.
    """

    def __init__(self, every: Iterable[Named[Thing]], foreign: frozenset[str] = frozenset()) -> None:
        self._every = tuple(every)
        self._ids = {named.ident: named for named in self._every if named.ident}
        self._files = {named.path.rpartition("/")[2]: named for named in self._every}
        self._unique = len(self._files) == len(self._every)
        self._known: dict[str, Found[Thing]] = {}
        self._foreign = foreign

    def find(self, name: str) -> Found[Thing]:
        """What a name means; an id always means its own item, even where another item's file has that name."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def shown(self) -> list[str]:
        """The file name of every item, for proposals."""
        return [named.own for named in self._every]

    @cached_property
    def _by_key(self) -> Mapping[str, Sequence[Named[Thing]]]:
        """The items by what is left of their names where case and form are overlooked."""
        index: dict[str, list[Named[Thing]]] = defaultdict(list)
        for named in self._every:
            last = named.path.rpartition("/")[2]
            for key in {key_of(last), key_of(stem(last)), key_of(named.ident)}:
                index[key].append(named)
        return index

    def _find(self, name: str) -> Found[Thing]:
        if name in self._ids:
            return Found((self._ids[name],))
        if self._unique and name in self._files:
            return Found((self._files[name],))
        for text in dict.fromkeys((name, cleaned(name))):
            parts = [part for part in text.split("/") if part not in {"", "."}]
            if parts and (found := self._best(parts)).items:
                return found
        return Found()

    def _best(self, parts: list[str]) -> Found[Thing]:
        """The items that need the least to be overlooked."""
        last = parts[-1]
        near = {id(each): each for key in (key_of(last), key_of(stem(last))) for each in self._by_key.get(key, ())}
        ranked = [(how, each) for each in near.values() if (how := self._fit(parts, each)) is not None]
        if len(near) > 1:  # a folder may be overlooked only where a single item has such a file name
            ranked = [(how, each) for how, each in ranked if not how & How.FOLDER]
        least = min((how for how, _ in ranked), default=How.EXACT)
        return Found(tuple(each for how, each in ranked if how == least), least)

    def _fit(self, parts: list[str], named: Named[Thing]) -> How | None:
        """What must be overlooked for these parts of a path to name the item; None = they name another."""
        *folders, last = parts
        *places, own = named.path.split("/")
        if not folders and fold(last) == fold(named.ident):
            return How.CASE
        name = _name_fit(last, own)
        if name is None:
            return None
        place = self._folder_fit(folders, places, named)
        return None if place is None else name | place

    def _folder_fit(self, folders: list[str], places: list[str], named: Named[Thing]) -> How | None:
        if any(PICTURE_WITHIN.search(folder) for folder in folders):
            return None
        if _ends_with(places, folders):
            return How.EXACT
        written, there = [fold(each) for each in folders], [fold(each) for each in places]
        if _ends_with(there, written):
            return How.CASE
        below = [fold(each) for each in named.own.split("/")[:-1]]
        if _ends_with(written, there):
            return How.FORM
        if not _ends_with(written, below):
            return None
        before = written[: len(written) - len(below)]
        strange = {before[-1].replace("_", "-")} & self._foreign if before else set()
        categories = {CATEGORY_WORDS[each] for each in before[-2:] if each in CATEGORY_WORDS}
        return None if strange or (categories and named.category and named.category not in categories) else How.FOLDER


def cleaned(name: str) -> str:
    """A written name in NFC, with plain slashes and single spaces, without quotation marks and characters that have no width."""
    if PLAIN.fullmatch(name):
        return name
    text = unicodedata.normalize("NFC", name.translate(UNSEEN)).replace("\\", "/")
    return " ".join(text.split()).strip("\"'“”„«»").strip()


def fold(name: str) -> str:
    """The form in which names are compared without regard to case."""
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def key_of(name: str) -> str:
    """What two names have in common that mean the same file on a system that ignores case and Unicode form."""
    return fold(cleaned(name))


def stem(name: str) -> str:
    """A file name without a picture's suffix; `look.v2` stays as it is."""
    head, dot, tail = name.rpartition(".")
    return head if dot and head and f".{tail.lower()}" in SUFFIXES else name


def _name_fit(written: str, own: str) -> How | None:
    """What must be overlooked between two file names."""
    if written == own:
        return How.EXACT
    if stem(own) == written:
        return How.FORM
    if cleaned(written) in {cleaned(own), cleaned(stem(own))}:
        return How.FORM
    if key_of(written) in {key_of(own), key_of(stem(own))}:
        return How.CASE
    if cleaned(stem(written)) == cleaned(stem(own)):
        return How.SUFFIX
    return How.SUFFIX | How.CASE if key_of(stem(written)) == key_of(stem(own)) else None


def _ends_with(longer: list[str], shorter: list[str]) -> bool:
    return not shorter or longer[-len(shorter) :] == shorter


def spoken(how: How) -> Iterator[How]:
    """The parts of a fit that are worth a word."""
    return (each for each in SAID if how & each)
