"""The plan of an import: which file of a published tree becomes which input or artefact, under which id.

Artefacts that one step makes together must come from one source: body parts with their index, masks with their grey picture.
What the tree cannot complete is left to the step. Imported artefacts count as supplied by the user: no run overwrites them, and
the steps after them use them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.core import layout as places
from pipeline.core.inputs.ids import slug, unique_ids
from pipeline.core.inputs.scan import find_pictures
from pipeline.core.items import Garment, Person
from pipeline.core.labels import Category
from pipeline.core.layout import CLOTH_INPUTS, INPUT_PREFIX, PERSON_INPUTS, Folder, Layout
from pipeline.datasets import conversions as convert
from pipeline.datasets.given_masks import Assumed, GivenMasks
from pipeline.datasets.given_points import pose_file
from pipeline.datasets.transfer import Transfer, transfer_to
from pipeline.datasets.tree import Files, Kind, Published, Tree

Make = Callable[[], bytes]


@dataclass(frozen=True)
class ImportPlan:
    """A published tree with the id and the place of each item in the project.

    Args:
        people, garments: the items, each with what was published of it.
        pairs: ids of person and garment, for the pair list.
        masks: reads the tree's masks and parse maps.
    """

    people: tuple[tuple[Person, Published], ...]
    garments: tuple[tuple[Garment, Published], ...]
    pairs: tuple[tuple[str, str], ...]
    masks: GivenMasks

    def missing(self) -> dict[str, int]:
        """How many people have no key-points, body parts and so on in the tree; their steps make them."""
        wanted = {"key-points": (Kind.POSE,), "body parts": (Kind.DENSEPOSE, Kind.INDEX), "parse map": (Kind.PARSE,)}
        wanted |= {"agnostic mask": (Kind.AGNOSTIC_MASK, Kind.AGNOSTIC)}
        files = [published.files for _, published in self.people]
        counts = {name: sum(not any(kind in each for kind in kinds) for each in files) for name, kinds in wanted.items()}
        return {name: count for name, count in counts.items() if count}


def plan_import(tree: Tree, layout: Layout, invert_masks: bool = False) -> ImportPlan:
    """Decide names and ids; inputs that exist keep their ids.

    Args:
        tree: what to import.
        layout: the project's folders.
        invert_masks: masks whose meaning cannot be seen have black = yes.
    """
    people = _placed(tree.people, layout, PERSON_INPUTS)
    garments = _placed(tree.garments, layout, CLOTH_INPUTS)
    persons = [Person(name, source, (item.category,)) for (name, source), item in zip(people, tree.people, strict=True)]
    clothes = [Garment(name, source, item.category) for (name, source), item in zip(garments, tree.garments, strict=True)]
    pairs = tuple((persons[person].id, clothes[garment].id) for person, garment in tree.pairs)
    masks = GivenMasks(Assumed(), invert_masks, tree.labels_are_atr)
    return ImportPlan(
        tuple(zip(persons, tree.people, strict=True)), tuple(zip(clothes, tree.garments, strict=True)), pairs, masks
    )


def _placed(items: Sequence[Published], layout: Layout, folder: str) -> list[tuple[str, str]]:
    """(id, source) per item: its plain name, or a name below a sub-folder where another picture would have the same id."""
    there = find_pictures(layout.inputs / folder, layout.inputs)[0]
    taken = {_key(_below(name)): name for name in there}
    chosen: dict[str, None] = {}
    for item in items:
        stem = f"{item.category.value}/" if folder == CLOTH_INPUTS else ""
        plain, apart = f"{stem}{item.name}", f"{stem}{item.part}/{item.name}"
        alone = taken.get(_key(_below(plain)), plain) == plain and plain not in chosen
        name = plain if alone and _is_free(layout, folder, plain, item) else apart
        taken[_key(_below(name))] = name
        chosen[name] = None
    every = sorted({*there, *chosen})
    ids = dict(zip(every, unique_ids([_below(name) for name in every]), strict=True))
    return [(ids[name], f"{INPUT_PREFIX}{folder}/{name}") for name in chosen]


def _is_free(layout: Layout, folder: str, name: str, item: Published) -> bool:
    """Whether no file, or the same picture, has this name."""
    target = layout.inputs / folder / name
    picture = item.files[Kind.CLOTH if folder == CLOTH_INPUTS else Kind.IMAGE]
    return not target.exists() or target.samefile(picture) or target.read_bytes() == picture.read_bytes()


def _below(name: str) -> str:
    """The part of a path that makes the id: garments leave their category's folder out."""
    head, _, rest = name.partition("/")
    return rest if rest and head.lower() in set(Category) else name


def _key(name: str) -> str:
    return unicodedata.normalize("NFKC", slug(name)).casefold()


def transfers(plan: ImportPlan, layout: Layout) -> Iterator[Transfer]:
    """Every file to write, item by item."""
    for person, published in plan.people:
        yield transfer_to(layout, person.source, published.files[Kind.IMAGE])
        for folder, source, make in _person_files(published, plan.masks.labels_are_atr):
            yield transfer_to(layout, folder.of(person.id), source, make)
        for folder, source, check in _judged_files(published, plan.masks):
            yield transfer_to(layout, folder.of(person.id), source, check, check=True)
    for garment, published in plan.garments:
        yield transfer_to(layout, garment.source, published.files[Kind.CLOTH])
        if (mask := published.files.get(Kind.CLOTH_MASK)) is not None:  # where it is missing, the step makes both
            cloth = published.files[Kind.CLOTH]
            make = _unless(cloth, places.CLOTH, partial(convert.jpeg_of, cloth))
            yield transfer_to(layout, places.CLOTH.of(garment.id), cloth, make)
            check = partial(plan.masks.cloth_file, published.files)
            yield transfer_to(layout, places.CLOTH_MASK.of(garment.id), mask, check, check=True)


Piece = tuple[Folder, Path, Make | None]


def _person_files(published: Published, labels_are_atr: bool) -> Iterator[Piece]:
    files, image = published.files, published.files[Kind.IMAGE]
    yield places.FRAME, image, partial(convert.frame_json, image)
    yield places.IMAGE, image, _unless(image, places.IMAGE, partial(convert.jpeg_of, image))
    if (pose := files.get(Kind.POSE)) is not None:
        drawn = files.get(Kind.POSE_IMAGE)
        if drawn is not None and drawn.suffix == ".png":
            yield places.POSE_IMAGE, drawn, None
        else:
            yield places.POSE_IMAGE, pose, partial(convert.skeleton_png, pose, image)
    yield from _body_parts(files, image)
    if labels_are_atr and (parse := files.get(Kind.PARSE)) is not None:
        yield places.PARSE, parse, partial(convert.parse_from_atr, parse, pose, image)
    grey = files.get(Kind.AGNOSTIC)
    if grey is not None:
        grey_place = places.AGNOSTIC.folder(published.category)
        yield grey_place, grey, _unless(grey, grey_place, partial(convert.jpeg_of, grey))
        if Kind.AGNOSTIC_MASK not in files:
            yield places.AGNOSTIC_MASK.folder(published.category), grey, partial(convert.mask_of_agnostic, grey)


def _judged_files(published: Published, masks: GivenMasks) -> Iterator[tuple[Folder, Path, Callable[[], bytes | None]]]:
    """Key-points, parse maps and masks, held against the picture; a missing grey picture is made of the mask."""
    files, image, category = published.files, published.files[Kind.IMAGE], published.category
    if not masks.labels_are_atr and (parse := files.get(Kind.PARSE)) is not None:
        yield places.PARSE, parse, partial(masks.parse, parse, image)
    if (pose := files.get(Kind.POSE)) is not None:
        yield places.POSE_JSON, pose, partial(pose_file, files)
    if (mask := files.get(Kind.AGNOSTIC_MASK)) is not None:
        yield places.AGNOSTIC_MASK.folder(category), mask, partial(masks.agnostic_file, files, category)
        if Kind.AGNOSTIC not in files:
            yield places.AGNOSTIC.folder(category), mask, partial(masks.agnostic_picture, files, category)
    if (reduced := files.get(Kind.PARSE_AGNOSTIC)) is not None:
        yield places.PARSE_AGNOSTIC.folder(category), reduced, partial(masks.parse, reduced, image)


def _body_parts(files: Files, image: Path) -> Iterator[Piece]:
    """Coloured picture and index, from the one of the two that was published."""
    coloured, index = files.get(Kind.DENSEPOSE), files.get(Kind.INDEX)
    if coloured is not None:
        yield places.DENSEPOSE, coloured, _unless(coloured, places.DENSEPOSE, partial(convert.jpeg_of, coloured))
        yield places.DENSEPOSE_IUV, coloured, partial(convert.parts_of_colours, coloured)
    elif index is not None:
        yield places.DENSEPOSE, index, partial(convert.colours_of_index, index, image)
        yield places.DENSEPOSE_IUV, index, partial(convert.parts_of_index, index, files.get(Kind.UV), image)


def _unless(source: Path, folder: Folder, make: Make) -> Make | None:
    """None for a file that has our format, which is linked; any other is converted."""
    return None if source.suffix.lower() == f".{folder.suffix.rpartition('.')[2]}" else make
