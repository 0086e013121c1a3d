"""The demo's backgrounds: pictures, position files and the list that joins them, under the names that every run reads.

Facts: docs/facts/position_files.md#the-demos-own-form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from compose.position_files import list_entries, older_reading, read_positions
from pipeline.core.errors import InputError
from pipeline.core.inputs.collection import background_ids
from pipeline.core.inputs.scan import Problem, find_pictures
from pipeline.core.layout import BACKGROUND_INPUTS, BACKGROUND_LIST, OLDER_BACKGROUND_INPUTS, Layout
from pipeline.datasets.gs_viton.folder import SCENES, SeedFolder
from pipeline.datasets.transfer import Transfer
from pipeline.datasets.tree import folder_named, pictures_in

CURE = "correct the line or the file; without it people are placed automatically"


@dataclass
class Scenery:
    """What a folder says about backgrounds.

    Args:
        pictures: by file name.
        positions: the position file of each picture that has a readable one, by the picture's name.
        notes: how bare numbers were read, and where that has changed.
        problems: lines and files that cannot be used.
    """

    pictures: dict[str, Path] = field(default_factory=dict)
    positions: dict[str, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def transfers(self, layout: Layout) -> Iterator[Transfer]:
        """Pictures, position files and the list."""
        target = layout.inputs / OLDER_BACKGROUND_INPUTS
        for name, path in self.pictures.items():
            yield Transfer(target / name, path)
        for path in dict.fromkeys(self.positions.values()):
            yield Transfer(target / path.name, path)
        if self.positions:
            lines = [
                f"{OLDER_BACKGROUND_INPUTS}/{name} {OLDER_BACKGROUND_INPUTS}/{path.name}\n"
                for name, path in self.positions.items()
            ]
            text = "".join(lines).encode()
            yield Transfer(layout.inputs / BACKGROUND_LIST, next(iter(self.positions.values())), lambda: text)

    def ids(self, layout: Layout) -> dict[str, str]:
        """The id that each of the pictures will have, by its name without suffix."""
        names, _ = find_pictures(layout.inputs / BACKGROUND_INPUTS, layout.inputs)
        there, _ = find_pictures(layout.inputs / OLDER_BACKGROUND_INPUTS, layout.inputs)
        older = sorted({*there, *self.pictures})
        found = dict(zip(older, background_ids(names, older)[len(names) :], strict=True))
        return {Path(name).stem: found[name] for name in self.pictures}


def read_scenery(there: SeedFolder) -> Scenery:
    """The backgrounds of a folder; a position file that cannot be read costs its own background its place."""
    found = Scenery()
    folder = folder_named(there.inputs, SCENES)
    if folder is not None:
        found.pictures = {name: folder / name for name in pictures_in(folder)}
    listing = there.inputs / BACKGROUND_LIST
    if not listing.is_file():
        return found
    by_name = {name.casefold(): name for name in found.pictures}
    for written, position in list_entries(listing.read_text("utf-8", "replace")).items():
        name = by_name.get(written)
        path = _position_file(position, there.inputs, folder)
        if name is None or path is None:
            lacking = f"there is no picture {written}" if name is None else f"there is no position file {position}"
            found.problems.append(Problem(str(listing), lacking, CURE))
        elif _readable(path, found):
            found.positions[name] = path
    return found


def _position_file(written: str, inputs: Path, pictures: Path | None) -> Path | None:
    """The file that a line means: below the inputs, beside them, or by its name among the pictures."""
    name = PurePosixPath(written.replace("\\", "/"))
    places = [inputs / name, inputs.parent / name, *([pictures / name.name] if pictures is not None else [])]
    return next((place for place in places if place.is_file()), None)


def _readable(path: Path, found: Scenery) -> bool:
    """Whether a position file can be read; says how, and warns where the same numbers once meant something else."""
    if path in found.positions.values():
        return True
    try:
        text = path.read_text("utf-8", "replace")
        _, reading = read_positions(text, str(path))
        before = older_reading(text, str(path))
    except InputError as damage:
        found.problems.append(Problem(str(path), damage.message.removeprefix(f"{path}: "), damage.remedy))
        return False
    found.notes.append(f"{path.name}: read as {reading}")
    if before:
        found.notes.append(f"{path.name}: earlier versions of this program read these numbers as {before}")
    return True
