"""A sheet of training pairs as the network sees them: each once as read, then as several epochs change it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.core.arrays import RGB
from tryon.training.data.augment import AugmentConfig, apply, decide
from tryon.training.data.items import Item

CAPTION = 20  # pixels
COLUMNS = ("person", "agnostic", "keep mask", "densepose", "garment", "worn garment")


def augmentation_sheet(items: Sequence[Item], config: AugmentConfig, seed: int, epochs: int = 3, height: int = 256) -> RGB:
    """One row as read and one per epoch for each pair.

    Args:
        items: as read.
        config: of the augmentation.
        seed: of the run.
        epochs: how many changed rows.
        height: of a picture, pixels.

    Returns:
        (h, w, 3) uint8 RGB.
    """
    rows = [_captions(items[0], height)]
    for item in items:
        rows.append(_row(item, height))
        rows += [_row(apply(item, decide(config, seed, epoch, item.id), config), height) for epoch in range(epochs)]
    return np.concatenate(rows, axis=0)


def contact_sheet(columns: Sequence[str], rows: Sequence[Sequence[RGB]], height: int = 256) -> RGB:
    """Pictures in rows below captions: (h, w, 3) uint8 RGB; all pictures of one shape."""
    width = _width(rows[0][0], height)
    captions = np.concatenate([_caption(name, width) for name in columns], axis=1)
    drawn = [np.concatenate([_small(picture, height) for picture in row], axis=1) for row in rows]
    return np.concatenate([captions, *drawn], axis=0)


def _row(item: Item, height: int) -> RGB:
    agnostic = np.clip(item.agnostic, 0, 255).astype(np.uint8)
    worn = item.image.copy()
    worn[item.worn < 128] //= 4
    keep = np.repeat(item.keep[..., None], 3, axis=2)
    pictures = (item.image, agnostic, keep, item.densepose, item.cloth, worn)
    return np.concatenate([_small(picture, height) for picture in pictures], axis=1)


def _captions(item: Item, height: int) -> RGB:
    width = _width(item.image, height)
    columns = [item.fourth if name == Item.fourth else name for name in COLUMNS]
    return np.concatenate([_caption(name, width) for name in columns], axis=1)


def _caption(text: str, width: int) -> RGB:
    bar = np.full((CAPTION, width, 3), 255, np.uint8)
    cv2.putText(bar, text, (3, CAPTION - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return bar


def _width(picture: RGB, height: int) -> int:
    width: int = round(picture.shape[1] * height / picture.shape[0])
    return max(1, width)


def _small(picture: RGB, height: int) -> RGB:
    size = (_width(picture, height), height)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
