"""Back into the photo: the repainted area at the photo's own resolution, everything else untouched bit for bit."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.dressed_matte.difference import distance
from compose.shading.grain import MOST_NOISE, add_noise, noise_level
from pipeline.core.arrays import RGB
from pipeline.core.frame import Frame
from pipeline.core.masks import Mask, box_of, close, dilate, feather, fill_holes, keep_larger
from pipeline.core.rect import Window

Plane = NDArray[np.float32]

SAME_LEVELS = 3
"""Largest difference per channel that still counts as unchanged: engines may hand a picture through float and back."""
SPECK_SHARE = 2e-5
"""Changed specks smaller than this share of the canvas are rounding, not repainting."""
PINHOLE_SHARE = 5e-5
"""Unchanged pinholes smaller than this are new cloth that happens to have the old colour."""
MOST_OFFSET = 5.0
"""Grey levels: a larger difference between photo and result where nothing should change is content, not a colour cast."""
CAST_SAMPLE = 24
LEAST_CAST_PX = 400
ENLARGED = 1.15
"""Photo pixels per drawn pixel from which the repainted area looks softer than the photo."""


@dataclass(frozen=True)
class Paste:
    """The repainted area over a photo.

    Args:
        colour: (h, w, 3) uint8, the result at photo resolution; meaningless where `weight` is 0.
        weight: (h, w) float32 in [0, 1]; 0 = the photo's own pixel.
    """

    colour: RGB
    weight: Plane


def changed_area(canvas: RGB, result: RGB, mask: Mask) -> Mask:
    """Where a result differs from the picture it started from, within the area it may repaint.

    Args:
        canvas: (h, w, 3) uint8 the person before.
        result: (h, w, 3) uint8 the dressed person.
        mask: (h, w) bool, True = may be repainted.
    """
    different = distance(canvas, result) > SAME_LEVELS
    solid = close(keep_larger(different & mask, SPECK_SHARE * mask.size), 1)
    return fill_holes(solid, PINHOLE_SHARE * mask.size) & mask


def remove_cast(canvas: RGB, result: RGB, mask: Mask) -> RGB:
    """Take out a constant colour cast, read where engine and photo show the same thing: an auto-encoder shifts colours a little.

    Args:
        canvas: (h, w, 3) uint8 the person before.
        result: (h, w, 3) uint8 the dressed person.
        mask: (h, w) bool, True = may be repainted.

    Returns:
        (h, w, 3) uint8; the result itself when there is no reliable, small cast.
    """
    alike = mask & (distance(canvas, result) < CAST_SAMPLE)
    if np.count_nonzero(alike) < max(LEAST_CAST_PX, 0.1 * np.count_nonzero(mask)):
        return result
    offset = np.median(canvas[alike].astype(np.int16) - result[alike], axis=0)
    if np.abs(offset).max() < 1 or np.abs(offset).max() > MOST_OFFSET:
        return result
    corrected: RGB = np.clip(result + offset, 0, 255).astype(np.uint8)
    return corrected


def to_photo(canvas: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
    """Canvas-sized → photo-sized uint8; blurred before sampling when the photo is smaller than the canvas, so nothing aliases."""
    shrink = frame.scale
    if shrink > 1.1:
        canvas = cv2.GaussianBlur(canvas, (0, 0), 0.45 * (shrink - 1) + 0.2)
    flag = cv2.INTER_CUBIC if shrink < 1 else cv2.INTER_LINEAR
    size = (frame.photo_width, frame.photo_height)
    moved: NDArray[np.uint8] = cv2.warpAffine(canvas, frame.inverse, size, flags=flag, borderMode=cv2.BORDER_REPLICATE)
    return moved


def _plane_to_photo(plane: Plane, frame: Frame) -> Plane:
    """(canvas) float32 → (photo) float32, 0 outside the canvas."""
    size = (frame.photo_width, frame.photo_height)
    if frame.scale > 1.1:
        plane = cv2.GaussianBlur(plane, (0, 0), 0.3 * frame.scale)
    moved: Plane = cv2.warpAffine(plane, frame.inverse, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return moved


def prepare_paste(photo: RGB, frame: Frame, result: RGB, mask: Mask, changed: Mask, feather_px: float) -> Paste:
    """The result and its weight at photo resolution.

    The weight falls off towards the border of the repaintable area (that border runs through cloth and skin, so a soft seam is
    wanted), and ends sharply where the result stops differing from the photo (that border is an outline).

    Args:
        photo: (h, w, 3) uint8.
        frame: photo ↔ canvas.
        result: canvas-sized (h, w, 3) uint8.
        mask: canvas-sized bool, True = may be repainted.
        changed: canvas-sized bool from `changed_area`.
        feather_px: width of the soft seam, canvas pixels.
    """
    allowed = feather(_framed(mask, frame), feather_px)
    weight = _plane_to_photo((allowed * changed).astype(np.float32), frame)
    weight[weight < 1 / 255] = 0
    return Paste(to_photo(result, frame), np.clip(weight, 0, 1))


def _framed(mask: Mask, frame: Frame) -> Mask:
    """Beyond the canvas the photo goes on unchanged, so its edge is a seam too, unless the photo ends there."""
    top, left = frame.top > 0, frame.left > 0
    bottom = frame.top + frame.height < frame.photo_height
    right = frame.left + frame.width < frame.photo_width
    framed = mask.copy()
    framed[0] &= not top
    framed[-1] &= not bottom
    framed[:, 0] &= not left
    framed[:, -1] &= not right
    return framed


def match_detail(photo: RGB, paste: Paste, enlargement: float, person: Mask, strength: float, seed: int) -> RGB:
    """Give an enlarged result the photo's sharpness and grain.

    Args:
        photo: (h, w, 3) uint8.
        paste: the result at photo resolution.
        enlargement: photo pixels per pixel that the engine drew; below `ENLARGED` nothing is done.
        person: (h, w) bool, where the photo shows the person.
        strength: 0 = nothing, 1 = full.
        seed: of the grain.
    """
    window = _window_of(paste.weight)
    if strength <= 0 or enlargement < ENLARGED or window is None:
        return paste.colour
    colour = paste.colour[window].astype(np.float32)
    blurred = cv2.GaussianBlur(colour, (0, 0), 0.6 * enlargement)
    sharp = np.clip(colour + 0.5 * strength * (colour - blurred), 0, 255)
    kept = person[window] & (paste.weight[window] == 0)
    wanted = min(_noise(photo[window].astype(np.float32), kept), MOST_NOISE)
    present = _noise(sharp, paste.weight[window] > 0.9)
    missing = strength * float(np.sqrt(max(wanted**2 - present**2, 0)))
    grained = add_noise(sharp, missing, seed) if missing > 0.3 else sharp
    matched = paste.colour.copy()
    matched[window] = np.clip(grained + 0.5, 0, 255).astype(np.uint8)
    return matched


def _noise(colour: Plane, inside: Mask) -> float:
    """Noise of the marked pixels, in the middle third of a large picture: a median needs no more."""
    stripes = slice(None) if inside.size < 2e6 else slice(inside.shape[0] // 3, 2 * inside.shape[0] // 3)
    return noise_level(cv2.cvtColor(np.ascontiguousarray(colour[stripes]), cv2.COLOR_RGB2GRAY), inside[stripes])


def _window_of(weight: Plane) -> Window | None:
    """The pasted part with some of the photo around it."""
    box = box_of(weight > 0)
    return None if box is None else box.window(weight.shape, box.longer_side // 6)


def blend(photo: RGB, colour: RGB, weight: Plane) -> RGB:
    """Mix by weight; where it is 0 the photo's pixel comes out bit-identical.

    Args:
        photo: (h, w, 3) uint8.
        colour: (h, w, 3) uint8.
        weight: (h, w) float32 in [0, 1].
    """
    blended = photo.copy()
    window = _window_of(weight)
    if window is None:
        return blended
    share = weight[window][..., None]
    below = photo[window].astype(np.float32)
    mixed = below + (colour[window] - below) * share
    blended[window] = np.where(share > 0, (mixed + 0.5).astype(np.uint8), photo[window])
    return blended


def changed_in_photo(changed: Mask, frame: Frame, grow_px: float = 1.0) -> Mask:
    """The changed area at photo resolution, grown by `grow_px` photo pixels."""
    return dilate(_plane_to_photo(changed.astype(np.float32), frame) > 0.25, grow_px)
