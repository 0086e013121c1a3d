"""Reading of pictures: photos of users, our artefacts, and the recipe inside a finished picture."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipeline.core.arrays import RGB
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag, Notice
from pipeline.core.images.opening import MAX_MEGAPIXELS, check_size, opened, to_srgb
from pipeline.core.images.writing import ASCII_COMMENT, EXIF_IFD, RECIPE_KEY, USER_COMMENT

MIN_SIDE = 64
SEVERAL = frozenset({"GIF", "WEBP", "PNG", "TIFF"})
"""Formats of animations and pages; a second picture in a JPEG (MPO) or HEIC is a thumbnail or depth map and is ignored."""


@dataclass(frozen=True)
class Photo:
    """A decoded picture.

    Args:
        rgb: (h, w, 3) uint8 sRGB, upright; transparent pixels are flattened on white.
        alpha: (h, w) uint8, 255 = opaque; None when the file has no transparency.
        scaled_from: (height, width) before it was scaled down for work, or None.
        frames: pictures in the file, of which this is the first.
    """

    rgb: RGB
    alpha: NDArray[np.uint8] | None = None
    scaled_from: tuple[int, int] | None = None
    frames: int = 1


def read_photo(path: Path, max_megapixels: float = MAX_MEGAPIXELS, min_side: int = MIN_SIDE) -> Photo:
    """Decode a user's picture of any allowed format.

    Raises:
        InputError: not a picture, truncated, too large, too small, unreadable, or a format whose plug-in is missing.
    """
    with opened(path) as image, _damage_named(path):
        check_size(image, path, min_side)
        upright = ImageOps.exif_transpose(image)
        colour, alpha = to_srgb(upright)
        frames = getattr(image, "n_frames", 1) if image.format in SEVERAL else 1
    before = (colour.height, colour.width)
    if colour.width * colour.height > max_megapixels * 1e6:
        colour, alpha = _scale_down(colour, alpha, max_megapixels)
    after = (colour.height, colour.width)
    return Photo(np.asarray(colour), None if alpha is None else np.asarray(alpha), before if after != before else None, frames)


def check_photo(path: Path, min_side: int = MIN_SIDE) -> None:
    """Find out whether `read_photo` will succeed, in a quarter of its memory: decodes every pixel, converts only a few.

    Raises:
        InputError: as `read_photo`.
    """
    with opened(path) as image, _damage_named(path):
        check_size(image, path, min_side)
        image.load()
        image.getexif()
        to_srgb(image.resize((8, 8), Image.Resampling.NEAREST))


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Say of which file it is that a decoder found damaged."""
    try:
        yield
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise InputError(
            f"{path}: damaged or incomplete picture ({problem})", "replace the file, or leave it out with --skip"
        ) from None


def photo_notices(photo: Photo, what: str = "") -> list[Notice]:
    """The flags of a decoded picture: scaled down, or the first of several in its file.

    Args:
        photo: the picture.
        what: names the picture where its item does not.
    """
    which = f"{what}: " if what else ""
    notices = []
    if photo.scaled_from is not None:
        (h0, w0), (h1, w1) = photo.scaled_from, photo.rgb.shape[:2]
        notices.append(Notice(Flag.SCALED_FOR_WORK, f"{which}{w0}×{h0} → {w1}×{h1}"))
    if photo.frames > 1:
        notices.append(Notice(Flag.FIRST_FRAME, f"{which}{photo.frames} pictures in the file"))
    return notices


def _scale_down(colour: Image.Image, alpha: Image.Image | None, megapixels: float) -> tuple[Image.Image, Image.Image | None]:
    factor = (megapixels * 1e6 / (colour.width * colour.height)) ** 0.5
    size = (max(1, int(colour.width * factor)), max(1, int(colour.height * factor)))
    return colour.resize(size, Image.Resampling.LANCZOS), None if alpha is None else alpha.resize(size, Image.Resampling.LANCZOS)


def picture_size(path: Path) -> tuple[int, int]:
    """(height, width) as stored, read from the file's header without decoding pixels.

    Raises:
        InputError: not a picture of an allowed format.
    """
    with opened(path) as image:
        return image.height, image.width


def read_rgb(path: Path) -> RGB:
    """(h, w, 3) uint8 of an artefact."""
    return read_photo(path, min_side=1).rgb


def read_small(path: Path, least_height: int) -> RGB:
    """(h, w, 3) uint8 of an artefact of which only the colours are needed.

    A JPEG is decoded at 1/2, 1/4 or 1/8 of its size, the smallest that is at least `least_height` pixels high, which takes a
    fraction of the time. Other formats are decoded in full.
    """
    with opened(path) as image:
        image.draft("RGB", (1, least_height))
        return np.asarray(image.convert("RGB"))


def read_grey(path: Path) -> NDArray[np.uint8]:
    """(h, w) uint8 of a matte or another single-channel artefact."""
    with opened(path) as image:
        return np.asarray(image.convert("L"))


def read_rgba(path: Path) -> NDArray[np.uint8]:
    """(h, w, 4) uint8 with straight alpha; the colours of transparent pixels are kept as stored."""
    with opened(path) as image:
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
    """The recipe that `finished` or `png` wrote into a picture, or None."""
    with opened(path) as image:
        text = image.info.get(RECIPE_KEY)
        comment = None if isinstance(text, str) else image.getexif().get_ifd(EXIF_IFD).get(USER_COMMENT)
    if isinstance(comment, bytes) and comment.startswith(ASCII_COMMENT):
        text = comment[len(ASCII_COMMENT) :].decode("ascii", "replace")
    try:
        recipe = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None  # a comment of another program
    return recipe if isinstance(recipe, dict) else None
