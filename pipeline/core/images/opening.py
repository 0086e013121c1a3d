"""Opening of picture files: allowed formats, size limits before pixels are decoded, conversion to 8-bit sRGB."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from pipeline.core.errors import InputError
from pipeline.core.images.icc import srgb_profile

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif", ".mpo"}
)
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
MAX_MEGAPIXELS = 178.0
"""A larger file counts as a decompression bomb and is not decoded."""


def opened(path: Path) -> Image.Image:
    """The file as a picture whose pixels are not decoded yet; close it after use.

    Raises:
        InputError: not a picture of an allowed format, too large, or unreadable.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(path, formats=[*FORMATS, "HEIF"] if _needs_heif(path) else FORMATS)
    except UnidentifiedImageError:
        raise _unreadable(path) from None
    except Image.DecompressionBombError as problem:
        pixels = re.search(r"\d+", str(problem))  # Pillow checks the size before we can, and refuses the picture
        size = f"{int(pixels[0]) / 1e6:.0f} megapixels, " if pixels else ""
        raise InputError(
            f"{path}: {size}more than the {MAX_MEGAPIXELS:.0f} megapixels allowed", "scale the picture down before using it"
        ) from None
    except (OSError, SyntaxError, ValueError, KeyError) as problem:
        raise InputError(f"{path}: cannot be opened ({problem})", "check the file and its permissions") from None


def _needs_heif(path: Path) -> bool:
    """Whether the file may be HEIC; if so, the plug-in for it is loaded."""
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


def check_size(image: Image.Image, path: Path, min_side: int) -> None:
    """Refuse a picture that is too large to decode or too small to use.

    Raises:
        InputError: naming the size and the limit.
    """
    width, height = image.size
    if width * height > MAX_MEGAPIXELS * 1e6:
        raise InputError(
            f"{path}: {width}×{height} is more than {MAX_MEGAPIXELS:.0f} megapixels", "scale the picture down before using it"
        )
    if min(width, height) < min_side:
        raise InputError(f"{path}: {width}×{height} is too small, each side needs at least {min_side} px", "use a larger picture")


def to_srgb(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Convert any mode and profile to RGB on white; also the alpha channel, or None where nothing is transparent."""
    profile = image.info.get("icc_profile")
    if image.mode in {"I;16", "I;16B", "I;16L", "I", "F"}:
        image = to_eight_bits(image)
    if image.mode == "P" or "transparency" in image.info:
        image = image.convert("RGBA")
    alpha = image.getchannel("A") if image.mode in {"RGBA", "LA", "PA"} else None
    if alpha is not None and alpha.getextrema() == (255, 255):
        alpha = None
    colour = _apply_profile(image.convert("RGB") if image.mode in {"RGBA", "LA", "PA"} else image, profile)
    if alpha is not None:
        colour = Image.composite(colour, Image.new("RGB", colour.size, (255, 255, 255)), alpha)
    return colour, alpha


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit and float greys by the range of their type; Pillow alone would clip them to white."""
    values = np.asarray(image).astype(np.float64)
    top = 65535.0 if image.mode.startswith("I;16") or values.max(initial=0) > 255 else 255.0
    return Image.fromarray(np.clip(values * (255.0 / top), 0, 255).round().astype(np.uint8))


def _apply_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and profile != srgb_profile():  # our own pictures are read as they were written, without rounding
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a damaged or mismatching profile is ignored; the pixels are taken as sRGB
    return image.convert("RGB")
