"""A parse map's file → label numbers: the indices of a palette or grey PNG, or the colours of a known palette.

Facts: docs/facts/label_lists.md#palettes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import InputError
from pipeline.core.images.opening import opened
from pipeline.core.labels import CIHP_PALETTE

Colours = NDArray[np.int64]
"""(n,) RGB colours packed as red · 65536 + green · 256 + blue."""

REMEDY = "save it as a palette or grey PNG whose pixel values are label numbers; or delete it and let its step make it again"


def voc_colour(number: int) -> tuple[int, int, int]:
    """A colour of the PASCAL VOC palette: the bits of a number, spread over red, green and blue from the highest bit down."""
    channels = [0, 0, 0]
    for bit in range(8):
        for channel in range(3):
            channels[channel] |= ((number >> (3 * bit + channel)) & 1) << (7 - bit)
    return channels[0], channels[1], channels[2]


VOC_PALETTE = tuple(voc_colour(number) for number in range(20))
PALETTES = {"CIHP": CIHP_PALETTE, "PASCAL VOC": VOC_PALETTE}


@dataclass(frozen=True)
class LabelMap:
    """Label numbers and how they were read.

    Args:
        labels: (h, w) uint8.
        palette: whose colours were read; "" = the file's own numbers.
        grey: a grey picture: its levels are the numbers, and no colours show whose they are.
    """

    labels: NDArray[np.uint8]
    palette: str = ""
    grey: bool = False


def read_labels(path: Path) -> NDArray[np.uint8]:
    """(h, w) uint8 of a palette or grey PNG: the indices; of a colour picture in a known palette: what the colours mean.

    Raises:
        InputError: a colour picture whose label numbers are lost, or a JPEG, which changes numbers.
    """
    return read_label_map(path).labels


def read_label_map(path: Path) -> LabelMap:
    """As `read_labels`, with the palette whose colours were read."""
    with opened(path) as image:
        if image.format == "JPEG":
            raise InputError(f"{path}: a label map saved as JPEG, which changes label numbers; expected is a PNG", REMEDY)
        if image.mode == "L":
            return LabelMap(np.asarray(image), grey=True)
        if image.mode == "P":
            indices = np.asarray(image)
            palette = np.asarray(image.getpalette("RGB"), np.int64).reshape(-1, 3)
            return _with_palette(indices, _packed(palette))
        packed = _packed(np.asarray(image.convert("RGB"), np.int64))
    colours = np.unique(packed)
    names = _meant(colours)
    if not names:
        raise InputError(
            f"{path}: mode {image.mode} with {len(colours)} colours, which are those of no known palette"
            f" ({', '.join(PALETTES)}); expected are label numbers",
            REMEDY,
        )
    if len({_decoded(packed, name).tobytes() for name in names}) > 1:
        raise InputError(f"{path}: its colours are those of {' and of '.join(names)}, which mean different labels", REMEDY)
    return LabelMap(_decoded(packed, names[0]), names[0])


def _with_palette(indices: NDArray[np.uint8], palette: Colours) -> LabelMap:
    """The indices, unless an image editor has put the colours of CIHP's palette into another order."""
    used = np.unique(indices)
    if used.max() >= len(palette):
        return LabelMap(indices)
    colours = palette[used]
    orders = [*(_packed(np.asarray(each)) for each in PALETTES.values()), np.arange(256) * 0x010101]
    in_order = any(used.max() < len(each) and np.array_equal(colours, each[used]) for each in orders)
    if in_order or len(used) < 2 or "CIHP" not in _meant(colours):
        return LabelMap(indices)
    return LabelMap(_decoded(palette[indices], "CIHP"), "CIHP")


def _packed(colours: NDArray[np.int64]) -> Colours:
    packed: Colours = colours.astype(np.int64) @ np.array([65536, 256, 1])
    return packed


def _meant(colours: Colours) -> list[str]:
    """The palettes that have all of these colours."""
    return [name for name, palette in PALETTES.items() if np.isin(colours, _packed(np.asarray(palette))).all()]


def _decoded(packed: Colours, palette: str) -> NDArray[np.uint8]:
    """(h, w) packed colours → (h, w) uint8 places in a palette that has them all."""
    known = _packed(np.asarray(PALETTES[palette]))
    order = np.argsort(known)
    labels: NDArray[np.uint8] = order[np.searchsorted(known[order], packed)].astype(np.uint8)
    return labels
