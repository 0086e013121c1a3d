"""Which pictures are wider than high. Pictures on one background have one shape, as have those in one person's own photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.core import images
from pipeline.core.errors import LookbookError
from pipeline.core.layout import ORIGINAL, Layout, Ref

if TYPE_CHECKING:
    from pipeline.review.gallery import Entry

MOST = 50_000


class Shapes:
    """Reads the header of one picture of each kind, and remembers the answer while that picture stays.

    Args:
        layout: the folders.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._known: dict[tuple[str, str], tuple[Ref, str, bool]] = {}

    def is_wide(self, entry: Entry) -> bool:
        """Whether an entry's picture is wider than high; one that is not made yet will have the shape of what it is made on."""
        scene = entry.scene
        alike = (scene.background.id, scene.pair.person.original.id if scene.background.id == ORIGINAL else "")
        ref, version, wide = self._known.get(alike, ("", "", False))
        if ref and (ref != entry.ref or version == entry.version):
            return wide
        if len(self._known) >= MOST:
            self._known.clear()
        wide = self._read(entry)
        self._known[alike] = (entry.ref, entry.version, wide)
        return wide

    def _read(self, entry: Entry) -> bool:
        scene = entry.scene
        source = scene.pair.person.original.source if scene.background.id == ORIGINAL else scene.background.source
        try:
            height, width = images.picture_size(self._layout.path(entry.ref if entry.version else source))
        except (LookbookError, OSError):
            return False
        return width > height
