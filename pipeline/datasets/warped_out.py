"""Warped garments for other people's loaders: JPEGs named after the person alone, in folders beside VITON-HD's own.

Facts: docs/facts/dci_vton.md#warped-garments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from pipeline.core import images
from pipeline.core.errors import UsageError
from pipeline.core.items import Pair
from pipeline.core.layout import CLOTH_WARP, CLOTH_WARP_MASK, Layout
from pipeline.datasets.transfer import Transfer

UNPAIRED = "unpaired-"
"""Before the folders' names where a test shows a person in another garment than their own."""
TEST = "test"
ONE_EACH = "leave one garment per person in pairs.txt and export again into another folder, or leave out --warped"


def warped_files(pair: Pair, engine: str, layout: Layout, root: Path) -> Iterator[Transfer]:
    """One JPEG each of garment and soft mask; of unpaired tests also in the folders that their loaders read.

    Args:
        pair: the pair.
        engine: which engine's warped garment.
        layout: where it is.
        root: the `test` or `train` folder of the tree.
    """
    own = root.name != TEST or pair.garment.id == pair.person.id
    for kind in (CLOTH_WARP, CLOTH_WARP_MASK):
        source, name = layout.path(kind.of(pair.id, engine)), PurePosixPath(kind.path).name
        for folder in (name,) if own else (name, UNPAIRED + name):
            make = partial(_mask_jpeg if kind is CLOTH_WARP_MASK else _jpeg, source)
            yield Transfer(root / folder / f"{pair.person.id}.jpg", source, make)


def refuse_namesakes(pairs: Sequence[tuple[str, str]], cure: str = ONE_EACH) -> None:
    """Refuse several garments of one person: their files have one name, and the wrong one would be shown.

    Args:
        pairs: ids of person and garment.
        cure: what to do.

    Raises:
        UsageError: names the first such person and the garments.
    """
    garments: dict[str, list[str]] = {}
    for person, garment in pairs:
        garments.setdefault(person, []).append(garment)
    for person, worn in garments.items():
        if len(worn) > 1:
            raise UsageError(
                f"such a tree names warped garments after the person alone, and {person} has {len(worn)}: {', '.join(worn)}",
                cure,
            )


def _jpeg(path: Path) -> bytes:
    return images.jpeg(images.read_rgb(path))


def _mask_jpeg(path: Path) -> bytes:
    return images.jpeg(images.read_grey(path))
