"""Uploaded pictures: checked like any input, stored under a plain name, never over another file."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import BinaryIO

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.inputs.ids import slug
from pipeline.core.labels import Category
from pipeline.core.layout import CLOTH_INPUTS, INPUT_PREFIX, Layout, Ref
from pipeline.core.records.store import TEMP_PREFIX, TEMP_SUFFIX
from pipeline.review.decoding import Decoder

CHUNK = 1 << 20


def save_upload(
    layout: Layout, kind: str, category: Category, name: str, file: BinaryIO, most_megapixels: float, decoder: Decoder
) -> Ref:
    """Store one picture in the inputs folder.

    Args:
        layout: the folders.
        kind: person, cloth or background.
        category: of a garment.
        name: the file name on the user's machine; folders in it are ignored.
        file: its content.
        most_megapixels: larger pictures are refused before they are decoded.
        decoder: does the decoding of all requests.

    Returns:
        The ref of the stored file.

    Raises:
        BusyError: too many pictures are waiting to be decoded.
        InputError: not a complete picture of an allowed format and size.
    """
    plain = name.replace("\\", "/").rpartition("/")[2]
    suffix = Path(plain).suffix.lower()
    if suffix not in images.SUFFIXES:
        raise InputError(f"{plain or 'the file'}: not a picture by its name", f"allowed: {', '.join(sorted(images.SUFFIXES))}")
    folder = layout.inputs / kind / (category.value if kind == CLOTH_INPUTS else "")
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{TEMP_PREFIX}{os.urandom(6).hex()}{TEMP_SUFFIX}"
    try:
        _copy(file, temporary)
        _check(temporary, plain, most_megapixels, decoder)
        target = _store(temporary, folder, slug(plain)[:80] or "picture", suffix)
    finally:
        temporary.unlink(missing_ok=True)
    return INPUT_PREFIX + target.relative_to(layout.inputs).as_posix()


def _copy(file: BinaryIO, target: Path) -> None:
    with target.open("xb") as out:
        while chunk := file.read(CHUNK):
            out.write(chunk)


def _check(path: Path, name: str, most_megapixels: float, decoder: Decoder) -> None:
    """Decode the picture once, so that a damaged one is refused now and not during a run."""
    try:
        height, width = images.picture_size(path)
        if height * width > most_megapixels * 1e6:
            raise InputError(f"{width}×{height} is more than {most_megapixels:g} megapixels", "scale it down first")
        decoder.run(height * width / 1e6, lambda: images.check_photo(path))
    except InputError as problem:
        raise InputError(f"{name}: {problem.message.replace(f'{path}: ', '')}", problem.remedy) from None


def _store(temporary: Path, folder: Path, stem: str, suffix: str) -> Path:
    """Store the file under the first free name; a hard link cannot replace a file, so simultaneous uploads do not collide."""
    for number in itertools.count(1):
        target = folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        try:
            os.link(temporary, target)
            return target
        except FileExistsError:
            continue
        except OSError:  # a disk without hard links
            if not target.exists():
                temporary.rename(target)
                return target
    raise AssertionError("no free name")
