"""A garment's category from a small picture and a rough outline; a wearer is searched for unless the outline is that of a top."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.images import Photo
from pipeline.core.labels import Category
from preprocess.cloth.category import Guess, guess_category
from preprocess.cloth.embedded import cut_garment
from preprocess.cloth.picture_frame import inner_picture
from preprocess.cloth.worn_garment import WornGarment

LOOK_SIDE = 384
"""Longer side in pixels at which the outline is measured."""
WEARER_SIDE = 640
LEAST_TRANSPARENT = 0.05
"""A picture with a smaller share of transparent pixels has no outline of its own."""


def quick_category(photo: Photo) -> Guess:
    """The likeliest category of the garment in a picture.

    A worn garment has the wearer's outline, not its own; it counts as upper, with confidence 0.
    """
    guess = guess_category(_outline(photo))
    if guess.category is not Category.UPPER and _is_worn(photo.rgb):
        return Guess(Category.UPPER, 0.0)
    return guess


def _outline(photo: Photo) -> NDArray[np.bool_]:
    if photo.alpha is not None and (photo.alpha < 32).mean() > LEAST_TRANSPARENT:
        return _reduced(photo.alpha, LOOK_SIDE) > 127
    inner = inner_picture(photo.rgb)
    rgb = photo.rgb if inner is None else photo.rgb[inner.window(photo.rgb.shape)]
    return cut_garment(_reduced(rgb, LOOK_SIDE)) > 127


def _is_worn(rgb: NDArray[np.uint8]) -> bool:
    worn = WornGarment()
    worn.load("cpu")
    found = worn.wearer(_reduced(rgb, WEARER_SIDE))
    return found is not None and found.signs.is_wearer


def _reduced(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    small: NDArray[np.uint8] = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return small
