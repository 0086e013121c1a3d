"""What the command `import gs-viton` does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.core.console import Console
from pipeline.core.errors import ExitCode
from pipeline.core.layout import STEP_NAMES, Layout
from pipeline.core.records.store import Store
from pipeline.datasets.gs_viton.files import SeedFiles
from pipeline.datasets.gs_viton.reading import read_gs_viton, refuse_own_folder
from pipeline.datasets.gs_viton.scenery import read_scenery
from pipeline.datasets.import_plan import ImportPlan
from pipeline.datasets.transfer import Mover, Transfer
from pipeline.datasets.transfer_run import import_tree
from pipeline.imported_steps import GS_VITON


@dataclass(frozen=True)
class Wanted:
    """What of a folder is imported.

    Args:
        pairs: with the list of pairs.
        until: the last of the demo's steps whose results are used.
        engine: the try-on engine whose results those of step 4 count as.
    """

    pairs: bool = True
    until: str = "step5"
    engine: str = "gs_viton"


def import_gs_viton(
    folder: Path, wanted: Wanted, layout: Layout, mover: Mover, console: Console, invert_masks: bool = False
) -> ExitCode:
    """Import a folder of the demo; only what is damaged is left out.

    Args:
        folder: holds `inputs/` and `output/`.
        wanted: what of it.
        layout: the project's folders.
        mover: links, copies, or only counts.
        console: shows the counts.
        invert_masks: masks whose meaning cannot be seen have black = yes.

    Raises:
        UsageError: no such folder, or the project's own.
    """
    reading = read_gs_viton(folder, wanted.pairs, wanted.until)
    refuse_own_folder(reading.folder, layout.inputs)
    scenery = read_scenery(reading.folder)
    tree = replace(
        reading.tree,
        problems=(*reading.tree.problems, *scenery.problems),
        notes=(*reading.tree.notes, *scenery.notes),
    )
    items = SeedFiles(reading.folder, wanted.engine, scenery.ids(layout))

    def files(plan: ImportPlan, there: Layout) -> Iterator[Transfer]:
        yield from scenery.transfers(there)
        yield from items(plan, there)

    code = import_tree(tree, layout, mover, console, invert_masks, files)
    if not mover.dry_run:
        Store(layout).write_if_changed(STEP_NAMES, f"{GS_VITON}\n".encode())
    if reading.folder.results:
        console.say(f"results of step 4 count as those of the engine {wanted.engine}: add --engine {wanted.engine}")
    return code
