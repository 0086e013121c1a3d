"""The pairs of an import in the project's own pair list, which is continued in the form that its user gave it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.core.errors import UsageError
from pipeline.core.inputs.collection import discover
from pipeline.core.inputs.pair_list.form import Form
from pipeline.core.inputs.pair_list.names import Names
from pipeline.core.inputs.pair_list.reader import PairList, parse_pair_list, read_pair_list
from pipeline.core.inputs.pairs import CURE, garment_names, pair_files, person_names
from pipeline.core.items import Garment, Person
from pipeline.core.layout import INPUT_PREFIX, PAIR_FILES, Layout
from pipeline.core.records.store import Store
from pipeline.datasets.import_plan import ImportPlan


def new_pairs(plan: ImportPlan, layout: Layout) -> tuple[Path, list[tuple[str, str]]]:
    """The project's pair list, and the pairs, as ids of person and garment, that it does not have yet.

    Raises:
        UsageError: it exists and cannot be read.
    """
    file, listed = _listed(plan, layout)
    known = {(person.id, garment.id) for person, garment in listed.pairs}
    return file, [pair for pair in plan.pairs if pair not in known]


def add_pairs(pairs: Sequence[tuple[str, str]], plan: ImportPlan, layout: Layout) -> None:
    """Append pairs to the pair list in its own form; no line that is there is changed.

    Raises:
        UsageError: the list cannot take them, because its form cannot be continued.
    """
    file, listed = _listed(plan, layout)
    before = file.read_bytes() if file.is_file() else b""
    try:
        after = before + (listed.form or Form()).lines(pairs)
    except UnicodeEncodeError as problem:
        raise UsageError(f"{file}: {problem.object[problem.start]!r} is not in {problem.encoding}", "save it as UTF-8") from None
    again = parse_pair_list(after, str(file), *_names(plan, layout), CURE)
    if not set(pairs) <= {(person.id, garment.id) for person, garment in again.pairs}:
        raise UsageError(f"{file}: lines cannot be added to a list of this form", f"move it away: mv '{file}' '{file}.old'")
    store = Store(layout)
    store.replace(store.stage(INPUT_PREFIX + file.name, after))


def _listed(plan: ImportPlan, layout: Layout) -> tuple[Path, PairList[Person, Garment]]:
    """The pair list that takes the lines, and what it says now.

    Raises:
        UsageError: it exists and cannot be read.
    """
    file = next((each for each in pair_files(layout) if each.name != PAIR_FILES[1]), layout.inputs / PAIR_FILES[0])
    if not file.is_file():
        return file, PairList()
    listed = read_pair_list(file, *_names(plan, layout), CURE)
    if listed.form is None:
        raise UsageError(f"{file}: {listed.problems[0].reason}", f"{listed.problems[0].remedy}, or move it away")
    return file, listed


def _names(plan: ImportPlan, layout: Layout) -> tuple[Names[Person], Names[Garment]]:
    """What lines of the list may name: the inputs that exist and the imported ones."""
    there = discover(layout, lambda _: "")
    persons = {each.id: each for each in (*there.persons, *(person for person, _ in plan.people))}
    garments = {each.id: each for each in (*there.garments, *(garment for garment, _ in plan.garments))}
    return person_names(list(persons.values())), garment_names(list(garments.values()))
