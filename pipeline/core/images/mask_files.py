"""A mask file of any usual kind → (h, w) bool: 0/1 values, soft edges, a mask in the alpha channel.

Facts: docs/facts/given_masks.md#values.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.core.errors import InputError
from pipeline.core.images.opening import opened, to_eight_bits

MASK_BLACK, MASK_WHITE = 24, 231
"""Grey levels: JPEG noise on 0 stays at or below the first, on 255 at or above the second."""
MASK_OUTLINE_PX = 5
"""A grey square of this side is an area, not an outline."""
MASK_OUTLINE_SHARE = 0.1
"""The largest share of a picture that outlines cover."""
JPEG_ONE = 3
"""What a JPEG makes of values 0 and 1, at most."""
SPECK = 0.002
"""A smaller share of a second grey level is noise."""
FEATHER_SHARE = 0.25
"""The largest share of a picture that soft edges cover."""
FEATHER_REACH = 0.05
"""How far soft edges reach to either side, as a share of the picture's longer side."""
REMEDY = "save it in black and white, white = yes; or delete it and let its step make it again"

FEATHER_RISE = 3
"""Grey levels that a soft edge rises within `MASK_OUTLINE_PX`; an even area does not."""
FEATHER_LEAK = 0.02
"""The share of soft edges that may look otherwise."""

ZERO_ONE = "its values are 0 and 1"
FEATHERED = "its soft edges are cut at half"
ALPHA = "the mask is in its alpha channel"


@dataclass(frozen=True)
class MaskFile:
    """A mask and what had to be assumed to read it.

    Args:
        mask: (h, w) bool.
        assumed: in words; () = a plain mask.
        certain: whether True surely means white; False for a mask of an alpha channel under dark or changing colours, where
            either side can be meant.
    """

    mask: NDArray[np.bool_]
    assumed: tuple[str, ...] = ()
    certain: bool = True


def read_mask(path: Path) -> NDArray[np.bool_]:
    """(h, w) bool of a mask file, True = 255; JPEG noise and soft outlines are rounded to black or white.

    Raises:
        InputError: the picture is not a mask: whole areas of it are grey, or an alpha channel can be meant either way.
    """
    found = read_mask_file(path)
    if not found.certain:
        raise InputError(f"{path}: {ALPHA}, and whether opaque or transparent means yes cannot be seen", REMEDY)
    return found.mask


def read_mask_file(path: Path) -> MaskFile:
    """A mask file of any usual kind, with what was assumed.

    Raises:
        InputError: the picture is not a mask.
    """
    with opened(path) as image:
        alpha = _alpha(image)
        grey = np.asarray((to_eight_bits(image) if image.mode.startswith(("I", "F")) else image).convert("L"))
    if alpha is None:
        return _of_grey(grey, path)
    return _of_alpha(grey, alpha, path)


def _alpha(image: Image.Image) -> NDArray[np.uint8] | None:
    """(h, w) uint8, or None where nothing is transparent."""
    if image.mode not in {"RGBA", "LA", "PA"} and "transparency" not in image.info:
        return None
    alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    return None if alpha.min() == 255 else alpha


def _of_grey(grey: NDArray[np.uint8], path: Path) -> MaskFile:
    high = int(grey.max())
    if 0 < high <= JPEG_ONE and grey.min() == 0:
        ones = grey > high / 2
        if ones.mean() > SPECK:
            return MaskFile(ones, (ZERO_ONE,))
    share = grey_share(grey)
    if share and not is_feathered(grey):
        raise InputError(
            f"{path}: not a mask: {share:.1%} of it is neither black (up to {MASK_BLACK}) nor white (from {MASK_WHITE})", REMEDY
        )
    return MaskFile(grey >= 128, (FEATHERED,) if share else ())


def _of_alpha(grey: NDArray[np.uint8], alpha: NDArray[np.uint8], path: Path) -> MaskFile:
    """The mask of a picture with transparency: the colours' where they are a mask, otherwise the alpha channel's.

    White on transparent means white. Under black, or under a photo, opaque can mean yes (a silhouette) or no (a hole to fill).
    """
    opaque = grey[alpha > 127]
    if opaque.size == 0:
        return MaskFile(np.zeros(grey.shape, bool), (ALPHA,))
    shape = _of_grey(alpha, path)
    if opaque.min() >= MASK_WHITE:
        return MaskFile(shape.mask, (ALPHA, *shape.assumed))
    if opaque.max() <= MASK_BLACK or grey_share(grey):
        return MaskFile(shape.mask, (ALPHA, *shape.assumed), certain=False)
    colours = np.where(alpha > 127, grey, 0).astype(np.uint8)
    return _of_grey(colours, path)


def grey_share(grey: NDArray[np.uint8]) -> float:
    """The share of a (h, w) uint8 picture that is grey; 0 when only outlines are grey, so that it is a mask.

    Grey is allowed where a resized or JPEG-compressed mask has it: in outlines, not in areas.
    """
    between = (grey > MASK_BLACK) & (grey < MASK_WHITE)
    share = float(between.mean())
    if share > MASK_OUTLINE_SHARE:
        return share
    if min(between.shape) < MASK_OUTLINE_PX or not share:
        return share
    rows = np.lib.stride_tricks.sliding_window_view(between, MASK_OUTLINE_PX, axis=0).all(axis=-1)
    areas = np.lib.stride_tricks.sliding_window_view(rows, MASK_OUTLINE_PX, axis=1).all(axis=-1)
    return share if areas.any() else 0.0


def is_feathered(grey: NDArray[np.uint8]) -> bool:
    """Whether the grey of a (h, w) uint8 picture is the soft edge of a mask: narrow, and between black and white everywhere."""
    black, white = grey <= MASK_BLACK, grey >= MASK_WHITE
    between = ~(black | white)
    if between.mean() > FEATHER_SHARE or not black.any() or not white.any():
        return False
    import cv2  # hardly any mask needs it

    reach = FEATHER_REACH * max(grey.shape)
    away = [cv2.distanceTransform((~side).astype(np.uint8), cv2.DIST_L2, 5)[between] for side in (black, white)]
    far = np.maximum(away[0], away[1]) > 2 * reach
    near = np.ones((MASK_OUTLINE_PX, MASK_OUTLINE_PX), np.uint8)
    flat = cv2.dilate(grey, near) - cv2.erode(grey, near) < FEATHER_RISE
    return float(far.mean()) < FEATHER_LEAK and float(flat[between].mean()) < FEATHER_LEAK
