"""Reading a DressCode tree: three parts, files numbered `N_0` to `N_5` (docs/facts/dresscode_tree.md#files).

The parts and folders have other names in other projects' copies, and one list may stand in the root for all parts
(docs/facts/dresscode_tree.md#other-spellings).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.core.errors import UsageError, nearest
from pipeline.core.inputs.pair_list.names import CATEGORY_WORDS, Named, Names
from pipeline.core.inputs.pair_list.reader import PairList, read_pair_list
from pipeline.core.inputs.scan import Problem
from pipeline.core.labels import Category
from pipeline.datasets.tree import (
    CURE,
    FolderIndex,
    Kind,
    Published,
    Tree,
    folder_named,
    not_understood,
    pictures_in,
    published_list,
    read_pairs,
)

PARTS: dict[str, Category] = {"upper_body": Category.UPPER, "lower_body": Category.LOWER, "dresses": Category.DRESS}
PART_OF = {category: part for part, category in PARTS.items()}
PERSON, GARMENT = "_0", "_1"
IMAGES = ("images", "image")
PERSON_FILES: dict[Kind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Kind.POSE: (("keypoints", "pose_25", "openpose_json"), ("_2", "_0_keypoints", "_0")),
    Kind.POSE_IMAGE: (("skeletons", "openpose_img"), ("_5", "_0_rendered", "_0")),
    Kind.DENSEPOSE: (("image-densepose", "densepose"), ("_0", "_5")),
    Kind.PARSE: (("label_maps",), ("_4", "_0")),
    Kind.INDEX: (("dense",), ("_5",)),
    Kind.UV: (("dense",), ("_5_uv",)),
    Kind.AGNOSTIC: (("agnostic", "agnostic-v3.2"), ("_0",)),
    Kind.AGNOSTIC_MASK: (("agnostic_masks", "agnostic_mask"), ("_0", "_0_mask")),
}
"""Folders, and what may follow an item's number."""
MASKS = ("masks", "cloth_mask", "cloth_mask-bytedance")


def read_dresscode(folder: Path, split: str = "test", pairs: str = "unpaired", parts: Sequence[str] = ()) -> Tree:
    """The items that the pair lists of the wanted parts name; with `pairs` none, every picture.

    Args:
        folder: holds `upper_body/`, `lower_body/`, `dresses/`.
        split: test or train.
        pairs: unpaired, paired or none.
        parts: which of the three; empty = all that exist.

    Raises:
        UsageError: no such tree, an unknown part, or a pair list that is missing or of which no line names a pair.
    """
    readers = [_Part(place, category) for category, place in _places(folder, parts).items()]
    listed = _listed(folder, readers, split, pairs)
    people: list[Published] = []
    garments: list[Published] = []
    found: list[tuple[int, int]] = []
    notes: list[str] = []
    for reader, own in zip(readers, listed, strict=True):
        rows = None if own is None else own.pairs
        own_people, own_garments = reader.people(rows), reader.garments(rows)
        person_at = {item.name: place for place, item in enumerate(own_people, len(people))}
        garment_at = {item.name: place for place, item in enumerate(own_garments, len(garments))}
        found += [(person_at[person], garment_at[garment]) for person, garment in rows or ()]
        people += own_people
        garments += own_garments
        notes += [*(own.notes if own else ()), *not_understood((reader.folder,), reader.used, split)]
    problems = tuple(problem for own in listed if own for problem in own.problems)
    return Tree(tuple(people), tuple(garments), tuple(found), True, problems, tuple(dict.fromkeys(notes)))


def _places(folder: Path, parts: Sequence[str]) -> dict[Category, Path]:
    """The folder of each wanted part, under any of its names."""
    there: dict[Category, Path] = {}
    for category in Category:
        names = [PART_OF[category], *(word for word, meant in CATEGORY_WORDS.items() if meant is category)]
        place = folder_named(folder, names)
        if place is not None and folder_named(place, IMAGES) is not None:
            there[category] = place
    named = {place.name: category for category, place in there.items()}
    for part in parts:
        if part not in PARTS and part not in named:
            raise UsageError(f"DressCode has no part {part!r}", nearest(part, {**PARTS, **named}))
    wanted = {PARTS.get(part) or named[part] for part in parts} or set(there)
    absent = [category for category in Category if category in wanted - set(there)]
    if absent or not there:
        looked = ", ".join(str(folder / PART_OF[category] / IMAGES[0]) for category in (absent or Category))
        raise UsageError(f"no DressCode tree: there is no {looked}", "point at the folder that holds upper_body/")
    return {category: place for category, place in there.items() if category in wanted}


def _listed(folder: Path, readers: Sequence[_Part], split: str, pairs: str) -> list[PairList[str, str] | None]:
    """The pairs of each part: of its own list, or of the root's; None = every picture, unpaired."""
    if pairs == "none":
        return [None] * len(readers)
    setting = pairs if split == "test" else ""
    files = [published_list((reader.folder,), split, setting or "paired") for reader in readers]
    if all(file is None for file in files) and (root := published_list((folder,), split, setting or "paired")) is not None:
        return [*_of_root(root, readers)]
    missing = next((reader.folder for reader, file in zip(readers, files, strict=True) if file is None), None)
    if missing is not None:
        name = f"{split}_pairs_{setting}.txt" if setting else f"{split}_pairs.txt"
        raise UsageError(f"there is no {missing / name}", "choose another --pairs, or --pairs none for every picture")
    found: list[PairList[str, str] | None] = []
    for reader, file in zip(readers, files, strict=True):
        assert file is not None
        reader.used.append(file)
        found.append(read_pairs(file, reader.names(PERSON), reader.names(GARMENT)))
    return found


def _of_root(file: Path, readers: Sequence[_Part]) -> list[PairList[str, str]]:
    """The lines of a list for all parts, each to the part that has its pictures; a category beside them decides between two."""
    read = (read_pair_list(file, reader.names(PERSON), reader.names(GARMENT), CURE) for reader in readers)
    each = [listed.of_single_garments() for listed in read]
    pairs: list[dict[tuple[str, str], None]] = [{} for _ in readers]
    problems: list[Problem] = []
    lines: dict[int, list[tuple[int, str, str]]] = {}
    for place, listed in enumerate(each):
        for number, person, garment, rest in listed.rows:
            named = {CATEGORY_WORDS[word.lower()] for word in rest if word.lower() in CATEGORY_WORDS}
            if not named or readers[place].category in named:
                lines.setdefault(number, []).append((place, person, garment))
    for number, meant in sorted(lines.items()):
        if len(meant) > 1:
            where = " and ".join(readers[place].folder.name for place, _, _ in meant)
            problems.append(Problem(f"{file}, line {number}", f"its pictures are in {where}", "write the part as a third column"))
        else:
            pairs[meant[0][0]][meant[0][1:]] = None
    lost = [_lost([listed.problems for listed in each], line) for line in _failed(each, lines)]
    if not any(pairs):
        first = (*lost, *problems)[0]
        raise UsageError(f"{first.path}: {first.reason}; no line names a pair", f"{first.remedy}; or choose --pairs none")
    return [
        PairList(tuple(own), (*lost, *problems) if place == 0 else (), notes=(f"{file}: read for all parts",))
        for place, own in enumerate(pairs)
    ]


def _failed(lists: Sequence[PairList[str, str]], understood: Mapping[int, object]) -> list[str]:
    """The places (`file, line 7`) that name a pair in no part, in the list's order."""
    numbers = {f", line {number}" for number in understood}
    every = dict.fromkeys(problem.path for listed in lists for problem in listed.problems)
    return [path for path in every if not any(path.endswith(number) for number in numbers)]


def _lost(problems: Sequence[Sequence[Problem]], path: str) -> Problem:
    """Of what each part says of a line the shortest, which misses the least."""
    said = [problem for own in problems for problem in own if problem.path == path]
    return min(said, key=lambda problem: len(problem.reason))


class _Part:
    """One of the three sub-trees.

    Args:
        folder: where it is.
        category: of its garments.
    """

    def __init__(self, folder: Path, category: Category) -> None:
        images = folder_named(folder, IMAGES)
        assert images is not None
        self.folder, self.category = folder, category
        self._images = images
        self._pictures = pictures_in(images)
        places = {kind: FolderIndex(folder_named(folder, names), tails) for kind, (names, tails) in PERSON_FILES.items()}
        self._companions = places
        self._masks = FolderIndex(folder_named(folder, MASKS), (GARMENT,))
        self.used: list[Path | None] = [images, self._masks.folder, *(index.folder for index in places.values())]

    def names(self, tail: str) -> Names[str]:
        """The pictures of one kind, by file name and by path below the root."""
        place = f"{PART_OF[self.category]}/{self._images.name}"
        return Names(Named(name, "", f"{place}/{name}", name, self.category) for name in self._named(tail))

    def people(self, rows: Sequence[tuple[str, str]] | None) -> list[Published]:
        """The first items of the pairs, each once."""
        names = self._named(PERSON) if rows is None else sorted({person for person, _ in rows})
        return [self._item(name, {Kind.IMAGE: self._images / name}, self._companions) for name in names]

    def garments(self, rows: Sequence[tuple[str, str]] | None) -> list[Published]:
        """The second items of the pairs, each once."""
        names = self._named(GARMENT) if rows is None else sorted({garment for _, garment in rows})
        return [self._item(name, {Kind.CLOTH: self._images / name}, {Kind.CLOTH_MASK: self._masks}) for name in names]

    def _named(self, tail: str) -> list[str]:
        return [name for name in self._pictures if Path(name).stem.endswith(tail)]

    def _item(self, name: str, files: dict[Kind, Path], indices: Mapping[Kind, FolderIndex]) -> Published:
        number = Path(name).stem.rpartition("_")[0]
        found = {kind: index.of(number) for kind, index in indices.items()}
        companions = {kind: path for kind, path in found.items() if path}
        return Published(name, PART_OF[self.category], self.category, files | companions)
