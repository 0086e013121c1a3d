"""Warped garments of a published tree, taken as given: named after the person alone, in folders beside VITON-HD's own.

Facts: docs/facts/dci_vton.md#warped-garments. No such tree has the flow that bent them, and none is made up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.catalog import ENGINES
from pipeline.core import images
from pipeline.core.errors import InputError, UsageError
from pipeline.core.layout import CLOTH_WARP, CLOTH_WARP_MASK, Layout
from pipeline.datasets.given_masks import LEAST, MOST, SAME_SHAPE, Assumed
from pipeline.datasets.import_plan import ImportPlan, transfers
from pipeline.datasets.transfer import Transfer, transfer_to
from pipeline.datasets.tree import FolderIndex, Kind, Published, folder_named
from pipeline.datasets.warped_out import UNPAIRED, refuse_namesakes

CLOTH, MASK = "cloth-warp", "cloth-warp-mask"
BLANK = "correct it, or remove it with its garment: the step then bends the garment"
CURE = "save it at its picture's size, or remove it with its mask: the step then bends the garment"


@dataclass(frozen=True)
class WarpedIn:
    """Adds the warped garments of a tree to an import.

    Args:
        root: the `test` or `train` folder of the tree.
        engine: whose warped garments they count as.
    """

    root: Path
    engine: str

    def __post_init__(self) -> None:
        if "warp" not in ENGINES[self.engine].stages:
            warping = [name for name, engine in ENGINES.items() if "warp" in engine.stages]
            raise UsageError(f"--warped: {self.engine} warps no garment beforehand", f"choose one of {', '.join(warping)}")
        if not self.folders():
            raise UsageError(f"--warped: there is no {self.root / CLOTH}", "leave out --warped: the garments are bent here")

    def folders(self) -> list[Path]:
        """The folders of the tree that are read."""
        return [index.folder for index in self._indices.values() if index.folder is not None]

    def transfers(self, plan: ImportPlan, layout: Layout) -> Iterator[Transfer]:
        """Every file of the import.

        Raises:
            UsageError: a person has several garments, and the tree one warped garment per person.
        """
        yield from transfers(plan, layout)
        refuse_namesakes(plan.pairs, "choose --pairs paired, leave one garment per person in the list, or leave out --warped")
        people = {person.id: published for person, published in plan.people}
        garments = {garment.id: published for garment, published in plan.garments}
        for person, garment in plan.pairs:
            yield from self._of_pair(people[person], garments[garment], f"{person}__{garment}", layout, plan.masks.assumed)

    def _of_pair(self, person: Published, garment: Published, pair: str, layout: Layout, assumed: Assumed) -> Iterator[Transfer]:
        stem = Path(person.name).stem
        own = stem == Path(garment.name).stem
        cloth, mask = (self._file(name, stem, own) for name in (CLOTH, MASK))
        if cloth is None or mask is None:
            lacking = "warped garment" if cloth is None else "warped garment's mask"
            assumed.note(f"no {lacking} in the tree: the step bends the garment", person.files[Kind.IMAGE])
            return
        warped = WarpedFiles(cloth, mask, person.files[Kind.IMAGE], assumed)
        yield transfer_to(layout, CLOTH_WARP.of(pair, self.engine), cloth, partial(warped.png, cloth), check=True)
        yield transfer_to(layout, CLOTH_WARP_MASK.of(pair, self.engine), mask, partial(warped.png, mask), check=True)

    def _file(self, name: str, stem: str, own: bool) -> Path | None:
        """The file of a person; a garment that is not their own lies in a folder of its own where the tree has one."""
        unpaired = None if own else self._indices[UNPAIRED + name]
        index = self._indices[name] if unpaired is None or unpaired.folder is None else unpaired
        return index.of(stem)

    @cached_property
    def _indices(self) -> dict[str, FolderIndex]:
        names = (part + name for part in ("", UNPAIRED) for name in (CLOTH, MASK))
        return {name: FolderIndex(folder_named(self.root, [name])) for name in names}


@dataclass(frozen=True)
class WarpedFiles:
    """One warped garment with its mask; both are taken, or neither.

    Args:
        cloth, mask: the files.
        image: the person's picture, whose size both must have.
        assumed: takes what was assumed.
    """

    cloth: Path
    mask: Path
    image: Path
    assumed: Assumed

    def png(self, wanted: Path) -> bytes:
        """One of the two at the picture's size: RGB, or grey with its soft edge.

        Raises:
            InputError: one of both is damaged, has another shape, or the mask shows nothing.
        """
        images.read_mask_file(self.mask)  # refuses a picture that is no mask
        cloth, mask = self._fitted(images.read_rgb(self.cloth), self.cloth), self._fitted(images.read_grey(self.mask), self.mask)
        share = float((mask > 127).mean())
        if not LEAST <= share <= MOST:
            raise InputError(f"{self.mask}: {share:.0%} of it is white, which shows no garment", BLANK)
        return images.png(cloth if wanted == self.cloth else mask)

    def _fitted(self, picture: NDArray[np.uint8], path: Path) -> NDArray[np.uint8]:
        (height, width), (rows, columns) = images.picture_size(self.image), picture.shape[:2]
        if (rows, columns) == (height, width):
            return picture
        if abs(rows / columns - height / width) > SAME_SHAPE * height / width:
            raise InputError(
                f"{path}: {rows}×{columns} (height × width), its person's picture has {height}×{width}, another shape", CURE
            )
        self.assumed.note("resized to its person's picture", path)
        how = cv2.INTER_AREA if rows > height else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)
