"""Pixels in and out: the only place that opens or encodes a picture.

In: EXIF upright, ICC → sRGB, any mode → RGB8, a list of allowed formats, size limits checked before the pixels are decoded.
Out: bytes with fixed settings and without clock or path, so the same pixels give the same file.
"""

from pipeline.core.images.opening import FORMATS, MAX_MEGAPIXELS, SUFFIXES
from pipeline.core.images.reading import (
    MASK_BLACK,
    MASK_WHITE,
    MIN_SIDE,
    Photo,
    grey_share,
    picture_size,
    read_arrays,
    read_grey,
    read_labels,
    read_mask,
    read_photo,
    read_recipe,
    read_rgb,
    read_rgba,
    read_small,
)
from pipeline.core.images.writing import (
    JPEG_QUALITY,
    MOST_SIDE,
    PNG_LEVEL,
    RECIPE_KEY,
    finished,
    fitted_jpeg,
    jpeg,
    labels_png,
    mask_png,
    npz,
    png,
    text,
    thumbnail,
)

__all__ = [
    "FORMATS",
    "JPEG_QUALITY",
    "MASK_BLACK",
    "MASK_WHITE",
    "MAX_MEGAPIXELS",
    "MIN_SIDE",
    "MOST_SIDE",
    "PNG_LEVEL",
    "RECIPE_KEY",
    "SUFFIXES",
    "Photo",
    "finished",
    "fitted_jpeg",
    "grey_share",
    "jpeg",
    "labels_png",
    "mask_png",
    "npz",
    "picture_size",
    "png",
    "read_arrays",
    "read_grey",
    "read_labels",
    "read_mask",
    "read_photo",
    "read_recipe",
    "read_rgb",
    "read_rgba",
    "read_small",
    "text",
    "thumbnail",
]
