"""The export of our artefacts as a DressCode tree: three parts, numbered files, key-points on its grid, ATR labels.

Facts: docs/facts/dresscode_tree.md#files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.core import images
from pipeline.core import layout as places
from pipeline.core.inputs.collection import Collection
from pipeline.core.items import Pair
from pipeline.core.keypoints import keypoints_from_json
from pipeline.core.labels import Category
from pipeline.core.layout import Layout
from pipeline.datasets.dresscode_in import GARMENT, PART_OF, PERSON
from pipeline.datasets.transfer import ExportPlan, Transfer
from preprocess.person.body_parts import read_index
from preprocess.person.label_tables import ATR_FROM_CIHP, FACE_FOR_NECK, converted
from preprocess.person.sides import with_worn_sides
from preprocess.pose.keypoint_files import dresscode_json

NAMES = "names.csv"
"""A table of the numbers and the ids of their pictures."""
Make = Callable[[], bytes]


class Numbers:
    """The six-digit numbers of the items: an id that is a DressCode name keeps its number, others get the next free one."""

    def __init__(self, ids: list[str]) -> None:
        own = {name: match[1] for name in ids if (match := re.fullmatch(r"(\d{6})_[01]", name))}
        taken, free = set(own.values()), 0
        self.of: dict[str, str] = {}
        for name in ids:
            if name not in own:
                while f"{free:06}" in taken:
                    free += 1
                taken.add(f"{free:06}")
            self.of[name] = own.get(name, f"{free:06}")


def plan_dresscode(found: Collection, layout: Layout, folder: Path, split: str) -> ExportPlan:
    """Every file that the pairs need, in the three parts.

    Args:
        found: the project's items.
        layout: where their artefacts are.
        folder: the tree's root.
        split: test or train.
    """
    numbers = Numbers(list(dict.fromkeys(name for pair in found.pairs for name in (pair.person.id, pair.garment.id))))
    transfers: list[Transfer] = []
    lists: dict[Path, str] = {}
    missing: dict[str, Path] = {}
    for category, part in PART_OF.items():
        pairs = [pair for pair in found.pairs if pair.garment.category is category]
        own = _Part(layout, folder / part, numbers, category)
        whole = [pair for pair in pairs if not _note_missing(own, pair, missing)]
        for person in dict.fromkeys(pair.person.id for pair in whole):
            transfers += own.person(person)
        for garment in dict.fromkeys(pair.garment.id for pair in whole):
            transfers += own.garment(garment)
        lists |= own.lists(whole, split) if whole else {}
    if transfers:
        lists[folder / NAMES] = "number,id\n" + "".join(f"{number},{name}\n" for name, number in numbers.of.items())
    return ExportPlan(tuple(transfers), lists, missing)


def _note_missing(part: _Part, pair: Pair, missing: dict[str, Path]) -> bool:
    """Whether a pair lacks an artefact; the first missing one of each item is added to `missing`."""
    files = {f"person {pair.person.id}": part.person(pair.person.id), f"garment {pair.garment.id}": part.garment(pair.garment.id)}
    lacks = False
    for item, own in files.items():
        absent = next((each.source for each in own if not each.source.is_file()), None)
        if absent is not None:
            missing[item], lacks = absent, True
    return lacks


class _Part:
    """One of the three sub-trees."""

    def __init__(self, layout: Layout, folder: Path, numbers: Numbers, category: Category) -> None:
        self._layout, self._folder, self._numbers, self._category = layout, folder, numbers, category

    def person(self, item: str) -> list[Transfer]:
        """A person's files."""
        return list(self._person(item))

    def garment(self, item: str) -> list[Transfer]:
        """A garment's files."""
        number = self._numbers.of[item]
        cloth, mask = (self._layout.path(kind.of(item)) for kind in (places.CLOTH, places.CLOTH_MASK))
        return [
            Transfer(self._folder / "images" / f"{number}{GARMENT}.jpg", cloth),
            Transfer(self._folder / "masks" / f"{number}{GARMENT}.png", mask, partial(_mask_png, mask)),
        ]

    def _person(self, item: str) -> Iterator[Transfer]:
        number = self._numbers.of[item]
        kinds = (places.IMAGE, places.POSE_JSON, places.POSE_IMAGE, places.PARSE, places.DENSEPOSE_IUV)
        image, pose, drawn, parse, parts = (self._layout.path(kind.of(item)) for kind in kinds)
        mask = self._layout.path(places.AGNOSTIC_MASK.of(item, self._category))
        rows: list[tuple[str, str, Path, Make | None]] = [
            ("images", f"{PERSON}.jpg", image, None),
            ("keypoints", "_2.json", pose, partial(_points, pose, image)),
            ("skeletons", "_5.jpg", drawn, partial(_as_jpeg, drawn)),
            ("label_maps", "_4.png", parse, partial(_atr_png, parse)),
            ("dense", "_5.png", parts, partial(_index_png, parts)),
            ("agnostic_masks", f"{PERSON}.png", mask, None),
        ]
        if parts.is_file() and _has_coordinates(parts):
            rows.append(("dense", "_5_uv.npz", parts, partial(_uv, parts)))
        for folder, tail, source, make in rows:
            yield Transfer(self._folder / folder / f"{number}{tail}", source, make)

    def lists(self, pairs: list[Pair], split: str) -> dict[Path, str]:
        """The pair lists; a person and a garment of the same number are a paired line."""
        rows = [(self._numbers.of[pair.person.id], self._numbers.of[pair.garment.id]) for pair in pairs]
        lines = [f"{person}{PERSON}.jpg {garment}{GARMENT}.jpg\n" for person, garment in rows]
        if split == "train":
            return {self._folder / "train_pairs.txt": "".join(lines)}
        own = "".join(line for line, (person, garment) in zip(lines, rows, strict=True) if person == garment)
        return {self._folder / "test_pairs_unpaired.txt": "".join(lines), self._folder / "test_pairs_paired.txt": own}


def _points(pose: Path, image: Path) -> bytes:
    return images.text(dresscode_json(keypoints_from_json(pose.read_text("utf-8"), str(pose)), images.picture_size(image)))


def _as_jpeg(picture: Path) -> bytes:
    return images.jpeg(images.read_rgb(picture))


def _mask_png(mask: Path) -> bytes:
    return images.mask_png(images.read_mask(mask))


def _atr_png(parse: Path) -> bytes:
    labels = with_worn_sides(images.read_labels(parse))
    return images.png(converted(converted(labels, ATR_FROM_CIHP, str(parse)), FACE_FOR_NECK))


def _index_png(parts: Path) -> bytes:
    return images.png(read_index(parts))


def _has_coordinates(parts: Path) -> bool:
    with np.load(parts, allow_pickle=False) as arrays:
        return {"U", "V"} <= set(arrays.files)


def _uv(parts: Path) -> bytes:
    with np.load(parts, allow_pickle=False) as arrays:
        return images.npz({"uv": np.stack([arrays["U"], arrays["V"]]).astype(np.float32) / 255})
