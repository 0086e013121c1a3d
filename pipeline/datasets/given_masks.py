"""Masks and parse maps of a published tree, held against what lies under them: converted where they are clear, else refused.

Facts: docs/facts/given_masks.md#polarity.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.images.mask_files import ALPHA
from pipeline.core.labels import Category, Parse
from pipeline.core.mask_polarity import Polarity, agnostic_polarity, cloth_polarity
from pipeline.core.masks import Mask
from pipeline.datasets.conversions import grey_region
from pipeline.datasets.tree import Files, Kind
from preprocess.agnostic.picture import grey_out
from preprocess.person.label_tables import CIHP_FROM_ATR, CIHP_FROM_GP_VTON, converted, has_gp_vton_numbers

SAME_SHAPE = 0.015
"""How far height / width may differ from the picture's."""
LEAST, MOST = 0.002, 0.995
"""A mask with a smaller or larger share of white shows nothing."""
INVERT = "if black means yes in this tree: --invert-masks; otherwise correct it, or remove it: the step then makes it"
SEEN = "black = yes by the picture below it; inverted"
ASKED = "inverted, as --invert-masks asks"
NOT_ASKED = "white = yes by the picture below it, so --invert-masks does not invert it"


@dataclass
class Assumed:
    """What was assumed of the files of an import: text → the files, the first as example."""

    files: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))

    def note(self, text: str, path: Path) -> None:
        """Remember one assumption."""
        if path not in self.files[text]:
            self.files[text].append(path)

    def lines(self) -> Iterator[str]:
        """One line per assumption."""
        for text, paths in self.files.items():
            more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            yield f"{paths[0]}{more}: {text}"


@dataclass(frozen=True)
class GivenMasks:
    """Reads the masks of an import.

    Args:
        assumed: takes what was assumed.
        invert: masks whose meaning cannot be seen have black = yes.
        labels_are_atr: of the tree's parse maps.
    """

    assumed: Assumed
    invert: bool = False
    labels_are_atr: bool = False

    def agnostic(self, files: Files, category: Category) -> tuple[Mask, bool]:
        """The area to repaint, and whether the file shows exactly that.

        Args:
            files: of one person.
            category: of the garment to replace.

        Raises:
            InputError: no mask, of another shape than the picture, or of a meaning that cannot be seen.
        """
        path, image = files[Kind.AGNOSTIC_MASK], files[Kind.IMAGE]
        found = images.read_mask_file(path)
        mask = self._fitted(found.mask, path, images.picture_size(image))
        polarity = agnostic_polarity(mask, category, partial(self._parse, files, mask.shape), partial(_grey, files))
        return self._decided(mask, found, polarity, path)

    def cloth(self, files: Files) -> tuple[Mask, bool]:
        """The garment's area, and whether the file shows exactly that; errors as above."""
        path, cloth = files[Kind.CLOTH_MASK], files[Kind.CLOTH]
        found = images.read_mask_file(path)
        mask = self._fitted(found.mask, path, images.picture_size(cloth))
        return self._decided(mask, found, cloth_polarity(mask, partial(images.read_rgb, cloth)), path)

    def agnostic_file(self, files: Files, category: Category) -> bytes | None:
        """The mask as one of our files; None where the file is one."""
        mask, plain = self.agnostic(files, category)
        return None if plain and files[Kind.AGNOSTIC_MASK].suffix.lower() == ".png" else images.mask_png(mask)

    def agnostic_picture(self, files: Files, category: Category) -> bytes:
        """The grey picture of the mask."""
        mask, _ = self.agnostic(files, category)
        return images.jpeg(grey_out(images.read_rgb(files[Kind.IMAGE]), mask))

    def cloth_file(self, files: Files) -> bytes | None:
        """The cloth mask as one of our files; None where the file is one."""
        mask, plain = self.cloth(files)
        plain = plain and files[Kind.CLOTH_MASK].suffix.lower() == ".jpg"
        return None if plain else images.jpeg(np.where(mask, 255, 0).astype(np.uint8))

    def parse(self, path: Path, image: Path) -> bytes | None:
        """A parse map with CIHP ids as one of ours; None where the file is one; errors as `labels`."""
        labels, plain = self.labels(path, images.picture_size(image))
        return None if plain else images.labels_png(labels)

    def labels(self, path: Path, size: tuple[int, int]) -> tuple[NDArray[np.uint8], bool]:
        """(h, w) uint8 CIHP labels at a size, and whether the file holds exactly them.

        Args:
            path: the parse map.
            size: (height, width) of its picture.

        Raises:
            InputError: a JPEG, colours of no known palette, numbers that are no labels, or another shape than the picture.
        """
        found = images.read_label_map(path)
        if not found.palette and has_gp_vton_numbers(found.labels):
            self.assumed.note("its numbers are those of GP-VTON's parser, converted to CIHP's", path)
            return self._resized(converted(found.labels, CIHP_FROM_GP_VTON, str(path)), path, size), False
        if (most := int(found.labels.max())) > max(Parse):
            raise InputError(f"{path}: label {most}, allowed are CIHP's 0 to {max(Parse):d}", "remove it: the step then makes it")
        labels = self._resized(found.labels, path, size)
        if found.palette:
            self.assumed.note(f"its colours are those of the palette of {found.palette}, read as label numbers", path)
        return labels, labels is found.labels and not found.palette

    def _parse(self, files: Files, size: tuple[int, ...]) -> NDArray[np.uint8] | None:
        """(h, w) CIHP labels of the person, where the tree has them at the mask's size."""
        path = files.get(Kind.PARSE)
        try:
            labels = None if path is None else images.read_labels(path)
            if labels is None or labels.shape != size:
                return None
            table = CIHP_FROM_ATR if self.labels_are_atr else CIHP_FROM_GP_VTON if has_gp_vton_numbers(labels) else None
            return labels if table is None else converted(labels, table, str(path))
        except InputError:
            return None  # reported where the parse map itself is imported

    def _decided(self, mask: Mask, found: images.MaskFile, polarity: Polarity, path: Path) -> tuple[Mask, bool]:
        for text in found.assumed:
            self.assumed.note(text, path)
        inverted = polarity is Polarity.INVERTED or (self.invert and polarity is not Polarity.RIGHT)
        if not inverted and (doubt := _doubt(mask, found, polarity)):
            raise InputError(f"{path}: {doubt}", INVERT)
        if inverted:
            self.assumed.note(SEEN if polarity is Polarity.INVERTED else ASKED, path)
        elif self.invert:
            self.assumed.note(NOT_ASKED, path)
        plain = not inverted and not found.assumed and mask is found.mask
        return (~mask if inverted else mask), plain

    def _fitted(self, mask: Mask, path: Path, size: tuple[int, int]) -> Mask:
        if mask.shape == size:
            return mask
        return self._resized(mask.astype(np.uint8), path, size) > 0

    def _resized(self, labels: NDArray[np.uint8], path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
        """(h, w) of whole numbers at the picture's size, which must have the same shape."""
        (height, width), (rows, columns) = size, labels.shape
        if (rows, columns) == size:
            return labels
        if abs(rows / columns - height / width) > SAME_SHAPE * height / width:
            raise InputError(
                f"{path}: {rows}×{columns} (height × width), its picture has {height}×{width}, another shape",
                "save it at its picture's size, or remove it: the step then makes it",
            )
        self.assumed.note("resized to its picture's size", path)
        resized: NDArray[np.uint8] = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
        return resized


def _grey(files: Files) -> Mask | None:
    return grey_region(images.read_rgb(files[Kind.AGNOSTIC])) if Kind.AGNOSTIC in files else None


def _doubt(mask: Mask, found: images.MaskFile, polarity: Polarity) -> str:
    """Why a mask that is not inverted cannot be taken as it is, or ""."""
    if polarity is Polarity.RIGHT:
        return ""
    if polarity is Polarity.CONTRADICTORY:
        return "neither its white nor its black lies where the picture, the parse map and the grey area have it"
    if not found.certain:
        return f"{ALPHA}, and whether opaque or transparent means yes cannot be seen"
    share = float(mask.mean())
    return "" if LEAST <= share <= MOST else f"{share:.0%} of it is white, which shows nothing"
