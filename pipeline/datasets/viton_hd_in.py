"""Reading a VITON-HD tree, in every known spelling of its folders.

Facts: docs/facts/vitonhd_tree.md#other-spellings.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.core.errors import UsageError
from pipeline.core.inputs.pair_list.names import GARMENT_FOLDERS, PERSON_FOLDERS
from pipeline.core.inputs.pair_list.reader import PairList
from pipeline.core.labels import Category
from pipeline.datasets.tree import (
    FolderIndex,
    Kind,
    Published,
    Tree,
    folder_named,
    holds_indices,
    names_of,
    no_list,
    not_understood,
    pictures_in,
    published_list,
    read_pairs,
)

COMPANIONS: dict[Kind, tuple[str, ...]] = {
    Kind.POSE: ("openpose_json", "pose", "keypoints", "pose_25"),
    Kind.POSE_IMAGE: ("openpose_img", "openpose_image", "vis_pose"),
    Kind.DENSEPOSE: ("image-densepose", "densepose"),
    Kind.PARSE: ("image-parse-v3", "image-parse", "parse", "parse-bytedance"),
    Kind.PARSE_AGNOSTIC: ("image-parse-agnostic-v3.2", "image-parse-agnostic", "parse-agnostic"),
    Kind.AGNOSTIC: ("agnostic-v3.2", "agnostic-v3", "agnostic"),
    Kind.AGNOSTIC_MASK: ("agnostic-mask", "agnostic-v3.2-mask"),
}
"""Newest spelling first; `_` and `-` count as the same."""
IMAGE = ("image", "images", "person")
CLOTH = ("cloth", "clothes", "color")
CLOTH_MASK = ("cloth-mask", "edge", "cloth-edge", "cloth_mask-bytedance")
TAILS: dict[Kind, tuple[str, ...]] = {
    Kind.POSE: ("_keypoints", ""),
    Kind.POSE_IMAGE: ("_rendered", ""),
    Kind.AGNOSTIC_MASK: ("_mask", ""),
}


def read_viton_hd(folder: Path, split: str = "test", pairs: str = "unpaired", also: Sequence[Path] = ()) -> Tree:
    """The people, garments and pairs below `<folder>/<split>`.

    Args:
        folder: holds `test/`, `train/` and their pair lists; or one of the two itself.
        split: test or train.
        pairs: `unpaired` = as listed, `paired` = everybody with their own garment, `none`.
        also: folders of it that are read elsewhere.

    Raises:
        UsageError: no such tree, or a pair list that names unknown files.
    """
    root = viton_hd_root(folder, split)
    image, cloth = folder_named(root, IMAGE), folder_named(root, CLOTH)
    assert image is not None
    indices = {kind: FolderIndex(folder_named(root, names), TAILS.get(kind, ("",))) for kind, names in COMPANIONS.items()}
    if holds_indices(indices[Kind.DENSEPOSE]):
        indices[Kind.INDEX] = indices.pop(Kind.DENSEPOSE)
    people = tuple(_person(image / name, indices) for name in pictures_in(image))
    masks = FolderIndex(folder_named(root, CLOTH_MASK))
    garments = tuple(_garment(cloth / name, masks) for name in pictures_in(cloth)) if cloth is not None else ()
    if not people:
        raise UsageError(f"{image}: no pictures in it", "point at the folder that holds test/ and test_pairs.txt")
    file = None if pairs != "unpaired" else published_list((root.parent, root), split, pairs)
    listed = _pairs(root, file, pairs, people, garments)
    used = [*also, image, cloth, masks.folder, file, *(index.folder for index in indices.values())]
    notes = (*listed.notes, *not_understood((root.parent, root), used, split))
    return Tree(people, garments, listed.pairs, problems=listed.problems, notes=notes)


def viton_hd_root(folder: Path, split: str) -> Path:
    """The folder that holds the pictures of one half.

    Raises:
        UsageError: no such tree.
    """
    candidates = [folder / split, folder] if folder.name != split else [folder]
    for root in candidates:
        if folder_named(root, IMAGE) is not None:
            return root
    looked = " or ".join(str(root / IMAGE[0]) for root in candidates)
    raise UsageError(f"no VITON-HD tree: there is no {looked}", "point at the folder that holds test/ and test_pairs.txt")


def _person(picture: Path, indices: dict[Kind, FolderIndex]) -> Published:
    found = {kind: index.of(picture.stem) for kind, index in indices.items()}
    files = {Kind.IMAGE: picture} | {kind: path for kind, path in found.items() if path is not None}
    return Published(picture.name, "viton-hd", Category.UPPER, files)


def _garment(picture: Path, masks: FolderIndex) -> Published:
    mask = masks.of(picture.stem)
    return Published(
        picture.name, "viton-hd", Category.UPPER, {Kind.CLOTH: picture} | ({} if mask is None else {Kind.CLOTH_MASK: mask})
    )


def _pairs(
    root: Path, file: Path | None, wanted: str, people: tuple[Published, ...], garments: tuple[Published, ...]
) -> PairList[int, int]:
    if wanted == "none":
        return PairList()
    if wanted == "paired":
        garment_at = {Path(garment.name).stem: place for place, garment in enumerate(garments)}
        stems = enumerate(Path(person.name).stem for person in people)
        return PairList(tuple((place, garment_at[stem]) for place, stem in stems if stem in garment_at))
    if file is None:
        raise no_list(root.parent / f"{root.name}_pairs.txt", (root.parent, root))
    named_people = names_of(people, Kind.IMAGE, root.parent, GARMENT_FOLDERS)
    return read_pairs(file, named_people, names_of(garments, Kind.CLOTH, root.parent, PERSON_FOLDERS))
