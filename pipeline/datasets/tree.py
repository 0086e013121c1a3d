"""A published data set as it is on disk, whatever its folder names: people, garments and pairs.

This package knows the folder names of published data sets only; ours are in `pipeline/core/layout.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pipeline.core import images
from pipeline.core.errors import InputError, UsageError
from pipeline.core.images import SUFFIXES
from pipeline.core.inputs.pair_list.names import Named, Names
from pipeline.core.inputs.pair_list.reader import PairList, read_pair_list
from pipeline.core.inputs.scan import Problem
from pipeline.core.labels import BodyPart, Category

P = TypeVar("P")

SPLITS = ("test", "train")


class Kind(StrEnum):
    """What a file of a published tree is."""

    IMAGE = "person picture"
    POSE = "key-points"
    POSE_IMAGE = "skeleton picture"
    DENSEPOSE = "coloured body parts"
    INDEX = "body-part index"
    UV = "body-part coordinates"
    PARSE = "parse map"
    PARSE_AGNOSTIC = "parse map without the garment"
    AGNOSTIC = "agnostic picture"
    AGNOSTIC_MASK = "agnostic mask"
    CLOTH = "garment picture"
    CLOTH_MASK = "cloth mask"


CURE = "complete the download, or correct the line"
Files = Mapping[Kind, Path]


@dataclass(frozen=True)
class Published:
    """A person or a garment of a published tree.

    Args:
        name: its picture's file name.
        part: the sub-folder it is put into where its plain name is in use.
        category: garment category; of a person, the one its agnostic files were made for.
        files: its files by kind.
    """

    name: str
    part: str
    category: Category
    files: Files


@dataclass(frozen=True)
class Tree:
    """The wanted people, garments and pairs of a published data set.

    Args:
        people, garments: in the order of their names.
        pairs: (index into people, index into garments).
        labels_are_atr: parse maps carry ATR ids, not CIHP ids.
        problems: lines of the pair lists that name no pair.
        notes: what was assumed.
    """

    people: tuple[Published, ...]
    garments: tuple[Published, ...]
    pairs: tuple[tuple[int, int], ...] = ()
    labels_are_atr: bool = False
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def first_people(tree: Tree, limit: int | None) -> Tree:
    """The first `limit` people of a tree, with the garments of their pairs; without pairs, with all garments."""
    if limit is None or limit >= len(tree.people):
        return tree
    pairs = [pair for pair in tree.pairs if pair[0] < limit]
    wanted = sorted({garment for _, garment in pairs}) if tree.pairs else range(len(tree.garments))
    place = {garment: number for number, garment in enumerate(wanted)}
    garments = tuple(tree.garments[garment] for garment in wanted)
    renumbered = tuple((person, place[garment]) for person, garment in pairs)
    return replace(tree, people=tree.people[:limit], garments=garments, pairs=renumbered)


@dataclass
class FolderIndex:
    """Finds an item's file in one folder by its stem, listing the folder once.

    Args:
        folder: None = there is no such folder.
        tails: what may follow an item's stem before the extension, e.g. `_keypoints`.
    """

    folder: Path | None
    tails: tuple[str, ...] = ("",)
    _by_stem: dict[str, Path] = field(init=False)

    def __post_init__(self) -> None:
        entries = sorted(self.folder.iterdir()) if self.folder is not None else []
        self._by_stem = {entry.stem: entry for entry in entries if not entry.name.startswith(".") and entry.is_file()}

    def first(self) -> Path | None:
        """Any file of the folder."""
        return next(iter(self._by_stem.values()), None)

    def of(self, stem: str) -> Path | None:
        """The file of an item."""
        return next((self._by_stem[stem + tail] for tail in self.tails if stem + tail in self._by_stem), None)


def pictures_in(folder: Path) -> list[str]:
    """Names of the pictures directly in a folder, sorted."""
    return sorted(entry.name for entry in folder.iterdir() if entry.suffix.lower() in SUFFIXES and not entry.name.startswith("."))


def holds_indices(index: FolderIndex) -> bool:
    """Whether a folder of body parts holds the raw index, one grey level per part, and not coloured pictures."""
    first = index.first()
    if first is None or first.suffix.lower() not in SUFFIXES:
        return False
    try:
        return int(images.read_labels(first).max()) <= max(BodyPart)
    except InputError:
        return False  # a colour picture, or one that is reported where it is imported


LIST_SUFFIXES = frozenset({".txt", ".csv", ".tsv"})


def published_list(places: Sequence[Path], split: str, setting: str) -> Path | None:
    """The pair list of one half of a data set, in any of its usual names, or None.

    Args:
        places: folders that may hold it, the likeliest first.
        split: test or train.
        setting: paired or unpaired; a name that says the other one is left out.

    Raises:
        UsageError: several lists may be meant, and they differ.
    """
    for name in (f"{split}_pairs.txt", f"{split}_pairs_{setting}.txt"):
        for place in places:
            if (place / name).is_file():
                return place / name
    found = [
        file for file in _lists(places) if file.name.lower().startswith(f"{split}_pairs") and setting_of(file) in {setting, ""}
    ]
    if len({file.read_bytes() for file in found}) > 1:
        raise UsageError(
            f"several pair lists may be meant: {', '.join(map(str, found))}",
            f"name the right one {split}_pairs_{setting}.txt, or move the others away; or choose --pairs none",
        )
    return found[0] if found else None


def setting_of(file: Path) -> str:
    """`paired` or `unpaired`, as a list's name says; "" where it does not."""
    name = file.stem.lower()
    return "unpaired" if "unpaired" in name else "paired" if "paired" in name else ""


def not_understood(places: Sequence[Path], used: Iterable[Path | None], split: str) -> Iterator[str]:
    """Lines that name the folders and pair lists of a tree that are not read.

    Args:
        places: the tree's root and the folder of its pictures.
        used: folders and lists that are read.
        split: the half that is read; lists of the other half, and of the other setting, are left out on purpose.
    """
    read = {path for path in used if path is not None}
    folders = [entry for entry in sorted(places[-1].iterdir()) if entry.is_dir() and entry not in read]
    if named := [entry.name for entry in folders if not entry.name.startswith(".") and entry.name not in SPLITS]:
        yield f"{places[-1]}: not read: {', '.join(named)}"
    setting = next((setting_of(path) for path in read if path.is_file()), None)
    lists = [file for file in _lists(places) if file not in read and _is_strange(file, split, setting)]
    if lists:
        yield f"pair lists that are not read: {', '.join(map(str, lists))}"


def _is_strange(file: Path, split: str, setting: str | None) -> bool:
    """Whether nobody would expect of a list that it is not read."""
    other_half = any(file.name.lower().startswith(f"{each}_pairs") for each in SPLITS if each != split)
    own = file.name.lower().startswith(f"{split}_pairs")
    return not other_half and (not own or (setting is not None and setting_of(file) in {setting, ""}))


def no_list(file: Path, places: Sequence[Path]) -> UsageError:
    """The error of a tree without a pair list of a known name; lists of other names are named.

    Args:
        file: the list that was looked for.
        places: folders that may hold it.
    """
    others = _lists(places)
    if not others:
        return UsageError(f"there is no {file}", "choose --pairs paired or --pairs none")
    rename = f"mv '{others[0]}' '{file}'"
    return UsageError(
        f"there is no {file}; not read: {', '.join(map(str, others))}",
        f"give the right one this name: {rename}; or choose --pairs paired or --pairs none",
    )


def _lists(places: Sequence[Path]) -> list[Path]:
    """The files directly in some folders that are pair lists by their name."""
    every = (entry for place in dict.fromkeys(places) if place.is_dir() for entry in sorted(place.iterdir()))
    return [
        entry for entry in every if entry.suffix.lower() in LIST_SUFFIXES and "pair" in entry.name.lower() and entry.is_file()
    ]


def folder_named(root: Path, spellings: Iterable[str]) -> Path | None:
    """The first of these folders that exists; case is ignored, and `_` counts as `-`."""
    if not root.is_dir():
        return None
    known = {plain(entry.name): entry for entry in sorted(root.iterdir()) if entry.is_dir()}
    return next((known[plain(each)] for each in spellings if plain(each) in known), None)


def plain(name: str) -> str:
    """A folder name in lower case with `-` for `_`."""
    return name.lower().replace("_", "-")


def names_of(items: Iterable[Published], kind: Kind, root: Path, foreign: frozenset[str]) -> Names[int]:
    """The names under which a list may mean the items of a tree: their place in `items`.

    Args:
        items: people or garments.
        kind: of their pictures.
        root: names in a list may be paths below this folder.
        foreign: folder names of the other kind.
    """
    paths = (item.files[kind].relative_to(root).as_posix() for item in items)
    return Names((Named(place, "", path, path.rpartition("/")[2]) for place, path in enumerate(paths)), foreign)


def read_pairs(file: Path, people: Names[P], garments: Names[P]) -> PairList[P, P]:
    """The pairs of a published list; a line that names a missing picture costs that line.

    Raises:
        UsageError: no line names a pair.
    """
    found = read_pair_list(file, people, garments, CURE).of_single_garments()
    if not found.pairs and found.problems:
        first = found.problems[0]
        raise UsageError(f"{first.path}: {first.reason}; no line names a pair", f"{first.remedy}; or choose --pairs none")
    return found
