"""The export of our artefacts as a VITON-HD tree that other loaders open: its file names and pair lists, and nothing else.

Facts: docs/facts/vitonhd_tree.md#files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from pipeline.core import layout as places
from pipeline.core.inputs.collection import Collection
from pipeline.core.items import Pair
from pipeline.core.labels import Category
from pipeline.core.layout import Folder, Layout
from pipeline.datasets.densepose_out import renderings_of
from pipeline.datasets.transfer import ExportPlan, Transfer
from pipeline.datasets.warped_out import refuse_namesakes, warped_files

PERSON = (places.IMAGE, places.DENSEPOSE, places.PARSE, places.POSE_JSON, places.POSE_IMAGE)
GARMENT = (places.CLOTH, places.CLOTH_MASK)


def plan_viton_hd(
    found: Collection,
    layout: Layout,
    folder: Path,
    split: str,
    category: Category,
    renderings: Sequence[str] = (),
    warped: str = "",
) -> ExportPlan:
    """Every file that the pairs of one garment category need.

    Args:
        found: the project's items.
        layout: where their artefacts are.
        folder: the tree's root.
        split: test or train.
        category: masks of lower garments and dresses are exported under VITON-HD's only folder name.
        renderings: further renderings of the body parts, see `preprocess.densepose.renderings`.
        warped: the engine whose warped garments are exported too; "" = none.

    Raises:
        UsageError: several garments of one person, whose warped ones would have one name.
    """
    missing: dict[str, Path] = {}
    files: dict[str, list[Transfer]] = {}
    pairs = [pair for pair in found.pairs if pair.garment.category is category]
    if warped:
        refuse_namesakes([(pair.person.id, pair.garment.id) for pair in pairs])
    for pair in pairs:
        files[f"person {pair.person.id}"] = [
            *_files(pair.person.id, _person_folders(category), layout, folder / split),
            *renderings_of(pair.person.id, renderings, layout, folder / split),
        ]
        files[f"garment {pair.garment.id}"] = list(_files(pair.garment.id, named(GARMENT), layout, folder / split))
        files[f"pair {pair.id}"] = list(warped_files(pair, warped, layout, folder / split)) if warped else []
    for item, own in files.items():
        absent = next((each.source for each in own if not each.source.is_file()), None)
        if absent is not None:
            missing[item] = absent
    whole = [pair for pair in pairs if not missing.keys() & set(_parts(pair))]
    needed = {name for pair in whole for name in _parts(pair)}
    transfers = tuple(each for item, own in files.items() if item in needed for each in own)
    return ExportPlan(transfers, {folder / f"{split}_pairs.txt": _lines(whole)}, missing)


def _parts(pair: Pair) -> tuple[str, str, str]:
    return f"person {pair.person.id}", f"garment {pair.garment.id}", f"pair {pair.id}"


def named(folders: tuple[Folder, ...]) -> dict[str, Folder]:
    """VITON-HD's folder name → ours; they differ in the category's suffix only."""
    return {PurePosixPath(folder.path).name: folder for folder in folders}


def _person_folders(category: Category) -> dict[str, Folder]:
    return named(PERSON) | {PurePosixPath(kind.path).name: kind.folder(category) for kind in places.PER_CATEGORY}


def _files(item: str, folders: dict[str, Folder], layout: Layout, root: Path) -> Iterator[Transfer]:
    for name, folder in folders.items():
        yield Transfer(root / name / f"{item}{folder.suffix}", layout.path(folder.of(item)))


def _lines(pairs: list[Pair]) -> str:
    return "".join(f"{pair.person.id}.jpg {pair.garment.id}.jpg\n" for pair in pairs)
