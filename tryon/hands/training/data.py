"""One crop of a hand as the training room hands it about, with its caption."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.core import images
from pipeline.core.errors import InputError
from tryon.hands.hand_masks import read_hand_mask
from tryon.training.data.items import Item, Size, resized
from tryon.training.data.tree import Kind, TrainingPair

NO_CAPTION = "hands"
"""Where no caption lies beside a picture: what kohya's tools take from the folder's name."""


@dataclass(frozen=True, kw_only=True)
class HandItem(Item):
    """An item of which only picture and mask are meant; the rest is empty.

    Args:
        caption: what the picture shows.
    """

    caption: str


def read_hand(pair: TrainingPair, size: Size) -> HandItem:
    """Read a picture, its mask where it has one, and its caption.

    Args:
        pair: with a picture.
        size: (height, width) to work at.

    Raises:
        InputError: a file cannot be read, or the mask is of another size than the picture.
    """
    path = pair.files[Kind.IMAGE]
    caption = path.parent.parent / "caption" / f"{path.stem}.txt"
    try:
        image = images.read_rgb(path)
        own = (image.shape[0], image.shape[1])
        has_mask = Kind.MASK in pair.files
        mask = read_hand_mask(pair.files[Kind.MASK], own) if has_mask else np.zeros(own, bool)
        words = caption.read_text("utf-8").strip() if caption.is_file() else NO_CAPTION
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"{pair.id}: a file cannot be read ({problem})", "python run.py hands dataset DIR --data ROOT") from None
    picture, nothing = resized(image, size), np.zeros(size, np.uint8)
    return HandItem(
        id=pair.id,
        image=picture,
        agnostic=picture,
        densepose=np.zeros((*size, 3), np.uint8),
        cloth=picture,
        mask=resized(mask.astype(np.uint8) * 255, size),
        cloth_mask=nothing,
        worn=nothing,
        caption=words,
    )
