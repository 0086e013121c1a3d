"""A published data set as it is on disk, whatever its folder names: people, garments and pairs.

This package knows the folder names of published data sets only; ours are in `pipeline/core/layout.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from pipeline.core.errors import UsageError
from pipeline.core.images import SUFFIXES
from pipeline.core.labels import Category


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
    """

    people: tuple[Published, ...]
    garments: tuple[Published, ...]
    pairs: tuple[tuple[int, int], ...] = ()
    labels_are_atr: bool = False


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

    def of(self, stem: str) -> Path | None:
        """The file of an item."""
        return next((self._by_stem[stem + tail] for tail in self.tails if stem + tail in self._by_stem), None)


def pictures_in(folder: Path) -> list[str]:
    """Names of the pictures directly in a folder, sorted."""
    return sorted(entry.name for entry in folder.iterdir() if entry.suffix.lower() in SUFFIXES and not entry.name.startswith("."))


def folder_named(root: Path, spellings: Iterable[str]) -> Path | None:
    """The first of these folders that exists; case is ignored, and `_` counts as `-`."""
    if not root.is_dir():
        return None
    known = {plain(entry.name): entry for entry in sorted(root.iterdir()) if entry.is_dir()}
    return next((known[plain(each)] for each in spellings if plain(each) in known), None)


def plain(name: str) -> str:
    """A folder name in lower case with `-` for `_`."""
    return name.lower().replace("_", "-")


def read_pairs(file: Path) -> list[tuple[str, str]]:
    """`person garment` a line; a third column (some of DressCode's own lists have one) is ignored.

    Raises:
        UsageError: not UTF-8, or a line with fewer than two names.
    """
    try:
        rows = [line.split() for line in file.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"{file}: cannot be read ({problem})", "save it as UTF-8, or use --pairs none") from None
    short = next((number for number, row in enumerate(rows, 1) if len(row) < 2), None)
    if short is not None:
        raise UsageError(f"{file}, line {short}: expected two names, person and garment", "correct the line, or use --pairs none")
    return [(row[0], row[1]) for row in rows]
