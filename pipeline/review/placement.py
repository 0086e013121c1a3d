"""The placement editor's side on the server: open scenes, their pictures, the background's placement file and its history."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from pipeline.catalog import resolve
from pipeline.core.errors import UsageError
from pipeline.core.inputs.placement_file import PlacementSettings, read_placement_file
from pipeline.core.inputs.placement_text import to_toml
from pipeline.core.items import Background, Scene
from pipeline.core.layout import DRESSED_CUTOUT, REVIEW, Layout, Ref, settings_file
from pipeline.core.records.store import Store
from pipeline.review.input_stamp import stamp_of
from pipeline.review.workspace import Items, UnknownItemError, Workspace

PREVIEW = "compose.editor_preview:PlacementPreview"
OPEN_SCENES = 3
HISTORY = 50
"""Earlier versions of one placement file that can be undone."""


class Preview(Protocol):
    """What `compose.editor_preview.PlacementPreview` offers; compose is only named, never imported."""

    def open(self, scene: Scene) -> Any:
        """Decode a scene."""

    def refs(self, scene: Scene) -> Sequence[Ref]:
        """Files a scene is decoded from."""

    def placement_settings(self, opened: Any) -> PlacementSettings:
        """What the placement file on disk says."""

    def describe(self, opened: Any, placement_settings: PlacementSettings) -> dict[str, Any]:
        """Where everybody stands."""

    def picture(self, opened: Any, placement_settings: PlacementSettings, height: int) -> bytes:
        """JPEG of the composite."""

    def ghost(self, opened: Any, height: int) -> bytes:
        """PNG of the person alone."""


class Placements:
    """Opens scenes and keeps the last few open.

    Args:
        workspace: the folders.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._guard = threading.Lock()
        self._open: OrderedDict[tuple[str, ...], Any] = OrderedDict()
        self._made_for: Items | None = None
        self._maker: Preview | None = None

    def preview(self) -> Preview:
        """The maker of pictures, with the settings of now."""
        items = self._workspace.items()
        if self._maker is None or items is not self._made_for:
            assembly = items.prepared.assembly
            self._maker = resolve(PREVIEW)(assembly.settings["compose"], assembly.context)
            self._made_for = items
        return self._maker

    def scene(self, background: str, pair: str) -> Scene:
        """The scene of a background with a pair, any pair when none is named.

        Raises:
            UnknownItemError: no such background or pair.
        """
        items = self._workspace.items()
        place = items.background(background)
        if pair:
            return Scene(items.pair(pair), place)
        if not items.wanted.pairs:
            raise UnknownItemError("there is no pair yet")
        layout = self._workspace.layout
        ready = (each for each in items.wanted.pairs if layout.path(DRESSED_CUTOUT.of(each.id, each.engine)).is_file())
        return Scene(next(ready, items.wanted.pairs[0]), place)

    def opened(self, scene: Scene) -> Any:
        """The decoded scene; decoded again when one of its files changed.

        Raises:
            InputError: a file is missing or damaged.
        """
        layout, pair = self._workspace.layout, scene.pair
        if not layout.path(DRESSED_CUTOUT.of(pair.id, pair.engine)).is_file():
            raise UsageError(f"{pair.id} is not dressed yet", f"python run.py --step all --only {pair.id}")
        key = (scene.id, pair.engine, *(stamp_of(layout.path(ref)) for ref in self.preview().refs(scene)))
        with self._guard:
            if key not in self._open:
                self._open[key] = self.preview().open(scene)
            self._open.move_to_end(key)
            while len(self._open) > OPEN_SCENES:
                self._open.popitem(last=False)
            return self._open[key]


def placement_text(placement_settings: PlacementSettings) -> str:
    """A placement file's text, read back once.

    Raises:
        InputError: a value does not fit.
    """
    text = to_toml(placement_settings)
    read_placement_file(text, "the placement")
    return text


class PlacementStore:
    """One background's placement file on disk, with undo.

    Args:
        layout: the folders.
        background: whose.
    """

    def __init__(self, layout: Layout, background: Background) -> None:
        self.ref = settings_file(background.source)
        self.path: Path = layout.path(self.ref)
        self._history_ref = f"{REVIEW}/placement/{background.id}"
        self._history = layout.path(self._history_ref)

    @property
    def text(self) -> str:
        """Its content; "" when it is not there."""
        return self._content.decode("utf-8", "replace")

    @property
    def _content(self) -> bytes:
        return self.path.read_bytes() if self.path.is_file() else b""

    @property
    def version(self) -> str:
        """Changes with its content."""
        return hashlib.sha256(self._content).hexdigest()[:16]

    @property
    def steps_back(self) -> int:
        """How often it can be undone."""
        return len(self._earlier())

    def _earlier(self) -> list[Path]:
        return sorted(self._history.glob("*.toml"))

    def write(self, text: str, store: Store) -> None:
        """Replace the content and remember the one before; "" takes the file away.

        Args:
            text: the new content.
            store: puts it in place; the caller holds the target.
        """
        if text.encode("utf-8") == self._content:
            return
        earlier = self._earlier()
        number = int(earlier[-1].stem) + 1 if earlier else 1
        self._history.mkdir(parents=True, exist_ok=True)
        self._put(f"{self._history_ref}/{number:06}.toml", self._content, store)  # as it is, were it no text
        for old in earlier[: max(0, len(earlier) + 1 - HISTORY)]:
            old.unlink(missing_ok=True)
        self._put(self.ref, text.encode("utf-8"), store)

    def undo(self, store: Store) -> None:
        """Go back to the content before; arguments as above.

        Raises:
            UsageError: there is none.
        """
        earlier = self._earlier()
        if not earlier:
            raise UsageError(f"nothing to undo for {self.path.name}")
        self._put(self.ref, earlier[-1].read_bytes(), store)
        earlier[-1].unlink()

    def _put(self, ref: Ref, content: bytes, store: Store) -> None:
        if not content and ref == self.ref:
            self.path.unlink(missing_ok=True)
            return
        store.replace(store.stage(ref, content))
