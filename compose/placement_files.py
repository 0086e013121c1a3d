"""What the user says about a background: its placement file, else the position file that `backgrounds.txt` names."""

from __future__ import annotations

import logging

from compose.position_files import list_entries, older_reading, read_positions
from pipeline.core.inputs.placement_file import PlacementSettings, read_placement_path
from pipeline.core.inputs.written_text import written_text
from pipeline.core.items import Background
from pipeline.core.layout import BACKGROUND_LIST, INPUT_PREFIX, Layout, Ref, settings_file

_log = logging.getLogger("lookbook")

AUTOMATIC = PlacementSettings()
"""What holds for a background without any file."""


class PlacementFiles:
    """Finds and reads the placement files of one run.

    Args:
        layout: the folders.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._positions: dict[str, str] | None = None
        self._logged: set[str] = set()

    def refs(self, background: Background) -> list[Ref]:
        """Files that may say something about a background, whether they are there or not."""
        return [settings_file(background.source), *self._position_file(background)]

    def read(self, background: Background) -> tuple[PlacementSettings, str]:
        """The settings of a background, and how bare numbers were read, or "".

        Raises:
            InputError: a file does not fit its form.
        """
        if (placement_settings := self.written(background)) is not None:
            return placement_settings, ""
        for ref in self._position_file(background):
            older = self._layout.path(ref)
            if older.is_file():
                text = written_text(older)
                placement_settings, reading = read_positions(text, str(older))
                self._log_reading(older.name, reading, older_reading(text, str(older)), settings_file(background.source))
                return placement_settings, reading
        return AUTOMATIC, ""

    def written(self, background: Background) -> PlacementSettings | None:
        """The content of the placement file; None when there is none.

        Raises:
            InputError: it does not fit its form.
        """
        path = self._layout.path(settings_file(background.source))
        return read_placement_path(path) if path.is_file() else None

    def has_position_file(self, background: Background) -> bool:
        """Whether `backgrounds.txt` names a position file for it."""
        return bool(self._position_file(background))

    def _log_reading(self, name: str, reading: str, before: str, settings: Ref) -> None:
        """Log once per file how its bare numbers were read, because they can mean many things.

        Args:
            name: of the position file.
            reading: how its numbers were read.
            before: what they meant in earlier versions, as lines of a placement file; "" = the same.
            settings: the placement file that says it without doubt.
        """
        if name in self._logged:
            return
        self._logged.add(name)
        _log.info("%s: read as %s", name, reading)
        if before:
            remedy = "if that is meant, or to settle it, write"
            _log.warning("%s: earlier versions read these numbers as %s; %s %s", name, before, remedy, settings)

    def _position_file(self, background: Background) -> list[Ref]:
        """The position file that `backgrounds.txt` names for a background; the list is read once per run."""
        if self._positions is None:
            listing = self._layout.path(INPUT_PREFIX + BACKGROUND_LIST)
            self._positions = list_entries(written_text(listing)) if listing.is_file() else {}
        named = self._positions.get(background.source.rpartition("/")[2].casefold())
        return [] if named is None else [INPUT_PREFIX + named.removeprefix("inputs/")]
