"""The files that the page serves: pictures and small texts of the workspace, named by ref, and thumbnails of them.

A request names a ref, never a path. It is refused unless every part is an ordinary name, its folder is one of the layout, its
suffix is that of a picture or JSON, and no link is on the way to the file.
"""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from pathlib import Path

from pipeline.core import images
from pipeline.core.errors import LookbookError
from pipeline.core.layout import (
    ATTENTION,
    BACKGROUND_INPUTS,
    CLOTH_INPUTS,
    INPUT_PREFIX,
    OLDER_BACKGROUND_INPUTS,
    PER_CATEGORY,
    PER_ENGINE,
    PER_ITEM,
    PERSON_INPUTS,
    SIZES,
    THUMBNAILS,
    Layout,
    Ref,
)
from pipeline.core.records.whole_file import write_whole
from pipeline.review.decoding import Decoder
from pipeline.review.workspace import version_of

INPUT_KINDS = (PERSON_INPUTS, CLOTH_INPUTS, BACKGROUND_INPUTS, OLDER_BACKGROUND_INPUTS)
SHOWN_AS_IS = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".json": "application/json",
}
"""Formats that browsers show; other pictures are served as thumbnails only."""
THUMB_HEIGHTS = (480, 1600)
"""In pixels: for the gallery (shared with the report) and for a full screen."""
_AT_ONCE = threading.Semaphore(2)
"""Thumbnails made at the same time; more would take cores from the run."""


class RefusedFileError(LookupError):
    """Not a file of the workspace, or of a kind that is not served."""


def served_path(layout: Layout, ref: Ref, suffixes: frozenset[str] | None = None) -> Path:
    """The file of a ref.

    Args:
        layout: the folders.
        ref: as `pipeline.core.layout.Ref`.
        suffixes: allowed ones; default: what browsers show.

    Raises:
        RefusedFileError: not an ordinary file of a known folder.
    """
    below = ref.removeprefix(INPUT_PREFIX)
    parts = below.split("/")
    if not all(_is_ordinary(part) for part in parts) or not _is_known(ref, parts):
        raise RefusedFileError(ref)
    if Path(parts[-1]).suffix.lower() not in (suffixes or frozenset(SHOWN_AS_IS)):
        raise RefusedFileError(ref)
    root = os.path.realpath(layout.inputs if ref.startswith(INPUT_PREFIX) else layout.outputs)
    wanted = os.path.join(root, *parts)  # noqa: PTH118 - compared with realpath's own spelling
    if os.path.realpath(wanted) != wanted or not Path(wanted).is_file():
        raise RefusedFileError(ref)
    return Path(wanted)


def _is_ordinary(part: str) -> bool:
    return bool(part) and not part.startswith(".") and part.isprintable() and not set(part) & set('\\/:*?"<>|')


def _is_known(ref: Ref, parts: list[str]) -> bool:
    """Whether the folder is one of the workspace's."""
    if ref.startswith(INPUT_PREFIX):
        return len(parts) > 1 and parts[0] in INPUT_KINDS
    folder = "/".join(parts[:-1])
    if any(kind.path == folder for kind in PER_ITEM):
        return True
    if any(folder == kind.path or folder.startswith(f"{kind.path}-") for kind in PER_CATEGORY):
        return True
    above = folder.rpartition("/")[0]
    if above.rpartition("/")[0] == SIZES.path:  # a folder per size within the engine's
        return True
    return any(above == kind.path for kind in (*PER_ENGINE, ATTENTION))


def thumbnail(layout: Layout, ref: Ref, height: int, decoder: Decoder) -> bytes:
    """A small WebP of any picture of the workspace; made once, then kept in the report's folder.

    Args:
        layout: the folders.
        ref: of the picture.
        height: in pixels.
        decoder: does the decoding of all requests.

    Raises:
        RefusedFileError: not a picture of the workspace, or a damaged one.
    """
    path = served_path(layout, ref, images.SUFFIXES)
    name = hashlib.sha256(f"{version_of(layout, ref)}/{height}".encode()).hexdigest()[:24]
    kept = layout.path(THUMBNAILS) / f"{name}.webp"
    try:
        return kept.read_bytes()
    except OSError:
        pass  # not made yet
    with _AT_ONCE:
        try:
            tall, wide = images.picture_size(path)
            data = decoder.run(tall * wide / 1e6, lambda: images.thumbnail(path, height), refusable=False)
        except (LookbookError, OSError, ValueError) as problem:
            raise RefusedFileError(f"{ref}: {problem}") from None
    _keep(kept, data)
    return data


def _keep(path: Path, data: bytes) -> None:
    """Write a thumbnail completely or not at all; where the disk refuses it, it is made again the next time."""
    with suppress(OSError):
        write_whole(path, data)
