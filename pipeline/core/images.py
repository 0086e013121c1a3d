"""Pixels in and out: the only file that opens or encodes a picture.

In: EXIF upright, ICC → sRGB, any mode → RGB8, a list of allowed formats, size limits checked before the pixels are decoded.
Out: bytes with fixed settings and without clock or path, so the same pixels give the same file.
"""

from __future__ import annotations

import io
import json
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, PngImagePlugin, UnidentifiedImageError

from pipeline.core.errors import InputError
from pipeline.core.icc import srgb_profile
from pipeline.core.labels import CIHP_PALETTE

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif", ".mpo"}
)
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
MAX_MEGAPIXELS = 178.0
"""Beyond this a file counts as a decompression bomb and is not decoded."""
MIN_SIDE = 64
PNG_LEVEL = 3
JPEG_QUALITY = 95
MASK_BLACK, MASK_WHITE = 24, 231
"""Grey levels: what JPEG's ringing makes of 0 and 255 stays outside them."""
MASK_OUTLINE_PX = 5
"""A square of so many pixels that is grey throughout is an area, not an outline."""
MASK_OUTLINE_SHARE = 0.1
"""No outline covers more of a picture."""
RECIPE_KEY = "lookbook"
"""Name of the PNG text chunk that carries the recipe of a picture."""
EXIF_IFD, USER_COMMENT, ASCII_COMMENT = 0x8769, 0x9286, b"ASCII\0\0\0"
"""Where JPEG and WebP carry it: EXIF's user comment, which begins with its character code."""
MOST_SIDE = {"png": 2**31 - 1, "jpeg": 65500, "webp": 16383}
"""Pixels a side that each format of a finished picture can hold."""
WEBP_EFFORT = 4

RGB = NDArray[np.uint8]


@dataclass(frozen=True)
class Photo:
    """A decoded picture.

    Args:
        rgb: (h, w, 3) uint8 sRGB, upright; transparent pixels are flattened on white.
        alpha: (h, w) uint8, 255 = opaque; None when the file has no transparency.
        scaled_from: (height, width) before it was scaled down for work, or None.
    """

    rgb: RGB
    alpha: NDArray[np.uint8] | None = None
    scaled_from: tuple[int, int] | None = None


def read_photo(path: Path, max_megapixels: float = MAX_MEGAPIXELS, min_side: int = MIN_SIDE) -> Photo:
    """Decode any picture a user may bring.

    Raises:
        InputError: not a picture, truncated, too large, too small, unreadable, or a format whose plug-in is missing.
    """
    with _open(path) as image:
        _check_size(image, path, min_side)
        try:
            upright = ImageOps.exif_transpose(image)
            colour, alpha = _to_srgb(upright)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
            raise InputError(
                f"{path}: damaged or incomplete picture ({problem})", "replace the file, or leave it out with --skip"
            ) from None
    before = (colour.height, colour.width)
    if colour.width * colour.height > max_megapixels * 1e6:
        colour, alpha = _scale_down(colour, alpha, max_megapixels)
    after = (colour.height, colour.width)
    return Photo(np.asarray(colour), None if alpha is None else np.asarray(alpha), before if after != before else None)


def _open(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(path, formats=[*FORMATS, "HEIF"] if _needs_heif(path) else FORMATS)
    except UnidentifiedImageError:
        raise _unreadable(path) from None
    except Image.DecompressionBombError as problem:
        pixels = re.search(r"\d+", str(problem))  # Pillow looks at the size before we can, and gives the picture up
        size = f"{int(pixels[0]) / 1e6:.0f} megapixels, " if pixels else ""
        raise InputError(
            f"{path}: {size}more than the {MAX_MEGAPIXELS:.0f} megapixels allowed", "scale the picture down before using it"
        ) from None
    except (OSError, SyntaxError, ValueError, KeyError) as problem:
        raise InputError(f"{path}: cannot be opened ({problem})", "check the file and its permissions") from None


def _needs_heif(path: Path) -> bool:
    """Whether the file may be HEIC; if so its plug-in, which takes a moment to load, is brought up."""
    if _head(path)[4:12] not in {b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypheim", b"ftypmif1", b"ftypmsf1"}:
        return False
    try:
        import pillow_heif
    except ImportError:
        raise InputError(f"{path}: HEIC needs the plug-in pillow-heif", "pip install pillow-heif") from None
    pillow_heif.register_heif_opener()
    return True


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _unreadable(path: Path) -> InputError:
    if path.stat().st_size == 0:
        return InputError(f"{path}: the file is empty (0 bytes)", "copy it again")
    return InputError(f"{path}: not a picture, or damaged at its start", f"allowed: {', '.join(sorted(SUFFIXES))}")


def _check_size(image: Image.Image, path: Path, min_side: int) -> None:
    width, height = image.size
    if width * height > MAX_MEGAPIXELS * 1e6:
        raise InputError(
            f"{path}: {width}×{height} is more than {MAX_MEGAPIXELS:.0f} megapixels", "scale the picture down before using it"
        )
    if min(width, height) < min_side:
        raise InputError(f"{path}: {width}×{height} is too small, each side needs at least {min_side} px", "use a larger picture")


def _to_srgb(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    profile = image.info.get("icc_profile")
    if image.mode in {"I;16", "I;16B", "I;16L", "I", "F"}:
        image = _to_eight_bits(image)
    if image.mode == "P" or "transparency" in image.info:
        image = image.convert("RGBA")
    alpha = image.getchannel("A") if image.mode in {"RGBA", "LA", "PA"} else None
    if alpha is not None and alpha.getextrema() == (255, 255):
        alpha = None
    colour = _apply_profile(image.convert("RGB") if image.mode in {"RGBA", "LA", "PA"} else image, profile)
    if alpha is not None:
        colour = Image.composite(colour, Image.new("RGB", colour.size, (255, 255, 255)), alpha)
    return colour, alpha


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """16-bit and float greys are scaled by their own type's range; Pillow alone would clip them to white."""
    values = np.asarray(image).astype(np.float64)
    top = 65535.0 if image.mode.startswith("I;16") or values.max(initial=0) > 255 else 255.0
    return Image.fromarray(np.clip(values * (255.0 / top), 0, 255).round().astype(np.uint8))


def _apply_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and profile != srgb_profile():  # our own pictures come back as they were written, without a rounding
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken or mismatching profile says nothing about the pixels; they are taken as sRGB like everywhere else
    return image.convert("RGB")


def _scale_down(colour: Image.Image, alpha: Image.Image | None, megapixels: float) -> tuple[Image.Image, Image.Image | None]:
    factor = (megapixels * 1e6 / (colour.width * colour.height)) ** 0.5
    size = (max(1, int(colour.width * factor)), max(1, int(colour.height * factor)))
    return colour.resize(size, Image.Resampling.LANCZOS), None if alpha is None else alpha.resize(size, Image.Resampling.LANCZOS)


def picture_size(path: Path) -> tuple[int, int]:
    """(height, width) as stored, read from the file's head without decoding a pixel.

    Raises:
        InputError: not a picture of an allowed format.
    """
    with _open(path) as image:
        return image.height, image.width


def read_rgb(path: Path) -> RGB:
    """(h, w, 3) uint8 of an artefact."""
    return read_photo(path, min_side=1).rgb


def read_small(path: Path, least_height: int) -> RGB:
    """(h, w, 3) uint8 of an artefact whose colours are wanted, not its detail: a JPEG is decoded at the smallest of its fractions
    (1/2, 1/4, 1/8) that is at least `least_height` pixels high, which takes a fraction of the time; others in full."""
    with _open(path) as image:
        image.draft("RGB", (1, least_height))
        return np.asarray(image.convert("RGB"))


def read_grey(path: Path) -> NDArray[np.uint8]:
    """(h, w) uint8 of a matte or another single-channel artefact."""
    with _open(path) as image:
        return np.asarray(image.convert("L"))


def read_mask(path: Path) -> NDArray[np.bool_]:
    """(h, w) bool of a mask file, True = 255; JPEG's ringing and thin soft outlines fall to the nearer side.

    Raises:
        InputError: the picture is no mask: whole areas of it are grey.
    """
    grey = read_grey(path)
    share = grey_share(grey)
    if share:
        raise InputError(
            f"{path}: not a mask: {share:.1%} of it is neither black (up to {MASK_BLACK}) nor white (from {MASK_WHITE})",
            "save it in black and white, white = yes; or delete it and let its step make it again",
        )
    mask: NDArray[np.bool_] = grey >= 128
    return mask


def grey_share(grey: NDArray[np.uint8]) -> float:
    """How much of a (h, w) uint8 picture keeps it from being a mask; 0 when at most its outlines are grey.

    Grey is allowed where a resized or JPEG-compressed mask has it: in lines, not in areas.
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


def read_labels(path: Path) -> NDArray[np.uint8]:
    """(h, w) uint8 of a palette or grey PNG: the indices, never the colours.

    Raises:
        InputError: a colour picture, whose label numbers are lost.
    """
    with _open(path) as image:
        if image.mode not in {"P", "L"}:
            raise InputError(f"{path}: mode {image.mode}, expected a palette or grey PNG whose pixel values are label numbers")
        return np.asarray(image)


def read_rgba(path: Path) -> NDArray[np.uint8]:
    """(h, w, 4) uint8 straight alpha; colours below full transparency are kept as stored."""
    with _open(path) as image:
        return np.asarray(image.convert("RGBA"))


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The named arrays of an `.npz` artefact.

    Raises:
        InputError: damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as problem:
        raise InputError(f"{path}: damaged ({problem})", "delete it and let its step make it again") from None


def read_recipe(path: Path) -> dict[str, Any] | None:
    """The recipe that `finished` or `png` put into a picture, or None."""
    with _open(path) as image:
        text = image.info.get(RECIPE_KEY)
        comment = None if isinstance(text, str) else image.getexif().get_ifd(EXIF_IFD).get(USER_COMMENT)
    if isinstance(comment, bytes) and comment.startswith(ASCII_COMMENT):
        text = comment[len(ASCII_COMMENT) :].decode("ascii", "replace")
    try:
        recipe = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None  # somebody else's comment
    return recipe if isinstance(recipe, dict) else None


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
    """A picture to hand on: PNG, JPEG (4:4:4) or WebP, with the sRGB profile.

    Args:
        array: (h, w, 3) RGB or, not for JPEG, (h, w, 4) RGBA uint8.
        form: a name of `layout.PICTURE_SUFFIXES`.
        quality: 1..100, of JPEG and WebP.
        recipe: how it was made; None = no metadata besides the profile.

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
    """EXIF with nothing but the recipe, as ASCII JSON in the user comment."""
    exif = Image.Exif()
    exif.get_ifd(EXIF_IFD)[USER_COMMENT] = ASCII_COMMENT + json.dumps(recipe, sort_keys=True).encode("ascii")
    return exif.tobytes()


def mask_png(mask: NDArray[np.bool_]) -> bytes:
    """Two-valued PNG: True → 255."""
    return png(np.where(mask, 255, 0).astype(np.uint8))


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
    """A compressed .npz; numpy stores no clock in it."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def text(content: str) -> bytes:
    """UTF-8 bytes of a JSON or text artefact, ending with a newline."""
    return (content.rstrip("\n") + "\n").encode("utf-8")


def thumbnail(path: Path, height: int) -> bytes:
    """A small WebP of a picture, transparency kept; `height` in pixels, never enlarged."""
    with _open(path) as image:
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
    with _open(path) as image:
        image.draft("RGB", (2 * box[1], 2 * box[0]))
        colour, _ = _to_srgb(image)
    colour.thumbnail((box[1], box[0]), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _save(colour, "JPEG", quality=quality), (colour.height, colour.width)
