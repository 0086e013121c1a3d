"""Uploaded pictures: checked like any input, stored under a plain name, never over another file unless that is asked for."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipeline.core import images
from pipeline.core.errors import InputError, UsageError
from pipeline.core.inputs.ids import slug
from pipeline.core.labels import Category
from pipeline.core.layout import CLOTH_INPUTS, INPUT_PREFIX, SETTINGS_SUFFIX, Layout, Ref
from pipeline.core.records.whole_file import temporary_beside
from pipeline.review.decoding import Decoder

CHUNK = 1 << 20


@dataclass(frozen=True)
class Upload:
    """A picture that was sent.

    Args:
        name: the file name on the user's machine; folders in it are ignored.
        file: its content.
    """

    name: str
    file: BinaryIO

    @property
    def plain(self) -> str:
        """The name without folders."""
        return self.name.replace("\\", "/").rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """In lower case, with the dot.

        Raises:
            InputError: not one of a picture.
        """
        suffix = Path(self.plain).suffix.lower()
        if suffix not in images.SUFFIXES:
            allowed = ", ".join(sorted(images.SUFFIXES))
            raise InputError(f"{self.plain or 'the file'}: not a picture by its name", f"allowed: {allowed}")
        return suffix

    def digest(self) -> str:
        """sha256 of the content, which is read from its beginning afterwards."""
        found = hashlib.sha256()
        while chunk := self.file.read(CHUNK):
            found.update(chunk)
        self.file.seek(0)
        return found.hexdigest()


class Uploads:
    """Stores pictures in the inputs folder, takes them out and replaces them.

    Args:
        layout: the folders.
        most_megapixels: larger pictures are refused before they are decoded.
        decoder: does the decoding of all requests.
    """

    def __init__(self, layout: Layout, most_megapixels: float, decoder: Decoder) -> None:
        self._layout = layout
        self._most_megapixels = most_megapixels
        self._decoder = decoder

    def add(self, kind: str, category: Category, upload: Upload) -> Ref:
        """Store one picture.

        Args:
            kind: person, cloth or background.
            category: of a garment.
            upload: the picture.

        Returns:
            The ref of the stored file.

        Raises:
            BusyError: too many pictures are waiting to be decoded.
            InputError: not a complete picture of an allowed format and size.
        """
        suffix = upload.suffix
        folder = self._layout.inputs / kind / (category.value if kind == CLOTH_INPUTS else "")
        folder.mkdir(parents=True, exist_ok=True)
        with self._received(folder, upload) as temporary:
            target = _store(temporary, folder, slug(upload.plain)[:80] or "picture", suffix)
        return INPUT_PREFIX + target.relative_to(self._layout.inputs).as_posix()

    def replace(self, ref: Ref, upload: Upload) -> Ref:
        """Put another picture in the place of one, under its name; the ending follows the new one's format.

        The caller holds the target. Raises as `add`.
        """
        old = self._layout.path(ref)
        new = old.with_suffix(upload.suffix)
        with self._received(old.parent, upload) as temporary:
            if new != old and new.exists():
                raise UsageError(f"{new.name} is there already", "remove it first")
            temporary.replace(new)
        if new != old:
            old.unlink(missing_ok=True)
        return INPUT_PREFIX + new.relative_to(self._layout.inputs).as_posix()

    def rename(self, ref: Ref, name: str) -> Ref:
        """Give one picture and the settings file beside it another name; the caller holds the target.

        Args:
            ref: of the picture.
            name: without folder and ending.

        Raises:
            UsageError: the name is taken, or nothing of it can be in a file name.
        """
        old, plain = self._layout.path(ref), slug(f"{name.replace('/', '_')}.x")
        if not plain:
            raise UsageError(f"{name!r} leaves no file name", "use letters and digits")
        new = old.with_name(plain + old.suffix)
        beside = [(old, new), (old.with_suffix(SETTINGS_SUFFIX), new.with_suffix(SETTINGS_SUFFIX))]
        moves = [(source, target) for source, target in beside if source.is_file() and source != target]
        for source, target in moves:
            if target.exists() and not target.samefile(source):
                raise UsageError(f"{target.name} is there already", "choose another name")
        for source, target in moves:
            source.rename(target)
        return INPUT_PREFIX + new.relative_to(self._layout.inputs).as_posix()

    @contextmanager
    def _received(self, folder: Path, upload: Upload) -> Iterator[Path]:
        """The picture in a hidden file beside its future place, checked."""
        temporary = temporary_beside(folder / upload.plain)
        try:
            _copy(upload.file, temporary)
            self._check(temporary, upload.plain)
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def _check(self, path: Path, name: str) -> None:
        """Decode the picture once, so that a damaged one is refused now and not during a run."""
        try:
            height, width = images.picture_size(path)
            if height * width > self._most_megapixels * 1e6:
                raise InputError(f"{width}×{height} is more than {self._most_megapixels:g} megapixels", "scale it down first")
            self._decoder.run(height * width / 1e6, lambda: images.check_photo(path))
        except InputError as problem:
            raise InputError(f"{name}: {problem.message.replace(f'{path}: ', '')}", problem.remedy) from None


def _copy(file: BinaryIO, target: Path) -> None:
    with target.open("xb") as out:
        while chunk := file.read(CHUNK):
            out.write(chunk)


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
