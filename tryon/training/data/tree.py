"""Training pairs of a VITON-HD or DressCode tree: which files belong to each, none of them opened.

Facts: docs/facts/vitonhd_tree.md#files, docs/facts/dresscode_tree.md#files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

from pipeline.core.errors import InputError, UsageError
from pipeline.core.labels import Category
from tryon.training.data.root_list import Rows, read_rows, rows_by_part

PARTS: Mapping[Category, str] = {Category.UPPER: "upper_body", Category.LOWER: "lower_body", Category.DRESS: "dresses"}
"""DressCode's, by what is worn in them."""
UPPER = (Category.UPPER,)


class Kind(StrEnum):
    """What a file of a training pair is."""

    IMAGE = "image"
    AGNOSTIC = "agnostic picture"
    MASK = "agnostic mask"
    DENSEPOSE = "densepose"
    CLOTH = "garment"
    CLOTH_MASK = "cloth mask"
    PARSE = "parse map"
    PARSE_AGNOSTIC = "parse agnostic"
    POSE = "skeleton"
    WARPED = "warped garment"
    WARPED_MASK = "warped garment's mask"
    PLACED = "garment bent by a spline"
    PLACED_MASK = "its mask"
    WORN = "gt_cloth_warped_mask"


class TreeKind(StrEnum):
    """Whose tree."""

    VITON_HD = "viton-hd"
    DRESSCODE = "dresscode"


@dataclass(frozen=True)
class Place:
    """Where files of a kind lie: folder spellings, and what follows the item's stem."""

    folders: tuple[str, ...]
    tail: str
    endings: tuple[str, ...]


_PICTURE = (".jpg", ".jpeg", ".png")
VITON_HD: Mapping[Kind, Place] = {
    Kind.IMAGE: Place(("image",), "", _PICTURE),
    Kind.AGNOSTIC: Place(("agnostic-v3.2", "agnostic"), "", _PICTURE),
    Kind.MASK: Place(("agnostic-mask",), "_mask", (".png", ".jpg")),
    Kind.DENSEPOSE: Place(("image-densepose",), "", _PICTURE),
    Kind.CLOTH: Place(("cloth",), "", _PICTURE),
    Kind.CLOTH_MASK: Place(("cloth-mask", "cloth_mask"), "", _PICTURE),
    Kind.PARSE: Place(("image-parse-v3", "image-parse"), "", (".png",)),
    Kind.PARSE_AGNOSTIC: Place(("image-parse-agnostic-v3.2", "image-parse-agnostic"), "", (".png",)),
    Kind.POSE: Place(("openpose_img", "openpose-img"), "_rendered", (".png", ".jpg")),
    Kind.WARPED: Place(("cloth-warp",), "", _PICTURE),
    Kind.WARPED_MASK: Place(("cloth-warp-mask",), "", _PICTURE),
    Kind.PLACED: Place(("warped_cloth",), "", (".png", ".jpg")),
    Kind.PLACED_MASK: Place(("warped_cloth-mask",), "", (".png", ".jpg")),
    Kind.WORN: Place(("gt_cloth_warped_mask",), "", _PICTURE),
}
DRESSCODE: Mapping[Kind, Place] = {
    Kind.IMAGE: Place(("images",), "_0", _PICTURE),
    Kind.MASK: Place(("agnostic_masks",), "_0", (".png",)),
    Kind.DENSEPOSE: Place(("dense",), "_5", (".png",)),
    Kind.CLOTH: Place(("images",), "_1", _PICTURE),
    Kind.CLOTH_MASK: Place(("masks",), "_1", (".png", ".jpg")),
    Kind.PARSE: Place(("label_maps",), "_4", (".png",)),
    Kind.POSE: Place(("skeletons",), "_5", (".jpg", ".png")),
    Kind.WORN: Place(("gt_cloth_warped_mask",), "_0", (".png", ".jpg")),
}
OF_GARMENT = frozenset({Kind.CLOTH, Kind.CLOTH_MASK})
OF_WARPING = frozenset({Kind.WARPED, Kind.WARPED_MASK})
"""Of a size of their own; their files are named after the person."""
OF_PLACING = frozenset({Kind.PLACED, Kind.PLACED_MASK})
"""The same, of VITON-HD's warp network; files of GS-VITON's trees are named after the garment."""
LABELS = frozenset({Kind.PARSE, Kind.PARSE_AGNOSTIC})
WANTED: Mapping[TreeKind, tuple[Kind, ...]] = {
    TreeKind.VITON_HD: (Kind.IMAGE, Kind.AGNOSTIC, Kind.MASK, Kind.DENSEPOSE, Kind.CLOTH, Kind.CLOTH_MASK),
    TreeKind.DRESSCODE: (Kind.IMAGE, Kind.MASK, Kind.DENSEPOSE, Kind.CLOTH),
}
"""What every pair needs; the worn garment's mask comes on top where a loss looks at it."""


@dataclass(frozen=True)
class TrainingPair:
    """A person and a garment with their files.

    Args:
        person, garment: names as in the pair list.
        files: kind → file that is there.
        missing: kind → file that is looked for and not there.
        category: of the garment.
    """

    person: str
    garment: str
    files: Mapping[Kind, Path]
    missing: Mapping[Kind, Path] = field(default_factory=dict)
    category: Category = Category.UPPER

    @property
    def id(self) -> str:
        """Unique in a list of pairs; DressCode's parts may have the same numbers."""
        name = self.person if self.person == self.garment else f"{self.person}+{self.garment}"
        return name if self.category is Category.UPPER else f"{self.category.value} {name}"


@dataclass(frozen=True)
class Tree:
    """A published tree, of DressCode one part.

    Args:
        root: its root folder.
        kind: whose tree it is.
        category: of its garments.
    """

    root: Path
    kind: TreeKind = TreeKind.VITON_HD
    category: Category = Category.UPPER

    def folder(self, split: str) -> Path:
        """The folder of `train` or `test`, in which the kinds' folders lie."""
        return self.root / split if self.kind is TreeKind.VITON_HD else self._part

    def pair_list(self, split: str) -> Path:
        """The file with `person garment` a line; of DressCode the part's own, where it has one, else that for all parts."""
        if self.kind is TreeKind.VITON_HD:
            return self.root / f"{split}_pairs.txt"
        name = "train_pairs.txt" if split == "train" else "test_pairs_unpaired.txt"
        own, of_all = self._part / name, self.root / name
        return of_all if of_all.is_file() and self._part.is_dir() and not own.is_file() else own

    @property
    def _part(self) -> Path:
        return self.root / PARTS[self.category]

    def pairs(self, split: str, *, paired: bool = True) -> list[TrainingPair]:
        """The pairs of a split, sorted and each once.

        Args:
            split: `train` or `test`.
            paired: every person with the garment worn, as the published loader pairs them: the garment of the same name in
                VITON-HD, of the same number in DressCode; else the list's second column.

        Raises:
            UsageError: there is no such list, a line of it is no pair, or one of a list for all parts belongs to none.
        """
        places = {kind: self._found(kind, place, split) for kind, place in self._places.items()}
        own = partial(self._worn, places, split) if paired else _listed
        rows = sorted({(person, own(person, garment)) for person, garment in self._rows(split)})
        return [self._pair(person, garment, places) for person, garment in rows]

    def _rows(self, split: str) -> Rows:
        file = self.pair_list(split)
        if self.kind is TreeKind.VITON_HD or file.parent != self.root:
            return [(person, garment) for person, garment, *_ in read_rows(file)]
        images = DRESSCODE[Kind.IMAGE].folders[0]
        return rows_by_part(file, {each: _names(self.root / part / images) for each, part in PARTS.items()})[self.category]

    def worn_file(self, person: str, split: str) -> Path:
        """Where the worn garment's mask of a person is written."""
        place = self._places[Kind.WORN]
        ending = ".jpg" if self.kind is TreeKind.VITON_HD else ".png"
        return self.folder(split) / place.folders[0] / f"{self._stem(person)}{place.tail}{ending}"

    @property
    def _places(self) -> Mapping[Kind, Place]:
        return VITON_HD if self.kind is TreeKind.VITON_HD else DRESSCODE

    def _worn(self, places: Mapping[Kind, tuple[Path, frozenset[str]]], split: str, person: str, listed: str) -> str:
        """The garment that a person wears: in training lists the second column's, where none has the person's own name."""
        if split != "train" or self.kind is not TreeKind.VITON_HD or listed == person:
            return self._own(person)
        names, place = places[Kind.CLOTH][1], self._places[Kind.CLOTH]
        namesake = any(self._stem(person) + ending in names for ending in place.endings)
        return self._own(person) if namesake else listed

    def _own(self, person: str) -> str:
        return person if self.kind is TreeKind.VITON_HD else f"{self._stem(person)}_1.jpg"

    def _stem(self, name: str) -> str:
        stem = Path(name).stem
        return stem if self.kind is TreeKind.VITON_HD else stem.rpartition("_")[0] or stem

    def _found(self, kind: Kind, place: Place, split: str) -> tuple[Path, frozenset[str]]:
        """The first spelling of a folder that is there, and the names in it: one listing instead of a look per file."""
        base = self.folder(split)
        folder = next((base / name for name in place.folders if (base / name).is_dir()), base / place.folders[0])
        return folder, _names(folder)

    def _pair(self, person: str, garment: str, places: Mapping[Kind, tuple[Path, frozenset[str]]]) -> TrainingPair:
        files: dict[Kind, Path] = {}
        missing: dict[Kind, Path] = {}
        for kind, (folder, names) in places.items():
            place = self._places[kind]
            stem = self._stem(garment if kind in OF_GARMENT else person) + place.tail
            name = next((stem + ending for ending in place.endings if stem + ending in names), None)
            if name is None and kind in OF_PLACING:
                name = next(
                    (self._stem(garment) + ending for ending in place.endings if self._stem(garment) + ending in names), None
                )
            if name is None:
                missing[kind] = folder / (stem + place.endings[0])
            else:
                files[kind] = folder / name
        return TrainingPair(person, garment, files, missing, self.category)


def _names(folder: Path) -> frozenset[str]:
    return frozenset(entry.name for entry in folder.iterdir()) if folder.is_dir() else frozenset()


def _listed(person: str, garment: str) -> str:
    return garment


ROOTS = "give the root of a VITON-HD or DressCode tree, or write one: python run.py export viton-hd DIR --split train"


def find_tree(root: Path) -> Tree:
    """The tree below a folder, whose kind its pair list tells.

    Raises:
        UsageError: neither a VITON-HD nor a DressCode tree.
    """
    for kind in (TreeKind.DRESSCODE,) if _has_parts(root) else TreeKind:
        tree = Tree(root, kind)
        if tree.pair_list("train").is_file():
            return tree
    expected = ", ".join(str(Tree(root, kind).pair_list("train")) for kind in TreeKind)
    others = [part for kind, part in PARTS.items() if Tree(root, TreeKind.DRESSCODE, kind).pair_list("train").is_file()]
    there = f"; what is there is {', '.join(others)}, which is not trained here" if others else ""
    raise UsageError(
        f"{root}: no training pairs here (looked for {expected}){there}",
        ROOTS,
    )


def _has_parts(root: Path) -> bool:
    """Whether a folder is DressCode's, whatever lists lie in it."""
    return not (root / "train").is_dir() and any((root / part).is_dir() for part in PARTS.values())


def find_trees(root: Path, categories: Sequence[Category]) -> list[Tree]:
    """The trees of some garments: of DressCode each part whose list is there.

    Args:
        root: of a tree.
        categories: of garments, the first one is that of a VITON-HD tree, which does not say.

    Raises:
        UsageError: neither a VITON-HD tree nor DressCode's part of one of them.
    """
    viton_hd = Tree(root).pair_list("train").is_file() and not _has_parts(root)
    if viton_hd or tuple(categories) == UPPER:
        return [replace(find_tree(root), category=categories[0])]
    trees = [Tree(root, TreeKind.DRESSCODE, category) for category in dict.fromkeys(categories)]
    found = [tree for tree in trees if tree.pair_list("train").is_file()]
    if not found:
        expected = ", ".join(str(tree.pair_list("train")) for tree in (Tree(root), *trees))
        raise UsageError(f"{root}: no training pairs here (looked for {expected})", ROOTS)
    return found


def refuse_dresscode(tree: Tree) -> None:
    """Refuse a tree whose parse maps have other labels and which has none without the garment.

    Raises:
        InputError: a DressCode tree.
    """
    if tree.kind is TreeKind.DRESSCODE:
        raise InputError(
            f"{tree.root}: DressCode's tree has no parse agnostic, and ATR's labels in its parse maps",
            "give a VITON-HD tree; python run.py export viton-hd DIR writes one",
        )
