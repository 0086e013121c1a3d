"""The commands `import viton-hd|dresscode|shhq|gs-viton DIR` and `export viton-hd|dresscode|gs-viton DIR`.

They parse the options and call `pipeline.datasets`, which is imported when a command runs.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from pipeline.cli.options import INPUTS, OUTPUTS, Inputs, Outputs
from pipeline.core.console import Console

if TYPE_CHECKING:
    from pipeline.core.inputs.collection import Collection
    from pipeline.core.layout import Layout

import_app = typer.Typer(help="Import a published data set.", no_args_is_help=True, rich_markup_mode=None)
PICTURES = "pictures"
"""The export that a folder without a kind means."""


class Exports(TyperGroup):
    """`export DIR` without a kind copies the finished pictures."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the kind where it was omitted; `ctx` is click's, of which some releases of typer have their own."""
        named = not args or args[0] in self.commands or args[0] == "--help"
        return super().parse_args(ctx, args if named else [PICTURES, *args])


export_app = typer.Typer(
    cls=Exports,
    help="Copy finished pictures out, or write a tree that other people's loaders open.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Split(StrEnum):
    """Which half of a data set."""

    TEST = "test"
    TRAIN = "train"


class Pairs(StrEnum):
    """Which pairs to import: those of the published list, every person with their own garment, or none."""

    UNPAIRED = "unpaired"
    PAIRED = "paired"
    NONE = "none"


class Part(StrEnum):
    """The garment category of a VITON-HD tree."""

    UPPER = "upper"
    LOWER = "lower"
    DRESS = "dress"


class Listed(StrEnum):
    """Whether the pairs of the published list are imported."""

    LISTED = "listed"
    NONE = "none"


class SeedStep(StrEnum):
    """The last step of GS-VITON whose results are used."""

    NONE = "none"
    STEP1 = "step1"
    STEP2 = "step2"
    STEP3 = "step3"
    STEP4 = "step4"
    STEP5 = "step5"


class Drawing(StrEnum):
    """Other renderings of the body parts."""

    RAW = "raw"
    VIRIDIS = "viridis"
    IUV = "iuv"


From = Annotated[Path, typer.Argument(metavar="DIR", help="The data set's root folder.", exists=True, file_okay=False)]
To = Annotated[Path, typer.Argument(metavar="DIR", help="Where the tree goes; files there are never replaced.", file_okay=False)]
WhichSplit = Annotated[Split, typer.Option(help="Which half.")]
WhichPairs = Annotated[Pairs, typer.Option(help="Pairs to import.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many people, with the garments they wear.")]
Copy = Annotated[bool, typer.Option("--copy", help="Copy instead of linking: for those who edit files in place.")]
InvertMasks = Annotated[
    bool,
    typer.Option("--invert-masks", help="Black means yes in the masks whose pictures do not show what it means."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be written.")]


@import_app.command("viton-hd")
def import_viton_hd(
    folder: From,
    split: WhichSplit = Split.TEST,
    pairs: WhichPairs = Pairs.UNPAIRED,
    limit: Limit = None,
    warped: Annotated[
        str, typer.Option(metavar="ENGINE", help="With the tree's warped garments (cloth-warp), as this engine's.")
    ] = "",
    copy: Copy = False,
    invert_masks: InvertMasks = False,
    dry_run: DryRun = False,
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
) -> None:
    """VITON-HD and its relatives, in every spelling of their folders."""
    from pipeline.core.layout import Layout
    from pipeline.datasets.import_plan import transfers
    from pipeline.datasets.transfer import Mover
    from pipeline.datasets.transfer_run import import_tree
    from pipeline.datasets.tree import first_people
    from pipeline.datasets.viton_hd_in import read_viton_hd, viton_hd_root

    layout, given, files = Layout(inputs, outputs), [], transfers
    if warped:
        from pipeline.choice import Chooser
        from pipeline.datasets.warped_in import WarpedIn

        Chooser(layout.weights).check_engine_name(warped)
        warps = WarpedIn(viton_hd_root(folder, split), warped)
        given, files = warps.folders(), warps.transfers
    tree = first_people(read_viton_hd(folder, split, pairs, given), limit)
    raise typer.Exit(import_tree(tree, layout, Mover(copy, dry_run), Console(), invert_masks, files))


@import_app.command("dresscode")
def import_dresscode(
    folder: From,
    split: WhichSplit = Split.TEST,
    pairs: WhichPairs = Pairs.UNPAIRED,
    part: Annotated[list[str], typer.Option(metavar="NAME", help="upper_body, lower_body or dresses; default all.")] = [],  # noqa: B006
    limit: Limit = None,
    copy: Copy = False,
    invert_masks: InvertMasks = False,
    dry_run: DryRun = False,
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
) -> None:
    """DressCode: upper_body, lower_body, dresses."""
    from pipeline.core.layout import Layout
    from pipeline.datasets.dresscode_in import read_dresscode
    from pipeline.datasets.transfer import Mover
    from pipeline.datasets.transfer_run import import_tree
    from pipeline.datasets.tree import first_people

    tree = first_people(read_dresscode(folder, split, pairs, part), limit)
    raise typer.Exit(import_tree(tree, Layout(inputs, outputs), Mover(copy, dry_run), Console(), invert_masks))


@import_app.command("shhq")
def import_shhq(
    folder: From,
    limit: Limit = None,
    copy: Copy = False,
    dry_run: DryRun = False,
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
) -> None:
    """SHHQ-1.0: whole people without garments, for tests of a model on another data set."""
    from pipeline.core.layout import Layout
    from pipeline.datasets.shhq_in import read_shhq
    from pipeline.datasets.transfer import Mover
    from pipeline.datasets.transfer_run import import_tree
    from pipeline.datasets.tree import first_people

    tree = first_people(read_shhq(folder), limit)
    raise typer.Exit(import_tree(tree, Layout(inputs, outputs), Mover(copy, dry_run), Console()))


@import_app.command("gs-viton")
def import_gs_viton(
    folder: From,
    until: Annotated[SeedStep, typer.Option(help="Use what was made up to this step; the rest is made here.")] = SeedStep.STEP5,
    engine: Annotated[str, typer.Option(help="The engine whose results those of step 4 count as.")] = "gs_viton",
    pairs: Annotated[Listed, typer.Option(help="Pairs to import; without a list everybody wears everything.")] = Listed.LISTED,
    copy: Copy = False,
    invert_masks: InvertMasks = False,
    dry_run: DryRun = False,
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
) -> None:
    """A folder of the GS-VITON demo, however much of it is done."""
    from pipeline.choice import Chooser
    from pipeline.core.layout import Layout
    from pipeline.datasets.gs_viton import command
    from pipeline.datasets.transfer import Mover

    layout = Layout(inputs, outputs)
    Chooser(layout.weights).check_engine_name(engine)
    wanted = command.Wanted(pairs is Listed.LISTED, until, engine)
    code = command.import_gs_viton(folder, wanted, layout, Mover(copy, dry_run), Console(), invert_masks)
    raise typer.Exit(code)


@export_app.command("viton-hd")
def export_viton_hd(
    folder: To,
    split: WhichSplit = Split.TEST,
    category: Annotated[Part, typer.Option(help="Garments of which category.")] = Part.UPPER,
    densepose: Annotated[list[Drawing], typer.Option(help="Body parts in this rendering too, in a folder of its own.")] = [],  # noqa: B006
    warped: Annotated[str, typer.Option(metavar="ENGINE", help="With the garments that this engine warped (cloth-warp).")] = "",
    copy: Copy = False,
    dry_run: DryRun = False,
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
) -> None:
    """A VITON-HD tree of the pairs of one garment category."""
    from pipeline.core.labels import Category
    from pipeline.core.layout import Layout
    from pipeline.datasets.transfer import Mover
    from pipeline.datasets.transfer_run import export_tree
    from pipeline.datasets.viton_hd_out import plan_viton_hd

    layout = Layout(inputs, outputs)
    renderings = list(dict.fromkeys(densepose))
    plan = plan_viton_hd(_found(layout), layout, folder, split, Category(category), renderings, warped)
    raise typer.Exit(export_tree(plan, Mover(copy, dry_run), Console()))


@export_app.command("dresscode")
def export_dresscode(
    folder: To,
    split: WhichSplit = Split.TEST,
    copy: Copy = False,
    dry_run: DryRun = False,
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
) -> None:
    """A DressCode tree of all pairs."""
    from pipeline.core.layout import Layout
    from pipeline.datasets.dresscode_out import plan_dresscode
    from pipeline.datasets.transfer import Mover
    from pipeline.datasets.transfer_run import export_tree

    layout = Layout(inputs, outputs)
    plan = plan_dresscode(_found(layout), layout, folder, split)
    raise typer.Exit(export_tree(plan, Mover(copy, dry_run), Console()))


@export_app.command("gs-viton")
def export_gs_viton(
    folder: To,
    engine: Annotated[str, typer.Option(help="With the pictures that this engine made.")] = "gs_viton",
    copy: Copy = False,
    dry_run: DryRun = False,
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
) -> None:
    """A folder of the GS-VITON demo of all pairs of upper garments."""
    from pipeline.choice import Chooser
    from pipeline.core.layout import Layout
    from pipeline.datasets.gs_viton.export import plan_gs_viton
    from pipeline.datasets.transfer import Mover
    from pipeline.datasets.transfer_run import export_tree

    layout = Layout(inputs, outputs)
    Chooser(layout.weights).check_engine_name(engine)
    plan = plan_gs_viton(_found(layout), layout, folder, engine)
    raise typer.Exit(export_tree(plan, Mover(copy, dry_run), Console()))


def _found(layout: Layout) -> Collection:
    """The items of the inputs folder; none is sorted into a tree by a category that could not be told."""
    from pipeline.core.inputs.collection import discover
    from pipeline.garment_guess import GarmentGuesser

    guesser = GarmentGuesser(layout)
    found = discover(layout, lambda _: "", guess=guesser)
    guesser.require_sight()
    return found
