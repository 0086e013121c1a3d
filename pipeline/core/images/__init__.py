"""Reading and encoding of pictures; no other package opens or encodes one.

Reading: EXIF upright, ICC → sRGB, any mode → RGB8, a list of allowed formats, size limits checked before the pixels are decoded.
Writing: bytes with fixed settings, without time or path, so that the same pixels always give the same file.
"""

from pipeline.core.images.label_maps import LabelMap, read_label_map, read_labels
from pipeline.core.images.mask_files import (
    MASK_BLACK,
    MASK_WHITE,
    MaskFile,
    grey_share,
    read_mask,
    read_mask_file,
)
from pipeline.core.images.opening import FORMATS, MAX_MEGAPIXELS, SUFFIXES
from pipeline.core.images.reading import (
    MIN_SIDE,
    Photo,
    check_photo,
    photo_notices,
    picture_size,
    read_arrays,
    read_grey,
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
    "LabelMap",
    "MaskFile",
    "Photo",
    "check_photo",
    "finished",
    "fitted_jpeg",
    "grey_share",
    "jpeg",
    "labels_png",
    "mask_png",
    "npz",
    "photo_notices",
    "picture_size",
    "png",
    "read_arrays",
    "read_grey",
    "read_label_map",
    "read_labels",
    "read_mask",
    "read_mask_file",
    "read_photo",
    "read_recipe",
    "read_rgb",
    "read_rgba",
    "read_small",
    "text",
    "thumbnail",
]
