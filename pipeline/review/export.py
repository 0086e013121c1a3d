"""Export of finished pictures, all or only the kept ones, as files or as one archive."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from pipeline.core.layout import VERDICTS, Layout, Ref
from pipeline.core.records.finished import further_refs
from pipeline.review.gallery import Entry, Filter, Gallery, PictureState
from pipeline.review.verdicts import Mark, Verdicts
from pipeline.review.workspace import Workspace


def finished_entries(gallery: Gallery, only_kept: bool) -> list[Entry]:
    """The entries whose pictures exist."""
    return gallery.find(Filter(state=PictureState.DONE.value, verdict=Mark.KEEP.value if only_kept else ""))


def open_gallery(workspace: Workspace) -> Gallery:
    """The gallery of a workspace with its verdicts."""
    return Gallery(workspace, Verdicts(workspace.layout.path(VERDICTS)))


def export_files(layout: Layout, entries: Sequence[Entry], folder: Path) -> int:
    """Copy pictures into a folder under their own names, their further sizes and layers into folders below it.

    Returns:
        How many pictures were copied, further sizes and layers not counted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        for name, ref in _files(layout, entry).items():
            target = folder / name
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(layout.path(ref), target)
    return len(entries)


def _files(layout: Layout, entry: Entry) -> dict[str, Ref]:
    """Name in the export → file."""
    return {entry.ref.rpartition("/")[2]: entry.ref} | further_refs(layout, entry.scene.id, entry.scene.pair.engine)


def export_archive(layout: Layout, entries: Sequence[Entry], file: BinaryIO) -> None:
    """Write pictures into a ZIP, stored without compression and with fixed dates, so that its bytes are reproducible."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, ref in (file for entry in entries for file in _files(layout, entry).items()):
            with archive.open(zipfile.ZipInfo(name), "w") as inside, layout.path(ref).open("rb") as source:
                shutil.copyfileobj(source, inside, 1 << 20)
