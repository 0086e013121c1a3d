"""Masks of hands that somebody else made: the published stand-in, both whole bare arms, and files that a user gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.labels import Parse
from pipeline.core.masks import Mask, labelled

ARMS = (Parse.LEFT_ARM, Parse.RIGHT_ARM)


def arm_mask(parse: NDArray[np.uint8]) -> Mask:
    """The published mask: labels of both bare arms, (h, w) uint8 of `Parse` → (h, w) bool.

    Not a hand: the whole bare arm, nothing under a sleeve or a glove, and not grown.
    """
    return labelled(parse, ARMS)


def read_hand_mask(path: Path, size: tuple[int, int]) -> Mask:
    """A mask that somebody gives; soft edges and the noise of a JPEG are cut at one half.

    Args:
        path: a picture, white = hand.
        size: (height, width) that it must have.

    Raises:
        InputError: not a mask, or of another size.
    """
    return read_given_mask(path, size)[0]


def read_given_mask(path: Path, size: tuple[int, int]) -> tuple[Mask, tuple[str, ...]]:
    """The same, and what had to be assumed to read it, in words.

    Raises:
        InputError: not a mask, of another size, or one that can be meant either way.
    """
    found = images.read_mask_file(path)
    if not found.certain:
        raise InputError(
            f"{path}: whether opaque or transparent means hand cannot be seen", "save it in black and white, white = hand"
        )
    if found.mask.shape != size:
        has = f"{found.mask.shape[0]} × {found.mask.shape[1]}"
        raise InputError(
            f"{path}: the hand mask is {has}, its picture {size[0]} × {size[1]} (height × width)",
            "save it at its picture's size",
        )
    return found.mask, found.assumed
