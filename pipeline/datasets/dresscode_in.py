"""Reading a DressCode tree: three parts, files numbered `N_0` to `N_5` (docs/facts/dresscode_tree.md#files)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.core.errors import UsageError, nearest
from pipeline.core.inputs.pair_list.names import Named, Names
from pipeline.core.inputs.pair_list.reader import PairList
from pipeline.core.inputs.scan import Problem
from pipeline.core.labels import Category
from pipeline.datasets.tree import FolderIndex, Kind, Published, Tree, folder_named, pictures_in, read_pairs

PARTS: dict[str, Category] = {"upper_body": Category.UPPER, "lower_body": Category.LOWER, "dresses": Category.DRESS}
PART_OF = {category: part for part, category in PARTS.items()}
PERSON, GARMENT = "_0", "_1"
PERSON_FILES: dict[Kind, tuple[str, str]] = {
    Kind.POSE: ("keypoints", "_2"),
    Kind.POSE_IMAGE: ("skeletons", "_5"),
    Kind.PARSE: ("label_maps", "_4"),
    Kind.INDEX: ("dense", "_5"),
    Kind.UV: ("dense", "_5_uv"),
    Kind.AGNOSTIC_MASK: ("agnostic_masks", "_0"),
}
"""Folder, and the suffix after an item's number."""
MASKS = "masks"
PAIR_FILES = {
    ("test", "unpaired"): "test_pairs_unpaired.txt",
    ("test", "paired"): "test_pairs_paired.txt",
    ("train", "paired"): "train_pairs.txt",
    ("train", "unpaired"): "train_pairs.txt",
}


def read_dresscode(folder: Path, split: str = "test", pairs: str = "unpaired", parts: Sequence[str] = ()) -> Tree:
    """The items that the pair lists of the wanted parts name; with `pairs` none, every picture.

    Args:
        folder: holds `upper_body/`, `lower_body/`, `dresses/`.
        split: test or train.
        pairs: unpaired, paired or none.
        parts: which of the three; empty = all that exist.

    Raises:
        UsageError: no such tree, an unknown part, or a pair list that is missing or names unknown files.
    """
    for part in parts:
        if part not in PARTS:
            raise UsageError(f"DressCode has no part {part!r}", nearest(part, PARTS))
    there = [part for part in (parts or PARTS) if folder_named(folder / part, ("images",)) is not None]
    absent = [part for part in parts if part not in there]
    if absent or not there:
        looked = ", ".join(str(folder / part / "images") for part in (absent or PARTS))
        raise UsageError(f"no DressCode tree: there is no {looked}", "point at the folder that holds upper_body/")
    people: list[Published] = []
    garments: list[Published] = []
    found: list[tuple[int, int]] = []
    problems: list[Problem] = []
    notes: list[str] = []
    for part in there:
        reader = _Part(folder / part, part)
        listed = reader.rows(split, pairs)
        rows = None if listed is None else listed.pairs
        problems += listed.problems if listed else ()
        notes += listed.notes if listed else ()
        own_people, own_garments = reader.people(rows), reader.garments(rows)
        person_at = {item.name: place for place, item in enumerate(own_people, len(people))}
        garment_at = {item.name: place for place, item in enumerate(own_garments, len(garments))}
        found += [(person_at[person], garment_at[garment]) for person, garment in rows or ()]
        people += own_people
        garments += own_garments
    return Tree(tuple(people), tuple(garments), tuple(found), True, tuple(problems), tuple(notes))


class _Part:
    """One of the three sub-trees."""

    def __init__(self, folder: Path, name: str) -> None:
        images = folder_named(folder, ("images",))
        assert images is not None
        self._folder, self._name, self._images = folder, name, images
        self._pictures = pictures_in(images)

    def rows(self, split: str, wanted: str) -> PairList[str, str] | None:
        """The wanted pairs; None = everything, unpaired."""
        if wanted == "none":
            return None
        file = self._folder / PAIR_FILES[split, wanted]
        if not file.is_file():
            raise UsageError(f"there is no {file}", "choose another --pairs, or --pairs none for every picture")
        return read_pairs(file, self._names(PERSON), self._names(GARMENT))

    def _names(self, tail: str) -> Names[str]:
        """The pictures of one kind, by file name and by path below the root."""
        place = f"{self._name}/{self._images.name}"
        return Names(Named(name, "", f"{place}/{name}", name, PARTS[self._name]) for name in self._named(tail))

    def people(self, rows: Sequence[tuple[str, str]] | None) -> list[Published]:
        """The first items of the pairs, each once."""
        names = self._named(PERSON) if rows is None else sorted({person for person, _ in rows})
        places = {kind: (folder_named(self._folder, (name,)), (tail,)) for kind, (name, tail) in PERSON_FILES.items()}
        indices = {kind: FolderIndex(*place) for kind, place in places.items()}
        return [self._item(name, {Kind.IMAGE: self._images / name}, indices) for name in names]

    def garments(self, rows: Sequence[tuple[str, str]] | None) -> list[Published]:
        """The second items of the pairs, each once."""
        names = self._named(GARMENT) if rows is None else sorted({garment for _, garment in rows})
        masks = {Kind.CLOTH_MASK: FolderIndex(folder_named(self._folder, (MASKS,)), (GARMENT,))}
        return [self._item(name, {Kind.CLOTH: self._images / name}, masks) for name in names]

    def _named(self, tail: str) -> list[str]:
        return [name for name in self._pictures if Path(name).stem.endswith(tail)]

    def _item(self, name: str, files: dict[Kind, Path], indices: dict[Kind, FolderIndex]) -> Published:
        number = Path(name).stem.rpartition("_")[0]
        found = {kind: index.of(number) for kind, index in indices.items()}
        return Published(name, self._name, PARTS[self._name], files | {kind: path for kind, path in found.items() if path})
