"""What the commands `import` and `export` do: write the files, extend the pair lists, report the counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pipeline.core.console import Colour, Console, printable
from pipeline.core.errors import ExitCode, OutputError, UsageError
from pipeline.core.inputs.scan import Problem
from pipeline.core.layout import Layout
from pipeline.core.records.whole_file import write_whole
from pipeline.datasets.import_plan import ImportPlan, plan_import, transfers
from pipeline.datasets.listed_pairs import add_pairs, new_pairs
from pipeline.datasets.transfer import ExportPlan, Mover, Transfer
from pipeline.datasets.tree import Tree

SHOWN = 8
"""Lines of one kind that are shown; the others are counted."""


FilesOf = Callable[[ImportPlan, Layout], Iterable[Transfer]]
"""Every file that an import writes."""


def import_tree(
    tree: Tree, layout: Layout, mover: Mover, console: Console, invert_masks: bool = False, files: FilesOf = transfers
) -> ExitCode:
    """Import a published data set into inputs and outputs; only damaged files are left out.

    Args:
        tree: what to import.
        layout: the project's folders.
        mover: links, copies, or only counts.
        console: shows the counts.
        invert_masks: masks whose meaning cannot be seen have black = yes.
        files: the files to write, item by item.
    """
    plan = plan_import(tree, layout, invert_masks)
    console.say(f"{len(plan.people)} people, {len(plan.garments)} garments, {len(plan.pairs)} pairs")
    for note in tree.notes:
        console.say(note, Colour.WARN)
    file, pairs = new_pairs(plan, layout)
    _move_all(files(plan, layout), mover, console)
    if pairs and not mover.dry_run:
        add_pairs(pairs, plan, layout)
    if pairs:
        console.say(f"{len(pairs)} pairs added to {file}; only the pairs of that list are made")
    for note in plan.masks.assumed.lines():
        console.say(printable(note), Colour.WARN)
    _report_lines(tree.problems, console)
    _report(mover, console)
    for name, count in plan.missing().items():
        console.say(f"{count} of {len(plan.people)} people have no {name}: the step makes it")
    console.say("next: python run.py --step all --dry-run")
    return ExitCode.ITEMS_FAILED if mover.counts.damaged or tree.problems else ExitCode.DONE


def _report_lines(problems: Sequence[Problem], console: Console) -> None:
    """Print the lines of the published lists that name no pair."""
    for number, problem in enumerate(problems[:SHOWN], 1):
        console.say(f"left out: {printable(problem.path)}: {printable(problem.reason)}", Colour.BAD)
        if number == min(len(problems), SHOWN) or problems[number].remedy != problem.remedy:  # once for lines of one remedy
            console.say(f"  → {printable(problem.remedy)}")
    if len(problems) > SHOWN:
        console.say(f"left out: {len(problems) - SHOWN} more lines that name no pair", Colour.BAD)


def export_tree(plan: ExportPlan, mover: Mover, console: Console) -> ExitCode:
    """Write a tree for other loaders; items that lack an artefact are left out.

    Raises:
        UsageError: no item is complete. OutputError: a pair list exists with other lines.
    """
    for item, path in list(plan.missing.items())[:SHOWN]:
        console.say(f"left out: {item} has no {path}", Colour.WARN)
    if len(plan.missing) > SHOWN:
        console.say(f"left out: {len(plan.missing) - SHOWN} more", Colour.WARN)
    if not plan.transfers:
        raise UsageError("no pair has all the artefacts that such a tree needs", "python run.py --until cloth")
    changed = [path for path, text in plan.lists.items() if path.exists() and path.read_text("utf-8") != text]
    if changed:
        raise OutputError(f"{changed[0]} exists with other lines", "export into an empty folder, or move the list away")
    _move_all(plan.transfers, mover, console)
    for path, text in plan.lists.items():
        if not mover.dry_run:
            write_whole(path, text)
    _report(mover, console)
    return ExitCode.ITEMS_FAILED if plan.missing or mover.counts.damaged else ExitCode.DONE


def _move_all(every: Iterable[Transfer], mover: Mover, console: Console) -> None:
    moves = list(every)
    console.start_bar("files", len(moves))
    for transfer in moves:
        mover.move(transfer)
        console.advance()
    console.close_bar()


def _report(mover: Mover, console: Console) -> None:
    counts, would = mover.counts, "would be " if mover.dry_run else ""
    console.say(f"{would}linked or copied: {counts.linked}, {would}converted: {counts.converted}, unchanged: {counts.unchanged}")
    for problem in counts.damaged[:SHOWN]:
        console.say(f"left out: {problem}", Colour.BAD)
    if len(counts.damaged) > SHOWN:
        console.say(f"left out: {len(counts.damaged) - SHOWN} more damaged files", Colour.BAD)
    for path in counts.kept[:SHOWN]:
        console.say(f"left alone: {path} exists with other contents", Colour.WARN)
    if len(counts.kept) > SHOWN:
        console.say(f"left alone: {len(counts.kept) - SHOWN} more files with other contents", Colour.WARN)
    if counts.kept:
        console.say("  → remove those files to get the published ones, or import into other folders: --inputs --outputs")
