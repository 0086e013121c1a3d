"""Encoding of pictures: bytes with fixed settings, without time or path, so that the same pixels give the same file."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from pipeline.core.errors import InputError
from pipeline.core.images.icc import srgb_profile
from pipeline.core.images.opening import opened, to_srgb
from pipeline.core.labels import CIHP_PALETTE

PNG_LEVEL = 3
JPEG_QUALITY = 95
RECIPE_KEY = "lookbook"
"""Name of the PNG text chunk that contains the recipe of a picture."""
EXIF_IFD, USER_COMMENT, ASCII_COMMENT = 0x8769, 0x9286, b"ASCII\0\0\0"
"""Where JPEG and WebP contain it: EXIF's user comment, which begins with its character code."""
MOST_SIDE = {"png": 2**31 - 1, "jpeg": 65500, "webp": 16383}
"""The longest side in pixels that each format of a finished picture can have."""
WEBP_EFFORT = 4


def png(array: NDArray[np.uint8], recipe: Mapping[str, Any] | None = None) -> bytes:
    """PNG bytes of (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGBA uint8.

    Args:
        array: the pixels.
        recipe: how the picture was made; stored as JSON in a text chunk.
    """
    return _save(Image.fromarray(np.ascontiguousarray(array)), "PNG", compress_level=PNG_LEVEL, pnginfo=_text_chunk(recipe))


def _text_chunk(recipe: Mapping[str, Any] | None) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    if recipe is not None:
        info.add_itxt(RECIPE_KEY, json.dumps(recipe, sort_keys=True, ensure_ascii=False))
    return info


def finished(
    array: NDArray[np.uint8], form: str = "png", quality: int = JPEG_QUALITY, recipe: Mapping[str, Any] | None = None
) -> bytes:
    """A finished picture: PNG, JPEG (4:4:4) or WebP, with the sRGB profile.

    Args:
        array: (h, w, 3) RGB or, not for JPEG, (h, w, 4) RGBA uint8.
        form: a name of `layout.PICTURE_SUFFIXES`.
        quality: 1..100, of JPEG and WebP.
        recipe: how it was made; None = no metadata except the profile.

    Raises:
        InputError: the picture is larger than the format can be.
    """
    image = Image.fromarray(np.ascontiguousarray(array))
    if max(image.size) > MOST_SIDE[form]:
        raise InputError(
            f"{image.width}×{image.height}: {form.upper()} ends at {MOST_SIDE[form]} px a side", "--set compose.format=png"
        )
    if form == "png":
        return _save(image, "PNG", compress_level=PNG_LEVEL, pnginfo=_text_chunk(recipe), icc_profile=srgb_profile())
    extra = {"icc_profile": srgb_profile(), "exif": b"" if recipe is None else _comment(recipe)}
    if form == "jpeg":
        return _save(image, "JPEG", quality=quality, subsampling=0, **extra)
    return _save(image, "WEBP", quality=quality, method=WEBP_EFFORT, **extra)


def _comment(recipe: Mapping[str, Any]) -> bytes:
    """EXIF that contains only the recipe, as ASCII JSON in the user comment."""
    exif = Image.Exif()
    exif.get_ifd(EXIF_IFD)[USER_COMMENT] = ASCII_COMMENT + json.dumps(recipe, sort_keys=True).encode("ascii")
    return exif.tobytes()


def mask_png(mask: NDArray[np.bool_]) -> bytes:
    """Two-valued PNG: True → 255."""
    return png(mask.astype(np.uint8) * np.uint8(255))


def labels_png(labels: NDArray[np.uint8]) -> bytes:
    """Palette PNG of `Parse` ids with VITON-HD's colours."""
    image = Image.fromarray(np.ascontiguousarray(labels))
    image.putpalette([value for colour in CIHP_PALETTE for value in colour])
    return _save(image, "PNG", compress_level=PNG_LEVEL)


def jpeg(array: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> bytes:
    """JPEG bytes of (h, w) grey or (h, w, 3) RGB uint8, 4:4:4 so that colours keep their edges."""
    return _save(Image.fromarray(np.ascontiguousarray(array)), "JPEG", quality=quality, subsampling=0)


def _save(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """A compressed .npz; numpy stores no time in it."""
    buffer = io.BytesIO()
    named: dict[str, Any] = dict(arrays)
    np.savez_compressed(buffer, **named)
    return buffer.getvalue()


def text(content: str) -> bytes:
    """UTF-8 bytes of a JSON or text artefact, ending with a newline."""
    return (content.rstrip("\n") + "\n").encode("utf-8")


def thumbnail(path: Path, height: int) -> bytes:
    """A small WebP of a picture, transparency kept; `height` in pixels, never enlarged."""
    with opened(path) as image:
        image.draft("RGB", (image.width, 2 * height))
        small = image.convert("RGBA" if image.mode in {"RGBA", "LA", "PA"} else "RGB")
        small.thumbnail((4 * height, height), Image.Resampling.BOX, reducing_gap=2.0)
        return _save(small, "WEBP", quality=80, method=2)


def fitted_jpeg(path: Path, box: tuple[int, int], quality: int) -> tuple[bytes, tuple[int, int]]:
    """A small RGB JPEG of a picture and its (height, width): as large as (height, width) allows, never enlarged, on white.

    Raises:
        InputError: not a picture.
        OSError: damaged further in, or gone.
    """
    with opened(path) as image:
        image.draft("RGB", (2 * box[1], 2 * box[0]))
        colour, _ = to_srgb(image)
    colour.thumbnail((box[1], box[0]), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _save(colour, "JPEG", quality=quality), (colour.height, colour.width)
