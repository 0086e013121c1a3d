"""What `import` and `export` do: move the files, keep the lists, say what happened."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.core.console import Colour, Console
from pipeline.core.errors import ExitCode, OutputError, UsageError
from pipeline.core.layout import PAIR_FILES, Layout
from pipeline.datasets.import_plan import add_pairs, new_pairs, plan_intake, transfers
from pipeline.datasets.transfer import Mover, Transfer
from pipeline.datasets.tree import Tree
from pipeline.datasets.viton_hd_out import ExportPlan

SHOWN = 8
"""So many lines of one kind are shown."""


def import_tree(tree: Tree, layout: Layout, mover: Mover, console: Console) -> ExitCode:
    """Put a published tree into inputs and outputs; a damaged file is left out alone.

    Args:
        tree: what to take in.
        layout: where to.
        mover: how, or only as if.
        console: where to say things.
    """
    intake = plan_intake(tree, layout)
    console.say(f"{len(intake.people)} people, {len(intake.garments)} garments, {len(intake.pairs)} pairs")
    _move_all(transfers(intake, layout), mover, console)
    lines = new_pairs(intake, layout)
    if lines and not mover.dry_run:
        add_pairs(lines, layout)
    if lines:
        console.say(f"{len(lines)} pairs added to {layout.inputs / PAIR_FILES[0]}; only pairs of that list are worked on")
    _say_tally(mover, console)
    for name, count in intake.lacking().items():
        console.say(f"{count} of {len(intake.people)} people come without {name}: the step makes it")
    console.say("next: python run.py --step all --dry-run")
    return ExitCode.ITEMS_FAILED if mover.tally.damaged else ExitCode.DONE


def export_tree(parcel: ExportPlan, mover: Mover, console: Console) -> ExitCode:
    """Write a tree for other people's loaders; items that lack something are left out.

    Raises:
        UsageError: nothing is ready. OutputError: a pair list of other contents is there.
    """
    for item, path in list(parcel.missing.items())[:SHOWN]:
        console.say(f"left out: {item} has no {path}", Colour.WARN)
    if len(parcel.missing) > SHOWN:
        console.say(f"left out: {len(parcel.missing) - SHOWN} more", Colour.WARN)
    if not parcel.transfers:
        raise UsageError("no pair has all the artefacts that such a tree needs", "python run.py --until cloth")
    changed = [path for path, text in parcel.lists.items() if path.exists() and path.read_text("utf-8") != text]
    if changed:
        raise OutputError(f"{changed[0]} is there with other lines", "export into an empty folder, or move the list away")
    _move_all(parcel.transfers, mover, console)
    for path, text in parcel.lists.items():
        if not mover.dry_run:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    _say_tally(mover, console)
    return ExitCode.ITEMS_FAILED if parcel.missing or mover.tally.damaged else ExitCode.DONE


def _move_all(every: Iterable[Transfer], mover: Mover, console: Console) -> None:
    moves = list(every)
    console.start_bar("files", len(moves))
    for transfer in moves:
        mover.move(transfer)
        console.advance()
    console.close_bar()


def _say_tally(mover: Mover, console: Console) -> None:
    tally, would = mover.tally, "would be " if mover.dry_run else ""
    console.say(f"{would}linked or copied: {tally.linked}, {would}converted: {tally.made}, there already: {tally.there}")
    for problem in tally.damaged[:SHOWN]:
        console.say(f"left out: {problem}", Colour.BAD)
    if len(tally.damaged) > SHOWN:
        console.say(f"left out: {len(tally.damaged) - SHOWN} more damaged files", Colour.BAD)
    for path in tally.kept[:SHOWN]:
        console.say(f"left alone: {path} is there with other contents", Colour.WARN)
    if len(tally.kept) > SHOWN:
        console.say(f"left alone: {len(tally.kept) - SHOWN} more files with other contents", Colour.WARN)
    if tally.kept:
        console.say("  → remove those files to take the published ones, or import into other folders: --inputs --outputs")
